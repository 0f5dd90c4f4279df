"""What flows through the graph: the job's input, and the parts that the steps leave behind.

Parts are the only thing that grows. Every join sorts them by step and place, so that nothing depends on who finished first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import add
from typing import Annotated, Any, Final

from typing_extensions import TypedDict  # typing's own gives no JSON schema for Studio before 3.12

from executor.graph.given import GraphInput
from executor.graph.question import Chat
from executor.graph.unit import (
    AggregateUnit,
    ChunkUnit,
    CommandsUnit,
    ContextUnit,
    DraftUnit,
    Place,
    PoliciesUnit,
)
from executor.model import EventStormingModel, Note

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
