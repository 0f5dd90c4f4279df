"""The real processes of one chaos run, and what can be done to them."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from devkit.programs import Program, Programs
from workbench.chaos.plan import LANGUAGE_MODEL_FAULTS
from workbench.chaos.texts import SLOW_LETTERS

_OWNER = {"Authorization": "Bearer owner"}
_START_SECONDS = 60.0


@dataclass
class Process:
    """One program under one name over all its lives. `life` names the present one."""

    kind: str
    name: str
    module: tuple[str, ...]
    settings: dict[str, str]
    program: Program | None = None
    lives: int = 0
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def life(self) -> str:
        return f"{self.name}.{self.lives}"


class System:
    """Database, language model, executors, pollers. Restarted processes listen where they listened before."""

    def __init__(
        self,
        programs: Programs,
        folder: Path,
        *,
        pollers: int,
        executors: int,
        seed: int,
        mutant: str = "",
        slow: str = SLOW_LETTERS,
        latency: tuple[float, float] = (0.5, 2.0),
        trouble: Mapping[str, float] = LANGUAGE_MODEL_FAULTS,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """`latency`: of the language model's answers, seconds at p50 and p95; `trouble`: its faults by share.

        `more`: settings of both programs.
        """
        self._programs = programs
        self._more = dict(more or {})
        self.folder = folder
        self.deaf: set[str] = set()
        self._poller_module = ("workbench.chaos.mutant", mutant) if mutant else ("poller",)
        self._latency, self._slow, self._trouble = latency, slow, trouble
        self.rtdb = self._rtdb()
        self.language_model = self._language_model(seed)
        self.executors = [self._executor(number) for number in range(executors)]
        self._wait(self.executors)
        self.pollers = [self._poller(number) for number in range(pollers)]
        self._wait(self.pollers)

    @property
    def rtdb_log(self) -> Path:
        return self.folder / "rtdb.jsonl"

    @property
    def calls_log(self) -> Path:
        return self.folder / "calls.jsonl"

    def of_kind(self, kind: str) -> list[Process]:
        return {"executor": self.executors, "poller": self.pollers, "rtdb": [self.rtdb]}[kind]

    def kill(self, process: Process) -> None:
        if process.program is not None:
            process.program.signal(signal.SIGKILL)
            process.program.wait()
        process.program = None

    def ended(self, process: Process) -> bool:
        """Whether it is gone: one process at a time has the ports."""
        if process.program is None:
            return True
        look = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.program.pid, look) is not None

    def start(self, process: Process) -> None:
        process.lives += 1
        settings = {**process.settings, **_ports(process)}
        if process.kind == "executor":
            settings["OPENAI_API_KEY"] = process.life
        module = [*process.module]
        if process.kind == "rtdb":
            module += ["--port", str(process.ports.get("rtdb", 0))]
        process.program = self._programs.start(process.life, *module, **settings)

    def rtdb_faults(self, **changes: Any) -> None:
        self._administer("PATCH", "faults", changes)

    def end_streams(self, how: str) -> None:
        self._administer("POST", "streams", how)

    def _administer(self, method: str, what: str, body: Any) -> None:
        url = f"http://127.0.0.1:{self.rtdb.ports['rtdb']}/.emulator/{what}.json"
        httpx.request(method, url, json=body, headers=_OWNER, timeout=10).raise_for_status()

    def _rtdb(self) -> Process:
        files = ("--log", str(self.rtdb_log), "--data", str(self.folder / "rtdb.data"))
        process = Process("rtdb", "rtdb", ("poller.rtdb.emulator", "--faults", *files), {})
        self.start(process)
        self._wait([process])
        return process

    def _language_model(self, seed: int) -> int:
        faults = [f"--fault={kind}={share}" for kind, share in self._trouble.items()]
        module = ["workbench.chaos.language_model", "--log", str(self.calls_log), "--seed", str(seed)]
        p50, p95 = map(str, self._latency)
        latency = ["--p50", p50, "--p95", p95, "--slow", self._slow]
        server = self._programs.start("language-model", *module, *latency, *faults)
        deadline = time.monotonic() + _START_SECONDS
        while not (ready := re.search(r"port=(\d+)", server.output())):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the language model did not start: {server.output()}")
            time.sleep(0.05)
        return int(ready[1])

    def _executor(self, number: int) -> Process:
        settings = {
            "AI_MODEL": "openai:local",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self.language_model}/v1",
            "LLM_TIMEOUT_SECONDS": str(max(30, int(self._latency[1] * 6))),
            "MAX_CONCURRENT_JOBS": "8",
            **self._more,
        }
        process = Process("executor", f"executor-{number}", ("executor",), settings)
        self.start(process)
        return process

    def _poller(self, number: int) -> Process:
        targets = ",".join(f"127.0.0.1:{executor.ports['grpc']}" for executor in self.executors)
        settings = {
            "FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{self.rtdb.ports['rtdb']}",
            "FIREBASE_DATABASE_URL": "",
            "EXECUTOR_TARGET": targets,
            "POD_ID": f"poller-{number}",
            **self._more,
        }
        process = Process("poller", f"poller-{number}", self._poller_module, settings)
        self.start(process)
        return process

    def _wait(self, processes: list[Process]) -> None:
        for process in processes:
            assert process.program is not None
            process.ports = process.program.ports()


def _ports(process: Process) -> Mapping[str, str]:
    if process.kind == "rtdb":
        return {}
    return {
        "GRPC_PORT": str(process.ports.get("grpc", 0)),
        "HTTP_PORT": str(process.ports.get("http", 0)),
        "ADMIN_PORT": str(process.ports.get("admin", 0)),
    }
