"""Jobs by page, newest first: what is queued or running from memory, what has ended from the index."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from poller.errors import Transient
from poller.job import JobState
from poller.ports import JobFilter, JobPage, JobView
from poller.rtdb.endings import stages
from poller.rtdb.index import Index, title_of
from poller.rtdb.names import CURRENT_PROGRESS, STARTED_AT, TOTAL_PROGRESS, count
from poller.rtdb.queue_copy import QueueCopy
from poller.rtdb.reader import LOOKS_AT_ONCE
from poller.rtdb.reads import at_once
from poller.rtdb.run import Runs
from poller.rtdb.writer import Writer


class Listing:
    """`runs` are the jobs claimed by this process."""

    def __init__(self, writer: Writer, copy: QueueCopy, runs: Runs) -> None:
        self._database, self._nodes = writer.database, writer.nodes
        self._copy, self._runs = copy, runs
        self._index = Index(self._database, self._nodes)
        self._reads = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def page(self, wanted: JobFilter, *, size: int, after: str) -> JobPage:
        """As `list_jobs` of the port Jobs."""
        if not self._copy.known:
            raise Transient("The queue is not known yet: RTDB has not answered since this poller started.")
        live = {job_id: job for job_id, job in self._copy.jobs.items() if not job.cancelled_by}
        page = await self._index.page(live, wanted, size=size, before=after)
        return replace(page, jobs=tuple(await at_once(*map(self._completed, page.jobs))))

    async def _completed(self, view: JobView) -> JobView:
        """A running job has no row yet: its own run knows, or three leaves when it runs elsewhere."""
        if view.state is not JobState.RUNNING:
            return view
        if run := self._runs.get(view.job_id):
            current, total = run.display.current_progress, stages(run.input)
            known = (title_of(run.input), run.started_at, current, total)
        else:
            known = ("", *await self._read(view.job_id))
        title, started_at, current, total = known
        return replace(
            view, title=title, started_at=started_at, current_progress=current, total_progress=total
        )

    async def _read(self, job_id: str) -> tuple[int, int, int]:
        """When it started, and its progress."""
        async with self._reads:
            paths = (STARTED_AT, CURRENT_PROGRESS, TOTAL_PROGRESS)
            found = await at_once(*(self._database.get(self._nodes.leaf(job_id, path)) for path in paths))
        started_at, current, total = map(count, found)
        return started_at, current, total
