"""Runs the graph for one job and tells what happens, in an order the user can follow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from executor.graph.question import Chat
from executor.graph.state import GraphInput
from executor.model import EventStormingModel, Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Stages finished, of all: at least 1, never falling, the last one equal to `total` (11 or 8)."""

    current: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The whole model as it stands; what one snapshot shows is in every later one, at the same ordinals."""

    model: EventStormingModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The finished model, without findings; the last event."""

    model: EventStormingModel


RunEvent = Progress | Note | Snapshot | Finished


async def generate(input: GraphInput, chat: Chat) -> AsyncIterator[RunEvent]:
    """Runs the whole graph. Raises what `chat` raises, and NothingUsable when no model can be shown."""
    yield Progress(current=1, total=8 if input.from_draft else 11)
    raise NotImplementedError
