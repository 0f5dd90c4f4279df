"""Upgrades under load, on real processes: `python -m workbench.chaos.rollout`.

Three executors and a poller are told to stop by SIGTERM and started anew, as a rollout without surge does: all of it (the
poller, and one executor after the other), either Deployment alone, or everything at the same moment, as when a node goes.
Jobs come all the while. Counted is what it cost: questions that were open and were broken off, answered ones that were asked
again, and how much later each job was done than the same job undisturbed. Exit code 1 when an answered question was asked
again, more than 2 % of the open ones were broken off, or the auditor found anything.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit.programs import Programs
from workbench.chaos import auditor
from workbench.chaos.plan import Plan, Submission
from workbench.chaos.run import lines
from workbench.chaos.system import Process, System
from workbench.chaos.users import History, Users

KINDS = ("all", "executors", "poller", "at once")
EXECUTORS = 3
LARGEST_SHARE = 0.02
_LOAD = 3  # questions open at least when an upgrade begins
_MOST = 2000  # jobs in all
_PATIENCE_SECONDS = 120.0


@dataclass(slots=True)
class Upgrade:
    """One upgrade. Times are seconds; `stopped`: when each process, by its life, was told to stop and how long it took."""

    kind: str
    began: float = field(default_factory=time.time)
    stopped: dict[str, tuple[float, float]] = field(default_factory=dict)
    ended: float = 0.0


@dataclass(slots=True)
class Rollout:
    """What one run showed. `took`: seconds of each job; `open`, `broken_off`: questions by kind of upgrade."""

    upgrades: list[Upgrade] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    broken_off: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    asked: int = 0
    asked_again: list[str] = field(default_factory=list)
    burned: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the questions that were open when somebody was told to stop: those that were broken off."""
        return sum(self.broken_off.values()) / max(1, sum(self.open.values()))

    @property
    def good(self) -> bool:
        return not (self.wrong or self.burned or self.asked_again or self.share > LARGEST_SHARE)


def roll(
    folder: Path,
    *,
    jobs: int,
    latency: tuple[float, float],
    upgrades: Sequence[str],
    at_least: int = 0,
    grace: int = 20,
    seed: int = 5,
) -> Rollout:
    """`jobs` at once until the upgrades are over, `at_least` in all; `grace`: SHUTDOWN_GRACE_SECONDS of both programs."""
    found, history = Rollout(), History(folder / "history.jsonl")
    with Programs(folder / "log") as programs:
        system = System(
            programs,
            folder,
            pollers=1,
            executors=EXECUTORS,
            seed=seed,
            slow="",
            latency=latency,
            trouble={},
            more={"SHUTDOWN_GRACE_SECONDS": str(grace)},
        )
        users = Users(system, _plan(at_least or _MOST, seed), history, most=jobs)
        users.start()
        for kind in upgrades:
            _until(lambda: len(_open(system.calls_log, time.time())) >= _LOAD, "enough questions are open")
            found.upgrades.append(_upgraded(system, kind))
        if upgrades:
            users.enough()
        if not users.wait(60 + 40 * latency[1] * (1 + at_least / jobs)):
            found.wrong.append("not every job ended")
    _read(folder, found)
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


# ── upgrades ─────────────────────────────────────────────────────────────────────────────────────────────────


def _upgraded(system: System, kind: str) -> Upgrade:
    upgrade = Upgrade(kind)
    poller, executors = system.pollers, system.executors
    lanes = {
        "all": [poller, executors],
        "executors": [executors],
        "poller": [poller],
        "at once": [poller, *([one] for one in executors)],
    }[kind]
    going = [_one_after_another(system, upgrade, lane) for lane in lanes]
    _until(lambda: not [lane for lane in going if next(lane, "over") != "over"], f"{kind} is upgraded")
    upgrade.ended = time.time()
    return upgrade


def _one_after_another(system: System, upgrade: Upgrade, lane: Sequence[Process]) -> Iterator[None]:
    """Each is stopped, started and ready again before the next one is stopped; gives way while it waits."""
    for process in lane:
        assert process.program is not None
        began = time.time()
        process.program.signal(signal.SIGTERM)
        while not system.ended(process):
            yield
        upgrade.stopped[process.life] = began, time.time() - began
        process.program.wait()
        system.start(process)
        while not process.program.is_ready:
            yield


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {_PATIENCE_SECONDS:.0f} s in vain: {what}")
        time.sleep(0.1)


# ── what it cost ─────────────────────────────────────────────────────────────────────────────────────────────


def _open(calls: Path, at: float) -> list[auditor.Call]:
    found = auditor.read_calls(lines(calls)) if calls.exists() else []
    return [call for call in found if call.asked <= at < call.ended]


def _read(folder: Path, found: Rollout) -> None:
    commits, history = lines(folder / "rtdb.jsonl"), lines(folder / "history.jsonl")
    audited = auditor.audit(commits, lines(folder / "calls.jsonl"), history, invalid={})
    found.wrong += audited.wrong
    submitted, completed = audited.counts["submitted"], audited.counts["completed"]
    if completed != submitted:
        found.wrong.append(f"{completed} of {submitted} jobs were completed")
    found.burned = sum(_burned(line) for line in commits)
    for job, record in auditor.replay(commits).items():
        found.took[job] = max((at for at, _ in record.ends), default=float("inf")) - record.commits[0]
    calls = auditor.read_calls(lines(folder / "calls.jsonl"))
    found.asked, found.asked_again = len(calls), list(_asked_again(calls))
    for upgrade in found.upgrades:
        for call in calls:
            if _is_met(call, upgrade):
                found.open[upgrade.kind] += 1
                found.broken_off[upgrade.kind] += not call.serial


def _is_met(call: auditor.Call, upgrade: Upgrade) -> bool:
    """Whether it was open when its executor, or the poller, was told to stop, or was asked on the way to that."""
    stopped = [
        (at, took)
        for life, (at, took) in upgrade.stopped.items()
        if life == call.caller or life.startswith("poller")
    ]
    return any(call.asked <= at + took and at < call.ended for at, took in stopped)


def _asked_again(calls: Sequence[auditor.Call]) -> Iterator[str]:
    answered: dict[str, float] = {}
    for call in sorted(calls, key=lambda call: call.asked):
        if call.asked > answered.get(call.hash, float("inf")):
            yield f"{call.mark} {call.schema} {call.hash[:8]}"
        if call.serial:
            answered.setdefault(call.hash, call.ended)


def _burned(line: Mapping[str, Any]) -> int:
    value = line.get("value")
    counted = value if line["path"].startswith("requestedJobs/") and isinstance(value, dict) else {}
    return int(counted.get("attempts") or 0) + int(counted.get("crashes") or 0)


def report(found: Rollout, undisturbed: Rollout | None) -> str:
    rows = [
        f"{len(found.upgrades)} upgrades under {len(found.took)} jobs with {found.asked} questions",
        f"answered questions asked again: {len(found.asked_again)} (0 wanted)",
        f"open questions broken off: {sum(found.broken_off.values())} of {sum(found.open.values())}, "
        f"{found.share:.1%} (at most {LARGEST_SHARE:.0%} wanted)",
        f"attempts and crashes counted: {found.burned} (0 wanted)",
    ]
    for kind in dict.fromkeys(upgrade.kind for upgrade in found.upgrades):
        drains = [took for it in found.upgrades if it.kind == kind for _, took in it.stopped.values()]
        whole = [it.ended - it.began for it in found.upgrades if it.kind == kind]
        rows.append(
            f"  {kind:<9} {len(whole)} upgrades of {statistics.median(whole):.1f} s; a process drained for "
            f"{statistics.median(drains):.1f} s (median), {max(drains):.1f} s (longest); "
            f"broken off {found.broken_off[kind]} of {found.open[kind]}"
        )
    if undisturbed:
        added = [took - undisturbed.took[job] for job, took in found.took.items() if job in undisturbed.took]
        rows.append(
            f"a job took {statistics.median(undisturbed.took.values()):.1f} s undisturbed (median), "
            f"{statistics.median(found.took.values()):.1f} s through the upgrades; "
            f"added {statistics.median(added):.1f} s (median), {max(added):.1f} s (most)"
        )
    return "\n".join([*rows, *found.asked_again, *found.wrong])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workbench.chaos.rollout", description=__doc__)
    parser.add_argument("--upgrades", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=8, help="at once (8)")
    parser.add_argument("--p50", type=float, default=2.5, help="seconds an answer takes (2.5)")
    parser.add_argument("--p95", type=float, default=6.0)
    parser.add_argument("--grace", type=int, default=20, help="SHUTDOWN_GRACE_SECONDS (20)")
    given = parser.parse_args()
    folder, latency = Path(tempfile.mkdtemp(prefix="rollout-")), (given.p50, given.p95)
    calm = roll(
        folder / "undisturbed", jobs=given.jobs, latency=latency, upgrades=(), at_least=3 * given.jobs
    )
    kinds = [KINDS[number % len(KINDS)] for number in range(given.upgrades)]
    found = roll(folder / "upgrades", jobs=given.jobs, latency=latency, upgrades=kinds, grace=given.grace)
    print(report(found, calm))
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
