"""One claimed job in the database: its lease, its journal, what it shows, and how it ends.

What may be written when is decided in `held_lease`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import structlog
from eventstorming.v1 import executor_pb2, job_pb2, model_pb2

from poller.job import Job, JobState, LogLevel, LogLine
from poller.rtdb import index
from poller.rtdb.display import Display, Shown
from poller.rtdb.endings import Canvas, completion, failure, opening
from poller.rtdb.fence import MARGIN_SECONDS, Fence
from poller.rtdb.held_lease import HeldLease, LeasedWrites
from poller.rtdb.journal import GroupCommit, newest
from poller.rtdb.names import IS_COMPLETED, Json, claimed_entry, members, read_lease, released_entry
from poller.rtdb.stored import StoredJob
from poller.rtdb.writer import Unchanged, Writer
from poller.sentences import sentence
from process.tasks import task_group

log = structlog.get_logger(__name__)

MOST_NAMES = 20
"""Of stickers that are told one by one."""


class Runs(dict[str, "RtdbRun"]):
    """Those of this process by job, each while it is held. `told` hears of every coming and going, and what was stored.

    `tokens` are those of the last runs, whether they are still held or not.
    """

    told: Callable[[str, Mapping[str, Json]], None] = staticmethod(lambda job_id, updates: None)

    def __init__(self) -> None:
        super().__init__()
        self.tokens: deque[str] = deque(maxlen=1000)

    def enter(self, run: RtdbRun) -> None:
        self[run.job.id] = run
        self.tokens.append(run.job.lease.token)
        self.told(run.job.id, {})

    def leave(self, run: RtdbRun) -> None:
        """A cancel may have taken its place."""
        if self.get(run.job.id) is run:
            del self[run.job.id]
            self.told(run.job.id, {})

    def entry_changed(self, job_id: str, job: Job | None) -> None:
        """The event stream has shown the entry anew."""
        if run := self.get(job_id):
            run.lease.check(job)
        self.told(job_id, {})


class RtdbRun:
    """Implements the port `Run`. `stored` is the job as it was at the claim."""

    def __init__(
        self,
        writer: Writer,
        fence: Fence,
        job: Job,
        *,
        input: job_pb2.JobInput,
        stored: StoredJob,
        runs: Runs,
    ) -> None:
        self.lease = HeldLease(writer, fence, job)
        self.input = input
        self.model: model_pb2.EventStormingModel | None = None
        self.previewed: model_pb2.EventStormingModel | None = None
        self.started_at = stored.started_at or writer.now()
        self._created_at = stored.created_at or job.created_at
        self._writer, self._metrics, self._runs = self.lease.writer, writer.metrics, runs
        self._writes = LeasedWrites(self.lease, runs.told)
        self._fresh = job.lease.epoch == 1 and not stored.journal
        self._canvas = Canvas(input, job.id, stored)
        first = opening(stored, total=self._total)
        self._display = Display(self._canvas.project, Shown.of(stored), writer.clock, opening=first)
        self._acknowledged: set[str] = set()
        self._journal = self._group_commit(job.lease.epoch)

    @property
    def job(self) -> Job:
        return self.lease.job

    def _group_commit(self, epoch: int) -> GroupCommit:
        return GroupCommit(
            self._writes.below_job,
            epoch=epoch,
            clock=self._writer.clock.monotonic,
            metrics=self._metrics,
            room=self._writer.room,
        )

    async def __aenter__(self) -> Self:
        self._runs.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.close()
        finally:
            self._runs.leave(self)

    @property
    def title(self) -> str:
        return index.title_of(self.input)

    @property
    def progress(self) -> tuple[int, int]:
        """Finished stages as shown, and all of them."""
        return self._display.current_progress, self._total

    @property
    def _total(self) -> int:
        return 8 if self.input.HasField("draft") else 11

    # ── the lease ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def may_ask(self) -> bool:
        return self.lease.fence.may_ask

    @property
    def answered(self) -> bool:
        return self._journal.stored > 0

    @property
    def buffered_bytes(self) -> int:
        """Answers that wait for the database."""
        return self._journal.buffered

    async def keep(self) -> None:
        await self.lease.keep()

    async def kept(self, ending: Coroutine[Any, Any, None]) -> None:
        """An end that no attempt keeps the lease for: it may take longer than the lease, when the database is away."""
        async with task_group() as group:
            keeping = group.create_task(self.keep())
            await ending
            keeping.cancel()

    def doubt(self) -> None:
        """The run that held this lease before is gone: what it sent last may still be stored."""
        self._writes.in_flight.doubt(MARGIN_SECONDS)

    async def begin_again(self, job: Job) -> None:
        await self._writes.settled()
        await self._journal.flush()
        wanted = replace(job, lease=replace(job.lease, epoch=job.lease.epoch + 1))
        sent = self._writer.clock.monotonic()

        def next_epoch(current: Json) -> Json:
            self.lease.check_token(members(current).get("lease"))
            return claimed_entry(current, wanted, now=self._writer.now())

        await self.lease.change_entry(next_epoch)
        self.lease.fence.renewed(sent)
        self.lease.job, self._fresh = wanted, False
        self._journal = self._group_commit(wanted.lease.epoch)

    # ── answers and what is shown ────────────────────────────────────────────────────────────────────────────

    async def recall(self) -> Sequence[executor_pb2.JournalEntry]:
        if self._fresh:
            return []
        path = self._writer.nodes.journal(self.job.id)
        found = newest(await self._writer.insist(lambda: self._writer.database.get(path)))
        self._acknowledged = {entry.key for entry in found}
        return found

    def remember(self, seq: int, entry: executor_pb2.JournalEntry) -> None:
        if entry.key in self._acknowledged:
            self._metrics.repeated()
        self._journal.add(seq, entry)

    async def room(self) -> None:
        await self._writer.room.free()

    def show_progress(self, current: int, total: int) -> None:
        self._display.show_progress(current, total)

    def show_model(self, model: model_pb2.EventStormingModel) -> None:
        self.model = model
        self._display.show_model(model)

    def preview(self, model: model_pb2.EventStormingModel) -> None:
        self.previewed = model
        self._runs.told(self.job.id, {})

    def say(self, line: LogLine) -> None:
        self._display.say(line, now=self._writer.now())

    def said(self, key: str) -> bool:
        return self._display.said(key)

    async def store(self, durable: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        async with task_group() as group:
            group.create_task(self._journal.run(durable))
            group.create_task(self._display.run(self._writes.below_job))

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────

    async def complete(self, model: model_pb2.EventStormingModel, *, tokens_used: int) -> None:
        if kept := await asyncio.to_thread(self._canvas.finish, model):
            told = sentence("kept", self.input.language, count=len(kept), names=", ".join(kept[:MOST_NAMES]))
            self.say(LogLine(level=LogLevel.WARNING, message=told, key="kept"))
        await self._writes.settled()
        if self._writes.in_flight.doubtful:
            await self._look_again()
        self.show_model(model)
        await self._show_all()
        last = completion(model, total=self._total, tokens_used=tokens_used, now=self._writer.now())
        await self._write_end(JobState.COMPLETED, last)
        await self._writes.settled()
        await self._writes.alone(IS_COMPLETED, True)
        self._metrics.ended("completed")
        await self.end()

    async def _show_all(self) -> None:
        """All that is left, after which nothing older can come."""
        await self._journal.flush()
        await self._display.flush(self._writes.below_job)
        await self._writes.settled()

    async def _look_again(self) -> None:
        """A late write may have put an older sticker over the one that the display knows as shown."""
        path = self._writer.nodes.job(self.job.id)
        stored = await self._writer.insist(lambda: self._writer.database.get(path))
        self._display.shows(StoredJob.of(stored))

    async def fail(self, sentence: str, *, cancelled: bool = False) -> None:
        await self.show_failure(sentence, cancelled=cancelled)
        await self.end()

    async def show_failure(self, sentence: str, *, cancelled: bool = False) -> None:
        """The line first: browsers show it, then take the flag as the end. The entry is still there afterwards."""
        await self._writes.settled()
        self.say(LogLine(level=LogLevel.ERROR, message=sentence))
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
            title=self.title,
            started_at=self.started_at,
            attempts=self.job.attempts,
            failure=failure,
            cancelled=cancelled,
        )
        whole = index.with_row(self._writer.nodes, self.job.id, self._created_at, updates, row)
        await self._writes.with_others(whole, updates)

    async def end(self) -> None:
        """The entry goes, if it is still ours."""
        if not self._writes.marked:
            await self._writes.below_job({})
        await self._writes.settled()
        self.lease.ended = True
        token = self.job.lease.token

        def gone(current: Json) -> Json:
            if read_lease(members(current).get("lease")).token != token:
                raise Unchanged
            return None

        await self.lease.change_entry(gone)

    async def release(self, job: Job) -> None:
        await self._writes.settled()
        if self.lease.fence.open:
            await self._journal.flush()
        self.lease.ended = True
        token = self.job.lease.token

        def released(current: Json) -> Json:
            # The epoch may be the next one, begun and broken off.
            lease = read_lease(members(current).get("lease"))
            if lease.token != token:
                raise Unchanged
            return released_entry(current, replace(job, lease=lease.released()))

        await self.lease.change_entry(released)
        self._metrics.lease("released")
        self._metrics.ended("released")

    async def close(self) -> None:
        await self._writes.settled()
        self._journal.drop()


async def end_as_cancelled(run: RtdbRun, stored: StoredJob, by: str, *, entry_stays: bool = False) -> None:
    why = sentence("cancelled", run.input.language, by=by)
    if _stands(stored, why):
        await run.kept(run.end())
    else:
        end = run.show_failure if entry_stays else run.fail
        await run.kept(end(why, cancelled=True))


def _stands(stored: StoredJob, why: str) -> bool:
    """Whether a cancelled job has its end: before it was cancelled, or as that, with nothing of it overwritten since."""
    if stored.said_failure != why:
        return stored.state().terminal
    return stored.state() is JobState.FAILED and why in [line.message for line in stored.log]
