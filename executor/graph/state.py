"""What flows through the graph: the input, the unit that each question is about, and the parts that the steps leave behind.

Parts are the only thing that grows. Every join sorts them by step and place, so that nothing depends on who finished first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import add
from typing import Annotated, Any, Final

from typing_extensions import TypedDict  # typing's own gives no JSON schema for Studio before 3.12

from executor.graph.question import Chat
from executor.graph.text import Document
from executor.model import Aggregate, EventStormingModel, Language, Note, Ranges

# ---------------------------------------------------------------- input


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A code name and a display name."""

    name: str
    alias: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAggregate:
    """An aggregate before its details: given by the user, or drafted from the text."""

    name: str
    alias: str = ""
    description: str = ""
    enumerations: tuple[Named, ...] = ()
    value_objects: tuple[Named, ...] = ()
    references: tuple[str, ...] = ()
    required_attributes: tuple[str, ...] = ()
    ranges: Ranges = ()


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
"""Where a unit is: (chunk,), (context,), (context, aggregate) or (pair,)."""


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
    """A bounded context that was found in the text; `numbers` are the lines that speak of it."""

    name: str
    alias: str
    description: str
    aggregates: tuple[Named, ...] = ()
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkUnit(Unit):
    """A chunk of the requirements, by its lines in `document`, and the contexts that are known."""

    document: Document
    numbers: tuple[int, ...]
    found: tuple[FoundContext, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMap:
    """Lines of one chunk: by index of the context, and those said to describe no behaviour."""

    lines: tuple[tuple[int, tuple[int, ...]], ...]
    no_behaviour: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherContext:
    """A neighbour and the aggregates that are its to draft."""

    name: str
    aggregates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextUnit(Unit):
    """A bounded context and everything its steps may look at. `numbers` are its lines in `document`."""

    name: str
    alias: str
    description: str = ""
    document: Document
    numbers: tuple[int, ...]
    owned: tuple[Named, ...] = ()
    others: tuple[OtherContext, ...] = ()
    aggregates: tuple[DraftAggregate, ...] = ()
    required: RequiredNames = RequiredNames()
    ranges_in_description: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _InContext(Unit):
    context: ContextUnit

    @property
    def place(self) -> Place:
        return (self.context.index, self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftedUnit(_InContext):
    """An aggregate of a draft."""

    drafted: DraftAggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateUnit(_InContext):
    """An aggregate whose names are fixed."""

    aggregate: Aggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Unit):
    """Two aggregates that refer to each other, in the order of the model."""

    first: Aggregate
    first_context: str
    second: Aggregate
    second_context: str


# ---------------------------------------------------------------- parts

STEPS: Final = (
    "contexts", "merge", "line_map", "draft", "details", "names",
    "behaviour", "scenarios", "screens", "policies", "references",
)  # fmt: skip


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
    unresolved: tuple[Pair, ...]
    model: EventStormingModel
    notes: tuple[Note, ...]


class ChunkState(TypedDict):
    """Input of a step about one chunk."""

    unit: ChunkUnit


class ContextState(TypedDict):
    """State of a bounded context's subgraph."""

    unit: ContextUnit
    parts: Parts


class DraftedState(TypedDict):
    """Input of `details`."""

    unit: DraftedUnit


class AggregateState(TypedDict):
    """State of an aggregate's subgraph."""

    unit: AggregateUnit
    parts: Parts


class PoliciesState(TypedDict):
    """Input of `policies`: one context before the whole model."""

    unit: ContextUnit
    named: EventStormingModel


class PairState(TypedDict):
    """Input of `references`."""

    unit: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What belongs to one run rather than to its state."""

    chat: Chat
