"""What flows through the graph: the input, the plan of each unit, and the parts that the steps leave behind.

Parts are the only thing that grows. Every join sorts them by step and unit, so that nothing depends on who finished first.
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
        return bool(self.contexts)


# ---------------------------------------------------------------- plans of units


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextPlan:
    """A bounded context and everything its steps may look at. `numbers` are its lines in `document`."""

    index: int
    name: str
    alias: str
    description: str
    language: Language
    document: Document
    numbers: tuple[int, ...]
    owned: tuple[Named, ...] = ()
    others: tuple[OtherContext, ...] = ()
    aggregates: tuple[DraftAggregate, ...] = ()
    required: RequiredNames = RequiredNames()
    ranges_in_description: bool = False

    @property
    def unit(self) -> Unit:
        return (self.index,)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherContext:
    """A neighbour and the aggregates that are its to draft."""

    name: str
    aggregates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundContext:
    """A bounded context that was found in the text; `numbers` are the lines that speak of it."""

    name: str
    alias: str
    description: str
    aggregates: tuple[Named, ...] = ()
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Lines of one chunk: by index of the context, and those said to describe no behaviour."""

    lines: tuple[tuple[int, tuple[int, ...]], ...]
    no_behaviour: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregatePlan:
    """An aggregate whose names are fixed; `index` is its position inside its context."""

    index: int
    aggregate: Aggregate
    context: ContextPlan

    @property
    def unit(self) -> Unit:
        return (self.context.index, self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two aggregates that refer to each other, in the order of the model; `index` counts such pairs."""

    index: int
    language: Language
    first: Aggregate
    first_context: str
    second: Aggregate
    second_context: str


# ---------------------------------------------------------------- parts

Unit = tuple[int, ...]
"""Place of a unit: (chunk,), (context,), (context, aggregate) or (pair,)."""

STEPS: Final = (
    "contexts", "merge", "line_map", "draft", "details", "names",
    "behaviour", "scenarios", "screens", "policies", "references",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one step made of one answer. `unusable` says why the language model gave nothing and code filled in; else ""."""

    step: str
    unit: Unit
    value: Any
    notes: tuple[Note, ...] = ()
    unusable: str = ""

    @property
    def usable(self) -> bool:
        return not self.unusable

    @property
    def place(self) -> tuple[int, Unit]:
        """The order of parts: by step, then by unit."""
        return STEPS.index(self.step), self.unit


def of_step(parts: Iterable[Part], step: str) -> list[Part]:
    """The parts of one step, sorted by unit."""
    return sorted((part for part in parts if part.step == step), key=lambda part: part.unit)


def by_unit(parts: Iterable[Part], step: str) -> dict[Unit, Any]:
    """The values of one step by unit."""
    return {part.unit: part.value for part in of_step(parts, step)}


Parts = Annotated[list[Part], add]


class Outcome(TypedDict):
    """What a step, or a subgraph of steps, gives back."""

    parts: Parts


class Job(TypedDict):
    """State of the whole graph. The plans are set when the contexts are known, `named` at the first join."""

    input: GraphInput
    parts: Parts
    plans: tuple[ContextPlan, ...]
    named: EventStormingModel
    unresolved: tuple[Pair, ...]
    model: EventStormingModel
    notes: tuple[Note, ...]


class Plan(TypedDict):
    """What the plan of the contexts gives back."""

    plans: tuple[ContextPlan, ...]
    notes: tuple[Note, ...]


class Join(TypedDict):
    """What the join of all names gives back."""

    named: EventStormingModel
    unresolved: tuple[Pair, ...]
    notes: tuple[Note, ...]


class Finish(TypedDict):
    """What the end gives back."""

    model: EventStormingModel
    notes: tuple[Note, ...]


class ChunkUnit(TypedDict):
    """Input of a step about one chunk."""

    index: int
    language: Language
    document: Document
    numbers: tuple[int, ...]
    found: tuple[FoundContext, ...]


class ContextUnit(TypedDict):
    """State of a bounded context's subgraph."""

    plan: ContextPlan
    parts: Parts


class DetailsUnit(TypedDict):
    """Input of `details`: one aggregate of a draft."""

    plan: ContextPlan
    index: int
    aggregate: DraftAggregate


class AggregateUnit(TypedDict):
    """State of an aggregate's subgraph."""

    plan: AggregatePlan
    parts: Parts


class PoliciesUnit(TypedDict):
    """Input of `policies`: one context before the whole model."""

    plan: ContextPlan
    named: EventStormingModel


class PairUnit(TypedDict):
    """Input of `references`."""

    pair: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What belongs to one run rather than to its state."""

    chat: Chat
