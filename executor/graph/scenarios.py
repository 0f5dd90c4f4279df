"""Step `scenarios`: Given-When-Then examples for the commands of one aggregate, and how they are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from langgraph.runtime import Runtime

from executor.graph.answers import RefusalAnswer, ScenarioAnswer, ScenariosAnswer
from executor.graph.asking import Asking, Remarks, listed
from executor.graph.behaviour import words_of
from executor.graph.identifiers import title
from executor.graph.inputs import whole
from executor.graph.lifecycle import LifeCycle, Step
from executor.graph.normalise import lookup, told
from executor.graph.state import CommandsState, Outcome, RunContext
from executor.graph.unit import CommandsUnit
from executor.model import (
    Aggregate,
    Command,
    CommandKind,
    Event,
    Field,
    Language,
    Refusal,
    Scenario,
    ScenarioClause,
    ScenarioValue,
    loose,
)
from executor.review import refusing

UNKNOWN: Final = "N/A"
MOST_SCENARIOS: Final = 6  # of one command, refusals apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Scenarios and refusals by name of the command, and the rules that none of the refusals shows."""

    scenarios: Mapping[str, tuple[Scenario, ...]]
    refusals: Mapping[str, tuple[Refusal, ...]]
    unshown: tuple[str, ...] = ()


def together(groups: Iterable[Examples]) -> Examples:
    """Of one aggregate, what is shown of its groups of commands."""
    known = list(groups)
    return Examples(
        scenarios={name: made for each in known for name, made in each.scenarios.items()},
        refusals={name: made for each in known for name, made in each.refusals.items()},
        unshown=tuple(rule for rule in known[0].unshown if all(rule in each.unshown for each in known)),
    )


async def scenarios(state: CommandsState, runtime: Runtime[RunContext]) -> Outcome:
    """Commands of one aggregate."""
    unit = state["unit"]
    aggregate = unit.aggregate
    asking = Asking(runtime, "scenarios", unit)
    blocks = {
        "aggregate": {**whole(aggregate), "rules": list(refusing(aggregate.invariants))},
        "commands": [_shown(command, aggregate) for command in unit.commands],
        "roles": list(unit.context.roles),
        "lines": asking.lines(unit.context, words_of(aggregate)),
    }
    answer = await asking.ask(ScenariosAnswer, blocks, lambda answer: check(answer, unit))
    if not answer:
        asking.warn(
            f"{aggregate.name}: no scenario of {_listed(unit)} could be worked out, so plain ones were filled in.",
            f"{aggregate.name}: {_listed(unit)}의 시나리오를 만들지 못해 기본 시나리오를 넣었습니다.",
        )
    return asking.outcome(normalised(answer or ScenariosAnswer(), unit, asking))


def _listed(unit: CommandsUnit) -> str:
    return listed(command.alias or command.name for command in unit.commands)


def _shown(command: Command, aggregate: Aggregate) -> dict[str, Any]:
    """A command with what it carries, and what its events add."""
    carried = {f.name for f in (*command.fields, *aggregate.fields)}
    events = [e for e in aggregate.events if e.name in command.emits]
    return {
        "name": command.name,
        "alias": command.alias,
        "actor": command.actor,
        "kind": command.kind,
        "description": command.description,
        "fields": [f.name for f in command.fields],
        "emits": {e.name: [f.name for f in e.fields if f.name not in carried] for e in events},
    }


def check(answer: ScenariosAnswer, unit: CommandsUnit) -> Iterator[str]:
    """What is wrong with an answer. Which rules are about a group of commands, it knows best itself."""
    commands = {command.name: command for command in unit.commands}
    for name in sorted(set(commands) - {s.command for s in answer.scenarios}):
        yield f'The command "{name}" has no scenario.'
    for name in sorted({s.command for s in _all(answer)} - set(commands)):
        yield f'There is no command "{name}".'
    for scenario in answer.scenarios:
        emits = commands[scenario.command].emits if scenario.command in commands else ()
        happened = set(_events(scenario.then))
        if emits and (not happened or not happened.issubset(emits)):
            yield f'"then" of "{scenario.title}" names what {scenario.command} emits ({", ".join(emits)}); a refusal has no "then".'
    shown = {refusal.rule for refusal in answer.refusals}
    for number, rule in enumerate(refusing(unit.aggregate.invariants), 1):
        if unit.whole and number not in shown:
            yield f'No refusal shows rule {number}: "{rule}".'


def normalised(answer: ScenariosAnswer, unit: CommandsUnit, remarks: Remarks) -> Examples:
    """At least one scenario for every command; each covers every field of what it names."""
    making = _Making(answer, unit)
    scenarios: dict[str, tuple[Scenario, ...]] = {}
    refusals: dict[str, tuple[Refusal, ...]] = {}
    for command in unit.commands:
        made, refused = making.examples(command)
        scenarios[command.name] = remarks.few(made, MOST_SCENARIOS, command.name)
        scenarios[command.name] = scenarios[command.name] or (making.plain(command, unit.language),)
        refusals[command.name] = remarks.few(refused, MOST_SCENARIOS, command.name)
    if making.lost:
        name = unit.aggregate.name
        remarks.warn(
            f"{name}: left out of its scenarios, because no such command, event or field is known: {listed(making.lost)}.",
            f"{name}: 그런 커맨드, 이벤트, 속성이 없어 시나리오에서 제외했습니다: {listed(making.lost)}",
        )
    shown = {refusal.rule for refusal in answer.refusals}
    return Examples(
        scenarios=scenarios,
        refusals=refusals,
        unshown=tuple(
            rule for number, rule in enumerate(refusing(unit.aggregate.invariants), 1) if number not in shown
        ),
    )


_Values = Mapping[str, str]
"""Example values by loose name of the field."""


class _Items:
    """The values that the enumerations of an aggregate give its fields."""

    def __init__(self, aggregate: Aggregate) -> None:
        self._items = {e.name: e.items for e in aggregate.enumerations}

    def item(self, field: Field, value: str) -> str:
        """An item of an enumeration by its value, although the answer gave its display name."""
        items = self._items.get(field.type, ())
        return next((i.value for i in items if loose(value) in (loose(i.value), loose(i.alias))), value)

    def after(self, event: Event) -> _Values:
        """The status that holds after the event."""
        items = [name for name, items in self._items.items() if any(i.value == event.state for i in items)]
        return {loose(f.name): event.state for f in event.fields if f.type in items[:1]}

    def example(self, field: Field) -> str:
        """Any value of its type."""
        items = self._items.get(field.type, ())
        return _EXAMPLES.get(field.type) or (items[0].value if items else UNKNOWN)


class _Making:
    """Makes the scenarios of one aggregate; what an answer does not say is the same as elsewhere in it."""

    def __init__(self, answer: ScenariosAnswer, unit: CommandsUnit) -> None:
        aggregate = unit.aggregate
        self._answer, self._aggregate = answer, aggregate
        every = (
            aggregate.fields,
            *(c.fields for c in aggregate.commands),
            *(e.fields for e in aggregate.events),
        )
        self._fields = {loose(f.name) for fields in every for f in fields}
        self._items = _Items(aggregate)
        names = {loose(c.name) for c in unit.commands}
        self.lost = [told(s.title) for s in _all(answer) if loose(s.command) not in names and told(s.title)]
        self._usual = self._values(answer.example)
        self._life = LifeCycle(aggregate, self._steps())

    def examples(self, command: Command) -> tuple[tuple[Scenario, ...], tuple[Refusal, ...]]:
        """What the answer shows of a command. A scenario in which nothing happens is a refusal."""
        said = [s for s in self._answer.scenarios if _about(s, command)]
        made = {told(s.title): self._scenario(s, command) for s in said if _events(s.then)}
        self.lost += [title for title, scenario in made.items() if not scenario.then]
        quiet = [RefusalAnswer(told=s.title, **s.model_dump()) for s in said if not _events(s.then)]
        refused = [*(r for r in self._answer.refusals if _about(r, command)), *quiet]
        refusals = {told(r.title): self._refusal(r, command) for r in refused}
        return tuple(s for s in made.values() if s.then), tuple(refusals.values())

    def _values(self, said: Sequence[str]) -> _Values:
        self.lost += [
            told(name) for name, _ in _pairs(said) if loose(name) not in self._fields and told(name)
        ]
        return _read(said)

    def _scenario(self, said: ScenarioAnswer, command: Command) -> Scenario:
        given, when = self._before(said, command)
        happened, stated = {loose(name) for name in _events(said.then)}, self._values(said.then)
        after = {**self._usual, **self._values(said.given), **_known(when)}
        events = [e for e in self._aggregate.events if e.name in command.emits and loose(e.name) in happened]
        self.lost += [
            name for name in _events(said.then) if loose(name) not in {loose(e) for e in command.emits}
        ]
        return Scenario(
            title=told(said.title),
            given=given,
            when=when,
            then=tuple(
                self._clause(e.name, e.fields, {**after, **self._items.after(e), **stated}) for e in events
            ),
        )

    def _refusal(self, said: RefusalAnswer, command: Command) -> Refusal:
        given, when = self._before(said, command)
        actor = told(said.actor)
        return Refusal(
            title=told(said.title),
            given=given,
            when=when,
            told=told(said.told),
            actor="" if actor == command.actor else actor,
        )

    def _before(
        self, said: ScenarioAnswer | RefusalAnswer, command: Command
    ) -> tuple[ScenarioClause, ScenarioClause]:
        """The state before, of which there is none before a creation; and the command."""
        stated = self._values(said.given)
        creates = command.kind is CommandKind.CREATE
        before = stated if creates else {**self._until(command, stated), **stated}
        order = {**self._usual, **stated, **self._values(said.when)}
        aggregate = self._aggregate
        return (
            self._clause(aggregate.name, aggregate.fields, before),
            self._clause(command.name, command.fields, order),
        )

    def _steps(self) -> Iterator[Step]:
        """From which state to which the examples lead."""
        states = {loose(e.name): e.state for e in self._aggregate.events}
        creating = {loose(c.name) for c in self._aggregate.commands if c.kind is CommandKind.CREATE}
        for said in self._answer.scenarios:
            if loose(said.command) not in creating:
                happened = (states.get(loose(name), "") for name in _events(said.then))
                before = {**self._usual, **_read(said.given)}
                held = {self._items.item(f, before.get(loose(f.name), "")) for f in self._aggregate.fields}
                yield from product(held, filter(None, happened))

    def _until(self, command: Command, stated: _Values) -> _Values:
        """What is usual, as far as it is known before the command in the state that is stated."""
        values = {
            loose(f.name): self._items.item(f, value)
            for f in self._aggregate.fields
            if (value := {**self._usual, **stated}.get(loose(f.name)))
        }
        unknown = self._life.unknown(command, stated.keys(), values)
        return {name: value for name, value in self._usual.items() if name not in unknown}

    def _clause(self, name: str, fields: Iterable[Field], values: _Values) -> ScenarioClause:
        said = ((f, values.get(loose(f.name)) or UNKNOWN) for f in fields)
        return ScenarioClause(
            name=name,
            values=tuple(ScenarioValue(field=f.name, value=self._items.item(f, value)) for f, value in said),
        )

    def plain(self, command: Command, language: Language) -> Scenario:
        """The simplest true example: the command is given, its events follow."""
        name = command.alias or title(command.name)
        every = (self._aggregate.fields, command.fields, *(e.fields for e in self._aggregate.events))
        usual = {loose(f.name): self._items.example(f) for fields in every for f in fields}
        return Scenario(
            title=language.pick(f"{name} succeeds", f"{name} 성공"),
            given=self._clause(self._aggregate.name, self._aggregate.fields, usual),
            when=self._clause(command.name, command.fields, usual),
            then=tuple(
                self._clause(e.name, e.fields, {**usual, **self._items.after(e)})
                for e in self._aggregate.events
                if e.name in command.emits
            ),
        )


def _all(answer: ScenariosAnswer) -> list[ScenarioAnswer | RefusalAnswer]:
    return [*answer.scenarios, *answer.refusals]


def _about(said: ScenarioAnswer | RefusalAnswer, command: Command) -> bool:
    return loose(said.command) == loose(command.name) and bool(told(said.title))


def _events(then: Iterable[str]) -> list[str]:
    return [word.strip() for word in then if "=" not in word and word.strip()]


def _pairs(said: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, equals, value in (word.partition("=") for word in said) if equals]


def _read(said: Iterable[str]) -> _Values:
    return lookup((name, told(value)) for name, value in _pairs(said))


def _known(clause: ScenarioClause) -> _Values:
    return {loose(v.field): v.value for v in clause.values if v.value != UNKNOWN}


_EXAMPLES: Final = {
    "Long": "1",
    "Integer": "1",
    "Double": "1.0",
    "BigDecimal": "10000",
    "Boolean": "true",
    "Date": "2025-01-01",
}
