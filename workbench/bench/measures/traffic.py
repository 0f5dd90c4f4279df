"""Bytes between poller and database: idle, while jobs wait, and per job. Bodies and event streams, without HTTP's headers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from workbench.bench.figures import Baseline, Figure
from workbench.bench.measure import measure
from workbench.bench.measures.pickup import fill
from workbench.bench.samples import exponent
from workbench.bench.stand import NAMESPACE, Rtdb, Stand
from workbench.bench.texts import from_draft, from_requirements


@measure(
    "idle-traffic", "what an idle poller reads and writes, and while 10, 100 and 1,000 jobs wait", seconds=400
)
def idle_traffic(stand: Stand) -> Iterator[Figure]:
    rtdb = stand.rtdb(log=False)
    stand.poller(rtdb, stand.executor(stand.language_model()))
    time.sleep(1)
    seconds = stand.many(40, 5)
    requests, moved = _quiet(rtdb, seconds)
    yield Figure(
        name="idle-traffic.hour",
        what="bytes an idle poller moves in an hour (keep-alives of two streams, a sweep's two lists of names)",
        unit="kB/h",
        samples=[moved * 3600 / seconds / 1000],
        limits={"most": 64.0},
        baseline=Baseline(
            name="the old worker, 100 jobs waiting: 67 kB every 15.1 s", fixed=67 * 3600 / 15.1
        ),
        noise=1.0,
        note=f"{requests} requests in {seconds} s",
    )
    counts = (10, 100, 1000) if not stand.quick else (2, 10)
    bytes_, change = [], []
    for count in counts:
        fill(rtdb, count)
        bytes_.append(_quiet(rtdb, stand.many(20, 3))[1] + 1)
        before = rtdb.stats()
        rtdb.ended_without_log(rtdb.job(from_requirements(1, count))[0])
        after = rtdb.stats()
        change.append(after["bytes_in"] + after["bytes_out"] - before["bytes_in"] - before["bytes_out"])
    yield Figure(
        name="idle-traffic.waiting",
        what=f"bytes in 20 s while {', '.join(f'{count:,}' for count in counts)} jobs wait and nothing changes",
        unit="B",
        samples=bytes_,
        limits={"most": 2000.0},
        baseline=Baseline(name="the old worker: a poll of 67 kB every 15.1 s", fixed=67_000 * 20 / 15.1),
        noise=1.0,
    )
    yield Figure(
        name="idle-traffic.exponent",
        what=f"k of (bytes that one more job moves, first to last) ~ (jobs waiting)^k for {counts[0]} to {counts[-1]:,} waiting",
        unit="",
        samples=[max(0.0, exponent(counts, change))],
        limits={"most": 0.1},
        noise=0.1,
        is_exponent=True,
        note=f"{', '.join(f'{one / 1000:.0f} kB' for one in change)}",
    )


def _quiet(rtdb: Rtdb, seconds: float) -> tuple[int, int]:
    """Requests and bytes while nothing happens; our own look at the counters is not counted."""
    before = rtdb.stats()
    time.sleep(seconds)
    after = rtdb.stats()
    moved = after["bytes_in"] + after["bytes_out"] - before["bytes_in"] - before["bytes_out"]
    return after["requests"] - before["requests"], moved


@measure("job-bytes", "bytes and writes per job, against the finished model's size")
def job_bytes(stand: Stand) -> Iterator[Figure]:
    for name, p50 in (("", 0.0), (".slow", 0.3 if not stand.quick else 0.05)):
        rtdb, language_model = stand.rtdb(), stand.language_model(p50=p50, p95=4 * p50)
        poller = stand.poller(rtdb, stand.executor(language_model))
        ratios, writes, kinds = [], [], {"journal": 0, "model": 0, "canvas": 0, "other": 0}
        for number in range(stand.many(5, 1)):
            make = from_draft if number % 2 else from_requirements
            moment = rtdb.now()
            job_id, _ = rtdb.job(make(3, number))
            rtdb.ended([job_id])
            rtdb.settled(job_id)
            commits = rtdb.since(moment)
            size = rtdb.size(f"jobs/{NAMESPACE}/{job_id}/state/outputs/esValue")
            ratios.append(sum(one["size"] for one in commits) / size)
            writes.append(len(commits))
            for one in commits:
                kinds[_kind(one)] += one["size"]
        total = sum(kinds.values())
        shares = ", ".join(f"{kind} {value / total:.0%}" for kind, value in kinds.items())
        speed = "0 latency" if not p50 else f"latencies of {p50:g} s (p95 {4 * p50:g} s)"
        yield Figure(
            name=f"job-bytes.written{name}",
            what=f"bytes written per job ÷ final encoded esValue, journal included, {speed}",
            unit="×",
            samples=ratios,
            limits={"median": 2.5},
            baseline=Baseline(name="the old worker, no journal", fixed=2.9),
            noise=0.1
            if p50
            else 0.25,  # at 0 latency chance decides whether one more model is shown on the way
            note=shares,
        )
        yield Figure(
            name=f"job-bytes.writes{name}",
            what=f"writes per job, {speed}",
            unit="",
            samples=writes,
            noise=0.3,
        )
        yield Figure(
            name=f"job-bytes.kilobytes{name}",
            what=f"kilobytes written per job, {speed}",
            unit="kB",
            samples=[total / len(ratios) / 1000],
            noise=0.1,
        )
        for program in (poller, rtdb.running):
            program.stop()


def _kind(commit: dict[str, Any]) -> str:
    """By what it holds; a commit too large for its value to be in the log is the model or the canvas."""
    value = commit.get("value")
    keys = " ".join(value) if isinstance(value, dict) else ""
    if "run/journal" in keys:
        return "journal"
    if "run/model" in keys or ("value" not in commit and not commit["path"].strip("/")):
        return "model"
    return "canvas" if "esValue" in keys or "value" not in commit else "other"
