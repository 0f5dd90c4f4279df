"""The EventStorming model the executor thinks in: values, their invariants, and the repair that restores them.

Mirrors model.proto without knowing it. Pure: no I/O, no clock, no chance; the same model gives the same findings, the same
repair and the same sentences. Elements refer to one another by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, count
from typing import TypeVar

BUILT_IN_TYPES = ("String", "Long", "Integer", "Double", "BigDecimal", "Boolean", "Date")
RESERVED_CONTEXT_NAMES = ("ui",)  # the canvas keeps its site map under this name


class Language(StrEnum):
    """Language of aliases, descriptions, scenarios and notes. Code names stay English."""

    ENGLISH = "English"
    KOREAN = "Korean"

    def pick(self, english: str, korean: str) -> str:
        """The sentence in this language."""
        return korean if self is Language.KOREAN else english


class Level(StrEnum):
    """How serious a note is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sentence for the user. `key` names the occasion, so that a repeated run says it once."""

    level: Level
    message: str
    key: str


# ---------------------------------------------------------------- values


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRange:
    """A piece of the source text, 1-based and inclusive; columns count UTF-16 code units."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int


Ranges = tuple[SourceRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One attribute, parameter or event member; the type is built in, List<X>, or a type of the same aggregate."""

    name: str
    type: str
    is_key: bool = False
    alias: str = ""
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueObject:
    name: str
    alias: str = ""
    fields: tuple[Field, ...] = ()
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumerationItem:
    value: str
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumeration:
    name: str
    alias: str = ""
    items: tuple[EnumerationItem, ...] = ()
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioValue:
    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioClause:
    """One element with an example value for every field of it."""

    name: str
    values: tuple[ScenarioValue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Given names the aggregate, when the command, then events that the command emits."""

    title: str
    given: ScenarioClause
    when: ScenarioClause
    then: tuple[ScenarioClause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A wireframe: sanitised HTML."""

    html: str


class CommandKind(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    name: str
    ordinal: int = 0
    alias: str = ""
    description: str = ""
    kind: CommandKind = CommandKind.UPDATE
    actor: str = ""
    fields: tuple[Field, ...] = ()
    emits: tuple[str, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    screen: Screen | None = None
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    name: str
    ordinal: int = 0
    alias: str = ""
    description: str = ""
    fields: tuple[Field, ...] = ()
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModel:
    name: str
    ordinal: int = 0
    alias: str = ""
    description: str = ""
    actor: str = ""
    parameters: tuple[Field, ...] = ()
    multiple: bool = False
    screen: Screen | None = None
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    name: str
    ordinal: int = 0
    alias: str = ""
    description: str = ""
    fields: tuple[Field, ...] = ()
    value_objects: tuple[ValueObject, ...] = ()
    enumerations: tuple[Enumeration, ...] = ()
    commands: tuple[Command, ...] = ()
    events: tuple[Event, ...] = ()
    read_models: tuple[ReadModel, ...] = ()
    invariants: tuple[str, ...] = ()
    ranges: Ranges = ()

    @property
    def type_names(self) -> tuple[str, ...]:
        """Names of its value objects and enumerations."""
        return (*(v.name for v in self.value_objects), *(e.name for e in self.enumerations))


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedContext:
    name: str
    ordinal: int = 0
    alias: str = ""
    description: str = ""
    aggregates: tuple[Aggregate, ...] = ()
    ranges_in_description: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    name: str
    trigger: str
    results: tuple[str, ...]
    bounded_context: str
    ordinal: int = 0
    alias: str = ""
    reason: str = ""
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateReference:
    from_aggregate: str
    to_aggregate: str
    reason: str = ""

    @property
    def pair(self) -> frozenset[str]:
        return frozenset((self.from_aggregate, self.to_aggregate))


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    name: str
    alias: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStormingModel:
    """A whole model, or the part of it that is known so far."""

    language: Language = Language.ENGLISH
    bounded_contexts: tuple[BoundedContext, ...] = ()
    policies: tuple[Policy, ...] = ()
    references: tuple[AggregateReference, ...] = ()
    actors: tuple[Actor, ...] = ()
    source_text: str = ""

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        return tuple(a for context in self.bounded_contexts for a in context.aggregates)

    @property
    def event_owners(self) -> dict[str, str]:
        """Name of the aggregate of every event."""
        return {event.name: a.name for a in self.aggregates for event in a.events}


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """Names the user asked for literally, and attributes by aggregate (compared without case and separators)."""

    commands: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    read_models: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, str], ...] = ()


NOTHING_REQUIRED = Required()

# ---------------------------------------------------------------- invariants


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
    POLICY = "a policy leads from an event to events of other aggregates"
    POLICY_PAIR = "two events are joined by one policy at most"
    POLICY_CONTEXT = "a policy belongs to a bounded context"
    REFERENCE = "a reference joins two different, existing aggregates, in one direction"
    ACTOR = "actors are exactly those that commands and read models name"
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


def findings(
    model: EventStormingModel, required: Required = NOTHING_REQUIRED, *, finished: bool = True
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
                _scenarios,
                _ranges,
            )
            for finding in check(model)
        ),
        *_missing(model, required),
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
        for owner, fields in field_lists(aggregate):
            yield from _bad_fields(owner, fields, aggregate.type_names)


def _contents(aggregate: Aggregate) -> Iterator[tuple[str, Sequence[object]]]:
    yield from ((v.name, v.fields) for v in aggregate.value_objects)
    yield from ((e.name, e.items) for e in aggregate.enumerations)


def field_lists(aggregate: Aggregate) -> Iterator[tuple[str, tuple[Field, ...]]]:
    """Every list of fields inside an aggregate, with the name of the element that has it."""
    yield aggregate.name, aggregate.fields
    yield from ((v.name, v.fields) for v in aggregate.value_objects)
    yield from ((c.name, c.fields) for c in aggregate.commands)
    yield from ((e.name, e.fields) for e in aggregate.events)
    yield from ((r.name, r.parameters) for r in aggregate.read_models)


def _bad_fields(owner: str, fields: tuple[Field, ...], types: Sequence[str]) -> Findings:
    if len({_folded(f.name) for f in fields}) < len(fields) or any(not f.name.strip() for f in fields):
        yield Finding(element=owner, rule=Rule.FIELD_NAMES)
    for field in fields:
        if not known_type(field.type, types):
            yield Finding(element=f"{owner}.{field.name}", rule=Rule.FIELD_TYPE)


def known_type(name: str, types: Sequence[str]) -> bool:
    """Whether a field may have this type in an aggregate with these types."""
    inner = re.fullmatch(r"List<(.+)>", name)
    plain = inner[1] if inner else name
    return plain in BUILT_IN_TYPES or plain in types


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
    joined: set[frozenset[str]] = set()
    for policy in model.policies:
        if not policy.results or not all(
            _crosses(policy.trigger, result, owners) for result in policy.results
        ):
            yield Finding(element=policy.name, rule=Rule.POLICY)
        if policy.bounded_context not in contexts:
            yield Finding(element=policy.name, rule=Rule.POLICY_CONTEXT)
        pairs = [frozenset((policy.trigger, result)) for result in policy.results]
        if len(set(pairs)) < len(pairs) or joined.intersection(pairs):
            yield Finding(element=policy.name, rule=Rule.POLICY_PAIR)
        joined.update(pairs)


def _crosses(trigger: str, result: str, owners: dict[str, str]) -> bool:
    return trigger in owners and result in owners and owners[trigger] != owners[result]


def _references(model: EventStormingModel) -> Findings:
    known = {a.name for a in model.aggregates}
    seen: set[frozenset[str]] = set()
    for reference in model.references:
        if len(reference.pair) < 2 or not known.issuperset(reference.pair) or reference.pair in seen:
            yield Finding(element=f"{reference.from_aggregate}→{reference.to_aggregate}", rule=Rule.REFERENCE)
        seen.add(reference.pair)


def _actors(model: EventStormingModel) -> Findings:
    if tuple(actor.name for actor in model.actors) != tuple(actor.name for actor in _actors_of(model)):
        yield Finding(element="actors", rule=Rule.ACTOR)


def _scenarios(model: EventStormingModel) -> Findings:
    for aggregate in model.aggregates:
        fields = {event.name: event.fields for event in aggregate.events}
        for command in aggregate.commands:
            for scenario in command.scenarios:
                if not _valid_scenario(scenario, aggregate, command, fields):
                    yield Finding(element=command.name, rule=Rule.SCENARIO)


def _valid_scenario(
    s: Scenario, aggregate: Aggregate, command: Command, events: dict[str, tuple[Field, ...]]
) -> bool:
    then = [clause.name for clause in s.then]
    return (
        _covers(s.given, aggregate.name, aggregate.fields)
        and _covers(s.when, command.name, command.fields)
        and bool(then)
        and len(set(then)) == len(then)
        and all(c.name in command.emits and _covers(c, c.name, events.get(c.name, ())) for c in s.then)
    )


def _covers(clause: ScenarioClause, name: str, fields: Sequence[Field]) -> bool:
    return clause.name == name and [v.field for v in clause.values] == [f.name for f in fields]


def _screens(model: EventStormingModel) -> Findings:
    for aggregate in model.aggregates:
        for owner in owners_of_screens(aggregate):
            if owner.screen is None:
                yield Finding(element=owner.name, rule=Rule.SCREEN)


def owners_of_screens(aggregate: Aggregate) -> tuple[Command | ReadModel, ...]:
    """What a person can open: each has one screen and names one actor."""
    return (*aggregate.commands, *aggregate.read_models)


def _ranges(model: EventStormingModel) -> Findings:
    for aggregate in model.aggregates:
        if any(not _in_order(r) for r in _all_ranges(aggregate)):
            yield Finding(element=aggregate.name, rule=Rule.RANGE)
    for policy in model.policies:
        if not all(_in_order(r) for r in policy.ranges):
            yield Finding(element=policy.name, rule=Rule.RANGE)


def _in_order(r: SourceRange) -> bool:
    start, end = (r.start_line, r.start_column), (r.end_line, r.end_column)
    return min(*start, *end) >= 1 and start <= end


def _all_ranges(aggregate: Aggregate) -> Iterator[SourceRange]:
    yield from aggregate.ranges
    for _, fields in field_lists(aggregate):
        yield from (r for field in fields for r in field.ranges)
    yield from (
        r for enumeration in aggregate.enumerations for item in enumeration.items for r in item.ranges
    )
    yield from (r for value_object in aggregate.value_objects for r in value_object.ranges)
    yield from (r for enumeration in aggregate.enumerations for r in enumeration.ranges)
    yield from (r for owner in owners_of_screens(aggregate) for r in owner.ranges)
    yield from (r for event in aggregate.events for r in event.ranges)


def traced_lines(model: EventStormingModel, context: BoundedContext | None = None) -> frozenset[int]:
    """Lines that some element points to: in the whole model, or in one context (whose policies count as its own)."""
    contexts = model.bounded_contexts if context is None else (context,)
    found = [r for c in contexts for a in c.aggregates for r in _all_ranges(a)]
    found += [
        r for p in model.policies if context in (None, _named(contexts, p.bounded_context)) for r in p.ranges
    ]
    return frozenset(line for r in found for line in range(r.start_line, r.end_line + 1))


def _named(contexts: Sequence[BoundedContext], name: str) -> BoundedContext | None:
    return next((context for context in contexts if context.name == name), None)


def _missing(model: EventStormingModel, required: Required) -> Findings:
    _, _, commands, events, read_models, _ = _kinds(model)
    for wanted, present in (
        (required.commands, commands),
        (required.events, events),
        (required.read_models, read_models),
    ):
        for name in sorted(wanted - {element.name for element in present}):
            yield Finding(element=name, rule=Rule.REQUIRED)
    by_name = {a.name: a for a in model.aggregates}
    for aggregate, attribute in required.attributes:
        if aggregate not in by_name or not has_attribute(by_name[aggregate], attribute):
            yield Finding(element=f"{aggregate}.{attribute}", rule=Rule.REQUIRED)


def has_attribute(aggregate: Aggregate, attribute: str) -> bool:
    """Whether the aggregate or one of its value objects has the attribute; case and separators do not count."""
    lists = (aggregate.fields, *(v.fields for v in aggregate.value_objects))
    return any(loose(field.name) == loose(attribute) for fields in lists for field in fields)


def loose(name: str) -> str:
    """A name without case, separators and other signs: how requested attributes are compared."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _folded(name: str) -> str:
    return name.casefold()


def _blank_free(text: str) -> str:
    return "".join(text.split()).casefold()


# ---------------------------------------------------------------- repair


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A model without findings, and what had to be done for it, in the user's language."""

    model: EventStormingModel
    notes: tuple[Note, ...] = ()


def repaired(model: EventStormingModel, required: Required = NOTHING_REQUIRED) -> Repaired:
    """The nearest model that keeps every invariant about structure. What is whole comes back unchanged.

    Requested names are kept, others give way. Never drops a command, event or read model except an exact double within
    one aggregate. What is missing altogether (a requested name, a screen of a finished model) is not invented here.
    """
    work = _Repair(model.language, required)
    contexts = work.contexts(model.bounded_contexts)
    model = work.linked(replace(model, bounded_contexts=work.unique(contexts)))
    return Repaired(model=model, notes=tuple(work.notes))


def with_valid_links(model: EventStormingModel) -> EventStormingModel:
    """The model with the policies and references that are valid: all that a model can lack whose elements are whole.

    Much cheaper than `repaired`, and the same for such a model; the graph shows its growing model with it.
    """
    return _Repair(model.language, NOTHING_REQUIRED).linked(model, known=True)


class _Repair:
    """Collects what one repair says and which names it has given away."""

    def __init__(self, language: Language, required: Required) -> None:
        self.notes: list[Note] = []
        self._language = language
        self._required = required
        self._names: dict[str, set[str]] = {}  # folded name -> kinds that carry it
        self._aliases: set[str] = set()

    def say(self, key: str, english: str, korean: str) -> None:
        note = Note(level=Level.WARNING, message=self._language.pick(english, korean), key=f"repair/{key}")
        if note not in self.notes:
            self.notes.append(note)

    # -- contexts and aggregates

    def contexts(self, contexts: Sequence[BoundedContext]) -> tuple[BoundedContext, ...]:
        taken: set[str] = set()
        seen: set[str] = set()
        renamed = []
        for context in contexts:
            name = self._context_name(context.name, taken)
            aggregates = tuple(self._aggregate(a, name, seen) for a in context.aggregates)
            renamed.append(replace(context, name=name, aggregates=_numbered(aggregates)))
        return _numbered(tuple(renamed))

    def _context_name(self, name: str, taken: set[str]) -> str:
        wanted = name.strip() and name
        if wanted in RESERVED_CONTEXT_NAMES:
            wanted = f"{wanted.capitalize()}Context"
        given = _free(wanted or "Context", taken)
        if given != name:
            self._renamed(name, given)
        return given

    def _renamed(self, name: str, given: str) -> None:
        self.say(
            f"renamed/{name}/{given}",
            f'"{name}" was renamed to "{given}", because the name was taken or reserved.',
            f"이름이 이미 쓰였거나 예약되어 있어 '{name}'을(를) '{given}'(으)로 바꾸었습니다.",
        )

    def _aggregate(self, aggregate: Aggregate, context: str, taken: set[str]) -> Aggregate:
        wanted = aggregate.name if aggregate.name.strip() else "Aggregate"
        name = wanted if _folded(wanted) not in taken else f"{context}{wanted}"
        name = _free(name, taken)
        if name != aggregate.name:
            self._renamed(aggregate.name, name)
        aggregate = self._typed(replace(aggregate, name=name), before=aggregate.name)
        return self._connected(aggregate)

    # -- types and fields

    def _typed(self, aggregate: Aggregate, before: str) -> Aggregate:
        taken = {_folded(aggregate.name)}
        objects = self._named_types([v for v in aggregate.value_objects if v.fields], taken)
        enumerations = self._named_types([e for e in aggregate.enumerations if e.items], taken)
        for name in {v.name for v in aggregate.value_objects if not v.fields}:
            self._emptied(aggregate.name, name)
        for name in {e.name for e in aggregate.enumerations if not e.items}:
            self._emptied(aggregate.name, name)
        aggregate = replace(aggregate, value_objects=objects, enumerations=enumerations)
        return self._with_fields(aggregate, before)

    def _emptied(self, aggregate: str, name: str) -> None:
        self.say(
            f"empty/{aggregate}/{name}",
            f'"{name}" of {aggregate} was left out, because it has no content.',
            f"{aggregate}의 '{name}'은(는) 내용이 없어 제외했습니다.",
        )

    def _named_types(self, types: Sequence[_Type], taken: set[str]) -> tuple[_Type, ...]:
        kept: list[_Type] = []
        for item in types:
            if item.name.strip() and _folded(item.name) not in taken:
                taken.add(_folded(item.name))
                kept.append(item)
        return tuple(kept)

    def _with_fields(self, aggregate: Aggregate, before: str) -> Aggregate:
        types = aggregate.type_names

        def tidy(fields: tuple[Field, ...]) -> tuple[Field, ...]:
            return _tidy_fields(fields, types)

        fields = tidy(aggregate.fields)
        if not any(f.is_key for f in fields):
            fields = _with_key(fields)
        return replace(
            aggregate,
            fields=fields,
            value_objects=tuple(
                replace(v, fields=tidy(v.fields) or (Field(name="value", type="String"),))
                for v in aggregate.value_objects
            ),
            commands=tuple(replace(c, fields=tidy(c.fields)) for c in aggregate.commands),
            events=tuple(replace(e, fields=tidy(e.fields)) for e in aggregate.events),
            read_models=tuple(replace(r, parameters=tidy(r.parameters)) for r in aggregate.read_models),
        )

    # -- commands and events of one aggregate

    def _connected(self, aggregate: Aggregate) -> Aggregate:
        aggregate = replace(
            aggregate,
            commands=_once(aggregate.commands),
            events=_once(aggregate.events),
            read_models=_once(aggregate.read_models),
        )
        aggregate = self._with_events(aggregate)
        return self._with_commands(aggregate)

    def _with_events(self, aggregate: Aggregate) -> Aggregate:
        """Every command emits: what it names and exists, else the event of the same verb, else one made for it."""
        events = list(aggregate.events)
        commands = []
        for command in aggregate.commands:
            known = {e.name for e in events}
            emits = tuple(dict.fromkeys(name for name in command.emits if name in known))
            if not emits:
                emits = (self._event_for(command, events),)
            commands.append(command if emits == command.emits else replace(command, emits=emits))
        return replace(aggregate, commands=tuple(commands), events=tuple(events))

    def _event_for(self, command: Command, events: list[Event]) -> str:
        alike = next((e for e in events if _same_verb(command.name, e.name)), None)
        if alike is not None:
            return alike.name
        made = Event(
            name=past_tense(command.name), alias=_past_alias(command, self._language), ranges=command.ranges
        )
        if _folded(made.name) not in {_folded(e.name) for e in events}:
            events.append(made)
            self.say(
                f"event/{made.name}",
                f'The command "{command.name}" named no event, so the event "{made.name}" was added.',
                f"커맨드 '{command.name}'에 이벤트가 없어 '{made.name}' 이벤트를 추가했습니다.",
            )
        return next(e.name for e in events if _folded(e.name) == _folded(made.name))

    def _with_commands(self, aggregate: Aggregate) -> Aggregate:
        """Every event has a source: the command of the same verb, else one made from the event's name."""
        commands = list(aggregate.commands)
        emitted = {name for command in commands for name in command.emits}
        for event in aggregate.events:
            if event.name not in emitted:
                self._lead_to(event, commands)
        return replace(aggregate, commands=tuple(commands))

    def _lead_to(self, event: Event, commands: list[Command]) -> None:
        for i, command in enumerate(commands):
            if _same_verb(command.name, event.name):
                commands[i] = replace(command, emits=(*command.emits, event.name))
                return
        name = _free(imperative(event.name), {_folded(c.name) for c in commands})
        commands.append(Command(name=name, emits=(event.name,), ranges=event.ranges))
        self.say(
            f"command/{name}",
            f'Nothing led to the event "{event.name}", so the command "{name}" was added.',
            f"'{event.name}' 이벤트를 일으키는 것이 없어 '{name}' 커맨드를 추가했습니다.",
        )

    # -- names that are unique in the whole model

    def unique(self, contexts: tuple[BoundedContext, ...]) -> tuple[BoundedContext, ...]:
        for aggregate in (a for context in contexts for a in context.aggregates):
            self._names.setdefault(_folded(aggregate.name), set()).add("aggregate")
        given = self._given_names(contexts)
        return tuple(
            replace(
                context,
                aggregates=tuple(
                    self._with_names(a, given[context.ordinal, a.ordinal]) for a in context.aggregates
                ),
            )
            for context in contexts
        )

    def _given_names(self, contexts: tuple[BoundedContext, ...]) -> dict[tuple[int, int], _Given]:
        """New names of every element; those asked for literally choose first."""
        given: dict[tuple[int, int], _Given] = {}
        for literal in (True, False):
            for context in contexts:
                for aggregate in context.aggregates:
                    names = given.setdefault((context.ordinal, aggregate.ordinal), {})
                    self._give(aggregate, names, literal=literal)
        return given

    def _give(self, aggregate: Aggregate, names: _Given, *, literal: bool) -> None:
        for kind, wanted, elements in (
            ("command", self._required.commands, aggregate.commands),
            ("event", self._required.events, aggregate.events),
            ("read model", self._required.read_models, aggregate.read_models),
        ):
            for element in elements:
                if (element.name in wanted) is literal:
                    names[kind, element.name] = self._name(
                        kind, element.name, aggregate.name, literal=literal
                    )

    def _name(self, kind: str, wanted: str, owner: str, *, literal: bool = False) -> str:
        second = f"{owner}{wanted}" if kind == "read model" else f"{wanted}{owner}"
        candidates = chain((wanted, second), (f"{wanted}{n}" for n in count(2)))
        given = next(c for c in candidates if self._is_free(kind, c, literal=literal))
        self._names.setdefault(_folded(given), set()).add(kind)
        if given != wanted:
            self._renamed(wanted, given)
        return given

    def _is_free(self, kind: str, name: str, *, literal: bool) -> bool:
        kinds = self._names.get(_folded(name), set())
        return bool(name.strip()) and (kind not in kinds if literal else not kinds)

    def _with_names(self, aggregate: Aggregate, given: _Given) -> Aggregate:
        owner = aggregate.alias or aggregate.name
        commands = tuple(
            replace(
                c,
                name=given["command", c.name],
                alias=self._alias(c.alias, owner),
                emits=tuple(given["event", name] for name in c.emits),
                scenarios=_rename_scenarios(c, aggregate, given),
            )
            for c in aggregate.commands
        )
        return replace(
            aggregate,
            commands=_numbered(commands),
            events=_numbered(
                tuple(
                    replace(e, name=given["event", e.name], alias=self._alias(e.alias, owner))
                    for e in aggregate.events
                )
            ),
            read_models=_numbered(
                tuple(
                    replace(r, name=given["read model", r.name], alias=self._alias(r.alias, owner))
                    for r in aggregate.read_models
                )
            ),
        )

    def _alias(self, alias: str, owner: str) -> str:
        """The display name, made unique over the whole model; an empty one stays empty."""
        if not _blank_free(alias):
            return ""
        candidates = chain((alias, f"{alias} ({owner})"), (f"{alias} {n}" for n in count(2)))
        given = next(c for c in candidates if _blank_free(c) not in self._aliases)
        self._aliases.add(_blank_free(given))
        return given

    # -- policies and references

    def linked(self, model: EventStormingModel, *, known: bool = False) -> EventStormingModel:
        """With valid policies, references and actors. `known`: names and aliases of the elements are still to be taken."""
        for element in (e for kind in _kinds(model)[1:5] for e in kind) if known else ():
            self._names.setdefault(_folded(element.name), set()).add("element")
            if not isinstance(element, Aggregate):
                self._aliases.add(_blank_free(element.alias))
        model = replace(model, policies=self.policies(model), references=self.references(model))
        return replace(model, actors=_actors_of(model))

    def policies(self, model: EventStormingModel) -> tuple[Policy, ...]:
        owners = model.event_owners
        contexts = {context.name for context in model.bounded_contexts}
        joined: set[frozenset[str]] = set()
        kept = []
        for policy in model.policies:
            results = []
            for result in policy.results:
                pair = frozenset((policy.trigger, result))
                if _crosses(policy.trigger, result, owners) and pair not in joined:
                    joined.add(pair)
                    results.append(result)
            if not results or policy.bounded_context not in contexts:
                self._policy_dropped(policy)
                continue
            name = self._name("policy", policy.name if policy.name.strip() else "Policy", "Policy")
            kept.append(
                replace(policy, name=name, alias=self._alias(policy.alias, name), results=tuple(results))
            )
        return _numbered(tuple(kept))

    def _policy_dropped(self, policy: Policy) -> None:
        self.say(
            f"policy/{policy.bounded_context}/{policy.name}/{policy.trigger}",
            f'The policy "{policy.alias or policy.name}" was left out: it does not lead from an event to an event of '
            "another aggregate, or repeats another policy.",
            f"'{policy.alias or policy.name}' 정책은 다른 애그리거트의 이벤트로 이어지지 않거나 다른 정책과 겹쳐 제외했습니다.",
        )

    def references(self, model: EventStormingModel) -> tuple[AggregateReference, ...]:
        known = {a.name for a in model.aggregates}
        kept: dict[frozenset[str], AggregateReference] = {}
        for reference in model.references:
            if len(reference.pair) == 2 and known.issuperset(reference.pair):
                kept.setdefault(reference.pair, reference)
        return tuple(kept.values())


_Given = dict[tuple[str, str], str]
_Type = TypeVar("_Type", ValueObject, Enumeration)
_Item = TypeVar("_Item", Command, Event, ReadModel)
_Ordered = TypeVar("_Ordered", BoundedContext, Aggregate, Command, Event, ReadModel, Policy)


def _numbered(items: tuple[_Ordered, ...]) -> tuple[_Ordered, ...]:
    """Ordinals kept where they already ascend; else counted anew from 1, newcomers last."""
    ordinals = [item.ordinal for item in items if item.ordinal]
    if ordinals != sorted(set(ordinals)):
        return tuple(replace(item, ordinal=n) for n, item in enumerate(items, 1))
    numbered, last = [], max(ordinals, default=0)
    for item in items:
        if not item.ordinal:
            last += 1
            item = replace(item, ordinal=last)
        numbered.append(item)
    return tuple(sorted(numbered, key=lambda item: item.ordinal))


def _once(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    """Without elements whose name an earlier one of the same list has."""
    return tuple({_folded(item.name): item for item in reversed(items) if item.name.strip()}.values())[::-1]


def _free(name: str, taken: set[str]) -> str:
    """The name, numbered if it is taken; takes it."""
    given = next(c for c in chain((name,), (f"{name}{n}" for n in count(2))) if _folded(c) not in taken)
    taken.add(_folded(given))
    return given


def _tidy_fields(fields: tuple[Field, ...], types: Sequence[str]) -> tuple[Field, ...]:
    kept: dict[str, Field] = {}
    for field in fields:
        if field.name.strip():
            kept.setdefault(_folded(field.name), field)
    return tuple(f if known_type(f.type, types) else replace(f, type="String") for f in kept.values())


def _with_key(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """With a key: the field called id, else a new one in front."""
    for i, field in enumerate(fields):
        if _folded(field.name) == "id":
            return (*fields[:i], replace(field, is_key=True), *fields[i + 1 :])
    return (Field(name="id", type="Long", is_key=True), *fields)


def _rename_scenarios(command: Command, aggregate: Aggregate, given: _Given) -> tuple[Scenario, ...]:
    """The scenarios that fit, under the new names; one that does not fit is dropped."""
    fields = {event.name: event.fields for event in aggregate.events}
    return tuple(
        replace(
            s,
            when=replace(s.when, name=given["command", command.name]),
            then=tuple(replace(clause, name=given["event", clause.name]) for clause in s.then),
        )
        for s in command.scenarios
        if _valid_scenario(s, aggregate, command, fields)
    )


def _actors_of(model: EventStormingModel) -> tuple[Actor, ...]:
    """The actors that commands and read models name, in order of appearance; known display names are kept."""
    known = {actor.name: actor for actor in model.actors}
    names = dict.fromkeys(
        owner.actor for a in model.aggregates for owner in owners_of_screens(a) if owner.actor.strip()
    )
    return tuple(known.get(name, Actor(name=name, alias=name)) for name in names)


# ---------------------------------------------------------------- tenses

_IRREGULAR = {
    "Begin": "Begun", "Break": "Broken", "Build": "Built", "Buy": "Bought", "Choose": "Chosen", "Do": "Done",
    "Draw": "Drawn", "Find": "Found", "Get": "Got", "Give": "Given", "Hold": "Held", "Keep": "Kept", "Leave": "Left",
    "Lend": "Lent", "Lose": "Lost", "Make": "Made", "Pay": "Paid", "Put": "Put", "Read": "Read", "Reset": "Reset",
    "Sell": "Sold", "Send": "Sent", "Set": "Set", "Split": "Split", "Submit": "Submitted", "Take": "Taken",
    "Transfer": "Transferred", "Withdraw": "Withdrawn", "Write": "Written", "Refer": "Referred", "Cancel": "Cancelled",
    "Ship": "Shipped", "Stop": "Stopped", "Drop": "Dropped", "Plan": "Planned", "Ban": "Banned", "Scan": "Scanned",
    "Commit": "Committed", "Permit": "Permitted", "Admit": "Admitted", "Log": "Logged", "Swap": "Swapped",
    "Map": "Mapped", "Pin": "Pinned", "Tag": "Tagged", "Trim": "Trimmed", "Skip": "Skipped", "Pick": "Picked",
}  # fmt: skip
_PRESENT = {past: present for present, past in _IRREGULAR.items()}
_MUTE_E = re.compile(
    r"(at|[^aeio]et|let|plet|ut|ot|iv|ov|ev|av|rv|lv|c|dg|ng|ag|rg|iz|yz|as|os|us|is|rs|ns|ir|ar|ur|or|ul|bl|dl|pl|tl|gl|"
    r"id|ud|rad|fin|min|bin|lin|gin|in|im|um|om|am|iqu|u|ap|op|yp|yl|il|ol|al|it)$"
)
_BARE = re.compile(
    r"(oat|eat|[^t]reat|out|ount|oot|oov|loc|oad|aid|oid|aim|oom|oim|ain|oin|ein|iew|ear|oor|air|oir|eer|our|ail|oil|eal|ool|"
    r"eel|oul|ass|oss|uss|iss|ess|eap|oop|oap|onitor|uthor|actor|edit|imit|isit|osit|dit|cit|fit|ait|uit|mit|sit|dator|"
    r"avor|abor|all|ell|ill|oll|ull|atus|ocus)$"
)


def past_tense(command: str) -> str:
    """The event a command leads to: PlaceOrder gives OrderPlaced."""
    words = _words(command)
    return "".join((*words[1:], _past(words[0]))) if words else f"{command}Done"


def imperative(event: str) -> str:
    """The command that leads to an event: OrderPlaced gives PlaceOrder, LoanOverdue gives RecordLoanOverdue."""
    words = _words(event)
    verb = _present(words[-1]) if words else None
    return "".join((verb, *words[:-1])) if verb else f"Record{event}"


def _words(name: str) -> list[str]:
    return [
        word[:1].upper() + word[1:] for word in re.findall(r"[A-Z][a-z0-9]*|[a-z0-9]+|[^\x00-\x7f]+", name)
    ]


def _past(verb: str) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb[:-1]}ied" if re.search(r"[^aeiou]y$", verb) else f"{verb}ed"


def _present(past: str) -> str | None:
    if past in _PRESENT:
        return _PRESENT[past]
    if past.endswith("ied"):
        return f"{past[:-3]}y"
    if not past.endswith("ed") or len(past) < 5:
        return None
    stem = past[:-2]
    return f"{stem}e" if _MUTE_E.search(stem) and not _BARE.search(stem) else stem


def _same_verb(command: str, event: str) -> bool:
    """Whether the event is the command's own in the past tense."""
    verb, happened = _words(command)[:1], _words(event)[-1:]
    return bool(verb and happened) and (_past(verb[0]) == happened[0] or _present(happened[0]) == verb[0])


def _past_alias(command: Command, language: Language) -> str:
    return language.pick(past_tense(command.name), f"{command.alias}됨") if command.alias else ""
