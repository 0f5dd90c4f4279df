"""Answers already paid for: one JSON text each under `run/journal/<epoch>/<key>`, written in groups, acked when durable.

A text, because the database drops nulls and empty containers. Branches by epoch, because the key hashes the
question and not the answer: an overtaken run's late entry must not replace the one the published model used.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from eventstorming.v1 import executor_pb2

from poller.metrics import Metrics
from poller.rtdb.names import JOURNAL, Json, members
from process.news import News

WRITES_IN_FLIGHT = 4
"""One at a time costs up to two round trips an answer; with four it is the one of its own write."""

GROUP_BYTES = 1 << 20
"""A group closes once it holds this much; a single larger answer still goes."""

ROOM_BYTES = 32 << 20
"""So much may wait for the database in this process, over all runs; then no more frames are read from executors."""

Write = Callable[[Mapping[str, Json]], Awaitable[None]]
Durable = Callable[[Sequence[int]], Awaitable[None]]


def entry_text(entry: executor_pb2.JournalEntry) -> str:
    """As the database keeps it; `read_entry` is the inverse."""
    stored = {"value": entry.value, "tokens": entry.tokens}
    if entry.unusable:
        stored["unusable"] = True
    if entry.borrowed:
        stored["borrowed"] = True
    return json.dumps(stored, ensure_ascii=False, separators=(",", ":"))


def read_entry(key: str, stored: Json) -> executor_pb2.JournalEntry | None:
    """None for what is no entry: then the question is simply asked again."""
    try:
        raw = json.loads(stored)
        return executor_pb2.JournalEntry(
            key=key,
            value=raw["value"],
            tokens=raw["tokens"],
            unusable=raw.get("unusable", False),
            borrowed=raw.get("borrowed", False),
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def newest(journal: Json) -> list[executor_pb2.JournalEntry]:
    """One entry a question, ordered by key: the newest epoch's wins."""
    found = {key: entry for _, key, entry in _entries(journal) if entry is not None}
    return [found[key] for key in sorted(found)]


def borrowed(journal: Json) -> dict[str, str]:
    """The usable answers of an earlier job as branch of a new one: free of charge, since that job has paid."""
    return {
        entry.key: entry_text(executor_pb2.JournalEntry(value=entry.value, borrowed=True))
        for entry in newest(journal)
        if not entry.unusable
    }


def unusable_paths(journal: Json) -> list[str]:
    """`<epoch>/<key>` of every unusable answer, in all branches: asked anew when a job is tried again."""
    return [f"{epoch}/{key}" for epoch, key, entry in _entries(journal) if entry is None or entry.unusable]


def usable(journal: Json) -> int:
    """How many questions have an answer once the unusable ones are forgotten."""
    return len({key for _, key, entry in _entries(journal) if entry is not None and not entry.unusable})


def _entries(journal: Json) -> Iterator[tuple[int, str, executor_pb2.JournalEntry | None]]:
    """Epoch, key, and the answer where it is one; the oldest epoch first."""
    branches = {int(epoch): branch for epoch, branch in members(journal).items() if epoch.isdigit()}
    for epoch in sorted(branches):
        for key, stored in members(branches[epoch]).items():
            yield epoch, key, read_entry(key, stored)


class Room:
    """Bytes of answers that wait for the database, over all runs of this process."""

    def __init__(self, limit: int = ROOM_BYTES) -> None:
        self._limit = limit
        self._less = News()
        self.taken = 0

    def take(self, size: int) -> None:
        """So many bytes of an answer have come; a negative size: are stored, or given up."""
        self.taken += size
        if self.taken < self._limit:
            self._less.tell()

    async def free(self) -> None:
        """Returns when another answer may come. One may always go over the limit: it is not known before it is here."""
        while self.taken >= self._limit:
            await self._less.wait()


class GroupCommit:
    """Answers of one epoch on their way into the database, four writes at a time, everything waiting in the next."""

    def __init__(
        self,
        write: Write,
        *,
        epoch: int,
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics,
        room: Room | None = None,
    ) -> None:
        self._write = write
        self._room = room or Room()
        self._epoch = epoch
        self._clock = clock
        self._metrics = metrics
        self._waiting: list[tuple[int, executor_pb2.JournalEntry]] = []
        self._came: dict[int, float] = {}
        self._dropped = False
        self._arrived = asyncio.Semaphore(0)  # as many as wait, at least: each wakes one writer
        self.stored = 0
        self.buffered = 0
        """Bytes of answers that have come and are not stored."""

    def add(self, seq: int, entry: executor_pb2.JournalEntry) -> None:
        """`seq` is the number under which its writing is told."""
        self._waiting.append((seq, entry))
        self._came[seq] = self._clock()
        self._hold(entry.ByteSize())
        self._arrived.release()

    def _hold(self, size: int) -> None:
        if self._dropped:
            return
        self.buffered += size
        self._room.take(size)

    def drop(self) -> None:
        """Lets go of what is left: nothing more will be written."""
        self._waiting.clear()
        self._hold(-self.buffered)
        self._dropped = True

    async def run(self, durable: Durable) -> None:
        """Writes until cancelled; `durable` is told the numbers of each group once it is stored."""
        async with asyncio.TaskGroup() as writers:
            for _ in range(WRITES_IN_FLIGHT):
                writers.create_task(self._writer(durable))

    async def _writer(self, durable: Durable) -> None:
        while True:
            await self._arrived.acquire()
            if group := self._next_group():
                seqs = await self._commit(group)
                await durable(seqs)
                for seq in seqs:
                    self._metrics.committed(self._clock() - self._came.pop(seq))

    async def flush(self) -> None:
        """Writes what is left; nobody is told any more."""
        while group := self._next_group():
            await self._commit(group)

    def _next_group(self) -> list[tuple[int, executor_pb2.JournalEntry]]:
        size = count = 0
        for _, entry in self._waiting:
            if count and size + len(entry.value) > GROUP_BYTES:
                break
            size, count = size + len(entry.value), count + 1
        group = self._waiting[:count]
        del self._waiting[:count]
        return group

    async def _commit(self, group: list[tuple[int, executor_pb2.JournalEntry]]) -> list[int]:
        """An interrupted group waits again: `flush` must find it."""
        with ExitStack() as interrupted:
            interrupted.callback(self._waiting.extend, group)
            await self._write(
                {f"{JOURNAL}/{self._epoch}/{entry.key}": entry_text(entry) for _, entry in group}
            )
            interrupted.pop_all()
        self.stored += len(group)
        self._hold(-sum(entry.ByteSize() for _, entry in group))
        return [seq for seq, _ in group]


class Journal:
    """Implements the port `Journal` for one run. `own`: the answers of its present epoch, until they are stored.

    `fresh`: nothing can have been answered before. `read` fetches what all epochs have answered.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Json]],
        write: Write,
        *,
        epoch: int,
        fresh: bool,
        clock: Callable[[], float],
        metrics: Metrics,
        room: Room,
    ) -> None:
        self._read = read
        self._write = write
        self._fresh = fresh
        self._clock = clock
        self._metrics = metrics
        self._acknowledged: set[str] = set()
        self._room = room
        self.room = room.free
        self.own = self._branch(epoch)

    def _branch(self, epoch: int) -> GroupCommit:
        return GroupCommit(
            self._write, epoch=epoch, clock=self._clock, metrics=self._metrics, room=self._room
        )

    @property
    def answered(self) -> bool:
        return self.own.stored > 0

    async def recall(self) -> Sequence[executor_pb2.JournalEntry]:
        if self._fresh:
            return []
        found = newest(await self._read())
        self._acknowledged = {entry.key for entry in found}
        return found

    def remember(self, seq: int, entry: executor_pb2.JournalEntry) -> None:
        if entry.key in self._acknowledged:
            self._metrics.repeated()
        self.own.add(seq, entry)

    def begin(self, epoch: int) -> None:
        """Answers that come from now on are this epoch's."""
        self._fresh = False
        self.own = self._branch(epoch)
