"""What is counted of the poller, and `GET /metrics`. One registry of its own, no state of the module.

Counters and histograms come through the observer; gauges are read from the parts themselves when somebody asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poller.observer import Answered, Claim, End, Lease, Observer, Try

PREFIX = "eventstorming_"
LAG_SECONDS = 0.5

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_WAITS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_STREAMS = {"requestedJobs": "queue", "jobStates": "removals", "jobs": "job"}


class Work(Protocol):
    """The dispatcher, as far as it is counted."""

    @property
    def jobs(self) -> int | None: ...
    @property
    def queued(self) -> int: ...
    @property
    def oldest_age(self) -> float: ...


class Pods(Protocol):
    """The executors, as far as they are counted."""

    @property
    def free_slots(self) -> int: ...
    @property
    def total_slots(self) -> int: ...
    @property
    def count(self) -> int: ...


class Buffer(Protocol):
    """The queue, as far as it is counted."""

    @property
    def buffered_bytes(self) -> int: ...


class Metrics(Observer):
    """Counts for one process."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a third more series, which nobody asks for
        self.registry = CollectorRegistry(auto_describe=False)
        self._claims = self._counter(
            "claims", "Claims of queue entries.", outcome=("won", "lost", "taken_over")
        )
        self._leases = self._counter(
            "leases",
            "Leases of running jobs; suspended: RTDB fell silent meanwhile.",
            outcome=("renewed", "lost", "suspended", "released"),
        )
        self._ended = self._counter(
            "jobs_ended",
            "Jobs that ended here; released: went back to the queue.",
            outcome=("completed", "failed", "removed", "released"),
        )
        self._tries = self._counter(
            "attempts",
            "Runs that did not reach the end: raised, vanished, interrupted.",
            kind=("attempt", "crash", "interruption"),
        )
        self._repeated = self._counter(
            "repeated_calls", "Answers whose question RTDB had an acknowledged answer to: expected 0."
        )
        self._missed = self._counter(
            "rtdb_sweep_findings", "Changes that the sweep found and no event stream had told: expected 0."
        )
        self._operations = self._counter(
            "rtdb_operations",
            "Requests to RTDB.",
            method=("GET", "PUT", "PATCH", "DELETE"),
            outcome=("ok", "conflict", "error"),
        )
        carried = self._counter(
            "rtdb_bytes", "Bodies to and from RTDB, event streams included.", direction=("read", "written")
        )
        self._read, self._written = carried.labels("read"), carried.labels("written")
        self._reconnects = self._counter(
            "rtdb_reconnects",
            "Event streams that were lost and came back.",
            stream=("queue", "removals", "job", "other"),
        )
        self._pickup = self._histogram(
            "pickup_seconds", "From the creation of a job to its first claim.", _WAITS
        )
        self._commit = self._histogram(
            "journal_commit_seconds", "From an answer's arrival to its acknowledgement.", _FAST
        )
        self._lag = self._histogram(
            "loop_lag_seconds", "How late the event loop came back to a sleeper.", _FAST
        )
        self._rtdb = self._histogram(
            "rtdb_seconds", "Requests to RTDB.", _FAST, method=("GET", "PUT", "PATCH", "DELETE")
        )
        build = Gauge(PREFIX + "build_info", "Version of the program.", ["version"], registry=self.registry)
        build.labels(version("eventstorming-generator")).set(1)

    def watch(self, work: Work, pods: Pods, buffer: Buffer) -> None:
        """Reads the gauges from these from now on."""
        self.registry.register(_Present(work, pods, buffer))

    # ── the observer ─────────────────────────────────────────────────────────────────────────────────────────

    def claim(self, outcome: Claim) -> None:
        self._claims.labels(outcome).inc()

    def picked_up(self, seconds: float) -> None:
        self._pickup.observe(seconds)

    def lease(self, outcome: Lease) -> None:
        self._leases.labels(outcome).inc()

    def ended(self, outcome: End) -> None:
        self._ended.labels(outcome).inc()

    def tried(self, kind: Try) -> None:
        self._tries.labels(kind).inc()

    def committed(self, seconds: float) -> None:
        self._commit.observe(seconds)

    def repeated(self) -> None:
        self._repeated.inc()

    def database(self, method: str, outcome: Answered, seconds: float) -> None:
        self._operations.labels(method, outcome).inc()
        self._rtdb.labels(method).observe(seconds)

    def transferred(self, *, read: int = 0, written: int = 0) -> None:
        if read:
            self._read.inc(read)
        if written:
            self._written.inc(written)

    def reconnected(self, path: str) -> None:
        self._reconnects.labels(_STREAMS.get(path.partition("/")[0], "other")).inc()

    def missed(self) -> None:
        self._missed.inc()

    def lag(self, seconds: float) -> None:
        self._lag.observe(seconds)

    # ── making them ──────────────────────────────────────────────────────────────────────────────────────────

    def _counter(self, name: str, text: str, **labels: Sequence[str]) -> Counter:
        counter = Counter(PREFIX + name, text, list(labels), registry=self.registry)
        for values in _all(labels):
            counter.labels(**values)  # there from the start, so that a rate is right from the first event
        return counter

    def _histogram(
        self, name: str, text: str, buckets: Sequence[float], **labels: Sequence[str]
    ) -> Histogram:
        histogram = Histogram(PREFIX + name, text, list(labels), buckets=buckets, registry=self.registry)
        for values in _all(labels):
            histogram.labels(**values)
        return histogram


def _all(labels: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """Every combination of the labels' values; none without labels."""
    found: list[dict[str, str]] = [{}]
    for name, values in labels.items():
        found = [{**before, name: value} for before in found for value in values]
    return iter(found if labels else [])


class _Present(Collector):
    """The gauges, read when asked for."""

    def __init__(self, work: Work, pods: Pods, buffer: Buffer) -> None:
        self._work, self._pods, self._buffer = work, pods, buffer

    def collect(self) -> Iterator[Metric]:
        if self._work.jobs is not None:  # a figure that is not known is left out: 0 would take executors away
            yield from self._queue(self._work.jobs)
        slots = _gauge("slots", "Slots of all executors that are attached.", "state")
        slots.add_metric(["total"], self._pods.total_slots)
        slots.add_metric(["free"], self._pods.free_slots)
        yield slots
        yield _value("executors", "Executors that are attached.", self._pods.count)
        yield _value("buffered_bytes", "Answers that wait for RTDB.", self._buffer.buffered_bytes)

    def _queue(self, jobs: int) -> Iterator[Metric]:
        yield _value("jobs", "Jobs queued and running in the whole namespace, whoever runs them.", jobs)
        by_state = _gauge("jobs_by_state", "The same by state.", "state")
        by_state.add_metric(["queued"], self._work.queued)
        by_state.add_metric(["running"], jobs - self._work.queued)
        yield by_state
        yield _value(
            "oldest_job_age_seconds",
            "Age of the oldest job that waits, 0 if none does.",
            self._work.oldest_age,
        )


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=labels)


def _value(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


# ── reading them ─────────────────────────────────────────────────────────────────────────────────────────────────


def route(registry: CollectorRegistry) -> Route:
    """`GET /metrics`: Prometheus text, or OpenMetrics for who accepts it."""

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    return Route("/metrics", metrics)


async def sample_lag(told: Callable[[float], None], *, every: float = LAG_SECONDS) -> None:
    """Tells for ever how late the event loop comes back."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + every
        await asyncio.sleep(every)
        told(max(0.0, clock() - due))
