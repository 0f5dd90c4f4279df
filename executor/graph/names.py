"""Step `names`: the commands, events and read models of a bounded context, and which command leads to which event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from langgraph.runtime import Runtime

from executor.graph.answers import AggregateNames, NamesAnswer
from executor.graph.asking import Remarks, ask, joined, lines_for, outcome, shown_others
from executor.graph.identifiers import is_pascal, pascal, words
from executor.graph.question import Unusable
from executor.graph.reduction import lookup, ranges, told
from executor.graph.state import ContextPlan, ContextUnit, DraftAggregate, Outcome, RequiredNames, Run
from executor.model import Command, Event, ReadModel, loose

MOST_ELEMENTS = 60  # commands, events or read models of one aggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What one aggregate offers, as far as names go."""

    commands: tuple[Command, ...] = ()
    events: tuple[Event, ...] = ()
    read_models: tuple[ReadModel, ...] = ()


async def names(state: ContextUnit, runtime: Runtime[Run]) -> Outcome:
    plan = state["plan"]
    remarks = Remarks("names", plan.unit, plan.language)
    answer = await ask(
        runtime, "names", plan.unit, NamesAnswer, _data(plan, remarks), lambda answer: check(answer, plan)
    )
    if isinstance(answer, Unusable):
        remarks.warn(
            f"{plan.alias}: commands, events and read models could not be worked out.",
            f"{plan.alias}: 커맨드, 이벤트, 조회 모델을 만들지 못했습니다.",
        )
    usable = NamesAnswer(aggregates=[]) if isinstance(answer, Unusable) else answer
    return outcome("names", plan.unit, reduced(usable, plan, remarks), remarks, answer)


def _data(plan: ContextPlan, remarks: Remarks) -> dict[str, object]:
    required = plan.required
    return {
        "language": plan.language,
        "context": {
            "name": plan.name,
            "alias": plan.alias,
            "description": "" if plan.ranges_in_description else plan.description,
        },
        "others": shown_others(plan),
        "aggregates": [
            {"name": a.name, "alias": a.alias, "description": a.description} for a in plan.aggregates
        ],
        "required": {
            "commands": list(required.commands),
            "events": list(required.events),
            "read_models": list(required.read_models),
        },
        "lines": lines_for(plan, [word for a in plan.aggregates for word in (a.name, a.alias)], remarks),
    }


def check(answer: NamesAnswer, plan: ContextPlan) -> Iterator[str]:
    known = {a.name for a in plan.aggregates}
    for name in sorted({a.aggregate for a in answer.aggregates} - known):
        yield f'"{name}" is not one of the given aggregates.'
    for name in sorted(known - {a.aggregate for a in answer.aggregates if a.commands}):
        yield f'The aggregate "{name}" has no command.'
    for aggregate in answer.aggregates:
        yield from _unconnected(aggregate)
    yield from _misnamed(answer, plan.required)
    yield from _missing(answer, plan.required)


def _unconnected(aggregate: AggregateNames) -> Iterator[str]:
    events = {event.name for event in aggregate.events}
    emitted = {name for command in aggregate.commands for name in command.emits}
    for command in aggregate.commands:
        if not events.intersection(command.emits):
            yield f'The command "{command.name}" emits no event of "{aggregate.aggregate}".'
    for name in sorted(emitted - events):
        yield f'"{name}" is emitted but is no event of "{aggregate.aggregate}".'
    for name in sorted(events - emitted):
        yield f'No command of "{aggregate.aggregate}" emits the event "{name}".'


def _misnamed(answer: NamesAnswer, required: RequiredNames) -> Iterator[str]:
    literal = {*required.commands, *required.events, *required.read_models}
    seen: set[str] = set()
    for name in _all_names(answer):
        if name not in literal and not is_pascal(name):
            yield f'The name "{name}" is not an English PascalCase identifier.'
        if name in seen:
            yield f'The name "{name}" is used twice.'
        seen.add(name)


def _all_names(answer: NamesAnswer) -> Iterator[str]:
    for a in answer.aggregates:
        yield from (command.name for command in a.commands)
        yield from (event.name for event in a.events)
        yield from (read_model.name for read_model in a.read_models)


def _missing(answer: NamesAnswer, required: RequiredNames) -> Iterator[str]:
    present = set(_all_names(answer))
    for name in (*required.commands, *required.events, *required.read_models):
        if name not in present:
            yield f'The required name "{name}" is missing.'


def reduced(answer: NamesAnswer, plan: ContextPlan, remarks: Remarks) -> tuple[Behaviour, ...]:
    """One entry per aggregate of the plan, in its order, with every required name; connections may still be missing."""
    named = _whole(answer, plan) if len(plan.aggregates) == 1 else answer.aggregates
    answered = lookup((a.aggregate, a) for a in named)
    found = [_behaviour(own, plan) if (own := _own(a, answered)) else Behaviour() for a in plan.aggregates]
    known = {loose(word) for a in plan.aggregates for word in (a.name, a.alias)}
    for stranger in [a.aggregate for a in named if loose(a.aggregate) not in known]:
        remarks.warn(
            f'{plan.alias}: what was named for "{stranger}" was left out, because there is no such aggregate.',
            f"{plan.alias}: '{stranger}' 애그리거트가 없어 그에 딸린 것을 제외했습니다.",
        )
    with_required = _with_required(found, plan, remarks)
    _remark(with_required, plan, remarks)
    return tuple(with_required)


def _whole(answer: NamesAnswer, plan: ContextPlan) -> list[AggregateNames]:
    """In a context of one aggregate everything is that aggregate's, whatever it was called."""
    return [
        AggregateNames(
            aggregate=plan.aggregates[0].name,
            commands=[each for a in answer.aggregates for each in a.commands],
            events=[each for a in answer.aggregates for each in a.events],
            read_models=[each for a in answer.aggregates for each in a.read_models],
        )
    ]


def _own(aggregate: DraftAggregate, answered: Mapping[str, AggregateNames]) -> AggregateNames | None:
    """What was answered for an aggregate, by its name or else by its display name."""
    return answered.get(loose(aggregate.name)) or (
        answered.get(loose(aggregate.alias)) if aggregate.alias else None
    )


def _behaviour(answer: AggregateNames, plan: ContextPlan) -> Behaviour:
    lines, required = plan.document, plan.required
    events = _once(
        Event(name=name, alias=told(e.alias), ranges=ranges(e.sources, lines))
        for e in answer.events
        if (name := _name(e.name, required.events))
    )
    commands = _once(
        Command(
            name=name,
            alias=told(c.alias),
            actor=told(c.actor),
            emits=tuple(dict.fromkeys(e for e in (_name(e, required.events) for e in c.emits) if e)),
            ranges=ranges(c.sources, lines),
        )
        for c in answer.commands
        if (name := _name(c.name, required.commands))
    )
    read_models = _once(
        ReadModel(
            name=name,
            alias=told(r.alias),
            actor=told(r.actor),
            multiple=r.multiple,
            ranges=ranges(r.sources, lines),
        )
        for r in answer.read_models
        if (name := _name(r.name, required.read_models))
    )
    return Behaviour(commands=commands, events=events, read_models=read_models)


def _name(name: str, literal: Iterable[str]) -> str:
    """The name in PascalCase, unless it was asked for just so."""
    return name if name in literal else pascal(name)


_Element = TypeVar("_Element", Command, Event, ReadModel)


def _once(elements: Iterable[_Element]) -> tuple[_Element, ...]:
    found: dict[str, _Element] = {}
    for element in elements:
        found.setdefault(element.name.casefold(), element)
    return tuple(found.values())[:MOST_ELEMENTS]


# ---------------------------------------------------------------- names that must appear


def _with_required(found: list[Behaviour], plan: ContextPlan, remarks: Remarks) -> list[Behaviour]:
    """Adds each missing name to the aggregate whose name it resembles most, the first of equals."""
    present = {
        "commands": {c.name for b in found for c in b.commands},
        "events": {e.name for b in found for e in b.events},
        "read_models": {r.name for b in found for r in b.read_models},
    }
    if not plan.aggregates:
        return found
    for kind, wanted in (
        ("commands", plan.required.commands),
        ("events", plan.required.events),
        ("read_models", plan.required.read_models),
    ):
        for name in dict.fromkeys(n for n in wanted if n.strip() and n not in present[kind]):
            at = _closest(name, plan.aggregates)
            found = [*found[:at], _added(found[at], kind, name), *found[at + 1 :]]
            remarks.tell(
                f'{plan.aggregates[at].name}: the requested name "{name}" was added.',
                f"{plan.aggregates[at].name}: 요청한 이름 '{name}'을(를) 추가했습니다.",
            )
    return found


def _closest(name: str, aggregates: Sequence[DraftAggregate]) -> int:
    mine = {word.casefold() for word in words(name)}
    common = [len(mine & {word.casefold() for word in words(a.name)}) for a in aggregates]
    return common.index(max(common))


def _added(behaviour: Behaviour, kind: str, name: str) -> Behaviour:
    if kind == "commands":
        kept = tuple(c for c in behaviour.commands if c.name.casefold() != name.casefold())
        return replace(behaviour, commands=(*kept, Command(name=name)))
    if kind == "events":
        others = tuple(e for e in behaviour.events if e.name.casefold() != name.casefold())
        return replace(behaviour, events=(*others, Event(name=name)))
    rest = tuple(r for r in behaviour.read_models if r.name.casefold() != name.casefold())
    return replace(behaviour, read_models=(*rest, ReadModel(name=name)))


def _remark(found: Sequence[Behaviour], plan: ContextPlan, remarks: Remarks) -> None:
    commands = sum(len(b.commands) for b in found)
    events = sum(len(b.events) for b in found)
    views = sum(len(b.read_models) for b in found)
    listed = joined((c.alias or c.name for b in found for c in b.commands), most=6)
    remarks.tell(
        f"{plan.alias}: {commands} command(s), {events} event(s), {views} read model(s): {listed}.",
        f"{plan.alias}: 커맨드 {commands}개, 이벤트 {events}개, 조회 모델 {views}개: {listed}",
    )
