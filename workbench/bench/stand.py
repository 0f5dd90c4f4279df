"""What a measure stands on: the real programs, jobs put in as the web client does, and what the kernel says about each process."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from devkit.programs import Program, Programs

NAMESPACE = "eventstorming_generator"
FREE = {"GRPC_PORT": "0", "HTTP_PORT": "0", "ADMIN_PORT": "0"}
_OWNER = {"Authorization": "Bearer owner"}
_SCHEDULED = 2  # of the clocks that Linux keeps for each process, as in clock_getcpuclockid(3)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Running:
    """One program that is up."""

    name: str
    program: Program
    ports: Mapping[str, int]

    def cpu(self) -> float:
        """Processor seconds of all its threads, user and system, since its start; by Linux's clock of a process, in nanoseconds."""
        return time.clock_gettime((~self.program.pid << 3) | _SCHEDULED)

    def memory(self, name: str = "VmRSS") -> float:
        """MiB resident now, or at most (VmHWM)."""
        status = Path(f"/proc/{self.program.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    def kill(self) -> float:
        """The moment, as the logs count time."""
        at = time.time()
        self.program.signal(signal.SIGKILL)
        self.program.wait()
        return at

    def stop(self) -> None:
        """At once: nothing of it is needed any more."""
        self.kill()


class Lines:
    """A log of JSON lines that another process appends to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._rest = b""
        self.seen: list[dict[str, Any]] = []

    def new(self) -> list[dict[str, Any]]:
        """What came since the last look."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            content = self._rest + file.read()
            self._at = file.tell()
        *whole, self._rest = content.split(b"\n")
        found = [json.loads(line) for line in whole]
        self.seen += found
        return found

    def all(self) -> list[dict[str, Any]]:
        self.new()
        return self.seen


def until(what: Callable[[], T | None], *, seconds: float = 60.0, every: float = 0.005) -> T:
    """Waits until `what` gives something true."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"still waiting after {seconds:.0f} s")
        time.sleep(every)
    return value


class Rtdb:
    """The embedded database as the web client sees it, and its log of commits."""

    def __init__(self, running: Running, log: Path) -> None:
        self.running = running
        self.port = running.ports["rtdb"]
        self.commits = Lines(log)
        self.log_path = log
        self._http = httpx.Client(timeout=30, headers=_OWNER)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}.json?ns=eventstorming"

    def put(self, path: str, value: Any) -> float:
        """The moment of its acknowledgement."""
        self._http.put(self.url(path) + "&print=silent", json=value).raise_for_status()
        return time.time()

    def patch(self, path: str, value: Any) -> float:
        self._http.patch(self.url(path) + "&print=silent", json=value).raise_for_status()
        return time.time()

    def get(self, path: str, *, shallow: bool = False) -> Any:
        return self._http.get(self.url(path) + ("&shallow=true" if shallow else "")).raise_for_status().json()

    def size(self, path: str) -> int:
        """Bytes of the value as it is stored."""
        return len(self._http.get(self.url(path)).raise_for_status().content)

    def stats(self) -> dict[str, int]:
        """Requests and bytes of bodies and event streams since the start."""
        url = f"http://127.0.0.1:{self.port}/.emulator/stats.json"
        return self._http.get(url).raise_for_status().json()  # type: ignore[no-any-return]

    def delay(self, milliseconds: int) -> None:
        """Every request waits so long from now on, ours too."""
        url = f"http://127.0.0.1:{self.port}/.emulator/faults.json"
        self._http.patch(url, json={"delay_ms": milliseconds}).raise_for_status()

    def job(
        self, inputs: Mapping[str, Any], *, enqueue: bool = True, not_before: int | None = None
    ) -> tuple[str, float]:
        """A new job's id, and when its entry was acknowledged. `not_before`: ms of the database's clock."""
        job_id = str(uuid.uuid4())
        at = self.put(f"jobs/{NAMESPACE}/{job_id}", {"state": {"inputs": {**inputs, "jobId": job_id}}})
        if enqueue:
            at = self.enqueue(job_id, not_before)
        return job_id, at

    def enqueue(self, job_id: str, not_before: int | None = None) -> float:
        entry = {"createdAt": {".sv": "timestamp"}, "notBefore": not_before}
        return self.put(f"requestedJobs/{NAMESPACE}/{job_id}", entry)

    def remove(self, job_id: str) -> float:
        return self.put(f"jobStates/{NAMESPACE}/{job_id}", {"isRemoveRequested": True})

    def removed(self, job_id: str) -> None:
        """Waits until a wished removal is done."""
        until(lambda: self.get(f"jobStates/{NAMESPACE}/{job_id}") is None, every=0.01)

    def settled(self, job_id: str) -> None:
        """Waits until the job's entry is gone."""
        until(lambda: self.get(f"requestedJobs/{NAMESPACE}/{job_id}") is None, every=0.02)

    def now(self) -> int:
        """A moment in the log of commits, for `since`."""
        return len(self.commits.all())

    def since(self, moment: int) -> list[dict[str, Any]]:
        """What the poller has committed since, when one job was put in and nothing else was going on."""
        return self.commits.all()[moment + 2 :]  # the first two are the client's

    def ended_without_log(self, job_id: str) -> None:
        """Returns when the job is completed."""
        until(lambda: self.get(f"jobs/{NAMESPACE}/{job_id}/state/outputs/isCompleted") is True, every=0.05)
        self.settled(job_id)

    def ended(self, job_ids: Iterable[str], *, seconds: float = 120.0) -> dict[str, float]:
        """When each job's end was committed; waits for all. A failed one is an error."""
        wanted = {f"jobs/{NAMESPACE}/{job_id}": job_id for job_id in job_ids}
        found: dict[str, float] = {}

        def look() -> bool:
            for commit in self.commits.new():
                path = commit["path"].strip("/")
                if path.removesuffix("/state/outputs/isCompleted") in wanted and commit.get("value") is True:
                    found[wanted[path.removesuffix("/state/outputs/isCompleted")]] = commit["time"] / 1000
                elif path in wanted and _failed(commit):
                    raise RuntimeError(f"a job failed: {commit['value'].get('run/failure')}")
            return len(found) == len(wanted)

        until(look, seconds=seconds, every=0.02)
        return found


def _failed(commit: Mapping[str, Any]) -> bool:
    value = commit.get("value")
    return isinstance(value, dict) and value.get("state/outputs/isFailed") is True


class LanguageModel:
    """The bench's language-model server and its log of calls."""

    def __init__(self, running: Running, log: Path) -> None:
        self.running = running
        self.calls = Lines(log)
        self.url = f"http://127.0.0.1:{running.ports['http']}/v1"

    def asked(self, mark: str, *, caller: str = "", after: float = 0.0) -> float | None:
        """When the first question of a job came, since `after` and by `caller` where they are given."""
        self.calls.new()
        times = (
            line["time"]
            for line in self.calls.seen
            if line["event"] == "ask"
            and line["mark"] == mark
            and line["time"] > after
            and caller in ("", line["caller"])
        )
        return next(times, None)

    def first(self, mark: str, *, caller: str = "", after: float = 0.0) -> float:
        """The same, waited for."""
        return until(lambda: self.asked(mark, caller=caller, after=after), every=0.002)


class Stand:
    """Starts programs and knows how much of everything a run wants."""

    def __init__(self, programs: Programs, folder: Path, *, quick: bool, slowed: float) -> None:
        self._programs = programs
        self.folder = folder
        self.quick = quick
        self._slowed = slowed
        self._numbers: dict[str, int] = {}

    def many(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def start(self, name: str, *module: str, **settings: str) -> Program:
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        return self._programs.start(f"{name}.{number}", *module, **settings)

    def rtdb(self, *options: str, log: bool = True) -> Rtdb:
        path = self.folder / f"rtdb.{self._numbers.get('rtdb', 0)}.jsonl"
        options += ("--log", str(path)) if log else ()
        program = self.start("rtdb", "poller.rtdb.emulator", "--port", "0", "--faults", *options)
        return Rtdb(Running("rtdb", program, program.ports()), path)

    def language_model(
        self,
        *,
        p50: float = 0.0,
        p95: float = 0.0,
        seed: int = 1,
        build: Mapping[str, str] | None = None,
        **holds: float,
    ) -> LanguageModel:
        """The build before had its own among its tests, which knows its questions."""
        module = "tests.bench.language_model" if build else "workbench.bench.language_model"
        path = self.folder / f"calls.{self._numbers.get('language-model', 0)}.jsonl"
        options = ["--log", str(path), "--p50", str(p50), "--p95", str(p95), "--seed", str(seed)]
        for schema, seconds in holds.items():
            options += ["--hold", f"{schema}={seconds}"]
        program = self.start("language-model", module, *options, **(build or {}))
        port = until(lambda: re.search(r"ready port=(\d+)", program.output()))
        return LanguageModel(Running("language-model", program, {"http": int(port[1])}), path)

    def executor(self, language_model: LanguageModel, *, name: str = "executor", **settings: str) -> Running:
        """Its name is its API key, so that the calls' log tells executors apart."""
        given = {"AI_MODEL": "openai:local", "OPENAI_BASE_URL": language_model.url, "OPENAI_API_KEY": name}
        program = self.start(name, "executor", **(FREE | given | settings))
        return Running(name, program, program.ports())

    def poller(self, rtdb: Rtdb, *executors: Running, name: str = "poller", **settings: str) -> Running:
        """`name` is its POD_ID."""
        targets = ",".join(f"127.0.0.1:{executor.ports['grpc']}" for executor in executors)
        given = {
            "FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{rtdb.port}",
            "EXECUTOR_TARGET": targets or "127.0.0.1:9",
            "POD_ID": name,
            "SLOWED": str(self._slowed),
        }
        module = "workbench.bench.slowed" if self._slowed else "poller"
        program = self.start(name, module, **(FREE | given | settings))
        running = Running(name, program, program.ports())
        if executors:
            until(lambda: ready(running) and program.output().count('"executor.attached"') >= len(executors))
        return running


def ready(running: Running) -> bool:
    """Whether /readyz says so."""
    url = f"http://127.0.0.1:{running.ports['admin']}/readyz"
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
