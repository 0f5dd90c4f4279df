"""What every test stands on: logs as a program sets them up, properties without a stopwatch, and the line round the unit part.

`make test-unit` leaves out what is marked `heavy`: the folders below as a whole, elsewhere single tests and files. Nothing
can slip over that line: a test without the mark that starts a process fails, and `test_units.py` finds the ones that sleep.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from process import logs

HEAVY_FOLDERS = {"browser", "chart", "e2e", "examples", "sdk"}
_STARTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"}

# By what the examples are, never by how long a busy machine takes over them.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")


class StartsAProcess(AssertionError):
    """The unit part starts none."""


class _Running:
    unit_test: str = ""


def _watch(event: str, _: object) -> None:
    if event in _STARTS and _Running.unit_test:
        raise StartsAProcess(f"{_Running.unit_test} starts a process: mark it pytest.mark.heavy")


sys.addaudithook(_watch)


def is_heavy(path: Path) -> bool:
    return path.relative_to(Path(__file__).parent).parts[0] in HEAVY_FOLDERS


def pytest_configure() -> None:
    """Logs as a program's, before any test: structlog's own default formats a traceback for seconds.

    For each session anew: a process that forks after one, as `make mutants` does, would log into its closed streams, and every
    test that logs would fail for that alone.
    """
    logs.set_up("INFO", "json")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_heavy(item.path):
            item.add_marker("heavy")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    _Running.unit_test = "" if item.get_closest_marker("heavy") else item.nodeid
    try:
        return (yield)
    finally:
        _Running.unit_test = ""
