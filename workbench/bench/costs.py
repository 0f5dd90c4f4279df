"""What 10, 1,000 and 100,000 jobs an hour take, computed from the figures of one record."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from workbench.bench.record import Record
from workbench.bench.table import short

RATES = (10, 1_000, 100_000)
BUSY = 0.6
"""Share of a processor that may be in use on average, so that a burst finds room."""

WRITES_PER_SECOND = 1_000
"""What one Realtime Database takes, by Google's word; the poller's own bucket keeps to it."""

DOLLARS_PER_GB_DOWNLOADED = 1.0
DOLLARS_PER_GB_STORED = 5.0
HOURS = 730


class Missing(Exception):
    """The record lacks a figure; the message names the measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one job of two or three contexts takes. Seconds, kB, MiB."""

    poller_cpu: float
    executor_cpu: float
    writes: float
    written: float
    wall: float
    executor_memory: float
    poller_memory: float
    idle_memory: float


def job_of(record: Record) -> Job:
    """From the figures of `cpu`, `job-bytes`, `path`, `executor-memory` and `poller-memory`."""
    found = {figure.name: figure for figure in record.figures if not figure.state}

    def median(name: str) -> float:
        if name not in found:
            raise Missing(f"{name} was not measured: make bench ONLY={name.split('.')[0]}")
        return found[name].median

    eight, many = median("executor-memory.8"), median("executor-memory.32")
    idle = median("poller-memory.idle")
    return Job(
        poller_cpu=median("cpu.poller"),
        executor_cpu=median("cpu.executor"),
        writes=median("job-bytes.writes.slow"),
        written=median("job-bytes.kilobytes.slow"),
        wall=median("path.seconds"),
        executor_memory=max(0.0, many - eight) / 24,
        poller_memory=max(0.0, median("executor-memory.32.poller") - idle) / 32,
        idle_memory=idle,
    )


def costs(record: Record) -> str:
    """A table in Markdown, and the limits of one poller."""
    job = job_of(record)
    rows = [("", *(f"{rate:,} jobs an hour" for rate in RATES))]
    rows += [(name, *(cell(job, rate) for rate in RATES)) for name, cell in _ROWS.items()]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|---" + "|--:" * len(RATES) + "|")
    by_cpu = BUSY * 3600 / job.poller_cpu
    by_writes = WRITES_PER_SECOND * 3600 / job.writes
    return "\n".join(
        [
            f"Measured {record.about['date']}, commit {record.about['commit']}, {record.about['machine']}.",
            "",
            *lines,
            "",
            f"One poller on one processor, {BUSY:.0%} busy: {short(by_cpu)} jobs an hour. "
            f"One database at {WRITES_PER_SECOND:,} writes a second: {short(by_writes)} jobs an hour.",
        ]
    )


def _running(job: Job, rate: float) -> float:
    """Jobs that run at once, on average."""
    return rate * job.wall / 3600


def _pollers(job: Job, rate: float) -> int:
    return max(1, math.ceil(rate * job.poller_cpu / 3600 / BUSY))


def _executors(job: Job, rate: float) -> int:
    """By slots (8 each) or by processor time, whichever asks for more."""
    by_cpu = rate * job.executor_cpu / 3600 / BUSY
    return max(1, math.ceil(max(_running(job, rate) / 8, by_cpu)))


def _databases(job: Job, rate: float) -> int:
    return max(1, math.ceil(rate * job.writes / 3600 / WRITES_PER_SECOND / BUSY))


_ROWS: dict[str, Callable[[Job, int], str]] = {
    "running at once, on average": lambda job, rate: short(_running(job, rate)),
    "poller, processors": lambda job, rate: short(rate * job.poller_cpu / 3600),
    "pollers": lambda job, rate: f"{_pollers(job, rate):,}",
    "poller memory each, MiB": lambda job, rate: short(
        job.idle_memory + _running(job, rate) / _pollers(job, rate) * job.poller_memory
    ),
    "executors, processors": lambda job, rate: short(rate * job.executor_cpu / 3600),
    "executors of 8 slots": lambda job, rate: f"{_executors(job, rate):,}",
    "database writes a second": lambda job, rate: short(rate * job.writes / 3600),
    "databases": lambda job, rate: f"{_databases(job, rate):,}",
    "written, GB a month": lambda job, rate: short(rate * HOURS * job.written / 1e6),
    "watched by one browser per job, GB a month": lambda job, rate: short(rate * HOURS * job.written / 1e6),
    f"that download, at ${DOLLARS_PER_GB_DOWNLOADED:g} per GB": lambda job, rate: (
        f"${short(rate * HOURS * job.written / 1e6 * DOLLARS_PER_GB_DOWNLOADED)}"
    ),
    f"kept for 30 days, at ${DOLLARS_PER_GB_STORED:g} per GB and month": lambda job, rate: (
        f"${short(rate * 24 * 30 * job.written / 1e6 * DOLLARS_PER_GB_STORED)}"
    ),
}
