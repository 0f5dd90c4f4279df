"""Step `scenarios`: Given-When-Then examples for the commands of one aggregate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from langgraph.runtime import Runtime

from executor.graph.answers import ScenarioAnswer, ScenariosAnswer, Value
from executor.graph.asking import Asking
from executor.graph.behaviour import words_of
from executor.graph.identifiers import title
from executor.graph.inputs import AGGREGATE, COMMAND, shown
from executor.graph.normalise import lookup, told
from executor.graph.state import AggregateState, Outcome, RunContext
from executor.model import Aggregate, Command, Field, Language, Scenario, ScenarioClause, ScenarioValue, loose

UNKNOWN = "N/A"
MOST_SCENARIOS = 6  # per command

Scenarios = dict[str, tuple[Scenario, ...]]
"""Scenarios by name of the command."""


async def scenarios(state: AggregateState, runtime: Runtime[RunContext]) -> Outcome:
    """One aggregate with commands."""
    unit = state["unit"]
    aggregate = unit.aggregate
    asking = Asking(runtime, "scenarios", unit)
    blocks = {
        "aggregate": shown(aggregate, *AGGREGATE),
        "commands": shown(aggregate.commands, *COMMAND, "description", "fields"),
        "events": shown(aggregate.events, "name", "alias", "fields"),
        "lines": asking.lines(unit.context, words_of(aggregate)),
    }
    answer = await asking.ask(ScenariosAnswer, blocks, lambda answer: check(answer, aggregate))
    if not answer:
        asking.warn(
            f"{aggregate.name}: no scenario could be worked out, so plain ones were filled in.",
            f"{aggregate.name}: 시나리오를 만들지 못해 기본 시나리오를 넣었습니다.",
        )
    return asking.outcome(normalised(answer.scenarios if answer else (), aggregate, unit.language))


def check(answer: ScenariosAnswer, aggregate: Aggregate) -> Iterator[str]:
    """What is wrong with an answer."""
    commands = {command.name: command for command in aggregate.commands}
    for name in sorted(set(commands) - {s.command for s in answer.scenarios}):
        yield f'The command "{name}" has no scenario.'
    for scenario in answer.scenarios:
        if scenario.command not in commands:
            yield f'There is no command "{scenario.command}".'
            continue
        emits = commands[scenario.command].emits
        happened = [then.event for then in scenario.then]
        if not happened or not set(emits).issuperset(happened):
            yield f'"then" of "{scenario.title}" must name events that {scenario.command} emits: {", ".join(emits)}.'


def normalised(answers: Sequence[ScenarioAnswer], aggregate: Aggregate, language: Language) -> Scenarios:
    """At least one scenario for every command; each covers every field of what it names."""
    return {
        command.name: _scenarios(command, answers, aggregate) or (plain(command, aggregate, language),)
        for command in aggregate.commands
    }


def _scenarios(
    command: Command, answers: Sequence[ScenarioAnswer], aggregate: Aggregate
) -> tuple[Scenario, ...]:
    found = {
        told(a.title): _scenario(a, command, aggregate)
        for a in answers
        if loose(a.command) == loose(command.name) and told(a.title)
    }
    return tuple(s for s in found.values() if s.then)[:MOST_SCENARIOS]


def _scenario(answer: ScenarioAnswer, command: Command, aggregate: Aggregate) -> Scenario:
    happened = lookup((then.event, then.values) for then in answer.then)
    return Scenario(
        title=told(answer.title),
        given=_clause(aggregate.name, aggregate.fields, answer.given),
        when=_clause(command.name, command.fields, answer.when),
        then=tuple(
            _clause(event.name, event.fields, happened[loose(event.name)])
            for event in aggregate.events
            if event.name in command.emits and loose(event.name) in happened
        ),
    )


def _clause(name: str, fields: Iterable[Field], values: Iterable[Value]) -> ScenarioClause:
    given = lookup((v.field, told(v.value)) for v in values)
    return ScenarioClause(
        name=name,
        values=tuple(ScenarioValue(field=f.name, value=given.get(loose(f.name)) or UNKNOWN) for f in fields),
    )


# ---------------------------------------------------------------- a scenario made from fields

_EXAMPLES: Final = {
    "Long": "1",
    "Integer": "1",
    "Double": "1.0",
    "BigDecimal": "10000",
    "Boolean": "true",
    "Date": "2025-01-01",
}


def plain(command: Command, aggregate: Aggregate, language: Language) -> Scenario:
    """The simplest true example: the command is given, its events follow."""
    name = command.alias or title(command.name)
    return Scenario(
        title=language.pick(f"{name} succeeds", f"{name} 성공"),
        given=_example(aggregate.name, aggregate.fields, aggregate),
        when=_example(command.name, command.fields, aggregate),
        then=tuple(
            _example(e.name, e.fields, aggregate) for e in aggregate.events if e.name in command.emits
        ),
    )


def _example(name: str, fields: Iterable[Field], aggregate: Aggregate) -> ScenarioClause:
    items = {e.name: e.items[0].value for e in aggregate.enumerations if e.items}
    return ScenarioClause(
        name=name,
        values=tuple(
            ScenarioValue(field=f.name, value=_EXAMPLES.get(f.type) or items.get(f.type) or UNKNOWN)
            for f in fields
        ),
    )
