"""How a run ends in the database: completed, failed, cancelled, or given back to the queue.

In the contract's order: everything that is shown, then the end, then the flag that the browser waits for, then the entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from eventstorming.v1 import job_pb2, model_pb2

from poller.job import Job, JobState, Lease, LogLevel, LogLine
from poller.rtdb import index
from poller.rtdb.display import Display
from poller.rtdb.endings import Canvas, completion, failure, stages
from poller.rtdb.held_lease import HeldLease, LeasedWrites
from poller.rtdb.journal import Journal
from poller.rtdb.names import IS_COMPLETED, Json, members, read_lease, released_entry
from poller.rtdb.stored import StoredJob
from poller.rtdb.writer import Unchanged
from poller.sentences import sentence

MOST_NAMES = 20
"""Of stickers that are told one by one."""


class Settlement:
    """Implements the port `Settlement` for one run."""

    def __init__(
        self,
        lease: HeldLease,
        writes: LeasedWrites,
        journal: Journal,
        display: Display,
        canvas: Canvas,
        *,
        input: job_pb2.JobInput,
        created_at: int,
        started_at: int,
    ) -> None:
        self._lease, self._writer, self._metrics = lease, lease.writer, lease.writer.metrics
        self._writes = writes
        self._journal = journal
        self._display = display
        self._canvas = canvas
        self._input = input
        self._created_at, self._started_at = created_at, started_at

    async def complete(self, model: model_pb2.EventStormingModel, *, tokens_used: int) -> None:
        if kept := await asyncio.to_thread(self._canvas.finish, model):
            told = sentence("kept", self._input.language, count=len(kept), names=", ".join(kept[:MOST_NAMES]))
            self._display.say(LogLine(level=LogLevel.WARNING, message=told, key="kept"))
        await self._writes.settled()
        if self._writes.in_flight.doubtful:
            await self._look_again()
        self._display.show_model(model)
        await self._show_all()
        last = completion(model, total=stages(self._input), tokens_used=tokens_used, now=self._writer.now())
        await self._write_end(JobState.COMPLETED, last)
        await self._writes.settled()
        await self._writes.alone(IS_COMPLETED, True)
        self._metrics.ended("completed")
        await self.end()

    async def _show_all(self) -> None:
        """All that is left, after which nothing older can come."""
        await self._journal.own.flush()
        await self._display.flush(self._writes.below_job)
        await self._writes.settled()

    async def _look_again(self) -> None:
        """A late write may have put an older sticker over the one that the display knows as shown."""
        path = self._writer.nodes.job(self._lease.job.id)
        stored = await self._writer.insist(lambda: self._writer.database.get(path))
        self._display.shows(StoredJob.of(stored))

    async def fail(self, sentence: str, *, cancelled: bool = False) -> None:
        await self.show_failure(sentence, cancelled=cancelled)
        await self.end()

    async def show_failure(self, sentence: str, *, cancelled: bool) -> None:
        """The line first: browsers show it, then take the flag as the end. The entry is still there afterwards."""
        await self._writes.settled()
        self._display.say(LogLine(level=LogLevel.ERROR, message=sentence))
        await self._show_all()
        last = failure(sentence, now=self._writer.now(), cancelled=cancelled)
        await self._write_end(JobState.FAILED, last, failure=sentence, cancelled=cancelled)
        self._metrics.ended("failed")

    async def _write_end(
        self, state: JobState, updates: Mapping[str, Json], *, failure: str = "", cancelled: bool = False
    ) -> None:
        """With the job's row in the index, so that there is never one without the other."""
        row = index.ended_row(
            state,
            title=index.title_of(self._input),
            started_at=self._started_at,
            attempts=self._lease.job.attempts,
            failure=failure,
            cancelled=cancelled,
        )
        whole = index.with_row(self._writer.nodes, self._lease.job.id, self._created_at, updates, row)
        await self._writes.with_others(whole, updates)

    async def end(self) -> None:
        """The entry goes, if it is still ours."""
        if not self._writes.marked:
            await self._writes.below_job({})
        await self._writes.settled()
        await self._let_go(lambda current, lease: None)

    async def release(self, job: Job) -> None:
        await self._writes.settled()
        if self._lease.fence.open:
            await self._journal.own.flush()
        # The epoch may be the next one, begun and broken off.
        await self._let_go(
            lambda current, lease: released_entry(current, replace(job, lease=lease.released()))
        )
        self._metrics.lease("released")
        self._metrics.ended("released")

    async def _let_go(self, left: Callable[[Json, Lease], Json]) -> None:
        """`left`: what becomes of the entry, if it is still ours."""
        self._lease.ended = True
        token = self._lease.job.lease.token

        def decided(current: Json) -> Json:
            lease = read_lease(members(current).get("lease"))
            if lease.token != token:
                raise Unchanged
            return left(current, lease)

        await self._lease.change_entry(decided)

    async def cancel(self, stored: StoredJob, by: str, *, entry_stays: bool = False) -> None:
        """As failed because somebody asked for that; keeps the lease itself."""
        why = sentence("cancelled", self._input.language, by=by)
        if _stands(stored, why):
            end = self.end()
        elif entry_stays:
            end = self.show_failure(why, cancelled=True)
        else:
            end = self.fail(why, cancelled=True)
        await self._lease.kept(end)


def _stands(stored: StoredJob, why: str) -> bool:
    """Whether a cancelled job has its end: before it was cancelled, or as that, with nothing of it overwritten since."""
    if stored.said_failure != why:
        return stored.state().terminal
    return stored.state() is JobState.FAILED and why in [line.message for line in stored.log]
