"""One chaos run: processes up, users and faults at work, everything settled, then the audit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devkit.programs import Programs
from workbench.chaos import auditor
from workbench.chaos.auditor import Verdict
from workbench.chaos.director import Director
from workbench.chaos.mutant import MUTANTS
from workbench.chaos.plan import Plan, plan
from workbench.chaos.system import System
from workbench.chaos.texts import SLOW_LETTERS
from workbench.chaos.users import History, Users

_SETTLE_SECONDS = 180.0


def run(
    *,
    seed: int,
    jobs: int,
    minutes: float,
    pollers: int,
    executors: int,
    folder: Path,
    every: float = 6.0,
    mutant: str = "",
    only: Sequence[str] = (),
) -> Verdict:
    """`mutant`: one promise's keeper is switched off in the pollers; the plan has nothing but the faults it is there for, as often
    as it needs them.

    `only`: nothing but these kinds of fault.
    """
    found = MUTANTS.get(mutant)
    wanted = plan(
        seed=seed,
        jobs=jobs,
        seconds=minutes * 60,
        every=found.every if found else every,
        only=found.faults if found else only,
    )
    perform(
        wanted,
        folder,
        pollers=pollers,
        executors=executors,
        settle=_SETTLE_SECONDS + 2 * jobs,
        mutant=mutant,
        slow=found.slow if found else SLOW_LETTERS,
    )
    return verdict(folder)


def perform(
    wanted: Plan,
    folder: Path,
    *,
    pollers: int,
    executors: int,
    settle: float,
    mutant: str = "",
    slow: str = SLOW_LETTERS,
) -> bool:
    """Leaves the three logs in the folder. Whether every job was over in time."""
    folder.mkdir(parents=True, exist_ok=True)
    history = History(folder / "history.jsonl")
    with Programs(folder / "log") as programs:
        system = System(
            programs,
            folder,
            pollers=pollers,
            executors=executors,
            seed=wanted.seed,
            mutant=mutant,
            slow=slow,
        )
        users = Users(system, wanted, history)
        users.start()
        Director(system, history).perform(wanted)
        return users.wait(settle)


def verdict(folder: Path) -> Verdict:
    commits = lines(folder / "rtdb.jsonl")
    invalid = {
        job: finding
        for job, model in auditor.models(commits).items()
        if (finding := _invalid(folder / "models" / f"{job}.json", model))
    }
    return auditor.audit(
        commits, lines(folder / "calls.jsonl"), lines(folder / "history.jsonl"), invalid=invalid
    )


def _invalid(path: Path, model: Any) -> str:
    """What `eventstorming validate` says, empty when it is content."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(model, ensure_ascii=False), "utf-8")
    command = [sys.executable, "-m", "poller.cli", "validate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip().splitlines()[0]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
