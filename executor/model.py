"""The EventStorming model the executor thinks in: values, and what can be read off them. What makes one valid is in `repair`.

Mirrors model.proto without knowing it. Pure: no I/O, no clock, no chance. Elements refer to one another by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol, TypeVar

BUILT_IN_TYPES = ("String", "Long", "Integer", "Double", "BigDecimal", "Boolean", "Date")


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
    """One attribute, parameter or event member; the type is built in, List<X>, or a type of the same aggregate.

    One that keeps another aggregate's identity `references` it, under the name of the role.
    """

    name: str
    type: str
    is_key: bool = False
    alias: str = ""
    ranges: Ranges = ()
    references: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueObject:
    """A concept without identity, or an entity inside the aggregate; it has at least one field."""

    name: str
    alias: str = ""
    fields: tuple[Field, ...] = ()
    ranges: Ranges = ()
    is_entity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumerationItem:
    """One value of an enumeration, in UPPER_SNAKE_CASE."""

    value: str
    alias: str = ""
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumeration:
    """A closed set of values, at least one."""

    name: str
    alias: str = ""
    items: tuple[EnumerationItem, ...] = ()
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioValue:
    """An example value of one field, as a person would write it."""

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
class Refusal:
    """A command that is refused: who tries (its own actor if empty), the state before and after, and what the user is told."""

    title: str
    given: ScenarioClause
    when: ScenarioClause
    told: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A wireframe: sanitised HTML."""

    html: str


class CommandKind(StrEnum):
    """What a command does to its aggregate."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An order to an aggregate: an actor, an external system, a policy or time gives it. It emits events of the same aggregate."""

    name: str
    ordinal: int = 0
    alias: str = ""
    description: str = ""
    kind: CommandKind = CommandKind.UPDATE
    actor: str = ""
    fields: tuple[Field, ...] = ()
    emits: tuple[str, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    external_systems: tuple[str, ...] = ()
    screen: Screen | None = None
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact that happened, in the past tense; `state` is the item of a status that holds afterwards, if it changes one."""

    name: str
    ordinal: int = 0
    alias: str = ""
    description: str = ""
    fields: tuple[Field, ...] = ()
    state: str = ""
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModel:
    """A question that an actor asks, and what the answer shows."""

    name: str
    ordinal: int = 0
    alias: str = ""
    description: str = ""
    actor: str = ""
    parameters: tuple[Field, ...] = ()
    columns: tuple[Field, ...] = ()
    multiple: bool = False
    screen: Screen | None = None
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A cluster of objects changed together: its state, and what can be done with it."""

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
    """An area with one language. `description` is the part of the text that belongs to it, verbatim."""

    name: str
    ordinal: int = 0
    alias: str = ""
    purpose: str = ""
    description: str = ""
    aggregates: tuple[Aggregate, ...] = ()
    ranges_in_description: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInput:
    """A parameter that the trigger lacks, the aggregate that knows it, and the trigger's member that finds that aggregate."""

    parameter: str
    aggregate: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Whenever the trigger happens, or time has come, under its condition: the commands are given, the results follow."""

    name: str
    trigger: str
    results: tuple[str, ...]
    bounded_context: str
    ordinal: int = 0
    alias: str = ""
    reason: str = ""
    condition: str = ""
    timer: str = ""
    commands: tuple[str, ...] = ()
    inputs: tuple[PolicyInput, ...] = ()
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateReference:
    """One aggregate keeps the identity of another, in one root field for each role."""

    from_aggregate: str
    to_aggregate: str
    reason: str = ""
    fields: tuple[str, ...] = ()

    @property
    def pair(self) -> frozenset[str]:
        """Both, without direction."""
        return frozenset((self.from_aggregate, self.to_aggregate))


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A role outside the system."""

    name: str
    alias: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalSystem:
    """A system of somebody else that takes part."""

    name: str
    ordinal: int = 0
    alias: str = ""
    description: str = ""
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """What the text leaves open: about an element by name, else about a context, else about the whole."""

    text: str
    ordinal: int = 0
    about: str = ""
    bounded_context: str = ""
    ranges: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStormingModel:
    """A whole model, or the part of it that is known so far."""

    language: Language = Language.ENGLISH
    bounded_contexts: tuple[BoundedContext, ...] = ()
    policies: tuple[Policy, ...] = ()
    references: tuple[AggregateReference, ...] = ()
    actors: tuple[Actor, ...] = ()
    external_systems: tuple[ExternalSystem, ...] = ()
    open_questions: tuple[OpenQuestion, ...] = ()
    source_text: str = ""

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """Of all contexts, in order."""
        return tuple(a for context in self.bounded_contexts for a in context.aggregates)

    @property
    def event_owners(self) -> dict[str, str]:
        """Name of the aggregate of every event."""
        return {event.name: a.name for a in self.aggregates for event in a.events}


# ---------------------------------------------------------------- looking into a model

Traceable = (
    Aggregate | ValueObject | Enumeration | EnumerationItem | Command | Event | ReadModel | Field | Policy
)


def owners_of_screens(aggregate: Aggregate) -> tuple[Command | ReadModel, ...]:
    """What a person can open: each has one screen and names one actor."""
    return (*aggregate.commands, *aggregate.read_models)


def known_type(name: str, types: Sequence[str]) -> bool:
    """Whether a field may have this type in an aggregate with these types."""
    inner = re.fullmatch(r"List<(.+)>", name)
    plain = inner[1] if inner else name
    return plain in BUILT_IN_TYPES or plain in types


def has_attribute(aggregate: Aggregate, attribute: str) -> bool:
    """Whether the aggregate or one of its value objects has the attribute; case and separators do not count."""
    lists = (aggregate.fields, *(v.fields for v in aggregate.value_objects))
    return any(loose(field.name) == loose(attribute) for fields in lists for field in fields)


def traced_lines(model: EventStormingModel, context: BoundedContext | None = None) -> frozenset[int]:
    """Lines that some element points to: in the whole model, or in one context (whose policies count as its own)."""
    contexts = model.bounded_contexts if context is None else (context,)
    names = {c.name for c in contexts}
    elements: list[Traceable] = [e for c in contexts for a in c.aggregates for e in traceable(a)]
    elements += [p for p in model.policies if context is None or p.bounded_context in names]
    return frozenset(n for e in elements for r in e.ranges for n in range(r.start_line, r.end_line + 1))


def traceable(aggregate: Aggregate) -> Iterator[Traceable]:
    """The aggregate and everything inside that may point to the text."""
    yield aggregate
    yield from (*aggregate.value_objects, *aggregate.events, *owners_of_screens(aggregate))
    yield from aggregate.enumerations
    yield from (item for enumeration in aggregate.enumerations for item in enumeration.items)
    yield from (field for fields in field_lists(aggregate) for field in fields)


def field_lists(aggregate: Aggregate) -> Iterator[tuple[Field, ...]]:
    """Every list of fields inside an aggregate, its own first."""
    yield aggregate.fields
    yield from (v.fields for v in aggregate.value_objects)
    yield from (c.fields for c in aggregate.commands)
    yield from (e.fields for e in aggregate.events)
    yield from (r.parameters for r in aggregate.read_models)
    yield from (r.columns for r in aggregate.read_models)


# ---------------------------------------------------------------- comparing names


class HasName(Protocol):
    """Any element."""

    @property
    def name(self) -> str:
        """In code."""


_Named = TypeVar("_Named", bound=HasName)


@lru_cache(maxsize=4096)
def loose(name: str) -> str:
    """A name without case, separators and other signs: how requested attributes are compared."""
    return re.sub(r"[\W_]+", "", name).casefold()


def once(elements: Iterable[_Named], taken: Collection[str] = ()) -> tuple[_Named, ...]:
    """Those that have a name, each once: the first of equal names, whatever their case; none that is `taken` (folded)."""
    first: dict[str, _Named] = {}
    for element in elements:
        folded = element.name.casefold()
        if folded.strip() and folded not in taken:
            first.setdefault(folded, element)
    return tuple(first.values())
