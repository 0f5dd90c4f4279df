"""Boards that grow: one watch and one rendering per job, however many look at it; it ends when the last has left."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Self

import structlog
from eventstorming.v1 import job_pb2
from eventstorming.v1.model_pb2 import LANGUAGE_KOREAN, EventStormingModel

from poller import exports
from poller.board.html import Along, Live, render_html, render_wall
from poller.errors import Fault, InputRejected, PollerError, faults
from poller.job import JobState
from poller.pages.stream import KEEP_ALIVE_SECONDS, event
from poller.ports import JobNotFound, Jobs, JobView
from process.news import News

log = structlog.get_logger(__name__)

LINGER_SECONDS = 5.0
"""A page asks for its events right after it has been shown; until then its watch goes on."""

PAUSE_SECONDS = 0.4
"""Between two renderings of a wall."""


class _Board:
    """What is known of one job, ready to be sent."""

    def __init__(self, job_id: str, bare: EventStormingModel) -> None:
        self.job_id = job_id
        self.viewers = 0
        self.news = News()
        self.known = asyncio.Event()
        self.ended = False
        self.broken = False
        self.job = b""
        self.shown = ""
        self.model = bare
        self._walls: dict[bool, tuple[str, bytes]] = {}
        self._bare = bare
        self._drawn: EventStormingModel | None = None
        self._page: tuple[str, str] = ("-", "")

    async def take(self, view: JobView) -> None:
        """The state at once, the wall as soon as it is drawn."""
        self.job = event("job", _status(view))
        model = view.model or view.preview
        if model is not None and model is not self._drawn:
            if self.known.is_set():
                self.news.tell()
            await self._draw(model)
        self.ended = view.state.terminal
        self.known.set()
        self.news.tell()

    async def _draw(self, model: EventStormingModel) -> None:
        self._drawn = model
        whole = exports.sourced(model, self._bare.source_text)
        shown = name_of(whole)
        if shown != self.shown:
            wall = await asyncio.to_thread(render_wall, whole)
            self._walls[False] = (shown, event("wall", wall, id=shown))
            self.model, self.shown = whole, shown

    async def _wall(self, in_time: bool) -> tuple[str, bytes]:
        """A state and its wall; by time only where somebody looks at it that way."""
        shown, model = self.shown, self.model
        if in_time and self._walls.get(in_time, ("", b""))[0] != shown:
            wall = await asyncio.to_thread(render_wall, model, in_time=True)
            self._walls[in_time] = (shown, event("wall", wall, id=shown))
        return self._walls[in_time]

    async def page(self) -> str:
        """The document as it stands, made once per state of the model."""
        shown, model = self.shown, self.model
        if self._page[0] != shown:
            live = Live(
                events=f"/board/{self.job_id}/events",
                jobs="/jobs",
                retry=f"/jobs/{self.job_id}/retry",
                revise=f"/jobs/{self.job_id}/revise",
                shown=shown,
            )
            along = _along(self.job_id, model)
            self._page = (shown, await asyncio.to_thread(render_html, model, live=live, along=along))
        return self._page[1]

    async def events(self, have: str, *, in_time: bool) -> AsyncGenerator[bytes, None]:
        """The present, then every change; of changes that came while the viewer was busy only the last."""
        job, shown = b"", have
        while True:
            if self.shown and self.shown != shown:
                shown, wall = await self._wall(in_time)
                yield wall
            if self.job is not job:
                job = self.job
                yield job
            elif self.ended:
                yield event("end", "")
                return
            elif self.broken:
                return
            elif not await self.news.wait(KEEP_ALIVE_SECONDS):
                yield b": here\n\n"


class Boards:
    """Runs while it is an open context; leaving it ends every watch."""

    def __init__(self, jobs: Jobs, *, linger: float = LINGER_SECONDS) -> None:
        self._jobs = jobs
        self._linger = linger
        self._boards: dict[str, _Board] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """Jobs that are being watched."""
        return len(self._boards)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def page(self, job_id: str) -> str:
        """Raises JobNotFound, or Transient while the database is silent."""
        async with self._joined(job_id) as board:
            return await board.page()

    async def know(self, job_id: str) -> None:
        """Raises like `page`; an answer that has begun can no longer say so."""
        async with self._joined(job_id):
            return

    @asynccontextmanager
    async def events(
        self, job_id: str, have: str, *, in_time: bool = False
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """`have` is the state of the model that the viewer shows already. Raises like `page`."""
        async with self._joined(job_id) as board:
            yield board.events(have, in_time=in_time)

    @asynccontextmanager
    async def _joined(self, job_id: str) -> AsyncIterator[_Board]:
        board = self._boards.get(job_id)
        if board is None or board.broken:
            board = await self._begun(job_id)
        board.viewers += 1
        try:
            await board.known.wait()
            yield board
        finally:
            board.viewers -= 1

    async def _begun(self, job_id: str) -> _Board:
        """Asked before anything is set up: a job that is not there costs one look."""
        try:
            given = await self._jobs.input(job_id)
        except InputRejected:
            given = job_pb2.JobInput()  # it ends as failed and says why; the board stays empty
        if (meanwhile := self._boards.get(job_id)) and not meanwhile.broken:
            return meanwhile
        bare = EventStormingModel(language=given.language, source_text=given.requirements)
        board = self._boards[job_id] = _Board(job_id, bare)
        task = asyncio.create_task(self._kept(board))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return board

    async def _kept(self, board: _Board) -> None:
        """Follows the job while anybody looks, and a little longer."""
        following = asyncio.create_task(self._follow(board))
        try:
            idle = 0.0
            while idle < self._linger:
                await asyncio.sleep(self._linger / 5)
                idle = 0.0 if board.viewers else idle + self._linger / 5
                if board.ended and not board.viewers:
                    return
        finally:
            if self._boards.get(board.job_id) is board:
                del self._boards[board.job_id]
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow(self, board: _Board) -> None:
        try:
            with faults(log, "board.trouble", job=board.job_id):
                async with aclosing(self._jobs.watch(board.job_id)) as views:
                    async for view in views:
                        await board.take(view)
                        await asyncio.sleep(0 if view.state.terminal else PAUSE_SECONDS)
        except JobNotFound:
            await board.take(JobView(job_id=board.job_id, state=JobState.REMOVED))
        except Fault:
            pass  # the log has it
        except PollerError as error:
            log.warning("board.watch_ended", job=board.job_id, reason=str(error))
        if not board.ended:
            board.broken = True
        board.known.set()
        board.news.tell()


def _along(job_id: str, model: EventStormingModel) -> list[Along]:
    """Every format but what the page makes itself."""
    korean = model.language == LANGUAGE_KOREAN
    forms = {name: exports.format_of(name) for name in exports.names() if name not in ("svg", exports.MSAEZ)}
    return [
        Along(label=form.title[korean], file=form.file, href=f"/jobs/{job_id}/export/{name}")
        for name, form in forms.items()
    ]


def name_of(model: EventStormingModel) -> str:
    """Names a state of a model, the same in every process."""
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()[:20]


def _status(view: JobView) -> str:
    status = {
        "state": view.state.value,
        "position": view.position,
        "current": view.current_progress,
        "total": view.total_progress,
        "attempts": view.attempts,
        "failure": view.failure,
        "log": [[line.level.value, line.message, line.created_at] for line in view.log],
    }
    return json.dumps(status, ensure_ascii=False, separators=(",", ":"))
