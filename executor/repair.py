"""Makes a model valid: the nearest one that keeps every invariant about structure, and what had to be done for it.

The one place where validity is decided in this program: steps only reduce answers to what can be a model. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from typing import TypeVar

from executor.model import (
    Actor,
    Aggregate,
    AggregateReference,
    BoundedContext,
    Command,
    Event,
    EventStormingModel,
    ExternalSystem,
    Field,
    Language,
    Level,
    Note,
    OpenQuestion,
    Policy,
    ReadModel,
    Scenario,
    ScenarioClause,
    known_type,
    loose,
    once,
    owners_of_screens,
)
from executor.tenses import imperative, past_tense, same_verb

RESERVED_CONTEXT_NAMES = ("ui",)  # the canvas keeps its site map under this name


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """Names the user asked for literally."""

    commands: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    read_models: frozenset[str] = frozenset()


NOTHING_REQUIRED = Required()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A valid model, and what had to be done for it, in the user's language."""

    model: EventStormingModel
    notes: tuple[Note, ...] = ()


def repaired(model: EventStormingModel, required: Required = NOTHING_REQUIRED) -> Repaired:
    """The nearest model that keeps every invariant about structure. What is whole comes back unchanged.

    Requested names are kept, others give way. Never drops a command, event or read model except an exact double within
    one aggregate. What is missing altogether (a requested name, a screen of a finished model) is not invented here.
    """
    remarks = _Remarks(model.language)
    elements = _Elements(remarks)
    names = _Names(required, remarks)
    contexts = names.unique(elements.contexts(model.bounded_contexts))
    model = names.linked(_kept_links(replace(model, bounded_contexts=contexts)))
    return Repaired(model=model, notes=tuple(remarks.notes))


def with_valid_links(model: EventStormingModel) -> EventStormingModel:
    """The model with the policies and references that are valid: all that a model can lack whose elements are whole.

    Much cheaper than `repaired`, and the same for such a model; the graph shows its growing model with it.
    """
    names = _Names(NOTHING_REQUIRED, _Remarks(model.language))
    names.take_all(model)
    return names.linked(model)


class _Remarks:
    """What one repair says, each sentence once."""

    def __init__(self, language: Language) -> None:
        self.notes: list[Note] = []
        self.language = language

    def say(self, key: str, english: str, korean: str) -> None:
        note = Note(level=Level.WARNING, message=self.language.pick(english, korean), key=f"repair/{key}")
        if note not in self.notes:
            self.notes.append(note)

    def renamed(self, name: str, given: str) -> None:
        if given != name:
            self.say(
                f"renamed/{name}/{given}",
                f'"{name}" was renamed to "{given}", because the name was taken or reserved.',
                f"이름이 이미 쓰였거나 예약되어 있어 '{name}'을(를) '{given}'(으)로 바꾸었습니다.",
            )


# ---------------------------------------------------------------- each element by itself


class _Elements:
    """Contexts and aggregates with names of their own, sound types and fields; commands and events that lead to one another."""

    def __init__(self, remarks: _Remarks) -> None:
        self._remarks = remarks

    def contexts(self, contexts: Sequence[BoundedContext]) -> tuple[BoundedContext, ...]:
        taken: set[str] = set()
        seen: set[str] = set()
        renamed = []
        for context in contexts:
            name = self._context_name(context.name, taken)
            aggregates = tuple(self._aggregate(a, name, seen) for a in context.aggregates)
            renamed.append(replace(context, name=name, aggregates=_numbered(aggregates)))
        return _numbered(tuple(renamed))

    def _context_name(self, name: str, taken: set[str]) -> str:
        wanted = name.strip() and name
        if wanted in RESERVED_CONTEXT_NAMES:
            wanted = f"{wanted.capitalize()}Context"
        given = _free(wanted or "Context", taken)
        self._remarks.renamed(name, given)
        return given

    def _aggregate(self, aggregate: Aggregate, context: str, taken: set[str]) -> Aggregate:
        wanted = aggregate.name if aggregate.name.strip() else "Aggregate"
        name = _free(wanted if wanted.casefold() not in taken else f"{context}{wanted}", taken)
        self._remarks.renamed(aggregate.name, name)
        return self._connected(_with_fields(self._with_types(replace(aggregate, name=name))))

    def _with_types(self, aggregate: Aggregate) -> Aggregate:
        """Types of different names, none of them empty."""
        own = {aggregate.name.casefold()}
        objects = once((v for v in aggregate.value_objects if v.fields), taken=own)
        own.update(v.name.casefold() for v in objects)
        enumerations = once((e for e in aggregate.enumerations if e.items), taken=own)
        for empty in (
            *(v.name for v in aggregate.value_objects if not v.fields),
            *(e.name for e in aggregate.enumerations if not e.items),
        ):
            self._remarks.say(
                f"empty/{aggregate.name}/{empty}",
                f'"{empty}" of {aggregate.name} was left out, because it has no content.',
                f"{aggregate.name}의 '{empty}'은(는) 내용이 없어 제외했습니다.",
            )
        return replace(aggregate, value_objects=objects, enumerations=enumerations)

    def _connected(self, aggregate: Aggregate) -> Aggregate:
        """Every command emits an event, and every event is emitted."""
        items = {item.value for e in aggregate.enumerations for item in e.items}
        events = [
            e if not e.state or e.state in items else replace(e, state="") for e in once(aggregate.events)
        ]
        commands = [self._emitting(command, events) for command in once(aggregate.commands)]
        emitted = {name for command in commands for name in command.emits}
        for event in events:
            if event.name not in emitted:
                self._lead_to(event, commands)
        return replace(
            aggregate,
            commands=tuple(commands),
            events=tuple(events),
            read_models=once(aggregate.read_models),
        )

    def _emitting(self, command: Command, events: list[Event]) -> Command:
        """It emits what it names and exists, else the event of the same verb, else one made for it."""
        known = {e.name for e in events}
        emits = tuple(dict.fromkeys(name for name in command.emits if name in known))
        emits = emits or (self._event_for(command, events),)
        return command if emits == command.emits else replace(command, emits=emits)

    def _event_for(self, command: Command, events: list[Event]) -> str:
        name = past_tense(command.name)
        for event in events:
            if same_verb(command.name, event.name):
                return event.name
        for event in events:
            if event.name.casefold() == name.casefold():
                return event.name
        alias = command.alias and self._remarks.language.pick(name, f"{command.alias}됨")
        events.append(Event(name=name, alias=alias, ranges=command.ranges))
        self._remarks.say(
            f"event/{name}",
            f'The command "{command.name}" named no event, so the event "{name}" was added.',
            f"커맨드 '{command.name}'에 이벤트가 없어 '{name}' 이벤트를 추가했습니다.",
        )
        return name

    def _lead_to(self, event: Event, commands: list[Command]) -> None:
        """The command of the same verb emits the event, else one made from the event's name."""
        for i, command in enumerate(commands):
            if same_verb(command.name, event.name):
                commands[i] = replace(command, emits=(*command.emits, event.name))
                return
        name = _free(imperative(event.name), {c.name.casefold() for c in commands})
        commands.append(Command(name=name, emits=(event.name,), ranges=event.ranges))
        self._remarks.say(
            f"command/{name}",
            f'Nothing led to the event "{event.name}", so the command "{name}" was added.',
            f"'{event.name}' 이벤트를 일으키는 것이 없어 '{name}' 커맨드를 추가했습니다.",
        )


def _with_fields(aggregate: Aggregate) -> Aggregate:
    """Fields of different names and known types, at least one of them a key."""

    def tidy(fields: Sequence[Field]) -> tuple[Field, ...]:
        types = aggregate.type_names
        return tuple(f if known_type(f.type, types) else replace(f, type="String") for f in once(fields))

    return replace(
        aggregate,
        fields=_with_key(tidy(aggregate.fields)),
        value_objects=tuple(
            replace(v, fields=tidy(v.fields) or (Field(name="value", type="String"),))
            for v in aggregate.value_objects
        ),
        commands=tuple(replace(c, fields=tidy(c.fields)) for c in aggregate.commands),
        events=tuple(replace(e, fields=tidy(e.fields)) for e in aggregate.events),
        read_models=tuple(
            replace(r, parameters=tidy(r.parameters), columns=tidy(r.columns)) for r in aggregate.read_models
        ),
    )


def _with_key(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """With a key: one that is there, else the field called id, else a new one in front."""
    if any(field.is_key for field in fields):
        return fields
    if all(field.name.casefold() != "id" for field in fields):
        return (Field(name="id", type="Long", is_key=True), *fields)
    return tuple(replace(f, is_key=True) if f.name.casefold() == "id" else f for f in fields)


# ---------------------------------------------------------------- names in the whole model

_Given = dict[tuple[str, str], str]
"""New names of an aggregate's elements, by their kind and old name."""

_Element = TypeVar("_Element", Command, Event, ReadModel)


class _Names:
    """The names and display names that are taken in the whole model, and what may carry which."""

    def __init__(self, required: Required, remarks: _Remarks) -> None:
        self._required = required
        self._remarks = remarks
        self._kinds: dict[str, set[str]] = {}  # folded name -> kinds that carry it
        self._aliases: set[str] = set()

    def take_all(self, model: EventStormingModel) -> None:
        """Names and display names of a model whose elements are whole."""
        for aggregate in model.aggregates:
            self._take(aggregate.name, "aggregate")
            for element in (*owners_of_screens(aggregate), *aggregate.events):
                self._take(element.name, "element")
                self._aliases.add(_blank_free(element.alias))

    def unique(self, contexts: Sequence[BoundedContext]) -> tuple[BoundedContext, ...]:
        """Commands, events and read models of different names; those asked for literally choose first."""
        aggregates = [a for context in contexts for a in context.aggregates]
        for aggregate in aggregates:
            self._take(aggregate.name, "aggregate")
        given: list[_Given] = [{} for _ in aggregates]
        for literal in (True, False):
            for aggregate, names in zip(aggregates, given, strict=True):
                names |= self._given(aggregate, literal=literal)
        renamed = (self._renamed(a, names) for a, names in zip(aggregates, given, strict=True))
        return tuple(
            replace(context, aggregates=tuple(islice(renamed, len(context.aggregates))))
            for context in contexts
        )

    def linked(self, model: EventStormingModel) -> EventStormingModel:
        """With valid policies, references and actors."""
        model = replace(model, policies=_numbered(tuple(self._policies(model))))
        return replace(
            model,
            references=_references(model),
            actors=_actors(model),
            external_systems=_numbered(once(model.external_systems)),
            open_questions=tuple(_questions(model)),
        )

    def _take(self, name: str, kind: str) -> None:
        self._kinds.setdefault(name.casefold(), set()).add(kind)

    def _given(self, aggregate: Aggregate, *, literal: bool) -> _Given:
        required = self._required
        return {
            (kind, e.name): self._name(kind, e.name, aggregate.name, literal=literal)
            for kind, wanted, elements in (
                ("command", required.commands, aggregate.commands),
                ("event", required.events, aggregate.events),
                ("read model", required.read_models, aggregate.read_models),
            )
            for e in elements
            if (e.name in wanted) is literal
        }

    def _name(self, kind: str, wanted: str, owner: str, *, literal: bool = False) -> str:
        second = f"{owner}{wanted}" if kind == "read model" else f"{wanted}{owner}"
        candidates = chain((wanted, second), (f"{wanted}{n}" for n in count(2)))
        given = next(c for c in candidates if self._is_free(kind, c, literal=literal))
        self._take(given, kind)
        self._remarks.renamed(wanted, given)
        return given

    def _is_free(self, kind: str, name: str, *, literal: bool) -> bool:
        kinds = self._kinds.get(name.casefold(), set())
        return bool(name.strip()) and (kind not in kinds if literal else not kinds)

    def _renamed(self, aggregate: Aggregate, given: _Given) -> Aggregate:
        owner = aggregate.alias or aggregate.name
        fields = {event.name: event.fields for event in aggregate.events}
        commands = [
            replace(
                c,
                emits=tuple(given["event", name] for name in c.emits),
                scenarios=tuple(_rename(s, given) for s in c.scenarios if _fits(s, aggregate, c, fields)),
                refusals=tuple(
                    replace(r, when=replace(r.when, name=given["command", r.when.name]))
                    for r in c.refusals
                    if _covers(r.given, aggregate.name, aggregate.fields)
                    and _covers(r.when, c.name, c.fields)
                ),
            )
            for c in aggregate.commands
        ]

        def named(kind: str, elements: Sequence[_Element]) -> tuple[_Element, ...]:
            return _numbered(
                tuple(
                    replace(e, name=given[kind, e.name], alias=self._alias(e.alias, owner)) for e in elements
                )
            )

        return replace(
            aggregate,
            commands=named("command", commands),
            events=named("event", aggregate.events),
            read_models=named("read model", aggregate.read_models),
        )

    def _alias(self, alias: str, owner: str) -> str:
        """The display name, made unique over the whole model; an empty one stays empty."""
        if not _blank_free(alias):
            return ""
        candidates = chain((alias, f"{alias} ({owner})"), (f"{alias} {n}" for n in count(2)))
        given = next(c for c in candidates if _blank_free(c) not in self._aliases)
        self._aliases.add(_blank_free(given))
        return given

    def _policies(self, model: EventStormingModel) -> Iterator[Policy]:
        kept: list[Policy] = []
        for policy in model.policies:
            whole = _led(policy, model)
            if whole is None or _circles(whole, kept):
                self._dropped(policy)
            else:
                _keep(whole, kept)
        for policy in kept:
            name = self._name("policy", policy.name if policy.name.strip() else "Policy", "Policy")
            yield replace(
                policy, name=name, alias=self._alias(policy.alias, _occasion(policy, model) or name)
            )

    def _dropped(self, policy: Policy) -> None:
        self._remarks.say(
            f"policy/{policy.bounded_context}/{policy.name}/{policy.trigger}",
            f'The policy "{policy.alias or policy.name}" was left out: it does not lead from an event or a time to another '
            "event, or goes round in a circle.",
            f"'{policy.alias or policy.name}' 폴리시는 이벤트나 시점에서 다른 이벤트로 이어지지 않거나 서로 맞물려 돌아 제외했습니다.",
        )


def _blank_free(text: str) -> str:
    return "".join(text.split()).casefold()


def _free(name: str, taken: set[str]) -> str:
    """The name, numbered if it is taken; takes it."""
    given = next(c for c in chain((name,), (f"{name}{n}" for n in count(2))) if c.casefold() not in taken)
    taken.add(given.casefold())
    return given


_Ordered = TypeVar("_Ordered", BoundedContext, Aggregate, Command, Event, ReadModel, Policy, ExternalSystem)


def _numbered(items: tuple[_Ordered, ...]) -> tuple[_Ordered, ...]:
    """Ordinals kept where they already ascend; else counted anew from 1, newcomers last."""
    ordinals = [item.ordinal for item in items if item.ordinal]
    if ordinals != sorted(set(ordinals)):
        return tuple(replace(item, ordinal=n) for n, item in enumerate(items, 1))
    new = count(max(ordinals, default=0) + 1)
    numbered = [item if item.ordinal else replace(item, ordinal=next(new)) for item in items]
    return tuple(sorted(numbered, key=lambda item: item.ordinal))


# ---------------------------------------------------------------- what refers to names


def _fits(s: Scenario, aggregate: Aggregate, command: Command, events: dict[str, tuple[Field, ...]]) -> bool:
    """Whether a scenario names its own aggregate, command and emitted events, and covers their fields."""
    then = [clause.name for clause in s.then]
    return (
        _covers(s.given, aggregate.name, aggregate.fields)
        and _covers(s.when, command.name, command.fields)
        and bool(then)
        and len(set(then)) == len(then)
        and all(c.name in command.emits and _covers(c, c.name, events.get(c.name, ())) for c in s.then)
    )


def _covers(clause: ScenarioClause, name: str, fields: Sequence[Field]) -> bool:
    return clause.name == name and [v.field for v in clause.values] == [f.name for f in fields]


def _rename(s: Scenario, given: _Given) -> Scenario:
    when = replace(s.when, name=given["command", s.when.name])
    return replace(
        s, when=when, then=tuple(replace(clause, name=given["event", clause.name]) for clause in s.then)
    )


def _led(policy: Policy, model: EventStormingModel) -> Policy | None:
    """The policy with what exists of its ends; None when nothing starts it or nothing follows."""
    owners = model.event_owners
    started = policy.trigger in owners or (not policy.trigger and policy.timer)
    results = tuple(
        dict.fromkeys(r for r in policy.results if r in owners and (r != policy.trigger or _parted(policy)))
    )
    if not started or not results:
        return None
    homes = {e.name: c.name for c in model.bounded_contexts for a in c.aggregates for e in a.events}
    contexts = {c.name for c in model.bounded_contexts}
    home = policy.bounded_context if policy.bounded_context in contexts else homes[results[0]]
    emitters = {c.name for a in model.aggregates for c in a.commands if set(c.emits).intersection(results)}
    commands = tuple(c for c in policy.commands if c in emitters)
    return replace(policy, results=results, commands=commands, bounded_context=home)


def _circles(policy: Policy, before: Sequence[Policy]) -> bool:
    """Whether an earlier policy leads back, and nothing lies between: the two would never end."""
    return not _parted(policy) and any(
        policy.trigger in p.results and p.trigger in policy.results and not _parted(p) for p in before
    )


def _parted(policy: Policy) -> bool:
    """Whether a time or a condition lies between its trigger and what follows."""
    return bool(policy.timer or policy.condition)


def _occasion(policy: Policy, model: EventStormingModel) -> str:
    """When a policy acts, in the user's words."""
    trigger = next((e for a in model.aggregates for e in a.events if e.name == policy.trigger), None)
    return policy.timer or (trigger.alias if trigger else "")


def _keep(policy: Policy, kept: list[Policy]) -> None:
    """Adds it, or what it knows to the one that says the same. Two conditions make two policies."""
    for i, twin in enumerate(kept):
        same = (twin.trigger, twin.results) == (policy.trigger, policy.results)
        if same and _alike(twin.condition, policy.condition) and _alike(twin.timer, policy.timer):
            kept[i] = replace(
                twin,
                condition=twin.condition or policy.condition,
                timer=twin.timer or policy.timer,
                reason=twin.reason or policy.reason,
            )
            return
    kept.append(policy)


def _alike(one: str, other: str) -> bool:
    """Whether two conditions may be the same; none fits any."""
    return not one or not other or _blank_free(one) == _blank_free(other)


def _references(model: EventStormingModel) -> tuple[AggregateReference, ...]:
    """As the roots keep them, one direction for each two."""
    known = {a.name for a in model.aggregates}
    kept: dict[frozenset[str], AggregateReference] = {}
    for aggregate in model.aggregates:
        for field in aggregate.fields:
            found = AggregateReference(from_aggregate=aggregate.name, to_aggregate=field.references)
            if len(found.pair) == 2 and field.references in known:
                same = kept.setdefault(found.pair, found)
                if same.to_aggregate == field.references:
                    kept[found.pair] = replace(same, fields=(*same.fields, field.name))
    return tuple(kept.values())


def _kept_links(model: EventStormingModel) -> EventStormingModel:
    """Fields refer only to what their aggregate refers to, commands call only systems that exist."""
    allowed = {(r.from_aggregate, r.to_aggregate) for r in _references(model)}
    systems = {system.name for system in model.external_systems}

    def tidy(aggregate: Aggregate) -> Aggregate:
        return replace(
            aggregate,
            fields=tuple(
                f
                if not f.references or (aggregate.name, f.references) in allowed
                else replace(f, references="")
                for f in aggregate.fields
            ),
            commands=tuple(
                replace(c, external_systems=tuple(s for s in c.external_systems if s in systems))
                for c in aggregate.commands
            ),
        )

    contexts = (replace(c, aggregates=tuple(map(tidy, c.aggregates))) for c in model.bounded_contexts)
    return replace(model, bounded_contexts=tuple(contexts))


def _questions(model: EventStormingModel) -> Iterator[OpenQuestion]:
    """Each once, about something that exists, numbered. One whose context is known stays there: its ranges count in that text."""
    homes = {loose(c.name): ("", c.name) for c in model.bounded_contexts}
    for context in model.bounded_contexts:
        for a in context.aggregates:
            for element in (a, *owners_of_screens(a), *a.events):
                homes.setdefault(loose(element.name), (element.name, context.name))
    for policy in model.policies:
        homes.setdefault(loose(policy.name), (policy.name, policy.bounded_context))
    contexts = {c.name for c in model.bounded_contexts}
    seen: set[str] = set()
    for question in model.open_questions:
        about, home = homes.get(loose(question.about) or "-", ("", ""))
        home = question.bounded_context if question.bounded_context in contexts else home
        if question.text.strip() and _blank_free(question.text) not in seen:
            seen.add(_blank_free(question.text))
            yield replace(question, about=about, bounded_context=home, ordinal=len(seen))


def _actors(model: EventStormingModel) -> tuple[Actor, ...]:
    """Whom commands and read models name, systems apart, in order of appearance; known display names are kept."""
    known = {actor.name: actor for actor in model.actors}
    systems = {system.name for system in model.external_systems}
    owners = (owner for a in model.aggregates for owner in owners_of_screens(a))
    names = dict.fromkeys(
        owner.actor for owner in owners if owner.actor.strip() and owner.actor not in systems
    )
    return tuple(known.get(name, Actor(name=name, alias=name)) for name in names)
