"""Step `draft`: aggregates of a bounded context with their inner types, commands, events and read models, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from langgraph.runtime import Runtime

from executor.graph.answers import (
    AggregateAnswer,
    CommandAnswer,
    DraftAnswer,
    EnumerationAnswer,
    ReadModelAnswer,
)
from executor.graph.asking import Asking, Remarks, listed
from executor.graph.given import DraftAggregate
from executor.graph.identifiers import camel, is_pascal, pascal, title, upper_snake
from executor.graph.inputs import shown
from executor.graph.normalise import Text, guessed, lookup, questions, ranges, told
from executor.graph.state import DraftState, Outcome, RunContext
from executor.graph.text import short
from executor.graph.unit import ContextUnit, DraftUnit
from executor.graph.units import closest
from executor.model import (
    Aggregate,
    Command,
    Enumeration,
    EnumerationItem,
    Event,
    ExternalSystem,
    Field,
    OpenQuestion,
    ReadModel,
    ValueObject,
    loose,
    once,
)

MOST_ELEMENTS: Final = 60  # of one kind in one aggregate

_KINDS: Final[dict[str, type[Command | Event | ReadModel]]] = {
    "commands": Command,
    "events": Event,
    "read_models": ReadModel,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What became of one answer."""

    aggregates: tuple[Aggregate, ...]
    systems: tuple[ExternalSystem, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()


async def draft(state: DraftState, runtime: Runtime[RunContext]) -> Outcome:
    """Some aggregates of one bounded context."""
    unit = state["unit"]
    context = unit.context
    asking = Asking(runtime, "draft", unit)
    blocks = {
        "context": {
            "name": context.name,
            "alias": context.alias,
            "purpose": context.purpose,
            "aggregates": shown(unit.aggregates),
            "fixed": unit.fixed,
            "seen": short(n for n in context.numbers if n not in context.owned),
        },
        "others": [{"name": context.name, "aggregates": shown(unit.siblings)}, *shown(context.others)],
        "roles": list(context.roles),
        "systems": shown(context.systems),
        "required": shown(unit.required),
        "lines": asking.lines(context, [word for a in unit.aggregates for word in (a.name, a.alias)]),
    }
    answer = await asking.ask(DraftAnswer, blocks, lambda answer: check(answer, unit))
    if not answer:
        asking.warn(
            f"{context.alias}: commands, events and read models could not be worked out.",
            f"{context.alias}: 커맨드, 이벤트, 리드 모델을 만들지 못했습니다.",
        )
    found = normalised(answer or DraftAnswer(aggregates=[]), unit, asking)
    _remark(found.aggregates, context, asking)
    return asking.outcome(found)


def check(answer: DraftAnswer, unit: DraftUnit) -> Iterator[str]:
    """What is wrong with an answer."""
    if not answer.aggregates:
        yield "There is no aggregate: name at least one."
    known = {a.name for a in unit.aggregates}
    theirs = _elsewhere(unit)
    for name in sorted(known - {a.name for a in answer.aggregates if a.commands}):
        yield f'The aggregate "{name}" is missing or has no command.'
    for aggregate in answer.aggregates:
        if aggregate.name.casefold() in theirs:
            yield f'The aggregate "{aggregate.name}" is drafted elsewhere: refer to it instead.'
        elif unit.fixed and aggregate.name not in known:
            yield f'"{aggregate.name}" is not one of the given aggregates.'
        for command in aggregate.commands:
            if not command.events:
                yield f'The command "{command.name}" leads to no event.'
    yield from _misnamed(answer, unit)


def _misnamed(answer: DraftAnswer, unit: DraftUnit) -> Iterator[str]:
    required = unit.required
    wanted = (*required.commands, *required.events, *required.read_models)
    given = {*wanted, *(a.name for a in unit.aggregates)}
    names = [name for a in answer.aggregates for name in _names(a)]
    for name in names:
        if name not in given and not is_pascal(name):
            yield f'The name "{name}" is not an English PascalCase identifier.'
    for name in dict.fromkeys(wanted):
        if name not in names:
            yield f'The required name "{name}" is missing.'


def _names(aggregate: AggregateAnswer) -> Iterator[str]:
    yield aggregate.name
    yield from (part.name for part in (*aggregate.parts, *aggregate.enumerations))
    yield from (element.name for element in (*aggregate.commands, *aggregate.read_models))
    yield from (event.name for command in aggregate.commands for event in command.events)


def _elsewhere(unit: DraftUnit) -> set[str]:
    ours = {a.name.casefold() for a in unit.aggregates}
    theirs = [*unit.siblings, *(a for other in unit.context.others for a in other.aggregates)]
    return {a.name.casefold() for a in theirs} - ours


def normalised(answer: DraftAnswer, unit: DraftUnit, remarks: Remarks) -> Draft:
    """The given aggregates in their order, then those that the answer adds; every required name among their own."""
    making = _Making(unit, remarks)
    found = making.aggregates(answer.aggregates)
    systems = {loose(word): s for s in unit.context.systems for word in (s.alias, s.name)}
    calls: dict[str, list[str]] = {}
    for call in answer.calls:
        system = systems.setdefault(
            loose(call.system), ExternalSystem(name=pascal(call.system), alias=told(call.system))
        )
        if system.name:
            calls.setdefault(loose(call.command), []).append(system.name)
    found = [_calling(aggregate, calls, systems) for aggregate in found]
    called = {name for names in calls.values() for name in names}
    return Draft(
        aggregates=tuple(found),
        systems=once(system for system in systems.values() if system.name in called),
        questions=questions(answer.questions, unit.context.name, unit.context.document),
    )


def _calling(
    aggregate: Aggregate, calls: Mapping[str, Sequence[str]], systems: Mapping[str, ExternalSystem]
) -> Aggregate:
    """Its commands with the systems they call; one that a system gives names that system."""

    def actor(name: str) -> str:
        return systems[loose(name)].name if loose(name) in systems and loose(name) else name

    commands = (
        replace(c, external_systems=tuple(dict.fromkeys(calls.get(loose(c.name), ()))), actor=actor(c.actor))
        for c in aggregate.commands
    )
    return replace(aggregate, commands=tuple(commands))


class _Making:
    """Makes aggregates of answers about one unit."""

    def __init__(self, unit: DraftUnit, remarks: Remarks) -> None:
        self._unit, self._context, self._remarks = unit, unit.context, remarks
        self._text = Text(unit.context.document, unit.context.numbers)

    def aggregates(self, answers: Sequence[AggregateAnswer]) -> list[Aggregate]:
        given = self._unit.aggregates
        if len(given) == 1 and len(answers) == 1:  # whatever it was called
            answers = [answers[0].model_copy(update={"name": given[0].name})]
        answered = lookup((a.name, a) for a in answers)
        by_alias = lookup((a.alias, a) for a in answers if a.alias)
        found = [
            self._aggregate(a, answered.get(loose(a.name)) or by_alias.get(loose(a.alias) or "-"))
            for a in given
        ]
        found += self._added(answers)
        self._add_required(found)
        return found

    def _added(self, answers: Sequence[AggregateAnswer]) -> Iterator[Aggregate]:
        """Aggregates that nobody named before; those of others are only referred to."""
        theirs = _elsewhere(self._unit)
        known = {loose(word) for a in self._unit.aggregates for word in (a.name, a.alias)}
        new = [a for a in answers if loose(a.name) not in known and loose(a.alias) not in known - {""}]
        for answer in once(a.model_copy(update={"name": pascal(a.name)}) for a in new):
            if answer.name.casefold() in theirs or self._unit.fixed:
                self._remarks.warn(
                    f"{self._context.alias}: {answer.name} is not one of its aggregates, so what was drafted for it was left "
                    f"out: {listed(_names(answer))}.",
                    f"{self._context.alias}: {answer.name}은(는) 여기의 애그리거트가 아니므로 그에 딸린 것을 제외했습니다: "
                    f"{listed(_names(answer))}",
                )
            else:
                drafted = DraftAggregate(name=answer.name, alias=told(answer.alias))
                yield self._aggregate(drafted, answer)

    def _aggregate(self, drafted: DraftAggregate, answer: AggregateAnswer | None) -> Aggregate:
        answer = answer or AggregateAnswer(name=drafted.name)
        alias = drafted.alias or told(answer.alias)
        references = _references(drafted, answer, self._text)
        enumerations = self._enumerations(drafted, answer)
        commands, events = self._commands(answer, enumerations)
        return Aggregate(
            name=drafted.name,
            alias=alias,
            description=told(answer.description),
            fields=once((_key(drafted.name), *references)),
            value_objects=_parts(drafted, answer, {e.name.casefold() for e in enumerations}, self._text),
            enumerations=enumerations,
            commands=commands,
            events=events,
            read_models=self._few(once(map(self._read_model, answer.read_models)), drafted.name),
            ranges=self._text.of(alias, title(drafted.name)),
        )

    def _enumerations(self, drafted: DraftAggregate, answer: AggregateAnswer) -> tuple[Enumeration, ...]:
        """The draft's own, filled, and those that the answer adds."""
        answered = lookup((e.name, e) for e in answer.enumerations)
        known = {loose(e.name) for e in drafted.enumerations}
        wanted = [(e.name, e.alias, answered.get(loose(e.name))) for e in drafted.enumerations]
        wanted += [(pascal(e.name), "", e) for e in answer.enumerations if loose(e.name) not in known]
        found = (self._enumeration(name, alias, e) for name, alias, e in wanted)
        return once((e for e in found if e.items), taken={drafted.name.casefold()})

    def _enumeration(self, name: str, alias: str, answer: EnumerationAnswer | None) -> Enumeration:
        items = [
            EnumerationItem(
                value=upper_snake(item.value),
                alias=told(item.alias),
                ranges=self._text.of(told(item.alias), item.value, item.value.replace("_", " ")),
            )
            for item in (answer.items if answer else ())
        ]
        kept = {item.value: item for item in reversed(items) if item.value}
        unknown = (EnumerationItem(value="UNSPECIFIED"),) if not answer else ()
        alias = alias or (told(answer.alias) if answer else "")
        return Enumeration(
            name=name,
            alias=alias,
            items=self._few(tuple(reversed(kept.values())), name) or unknown,
            ranges=self._text.of(alias),
        )

    def _commands(
        self, answer: AggregateAnswer, enumerations: Sequence[Enumeration]
    ) -> tuple[tuple[Command, ...], tuple[Event, ...]]:
        """Commands of one name are one command, events likewise."""
        items = {item.value for e in enumerations for item in e.items}
        commands: dict[str, Command] = {}
        events: dict[str, Event] = {}
        for said in answer.commands:
            command = self._command(said)
            emits = []
            for happened in said.events:
                name = _in_pascal(happened.name, self._unit.required.events)
                alias, state = told(happened.alias), upper_snake(happened.state)
                event = Event(
                    name=name,
                    alias=alias,
                    state=state if state in items else "",
                    ranges=self._text.of(alias) or command.ranges,
                )
                known = events.setdefault(name.casefold(), event)
                events[name.casefold()] = replace(
                    known, alias=known.alias or alias, state=known.state or event.state
                )
                emits.append(known.name)
            first = commands.setdefault(command.name.casefold(), command)
            commands[command.name.casefold()] = replace(
                first, emits=tuple(dict.fromkeys(filter(str.strip, (*first.emits, *emits))))
            )
        commands.pop("", None)
        events.pop("", None)
        return self._few(tuple(commands.values()), answer.name), self._few(
            tuple(events.values()), answer.name
        )

    def _command(self, said: CommandAnswer) -> Command:
        alias = told(said.alias)
        name = _in_pascal(said.name, self._unit.required.commands)
        return Command(
            name=name,
            alias=alias,
            actor=told(said.actor),
            ranges=ranges(said.lines, self._context.document, alias, title(name)),
        )

    def _read_model(self, said: ReadModelAnswer) -> ReadModel:
        alias = told(said.alias)
        name = _in_pascal(said.name, self._unit.required.read_models)
        return ReadModel(
            name=name,
            alias=alias,
            actor=told(said.actor),
            multiple=said.many,
            columns=once(map(guessed, said.shows)),
            ranges=ranges(said.lines, self._context.document, alias, title(name)),
        )

    def _few(self, items: tuple[Any, ...], owner: str) -> tuple[Any, ...]:
        return self._remarks.few(items, MOST_ELEMENTS, owner)

    def _add_required(self, found: list[Aggregate]) -> None:
        """Each name that must appear and is missing, in the aggregate whose name it resembles most, the first of equals."""
        for kind, made in _KINDS.items():
            present = {e.name for a in found for e in getattr(a, kind)}
            wanted = dict.fromkeys(getattr(self._unit.required, kind))
            for name in (n for n in wanted if found and n.strip() and n not in present):
                at = closest(name, found)
                kept = [e for e in getattr(found[at], kind) if e.name.casefold() != name.casefold()]
                changes: dict[str, Any] = {kind: (*kept, made(name=name))}
                found[at] = replace(found[at], **changes)
                self._remarks.tell(
                    f'{found[at].name}: the requested name "{name}" was added.',
                    f"{found[at].name}: 요청한 이름 '{name}'을(를) 추가했습니다.",
                )


def _in_pascal(name: str, literal: Iterable[str]) -> str:
    """The name in PascalCase, unless it was asked for just so."""
    return name if name in literal else pascal(name)


def _key(aggregate: str) -> Field:
    """What identifies an aggregate as long as nothing else is known."""
    return Field(name=f"{camel(aggregate) or 'aggregate'}Id", type="Long", is_key=True)


def _references(drafted: DraftAggregate, answer: AggregateAnswer, text: Text) -> Iterator[Field]:
    for kept in answer.references:
        target = pascal(kept.aggregate) or pascal(kept.field)
        name = camel(kept.field) if kept.aggregate else f"{camel(target)}Id"
        alias = told(kept.alias)
        if target and name:
            yield Field(name=name, type="Long", alias=alias, references=target, ranges=text.of(alias))
    answered = {loose(kept.aggregate) for kept in answer.references}
    for name in drafted.references:
        if loose(name) not in answered and name.strip():
            yield Field(name=f"{camel(name)}Id", type="Long", references=name)


def _parts(
    drafted: DraftAggregate, answer: AggregateAnswer, taken: set[str], text: Text
) -> tuple[ValueObject, ...]:
    """Inner types, still without their fields: the draft's own, then those that the answer adds."""
    answered = lookup((part.name, part) for part in answer.parts)
    known = {loose(v.name) for v in drafted.value_objects}
    given = (
        ValueObject(
            name=v.name, alias=v.alias, is_entity=loose(v.name) in answered and answered[loose(v.name)].entity
        )
        for v in drafted.value_objects
    )
    added = (
        ValueObject(name=pascal(part.name), alias=told(part.alias), is_entity=part.entity)
        for part in answer.parts
        if loose(part.name) not in known
    )
    parts = once((*given, *added), taken={drafted.name.casefold(), *taken})
    return tuple(replace(part, ranges=text.of(part.alias, title(part.name))) for part in parts)


def _remark(aggregates: Sequence[Aggregate], context: ContextUnit, remarks: Remarks) -> None:
    if not aggregates and context.ranges_in_description:
        remarks.warn(
            f"{context.alias} stays empty: no aggregate was found in its text.",
            f"{context.alias}: 글에서 애그리거트를 찾지 못해 비어 있습니다.",
        )
        return
    if not aggregates:
        remarks.warn(
            f"{context.alias} was left out: no aggregate was found in its text.",
            f"{context.alias}: 글에서 애그리거트를 찾지 못해 제외했습니다.",
        )
        return
    names = listed(a.alias or a.name for a in aggregates)
    commands, events, views = (sum(len(getattr(a, kind)) for a in aggregates) for kind in _KINDS)
    remarks.tell(
        f"{context.alias}: {names}: {commands} command(s), {events} event(s), {views} read model(s).",
        f"{context.alias}: {names}: 커맨드 {commands}개, 이벤트 {events}개, 리드 모델 {views}개",
    )
