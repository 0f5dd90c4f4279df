"""The pytest plugin of `make mutants`: which tests a mutant meets first, and when one of them will never end.

First those that killed another mutant of the same function, then the quickest. A test in which nothing moves any more,
or which works on and on, has hung: measured by what the process does and not by the clock, so that a busy machine kills
no mutant.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread, get_native_id

import pytest

from tests import fakes

KILLERS = Path("killers.txt")
"""Beside the copies that are tested; a line for each kill: the mutant, the test."""

HUNG_SECONDS = 2.0
"""No test that meets a mutant waits longer for a clock."""

SPINNING_SECONDS = 8.0
"""Of processor time: no test that meets a mutant works so long."""

MOST_LOOKS = 300
"""Of a test at what comes by itself: counted, since what it waits for works in the same process, however slowly."""

_LOOKS_A_SECOND = 5
_TIMED_OUT = 36
_STATS = Path("mutmut-stats.json")


def mutant() -> str:
    """The mutant under test; empty while mutmut looks around."""
    name = os.environ.get("MUTANT_UNDER_TEST", "")
    return name if "__mutmut_" in name else ""


def pytest_sessionstart() -> None:
    fakes.PATIENCE["looks"] = MOST_LOOKS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if name := mutant():
        seconds = json.loads(_STATS.read_text("utf-8"))["duration_by_test"]
        first = list(dict.fromkeys(_killers_of(name.rpartition("__mutmut_")[0])))
        places = {test: place for place, test in enumerate(reversed(first))}
        items.sort(key=lambda item: (places.get(item.nodeid, len(places)), seconds.get(item.nodeid, 0.0)))


def _killers_of(function: str) -> Iterator[str]:
    for line in KILLERS.read_text("utf-8").splitlines() if KILLERS.exists() else ():
        name, _, test = line.partition(" ")
        if name.startswith(f"{function}__mutmut_"):
            yield test


def pytest_unconfigure() -> None:
    """Of the server that the workers are forked from: no collection of theirs looks at what it has loaded."""
    if not mutant():
        gc.collect()
        gc.freeze()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        _note(report.nodeid)


def pytest_runtest_logstart(nodeid: str) -> None:
    _Test.now = nodeid
    if mutant() and not _Test.watched:
        _Test.watched = True
        Thread(target=_watch, args=(get_native_id(),), daemon=True).start()


class _Test:
    now = ""
    watched = False


def _note(test: str) -> None:
    if name := mutant():
        with KILLERS.open("a", encoding="utf-8") as killers:
            killers.write(f"{name} {test}\n")


def _watch(main_thread: int) -> None:
    """Ends the process when its main thread has slept, and nothing else has worked, look after look; or when one test works on and on."""
    stat = Path(f"/proc/self/task/{main_thread}/stat")
    asleep, test, worked, begun = 0, "", 0.0, 0.0
    while asleep < HUNG_SECONDS * _LOOKS_A_SECOND and worked - begun < SPINNING_SECONDS:
        time.sleep(1 / _LOOKS_A_SECOND)
        if test != _Test.now:
            asleep, test, worked, begun = 0, _Test.now, time.process_time(), time.process_time()
            continue
        state = stat.read_text().rpartition(")")[2].split()[0]
        moved = state != "S" or time.process_time() - worked > 0.01
        asleep, worked = 0 if moved else asleep + 1, time.process_time()
    _note(f"{test} hangs")
    os._exit(_TIMED_OUT)
