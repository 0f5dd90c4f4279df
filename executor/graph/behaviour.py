"""Step `behaviour`: parameters, members and descriptions of the commands, events and read models of one aggregate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from langgraph.runtime import Runtime

from executor.graph.answers import (
    BehaviourAnswer,
    CommandBehaviour,
    EventBehaviour,
    FieldAnswer,
    ReadModelBehaviour,
)
from executor.graph.asking import Asking
from executor.graph.inputs import AGGREGATE, COMMAND, READ_MODEL, shown
from executor.graph.normalise import fields, lookup, told
from executor.graph.state import AggregateState, RunContext
from executor.graph.text import Document
from executor.model import Aggregate, Command, CommandKind, Event, Field, ReadModel, loose, owners_of_screens

NOTHING = BehaviourAnswer(commands=[], events=[], read_models=[])

_CREATING = (
    *("Create", "Register", "Place", "Add", "Open", "Submit"),
    *("Request", "Issue", "Book", "Make", "Post", "Start"),
)
_DELETING = ("Delete", "Remove", "Discard", "Erase")


async def behaviour(state: AggregateState, runtime: Runtime[RunContext]) -> AggregateState:
    """One aggregate."""
    unit = state["unit"]
    aggregate, lines = unit.aggregate, unit.context.document
    asking = Asking(runtime, "behaviour", unit)
    blocks = {
        "aggregate": shown(aggregate, *AGGREGATE),
        "commands": shown(aggregate.commands, *COMMAND),
        "events": shown(aggregate.events, "name", "alias"),
        "read_models": shown(aggregate.read_models, *READ_MODEL),
        "lines": asking.lines(unit.context, words_of(aggregate)),
    }
    answer = await asking.ask(BehaviourAnswer, blocks, lambda answer: check(answer, aggregate))
    if not answer:
        asking.warn(
            f"{aggregate.name}: parameters could not be worked out, so those of the aggregate are used.",
            f"{aggregate.name}: 매개변수를 만들지 못해 애그리거트의 속성을 사용합니다.",
        )
    filled = normalised(answer or NOTHING, aggregate, lines)
    return {"unit": replace(unit, aggregate=filled), **asking.outcome(filled)}


def words_of(aggregate: Aggregate) -> list[str]:
    """What lines about the aggregate are likely to mention."""
    named = (aggregate, *owners_of_screens(aggregate), *aggregate.events)
    return [word for element in named for word in (element.name, element.alias)]


def check(answer: BehaviourAnswer, aggregate: Aggregate) -> Iterator[str]:
    """What is wrong with an answer."""
    for kind, known, answered in (
        ("command", {c.name for c in aggregate.commands}, {c.name for c in answer.commands}),
        ("event", {e.name for e in aggregate.events}, {e.name for e in answer.events}),
        ("read model", {r.name for r in aggregate.read_models}, {r.name for r in answer.read_models}),
    ):
        for name in sorted(known - answered):
            yield f'The {kind} "{name}" is missing.'
        for name in sorted(answered - known):
            yield f'There is no {kind} "{name}": answer only for the given ones.'


def normalised(answer: BehaviourAnswer, aggregate: Aggregate, lines: Document) -> Aggregate:
    """The aggregate with everything filled: from the answer where it says something valid, else from its own fields."""
    commands = lookup((c.name, c) for c in answer.commands)
    events = lookup((e.name, e) for e in answer.events)
    read_models = lookup((r.name, r) for r in answer.read_models)
    fill = _Filling(aggregate, lines)
    return replace(
        aggregate,
        commands=tuple(fill.command(c, commands.get(loose(c.name))) for c in aggregate.commands),
        events=tuple(fill.event(e, events.get(loose(e.name))) for e in aggregate.events),
        read_models=tuple(fill.read_model(r, read_models.get(loose(r.name))) for r in aggregate.read_models),
    )


_Answer = CommandBehaviour | EventBehaviour | ReadModelBehaviour


class _Filling:
    """Fills the elements of one aggregate, each from what was answered for it, if anything was."""

    def __init__(self, aggregate: Aggregate, lines: Document) -> None:
        self._types, self._lines = aggregate.type_names, lines
        self._all = tuple(replace(field, ranges=()) for field in aggregate.fields)
        self._key = tuple(field for field in self._all if field.is_key)

    def command(self, command: Command, answer: CommandBehaviour | None) -> Command:
        kind = CommandKind(answer.kind) if answer else _kind_of(command.name)
        usual = self._key if kind is CommandKind.DELETE else self._all
        description, members = self._filled(answer, answer.fields if answer else (), usual)
        return replace(command, kind=kind, description=description, fields=members)

    def event(self, event: Event, answer: EventBehaviour | None) -> Event:
        description, members = self._filled(answer, answer.fields if answer else (), self._all)
        return replace(event, description=description, fields=members)

    def read_model(self, read_model: ReadModel, answer: ReadModelBehaviour | None) -> ReadModel:
        description, members = self._filled(answer, answer.parameters if answer else (), self._key)
        return replace(read_model, description=description, parameters=members)

    def _filled(
        self, answer: _Answer | None, answers: Iterable[FieldAnswer], usual: tuple[Field, ...]
    ) -> tuple[str, tuple[Field, ...]]:
        filled = fields(answers, self._lines, self._types) or usual
        return told(answer.description) if answer else "", filled


def _kind_of(command: str) -> CommandKind:
    """What a command does, judged by its verb."""
    if command.startswith(_DELETING):
        return CommandKind.DELETE
    return CommandKind.CREATE if command.startswith(_CREATING) else CommandKind.UPDATE
