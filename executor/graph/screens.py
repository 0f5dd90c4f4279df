"""Step `screens`: one wireframe for each command and read model of an aggregate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from langgraph.runtime import Runtime

from executor.graph.answers import ScreensAnswer
from executor.graph.asking import Remarks, ask, outcome
from executor.graph.behaviour import described, shown
from executor.graph.html import framed, is_blank, plain_form, sanitised
from executor.graph.question import Unusable
from executor.graph.reduction import lookup
from executor.graph.state import AggregatePlan, AggregateUnit, Outcome, Run
from executor.model import Aggregate, Language, Screen, loose, owners_of_screens

LONGEST = 12_000  # characters of one wireframe; a longer one is replaced by a plain form

Screens = dict[str, Screen]
"""Screens by name of the command or read model; where both have one name, the command's serves both."""


async def screens(state: AggregateUnit, runtime: Runtime[Run]) -> Outcome:
    plan = state["plan"]
    aggregate, language = plan.aggregate, plan.context.language
    remarks = Remarks("screens", plan.unit, language)
    answer = await ask(
        runtime, "screens", plan.unit, ScreensAnswer, _data(plan), lambda answer: check(answer, aggregate)
    )
    if isinstance(answer, Unusable):
        remarks.warn(
            f"{aggregate.name}: no screen could be drawn, so plain forms were filled in.",
            f"{aggregate.name}: 화면을 그리지 못해 기본 양식을 넣었습니다.",
        )
    usable = ScreensAnswer(screens=[]) if isinstance(answer, Unusable) else answer
    return outcome("screens", plan.unit, reduced(usable, aggregate, language), remarks, answer)


def _data(plan: AggregatePlan) -> dict[str, object]:
    aggregate = plan.aggregate
    return {
        "language": plan.context.language,
        "aggregate": described(aggregate),
        "commands": [
            {
                "name": c.name,
                "alias": c.alias,
                "actor": c.actor,
                "emits": list(c.emits),
                "description": c.description,
                "fields": shown(c.fields),
            }
            for c in aggregate.commands
        ],
        "read_models": [
            {
                "name": r.name,
                "alias": r.alias,
                "actor": r.actor,
                "multiple": r.multiple,
                "description": r.description,
                "parameters": shown(r.parameters),
            }
            for r in aggregate.read_models
        ],
    }


def check(answer: ScreensAnswer, aggregate: Aggregate) -> Iterator[str]:
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


def reduced(answer: ScreensAnswer, aggregate: Aggregate, language: Language) -> Screens:
    """One safe screen for every owner: the one that was drawn, else a plain form of its fields."""
    drawn = dict(_drawn(answer))
    found: Screens = {}
    for owner in owners_of_screens(aggregate):
        html = drawn.get(loose(owner.name)) or plain_form(owner, aggregate, language)
        found.setdefault(owner.name, Screen(html=framed(html)))
    return found


def _drawn(answer: ScreensAnswer) -> Iterable[tuple[str, str]]:
    """Safe HTML by loose name of the owner; the first of two for one owner counts."""
    shown = lookup((screen.owner, screen.html) for screen in answer.screens)
    for name, html in shown.items():
        safe = sanitised(html) if len(html) <= LONGEST else ""
        if not is_blank(safe):
            yield name, safe
