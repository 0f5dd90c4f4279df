"""How costs grow with 1, 4 and 16 times the contexts, and 1, 4 and 16 times the text: the exponent of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from workbench.bench.calls import calls_of
from workbench.bench.figures import Figure
from workbench.bench.measure import measure
from workbench.bench.samples import exponent, median
from workbench.bench.stand import Stand
from workbench.bench.texts import from_draft, from_requirements, mark

TIMES = (1, 4, 16)


def _contexts(times: int, number: int) -> dict[str, Any]:
    return from_draft(2 * times, number)


def _text(times: int, number: int) -> dict[str, Any]:
    return from_requirements(2, number, filler=20 * times)


@measure("growth", "costs of 1, 4 and 16 times the contexts, and of 1, 4 and 16 times the text", seconds=300)
def growth(stand: Stand) -> Iterator[Figure]:
    yield from _growth(stand, "contexts", _contexts)
    yield from _growth(stand, "text", _text)


def _growth(stand: Stand, name: str, make: Callable[[int, int], dict[str, Any]]) -> Iterator[Figure]:
    rtdb, language_model = stand.rtdb(), stand.language_model()
    executor = stand.executor(language_model, LLM_MAX_CONCURRENCY="256")
    poller = stand.poller(rtdb, executor)
    rtdb.ended([rtdb.job(make(1, 9000))[0]])  # warms up
    costs: dict[str, list[float]] = {}
    times = TIMES if not stand.quick else TIMES[:2]
    for size in times:
        each: dict[str, list[float]] = {}
        for number in range(size * 10, size * 10 + stand.many(3, 1)):
            before, moment = (executor.cpu(), poller.cpu()), rtdb.now()
            job_id, acked = rtdb.job(make(size, number))
            wall = rtdb.ended([job_id], seconds=240)[job_id] - acked
            rtdb.settled(job_id)
            time.sleep(0.1)
            commits = rtdb.since(moment)
            found = {
                "executor_cpu": executor.cpu() - before[0],
                "poller_cpu": poller.cpu() - before[1],
                "wall": wall,
                "written": sum(one["size"] for one in commits) / 1000,
                "prompts": sum(call.chars for call in calls_of(language_model.calls.all(), mark(number)))
                / 1000,
            }
            for what, value in found.items():
                each.setdefault(what, []).append(value)
        for what, values in each.items():
            costs.setdefault(what, []).append(median(values))
    units = {"executor_cpu": "s", "poller_cpu": "s", "wall": "s", "written": "kB", "prompts": "k chars"}
    for what, values in costs.items():
        steps = " → ".join(f"{value:.3g}" for value in values)
        yield Figure(
            name=f"growth.{name}.{what}",
            what=f"k of {what.replace('_', ' ')} ~ ({name})^k, 0 latency",
            unit="",
            samples=[exponent(times, values)],
            noise=0.2,
            is_exponent=True,
            note=f"{steps} {units[what]} at {', '.join(f'{size}×' for size in times)}",
        )
