"""Takes away ended and abandoned jobs after their time: once a day, found by name, never by downloading `jobs`.

On the way it sets the index right: rows of jobs that are gone go, ended jobs without a row (the old worker's) get one.
What is queued is never looked at. A job that ended counts from `run/endedAt`; one that has neither entry nor flag,
or ended without that stamp (the old worker's), counts from `run/seenAt`, its first sighting here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import structlog

from poller.errors import PollerError, Transient
from poller.job import JobState, milliseconds
from poller.rtdb.http import Before, nothing
from poller.rtdb.index import ended_row, job_id_of, with_row, without_job
from poller.rtdb.names import (
    CREATED_AT,
    ENDED_AT,
    FAILURE,
    IS_COMPLETED,
    IS_FAILED,
    LAST_UPDATED,
    SEEN_AT,
    SERVER_TIME,
    STARTED_AT,
    Json,
    number,
    text,
)
from poller.rtdb.reads import at_once
from poller.rtdb.writer import Writer
from process.tasks import task_group

log = structlog.get_logger(__name__)

DAY_SECONDS = 24 * 3600.0
FIRST_AFTER_SECONDS = 60.0
"""A poller that is restarted every day must come to it as well."""

FRESH_SECONDS = 5.0
"""What was seen longer ago says nothing of now: somebody may have tried the job again while this process slept."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is left of a job that is not queued. Times in ms of the database's clock, 0 when there is no stamp."""

    completed: bool = False
    failed: bool = False
    ended_at: int = 0
    seen_at: int = 0
    created_at: int = 0


class Verdict(Enum):
    """What becomes of a job that is not queued; STAMP: it counts from now on, because nothing says since when."""

    KEEP = "keep"
    STAMP = "stamp"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long jobs stay, in days; 0 = for ever. What was abandoned stays as long as what failed."""

    failed_days: int
    completed_days: int

    def verdict(self, found: Remains, *, now: int) -> Verdict:
        """`now`: ms of the database's clock."""
        days = self.completed_days if found.completed else self.failed_days
        if not days:
            return Verdict.KEEP
        ended_at = found.ended_at if found.completed or found.failed else 0
        since = ended_at or found.seen_at
        if not since:
            return Verdict.STAMP
        return Verdict.DELETE if now - since >= days * DAY_SECONDS * 1000 else Verdict.KEEP


class Retention:
    """`now` is the database's time in ms."""

    def __init__(self, writer: Writer, periods: Periods, *, now: Callable[[], int]) -> None:
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._leftovers = _Leftovers(writer, now=now)
        self._periods, self._now = periods, now
        self._indexed: set[str] = set()

    async def run(self) -> None:
        """For ever. Several pollers may do the same: each step can be repeated."""
        await self._writer.clock.sleep(FIRST_AFTER_SECONDS * (0.5 + self._writer.chance()))
        while True:
            try:
                await self.sweep()
            except PollerError as error:
                log.warning("retention.failed", reason=str(error))
            await self._writer.clock.sleep(DAY_SECONDS * (0.95 + 0.1 * self._writer.chance()))

    async def sweep(self) -> None:
        """Every idle job once. Raises what keeps it from finding them; what keeps it from one job is logged."""
        rows = await self._database.keys(
            self._nodes.index
        )  # first: a row younger than its job's name is no orphan
        stored = set(await self._database.keys(self._nodes.jobs))
        idle = sorted(stored - set(await self._database.keys(self._nodes.entries)))
        await self._leftovers.drop_rows([row for row in rows if job_id_of(row) not in stored])
        self._indexed = {job_id_of(row) for row in rows}
        for start in range(0, len(idle), _AT_ONCE):
            async with task_group() as group:
                for job_id in idle[start : start + _AT_ONCE]:
                    group.create_task(self._guarded(job_id))

    async def _guarded(self, job_id: str) -> None:
        """What cannot be judged today, tomorrow; also a job that was claimed meanwhile, where the rules refuse us."""
        try:
            await self._judge(job_id)
        except PollerError as error:
            log.warning("retention.postponed", job=job_id, reason=str(error))

    async def _judge(self, job_id: str) -> None:
        looked = self._writer.clock.monotonic()
        found = await self._leftovers.look(job_id)
        verdict = self._periods.verdict(found, now=self._now())
        unlisted = (found.completed or found.failed) and job_id not in self._indexed
        if (verdict is Verdict.KEEP and not unlisted) or await self._leftovers.is_anothers(job_id):
            return
        if verdict is Verdict.DELETE:
            await self._leftovers.delete(job_id, found, looked=looked)
            log.info("job.expired", job=job_id)
            return
        if verdict is Verdict.STAMP:
            await self._leftovers.stamp(job_id)
        if unlisted:
            await self._leftovers.list(job_id, found)


class _Leftovers:
    """What jobs leave in the database, looked at leaf by leaf. Whatever is written for a job, none may come back by it."""

    def __init__(self, writer: Writer, *, now: Callable[[], int]) -> None:
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._now = now

    async def look(self, job_id: str) -> Remains:
        paths = (IS_COMPLETED, IS_FAILED, ENDED_AT, SEEN_AT, CREATED_AT)
        completed, failed, *stamps = await self._leaves(job_id, *paths)
        ended_at, seen_at, created_at = map(_stamp, stamps)
        return Remains(
            completed=completed is True,
            failed=failed is True,
            ended_at=ended_at,
            seen_at=seen_at,
            created_at=created_at,
        )

    async def _leaves(self, job_id: str, *paths: str) -> Sequence[Json]:
        return await at_once(*(self._database.get(self._nodes.leaf(job_id, path)) for path in paths))

    async def is_anothers(self, job_id: str) -> bool:
        """Queued, running, or about to be removed: what was read of it may be half of what was there."""
        places = self._nodes.entry(job_id), self._nodes.removal(job_id)
        return any(await at_once(*map(self._database.keys, places)))

    async def stamp(self, job_id: str) -> None:
        """It counts from now on."""
        await self._writer.budget()
        await self._writer.put(self._nodes.leaf(job_id, SEEN_AT), SERVER_TIME)
        await self._undo_if_alone(job_id, Remains(), "seenAt")

    async def _undo_if_alone(self, job_id: str, found: Remains, *written: str) -> None:
        there = await self._database.keys(self._nodes.job(job_id))
        if there == ["run"] and set(await self._database.keys(self._nodes.run(job_id))) <= set(written):
            await self.delete(job_id, found, looked=self._writer.clock.monotonic())

    async def list(self, job_id: str, found: Remains) -> None:
        """A row for a job that ended without one, as far as its leaves tell."""
        updated, started, failure = await self._leaves(job_id, LAST_UPDATED, STARTED_AT, FAILURE)
        ended_at = found.ended_at or _stamp(updated) or found.seen_at or self._now()
        row = ended_row(
            JobState.COMPLETED if found.completed else JobState.FAILED,
            title="",
            started_at=_stamp(started),
            ended_at=ended_at,
            failure=text(failure),
        )
        created_at = found.created_at or ended_at
        await self._write(with_row(self._nodes, job_id, created_at, {}, row))
        await self._undo_if_alone(job_id, replace(found, created_at=created_at), "createdAt", "seenAt")

    async def drop_rows(self, rows: Sequence[str]) -> None:
        """Of jobs that are gone."""
        if rows:
            await self._write({f"{self._nodes.index}/{row}": None for row in rows})
            log.warning("index.orphans_dropped", rows=len(rows))

    async def delete(self, job_id: str, found: Remains, *, looked: float) -> None:
        """Its row with it. `looked`: when what says so was read, by the monotonic clock."""

        def fresh() -> None:
            if self._writer.clock.monotonic() - looked > FRESH_SECONDS:
                raise Transient("too much time has passed since the job was looked at")

        created = [found.created_at] if found.created_at else []
        await self._write(without_job(self._nodes, job_id, *created), before=fresh)

    async def _write(self, updates: dict[str, Json], *, before: Before = nothing) -> None:
        """At the root, all or nothing."""
        await self._writer.budget()
        await self._writer.patch("", updates, before=before)


def _stamp(value: Json) -> int:
    return milliseconds(number(value) or 0)
