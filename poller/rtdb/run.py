"""One claimed job in the database: its lease, its journal, its display, and how it ends; and all of them that this process holds.

What may be written when is decided in `held_lease`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from eventstorming.v1 import job_pb2

from poller.job import Job
from poller.rtdb.display import Display, Shown
from poller.rtdb.endings import Canvas, opening, stages
from poller.rtdb.fence import Fence
from poller.rtdb.held_lease import HeldLease, LeasedWrites
from poller.rtdb.journal import Journal
from poller.rtdb.names import Json
from poller.rtdb.settlement import Settlement
from poller.rtdb.stored import StoredJob
from poller.rtdb.writer import Writer
from process.tasks import task_group


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
        self.input = input
        self.started_at = stored.started_at or writer.now()
        self._runs = runs
        self.lease = lease = HeldLease(writer, fence, job)
        self.writes = LeasedWrites(lease, runs.told)
        self.journal = Journal(
            lambda: lease.writer.insist(lambda: lease.writer.database.get(writer.nodes.journal(job.id))),
            self.writes.below_job,
            epoch=job.lease.epoch,
            fresh=job.lease.epoch == 1 and not stored.journal,
            clock=writer.clock.monotonic,
            metrics=writer.metrics,
            room=writer.room,
        )
        canvas = Canvas(input, job.id, stored)
        self.display = Display(
            canvas.project,
            Shown.of(stored),
            writer.clock,
            now=lease.writer.now,
            told=lambda: runs.told(job.id, {}),
            opening=opening(stored, total=stages(input)),
        )
        self.settlement = Settlement(
            lease,
            self.writes,
            self.journal,
            self.display,
            canvas,
            input=input,
            created_at=stored.created_at or job.created_at,
            started_at=self.started_at,
        )

    @property
    def job(self) -> Job:
        return self.lease.job

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

    async def begin_again(self, job: Job) -> None:
        await self.writes.settled()
        await self.journal.own.flush()
        await self.lease.next_epoch(job)
        self.journal.begin(self.job.lease.epoch)

    async def store(self, durable: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        async with task_group() as group:
            group.create_task(self.journal.own.run(durable))
            group.create_task(self.display.run(self.writes.below_job))

    async def close(self) -> None:
        """No write is on its way any more, and nothing waits to be one."""
        await self.writes.settled()
        self.journal.own.drop()


class Runs(dict[str, RtdbRun]):
    """The runs of this process by job, each while it is held. `told` hears of every coming and going, and what was stored.

    `tokens` are those of the last runs, whether they are still held or not.
    """

    told: Callable[[str, Mapping[str, Json]], None] = staticmethod(lambda job_id, updates: None)

    def __init__(self) -> None:
        super().__init__()
        self.tokens: deque[str] = deque(maxlen=1000)

    def enter(self, run: RtdbRun) -> None:
        """From now on it hears of its entry."""
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
