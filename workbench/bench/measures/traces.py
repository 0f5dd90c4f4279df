"""What traces of every job cost: processor time of the pair with them and without, on the same jobs, in turns."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from workbench.bench.figures import Figure
from workbench.bench.measure import measure
from workbench.bench.measures.cost import CONTEXTS
from workbench.bench.stand import Running, Stand, until
from workbench.bench.texts import from_requirements

_DELAY = 5.0
"""Seconds between two batches of spans, as usual; each round waits until the last of its own are sent."""


@measure("traces", "processor time of a job with every job traced, against none", seconds=480)
def traces(stand: Stand) -> Iterator[Figure]:
    collector = stand.start("collector", "workbench.collector")
    port = until(lambda: re.search(r"ready port=(\d+)", collector.output()))[1]
    on = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_BSP_SCHEDULE_DELAY": str(int(_DELAY * 1000)),
    }
    rtdb, other, language_model = stand.rtdb(), stand.rtdb(), stand.language_model()
    plain = [stand.executor(language_model)]
    plain.append(stand.poller(rtdb, *plain))
    traced = [stand.executor(language_model, **on)]
    traced.append(stand.poller(other, *traced, **on))
    rounds, size = stand.many(8, 2), stand.many(10, 2)
    ratios: list[float] = []
    for number in range(-1, rounds):  # the first warms up
        jobs = [from_requirements(CONTEXTS, 9000 + number * size + n) for n in range(size)]
        used = []
        for database, pair in [(rtdb, plain), (other, traced)][:: 1 if number % 2 else -1]:
            before = _spent(pair)
            for inputs in jobs:
                database.ended([database.job(inputs)[0]])
            time.sleep(_DELAY * 1.2)
            used.append((pair is traced, _spent(pair) - before))
        if number >= 0:
            spent = dict(used)
            ratios.append(spent[True] / spent[False])
    yield Figure(
        name="traces.cpu",
        what=f"processor time of a job of {CONTEXTS} contexts, every job traced, against none",
        unit="×",
        samples=ratios,
        limits={} if stand.quick else {"median": 1.03},
        noise=0.02,
        note=f"{_spans(collector.output()) / (size * (rounds + 1)):.0f} spans a job",
    )


def _spent(pair: list[Running]) -> float:
    return sum(program.cpu() for program in pair)


def _spans(output: str) -> int:
    return int(re.findall(r"spans=(\d+)", output)[-1])
