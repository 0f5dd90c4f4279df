"""Reads one job as a view needs it: its entry from the copy of the queue where that is kept, of its node only what is shown."""

from __future__ import annotations

import asyncio

from poller.job import Job
from poller.ports import JobView
from poller.rtdb.names import OUTPUTS, STATE, Json, entry_or_none
from poller.rtdb.queue_copy import QueueCopy
from poller.rtdb.reads import at_once
from poller.rtdb.run import RtdbRun, Runs
from poller.rtdb.stored import StoredJob, job_view
from poller.rtdb.writer import Writer

_STATUS = ("isCompleted", "isFailed", "currentProgressCount", "totalProgressCount", "logs")
_RUN = ("createdAt", "startedAt", "endedAt", "failure", "cancelled", "model")


LOOKS_AT_ONCE = 8
"""A look is a dozen small reads: hundreds of viewers who come at once must not stand in the way of claims and renewals."""


class JobReader:
    """`owner` is the name in our leases."""

    def __init__(self, writer: Writer, copy: QueueCopy, runs: Runs, *, owner: str) -> None:
        self._database, self._nodes = writer.database, writer.nodes
        self._copy, self._runs, self._owner = copy, runs, owner
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def view(self, job_id: str) -> JobView:
        """As a user sees it now; REMOVED where there is nothing."""
        run = self._runs.get(job_id)  # held here: it may end, with its model, while the rest is being read
        entry, node = await at_once(self._database.get(self._nodes.entry(job_id)), self.node(job_id, run))
        job = entry_or_none(job_id, entry)
        return job_view(job_id, job, StoredJob.of(node), model=run.display.model if run else None)

    async def entry(self, job_id: str) -> Job | None:
        """From the copy of the queue where that is kept; None where it has none."""
        if self._copy.live:
            return self._copy.jobs.get(job_id)
        return entry_or_none(job_id, await self._database.get(self._nodes.entry(job_id)))

    def rests(self, job_id: str) -> bool:
        """Whether nobody writes what it shows before its entry changes: it waits, or is ours and its run not yet held."""
        job = self._copy.jobs.get(job_id) if self._copy.live else None
        return job is not None and (job.waiting or job.lease.owner == self._owner)

    async def node(self, job_id: str, run: RtdbRun | None) -> Json:
        """Of a job's node what a view shows, without a model that `run` knows; None without a job."""
        leaves = _RUN[:-1] if run and run.display.model else _RUN
        async with self._looks:
            outputs, own = await at_once(self._outputs(job_id), self._leaves(self._nodes.run(job_id), leaves))
        return None if outputs is None and not own else {"state": {"outputs": outputs}, "run": own}

    async def _outputs(self, job_id: str) -> Json:
        """The status leaves and the log, not the canvas; None without a job."""
        found = await self._leaves(self._nodes.leaf(job_id, OUTPUTS), _STATUS)
        return found or ({} if await self._database.keys(self._nodes.leaf(job_id, STATE)) else None)

    async def _leaves(self, path: str, names: tuple[str, ...]) -> dict[str, Json]:
        found = await at_once(*(self._database.get(f"{path}/{name}") for name in names))
        return {name: value for name, value in zip(names, found, strict=True) if value is not None}
