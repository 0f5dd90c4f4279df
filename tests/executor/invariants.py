"""Everything that can be wrong with a model, as an oracle for tests: no program calls it, repair is held to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from executor.model import (
    Aggregate,
    BoundedContext,
    Command,
    Event,
    EventStormingModel,
    Field,
    Policy,
    ReadModel,
    Scenario,
    SourceRange,
    field_lists,
    has_attribute,
    known_type,
    owners_of_screens,
    traceable,
)
from executor.repair import NOTHING_REQUIRED, RESERVED_CONTEXT_NAMES, Required


class Rule(StrEnum):
    """What can be wrong with a model."""

    EMPTY = "a model has at least one bounded context"
    NAMED = "every element has a name"
    RESERVED = "the name is reserved"
    UNIQUE_NAME = "names are unique"
    UNIQUE_ALIAS = "display names are unique"
    ORDINAL = "ordinals are positive and unique"
    KEY = "an aggregate has a key"
    TYPE_CONTENT = "value objects and enumerations are not empty"
    FIELD_NAMES = "field names differ in more than case"
    FIELD_TYPE = "a field's type is built in or belongs to the same aggregate"
    EMITS = "a command emits events of its own aggregate"
    EVENT_SOURCE = "an event has a command or policy that leads to it"
    POLICY = "a policy leads from an event or a time to events, by commands that emit them, and to its own trigger only after a while"
    POLICY_TWICE = "no two policies say the same"
    POLICY_CONTEXT = "a policy belongs to a bounded context"
    REFERENCE = (
        "a reference joins two different, existing aggregates, in one direction, by fields of the root"
    )
    ACTOR = "actors are exactly those that commands and read models name, systems apart"
    STATE = "an event leads to a state that an enumeration has"
    SYSTEM = "systems that commands call exist"
    QUESTION = "an open question says something about something that exists, once"
    REFUSAL = "a refusal names its own aggregate and command and covers their fields"
    SCENARIO = "a scenario names its own aggregate, command and events and covers their fields"
    SCREEN = "commands and read models have a screen"
    REQUIRED = "every requested name is present"
    RANGE = "source ranges start before they end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One broken rule, at one element."""

    element: str
    rule: Rule


Findings = Iterator[Finding]
Attributes = Sequence[tuple[str, str]]
"""Attributes that were asked for, with the names of their aggregates."""


def findings(
    model: EventStormingModel,
    required: Required = NOTHING_REQUIRED,
    attributes: Attributes = (),
    *,
    finished: bool = True,
) -> tuple[Finding, ...]:
    """Everything that is wrong with the model. A model that still grows (`finished=False`) may lack screens."""
    return (
        *tuple(
            finding
            for check in (
                _names,
                _ordinals,
                _types,
                _connections,
                _policies,
                _references,
                _actors,
                _states,
                _questions,
                _scenarios,
                _ranges,
            )
            for finding in check(model)
        ),
        *_missing(model, required, attributes),
        *(_screens(model) if finished else ()),
    )


def _names(model: EventStormingModel) -> Findings:
    if not model.bounded_contexts:
        yield Finding(element="model", rule=Rule.EMPTY)
    for context in model.bounded_contexts:
        if context.name in RESERVED_CONTEXT_NAMES:
            yield Finding(element=context.name, rule=Rule.RESERVED)
    for kind in _kinds(model):
        yield from _unnamed_or_twice(kind)
    yield from _same_alias([e for kind in _kinds(model)[2:] for e in kind])


Element = BoundedContext | Aggregate | Command | Event | ReadModel | Policy


def _kinds(model: EventStormingModel) -> tuple[Sequence[Element], ...]:
    aggregates = model.aggregates
    return (
        model.bounded_contexts,
        aggregates,
        [c for a in aggregates for c in a.commands],
        [e for a in aggregates for e in a.events],
        [r for a in aggregates for r in a.read_models],
        model.policies,
    )


def _unnamed_or_twice(elements: Iterable[Element]) -> Findings:
    seen: set[str] = set()
    for element in elements:
        if not element.name.strip():
            yield Finding(element=type(element).__name__, rule=Rule.NAMED)
        if _folded(element.name) in seen:
            yield Finding(element=element.name, rule=Rule.UNIQUE_NAME)
        seen.add(_folded(element.name))


def _same_alias(elements: Iterable[Element]) -> Findings:
    seen: set[str] = set()
    for element in elements:
        alias = _blank_free(element.alias)
        if alias and alias in seen:
            yield Finding(element=element.name, rule=Rule.UNIQUE_ALIAS)
        seen.add(alias)


def _ordinals(model: EventStormingModel) -> Findings:
    groups: list[Sequence[Element]] = [model.bounded_contexts, model.policies]
    groups += [context.aggregates for context in model.bounded_contexts]
    for aggregate in model.aggregates:
        groups += [aggregate.commands, aggregate.events, aggregate.read_models]
    for group in groups:
        ordinals = [element.ordinal for element in group]
        if ordinals != sorted(set(ordinals)) or min(ordinals, default=1) < 1:
            yield Finding(element=group[0].name, rule=Rule.ORDINAL)


def _types(model: EventStormingModel) -> Findings:
    for aggregate in model.aggregates:
        if not any(field.is_key for field in aggregate.fields):
            yield Finding(element=aggregate.name, rule=Rule.KEY)
        if len({_folded(n) for n in (aggregate.name, *aggregate.type_names)}) <= len(aggregate.type_names):
            yield Finding(element=aggregate.name, rule=Rule.UNIQUE_NAME)
        for name, content in _contents(aggregate):
            if not content:
                yield Finding(element=f"{aggregate.name}.{name}", rule=Rule.TYPE_CONTENT)
        for fields in field_lists(aggregate):
            yield from _bad_fields(aggregate.name, fields, aggregate.type_names)


def _contents(aggregate: Aggregate) -> Iterator[tuple[str, Sequence[object]]]:
    yield from ((v.name, v.fields) for v in aggregate.value_objects)
    yield from ((e.name, e.items) for e in aggregate.enumerations)


def _bad_fields(owner: str, fields: tuple[Field, ...], types: Sequence[str]) -> Findings:
    if len({_folded(f.name) for f in fields}) < len(fields) or any(not f.name.strip() for f in fields):
        yield Finding(element=owner, rule=Rule.FIELD_NAMES)
    for field in fields:
        if not known_type(field.type, types):
            yield Finding(element=f"{owner}.{field.name}", rule=Rule.FIELD_TYPE)


def _connections(model: EventStormingModel) -> Findings:
    led_to = {result for policy in model.policies for result in policy.results}
    for aggregate in model.aggregates:
        events = {e.name for e in aggregate.events}
        for command in aggregate.commands:
            if not command.emits or not events.issuperset(command.emits):
                yield Finding(element=command.name, rule=Rule.EMITS)
            led_to.update(command.emits)
        for event in aggregate.events:
            if event.name not in led_to:
                yield Finding(element=event.name, rule=Rule.EVENT_SOURCE)


def _policies(model: EventStormingModel) -> Findings:
    owners = model.event_owners
    contexts = {context.name for context in model.bounded_contexts}
    emitters = {c.name: c.emits for a in model.aggregates for c in a.commands}
    said: set[tuple[str, ...]] = set()
    for policy in model.policies:
        started = policy.trigger in owners or (not policy.trigger and policy.timer)
        parted = policy.timer or policy.condition or policy.trigger not in policy.results
        led = owners.keys() >= set(policy.results) and parted
        given = all(set(emitters.get(c, ())).intersection(policy.results) for c in policy.commands)
        if not (started and led and given and policy.results):
            yield Finding(element=policy.name, rule=Rule.POLICY)
        if policy.bounded_context not in contexts:
            yield Finding(element=policy.name, rule=Rule.POLICY_CONTEXT)
        what = (policy.trigger, policy.timer, policy.condition, *policy.results)
        if what in said:
            yield Finding(element=policy.name, rule=Rule.POLICY_TWICE)
        said.add(what)


def _references(model: EventStormingModel) -> Findings:
    known = {a.name: {f.name: f.references for f in a.fields} for a in model.aggregates}
    seen: set[frozenset[str]] = set()
    for r in model.references:
        kept = {name for name, target in known.get(r.from_aggregate, {}).items() if target == r.to_aggregate}
        if (
            len(r.pair) < 2
            or not known.keys() >= r.pair
            or r.pair in seen
            or kept != set(r.fields)
            or not kept
        ):
            yield Finding(element=f"{r.from_aggregate}→{r.to_aggregate}", rule=Rule.REFERENCE)
        seen.add(r.pair)
    joined = {(r.from_aggregate, r.to_aggregate) for r in model.references}
    for name, fields in known.items():
        if any(target and (name, target) not in joined for target in fields.values()):
            yield Finding(element=name, rule=Rule.REFERENCE)


def _actors(model: EventStormingModel) -> Findings:
    systems = {system.name for system in model.external_systems}
    owners = [owner for a in model.aggregates for owner in owners_of_screens(a)]
    named = dict.fromkeys(o.actor for o in owners if o.actor.strip() and o.actor not in systems)
    if [a.name for a in model.actors] != list(named):
        yield Finding(element="actors", rule=Rule.ACTOR)
    for command in (c for a in model.aggregates for c in a.commands):
        if not systems.issuperset(command.external_systems):
            yield Finding(element=command.name, rule=Rule.SYSTEM)


def _states(model: EventStormingModel) -> Findings:
    for aggregate in model.aggregates:
        items = {item.value for e in aggregate.enumerations for item in e.items}
        for event in aggregate.events:
            if event.state and event.state not in items:
                yield Finding(element=event.name, rule=Rule.STATE)


def _questions(model: EventStormingModel) -> Findings:
    names = {"", *(p.name for p in model.policies), *(c.name for c in model.bounded_contexts)}
    for a in model.aggregates:
        names |= {a.name, *(e.name for e in (*a.commands, *a.events, *a.read_models))}
    texts = [question.text for question in model.open_questions]
    for question in model.open_questions:
        if not question.text.strip() or question.about not in names or texts.count(question.text) > 1:
            yield Finding(element=question.text, rule=Rule.QUESTION)
        if question.bounded_context not in {"", *(c.name for c in model.bounded_contexts)}:
            yield Finding(element=question.text, rule=Rule.QUESTION)


def _scenarios(model: EventStormingModel) -> Findings:
    for aggregate in model.aggregates:
        fields = {event.name: event.fields for event in aggregate.events}
        for command in aggregate.commands:
            for scenario in command.scenarios:
                if not _valid_scenario(scenario, aggregate, command, fields):
                    yield Finding(element=command.name, rule=Rule.SCENARIO)
            for refusal in command.refusals:
                told = [(c.name, [v.field for v in c.values]) for c in (refusal.given, refusal.when)]
                own = [(aggregate.name, aggregate.fields), (command.name, command.fields)]
                if told != [(name, [f.name for f in fields]) for name, fields in own] or not refusal.title:
                    yield Finding(element=command.name, rule=Rule.REFUSAL)


def _valid_scenario(
    s: Scenario, aggregate: Aggregate, command: Command, events: dict[str, tuple[Field, ...]]
) -> bool:
    before = [(aggregate.name, aggregate.fields), (command.name, command.fields)]
    after = [(name, events.get(name, ())) for name in dict.fromkeys(clause.name for clause in s.then)]
    covered = [(name, [field.name for field in fields]) for name, fields in (*before, *after)]
    told = [(clause.name, [value.field for value in clause.values]) for clause in (s.given, s.when, *s.then)]
    return told == covered and {name for name, _ in after} <= set(command.emits) and bool(s.then)


def _screens(model: EventStormingModel) -> Findings:
    for aggregate in model.aggregates:
        for owner in owners_of_screens(aggregate):
            if owner.screen is None:
                yield Finding(element=owner.name, rule=Rule.SCREEN)


def _ranges(model: EventStormingModel) -> Findings:
    for aggregate in model.aggregates:
        if any(not _in_order(r) for element in traceable(aggregate) for r in element.ranges):
            yield Finding(element=aggregate.name, rule=Rule.RANGE)
    for policy in model.policies:
        if not all(_in_order(r) for r in policy.ranges):
            yield Finding(element=policy.name, rule=Rule.RANGE)


def _in_order(r: SourceRange) -> bool:
    start, end = (r.start_line, r.start_column), (r.end_line, r.end_column)
    return min(*start, *end) >= 1 and start <= end


def _missing(model: EventStormingModel, required: Required, attributes: Attributes) -> Findings:
    _, _, commands, events, read_models, _ = _kinds(model)
    for wanted, present in (
        (required.commands, commands),
        (required.events, events),
        (required.read_models, read_models),
    ):
        for name in sorted(wanted - {element.name for element in present}):
            yield Finding(element=name, rule=Rule.REQUIRED)
    by_name = {a.name: a for a in model.aggregates}
    for aggregate, attribute in attributes:
        if aggregate not in by_name or not has_attribute(by_name[aggregate], attribute):
            yield Finding(element=f"{aggregate}.{attribute}", rule=Rule.REQUIRED)


def _folded(name: str) -> str:
    return name.casefold()


def _blank_free(text: str) -> str:
    return "".join(text.split()).casefold()
