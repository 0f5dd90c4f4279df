"""The list of jobs as its viewers see it: read once for all of them while anybody looks, then only what changed is sent."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Self

import structlog

from poller.errors import PollerError, Transient, faults
from poller.job import JobState
from poller.pages.stream import KEEP_ALIVE_SECONDS, event
from poller.ports import JobFilter, JobNotFound, Jobs, JobView
from process.news import News

log = structlog.get_logger(__name__)

MOST_ROWS = 5000
PAGE_ROWS = 500
REFRESH_SECONDS = 1.5
WHOLE_SECONDS = 60.0
"""Rows of ended jobs that others deleted are missed by a refresh; so often everything is read anew."""

_NEWEST = 100
_LOOKED_UP_AT_ONCE = 20
_CHANGES_KEPT = 40
_LIVE = frozenset((JobState.QUEUED, JobState.RUNNING))
_TROUBLE = "The list cannot be read just now; the log of the poller says why."

Row = dict[str, Any]


def row_of(view: JobView) -> Row:
    """What the page shows of a job; what is nothing is left out."""
    row = {
        "id": view.job_id,
        "state": view.state.value,
        "title": view.title,
        "position": view.position,
        "current": view.current_progress,
        "total": view.total_progress,
        "created": view.created_at,
        "started": view.started_at,
        "ended": view.ended_at,
        "attempts": view.attempts,
        "failure": view.failure,
    }
    return {name: value for name, value in row.items() if value}


class JobList:
    """An open context; reads nothing while nobody looks."""

    def __init__(self, jobs: Jobs, *, refresh: float = REFRESH_SECONDS) -> None:
        self._now, self._reader, self._refresh = jobs.now, _Reader(jobs), refresh
        self._rows: dict[str, Row] = {}
        self._version = 0
        self._changes: deque[tuple[int, bytes]] = deque(maxlen=_CHANGES_KEPT)
        self._snapshot: tuple[int, bytes] = (0, b"")
        self._news = News()
        self._poked = asyncio.Event()
        self._viewers = 0
        self._reading: asyncio.Task[None] | None = None
        self._trouble = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stopped()

    def poke(self) -> None:
        """Somebody has just changed a job: look at once."""
        self._poked.set()

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """`all` with every row, then `change` with those that are new or different and the ids that are gone."""
        self._viewers += 1
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_for_ever())
        try:
            yield self._told()
        finally:
            self._viewers -= 1
            if not self._viewers:
                await self._stopped()

    async def _stopped(self) -> None:
        if (reading := self._reading) is not None:
            self._reading = None
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if not self._viewers:
            self._rows, self._version, self._snapshot = {}, 0, (0, b"")
            self._changes.clear()

    async def _told(self) -> AsyncGenerator[bytes, None]:
        seen, trouble = 0, ""
        while True:
            if self._trouble != trouble:
                trouble = self._trouble
                yield event("trouble", trouble)
            if seen != self._version:
                for chunk in self._since(seen):
                    yield chunk
                seen = self._version
            elif not await self._news.wait(KEEP_ALIVE_SECONDS):
                yield b": here\n\n"

    def _since(self, seen: int) -> Iterable[bytes]:
        """The changes, or everything for one who is new or too far behind."""
        changes = [chunk for version, chunk in self._changes if version > seen]
        if seen and len(changes) == self._version - seen:
            return changes
        if self._snapshot[0] != self._version:
            self._snapshot = (
                self._version,
                _rows_event("all", now=self._now(), rows=list(self._rows.values())),
            )
        return [self._snapshot[1]]

    async def _read_for_ever(self) -> None:
        clock = asyncio.get_running_loop().time
        whole_at = 0.0
        while True:
            try:
                with faults(log, "jobs.trouble", told=_TROUBLE):
                    if clock() >= whole_at:
                        rows = await self._reader.everything()
                        whole_at = clock() + WHOLE_SECONDS
                    else:
                        rows = await self._reader.lately(self._rows)
                    self._learn(rows)
                self._say("")
            except PollerError as error:
                self._say(str(error))
            await self._pause()

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._news.tell()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._refresh):
                await self._poked.wait()
        except TimeoutError:
            return
        self._poked.clear()

    def _learn(self, rows: dict[str, Row]) -> None:
        changed = [row for job_id, row in rows.items() if self._rows.get(job_id) != row]
        gone = [job_id for job_id in self._rows if job_id not in rows]
        self._rows = rows
        if changed or gone or not self._version:
            self._version += 1
            change = _rows_event("change", now=self._now(), rows=changed, gone=gone)
            self._changes.append((self._version, change))
            self._news.tell()


def _rows_event(name: str, **told: Any) -> bytes:
    return event(name, json.dumps(told, ensure_ascii=False, separators=(",", ":")))


class _Reader:
    """The rows as the jobs stand now."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def everything(self) -> dict[str, Row]:
        """As many as a list shows, and what is live."""
        rows: dict[str, Row] = {}
        after = ""
        while len(rows) < MOST_ROWS:
            page = await self._jobs.list_jobs(JobFilter(), size=PAGE_ROWS, after=after)
            rows |= {view.job_id: row_of(view) for view in page.jobs}
            after = page.next
            if not after:
                break
        return await self._live() | rows

    async def _live(self) -> dict[str, Row]:
        """What waits or runs, also when it is older than everything listed."""
        page = await self._jobs.list_jobs(JobFilter(states=_LIVE), size=MOST_ROWS)
        return {view.job_id: row_of(view) for view in page.jobs}

    async def lately(self, known: dict[str, Row]) -> dict[str, Row]:
        """What waits, what runs, what is newest; who has left the queue since is looked up one by one."""
        newest = await self._jobs.list_jobs(JobFilter(), size=_NEWEST)
        fresh = {view.job_id: row_of(view) for view in newest.jobs} | await self._live()
        left = [
            job_id for job_id, row in known.items() if job_id not in fresh and JobState(row["state"]) in _LIVE
        ]
        rows = known | fresh
        for job_id in left[:_LOOKED_UP_AT_ONCE]:
            if (row := await self._looked_up(rows.pop(job_id))) is not None:
                rows[job_id] = row
        if not newest.next:  # everything was listed
            rows = {job_id: row for job_id, row in rows.items() if job_id in fresh or job_id in left}
        return rows

    async def _looked_up(self, known: Row) -> Row | None:
        try:
            view = await self._jobs.get(known["id"])
        except JobNotFound:
            return None
        except Transient:
            return known
        return {**row_of(view), "title": known.get("title", "")}
