"""One job, killed at every frame: `python -m workbench.chaos.matrix --all`, or at so many points of a seed.

At each point the executor, the poller or both get SIGKILL while frame n of the job's Execute stream passes, and are
started again at once. The model must come out byte by byte as undisturbed, and the auditor must find nothing: above all no
question asked again whose answer the database had before the kill.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from devkit.programs import Programs
from workbench.bench.texts import mark
from workbench.chaos import auditor
from workbench.chaos.texts import text

VICTIMS = ("executor", "poller", "both")
_JOB = "7e57d004-2b97-4e7a-b45f-5387367791cd"
_NAMESPACE = "eventstorming_generator"
_JOB_PATH = f"jobs/{_NAMESPACE}/{_JOB}"  # our own tidying up is none of the auditor's business
_NUMBER = 3
_SECONDS = 60.0
_READY = re.compile(r"ready\W+grpc\W+(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    victim: str
    frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`frame` names what was passing; `wrong` is empty when every promise was kept. Seconds from the kill to the next run."""

    point: Point
    frame: str
    wrong: tuple[str, ...]
    recovery: float
    calls: int


class Matrix:
    """Database, language model, executor and poller; the last two are started anew whenever they are dead."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self._folder = folder
        self._order, self._seen = folder / "frames.json", folder / "frames.seen"
        self._commits, self._calls = _Tail(folder / "rtdb.jsonl"), _Tail(folder / "calls.jsonl")
        rtdb = programs.start("rtdb", "poller.rtdb.emulator", "--port", "0", "--log", str(self._commits.path))
        server = programs.start(
            "language-model", "workbench.chaos.language_model", "--log", str(self._calls.path), "--slow", ""
        )
        address = str(folder / "zygote")
        zygote = programs.start("zygote", "workbench.chaos.zygote", address)
        self._rtdb = rtdb.ports()["rtdb"]
        port = _until(lambda: re.search(r"port=(\d+)", server.output()), "the language model starts")[1]
        _until(lambda: "zygote ready" in zygote.output(), "the zygote starts")
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
        self._zygote = connection.makefile("rw", encoding="utf-8")
        self._http = httpx.Client(timeout=10, headers={"Authorization": "Bearer owner"})
        self._settings = {
            "AI_MODEL": "openai:local",
            "OPENAI_API_KEY": "executor-0.1",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{self._rtdb}",
            "FIREBASE_DATABASE_URL": "",
            "POD_ID": "poller-0",
            "HTTP_PORT": "0",
            "ADMIN_PORT": "0",
            "GRPC_PORT": "0",
        }
        self._lives = 0
        self._pids = {"executor": 0, "poller": 0}
        self._executor_port = ""
        self._revive()
        self.frames, self.model = self._undisturbed()

    def strike(self, point: Point) -> Outcome:
        """Raises AssertionError when the job does not end."""
        victims = [self._pids[name] for name in VICTIMS[:2] if point.victim in (name, "both")]
        order = self._order.with_suffix(".new")
        order.write_text(json.dumps({"at": point.frame, "victims": victims}), "utf-8")
        order.replace(self._order)
        self._submit()
        _until(lambda: not all(map(_alive, victims)) or self._model() is not None, f"{point} strikes")
        if all(map(_alive, victims)):
            self._finish()
            raise _Missed
        at = time.time()
        _until(lambda: not any(map(_alive, victims)), "the victims are dead")
        frame = self._seen.read_text("utf-8").splitlines()[-1]
        self._revive()
        model = self._finish()
        record, wrong = self._verdict()
        if model != self.model:
            wrong.append("the model differs from the undisturbed one")
        again = min((run.start for run in record.runs if run.start > at - 0.5 and run.epoch > 1), default=at)
        calls = len(record.calls)
        return Outcome(
            point=point, frame=frame, wrong=tuple(wrong), recovery=max(0.0, again - at), calls=calls
        )

    def _undisturbed(self) -> tuple[int, str]:
        """How many frames the job has, and its model."""
        self._submit()
        model = self._finish()
        _, wrong = self._verdict()
        assert not wrong, wrong
        return len(self._seen.read_text("utf-8").splitlines()), model

    def _submit(self) -> None:
        self._seen.unlink(missing_ok=True)
        self._commits.skip()
        self._calls.skip()
        inputs = {
            "requestType": "fromRequirements",
            "jobId": _JOB,
            "ids": {"uid": "u-1", "projectId": "p-1"},
            "requirements": text(_NUMBER, "English"),
            "preferedLanguage": "English",
        }
        self._put("jobs", {"state": {"inputs": inputs}})
        self._put("requestedJobs", {"createdAt": {".sv": "timestamp"}})

    def _finish(self) -> str:
        """The model, when the job has ended; nothing of it is left."""
        model: str = _until(self._model, "the job ends")
        self._put("jobs", None)
        return model

    def _model(self) -> str | None:
        """What was published, once it is complete and the entry gone."""
        if self._get("requestedJobs") is not None:
            return None
        outputs = self._get("jobs", "/state/outputs") or {}
        if outputs.get("isFailed"):
            return f"failed: {outputs.get('logs')}"
        return json.dumps(outputs["esValue"], sort_keys=True) if outputs.get("isCompleted") else None

    def _verdict(self) -> tuple[auditor.JobRecord, list[str]]:
        commits = [line for line in self._commits.lines() if line["path"] != _JOB_PATH or line["value"]]
        calls = self._calls.lines()
        history = [{"event": "submitted", "job": _JOB, "mark": mark(_NUMBER), "time": 0}]
        wrong = auditor.audit(commits, calls, history, invalid={}).wrong
        record = auditor.replay(commits)[_JOB]
        record.calls = auditor.read_calls(calls)
        return record, list(wrong)

    # ── processes ────────────────────────────────────────────────────────────────────────────────────────────

    def _revive(self) -> None:
        """Both at once; only the very first poller must wait to be told where the executor is."""
        dead = [name for name in ("executor", "poller") if not _alive(self._pids[name])]
        logs = {}
        for name in dead:
            logs[name] = self._start(name)
            if not self._executor_port:
                self._executor_port = self._ready(logs[name])
                self._settings["EXECUTOR_TARGET"] = f"127.0.0.1:{self._executor_port}"
        for log in logs.values():
            self._ready(log)

    def _ready(self, log: Path) -> str:
        found = _until(lambda: log.exists() and _READY.search(log.read_text("utf-8")), f"{log.stem} starts")
        return str(found[1])

    def _start(self, name: str) -> Path:
        self._lives += 1
        log = self._folder / f"{name}.{self._lives}.log"
        settings = {**self._settings, "OPENAI_API_KEY": f"executor-0.{self._lives}"}
        if name == "executor":
            settings["GRPC_PORT"] = self._executor_port or "0"
        wanted = {"program": name, "log": str(log), "settings": settings, "frames": str(self._order)}
        self._zygote.write(json.dumps(wanted) + "\n")
        self._zygote.flush()
        self._pids[name] = int(self._zygote.readline())
        return log

    # ── the database ─────────────────────────────────────────────────────────────────────────────────────────

    def _put(self, root: str, value: Any) -> None:
        self._http.put(self._url(root), content=json.dumps(value)).raise_for_status()

    def _get(self, root: str, below: str = "") -> Any:
        return self._http.get(self._url(root, below)).raise_for_status().json()

    def _url(self, root: str, below: str = "") -> str:
        return f"http://127.0.0.1:{self._rtdb}/{root}/{_NAMESPACE}/{_JOB}{below}.json?ns=eventstorming"


class _Missed(Exception):
    """The job had fewer frames this time: snapshots and acks come together as time has it."""


class _Tail:
    """The lines of a growing log since the last `skip`."""

    def __init__(self, path: Path) -> None:
        self.path, self._from = path, 0

    def skip(self) -> None:
        self._from = self.path.stat().st_size if self.path.exists() else 0

    def lines(self) -> list[dict[str, Any]]:
        with self.path.open("rb") as file:
            file.seek(self._from)
            return [json.loads(line) for line in file if line.endswith(b"\n")]


def _until(what: Callable[[], Any], name: str) -> Any:
    deadline = time.monotonic() + _SECONDS
    while not (found := what()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {_SECONDS:.0f} s: {name}")
        time.sleep(0.01)
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid or -1 << 30, 0)
    except (ProcessLookupError, OverflowError):
        return False
    return True


def struck(matrix: Matrix, point: Point) -> Outcome:
    """At this frame, or an earlier one where there are not so many."""
    while True:
        try:
            return matrix.strike(point)
        except _Missed:
            point = replace(point, frame=point.frame - 1)


def sample(frames: int, points: int, seed: int) -> list[Point]:
    """So many points of a seed, spread over the stream, each victim in turn."""
    chance = random.Random(f"matrix {seed}")
    return [
        Point(
            victim=VICTIMS[place % len(VICTIMS)], frame=1 + int((place + chance.random()) * frames / points)
        )
        for place in range(points)
    ]


def report(outcomes: Sequence[Outcome]) -> str:
    struck_at = Counter(outcome.frame for outcome in outcomes)
    wrong = [f"{outcome.point}: {text}" for outcome in outcomes for text in outcome.wrong]
    lines = [
        f"{len(outcomes)} kills at {', '.join(f'{name} ({count})' for name, count in sorted(struck_at.items()))}",
        *(_times(victim, outcomes) for victim in VICTIMS),
        f"models that differ or promises broken: {len(wrong)}",
        *wrong,
    ]
    return "\n".join(lines)


def _times(victim: str, outcomes: Sequence[Outcome]) -> str:
    times = sorted(outcome.recovery for outcome in outcomes if outcome.point.victim == victim)
    if not times:
        return f"{victim}: no kill"
    return f"{victim:<9}{len(times):>4} kills, running again after {times[len(times) // 2]:.2f} s (median), {times[-1]:.2f} s (longest)"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workbench.chaos.matrix", description=__doc__)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="every frame, every victim")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="matrix-"))
    with Programs(folder / "log") as programs:
        matrix = Matrix(programs, folder)
        every = [Point(victim=victim, frame=1 + n) for n in range(matrix.frames) for victim in VICTIMS]
        points = every if options.all else sample(matrix.frames, options.points, options.seed)
        began = time.monotonic()
        outcomes = [struck(matrix, point) for point in points]
    print(f"one job of {matrix.frames} frames; logs in {folder}; {time.monotonic() - began:.0f} s")
    print(report(outcomes))
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
