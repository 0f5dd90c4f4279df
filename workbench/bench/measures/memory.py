"""Resident memory: one executor with many jobs at once and one after another, the poller idle and with many running."""

from __future__ import annotations

import time
from collections.abc import Iterator

from workbench.bench.figures import Baseline, Figure
from workbench.bench.measure import Skipped, measure
from workbench.bench.samples import median, slope
from workbench.bench.stand import NAMESPACE, Rtdb, Stand, until
from workbench.bench.texts import from_draft, from_requirements

OLD = Baseline(name="the old worker, one job", fixed=320.0)


@measure("executor-memory", "one executor with 1, 8 and 32 jobs at once")
def executor_memory(stand: Stand) -> Iterator[Figure]:
    for count in (1, 8, 32) if not stand.quick else (1,):
        rtdb, language_model = stand.rtdb(), stand.language_model(p50=0.5, p95=2)
        executor = stand.executor(language_model, name=f"of-{count}", MAX_CONCURRENT_JOBS=str(count))
        poller = stand.poller(rtdb, executor)
        jobs = [rtdb.job(from_requirements(3, number))[0] for number in range(count)]
        rtdb.ended(jobs)
        yield Figure(
            name=f"executor-memory.{count}",
            what=f"most resident memory of one executor with {count} jobs of 3 contexts at once",
            unit="MiB",
            samples=[executor.memory("VmHWM")],
            limits={"most": 200.0} if count == 32 else {},
            baseline=OLD,
            noise=0.1,
        )
        yield Figure(
            name=f"executor-memory.{count}.poller",
            what=f"most resident memory of the poller meanwhile, {count} jobs",
            unit="MiB",
            samples=[poller.memory("VmHWM")],
            noise=0.1,
        )
        for program in (poller, executor, language_model.running, rtdb.running):
            program.stop()


@measure("sequence", "memory of executor and poller over 500 jobs in sequence", seconds=300)
def sequence(stand: Stand) -> Iterator[Figure]:
    count, each, at_once = stand.many(500, 30), stand.many(20, 5), 4
    rtdb, language_model = stand.rtdb(), stand.language_model()
    executor = stand.executor(language_model, MAX_CONCURRENT_JOBS=str(at_once))
    poller = stand.poller(rtdb, executor)
    done: list[float] = []
    memory: dict[str, list[float]] = {"executor": [], "poller": []}
    while len(done) * each < count:
        rtdb.ended([rtdb.job(from_requirements(1, len(done) * each + number))[0] for number in range(each)])
        until(lambda: rtdb.get("requestedJobs") is None)
        done.append((len(done) + 1) * each)
        for running in (executor, poller):
            memory[running.name].append(running.memory() * 1024)
    late = len(done) // 5  # what warming up took is no slope
    for name, resident in memory.items():
        yield Figure(
            name=f"sequence.{name}",
            what=f"growth of the {name}'s resident memory per job over {count} jobs, the first fifth apart",
            unit="kB",
            samples=[max(0.0, slope(done[late:], resident[late:]))],
            limits={} if stand.quick else {"most": 20.0},
            noise=2.0,
            note=f"from {resident[late] / 1024:.0f} to {resident[-1] / 1024:.0f} MiB",
        )


@measure("poller-memory", "the poller idle, and with 100 running jobs of 60 kB models", seconds=300)
def poller_memory(stand: Stand) -> Iterator[Figure]:
    rtdb = stand.rtdb(log=False)
    language_model = stand.language_model(BehaviourAnswer=3600, PoliciesAnswer=3600)
    count = stand.many(100, 3)
    patient = {"STEP_TIMEOUT_SECONDS": "3600"}
    executor = stand.executor(
        language_model,
        MAX_CONCURRENT_JOBS=str(count),
        LLM_MAX_CONCURRENCY="1000",
        LLM_TIMEOUT_SECONDS="3600",
        **patient,
    )
    poller = stand.poller(rtdb, executor, **patient)
    time.sleep(2)
    yield Figure(
        name="poller-memory.idle",
        what="resident memory of an idle poller",
        unit="MiB",
        samples=[poller.memory()],
        limits={"most": 80.0},
        baseline=Baseline(name="the old worker, idle", fixed=143.0),
        noise=0.1,
    )
    jobs = [rtdb.job(from_draft(2, number))[0] for number in range(count)]
    seen: list[float] = []

    def all_shown() -> bool:
        seen.append(poller.memory())
        return all(_is_shown(rtdb, job_id) for job_id in jobs)

    until(all_shown, seconds=250, every=1.0)
    settled = []
    for _ in range(stand.many(10, 2)):
        time.sleep(0.5)
        settled.append(poller.memory())
    sizes = [rtdb.size(f"jobs/{NAMESPACE}/{job_id}/state/outputs/esValue") / 1000 for job_id in jobs[:5]]
    yield Figure(
        name="poller-memory.running",
        what=f"resident memory of a poller with {count} running jobs",
        unit="MiB",
        samples=settled,
        limits={"most": 160.0},
        noise=0.1,
        note=f"models of {median(sizes):.0f} kB on the canvas; at most {max(seen):.0f} MiB on the way",
    )


def _is_shown(rtdb: Rtdb, job_id: str) -> bool:
    outputs = f"jobs/{NAMESPACE}/{job_id}/state/outputs"
    if rtdb.get(f"{outputs}/isFailed"):
        raise Skipped("a job failed on the way")
    return rtdb.get(f"{outputs}/esValue/relations", shallow=True) is not None
