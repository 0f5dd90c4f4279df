"""Many jobs one after the other on the same processes: what grows? `python -m workbench.chaos.endurance --jobs 500 --delay 0 80 180`.

Prints memory, tasks, sockets and objects of both programs as they stood after every so many jobs, and the slope of each
after the first fifth. Exit code 1 when something grows: memory by 20 kB a job, tasks or sockets at all.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from devkit.programs import Program, Programs
from workbench.chaos.texts import text

_NAMESPACE = "eventstorming_generator"
_FREE = {"GRPC_PORT": "0", "HTTP_PORT": "0", "ADMIN_PORT": "0"}
_QUIET_SECONDS = 1.0
_JOB_SECONDS = 120.0
_LARGEST_SLOPE_KB = 20.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One program after so many jobs. Memory in kB."""

    jobs: int
    rss: int
    tasks: int
    sockets: int
    objects: int


class Endurance:
    """Database, executor and poller, and one user who waits for each job."""

    def __init__(self, programs: Programs, folder: Path, *, delay_ms: int) -> None:
        rtdb = programs.start("rtdb", "poller.rtdb.emulator", "--faults", "--port", "0")
        self._rtdb = rtdb.ports()["rtdb"]
        self._http = httpx.Client(timeout=30, headers={"Authorization": "Bearer owner"})
        self._files = {name: folder / f"{name}.json" for name in ("executor", "poller")}
        executor = self._start(programs, "executor", AI_MODEL="offline:rules", LOG_LEVEL="WARNING")
        poller = self._start(
            programs,
            "poller",
            FIREBASE_DATABASE_EMULATOR_HOST=f"127.0.0.1:{self._rtdb}",
            FIREBASE_DATABASE_URL="",
            EXECUTOR_TARGET=f"127.0.0.1:{executor.ports()['grpc']}",
            LOG_LEVEL="WARNING",
        )
        poller.ports()
        self.programs = {"executor": executor, "poller": poller}
        self._administer({"delay_ms": delay_ms})

    def _start(self, programs: Programs, name: str, **settings: str) -> Program:
        return programs.start(
            name, "workbench.chaos.observed", str(self._files[name]), name, **_FREE, **settings
        )

    def job(self, number: int) -> float:
        """Seconds from its submission until it is completed; then it is taken away, as the web client does."""
        job_id, language = str(uuid.uuid4()), ("English", "Korean")[number % 2]
        inputs = {
            "requestType": "fromRequirements",
            "jobId": job_id,
            "ids": {"uid": "u-1", "projectId": "p-1"},
            "requirements": text(number % 3000, language),
            "preferedLanguage": language,
        }
        self._put(f"jobs/{_NAMESPACE}/{job_id}", {"state": {"inputs": inputs}})
        began = time.monotonic()
        self._put(f"requestedJobs/{_NAMESPACE}/{job_id}", {"createdAt": {".sv": "timestamp"}})
        self._until(f"jobs/{_NAMESPACE}/{job_id}/state/outputs/isCompleted", True)
        took = time.monotonic() - began
        self._put(f"jobStates/{_NAMESPACE}/{job_id}", {"isRemoveRequested": True})
        self._until(f"jobStates/{_NAMESPACE}/{job_id}", None)
        return took

    def sample(self, name: str, jobs: int) -> Sample:
        file, program = self._files[name], self.programs[name]
        file.unlink(missing_ok=True)
        program.signal(signal.SIGUSR1)
        deadline = time.monotonic() + 30
        while not file.exists():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} says nothing: {program.output()[-2000:]}")
            time.sleep(0.05)
        inside = json.loads(file.read_text("utf-8"))
        return Sample(jobs, _rss(program.pid), inside["tasks"], _sockets(program.pid), inside["objects"])

    def _put(self, path: str, value: Any) -> None:
        self._http.put(self._url(path), json=value).raise_for_status()

    def _until(self, path: str, wanted: Any) -> None:
        deadline = time.monotonic() + _JOB_SECONDS
        while self._http.get(self._url(path)).raise_for_status().json() != wanted:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path} is not {wanted} after {_JOB_SECONDS:.0f} s")
            time.sleep(0.02)

    def _administer(self, faults: dict[str, Any]) -> None:
        self._http.patch(
            f"http://127.0.0.1:{self._rtdb}/.emulator/faults.json", json=faults
        ).raise_for_status()

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._rtdb}/{path}.json?ns=eventstorming"


def _rss(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _sockets(pid: int) -> int:
    return sum(_is_socket(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd"))


def _is_socket(link: str) -> bool:
    try:
        return os.readlink(link).startswith("socket:")
    except OSError:
        return False


def slope(samples: Sequence[Sample], what: str) -> float:
    """Growth a job, from the samples after the first fifth."""
    late = [sample for sample in samples if sample.jobs >= samples[-1].jobs / 5]
    line = statistics.linear_regression(
        [sample.jobs for sample in late], [float(getattr(sample, what)) for sample in late]
    )
    return line.slope


def endure(*, jobs: int, every: int, delay_ms: int, folder: Path) -> bool:
    """Whether nothing grew."""
    samples: dict[str, list[Sample]] = {"executor": [], "poller": []}
    times: list[float] = []
    with Programs(folder) as programs:
        running = Endurance(programs, folder, delay_ms=delay_ms)
        for number in range(1, jobs + 1):
            times.append(running.job(number))
            if number % every == 0:
                time.sleep(_QUIET_SECONDS)
                for name, found in samples.items():
                    found.append(running.sample(name, number))
    median = statistics.median(times)
    print(
        f"\n{jobs} jobs in sequence, {delay_ms} ms added to every RTDB request; a job took {median:.2f} s (median)"
    )
    flat = [_printed(name, found) for name, found in samples.items()]
    return all(flat)


def _printed(name: str, samples: Sequence[Sample]) -> bool:
    print(f"\n{name:<10}{'jobs':>6}{'RSS MiB':>9}{'tasks':>7}{'sockets':>9}{'objects':>9}")
    for one in samples:
        print(f"{'':<10}{one.jobs:>6}{one.rss / 1024:>9.1f}{one.tasks:>7}{one.sockets:>9}{one.objects:>9}")
    grows = {what: slope(samples, what) for what in ("rss", "tasks", "sockets", "objects")}
    print(
        f"{'a job':<10}{'':>6}{grows['rss']:>6.1f} kB{grows['tasks']:>7.3f}{grows['sockets']:>9.3f}{grows['objects']:>9.1f}"
    )
    flat = grows["rss"] < _LARGEST_SLOPE_KB and max(grows["tasks"], grows["sockets"]) < 0.02
    print(f"{name}: {'flat' if flat else 'GROWS'}", flush=True)
    return flat


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workbench.chaos.endurance", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--every", type=int, default=25, help="jobs between two samples (25)")
    parser.add_argument(
        "--delay", type=int, nargs="+", default=[0, 80, 180], help="ms added to every RTDB request"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="endurance-"))
    every = min(options.every, max(1, options.jobs // 5))
    flat = [
        endure(jobs=options.jobs, every=every, delay_ms=delay, folder=folder / str(delay))
        for delay in options.delay
    ]
    return 0 if all(flat) else 1


if __name__ == "__main__":
    sys.exit(main())
