"""Both programs restarted by SIGTERM, one after the other, under eight jobs: `python -m workbench.chaos.rollout`.

Prints how long each job stood still, and how much later it was done than the same job undisturbed. Exit code 1 when a job
did not complete, an attempt was burned, or the auditor found anything.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit.programs import Programs
from workbench.chaos import auditor
from workbench.chaos.plan import Plan, Submission
from workbench.chaos.run import lines, verdict
from workbench.chaos.system import Process, System
from workbench.chaos.users import History, Users

_START_SECONDS = 120.0
_GRACE_SECONDS = 30.0


@dataclass(slots=True)
class Rollout:
    """What one run showed. Seconds; `stood_still` by program, a figure for each job and restart."""

    took: dict[str, float] = field(default_factory=dict)
    stood_still: dict[str, list[float]] = field(default_factory=dict)
    exits: dict[str, float] = field(default_factory=dict)
    burned: int = 0
    wrong: list[str] = field(default_factory=list)


def roll(
    folder: Path,
    *,
    jobs: int,
    latency: tuple[float, float],
    restart: tuple[str, ...],
    seconds: float,
    seed: int = 5,
) -> Rollout:
    """`seconds`: time for all jobs to end. Restarts begin when every job has its first answer."""
    found = Rollout()
    history = History(folder / "history.jsonl")
    with Programs(folder / "log") as programs:
        system = System(
            programs, folder, pollers=1, executors=1, seed=seed, slow="", latency=latency, trouble={}
        )
        users = Users(system, _plan(jobs, seed), history)
        users.start()
        _all_run(folder, jobs, above=0)
        marks = {}
        for name in restart:
            marks[name] = time.time()
            (process,) = system.of_kind(name)
            found.exits[name] = _restarted(system, process)
            _all_run(folder, jobs, above=marks[name])
        if not users.wait(seconds):
            found.wrong.append(f"not every job ended within {seconds:.0f} s")
    _read(folder, found, marks, jobs)
    return found


def _plan(jobs: int, seed: int) -> Plan:
    submissions = tuple(
        Submission(
            at=0.0,
            number=number,
            job_id=f"7e57d004-2b97-4e7a-b45f-{number:012d}",
            request="fromRequirements",
            language=("English", "Korean")[number % 2],
            wish="keep",
            patience=0.0,
        )
        for number in range(jobs)
    )
    return Plan(seed=seed, submissions=submissions, faults=())


def _restarted(system: System, process: Process) -> float:
    """Stopped by SIGTERM and started again, as a rollout without surge does; seconds until it had gone."""
    assert process.program is not None
    began = time.monotonic()
    process.program.signal(signal.SIGTERM)
    while not system.ended(process):
        if time.monotonic() - began > _GRACE_SECONDS:
            raise AssertionError(f"{process.name} is still there {_GRACE_SECONDS:.0f} s after SIGTERM")
        time.sleep(0.02)
    gone = time.monotonic() - began
    process.program.wait()
    system.start(process)
    return gone


def _all_run(folder: Path, jobs: int, *, above: float) -> None:
    """Returns when every job has ended or stored an answer in a run that began after `above`."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        records = (
            auditor.replay(lines(folder / "rtdb.jsonl")).values() if (folder / "rtdb.jsonl").exists() else ()
        )
        going = [
            record
            for record in records
            if record.flags & {"isCompleted", "isFailed"} or _works(record, above)
        ]
        if len(going) == jobs:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(going)} of {jobs} jobs run {_START_SECONDS:.0f} s later")
        time.sleep(0.3)


def _works(record: auditor.JobRecord, above: float) -> bool:
    runs = [run.epoch for run in record.runs if run.start >= above]
    return any(entry.epoch in runs for entry in record.stored)


def _read(folder: Path, found: Rollout, marks: dict[str, float], jobs: int) -> None:
    commits = lines(folder / "rtdb.jsonl")
    audited = verdict(folder)
    found.wrong += audited.wrong
    if audited.counts["completed"] != jobs:
        found.wrong.append(f"{audited.counts['completed']} of {jobs} jobs were completed")
    found.burned = sum(_burned(line) for line in commits)
    for job, record in auditor.replay(commits).items():
        found.took[job] = max((at for at, _ in record.ends), default=float("inf")) - record.commits[0]
        for name, at in marks.items():
            before = [run for run in record.runs if run.start < at <= run.end]
            after = [run.start for run in record.runs if run.start >= at]
            if before and after:
                found.stood_still.setdefault(name, []).append(min(after) - at)


def _burned(line: dict[str, Any]) -> int:
    value = line.get("value")
    counted = value if line["path"].startswith("requestedJobs/") and isinstance(value, dict) else {}
    return int(counted.get("attempts") or 0) + int(counted.get("crashes") or 0)


def report(found: Rollout, undisturbed: Rollout | None) -> str:
    rows = [f"{len(found.took)} jobs, attempts and crashes counted: {found.burned}"]
    for name, times in found.stood_still.items():
        rows.append(
            f"{name:<9} gone {found.exits[name]:.2f} s after SIGTERM; {len(times)} jobs ran again after "
            f"{statistics.median(times):.2f} s (median), {max(times):.2f} s (longest)"
        )
    if undisturbed:
        added = [took - undisturbed.took[job] for job, took in found.took.items()]
        rows.append(
            f"a job took {statistics.median(undisturbed.took.values()):.1f} s undisturbed (median), "
            f"{statistics.median(found.took.values()):.1f} s across the rollout; "
            f"added {statistics.median(added):.1f} s (median), {max(added):.1f} s (most)"
        )
    return "\n".join([*rows, *found.wrong])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workbench.chaos.rollout", description=__doc__)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--p50", type=float, default=20.0, help="seconds an answer takes (20)")
    parser.add_argument("--p95", type=float, default=40.0)
    options = parser.parse_args()
    folder, latency = Path(tempfile.mkdtemp(prefix="rollout-")), (options.p50, options.p95)
    seconds = 60 + 40 * options.p95
    undisturbed = roll(
        folder / "undisturbed", jobs=options.jobs, latency=latency, restart=(), seconds=seconds
    )
    found = roll(
        folder / "rollout",
        jobs=options.jobs,
        latency=latency,
        restart=("executor", "poller"),
        seconds=seconds,
    )
    print(report(found, undisturbed))
    return 1 if found.wrong or found.burned else 0


if __name__ == "__main__":
    sys.exit(main())
