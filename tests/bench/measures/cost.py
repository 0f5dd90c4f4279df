"""Processor time of a job, and what the system adds to the bare graph."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from tests.bench.figures import Baseline, Figure
from tests.bench.measure import measure
from tests.bench.samples import median
from tests.bench.stand import LanguageModel, Rtdb, Running, Stand, until
from tests.bench.texts import from_requirements

CONTEXTS = 2
"""Of the jobs measured here, as of the library domain that the old worker was measured with."""


@measure("cpu", "processor time per job at 0 latency, and beyond the bare graph")
def cpu(stand: Stand) -> Iterator[Figure]:
    rtdb, language_model = stand.rtdb(), stand.language_model()
    executor = stand.executor(language_model)
    poller = stand.poller(rtdb, executor)
    batches, size = stand.many(10, 2), stand.many(4, 2)
    numbers = list(range(batches * size))
    _batch(rtdb, executor, poller, [from_requirements(CONTEXTS, 5000)])  # warms up
    used = [
        _batch(rtdb, executor, poller, [from_requirements(CONTEXTS, n) for n in numbers[at : at + size]])
        for at in range(0, len(numbers), size)
    ]
    bare = _bare(stand, language_model, [from_requirements(CONTEXTS, n) for n in (5000, *numbers)])
    both = [one + other for one, other in used]
    spent = [run["cpu"] for run in bare]
    yield Figure(
        name="cpu.job",
        what=f"processor seconds of executor and poller per job of {CONTEXTS} contexts, 0 latency",
        unit="s",
        samples=both,
        baseline=Baseline(name="the old worker", fixed=2.0),
        limits={"median": 0.5},
        noise=0.15,
    )
    yield Figure(
        name="cpu.poller", what="of these, the poller's", unit="s", samples=[p for _, p in used], noise=0.15
    )
    yield Figure(
        name="cpu.executor",
        what="of these, the executor's",
        unit="s",
        samples=[e for e, _ in used],
        baseline=Baseline(name="bare graph.ainvoke in one process", samples=spent),
        noise=0.15,
        per_machine=True,
    )
    yield Figure(
        name="cpu.beyond_bare",
        what="processor milliseconds of a job beyond bare graph.ainvoke",
        unit="ms",
        samples=[(one - median(spent)) * 1000 for one in both],
        baseline=Baseline(name="bare graph.ainvoke", fixed=median(spent) * 1000),
        limits={"median": 60.0},
        noise=0.5,
    )


@measure("wall", "wall time of a job against the bare graph, p50 0.5 s, p95 2 s", seconds=300)
def wall(stand: Stand) -> Iterator[Figure]:
    scale = 0.1 if stand.quick else 0.5
    rtdb = stand.rtdb()
    language_model = stand.language_model(p50=scale, p95=4 * scale)
    stand.poller(rtdb, stand.executor(language_model))
    jobs = [from_requirements(CONTEXTS, number) for number in range(stand.many(5, 1))]
    walls = []
    for inputs in jobs:
        job_id, acked = rtdb.job(inputs)
        walls.append(rtdb.ended([job_id])[job_id] - acked)
    bare = [run["wall"] for run in _bare(stand, language_model, [jobs[0], *jobs])]
    yield Figure(
        name="wall.beyond_bare",
        what="entry acknowledged → completed, against bare graph.ainvoke on the same questions and latencies",
        unit="×",
        samples=[one / other for one, other in zip(walls, bare, strict=True)],
        limits={} if stand.quick else {"median": 1.15},
        noise=0.05,
        note=f"{median(walls):.1f} s against {median(bare):.1f} s",
    )


def _batch(rtdb: Rtdb, executor: Running, poller: Running, jobs: Sequence[Any]) -> tuple[float, float]:
    """Processor seconds per job of executor and poller, one job after another."""
    before = executor.cpu(), poller.cpu()
    for inputs in jobs:
        rtdb.ended([rtdb.job(inputs)[0]])
    until(lambda: rtdb.get("requestedJobs") is None)
    time.sleep(0.1)  # the streams' last frames
    return (executor.cpu() - before[0]) / len(jobs), (poller.cpu() - before[1]) / len(jobs)


def _bare(stand: Stand, language_model: LanguageModel, jobs: Sequence[Any]) -> list[dict[str, float]]:
    """Seconds and processor seconds of each job but the first in one process of its own."""
    path = stand.folder / "bare.json"
    path.write_text(json.dumps(jobs), "utf-8")
    program = stand.start("bare", "tests.bench.bare", str(path), language_model.url)
    until(lambda: "bare done" in program.output() or "Traceback" in program.output(), seconds=300, every=0.05)
    runs = [json.loads(line) for line in program.output().splitlines() if line.startswith("{")]
    if len(runs) != len(jobs) - 1:
        raise RuntimeError(f"the bare graph failed: {program.output()[-300:]}")
    return runs
