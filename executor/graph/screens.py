"""Step `screens`: what the wireframes of one aggregate show, for the commands that people give and for its read models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from langgraph.runtime import Runtime

from executor.graph.answers import ScreenAnswer, ScreensAnswer
from executor.graph.asking import Asking, Remarks, listed
from executor.graph.html import drawn, plain_rows
from executor.graph.inputs import whole
from executor.graph.normalise import lookup, told
from executor.graph.state import AggregateState, Outcome, RunContext
from executor.graph.unit import AggregateUnit
from executor.model import Aggregate, Command, Language, ReadModel, Screen, loose, owners_of_screens

MOST_ROWS = 30  # of one wireframe

Screens = dict[str, Screen]
"""Screens by name of the command or read model; where both have one name, the command's serves both."""


def of_people(unit: AggregateUnit) -> tuple[Command | ReadModel, ...]:
    """What a person opens: the commands that people give, and everything that is looked at."""
    systems = {system.name for system in unit.context.systems}
    commands = (c for c in unit.aggregate.commands if c.actor and c.actor not in systems)
    return (*commands, *unit.aggregate.read_models)


async def screens(state: AggregateState, runtime: Runtime[RunContext]) -> Outcome:
    """One aggregate."""
    unit = state["unit"]
    aggregate, owners = unit.aggregate, of_people(unit)
    asking = Asking(runtime, "screens", unit)
    if not owners:
        return asking.outcome(normalised((), aggregate, unit.language, asking))
    blocks = {
        "aggregate": whole(aggregate),
        "commands": [_form(owner) for owner in owners if isinstance(owner, Command)],
        "read_models": [_view(owner) for owner in owners if isinstance(owner, ReadModel)],
    }
    answer = await asking.ask(ScreensAnswer, blocks, lambda answer: check(answer, owners))
    if not answer:
        asking.warn(
            f"{aggregate.name}: no screen could be drawn, so plain forms were filled in.",
            f"{aggregate.name}: 화면을 그리지 못해 기본 양식을 넣었습니다.",
        )
    return asking.outcome(normalised(answer.screens if answer else (), aggregate, unit.language, asking))


def _form(command: Command) -> dict[str, Any]:
    return {
        "name": command.name,
        "alias": command.alias,
        "actor": command.actor,
        "description": command.description,
        "fields": [f.name for f in command.fields],
    }


def _view(read_model: ReadModel) -> dict[str, Any]:
    return {
        "name": read_model.name,
        "alias": read_model.alias,
        "actor": read_model.actor,
        "many": read_model.multiple,
        "parameters": [f.name for f in read_model.parameters],
        "columns": [f.name for f in read_model.columns],
    }


def check(answer: ScreensAnswer, owners: Sequence[Command | ReadModel]) -> Iterator[str]:
    """What is wrong with an answer."""
    known = {owner.name for owner in owners}
    for name in sorted(known - {screen.owner for screen in answer.screens if screen.rows}):
        yield f'The screen of "{name}" is missing or empty.'
    for name in sorted({screen.owner for screen in answer.screens} - known):
        yield f'There is no command or read model "{name}".'


def normalised(
    answers: Sequence[ScreenAnswer], aggregate: Aggregate, language: Language, remarks: Remarks
) -> Screens:
    """One screen for every owner: as it was sketched, else a plain form of its fields."""
    sketched = lookup((screen.owner, screen.rows) for screen in answers)
    known = {loose(owner.name) for owner in owners_of_screens(aggregate)}
    if strangers := [told(screen.owner) for screen in answers if loose(screen.owner) not in known]:
        remarks.warn(
            f"{aggregate.name}: screens of nothing that is known were left out: {listed(strangers)}.",
            f"{aggregate.name}: 알 수 없는 화면을 제외했습니다: {listed(strangers)}",
        )
    found: Screens = {}
    for owner in owners_of_screens(aggregate):
        rows = remarks.few(
            tuple(filter(None, map(told, sketched.get(loose(owner.name), ())))), MOST_ROWS, owner.name
        )
        html = drawn(rows or plain_rows(owner, aggregate), owner, aggregate, language)
        found.setdefault(owner.name, Screen(html=html))
    return found
