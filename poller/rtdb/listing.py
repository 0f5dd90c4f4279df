"""Jobs by page, newest first: what is queued or running from memory, what has ended from the index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from poller.errors import Transient
from poller.job import Job, JobState
from poller.ports import JobFilter, JobPage, JobView, QueueChange
from poller.rtdb.client import Database
from poller.rtdb.index import Index
from poller.rtdb.names import Json, Nodes
from poller.rtdb.run import RtdbRun
from poller.rtdb.views import job_view
from process.tasks import task_group

_LEAVES = {
    "currentProgressCount": "state/outputs/currentProgressCount",
    "totalProgressCount": "state/outputs/totalProgressCount",
    "startedAt": "run/startedAt",
}


class Listing:
    """`runs` are the jobs claimed by this process. Told of every change of the queue by `learn`."""

    def __init__(self, database: Database, nodes: Nodes, runs: Mapping[str, RtdbRun]) -> None:
        self._database, self._nodes, self._runs = database, nodes, runs
        self._index = Index(database, nodes)
        self._live: dict[str, Job] = {}
        self._known = False

    def learn(self, change: QueueChange) -> None:
        if change.whole:
            self._live.clear()
            self._known = True
        for job_id, job in change.jobs.items():
            if job is None or job.cancelled_by:
                self._live.pop(job_id, None)
            else:
                self._live[job_id] = job

    async def page(self, wanted: JobFilter, *, size: int, after: str) -> JobPage:
        if not self._known:
            raise Transient("The queue is not known yet: RTDB has not answered since this poller started.")
        page = await self._index.page(self._live, wanted, size=size, before=after)
        async with task_group() as group:
            views = [group.create_task(self._completed(view)) for view in page.jobs]
        return replace(page, jobs=tuple(view.result() for view in views))

    async def _completed(self, view: JobView) -> JobView:
        """A running job has no row yet: its own run knows, or three leaves when it runs elsewhere."""
        if view.state is not JobState.RUNNING:
            return view
        if run := self._runs.get(view.job_id):
            current, total = run.progress
            known = JobView(
                job_id=view.job_id,
                state=view.state,
                title=run.title,
                started_at=run.started_at,
                current_progress=current,
                total_progress=total,
            )
        else:
            known = await self._read(view.job_id)
        return replace(
            view,
            title=known.title,
            started_at=known.started_at,
            current_progress=known.current_progress,
            total_progress=known.total_progress,
        )

    async def _read(self, job_id: str) -> JobView:
        node = self._nodes.job(job_id)
        async with task_group() as group:
            reads = {
                name: group.create_task(self._database.get(f"{node}/{path}"))
                for name, path in _LEAVES.items()
            }
        leaves: dict[str, Json] = {name: read.result() for name, read in reads.items()}
        started = leaves.pop("startedAt")
        return job_view(job_id, None, {"state": {"outputs": leaves}, "run": {"startedAt": started}})
