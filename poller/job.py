"""The life of a queued job as values: its lease, its counters, its place in the queue, and the changes it can go through.

Pure: the time is an argument, randomness too, and nothing here knows a database, a network or a task.
Times are milliseconds of the database's clock unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

POISON_CRASHES = 3
"""So many runs that vanished without one new durable answer between them, and the job is given up."""

EXACT_POSITIONS = 20
"""The first so many waiting jobs are told their exact place."""

OLD_WORKER_SILENCE_MS = 60_000
"""The worker we replace gives a sign of life every 15 s, every 30 s while it shuts down."""

_SECONDS_BELOW = 1e11


def milliseconds(stamp: float) -> int:
    """Browsers write milliseconds, the A2A entry seconds; values below 1e11 are seconds."""
    return int(stamp * 1000) if stamp < _SECONDS_BELOW else int(stamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may run a job. The epoch only grows; a released lease keeps nothing else."""

    epoch: int = 0
    token: str = ""
    owner: str = ""
    renewed_at: int = 0

    @property
    def held(self) -> bool:
        """Whether a run has it, expired or not."""
        return bool(self.token)

    def taken(self, *, token: str, owner: str, now: int, above: int = 0) -> Lease:
        """A new run's lease. `above` is the highest epoch known elsewhere, for entries that were made anew."""
        return Lease(epoch=max(self.epoch, above) + 1, token=token, owner=owner, renewed_at=now)

    def released(self) -> Lease:
        """Nobody's; the epoch goes on from here."""
        return Lease(epoch=self.epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldClaim:
    """A claim of the worker we replace: it knows no lease."""

    owner: str
    last_sign: int
    given_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One queue entry. `position` is the place the user was last told, 0 if none; `cancelled_by` is empty unless it is to end as that."""

    id: str
    created_at: int
    lease: Lease = field(default_factory=Lease)
    attempts: int = 0
    crashes: int = 0
    interruptions: int = 0
    not_before: int = 0
    position: int = 0
    old_claim: OldClaim | None = None
    cancelled_by: str = ""

    @property
    def order(self) -> tuple[int, str]:
        """What jobs are sorted by in the queue: the oldest first."""
        return (self.created_at, self.id)

    @property
    def waiting(self) -> bool:
        """Nobody has claimed it, ours or the old worker's."""
        return not self.lease.held and self.old_claim is None

    def ready_at(self, *, lease_length: int) -> int:
        """From when on anyone may claim it."""
        if self.lease.held:
            return self.lease.renewed_at + lease_length
        if self.old_claim is not None:
            return 0 if self.old_claim.given_up else self.old_claim.last_sign + OLD_WORKER_SILENCE_MS
        return self.not_before

    def ready(self, *, now: int, lease_length: int) -> bool:
        """Whether anyone may claim it now; `lease_length` in ms."""
        return now >= self.ready_at(lease_length=lease_length)

    @property
    def poisoned(self) -> bool:
        """It has crashed too often to be run again."""
        return self.crashes >= POISON_CRASHES

    @property
    def suspect(self) -> bool:
        """One more crash and it is given up: it shares no executor with another such job, so that each is blamed for its own."""
        return self.crashes == POISON_CRASHES - 1

    # ── transitions ──────────────────────────────────────────────────────────────────────────────────────────

    def claimed(self, *, token: str, owner: str, now: int, above: int = 0) -> Job:
        """Under a new lease of this owner; see `Lease.taken` for `above`."""
        lease = self.lease.taken(token=token, owner=owner, now=now, above=above)
        return replace(self, lease=lease, position=0, not_before=0, old_claim=None)

    def raised(self) -> Job:
        """The run itself failed: this burns the retry budget."""
        return replace(self, attempts=self.attempts + 1)

    def crashed(self, *, answered: bool) -> Job:
        """Executor or poller vanished. A new durable answer since the last crash starts the count anew."""
        return replace(self, crashes=1 if answered else self.crashes + 1)

    def interrupted(self) -> Job:
        """Drained or evicted: free of charge."""
        return replace(self, interruptions=self.interruptions + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Full jitter: anywhere between at once and the cap of this attempt; never before the service asked us to."""

    max_attempts: int = 3
    first_seconds: float = 2.0
    longest_seconds: float = 300.0

    def next_attempt(
        self, job: Job, *, now: int, jitter: float, retry_after: float | None = None
    ) -> int | None:
        """When to run a job that has just `raised()` again, None when its attempts are used up; 0 <= jitter < 1."""
        if job.attempts >= self.max_attempts:
            return None
        most = min(self.longest_seconds, self.first_seconds * 2 ** (job.attempts - 1))
        seconds = max(jitter * most, 0.0 if retry_after is None else retry_after)
        return now + int(seconds * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one job may use over all its attempts; `max_tokens` 0: no ceiling."""

    job_seconds: float = 3600
    step_seconds: float = 300
    max_tokens: int = 0


def renumbered(waiting: Iterable[Job]) -> Iterator[tuple[Job, int]]:
    """Waiting jobs, given in order, whose shown place is wrong enough to be told anew.

    Exact for the first twenty; beyond that only when the shown place is off by more than a tenth.
    """
    for place, job in enumerate(waiting, start=1):
        off = abs(job.position - place)
        if off and (place <= EXACT_POSITIONS or not job.position or off * 10 > place):
            yield job, place


class JobState(Enum):
    """Where a job is in its life, as the outside sees it."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    REMOVED = "removed"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows, unless a failed job is tried again."""
        return self in (JobState.COMPLETED, JobState.FAILED, JobState.REMOVED)


class LogLevel(Enum):
    """How the web client colours a line."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A sentence for the user. `key` identifies it over repeated runs, so that it is shown once."""

    level: LogLevel
    message: str
    created_at: int = 0
    key: str = ""


def silence_keys(answers: int) -> tuple[str, str]:
    """Keys under which an executor says that the language model does not answer, after so many answers, and that it does again."""
    return f"silence/{answers}", f"answers/{answers}"
