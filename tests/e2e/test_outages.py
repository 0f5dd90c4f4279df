"""The log of a program that cannot work says so within seconds, and says when it can again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from devkit.programs import Program, Programs, free_or_zero
from tests.e2e.pair import FREE


def outages(program: Program, event: str) -> dict[str, dict[str, Any]]:
    lines = (json.loads(line) for line in program.output().splitlines() if line.startswith("{"))
    return {line["of"]: line for line in lines if line["message"] == event}


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_poller_tells_of_its_database_and_its_executors(programs: Programs) -> None:
    port = free_or_zero(39871) if free_or_zero(39871) != "0" else "39872"
    settings = {"FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{port}", "EXECUTOR_TARGET": "127.0.0.1:9"}
    poller = programs.start("poller", "poller", **FREE, **settings)
    until(lambda: outages(poller, "outage.lasts").keys() == {"database", "executors"})
    found = outages(poller, "outage.lasts")
    assert {line["severity"] for line in found.values()} == {"WARNING"}
    assert all(line["reason"] for line in found.values())
    programs.start("rtdb", "poller.rtdb.emulator", "--port", port)
    until(lambda: outages(poller, "outage.over").keys() == {"database"})
