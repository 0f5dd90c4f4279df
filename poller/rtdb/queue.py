"""The queue in the Realtime Database, for the work on it. Implements the port `Queue`.

Taking jobs is in `claims`, taking away in `removals`, a claimed job in `run`; what users ask of jobs in `jobs`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from poller.job import Job
from poller.ports import QueueChange
from poller.rtdb.claims import Claims
from poller.rtdb.fence import Claimant
from poller.rtdb.jobs import RtdbJobs
from poller.rtdb.names import Garbage, Json, read_entry
from poller.rtdb.queue_copy import QueueCopy
from poller.rtdb.queue_watch import QueueWatch, WatchedNode
from poller.rtdb.removals import Removals
from poller.rtdb.run import RtdbRun, Runs
from poller.rtdb.stream import Change
from poller.rtdb.webhooks import RtdbWebhooks
from poller.rtdb.writer import Unchanged, Writer
from process.tasks import task_group


class RtdbQueue:
    """`runs` are told of what changes in the entries: who holds a lease, and who watches, must know."""

    def __init__(
        self, writer: Writer, copy: QueueCopy, runs: Runs, *, claims: Claims, removals: Removals
    ) -> None:
        self._writer = writer
        self._copy = copy
        self._runs = runs
        self._claims = claims
        self._removals = removals
        self._watched: tuple[WatchedNode, ...] = ()

    def now(self) -> int:
        return self._writer.now()

    def problem(self) -> str:
        refused = next((node.trouble for node in self._watched if node.trouble), "")
        return refused or self._writer.database.streams.why_not_ready() or ""

    @property
    def buffered_bytes(self) -> int:
        """Answers of all runs here that wait for the database."""
        return sum(run.journal.own.buffered for run in self._runs.values())

    async def changes(self) -> AsyncGenerator[QueueChange, None]:
        news: asyncio.Queue[QueueChange] = asyncio.Queue()
        nodes, copy = self._writer.nodes, self._copy
        self._watched = (
            WatchedNode(nodes.entries, copy.entries, lambda change: news.put_nowait(self._entries(change))),
            WatchedNode(
                nodes.removals,
                copy.removals,
                lambda change: news.put_nowait(copy.removals_changed(change)),
            ),
        )
        try:
            with copy.listening():
                async with task_group() as group:
                    group.create_task(QueueWatch(self._writer, self._watched).run())
                    while True:
                        yield await news.get()
        finally:
            self._watched = ()

    def _entries(self, change: Change) -> QueueChange:
        found, changed = self._copy.entries_changed(change)
        for job_id in changed:
            self._runs.entry_changed(job_id, found.jobs.get(job_id))
        return found

    async def claim(self, job: Job) -> RtdbRun | None:
        return await self._claims.claim(job)

    async def show_position(self, job: Job, place: int) -> None:
        def placed(current: Json) -> Json:
            if current is None or read_entry(job.id, current) != job:
                raise Unchanged
            return {**current, "waitingJobCount": place}

        try:
            await self._writer.transact(self._writer.nodes.entry(job.id), placed)
        except Garbage:
            return

    async def drop(self, job_id: str, reason: str) -> None:
        await self._removals.drop(job_id, reason)

    async def remove(self, job_id: str) -> bool:
        return await self._removals.remove(job_id)


@dataclass(frozen=True, slots=True)
class Opened:
    """The ports over one database: they share what is known of the entries, and the runs of this process."""

    queue: RtdbQueue
    jobs: RtdbJobs
    webhooks: RtdbWebhooks

    @classmethod
    def over(cls, writer: Writer, claimant: Claimant) -> Opened:
        """On a writer that has been entered; nothing is read before the ports are used."""
        copy, runs = QueueCopy(), Runs()
        removals = Removals(writer, runs, claimant)
        claims = Claims(writer, runs, removals, claimant)
        queue = RtdbQueue(writer, copy, runs, claims=claims, removals=removals)
        webhooks = RtdbWebhooks(writer, claimant)
        return cls(queue, RtdbJobs(writer, copy, runs, claimant, webhooks), webhooks)
