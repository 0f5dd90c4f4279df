"""How soon things stop and go on: cancel, executor killed, poller restarted, poller gone. And that no answer is paid for twice."""

from __future__ import annotations

import time
from collections.abc import Iterator

from workbench.bench.figures import Baseline, Figure
from workbench.bench.measure import measure
from workbench.bench.stand import NAMESPACE, LanguageModel, Rtdb, Stand, until
from workbench.bench.texts import from_draft, from_requirements, mark
from workbench.chaos.auditor import JobRecord, calls_repeated, read_calls, replay

OLD = Baseline(name="the old worker", fixed=300.0)


@measure("cancel", "removal requested → the run's open questions are closed")
def cancel(stand: Stand) -> Iterator[Figure]:
    rtdb = stand.rtdb()
    language_model = stand.language_model(p50=60, p95=60)
    stand.poller(rtdb, stand.executor(language_model))
    taken, later = [], 0
    for number in range(stand.many(20, 3)):
        job_id, _ = rtdb.job(from_draft(2, number))
        language_model.first(mark(number))
        time.sleep(0.2)  # the other questions of its first round
        asked = rtdb.remove(job_id)
        rtdb.removed(job_id)
        names = {line["hash"] for line in language_model.calls.all() if line.get("mark") == mark(number)}
        left = _all_left(language_model, names)
        taken.append(left - asked)
        later += sum(
            line["time"] > left for line in language_model.calls.all() if line.get("mark") == mark(number)
        )
    yield Figure(
        name="cancel.stopped",
        what="removal requested → every open question closed by the executor",
        unit="s",
        samples=taken,
        limits={"most": 1.0},
        noise=0.5,
    )
    yield Figure(
        name="cancel.later",
        what="questions asked after that",
        unit="calls",
        samples=[later],
        limits={"most": 0},
        noise=0,
    )


def _all_left(language_model: LanguageModel, names: set[str]) -> float:
    return until(lambda: _left(language_model, names))


def _left(language_model: LanguageModel, names: set[str]) -> float | None:
    """When the last open question was closed; None while one is open."""
    lines = [line for line in language_model.calls.all() if line["hash"] in names]
    asked = {(line["hash"], line["nth"]) for line in lines if line["event"] == "ask"}
    ended = {
        (line["hash"], line["nth"]): line["time"] for line in lines if line["event"] in ("answer", "gone")
    }
    return max(ended.values()) if asked == ended.keys() else None


@measure("executor-killed", "kill -9 of an executor → its jobs ask again elsewhere", seconds=240)
def executor_killed(stand: Stand) -> Iterator[Figure]:
    rtdb = stand.rtdb()
    language_model = stand.language_model(p50=1.0, p95=2.0)
    executors = {
        name: stand.executor(language_model, name=name, MAX_CONCURRENT_JOBS="16") for name in ("a", "b")
    }
    stand.poller(rtdb, *executors.values())
    taken: list[float] = []
    jobs: dict[str, str] = {}
    for round_ in range(stand.many(3, 1)):
        fresh = _start(rtdb, language_model, jobs, 8)
        struck = [one for one in fresh if language_model.asked(mark(int(one)), caller="a")]
        time.sleep(1.5)
        at = executors["a"].kill()
        again = [language_model.first(mark(int(one)), caller="b", after=at) for one in struck]
        taken += [moment - at for moment in again]
        rtdb.ended(jobs[one] for one in fresh)
        if round_ < stand.many(3, 1) - 1:
            port = str(executors["a"].ports["grpc"])
            executors["a"] = stand.executor(
                language_model, name="a", GRPC_PORT=port, MAX_CONCURRENT_JOBS="16"
            )
            time.sleep(3)  # the poller hears of it
    what = "kill -9 of an executor → its jobs ask on another"
    yield _seconds("executor-killed.elsewhere", what, taken, most=2)
    yield _repeated("executor-killed", rtdb, language_model, jobs)


@measure("poller-restarted", "kill -9 of the poller, started again → its jobs ask again", seconds=240)
def poller_restarted(stand: Stand) -> Iterator[Figure]:
    rtdb = stand.rtdb()
    language_model = stand.language_model(p50=1.0, p95=2.0)
    executor = stand.executor(language_model, MAX_CONCURRENT_JOBS="16")
    poller = stand.poller(rtdb, executor, name="same")
    taken: list[float] = []
    jobs: dict[str, str] = {}
    for _ in range(stand.many(3, 1)):
        fresh = _start(rtdb, language_model, jobs, 4)
        time.sleep(1.5)
        at = poller.kill()
        poller = stand.poller(rtdb, executor, name="same")
        taken += [language_model.first(mark(int(one)), after=at) - at for one in fresh]
        rtdb.ended(jobs[one] for one in fresh)
    what = "kill -9 of the poller, started again at once → its jobs ask again"
    yield _seconds("poller-restarted.goes_on", what, taken, most=5)
    yield _repeated("poller-restarted", rtdb, language_model, jobs)


@measure("poller-gone", "kill -9 of one of two pollers → its jobs ask again through the other", seconds=240)
def poller_gone(stand: Stand) -> Iterator[Figure]:
    rtdb = stand.rtdb()
    language_model = stand.language_model(p50=1.0, p95=2.0)
    executor = stand.executor(language_model, MAX_CONCURRENT_JOBS="32")
    pollers = {name: stand.poller(rtdb, executor, name=name) for name in ("one", "two")}
    jobs: dict[str, str] = {}
    fresh = _start(rtdb, language_model, jobs, 12)
    struck = [one for one in fresh if _owner(rtdb, jobs[one]) == "one"]
    at = pollers["one"].kill()
    taken = [language_model.first(mark(int(one)), after=at + 1.0) - at for one in struck]
    rtdb.ended(jobs.values())
    what = "kill -9 of one of two pollers, for good → its jobs ask again through the other"
    yield _seconds("poller-gone.taken_over", what, taken, most=35, noise=0.3)
    yield _repeated("poller-gone", rtdb, language_model, jobs)


def _seconds(name: str, what: str, taken: list[float], *, most: float, noise: float = 0.5) -> Figure:
    limits = {"most": most}
    return Figure(name=name, what=what, unit="s", samples=taken, limits=limits, baseline=OLD, noise=noise)


def _start(rtdb: Rtdb, language_model: LanguageModel, jobs: dict[str, str], count: int) -> list[str]:
    """So many jobs that have asked something; their numbers, which go into `jobs` with their ids."""
    fresh = [str(len(jobs) + index) for index in range(count)]
    for one in fresh:
        jobs[one], _ = rtdb.job(from_requirements(2, int(one)))
    for one in fresh:
        language_model.first(mark(int(one)))
    return fresh


def _owner(rtdb: Rtdb, job_id: str) -> str:
    return str(rtdb.get(f"requestedJobs/{NAMESPACE}/{job_id}/lease/owner"))


def _repeated(name: str, rtdb: Rtdb, language_model: LanguageModel, jobs: dict[str, str]) -> Figure:
    """Of every job: questions asked although the database had their answer."""
    records = replay(rtdb.commits.all())
    by_mark = {mark(int(number)): records.get(job_id, JobRecord(job_id)) for number, job_id in jobs.items()}
    for call in read_calls(language_model.calls.all()):
        by_mark[call.mark].calls.append(call)
    asked = sum(len(record.calls) for record in by_mark.values())
    return Figure(
        name=f"{name}.repeated",
        what="questions asked again although the database had acknowledged the answer, per job",
        unit="calls",
        samples=[len(calls_repeated(record)) for record in by_mark.values()],
        limits={"most": 0},
        noise=0,
        note=f"{asked} questions in all",
    )
