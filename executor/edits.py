"""What a modeller has changed on an earlier board, carried over to the model of a new run. Pure.

Elements are found by kind and name, which outlive a changed text better than a position does. Edits are made in their
order, so that a later one speaks of what an earlier one has made. What they leave broken `repair` makes whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from executor.model import (
    Aggregate,
    Command,
    EventStormingModel,
    Level,
    Note,
    Policy,
    Scenario,
    ScenarioClause,
)
from executor.repair import repaired


class Kind(StrEnum):
    """What an edit is about."""

    AGGREGATE = "aggregate"
    COMMAND = "command"
    EVENT = "event"
    READ_MODEL = "read model"
    POLICY = "policy"
    QUESTION = "question"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change of the element of this name, which for a question is its text. Empty: stays as it is."""

    kind: Kind
    name: str
    alias: str = ""
    code_name: str = ""
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A valid model, and what became of the edits, in the user's language."""

    model: EventStormingModel
    notes: tuple[Note, ...] = ()


_KOREAN: Final = {
    Kind.AGGREGATE: "애그리거트",
    Kind.COMMAND: "커맨드",
    Kind.EVENT: "이벤트",
    Kind.READ_MODEL: "리드 모델",
    Kind.POLICY: "폴리시",
    Kind.QUESTION: "질문",
}


def edited(model: EventStormingModel, edits: Sequence[Edit]) -> Edited:
    """The model as the modeller wants it. An edit whose element is not there is told, but for questions: those got an answer."""
    notes = []
    for edit in edits:
        if edit.name in _names(model, edit.kind):
            model = _removed(model, edit) if edit.removed else _renamed(model, edit)
        elif edit.kind is not Kind.QUESTION:
            notes.append(_missing(model, edit))
    whole = repaired(model)
    return Edited(model=whole.model, notes=(*notes, *whole.notes))


def _missing(model: EventStormingModel, edit: Edit) -> Note:
    message = model.language.pick(
        f'Your change of the {edit.kind} "{edit.name}" found nothing to change: this model has none of that name.',
        f"{_KOREAN[edit.kind]} '{edit.name}'에 대한 수정을 적용하지 못했습니다. 이 모델에는 그런 이름이 없습니다.",
    )
    return Note(level=Level.WARNING, message=message, key=f"edit/{edit.kind}/{edit.name}")


_MEMBERS: Final = {Kind.COMMAND: "commands", Kind.EVENT: "events", Kind.READ_MODEL: "read_models"}


def _names(model: EventStormingModel, kind: Kind) -> set[str]:
    match kind:
        case Kind.QUESTION:
            return {question.text for question in model.open_questions}
        case Kind.POLICY:
            return {policy.name for policy in model.policies}
        case Kind.AGGREGATE:
            return {aggregate.name for aggregate in model.aggregates}
    return {element.name for a in model.aggregates for element in getattr(a, _MEMBERS[kind])}


# ---------------------------------------------------------------- taken away


def _removed(model: EventStormingModel, edit: Edit) -> EventStormingModel:
    """Without it, and without what cannot be without it: events that nothing else leads to, commands that lead to nothing else."""
    match edit.kind:
        case Kind.QUESTION:
            return replace(
                model, open_questions=tuple(q for q in model.open_questions if q.text != edit.name)
            )
        case Kind.POLICY:
            left = replace(model, policies=_without(model.policies, {edit.name}))
        case Kind.AGGREGATE:
            left = _without_aggregate(model, edit.name)
        case Kind.COMMAND:
            left = _each(model, lambda a: _without_command(a, edit.name))
        case Kind.EVENT:
            left = _each(model, lambda a: _without_event(a, edit.name))
        case Kind.READ_MODEL:
            left = _each(model, lambda a: replace(a, read_models=_without(a.read_models, {edit.name})))
    kept = set[str]().union(*(_names(left, kind) for kind in Kind))
    gone = set[str]().union(*(_names(model, kind) for kind in Kind)) - kept
    return replace(left, open_questions=tuple(q for q in left.open_questions if q.about not in gone))


def _without(elements: Iterable[Any], names: set[str]) -> tuple[Any, ...]:
    return tuple(element for element in elements if element.name not in names)


def _without_command(aggregate: Aggregate, name: str) -> Aggregate:
    commands = _without(aggregate.commands, {name})
    still = {event for command in commands for event in command.emits}
    lost = {event for c in aggregate.commands if c.name == name for event in c.emits} - still
    return replace(aggregate, commands=commands, events=_without(aggregate.events, lost))


def _without_event(aggregate: Aggregate, name: str) -> Aggregate:
    commands = (
        replace(
            command,
            emits=tuple(event for event in command.emits if event != name),
            scenarios=tuple(s for s in command.scenarios if name not in {c.name for c in s.then}),
        )
        for command in aggregate.commands
        if command.emits != (name,)
    )
    return replace(aggregate, commands=tuple(commands), events=_without(aggregate.events, {name}))


def _without_aggregate(model: EventStormingModel, name: str) -> EventStormingModel:
    """A context that had no other goes too, unless the user decided it."""
    contexts = (
        replace(context, aggregates=_without(context.aggregates, {name}))
        for context in model.bounded_contexts
    )
    return replace(
        model,
        bounded_contexts=tuple(c for c in contexts if c.aggregates or c.ranges_in_description),
        policies=tuple(
            replace(policy, inputs=tuple(i for i in policy.inputs if i.aggregate != name))
            for policy in model.policies
        ),
    )


# ---------------------------------------------------------------- named otherwise


def _renamed(model: EventStormingModel, edit: Edit) -> EventStormingModel:
    def named(element: Any) -> Any:
        if element.name != edit.name:
            return element
        return replace(element, alias=edit.alias or element.alias, name=edit.code_name or element.name)

    names = {edit.name: edit.code_name or edit.name}
    match edit.kind:
        case Kind.QUESTION:
            return model
        case Kind.POLICY:
            model = replace(model, policies=tuple(map(named, model.policies)))
        case Kind.AGGREGATE:
            model = _each(_with_aggregate_named(model, names), named)
        case Kind.COMMAND | Kind.EVENT | Kind.READ_MODEL:
            member = _MEMBERS[edit.kind]

            def changed(aggregate: Aggregate) -> Aggregate:
                members: dict[str, Any] = {member: tuple(map(named, getattr(aggregate, member)))}
                return replace(aggregate, **members)

            model = _each(model, changed)
            model = _each(model, lambda a: _linked(a, edit.kind, names))
            model = replace(
                model, policies=tuple(_led(policy, edit.kind, names) for policy in model.policies)
            )
    asked = (replace(q, about=names.get(q.about, q.about)) for q in model.open_questions)
    return replace(model, open_questions=tuple(asked))


def _with_aggregate_named(model: EventStormingModel, names: dict[str, str]) -> EventStormingModel:
    policies = (
        replace(
            policy,
            inputs=tuple(replace(i, aggregate=names.get(i.aggregate, i.aggregate)) for i in policy.inputs),
        )
        for policy in model.policies
    )
    return replace(
        _each(model, lambda aggregate: _given(_referring(aggregate, names), names)), policies=tuple(policies)
    )


def _referring(aggregate: Aggregate, names: dict[str, str]) -> Aggregate:
    """Its fields keep the identity of the aggregate under its new name."""
    fields = (replace(f, references=names.get(f.references, f.references)) for f in aggregate.fields)
    return replace(aggregate, fields=tuple(fields))


def _given(aggregate: Aggregate, names: dict[str, str]) -> Aggregate:
    """Its examples start from the aggregate under its new name."""

    def started(example: Any) -> Any:
        return replace(example, given=_called(example.given, names))

    commands = (
        replace(
            command,
            scenarios=tuple(map(started, command.scenarios)),
            refusals=tuple(map(started, command.refusals)),
        )
        for command in aggregate.commands
    )
    return replace(aggregate, commands=tuple(commands))


def _linked(aggregate: Aggregate, kind: Kind, names: dict[str, str]) -> Aggregate:
    """Commands lead to the event, and examples speak of the command or event, under its new name."""

    def scenario(s: Scenario) -> Scenario:
        if kind is Kind.COMMAND:
            return replace(s, when=_called(s.when, names))
        return replace(s, then=tuple(_called(clause, names) for clause in s.then))

    def command(c: Command) -> Command:
        if kind is Kind.READ_MODEL:
            return c
        refusals = c.refusals
        if kind is Kind.COMMAND:
            refusals = tuple(replace(r, when=_called(r.when, names)) for r in refusals)
        emits = tuple(names.get(e, e) for e in c.emits) if kind is Kind.EVENT else c.emits
        return replace(c, emits=emits, scenarios=tuple(map(scenario, c.scenarios)), refusals=refusals)

    return replace(aggregate, commands=tuple(map(command, aggregate.commands)))


def _led(policy: Policy, kind: Kind, names: dict[str, str]) -> Policy:
    if kind is Kind.COMMAND:
        return replace(policy, commands=tuple(names.get(c, c) for c in policy.commands))
    if kind is Kind.EVENT:
        results = tuple(names.get(r, r) for r in policy.results)
        return replace(policy, trigger=names.get(policy.trigger, policy.trigger), results=results)
    return policy


def _called(clause: ScenarioClause, names: dict[str, str]) -> ScenarioClause:
    return replace(clause, name=names.get(clause.name, clause.name))


def _each(model: EventStormingModel, change: Callable[[Aggregate], Aggregate]) -> EventStormingModel:
    contexts = (
        replace(context, aggregates=tuple(map(change, context.aggregates)))
        for context in model.bounded_contexts
    )
    return replace(model, bounded_contexts=tuple(contexts))
