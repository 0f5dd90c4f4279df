"""Keeps copies of watched nodes true: event streams tell them, and a sweep looks for what the streams left out.

A stream that the database refuses is asked for again and again, and `trouble` says why: rules and keys can be put
right while the poller runs. What a sweep found is expected to stay nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing

import structlog

from poller.errors import Permanent, PollerError
from poller.rtdb import tree
from poller.rtdb.queue_copy import Copy
from poller.rtdb.stream import Backoff, Change
from poller.rtdb.writer import Writer
from process.tasks import task_group

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 300.0
SILENCE_SECONDS = 45.0
"""No byte for so long: whether the stream lives is for the watchdog; what it may have hidden is looked for here."""

PATIENCE_SECONDS = 5.0
"""A stream may be this much behind an answer."""

REFUSED = Backoff(first=1.0, last=15.0)
"""Between two tries at what was refused."""


class WatchedNode:
    """One node. `tell` gets every change, after which the copy must show it."""

    def __init__(self, path: str, copy: Copy, tell: Callable[[Change], None]) -> None:
        self.path = path
        self.copy = copy
        self.tell = tell
        self.trouble = ""
        self._etag = ""
        self._agreed: tree.Node = None

    def agreed(self, etag: str) -> None:
        """The copy is what the database calls `etag`."""
        self._etag, self._agreed = etag, self.copy.node

    @property
    def etag(self) -> str:
        """Of the value the copy still shows, empty when there is none: an unchanged node costs no bytes."""
        return self._etag if tree.same(self._agreed, self.copy.node) else ""


class QueueWatch:
    """Runs until cancelled; the metrics count what sweeps found that the streams had missed."""

    def __init__(self, writer: Writer, followed: Iterable[WatchedNode]) -> None:
        self._writer = writer
        self._database = writer.database
        self._clock = writer.clock
        self._followed = tuple(followed)
        self._due = asyncio.Event()

    async def run(self) -> None:
        """Follows every node, and sweeps, until cancelled."""
        async with task_group() as group:
            for node in self._followed:
                group.create_task(self._follow(node))
            group.create_task(self._sweep_for_ever())

    # ── streams ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _follow(self, node: WatchedNode) -> None:
        failures = 0
        while True:
            try:
                await self._listen(node)
            except Permanent as refused:
                failures = failures + 1 if node.trouble else 0
                if node.trouble != str(refused):
                    log.error("queue.not_followed", node=node.path, reason=str(refused))
                node.trouble = str(refused)
            await self._clock.sleep(REFUSED.delay(failures, self._writer.chance))

    async def _listen(self, node: WatchedNode) -> None:
        async with aclosing(self._database.streams.watch(node.path)) as changes:
            async for change in changes:
                if change.kind == "snapshot" and node.copy.filled:
                    self._due.set()
                node.trouble = ""
                node.tell(change)

    # ── sweep ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _sweep_for_ever(self) -> None:
        while True:
            await self._until_due()
            self._due.clear()
            for node in self._followed:
                try:
                    await self._sweep(node)
                except PollerError as error:
                    log.warning("queue.sweep_failed", node=node.path, reason=str(error))

    async def _until_due(self) -> None:
        """After a reconnect, five minutes after the last sweep, and after 45 s without a byte."""
        began = self._clock.monotonic()
        async with asyncio.TaskGroup() as group:
            reconnected = group.create_task(self._due.wait())
            while not reconnected.done():
                passed = self._clock.monotonic() - began
                silent = min(passed, self._database.streams.last_byte_age)
                left = min(SWEEP_SECONDS - passed, SILENCE_SECONDS - silent)
                if left <= 0:
                    break
                timer = group.create_task(self._clock.sleep(left))
                await asyncio.wait({timer, reconnected}, return_when=asyncio.FIRST_COMPLETED)
                timer.cancel()
            reconnected.cancel()

    async def _sweep(self, node: WatchedNode) -> None:
        if not node.copy.filled:
            return
        found = await self._read(node)
        if found is None:
            return
        value, etag = found
        suspects = {
            name: node.copy.child(name) for name in sorted(node.copy.differing(tree.from_json(value)))
        }
        if not suspects:
            node.agreed(etag)
            return
        await self._clock.sleep(PATIENCE_SECONDS)
        for name, before in suspects.items():
            if tree.same(node.copy.child(name), before):
                await self._look_again(node, name)

    async def _read(self, node: WatchedNode) -> tuple[tree.Json, str] | None:
        """None when the database still has what the copy shows."""
        if etag := node.etag:
            return await self._database.get_if_changed(node.path, etag)
        return await self._database.get_with_etag(node.path)

    async def _look_again(self, node: WatchedNode, name: str) -> None:
        """The stream has told nothing new about it: what differs now, it has missed."""
        value = await self._database.get(f"{node.path}/{name}")
        if tree.same(tree.from_json(value), node.copy.child(name)):
            return
        self._writer.metrics.missed()
        what = "gone" if value is None else "changed" if name in node.copy.names() else "new"
        log.error("queue.stream_missed", node=node.path, job=name, what=what)
        node.tell(Change(kind="put", path=(name,), value=value))
