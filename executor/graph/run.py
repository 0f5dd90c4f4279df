"""Runs the graph for one job and tells what happens, in an order the user can follow."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from executor.graph import assemble
from executor.graph.build import graph
from executor.graph.given import GraphInput
from executor.graph.question import Chat
from executor.graph.stages import Stages
from executor.graph.state import Part, RunContext, of_step
from executor.graph.text import chunks, document
from executor.graph.unit import ContextUnit, Place
from executor.model import EventStormingModel, Level, Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Stages finished, of all: at least 1, never falling, the last one equal to `total` (11 or 8).

    `in_a_row` counts the questions still to come of which each waits for the one before.
    """

    current: int
    total: int
    in_a_row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A model on the way, put together when it is looked at: of many, few are."""

    make: Callable[[], EventStormingModel]

    @property
    def model(self) -> EventStormingModel:
        """Put together now."""
        return self.make()


class Preview(Shown):
    """The contexts and what each owns, before all names are known: not yet to be kept. One for each chunk, then of the whole."""


class Snapshot(Shown):
    """The whole model as it stands; what one snapshot shows is in every later one, at the same ordinals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The finished model, valid; the last event."""

    model: EventStormingModel


RunEvent = Progress | Note | Preview | Snapshot | Finished


async def generate(input: GraphInput, chat: Chat) -> AsyncGenerator[RunEvent, None]:
    """Runs the whole graph. Raises what `chat` raises, and NothingUsable when no model can be shown."""
    fold = _Fold(input)
    yield fold.progress()
    yield _greeting(input)
    async with aclosing(_updates(input, chat)) as updates:
        async for _, update in updates:
            for node, change in update.items():
                for event in fold.take(node, change or {}):
                    yield event
    fold.check_finished()


async def _updates(input: GraphInput, chat: Chat) -> AsyncGenerator[Any, None]:
    """What each node gave back, as it ends: the path of its subgraph, and its update by name."""
    state = {"input": input, "parts": []}
    async for update in graph().astream(
        state, context=RunContext(chat=chat), stream_mode="updates", subgraphs=True
    ):
        yield update


def _greeting(input: GraphInput) -> Note:
    if input.from_draft:
        count = len(input.contexts)
        message = input.language.pick(
            f"Generating {count} bounded context(s) from the draft.",
            f"초안의 바운디드 컨텍스트 {count}개를 생성합니다.",
        )
    else:
        lines = document(input.requirements)
        parts = len(chunks(lines))
        message = input.language.pick(
            f"Reading the requirements: {len(lines)} lines in {parts} part(s).",
            f"요구사항 {len(lines)}줄을 {parts}개 부분으로 나누어 읽습니다.",
        )
    return Note(level=Level.INFO, message=message, key="start")


class _Fold:
    """Turns the graph's updates into events. A subgraph's parts come twice, from inside and as its result: once counts."""

    def __init__(self, input: GraphInput) -> None:
        self._input = input
        self._parts: dict[tuple[str, Place], Part] = {}
        self._units: tuple[ContextUnit, ...] = ()
        self._named: EventStormingModel | None = None
        self._stages = Stages(input)

    def progress(self) -> Progress:
        return Progress(
            current=self._stages.current,
            total=self._stages.total,
            in_a_row=self._stages.questions_in_a_row(self._parts),
        )

    def check_finished(self) -> None:
        """A graph ends wherever nothing more was sent on: without a model, that is a fault of ours."""
        if self._stages.current < self._stages.total:
            raise RuntimeError("the graph ended without a model")

    def take(self, node: str, change: Mapping[str, Any]) -> Iterator[RunEvent]:
        fresh = [part for part in change.get("parts", ()) if (part.step, part.place) not in self._parts]
        self._parts.update({(part.step, part.place): part for part in fresh})
        yield from (note for part in fresh for note in part.notes)
        if node in ("plan", "join", "finish"):
            self._learn(change)
            yield from change["notes"]
        if self._stages.advanced(self._parts):
            yield self.progress()
        yield from self._previews(node)
        if node == "finish":
            yield Finished(model=change["model"])
        elif self._named is not None and (fresh or node == "join"):
            shown = partial(assemble.shown, self._units, self._named, tuple(self._parts.values()))
            yield Snapshot(make=shown)

    def _previews(self, node: str) -> Iterator[Preview]:
        parts = tuple(self._parts.values())
        if node == "outline" and any(part.value.contexts for part in of_step(parts, "outline")):
            yield Preview(make=partial(assemble.foreseen, self._input, parts))
        if node == "plan":
            yield Preview(make=partial(assemble.outlined, self._input, self._units, parts))

    def _learn(self, change: Mapping[str, Any]) -> None:
        self._units = change.get("units", self._units)
        self._named = change.get("named", self._named)
        if "units" in change:
            self._stages.found(change["units"])
        if "named" in change:
            drafted = assemble.drafted(self._units, tuple(self._parts.values()))
            self._stages.named(self._units, change["named"], drafted)
        if "model" in change:
            self._stages.finished()
