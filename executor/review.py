"""Looks at a model as a whole, as a modeller would: mends what code can mend, and makes an open question of the rest.

`repair` makes a model valid; here it becomes consistent. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from executor.model import (
    Aggregate,
    BoundedContext,
    Command,
    CommandKind,
    Enumeration,
    Event,
    EventStormingModel,
    Field,
    Language,
    Level,
    Note,
    OpenQuestion,
    Policy,
    PolicyInput,
    ReadModel,
    loose,
    once,
)
from executor.repair import with_valid_links

_REFUSING = re.compile(
    r"\b(?:cannot|can't|can not|may not|must|has to|have to|only|unless|at most|no more than|never|nothing|nobody|no one|not allowed"
    r"|forbidden)\b"
    r"|없|못한다|못 한|지 못|지 않|않으면|안 된|안 되|야\s?[하한합되된됩]|(?<![지다\d])만[이을]?(?![가-힣])|이하|까지|최대|불가|금지|초과",
    re.IGNORECASE,
)


def refusing(rules: Iterable[str]) -> tuple[str, ...]:
    """The rules that something is refused by."""
    return tuple(rule for rule in rules if _REFUSING.search(rule))


# ---------------------------------------------------------------- when all names are known


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A model, and what was done to it, in the user's language."""

    model: EventStormingModel
    notes: tuple[Note, ...] = ()


def joined(model: EventStormingModel, roles: Sequence[str], literal: Iterable[str]) -> Reviewed:
    """One actor and one read model for what several drafts name differently; names in `literal` were asked for and stay.

    Events that a status speaks of lead to it, also where the draft did not say so.
    """
    actors = _Actors(roles, {system.name.casefold(): system.name for system in model.external_systems})
    views = _Views(set(literal), common=not any(c.ranges_in_description for c in model.bounded_contexts))
    contexts = tuple(
        replace(context, aggregates=tuple(views.kept(actors.named(_stated(a))) for a in context.aggregates))
        for context in model.bounded_contexts
    )
    contexts = tuple(
        replace(context, aggregates=tuple(map(views.filled, context.aggregates))) for context in contexts
    )
    notes = (*actors.notes(model.language), *views.notes(model.language))
    return Reviewed(model=replace(model, bounded_contexts=contexts), notes=notes)


class _Actors:
    """Each role and each system under one name: that of the text's list of roles, else the first."""

    def __init__(self, roles: Sequence[str], systems: Mapping[str, str]) -> None:
        self._known = [*roles]
        self._systems = systems
        self._merged: dict[str, str] = {}

    def named(self, aggregate: Aggregate) -> Aggregate:
        return replace(
            aggregate,
            commands=tuple(
                replace(
                    c,
                    actor=self._name(c.actor),
                    external_systems=tuple(
                        dict.fromkeys(self._systems[s.casefold()] for s in c.external_systems)
                    ),
                )
                for c in aggregate.commands
            ),
            read_models=tuple(replace(r, actor=self._name(r.actor)) for r in aggregate.read_models),
        )

    def _name(self, actor: str) -> str:
        if not actor.strip() or actor in self._known or actor.casefold() in self._systems:
            return self._systems.get(actor.casefold(), actor.strip())
        same = next((known for known in self._known if _same_role(known, actor)), None)
        if same is None:
            self._known.append(actor)
            return actor
        self._merged[actor] = same
        return same

    def notes(self, language: Language) -> Iterator[Note]:
        for actor, known in self._merged.items():
            yield _note(
                f"actor/{actor}",
                language.pick(
                    f'"{actor}" and "{known}" are one role: {known}.',
                    f"'{actor}'와(과) '{known}'은(는) 같은 역할입니다: {known}",
                ),
            )


def _same_role(one: str, other: str) -> bool:
    """Whether two names mean one role: but for blanks, case and plural, or one is short for the other."""
    a, b = sorted((loose(one).removesuffix("s"), loose(other).removesuffix("s")), key=len)
    single = a.isascii() and not any(re.search(r"\s|[a-z][A-Z]", name.strip()) for name in (one, other))
    return a == b or (single and len(a) > 3 and b.startswith(a))


class _Views:
    """Each read model once: those of one name or display name are one, which shows what any of them shows."""

    def __init__(self, literal: set[str], *, common: bool) -> None:
        """`common`: all source ranges count in one text."""
        self._literal, self._common = literal, common
        self._first: dict[str, ReadModel] = {}
        self._merged: list[tuple[ReadModel, str]] = []

    def kept(self, aggregate: Aggregate) -> Aggregate:
        """The aggregate without read models that others show already."""
        kept = []
        for view in aggregate.read_models:
            keys = {loose(view.name), loose(view.alias)} - {""}
            first = next((self._first[key] for key in keys if key in self._first), None)
            if first is None or view.name in self._literal:
                self._first.update(dict.fromkeys(keys, view))
                kept.append(view)
            else:
                self._merged.append((view, first.name))
        return replace(aggregate, read_models=tuple(kept))

    def filled(self, aggregate: Aggregate) -> Aggregate:
        """The aggregate whose read models show what those shows that became one with them."""

        def whole(view: ReadModel) -> ReadModel:
            same = [other for other, name in self._merged if name == view.name]
            return replace(
                view,
                columns=once((*view.columns, *(f for other in same for f in other.columns))),
                actor=view.actor or next((other.actor for other in same if other.actor), ""),
                ranges=tuple(
                    dict.fromkeys(
                        (*view.ranges, *(r for other in same for r in other.ranges if self._common))
                    )
                ),
            )

        return replace(aggregate, read_models=tuple(map(whole, aggregate.read_models)))

    def notes(self, language: Language) -> Iterator[Note]:
        for view, name in self._merged:
            label = view.alias or view.name
            yield _note(
                f"read_model/{view.name}/{name}",
                language.pick(
                    f'The read model "{label}" was named twice and is one: {name}.',
                    f"리드 모델 '{label}'이(가) 두 번 나와 하나로 합쳤습니다: {name}",
                ),
            )


def _note(key: str, message: str) -> Note:
    return Note(level=Level.INFO, message=message, key=f"review/{key}")


def _stated(aggregate: Aggregate) -> Aggregate:
    """Events whose name speaks of a state that no event leads to, lead to it."""
    reached = {event.state for event in aggregate.events}
    open_items = [i.value for e in _statuses(aggregate) for i in e.items if i.value not in reached]
    events = (
        event
        if event.state
        else replace(event, state=next((v for v in open_items if _speaks_of(event, v)), ""))
        for event in aggregate.events
    )
    return replace(aggregate, events=tuple(events))


def _speaks_of(event: Event, state: str) -> bool:
    """BookingCancelled of CANCELLED, LoanBecameOverdue of OVERDUE."""
    return loose(event.name).endswith(loose(state)) and bool(loose(state))


def _statuses(aggregate: Aggregate) -> list[Enumeration]:
    """The enumerations that say in which state the aggregate is."""
    reached = {event.state for event in aggregate.events if event.state}
    return [
        e
        for e in aggregate.enumerations
        if e.name.endswith(("Status", "State")) or any(item.value in reached for item in e.items)
    ]


# ---------------------------------------------------------------- when everything is known


def reviewed(model: EventStormingModel, unshown: Mapping[str, Sequence[str]]) -> EventStormingModel:
    """The model in which every policy says who knows what its commands need, with an open question for whatever nobody knows,
    for states that nothing leads to, and for rules by aggregate that no refusal shows."""
    model = _worded(model)
    policies, asked = [], list(model.open_questions)
    for policy in model.policies:
        whole, missing = _supplied(policy, model)
        policies.append(whole)
        if missing:
            asked.append(_who_knows(whole, missing, model))
    for context in model.bounded_contexts:
        for aggregate in context.aggregates:
            asked += _unreached(aggregate, context, model.language)
            asked += _unrefused(aggregate, context, unshown.get(aggregate.name, ()), model.language)
    return with_valid_links(replace(model, policies=tuple(policies), open_questions=tuple(asked)))


def _worded(model: EventStormingModel) -> EventStormingModel:
    """The model in which what identifies an aggregate has a display name wherever it stands."""
    names = {
        loose(f.name): f"{a.alias} ID" for a in model.aggregates if a.alias for f in a.fields if f.is_key
    }

    def fields(kept: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(f if f.alias else replace(f, alias=names.get(loose(f.name), "")) for f in kept)

    def worded(aggregate: Aggregate) -> Aggregate:
        return replace(
            aggregate,
            fields=fields(aggregate.fields),
            commands=tuple(replace(c, fields=fields(c.fields)) for c in aggregate.commands),
            events=tuple(replace(e, fields=fields(e.fields)) for e in aggregate.events),
            read_models=tuple(
                replace(r, parameters=fields(r.parameters), columns=fields(r.columns))
                for r in aggregate.read_models
            ),
        )

    contexts = (replace(c, aggregates=tuple(map(worded, c.aggregates))) for c in model.bounded_contexts)
    return replace(model, bounded_contexts=tuple(contexts))


def _unreached(aggregate: Aggregate, context: BoundedContext, language: Language) -> Iterator[OpenQuestion]:
    reached = {event.state for event in aggregate.events}
    for status in _statuses(aggregate):
        left = [item for item in status.items if item.value not in reached]
        names = ", ".join(item.alias or item.value for item in left)
        label = aggregate.alias or aggregate.name
        if left and any(item.value in reached for item in status.items):
            yield OpenQuestion(
                text=language.pick(
                    f"{label}: what leads to the state {names}?",
                    f"{label}: {names} 상태에는 어떻게 이릅니까?",
                ),
                about=aggregate.name,
                bounded_context=context.name,
                ranges=tuple(dict.fromkeys(r for item in left for r in item.ranges)),
            )


def _unrefused(
    aggregate: Aggregate, context: BoundedContext, rules: Iterable[str], language: Language
) -> Iterator[OpenQuestion]:
    for rule in rules:
        yield OpenQuestion(
            text=language.pick(
                f"What is the user told when this rule refuses something: {rule}",
                f"다음 규칙으로 거절할 때 사용자에게 무엇을 알립니까? {rule}",
            ),
            about=aggregate.name,
            bounded_context=context.name,
        )


# ---------------------------------------------------------------- what policies need


def _supplied(policy: Policy, model: EventStormingModel) -> tuple[Policy, list[Field]]:
    """The policy with who knows each parameter that its trigger lacks; and those that nobody knows. Time carries nothing."""
    trigger = next((e for a in model.aggregates for e in a.events if e.name == policy.trigger), None)
    if trigger is None:
        return policy, []
    inputs: dict[str, PolicyInput] = {}
    missing: list[Field] = []
    for aggregate, command in _given(policy, model):
        for field in command.fields:
            if field.name in inputs or _is_decided(field) or _carried(field, aggregate, trigger, model):
                continue
            known = _source(field, aggregate, command, trigger, model)
            if known is None:
                missing.append(field)
            else:
                inputs[field.name] = known
    return replace(policy, inputs=tuple(inputs.values())), list(once(missing))


def _given(policy: Policy, model: EventStormingModel) -> Iterator[tuple[Aggregate, Command]]:
    for aggregate in model.aggregates:
        yield from ((aggregate, c) for c in aggregate.commands if c.name in policy.commands)


def _identifies(field: Field, owner: Aggregate) -> str:
    """The aggregate whose identity a field of this owner carries, or ""."""
    own = any(f.is_key and loose(f.name) == loose(field.name) for f in owner.fields)
    return field.references or (owner.name if own else "")


def _carried(field: Field, owner: Aggregate, trigger: Event, model: EventStormingModel) -> bool:
    """Whether the trigger has it: under its name, or as the identity of the same thing."""
    source = next(a for a in model.aggregates if any(e.name == trigger.name for e in a.events))
    if any(loose(f.name) == loose(field.name) or _alike(f, field) for f in trigger.fields):
        return True
    wanted = _identifies(field, owner)
    return bool(wanted) and any(_identifies(f, source) == wanted for f in trigger.fields)


def _is_decided(field: Field) -> bool:
    """Whether the policy itself says it: it is there to tell one reason or outcome from the others."""
    return _last_word(field) in _DECIDED


_DECIDED: Final = {"reason", "outcome", "result", "decision", "kind", "type", "status", "state"}


def _alike(one: Field, other: Field) -> bool:
    """Whether two fields that identify nothing are one thing under two names: approvedAmount and committedAmount."""
    same = one.type == other.type and one.type not in ("Long", "String", "Boolean", "Date")
    return same and _last_word(one) == _last_word(other) and not one.references and not other.references


def _last_word(field: Field) -> str:
    return re.split(r"(?<=[a-z0-9])(?=[A-Z])", field.name)[-1].casefold()


def _source(
    field: Field, owner: Aggregate, command: Command, trigger: Event, model: EventStormingModel
) -> PolicyInput | None:
    """An aggregate that keeps it and that the trigger leads to: its own, one it identifies, one that keeps what it identifies.
    Not the one that the command is about to create."""
    source = next(a for a in model.aggregates if any(e.name == trigger.name for e in a.events))
    led_to = {
        found: f.name
        for f in (*trigger.fields, *(f for f in source.fields if f.is_key))
        if (found := _identifies(f, source))
    }
    created = owner.name if command.kind is CommandKind.CREATE else ""
    there = [a for a in dict.fromkeys((source, owner, *model.aggregates)) if a.name != created]
    for keeps in (_keeps_it, _keeps_alike):
        for aggregate in there:
            if not any(keeps(f, field) for f in aggregate.fields):
                continue
            if aggregate.name in led_to:
                return PolicyInput(parameter=field.name, aggregate=aggregate.name, by=led_to[aggregate.name])
            kept = next((f.references for f in aggregate.fields if f.references in led_to), "")
            if kept:
                return PolicyInput(parameter=field.name, aggregate=aggregate.name, by=led_to[kept])
    return None


def _keeps_it(kept: Field, wanted: Field) -> bool:
    return loose(kept.name) == loose(wanted.name)


def _keeps_alike(kept: Field, wanted: Field) -> bool:
    """Under another name: what identifies the same thing, or is the same thing."""
    return (bool(wanted.references) and kept.references == wanted.references) or _alike(kept, wanted)


def _who_knows(policy: Policy, missing: Sequence[Field], model: EventStormingModel) -> OpenQuestion:
    names = ", ".join(field.alias or field.name for field in missing)
    label = policy.alias or policy.name
    return OpenQuestion(
        text=model.language.pick(
            f"{label}: who knows {names} then?", f"{label}: 이때 {names}은(는) 누가 알려 줍니까?"
        ),
        about=policy.name,
        bounded_context=policy.bounded_context,
        ranges=policy.ranges,
    )
