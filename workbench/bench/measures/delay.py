"""The same with 0, 80 and 180 ms added to every request to the database."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.bench.figures import Baseline, Figure
from workbench.bench.measure import measure
from workbench.bench.samples import median
from workbench.bench.stand import Stand
from workbench.bench.texts import from_requirements, mark

CHAIN = 6
ALLOWED = CHAIN + 10


@measure("delay", "0, 80 and 180 ms added to every request to the database", seconds=300)
def delay(stand: Stand) -> Iterator[Figure]:
    rtdb = stand.rtdb()
    language_model = stand.language_model(p50=0.3, p95=0.3)
    stand.poller(rtdb, stand.executor(language_model))
    rtdb.ended([rtdb.job(from_requirements(2, 4000))[0]])  # warms up
    walls: dict[int, list[float]] = {}
    for milliseconds in (0, 80, 180):
        rtdb.delay(milliseconds)
        walls[milliseconds], pickups = [], []
        for number in range(stand.many(5, 1)):
            one = milliseconds * 10 + number
            job_id, acked = rtdb.job(from_requirements(2, one))
            pickups.append((language_model.first(mark(one)) - acked) * 1000)
            walls[milliseconds].append(rtdb.ended([job_id])[job_id] - acked)
        yield Figure(
            name=f"delay.{milliseconds}.pickup",
            what=f"entry acknowledged → first question, {milliseconds} ms added",
            unit="ms",
            samples=pickups,
            noise=0.5,
        )
        yield _wall(milliseconds, walls)


def _wall(milliseconds: int, walls: dict[int, list[float]]) -> Figure:
    """Growth in units of the delay: how many requests stand one behind another."""
    if not milliseconds:
        return Figure(
            name="delay.0.wall",
            what="entry acknowledged → completed, every answer 0.3 s",
            unit="s",
            samples=walls[0],
            baseline=Baseline(name="longest dependent path", fixed=CHAIN * 0.3),
            noise=0.15,
        )
    added = milliseconds / 1000
    return Figure(
        name=f"delay.{milliseconds}.wall",
        what=f"growth of the wall time with {milliseconds} ms added ÷ {milliseconds} ms; allowed are {CHAIN} (the chain) + 10",
        unit="×",
        samples=[(wall - median(walls[0])) / added for wall in walls[milliseconds]],
        limits={"median": ALLOWED},
        noise=0.3,
        note=f"{median(walls[milliseconds]):.2f} s against {median(walls[0]):.2f} s",
    )
