"""Takes away ended and abandoned jobs after their time: once a day, found by name, never by downloading `jobs`.

What is queued is never looked at. A job that ended counts from `run/endedAt`; one that has neither entry nor flag,
or ended without that stamp (the old worker's), counts from `run/seenAt`, its first sighting here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import structlog

from poller.errors import PollerError
from poller.job import milliseconds
from poller.rtdb.ledger import InFlight, Ledger
from poller.rtdb.names import SERVER_TIME, Json, number
from poller.tasks import task_group

log = structlog.get_logger(__name__)

DAY_SECONDS = 24 * 3600.0
FIRST_AFTER_SECONDS = 60.0
"""A poller that is restarted every day must come to it as well."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is left of a job that is not queued. Times in ms of the database's clock, 0 when there is no stamp."""

    completed: bool = False
    failed: bool = False
    ended_at: int = 0
    seen_at: int = 0


class Verdict(Enum):
    KEEP = "keep"
    STAMP = "stamp"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long jobs stay, in days; 0 = for ever. What was abandoned stays as long as what failed."""

    failed_days: int
    completed_days: int

    def verdict(self, found: Remains, *, now: int) -> Verdict:
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

    def __init__(self, ledger: Ledger, periods: Periods, *, now: Callable[[], int]) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._nodes = ledger.nodes
        self._periods = periods
        self._now = now

    async def run(self) -> None:
        """For ever. Several pollers may do the same: each step can be repeated."""
        await self._ledger.clock.sleep(FIRST_AFTER_SECONDS * (0.5 + self._ledger.chance()))
        while True:
            try:
                await self.sweep()
            except PollerError as error:
                log.warning("retention.failed", reason=str(error))
            await self._ledger.clock.sleep(DAY_SECONDS * (0.95 + 0.1 * self._ledger.chance()))

    async def sweep(self) -> None:
        stored = set(await self._database.keys(self._nodes.jobs))
        idle = sorted(stored - set(await self._database.keys(self._nodes.entries)))
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
        verdict = self._periods.verdict(await self._remains(job_id), now=self._now())
        if verdict is Verdict.KEEP or await self._is_queued(job_id):
            return
        if verdict is Verdict.STAMP:
            await self._stamp(job_id)
        else:
            await self._delete(job_id)
            log.info("job.expired", job=job_id)

    async def _remains(self, job_id: str) -> Remains:
        outputs, run = self._nodes.outputs(job_id), self._nodes.run(job_id)
        async with task_group() as group:
            completed = group.create_task(self._database.get(f"{outputs}/isCompleted"))
            failed = group.create_task(self._database.get(f"{outputs}/isFailed"))
            ended_at = group.create_task(self._database.get(f"{run}/endedAt"))
            seen_at = group.create_task(self._database.get(f"{run}/seenAt"))
        return Remains(
            completed=completed.result() is True,
            failed=failed.result() is True,
            ended_at=_stamp(ended_at.result()),
            seen_at=_stamp(seen_at.result()),
        )

    async def _is_queued(self, job_id: str) -> bool:
        return bool(await self._database.keys(self._nodes.entry(job_id)))

    async def _stamp(self, job_id: str) -> None:
        """A job that was removed while it was looked at must not come back as a stamp."""
        run = self._nodes.run(job_id)
        await self._ledger.budget()
        await self._ledger.put(f"{run}/seenAt", SERVER_TIME, in_flight=InFlight())
        node = self._nodes.job(job_id)
        if await self._database.keys(node) == ["run"] and await self._database.keys(run) == ["seenAt"]:
            await self._delete(job_id)

    async def _delete(self, job_id: str) -> None:
        await self._ledger.budget()
        await self._ledger.put(self._nodes.job(job_id), None, in_flight=InFlight())


def _stamp(value: Json) -> int:
    return milliseconds(number(value) or 0)
