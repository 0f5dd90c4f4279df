"""Jobs as agents see them: as tasks with their context and artifacts, and as the events of a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from a2a.server.events.event_queue import Event
from a2a.types import Artifact, Task

from poller import exports
from poller.a2a import outgoing
from poller.job import JobState
from poller.ports import Jobs, JobView
from process.tasks import task_group


class TaskViews:
    """`links`: where people see a job."""

    def __init__(self, jobs: Jobs, links: outgoing.Links) -> None:
        self._jobs, self._links = jobs, links

    async def context(self, job_id: str) -> str:
        """As its caller named it, else the job's own id."""
        return (await self._jobs.caller(job_id)).context or job_id

    async def described(self, view: JobView) -> Task:
        """The job as it stands, with its artifacts once it is finished."""
        return await self.task(view, await self.context(view.job_id))

    async def task(self, view: JobView, context: str) -> Task:
        """The same, of a job whose context is known."""
        return outgoing.task_of(view, context, await self._artifacts(view))

    def linked(self, view: JobView, context: str) -> Task:
        """A finished task that holds where to look, while the job goes on."""
        return outgoing.answered_with_link(view, context, self._links.of(view.job_id))

    async def listed(self, views: Sequence[JobView], *, context: str, artifacts: bool) -> list[Task]:
        """Those of one context; "": of all. With `artifacts` each is read as a whole."""
        async with task_group() as group:
            contexts = [group.create_task(self.context(view.job_id)) for view in views]
        found = []
        for view, its in zip(views, contexts, strict=True):
            if context not in ("", its.result()):
                continue
            if artifacts:
                found.append(await self.task(await self._jobs.get(view.job_id), its.result()))
            else:
                found.append(outgoing.task_of(view, its.result()))
        return found

    async def events(self, seen: JobView, context: str) -> AsyncGenerator[Event, None]:
        """The task first, then what changes about it, its artifacts, its end."""
        yield await self.task(seen, context)
        if seen.state.terminal:
            return
        async with aclosing(self._jobs.watch(seen.job_id)) as views:
            async for view in views:
                if view.state is JobState.COMPLETED:
                    for artifact in outgoing.artifact_events(await self.task(view, context)):
                        yield artifact
                if event := outgoing.changed(seen, view, context, now=self._jobs.now()):
                    yield event
                seen = view

    async def _artifacts(self, view: JobView) -> list[Artifact]:
        if view.state is not JobState.COMPLETED or view.model is None:
            return []
        whole = exports.sourced(view.model, (await self._jobs.input(view.job_id)).requirements)
        return await asyncio.to_thread(outgoing.artifacts_of, view.job_id, whole, self._links.of(view.job_id))
