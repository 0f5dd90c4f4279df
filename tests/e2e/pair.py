"""The three programs as real processes on free ports."""

from __future__ import annotations

from dataclasses import dataclass

from devkit.programs import Program, Programs
from tests.e2e.web_client import WebClient

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

    @property
    def client(self) -> WebClient:
        return WebClient(self.rtdb)

    def logs(self) -> str:
        return self.executor.output() + self.poller.output()


def start_pair(
    programs: Programs,
    *,
    executors: dict[str, str],
    target: str = "",
    database: tuple[str, ...] = (),
    **poller: str,
) -> Pair:
    """`database` is more of its options. `executors` and `poller` are settings; `target` replaces the address of the executor started here (`{port}`: its port)."""
    rtdb = programs.start("rtdb", "poller.rtdb.emulator", "--port", "0", "--faults", *database)
    executor = programs.start("executor", "executor", **FREE, **executors)
    rtdb_port, executor_port = rtdb.ports()["rtdb"], executor.ports()["grpc"]
    settings = {
        "FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{rtdb_port}",
        "EXECUTOR_TARGET": target.format(port=executor_port) or f"127.0.0.1:{executor_port}",
        **poller,
    }
    running = programs.start("poller", "poller", **FREE, **settings)
    return Pair(programs, rtdb_port, executor, executor_port, running, settings, running.ports(), rtdb)
