"""Step `names`: the commands, events and read models of a bounded context, and which command leads to which event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from langgraph.runtime import Runtime

from executor.graph.answers import AggregateNames, CommandName, EventName, NamesAnswer, ReadModelName
from executor.graph.asking import Asking, Remarks, listed
from executor.graph.identifiers import is_pascal, pascal, words
from executor.graph.inputs import CONTEXT, shown
from executor.graph.normalise import lookup, ranges, told
from executor.graph.state import ContextState, ContextUnit, DraftAggregate, Outcome, RequiredNames, RunContext
from executor.graph.text import Document
from executor.model import Aggregate, Command, Event, ReadModel, loose, once

MOST_ELEMENTS = 60  # commands, events or read models of one aggregate

_KINDS: Final[dict[str, type[Command | Event | ReadModel]]] = {
    "commands": Command,
    "events": Event,
    "read_models": ReadModel,
}


async def names(state: ContextState, runtime: Runtime[RunContext]) -> Outcome:
    """One bounded context."""
    unit = state["unit"]
    asking = Asking(runtime, "names", unit)
    blocks = {
        "context": shown(unit, *CONTEXT),
        "others": shown(unit.others),
        "aggregates": shown(unit.aggregates, *CONTEXT),
        "required": shown(unit.required, *_KINDS),
        "lines": asking.lines(unit, [word for a in unit.aggregates for word in (a.name, a.alias)]),
    }
    answer = await asking.ask(NamesAnswer, blocks, lambda answer: check(answer, unit))
    if not answer:
        asking.warn(
            f"{unit.alias}: commands, events and read models could not be worked out.",
            f"{unit.alias}: 커맨드, 이벤트, 조회 모델을 만들지 못했습니다.",
        )
    return asking.outcome(normalised(answer or NamesAnswer(aggregates=[]), unit, asking))


def check(answer: NamesAnswer, unit: ContextUnit) -> Iterator[str]:
    """What is wrong with an answer."""
    known = {a.name for a in unit.aggregates}
    for name in sorted({a.aggregate for a in answer.aggregates} - known):
        yield f'"{name}" is not one of the given aggregates.'
    for name in sorted(known - {a.aggregate for a in answer.aggregates if a.commands}):
        yield f'The aggregate "{name}" has no command.'
    for aggregate in answer.aggregates:
        yield from _unconnected(aggregate)
    yield from _misnamed(answer, unit.required)


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
    wanted = (*required.commands, *required.events, *required.read_models)
    seen: set[str] = set()
    for name in (e.name for a in answer.aggregates for e in (*a.commands, *a.events, *a.read_models)):
        if name not in wanted and not is_pascal(name):
            yield f'The name "{name}" is not an English PascalCase identifier.'
        if name in seen:
            yield f'The name "{name}" is used twice.'
        seen.add(name)
    for name in wanted:
        if name not in seen:
            yield f'The required name "{name}" is missing.'


def normalised(answer: NamesAnswer, unit: ContextUnit, remarks: Remarks) -> tuple[Aggregate, ...]:
    """Every aggregate of the unit with its names alone, every required one among them; connections may still be missing."""
    named = _whole(answer, unit) if len(unit.aggregates) == 1 else answer.aggregates
    answered = lookup((a.aggregate, a) for a in named)
    found = [_named(drafted, _own(drafted, answered), unit) for drafted in unit.aggregates]
    known = {loose(word) for a in unit.aggregates for word in (a.name, a.alias)}
    for stranger in [a.aggregate for a in named if loose(a.aggregate) not in known]:
        remarks.warn(
            f'{unit.alias}: what was named for "{stranger}" was left out, because there is no such aggregate.',
            f"{unit.alias}: '{stranger}' 애그리거트가 없어 그에 딸린 것을 제외했습니다.",
        )
    _add_required(found, unit, remarks)
    _remark(found, unit, remarks)
    return tuple(found)


def _whole(answer: NamesAnswer, unit: ContextUnit) -> list[AggregateNames]:
    """In a context of one aggregate everything is that aggregate's, whatever it was called."""
    return [
        AggregateNames(
            aggregate=unit.aggregates[0].name,
            commands=[each for a in answer.aggregates for each in a.commands],
            events=[each for a in answer.aggregates for each in a.events],
            read_models=[each for a in answer.aggregates for each in a.read_models],
        )
    ]


def _own(drafted: DraftAggregate, answered: Mapping[str, AggregateNames]) -> AggregateNames | None:
    """What was answered for an aggregate, by its name or else by its display name."""
    return answered.get(loose(drafted.name)) or (
        answered.get(loose(drafted.alias)) if drafted.alias else None
    )


def _named(drafted: DraftAggregate, answer: AggregateNames | None, unit: ContextUnit) -> Aggregate:
    aggregate = Aggregate(name=drafted.name, alias=drafted.alias)
    if answer is None:
        return aggregate
    lines, required = unit.document, unit.required
    commands = (
        Command(
            **_common(c, required.commands, lines),
            actor=told(c.actor),
            emits=tuple(dict.fromkeys(filter(None, (_name(e, required.events) for e in c.emits)))),
        )
        for c in answer.commands
    )
    events = (Event(**_common(e, required.events, lines)) for e in answer.events)
    read_models = (
        ReadModel(**_common(r, required.read_models, lines), actor=told(r.actor), multiple=r.multiple)
        for r in answer.read_models
    )
    return replace(
        aggregate,
        commands=once(commands)[:MOST_ELEMENTS],
        events=once(events)[:MOST_ELEMENTS],
        read_models=once(read_models)[:MOST_ELEMENTS],
    )


def _common(
    answer: CommandName | EventName | ReadModelName, literal: Iterable[str], lines: Document
) -> dict[str, Any]:
    """The members that all three kinds have."""
    return {
        "name": _name(answer.name, literal),
        "alias": told(answer.alias),
        "ranges": ranges(answer.sources, lines),
    }


def _name(name: str, literal: Iterable[str]) -> str:
    """The name in PascalCase, unless it was asked for just so."""
    return name if name in literal else pascal(name)


def _add_required(found: list[Aggregate], unit: ContextUnit, remarks: Remarks) -> None:
    """Each name that must appear and is missing, in the aggregate whose name it resembles most, the first of equals."""
    for kind, made in _KINDS.items():
        present = {e.name for a in found for e in getattr(a, kind)}
        wanted = dict.fromkeys(getattr(unit.required, kind))
        for name in (n for n in wanted if n.strip() and n not in present):
            at = _closest(name, found)
            kept = [e for e in getattr(found[at], kind) if e.name.casefold() != name.casefold()]
            changes: dict[str, Any] = {kind: (*kept, made(name=name))}
            found[at] = replace(found[at], **changes)
            remarks.tell(
                f'{found[at].name}: the requested name "{name}" was added.',
                f"{found[at].name}: 요청한 이름 '{name}'을(를) 추가했습니다.",
            )


def _closest(name: str, aggregates: Sequence[Aggregate]) -> int:
    mine = {word.casefold() for word in words(name)}
    common = [len(mine & {word.casefold() for word in words(a.name)}) for a in aggregates]
    return common.index(max(common))


def _remark(found: Sequence[Aggregate], unit: ContextUnit, remarks: Remarks) -> None:
    commands, events, views = (sum(len(getattr(a, kind)) for a in found) for kind in _KINDS)
    some = listed((c.alias or c.name for a in found for c in a.commands), most=6)
    remarks.tell(
        f"{unit.alias}: {commands} command(s), {events} event(s), {views} read model(s): {some}.",
        f"{unit.alias}: 커맨드 {commands}개, 이벤트 {events}개, 조회 모델 {views}개: {some}",
    )
