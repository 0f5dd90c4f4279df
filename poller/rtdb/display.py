"""What a job has to show, on its way to the canvas: last values only, differences only, in the contract's order.

Contexts before aggregates before the rest before relations, each acknowledged before the next (contract 1.6).
An element once shown is never taken away.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from eventstorming.v1 import model_pb2

from poller.job import LogLine
from poller.msaez.diff import Batch, changes, content_hash
from poller.msaez.esvalue import EsValue
from poller.ports import Clock
from poller.rtdb.names import CANVAS, CURRENT_PROGRESS, LOGS, SAID, TOTAL_PROGRESS, Json
from poller.rtdb.stored import StoredJob

WRITES_PER_SECOND = 4

Write = Callable[[Mapping[str, Json]], Awaitable[None]]
Project = Callable[[model_pb2.EventStormingModel], EsValue]

_NOTHING = Batch(writes={}, hashes={})


@dataclass(slots=True)
class Shown:
    """What the canvas has been told: hashes of elements and relations, log lines, keys of lines already said."""

    hashes: dict[str, str] = field(default_factory=dict)
    lines: int = 0
    said: set[str] = field(default_factory=set)
    current_progress: int = 0

    @classmethod
    def of(cls, stored: StoredJob) -> Shown:
        """From the job as it is stored, so that a run that continues repeats nothing."""
        drawn = [*stored.elements.items(), *stored.relations.items()]
        return cls(
            hashes={key: content_hash(value) for key, value in drawn if key != "@"},
            lines=stored.next_line,
            said=set(stored.said),
            current_progress=stored.current_progress,
        )


class Display:
    """Implements the port `Display`: collects what changes and writes it a few times a second at most.

    `model`, `previewed`: the last of each, for whoever watches from this process; `told` hears of a preview.
    """

    def __init__(
        self,
        project: Project,
        shown: Shown,
        clock: Clock,
        *,
        now: Callable[[], int],
        told: Callable[[], None] = lambda: None,
        opening: Mapping[str, Json],
    ) -> None:
        self._project = project
        self._shown = shown
        self._clock = clock
        self._now = now
        self._told = told
        self.model: model_pb2.EventStormingModel | None = None
        self.previewed: model_pb2.EventStormingModel | None = None
        self._news: dict[str, Json] = dict(opening)
        self._model: model_pb2.EventStormingModel | None = None
        self._dirty = asyncio.Event()
        if self._news:
            self._dirty.set()

    def shows(self, stored: StoredJob) -> None:
        """What the canvas really shows."""
        self._shown.hashes = Shown.of(stored).hashes

    @property
    def current_progress(self) -> int:
        """At least 1: the claim itself is shown as such."""
        return max(1, self._shown.current_progress)

    def show_progress(self, current: int, total: int) -> None:
        """Never falls: a run that continues starts again at one, the user does not."""
        self._shown.current_progress = max(self._shown.current_progress, min(current, total))
        self._news[CURRENT_PROGRESS] = self._shown.current_progress
        self._news[TOTAL_PROGRESS] = total
        self._dirty.set()

    def show_model(self, model: model_pb2.EventStormingModel) -> None:
        self.model = self._model = model
        self._dirty.set()

    def preview(self, model: model_pb2.EventStormingModel) -> None:
        self.previewed = model
        self._told()

    def say(self, line: LogLine) -> None:
        if line.key:
            if self.said(line.key):
                return
            self._shown.said.add(said_name(line.key))
            self._news[f"{SAID}/{said_name(line.key)}"] = True
        self._news[f"{LOGS}/{self._shown.lines}"] = log_node(line, now=self._now())
        self._shown.lines += 1
        self._dirty.set()

    def said(self, key: str) -> bool:
        return said_name(key) in self._shown.said

    async def run(self, write: Write) -> None:
        """Writes what is there to show, at most so often a second, until cancelled."""
        while True:
            await self._dirty.wait()
            writes = await self.flush(write)
            await self._clock.sleep(writes / WRITES_PER_SECOND)

    async def flush(self, write: Write) -> int:
        """Writes everything there is to show now; returns in how many writes. Interrupted, it forgets nothing."""
        self._dirty.clear()
        news, model = self._news, self._model
        self._news, self._model = {}, None

        def still_to_show() -> None:
            self._news, self._model = news | self._news, self._model or model

        with ExitStack() as interrupted:
            interrupted.callback(still_to_show)
            first, *later = await self._batches(model) or [_NOTHING]
            await self._publish(first, write, also=news)
            for batch in later:
                await self._publish(batch, write, also={})
            interrupted.pop_all()
        return 1 + len(later)

    async def _batches(self, model: model_pb2.EventStormingModel | None) -> list[Batch]:
        """Off the event loop: a model of 300 stickers takes long enough to hold up renewals."""
        if model is None:
            return []
        return await asyncio.to_thread(lambda: changes(self._shown.hashes, self._project(model)))

    async def _publish(self, batch: Batch, write: Write, *, also: Mapping[str, Json]) -> None:
        stickers = {f"{CANVAS}/{path}": value for path, value in batch.writes.items()}
        if updates := {**also, **stickers}:
            await write(updates)
            self._shown.hashes.update(batch.hashes)


def said_name(key: str) -> str:
    """Under which the database keeps that the line of a key was told."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def log_node(line: LogLine, *, now: int) -> dict[str, Json]:
    """ISO 8601 with an offset: the browser may be anywhere."""
    at = datetime.fromtimestamp((line.created_at or now) / 1000, tz=UTC)
    stamp = at.isoformat(timespec="milliseconds")
    return {"created_at": stamp, "level": line.level.value, "message": line.message}
