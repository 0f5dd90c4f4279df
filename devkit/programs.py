"""The three programs as child processes on this machine, for the demo: started together, stopped together, never left behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

from poller.cli.outcome import CliError, Exit

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_GRACE = {"SHUTDOWN_GRACE_SECONDS": "2"}
"""Whoever ends a demo waits for no answer that would be thrown away with the database."""
_READY = re.compile(
    r"^(?:embedded RTDB listening on [\d.]+:(?P<rtdb>\d+)|.*\b\w+ ready\W+grpc\W+(?P<grpc>\d+)\W+http\W+(?P<http>\d+)\W+admin\W+(?P<admin>\d+))",
    re.MULTILINE,
)


class Program:
    """One child process whose output goes to a log file, in which it also says on which ports it listens."""

    def __init__(self, name: str, module: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name, self._log = name, log
        with log.open("wb") as sink:
            self._child = subprocess.Popen(
                [sys.executable, "-m", *module],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**_GRACE, **os.environ, "PYTHONUNBUFFERED": "1", **environment},
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the children in order
            )

    def ports(self) -> dict[str, int]:
        """Waits until it listens."""
        deadline = time.monotonic() + _START_SECONDS
        while not (ready := _READY.search(self.output())):
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise CliError(
                    f"{self.name} did not start; its output ({self._log}):\n{self.output()[-2000:]}",
                    Exit.UNREACHABLE,
                )
            time.sleep(0.02)
        return {name: int(port) for name, port in ready.groupdict().items() if port}

    @property
    def is_ready(self) -> bool:
        """Whether it has said that it listens."""
        return _READY.search(self.output()) is not None

    def output(self) -> str:
        return self._log.read_text("utf-8", "replace")

    @property
    def pid(self) -> int:
        return self._child.pid

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(number)

    def wait(self) -> None:
        try:
            self._child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


class Programs:
    """Stops everything it started, in reverse order, however the block ends."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: list[Program] = []

    def __enter__(self) -> Programs:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the block ends on SIGTERM too
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in reversed(self._running):
            program.signal(signal.SIGTERM)
        for program in reversed(self._running):
            program.wait()

    def start(self, name: str, *module: str, **environment: str) -> Program:
        with _signals_wait():
            program = Program(name, list(module), self._logs / f"{name}.log", environment)
            self._running.append(program)
        return program


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    """Ctrl-C between a child's start and its being remembered would leave it behind: it is delivered afterwards."""
    arrived: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda got, _: arrived.append(got)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in arrived:
            os.kill(os.getpid(), late)


def free_or_zero(port: int) -> str:
    """The wanted port if nobody has it, else "0": any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return "0"
    return str(port)
