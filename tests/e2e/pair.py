"""The three programs as real processes on free ports."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

import httpx

from devkit.programs import Program, Programs
from tests.e2e.web_client import WebClient

RULES = Path(__file__).parents[2] / "poller" / "rtdb" / "database.rules.json"
FREE = {"GRPC_PORT": "0", "HTTP_PORT": "0", "ADMIN_PORT": "0"}


@dataclass
class Pair:
    """Database, executor and poller, up and waiting."""

    programs: Programs
    rtdb: int
    executor: Program
    executor_port: int
    poller: Program
    poller_settings: dict[str, str]
    ports: dict[str, int]
    database: Program
    database_options: tuple[str, ...] = ()

    @property
    def client(self) -> WebClient:
        return WebClient(self.rtdb)

    def logs(self) -> str:
        return self.executor.output() + self.poller.output()

    def slow_down(self) -> None:
        """From now on the poller needs half a second for each of its writes."""
        faults = {"delay_ms": 500, "method": "PATCH"}
        url = f"http://127.0.0.1:{self.rtdb}/.emulator/faults.json"
        httpx.patch(url, json=faults).raise_for_status()

    def kill_database(self) -> None:
        """And start it again, with what it kept."""
        self.database.signal(signal.SIGKILL)
        self.database.wait()
        port = ("--port", str(self.rtdb))
        self.database = self.programs.start(
            "rtdb-again", "poller.rtdb.emulator", *port, *self.database_options
        )

    def kill_poller(self) -> None:
        """And start another."""
        self.poller.signal(signal.SIGKILL)
        self.poller.wait()
        self.poller = self.programs.start("poller-again", "poller", **FREE, **self.poller_settings)


def start_pair(
    programs: Programs,
    *,
    executors: dict[str, str],
    target: str = "",
    database: tuple[str, ...] = (),
    **poller: str,
) -> Pair:
    """`database` is more of its options. `executors` and `poller` are settings; `target` replaces the address of the executor started here (`{port}`: its port)."""
    options = ("--faults", *database)
    rtdb = programs.start("rtdb", "poller.rtdb.emulator", "--port", "0", *options)
    executor = programs.start("executor", "executor", **FREE, **executors)
    rtdb_port, executor_port = rtdb.ports()["rtdb"], executor.ports()["grpc"]
    settings = {
        "FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{rtdb_port}",
        "EXECUTOR_TARGET": target.format(port=executor_port) or f"127.0.0.1:{executor_port}",
        **poller,
    }
    running = programs.start("poller", "poller", **FREE, **settings)
    ports = running.ports()
    return Pair(programs, rtdb_port, executor, executor_port, running, settings, ports, rtdb, options)


def guarded_pair(programs: Programs, folder: Path) -> Pair:
    """Without a language model, with the shipped security rules in force and the database's data in a file."""
    return start_pair(
        programs,
        executors={"AI_MODEL": "offline:rules"},
        database=("--data", str(folder / "rtdb"), "--rules", str(RULES)),
        FIREBASE_DATABASE_LEASE_RULES="true",
    )
