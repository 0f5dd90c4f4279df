"""What is counted of the poller.

The work tells it of counters and histograms; gauges are read from the parts themselves when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol, get_args

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from process.metrics import FAST, Counts, gauge, gauge_by

Claim = Literal["won", "lost", "taken_over"]
Lease = Literal["renewed", "lost", "suspended", "released"]
End = Literal["completed", "failed", "removed", "released"]
Try = Literal["attempt", "crash", "interruption"]
Answered = Literal["ok", "conflict", "error"]

_METHODS = ("GET", "PUT", "PATCH", "DELETE")
_WAITS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_STREAMS = {"requestedJobs": "queue", "jobStates": "removals", "jobs": "job"}


class Work(Protocol):
    """The dispatcher, as far as it is counted."""

    @property
    def jobs(self) -> int | None:
        """Queued and running in the whole namespace; None while that is not known."""

    @property
    def queued(self) -> int:
        """Of these, those that wait."""

    @property
    def oldest_age(self) -> float:
        """Seconds; 0 when none waits."""


class Pods(Protocol):
    """The executors, as far as they are counted."""

    @property
    def free_slots(self) -> int:
        """Of all that are attached."""

    @property
    def total_slots(self) -> int:
        """Of all that are attached, free or not."""

    @property
    def count(self) -> int:
        """Executors that are attached."""


class Buffer(Protocol):
    """The queue, as far as it is counted."""

    @property
    def buffered_bytes(self) -> int:
        """Of answers that the database has not acknowledged."""


class Metrics(Counts):
    """Counts for one process."""

    def __init__(self) -> None:
        super().__init__()
        self._claims = self.counter("claims", "Claims of queue entries.", outcome=get_args(Claim))
        self._leases = self.counter(
            "leases",
            "Leases of running jobs; suspended: RTDB fell silent meanwhile.",
            outcome=get_args(Lease),
        )
        self._ended = self.counter(
            "jobs_ended",
            "Jobs that ended here; released: went back to the queue.",
            outcome=get_args(End),
        )
        self._tries = self.counter(
            "attempts",
            "Runs that did not reach the end: raised, vanished, interrupted.",
            kind=get_args(Try),
        )
        self._repeated = self.counter(
            "repeated_calls", "Answers whose question RTDB had an acknowledged answer to: expected 0."
        )
        self._missed = self.counter(
            "rtdb_sweep_findings", "Changes that the sweep found and no event stream had told: expected 0."
        )
        self._operations = self.counter(
            "rtdb_operations",
            "Requests to RTDB.",
            method=_METHODS,
            outcome=get_args(Answered),
        )
        carried = self.counter(
            "rtdb_bytes", "Bodies to and from RTDB, event streams included.", direction=("read", "written")
        )
        self._read, self._written = carried.labels("read"), carried.labels("written")
        self._reconnects = self.counter(
            "rtdb_reconnects",
            "Event streams that were lost and came back.",
            stream=("queue", "removals", "job", "other"),
        )
        self._pickup = self.histogram(
            "pickup_seconds", "From the creation of a job to its first claim.", _WAITS
        )
        self._commit = self.histogram(
            "journal_commit_seconds", "From an answer's arrival to its acknowledgement.", FAST
        )
        self._rtdb = self.histogram("rtdb_seconds", "Requests to RTDB.", FAST, "method")
        for method in _METHODS:
            self._rtdb.labels(method)

    # ── what the work tells; nothing here may fail or wait ──────────────────────────────────────────────────

    def claim(self, outcome: Claim) -> None:
        """A claim was decided: ours, another's, or taken over from a run that had vanished."""
        self._claims.labels(outcome).inc()

    def picked_up(self, seconds: float) -> None:
        """A job was claimed for the first time, so long after it was created."""
        self._pickup.observe(seconds)

    def lease(self, outcome: Lease) -> None:
        """`suspended`: the database fell silent while a run held its lease."""
        self._leases.labels(outcome).inc()

    def ended(self, outcome: End) -> None:
        """A job, or with `released` its stay on this poller, is over."""
        self._ended.labels(outcome).inc()

    def tried(self, kind: Try) -> None:
        """One of the job's three counters went up."""
        self._tries.labels(kind).inc()

    def committed(self, seconds: float) -> None:
        """An answer was acknowledged, so long after it had come."""
        self._commit.observe(seconds)

    def repeated(self) -> None:
        """An answer came whose question the database had an acknowledged answer to."""
        self._repeated.inc()

    def database(self, method: str, outcome: Answered, seconds: float) -> None:
        """One request to the database."""
        self._operations.labels(method, outcome).inc()
        self._rtdb.labels(method).observe(seconds)

    def transferred(self, *, read: int = 0, written: int = 0) -> None:
        """Bytes of bodies over the wire, event streams included."""
        if read:
            self._read.inc(read)
        if written:
            self._written.inc(written)

    def reconnected(self, path: str) -> None:
        """The event stream of a node came back."""
        self._reconnects.labels(_STREAMS.get(path.partition("/")[0], "other")).inc()

    def missed(self) -> None:
        """The sweep found what an event stream had missed."""
        self._missed.inc()


class Gauges(Collector):
    """Read from these parts when somebody asks; to be registered with the counts."""

    def __init__(self, work: Work, pods: Pods, buffer: Buffer) -> None:
        self._work, self._pods, self._buffer = work, pods, buffer

    def collect(self) -> Iterator[Metric]:
        """Of this moment."""
        if self._work.jobs is not None:  # a figure that is not known is left out: 0 would take executors away
            yield from self._queue(self._work.jobs)
        total, free = self._pods.total_slots, self._pods.free_slots
        yield gauge_by("state", "slots", "Slots of all executors that are attached.", total=total, free=free)
        yield gauge("executors", "Executors that are attached.", self._pods.count)
        yield gauge("buffered_bytes", "Answers that wait for RTDB.", self._buffer.buffered_bytes)

    def _queue(self, jobs: int) -> Iterator[Metric]:
        queued, age = self._work.queued, self._work.oldest_age
        yield gauge("jobs", "Jobs queued and running in the whole namespace, whoever runs them.", jobs)
        yield gauge_by("state", "jobs_by_state", "The same by state.", queued=queued, running=jobs - queued)
        yield gauge("oldest_job_age_seconds", "Age of the oldest job that waits, 0 if none does.", age)
