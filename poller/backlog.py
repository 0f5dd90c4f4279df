"""The queue as it has been told: its jobs in their order, what is to be removed, what is no job. Does nothing about it."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Callable, Iterator, Set

import structlog

from poller.job import Job
from poller.ports import QueueChange
from process.news import News

log = structlog.get_logger(__name__)


class Backlog:
    """`now`: the database's time in ms. `removals`: jobs that their users want removed; `garbage`: why an entry is no job."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._jobs: dict[str, Job] = {}
        self._order: list[tuple[int, str]] = []
        self.removals: set[str] = set()
        self.garbage: dict[str, str] = {}
        self._known = False
        self._learned = News()

    @property
    def jobs(self) -> int | None:
        """Queued and running, wherever they run; None before the first snapshot of the queue."""
        return len(self._jobs) if self._known else None

    @property
    def queued(self) -> int:
        """How many wait."""
        return sum(job.waiting for job in self._jobs.values())

    @property
    def oldest_age(self) -> float:
        """Seconds since the oldest job that waits was created; 0 when none does."""
        oldest = next((job for job in self if job.waiting), None)
        return max(0, self._now() - oldest.created_at) / 1000 if oldest else 0.0

    async def learned(self) -> None:
        """Returns at the next change of the queue."""
        await self._learned.wait()

    def __iter__(self) -> Iterator[Job]:
        """In the order in which they are to run."""
        return (self._jobs[job_id] for _, job_id in self._order)

    def still(self, job: Job) -> bool:
        """Whether its entry has not changed since."""
        return self._jobs.get(job.id) == job

    def learn(self, change: QueueChange) -> None:
        """Takes in what has become different."""
        if change.whole:
            for job_id in self._jobs.keys() - change.jobs.keys():
                self._forget(job_id)
            self.garbage = {}
            self._known = True
        for job_id, job in change.jobs.items():
            self._forget(job_id)
            self.garbage.pop(job_id, None)
            if job is not None:
                self._jobs[job_id] = job
                bisect.insort(self._order, job.order)
        self.garbage |= change.garbage
        for job_id, wanted in change.removals.items():
            (self.removals.add if wanted else self.removals.discard)(job_id)
        self._learned.tell()

    def _forget(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None:
            del self._order[bisect.bisect_left(self._order, job.order)]


class OwnName:
    """Leases under our own name: our own, a twin's, or, where `inherits`, a dead predecessor's in the first snapshot.

    `inherited`: those of the predecessor, until something is done about their jobs, here or elsewhere.
    """

    def __init__(self, owner: str, *, inherits: bool) -> None:
        self._owner = owner
        self._inherits = inherits
        self.inherited: set[str] = set()
        self._known_tokens: deque[str] = deque(maxlen=1000)
        self._first = True

    def took(self, job: Job) -> None:
        """Its lease is our own."""
        self._known_tokens.append(job.lease.token)

    def look(self, change: QueueChange, *, busy: Set[str]) -> None:
        """Finds leases under our name that no run here has taken. `busy`: jobs on which something of ours works."""
        ours = {
            job_id: job.lease.token
            for job_id, job in change.jobs.items()
            if job is not None and job.lease.held and job.lease.owner == self._owner
        }
        if self._first and change.whole:
            self._first = False
            self.inherited = set(ours) if self._inherits else set()
            return
        self.inherited -= change.jobs.keys() - ours.keys()
        for job_id, token in ours.items():
            if not (job_id in busy or job_id in self.inherited or token in self._known_tokens):
                self._known_tokens.append(token)
                log.error("dispatcher.twin", job=job_id, owner=self._owner)
