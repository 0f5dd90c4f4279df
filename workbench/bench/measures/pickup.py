"""From the acknowledgement of a new entry to the run's first question at the language model: alone, behind a queue, against polling loops."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence

from devkit.programs import Program
from workbench.bench.figures import Baseline, Figure
from workbench.bench.floor import floor
from workbench.bench.measure import measure
from workbench.bench.samples import quantile
from workbench.bench.stand import NAMESPACE, LanguageModel, Rtdb, Running, Stand, until
from workbench.bench.texts import from_requirements, mark

SERVER_TIME = {".sv": "timestamp"}
_HOLD = 600.0
"""Seconds the first question stays open: nothing else happens in a job whose pickup is measured."""


@measure("pickup", "entry acknowledged → first question, 1 and 1,000 waiting")
def pickup(stand: Stand) -> Iterator[Figure]:
    rtdb, language_model, executor = _system(stand)
    with floor(rtdb, executor) as least:
        alone: list[float] = []
        for number in range(stand.many(100, 8)):
            alone.append(one_pickup(rtdb, language_model, number))
            least.take()
        base = Baseline(name="event delivery + one gRPC round trip", samples=list(least.samples))
        limits = {"median": 25.0, "p99": 100.0}
        yield Figure(
            name="pickup.alone",
            what="entry acknowledged → first question asked, nothing else waiting",
            unit="ms",
            samples=alone,
            baseline=base,
            limits=limits,
            per_machine=True,
            noise=0.4,
        )
        waiting = stand.many(1000, 50)
        fill(rtdb, waiting)
        least.samples.clear()
        behind = []
        for number in range(1000, 1000 + stand.many(100, 8)):
            behind.append(one_pickup(rtdb, language_model, number))
            least.take()
        yield Figure(
            name="pickup.waiting",
            what=f"the same while {waiting:,} jobs wait for their time",
            unit="ms",
            samples=behind,
            baseline=Baseline(name="event delivery + one gRPC round trip", samples=list(least.samples)),
            limits={"median": 50.0, "p99": 200.0},
            per_machine=True,
            noise=0.4,
        )
        yield Figure(
            name="pickup.queue",
            what=f"how many times longer it takes while {waiting:,} jobs wait, measured by what the loopback took meanwhile",
            unit="×",
            samples=[_calm(behind) / _calm(least.samples) * _calm(base.samples) / _calm(alone)],
            limits={"most": 2.0},
            noise=0.5,
        )


@measure("polling", "the same against loops that poll every 5 and every 15 s")
def polling(stand: Stand) -> Iterator[Figure]:
    rtdb, language_model, _ = _system(stand)
    alone = [one_pickup(rtdb, language_model, number) for number in range(stand.many(50, 8))]
    for every, taken in _polled(stand, rtdb, (1.0,) if stand.quick else (5.0, 15.0)).items():
        yield Figure(
            name=f"polling.{every:g}s",
            what=f"pickup against a loop that polls every {every:g} s and claims all it finds",
            unit="ms",
            samples=alone,
            baseline=Baseline(name=f"polling every {every:g} s", samples=taken),
            limits={} if stand.quick else {"at_least": 100.0},
            noise=0.5,
        )


def _system(stand: Stand) -> tuple[Rtdb, LanguageModel, Running]:
    rtdb = stand.rtdb(log=False)
    language_model = stand.language_model(OutlineAnswer=_HOLD)
    executor = stand.executor(language_model, MAX_CONCURRENT_JOBS="16")
    stand.poller(rtdb, executor)
    return rtdb, language_model, executor


def _calm(samples: Sequence[float]) -> float:
    """The lower quartile: whatever else the machine does only adds."""
    return quantile(samples, 0.25)


def one_pickup(rtdb: Rtdb, language_model: LanguageModel, number: int) -> float:
    """Milliseconds; the job is removed afterwards."""
    job_id, acked = rtdb.job(from_requirements(1, number))
    asked = language_model.first(mark(number))
    rtdb.remove(job_id)
    rtdb.removed(job_id)
    return (asked - acked) * 1000


def fill(rtdb: Rtdb, count: int) -> None:
    """Jobs that wait for a time that does not come: in the queue, numbered, and not to be claimed."""
    later = int(time.time() * 1000) + 86_400_000
    created = int(time.time() * 1000)
    entries = {
        f"{number:08x}-0000-4000-8000-000000000000": {
            "createdAt": created + number,
            "notBefore": later,
            "attempts": 1,
            "status": "pending",
        }
        for number in range(count)
    }
    for job_id in entries:
        rtdb.put(f"jobs/{NAMESPACE}/{job_id}/state/inputs", from_requirements(1, 0) | {"jobId": job_id})
    rtdb.patch(f"requestedJobs/{NAMESPACE}", entries)
    until(lambda: _settled(rtdb), seconds=90, every=1.0)


def _settled(rtdb: Rtdb) -> bool:
    """Whether everybody has been told a place and no more is written."""
    before = rtdb.stats()["commits"]
    time.sleep(6)
    return rtdb.stats()["commits"] == before


def _polled(stand: Stand, rtdb: Rtdb, rounds: tuple[float, ...]) -> dict[float, list[float]]:
    """Milliseconds from acknowledgement to claim of entries that come at random moments of three rounds, by loop."""
    loops = {
        every: stand.start(f"polling-{every:g}", "workbench.bench.polling", _queue(rtdb, every), f"{every:g}")
        for every in rounds
    }
    until(lambda: all("ready" in loop.output() for loop in loops.values()))
    rng = random.Random(1)
    acked: dict[str, float] = {}
    began = time.monotonic()
    while time.monotonic() - began < 3 * max(rounds):
        time.sleep(rng.uniform(0, max(rounds) / 15))
        for every in rounds:
            job_id = f"{every:g}-{len(acked)}"
            acked[job_id] = rtdb.put(f"requestedJobs/polled_{every:g}/{job_id}", {"createdAt": SERVER_TIME})
    until(lambda: all(len(_claims(loop)) * len(rounds) >= len(acked) for loop in loops.values()), every=0.2)
    return {
        every: [(at - acked[job_id]) * 1000 for job_id, at in _claims(loop).items()]
        for every, loop in loops.items()
    }


def _queue(rtdb: Rtdb, every: float) -> str:
    return rtdb.url(f"requestedJobs/polled_{every:g}")


def _claims(loop: Program) -> dict[str, float]:
    lines = [json.loads(line) for line in loop.output().splitlines() if line.startswith("{")]
    return {line["job"]: line["time"] for line in lines}
