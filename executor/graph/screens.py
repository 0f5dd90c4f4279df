"""Step `screens`: one wireframe for each command and read model of an aggregate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langgraph.runtime import Runtime

from executor.graph.answers import ScreenAnswer, ScreensAnswer
from executor.graph.asking import Asking
from executor.graph.html import framed, is_blank, plain_form, sanitised
from executor.graph.inputs import AGGREGATE, COMMAND, READ_MODEL, shown
from executor.graph.normalise import lookup
from executor.graph.state import AggregateState, Outcome, RunContext
from executor.model import Aggregate, Language, Screen, loose, owners_of_screens

LONGEST = 12_000  # characters of one wireframe; a longer one is replaced by a plain form

Screens = dict[str, Screen]
"""Screens by name of the command or read model; where both have one name, the command's serves both."""


async def screens(state: AggregateState, runtime: Runtime[RunContext]) -> Outcome:
    """One aggregate."""
    unit = state["unit"]
    aggregate = unit.aggregate
    asking = Asking(runtime, "screens", unit)
    blocks = {
        "aggregate": shown(aggregate, *AGGREGATE),
        "commands": shown(aggregate.commands, *COMMAND, "description", "fields"),
        "read_models": shown(aggregate.read_models, *READ_MODEL, "description", "parameters"),
    }
    answer = await asking.ask(ScreensAnswer, blocks, lambda answer: check(answer, aggregate))
    if not answer:
        asking.warn(
            f"{aggregate.name}: no screen could be drawn, so plain forms were filled in.",
            f"{aggregate.name}: 화면을 그리지 못해 기본 양식을 넣었습니다.",
        )
    return asking.outcome(normalised(answer.screens if answer else (), aggregate, unit.language))


def check(answer: ScreensAnswer, aggregate: Aggregate) -> Iterator[str]:
    """What is wrong with an answer."""
    known = {owner.name for owner in owners_of_screens(aggregate)}
    for name in sorted(known - {screen.owner for screen in answer.screens}):
        yield f'The screen of "{name}" is missing.'
    for screen in answer.screens:
        if screen.owner not in known:
            yield f'There is no command or read model "{screen.owner}".'
        elif is_blank(sanitised(screen.html)):
            yield f'The screen of "{screen.owner}" shows nothing.'
        elif len(screen.html) > LONGEST:
            yield f'The screen of "{screen.owner}" is longer than {LONGEST} characters.'


def normalised(answers: Sequence[ScreenAnswer], aggregate: Aggregate, language: Language) -> Screens:
    """One safe screen for every owner: the first that was drawn, else a plain form of its fields."""
    drawn = lookup((screen.owner, screen.html) for screen in answers)
    found: Screens = {}
    for owner in owners_of_screens(aggregate):
        html = _safe(drawn.get(loose(owner.name), "")) or plain_form(owner, aggregate, language)
        found.setdefault(owner.name, Screen(html=framed(html)))
    return found


def _safe(html: str) -> str:
    safe = sanitised(html) if len(html) <= LONGEST else ""
    return "" if is_blank(safe) else safe
