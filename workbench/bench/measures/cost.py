"""Processor time of a job, and what the system adds to the bare graph."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Self

from workbench.bench.figures import Baseline, Figure
from workbench.bench.measure import measure
from workbench.bench.samples import median
from workbench.bench.stand import LanguageModel, Rtdb, Running, Stand, until
from workbench.bench.texts import from_requirements

CONTEXTS = 2
"""Of the jobs measured here, as of the library domain that the old worker was measured with."""


@measure("cpu", "processor time per job at 0 latency, and beyond the bare graph")
def cpu(stand: Stand) -> Iterator[Figure]:
    """Ours and the bare graph in turns, on the same jobs: a machine that slows down meanwhile slows both."""
    rtdb, language_model = stand.rtdb(), stand.language_model()
    executor = stand.executor(language_model)
    poller = stand.poller(rtdb, executor)
    batches, size = stand.many(12, 2), stand.many(4, 2)
    used: list[tuple[float, float]] = []
    spent: list[float] = []
    with _Bare(stand, language_model) as bare:
        for first in range(-size, batches * size, size):  # the first batch warms up
            jobs = [from_requirements(CONTEXTS, 5000 + number) for number in range(first, first + size)]
            used.append(_batch(rtdb, executor, poller, jobs))
            spent.append(sum(bare.run(inputs)["cpu"] for inputs in jobs) / size)
    used, spent = used[1:], spent[1:]
    both = [one + other for one, other in used]
    plain = Baseline(name="bare graph.ainvoke in one process", samples=spent)
    yield Figure(
        name="cpu.job",
        what=f"processor seconds of executor and poller per job of {CONTEXTS} contexts, 0 latency",
        unit="s",
        samples=both,
        baseline=plain,
        limits={"median": 0.5},
        noise=0.15,
        per_machine=True,
        note="the old worker: 2.0 s",
    )
    for program, samples in (("poller", [p for _, p in used]), ("executor", [e for e, _ in used])):
        yield Figure(
            name=f"cpu.{program}",
            what=f"of these, the {program}'s",
            unit="s",
            samples=samples,
            baseline=plain,
            noise=0.15,
            per_machine=True,
        )
    yield Figure(
        name="cpu.beyond_bare",
        what="processor milliseconds of a job beyond bare graph.ainvoke",
        unit="ms",
        samples=[(one - other) * 1000 for one, other in zip(both, spent, strict=True)],
        baseline=Baseline(name=plain.name, samples=[other * 1000 for other in spent]),
        limits={"median": 60.0},
        noise=0.5,
        per_machine=True,
    )


@measure("wall", "wall time of a job against the bare graph, p50 0.5 s, p95 2 s", seconds=300)
def wall(stand: Stand) -> Iterator[Figure]:
    scale = 0.1 if stand.quick else 0.5
    rtdb = stand.rtdb()
    language_model = stand.language_model(p50=scale, p95=4 * scale)
    stand.poller(rtdb, stand.executor(language_model))
    jobs = [from_requirements(CONTEXTS, number) for number in range(stand.many(5, 1))]
    walls, plain = [], []
    with _Bare(stand, language_model) as bare:
        bare.run(jobs[0])  # warms up
        for inputs in jobs:
            job_id, acked = rtdb.job(inputs)
            walls.append(rtdb.ended([job_id])[job_id] - acked)
            plain.append(bare.run(inputs)["wall"])
    yield Figure(
        name="wall.beyond_bare",
        what="entry acknowledged → completed, against bare graph.ainvoke on the same questions and latencies",
        unit="×",
        samples=[one / other for one, other in zip(walls, plain, strict=True)],
        limits={} if stand.quick else {"median": 1.15},
        noise=0.05,
        note=f"{median(walls):.1f} s against {median(plain):.1f} s",
    )


def _batch(rtdb: Rtdb, executor: Running, poller: Running, jobs: Sequence[Any]) -> tuple[float, float]:
    """Processor seconds per job of executor and poller, one job after another."""
    before = executor.cpu(), poller.cpu()
    for inputs in jobs:
        rtdb.ended([rtdb.job(inputs)[0]])
    until(lambda: rtdb.get("requestedJobs") is None)
    time.sleep(0.1)  # the streams' last frames
    return (executor.cpu() - before[0]) / len(jobs), (poller.cpu() - before[1]) / len(jobs)


class _Bare:
    """The bare graph in a process of its own, one job after another."""

    def __init__(self, stand: Stand, language_model: LanguageModel) -> None:
        path = stand.folder / f"bare.{uuid.uuid4()}"
        os.mkfifo(path)
        self._program = stand.start("bare", "workbench.bench.bare", str(path), language_model.url)
        self._pipe = path.open("w", encoding="utf-8")
        self._runs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()

    def run(self, inputs: Any) -> dict[str, float]:
        """Seconds and processor seconds."""
        self._pipe.write(json.dumps(inputs) + "\n")
        self._pipe.flush()
        self._runs += 1
        until(lambda: len(self._lines()) == self._runs or "Traceback" in self._program.output(), seconds=300)
        if len(self._lines()) != self._runs:
            raise RuntimeError(f"the bare graph failed: {self._program.output()[-300:]}")
        return json.loads(self._lines()[-1])  # type: ignore[no-any-return]

    def _lines(self) -> list[str]:
        return [line for line in self._program.output().splitlines() if line.startswith("{")]
