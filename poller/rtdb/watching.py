"""Jobs that somebody watches: looked at once for all who do, and whoever is slow is shown the newest state.

The queue entry is the copy that the queue keeps. What a job shows is told by its run while that is held in this
process, as soon as the database has acknowledged it; while it runs elsewhere by an event stream, one for the job.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from eventstorming.v1 import model_pb2

from poller.job import Job, JobState
from poller.ports import JobNotFound, JobView
from poller.rtdb import tree
from poller.rtdb.names import CANVAS, OUTPUTS, UNSEEN, Json, members, text
from poller.rtdb.reader import JobReader
from poller.rtdb.run import RtdbRun, Runs
from poller.rtdb.stored import StoredJob, job_view, read_model
from poller.rtdb.stream import Change
from poller.rtdb.writer import Writer
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


class _Watched:
    """One job while anybody watches it. `task` ends with the job, or with what keeps it from being watched."""

    def __init__(self, job_id: str, writer: Writer, reader: JobReader, runs: Runs) -> None:
        self.job_id = job_id
        self.viewers = 0
        self._writer = writer
        self._reader = reader
        self._runs = runs
        self._run_here: RtdbRun | None = None
        self._rests = False
        self._changes: list[Change] = []
        self._outputs: tree.Node = None
        self._run: dict[str, Json] = {}
        self._model: model_pb2.EventStormingModel | None = None
        self._view: JobView | None = None
        self._stirred = asyncio.Event()
        self._news = asyncio.Event()
        self.task = asyncio.create_task(self._follow())
        self.task.add_done_callback(lambda _: self._news.set())

    async def newer_than(self, shown: JobView | None) -> JobView:
        """Raises what ended the watch before the job has ended."""
        while self._view is None or self._view is shown:
            if self.task.done():
                self.task.result()
            await self._news.wait()
        return self._view

    async def left(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    # ── what is new ──────────────────────────────────────────────────────────────────────────────────────────

    def take(self, change: Change) -> None:
        """A change of the outputs, the canvas left out."""
        if change.kind == "snapshot":
            self._changes.clear()
        self._changes.append(change)
        self._stirred.set()

    async def _follow(self) -> None:
        await self._look()
        while not self._over:
            async with task_group() as group:
                listening = group.create_task(self._listen())
                await self._keep_up()
                listening.cancel()

    @property
    def _over(self) -> bool:
        return self._view is not None and self._view.state.terminal

    async def _listen(self) -> None:
        if self._run_here or self._rests:
            return
        path = self._writer.nodes.outputs(self.job_id)
        async with aclosing(self._writer.database.watch(path, aside=True)) as changes:
            async for change in changes:
                if (seen := _without_canvas(change)) is not None:
                    self.take(seen)

    async def _keep_up(self) -> None:
        """Until the end, or until news come in another way: then everything is looked at again."""
        while not self._over:
            await self._stirred.wait()
            self._stirred.clear()
            if self._way() != (self._run_here, self._rests):
                await self._writer.insist(self._look)
                return
            await self._writer.insist(self._refresh)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _refresh(self) -> None:
        """From what has been told. A state is not believed before everything has been read: its parts come apart."""
        job = await self._entry()
        view = self._seen(job)
        starts = view.state is JobState.RUNNING and not view.started_at
        if job is None or starts or self._view is None or view.state is not self._view.state:
            await self._look()
        else:
            self._show(view)

    async def _look(self) -> None:
        """What is told meanwhile comes on top."""
        self._run_here, self._rests = self._way()
        self._changes.clear()
        job = await self._entry()
        node = await self._reader.node(self.job_id, self._run_here)
        if node is None:
            self._miss()
            return
        self._run = dict(node["run"])
        self._model = read_model(text(self._run.pop("model", None)))
        self._outputs = tree.from_json(node["state"]["outputs"])
        self._show(self._seen(job))

    def _way(self) -> tuple[RtdbRun | None, bool]:
        run = self._runs.get(self.job_id)
        return run, run is None and self._reader.rests(self.job_id)

    async def _entry(self) -> Job | None:
        return self._run_here.job if self._run_here else await self._reader.entry(self.job_id)

    def _seen(self, job: Job | None) -> JobView:
        for change in self._changes:
            self._outputs = change.applied_to(self._outputs)
        self._changes.clear()
        stored = StoredJob.of({"state": {"outputs": self._outputs}, "run": self._run})
        model = self._run_here.model if self._run_here else None
        preview = self._run_here.previewed if self._run_here else None
        return job_view(self.job_id, job, stored, model=model or self._model, preview=preview)

    def _miss(self) -> None:
        if self._view is None:
            raise JobNotFound(f"There is no job {self.job_id}.")
        self._show(JobView(job_id=self.job_id, state=JobState.REMOVED))

    def _show(self, view: JobView) -> None:
        if view != self._view:
            self._view = view
            self._news.set()
            self._news = asyncio.Event()


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
