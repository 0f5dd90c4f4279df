"""What each question is about: a unit, and everything that its step may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from executor.graph.given import NO_NAMES, DraftAggregate, Named, RequiredNames
from executor.graph.text import Document
from executor.model import Aggregate, Command, EventStormingModel, ExternalSystem, Language, OpenQuestion

Place = tuple[int, ...]
"""Where a unit is: (chunk,), (context, group of aggregates), (context, aggregate), (context, aggregate, group of commands), or
(chunk of the policies' text,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What one question is about; `index` counts the units of a kind inside the unit around them."""

    index: int
    language: Language

    @property
    def place(self) -> Place:
        """Its order among the units of its kind."""
        return (self.index,)


def whole_job(language: Language) -> Unit:
    """All of it, as a unit."""
    return Unit(index=0, language=language)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundContext:
    """A bounded context that was found in the text: the lines it owns, and those of others that it must know."""

    name: str
    alias: str
    purpose: str
    aggregates: tuple[Named, ...] = ()
    owns: tuple[int, ...] = ()
    sees: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What a chunk, or the whole text, speaks of. `silent` lines describe nothing to be modelled."""

    contexts: tuple[FoundContext, ...] = ()
    roles: tuple[str, ...] = ()
    systems: tuple[ExternalSystem, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
    silent: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkUnit(Unit):
    """A chunk of the requirements, by its lines in `document`."""

    document: Document
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherContext:
    """A context and the aggregates that are drafted elsewhere."""

    name: str
    aggregates: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextUnit(Unit):
    """A bounded context and everything its steps may look at. `numbers` are its lines in `document`, `owned` those of
    them that are its own."""

    name: str
    alias: str
    purpose: str = ""
    document: Document
    numbers: tuple[int, ...]
    owned: frozenset[int]
    aggregates: tuple[DraftAggregate, ...] = ()
    others: tuple[OtherContext, ...] = ()
    required: RequiredNames = NO_NAMES
    roles: tuple[str, ...] = ()
    systems: tuple[ExternalSystem, ...] = ()
    ranges_in_description: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _InContext(Unit):
    context: ContextUnit

    @property
    def place(self) -> Place:
        return (self.context.index, self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftUnit(_InContext):
    """Aggregates of one context that are drafted together; `siblings` are its others."""

    aggregates: tuple[DraftAggregate, ...] = ()
    siblings: tuple[Named, ...] = ()
    required: RequiredNames = NO_NAMES

    @property
    def fixed(self) -> bool:
        """Whether the user decided the aggregates, so that none may be added."""
        return self.context.ranges_in_description and bool(self.aggregates)


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateUnit(_InContext):
    """An aggregate whose names are fixed; `attributes` must appear in it."""

    aggregate: Aggregate
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsUnit(_InContext):
    """Commands of an aggregate that are shown together."""

    aggregate: Aggregate
    commands: tuple[Command, ...]
    ordinal: int

    @property
    def whole(self) -> bool:
        """Whether they are all that the aggregate has."""
        return len(self.commands) == len(self.aggregate.commands)

    @property
    def place(self) -> Place:
        """Its order among the groups of all aggregates."""
        return (self.context.index, self.ordinal, self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliciesUnit(Unit):
    """A part of the text before the whole model. `homes` gives the context of each line, and its number in that context's text."""

    document: Document
    numbers: tuple[int, ...]
    homes: Mapping[int, tuple[ContextUnit, int]]
    named: EventStormingModel

    def name_of(self, context: ContextUnit | None) -> str:
        """The final name of a context; "" of none, and of one that is not in the model."""
        ordinal = context.index + 1 if context else 0
        return next((c.name for c in self.named.bounded_contexts if c.ordinal == ordinal), "")
