"""Jobs that somebody watches: looked at once for all who do, and whoever is slow is shown the newest state.

The queue entry is the copy that the queue keeps. What a job shows is told by its run while that is held in this
process, as soon as the database has acknowledged it; while it runs elsewhere by an event stream, one for the job.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from poller.job import Job, JobState
from poller.ports import JobNotFound, JobView
from poller.rtdb import tree
from poller.rtdb.names import CANVAS, OUTPUTS, UNSEEN, Json, members
from poller.rtdb.reader import JobReader
from poller.rtdb.run import RtdbRun, Runs
from poller.rtdb.stored import StoredJob, job_view
from poller.rtdb.stream import Change
from poller.rtdb.writer import Writer
from process.news import News
from process.tasks import task_group

_DRAWN = CANVAS.removeprefix(f"{OUTPUTS}/")


class Watching:
    """The watched jobs. `runs` are those that are held in this process; they tell what is new."""

    def __init__(self, writer: Writer, reader: JobReader, runs: Runs) -> None:
        self._writer, self._reader, self._runs = writer, reader, runs
        runs.told = self.told
        self._watched: dict[str, _Watched] = {}

    def told(self, job_id: str, updates: Mapping[str, Json]) -> None:
        """A run here has stored these, or something else about the job is new: its entry, who runs it."""
        watched = self._watched.get(job_id)
        if watched and (not updates or any(not path.startswith(UNSEEN) for path in updates)):
            watched.take(Change(kind="patch", value=_below(f"{OUTPUTS}/", updates)))

    async def views(self, job_id: str) -> AsyncGenerator[JobView, None]:
        """The present, then the newest state whenever there is one that was not shown; ends after the terminal one."""
        watched = self._watched.get(job_id) or self._begun(job_id)
        watched.viewers += 1
        try:
            view = await watched.newer_than(None)
            yield view
            while not view.state.terminal:
                view = await watched.newer_than(view)
                yield view
        finally:
            watched.viewers -= 1
            if not watched.viewers:
                self._forget(watched)
                await watched.left()

    def _begun(self, job_id: str) -> _Watched:
        watched = self._watched[job_id] = _Watched(job_id, self._writer, self._reader, self._runs)
        watched.task.add_done_callback(lambda _: self._forget(watched))
        return watched

    def _forget(self, watched: _Watched) -> None:
        """Who comes now begins anew."""
        if self._watched.get(watched.job_id) is watched:
            del self._watched[watched.job_id]


class _Newest:
    """The newest view, and who waits for one."""

    def __init__(self) -> None:
        self.view: JobView | None = None
        self._news = News()

    @property
    def is_last(self) -> bool:
        """Whether nothing can follow."""
        return self.view is not None and self.view.state.terminal

    def show(self, view: JobView) -> None:
        """Wakes everybody, if it says anything new."""
        if view != self.view:
            self.view = view
            self.stir()

    def stir(self) -> None:
        """Everybody looks once more."""
        self._news.tell()

    async def changed(self) -> None:
        """Returns at the next view."""
        await self._news.wait()


class _Outputs:
    """What a job shows, the canvas left out: as it was read, and what was told of it since."""

    _outputs: tree.Node
    _run: Json

    def __init__(self) -> None:
        self._changes: list[Change] = []

    def take(self, change: Change) -> None:
        """On top of what is known; a snapshot in place of it."""
        self._changes.append(change)

    def forget_changes(self) -> None:
        """Before everything is read anew."""
        self._changes.clear()

    def read(self, node: Json) -> None:
        """What was told since the reading began comes on top."""
        self._run = node["run"]
        self._outputs = tree.from_json(node["state"]["outputs"])

    def view(self, job_id: str, job: Job | None, run: RtdbRun | None) -> JobView:
        """`run` is the one in this process, which knows more than was stored."""
        for change in self._changes:
            self._outputs = change.applied_to(self._outputs)
        self._changes.clear()
        stored = StoredJob.of({"state": {"outputs": self._outputs}, "run": self._run})
        model, preview = (run.display.model, run.display.previewed) if run else (None, None)
        return job_view(job_id, job, stored, model=model, preview=preview)


class _Watched:
    """One job while anybody watches it. `task` ends with the job, or with what keeps it from being watched."""

    _run_here: RtdbRun | None
    _rests: bool

    def __init__(self, job_id: str, writer: Writer, reader: JobReader, runs: Runs) -> None:
        self.job_id = job_id
        self.viewers = 0
        self._writer, self._reader, self._runs = writer, reader, runs
        self._outputs, self._newest = _Outputs(), _Newest()
        self._stirred = asyncio.Event()
        self.task = asyncio.create_task(self._follow())
        self.task.add_done_callback(lambda _: self._newest.stir())

    async def newer_than(self, shown: JobView | None) -> JobView:
        """Raises what ended the watch before the job has ended."""
        while (view := self._newest.view) is None or view is shown:
            if self.task.done():
                self.task.result()
            await self._newest.changed()
        return view

    async def left(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def take(self, change: Change) -> None:
        """A change of the outputs, the canvas left out."""
        self._outputs.take(change)
        self._stirred.set()

    async def _follow(self) -> None:
        await self._look()
        while not self._newest.is_last:
            async with task_group() as group:
                listening = group.create_task(self._listen())
                await self._keep_up()
                listening.cancel()

    async def _listen(self) -> None:
        if self._run_here or self._rests:
            return
        path = self._writer.nodes.leaf(self.job_id, OUTPUTS)
        async with aclosing(self._writer.database.streams.watch(path, aside=True)) as changes:
            async for change in changes:
                if (seen := _without_canvas(change)) is not None:
                    self.take(seen)

    async def _keep_up(self) -> None:
        """Until the end, or until news come in another way: then everything is looked at again."""
        while not self._newest.is_last:
            await self._stirred.wait()
            self._stirred.clear()
            if self._way() != (self._run_here, self._rests):
                await self._writer.insist(self._look)
                return
            await self._writer.insist(self._refresh)

    async def _refresh(self) -> None:
        """From what has been told. A state is not believed before everything has been read: its parts come apart."""
        job = await self._entry()
        view, before = self._outputs.view(self.job_id, job, self._run_here), self._newest.view
        starts = view.state is JobState.RUNNING and not view.started_at
        if job is None or starts or before is None or view.state is not before.state:
            await self._look()
        else:
            self._newest.show(view)

    async def _look(self) -> None:
        """What is told meanwhile comes on top."""
        self._run_here, self._rests = self._way()
        self._outputs.forget_changes()
        job = await self._entry()
        node = await self._reader.node(self.job_id, self._run_here)
        if node is not None:
            self._outputs.read(node)
            self._newest.show(self._outputs.view(self.job_id, job, self._run_here))
        elif self._newest.view is None:
            raise JobNotFound(f"There is no job {self.job_id}.")
        else:
            self._newest.show(JobView(job_id=self.job_id, state=JobState.REMOVED))

    def _way(self) -> tuple[RtdbRun | None, bool]:
        run = self._runs.get(self.job_id)
        return run, run is None and self._reader.rests(self.job_id)

    async def _entry(self) -> Job | None:
        return self._run_here.job if self._run_here else await self._reader.entry(self.job_id)


def _without_canvas(change: Change) -> Change | None:
    """Which is large, and no part of a view. None when nothing else has changed."""
    if change.path:
        return None if change.path[0] == _DRAWN else change
    if change.kind != "patch":
        kept = {name: value for name, value in members(change.value).items() if name != _DRAWN}
        return replace(change, value=kept)
    kept = {path: value for path, value in change.value.items() if path.split("/")[0] != _DRAWN}
    return replace(change, value=kept) if kept else None


def _below(prefix: str, updates: Mapping[str, Json]) -> dict[str, Json]:
    """Of these what lies below it, the canvas left out: a view has the model, and the run has that."""
    seen = {path: value for path, value in updates.items() if not path.startswith((*UNSEEN, f"{CANVAS}/"))}
    return {path.removeprefix(prefix): value for path, value in seen.items() if path.startswith(prefix)}
