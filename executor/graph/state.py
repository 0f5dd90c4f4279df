"""What flows through the graph: the input, the unit that each question is about, and the parts that the steps leave behind.

Parts are the only thing that grows. Every join sorts them by step and place, so that nothing depends on who finished first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import add
from typing import Annotated, Any, Final

from typing_extensions import TypedDict  # typing's own gives no JSON schema for Studio before 3.12

from executor.graph.question import Chat
from executor.graph.text import Document
from executor.model import (
    Aggregate,
    Command,
    EventStormingModel,
    ExternalSystem,
    Language,
    Note,
    OpenQuestion,
)

# ---------------------------------------------------------------- input


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A code name and a display name."""

    name: str
    alias: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAggregate:
    """An aggregate that is to be drafted: as the user gave it, or as the outline named it."""

    name: str
    alias: str = ""
    enumerations: tuple[Named, ...] = ()
    value_objects: tuple[Named, ...] = ()
    references: tuple[str, ...] = ()
    required_attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredNames:
    """Names that must appear literally in one bounded context."""

    commands: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    read_models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftContext:
    """A bounded context that the user decided; without aggregates it is drafted from its requirements."""

    name: str
    alias: str = ""
    requirements: str = ""
    aggregates: tuple[DraftAggregate, ...] = ()
    required: RequiredNames = RequiredNames()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphInput:
    """What to generate: from `requirements`, unless there are draft contexts."""

    language: Language = Language.ENGLISH
    requirements: str = ""
    contexts: tuple[DraftContext, ...] = ()

    @property
    def from_draft(self) -> bool:
        """Whether the user decided the contexts."""
        return bool(self.contexts)

    @property
    def whole(self) -> Unit:
        """The whole job, as a unit."""
        return Unit(index=0, language=self.language)


# ---------------------------------------------------------------- units

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
    required: RequiredNames = RequiredNames()
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
    required: RequiredNames = RequiredNames()

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


# ---------------------------------------------------------------- parts

STEPS: Final = ("outline", "merge", "draft", "behaviour", "policies", "scenarios", "screens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one step made of one answer. `unusable` says why the language model gave nothing and code filled in; else ""."""

    step: str
    place: Place
    value: Any
    notes: tuple[Note, ...] = ()
    unusable: str = ""


def of_step(parts: Iterable[Part], step: str) -> list[Part]:
    """The parts of one step, sorted by place."""
    return sorted((part for part in parts if part.step == step), key=lambda part: part.place)


def by_place(parts: Iterable[Part], step: str) -> dict[Place, Any]:
    """The values of one step by place."""
    return {part.place: part.value for part in of_step(parts, step)}


Parts = Annotated[list[Part], add]


class Outcome(TypedDict):
    """What a step, or a subgraph of steps, gives back."""

    parts: Parts


# ---------------------------------------------------------------- states


class JobState(TypedDict, total=False):
    """State of the whole graph. The contexts are set when they are known, `named` at the first join, `model` at the end."""

    input: GraphInput
    parts: Parts
    units: tuple[ContextUnit, ...]
    named: EventStormingModel
    model: EventStormingModel
    notes: tuple[Note, ...]


class ChunkState(TypedDict):
    """Input of `outline`."""

    unit: ChunkUnit


class DraftState(TypedDict):
    """Input of `draft`."""

    unit: DraftUnit


class AggregateState(TypedDict):
    """State of an aggregate's subgraph."""

    unit: AggregateUnit
    parts: Parts


class CommandsState(TypedDict):
    """Input of `scenarios`."""

    unit: CommandsUnit


class PoliciesState(TypedDict):
    """Input of `policies`."""

    unit: PoliciesUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What belongs to one run rather than to its state."""

    chat: Chat
    _turns: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def turn(self) -> None:
        """Returns to one caller at a time, and lets the loop come back before the next: beats go out, other jobs go on."""
        async with self._turns:
            await asyncio.sleep(0)
