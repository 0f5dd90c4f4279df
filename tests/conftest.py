"""What every test stands on: logs as a program sets them up, properties without a stopwatch, and the line round the unit part.

`make test-unit` leaves out what is marked `heavy`: the folders below as a whole, elsewhere single tests and files. Nothing
can slip over that line: a test without the mark that starts a process fails, and `test_units.py` finds the ones that sleep.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from hypothesis import HealthCheck, settings

from process import logs

HEAVY_FOLDERS = {"browser", "chart", "e2e", "examples", "sdk"}
_STARTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"}

# By what the examples are, never by how long a busy machine takes over them.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")


DEFAULT_TIMEOUT = 120.0
ONE_WORKER = {
    "browser/test_webclient.py": "its own",
    "e2e/test_access.py": "its own",
    "e2e/test_command_line.py": "pair",
    "e2e/test_exports.py": "pair",
    "e2e/test_hard.py": "its own",
    "e2e/test_pair.py": "pair",
    "e2e/test_web_client.py": "pair",
    "poller/test_odd_jobs.py": "its own",
    "sdk/test_canvas.py": "its own",
}
"""Files whose tests share what takes seconds to start, and how it is called."""

AUTHORITIES = "SSL_CERT_FILE"
REAL = ("TEST_AI_MODEL", "TEST_DATABASE_URL")
"""What a unit test is pointed to by hand, beyond this machine."""


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


@pytest.fixture(scope="session")
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first of the world's. To read all of them takes every client of a test as long as all its calls on this machine."""
    found = tmp_path_factory.mktemp("trust") / "authority.pem"
    first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
    found.write_text(first + end, "ascii")
    return found


@pytest.fixture(autouse=True)
def _trusting_one(request: pytest.FixtureRequest) -> Iterator[None]:
    """A unit test speaks to nobody beyond this machine, unless it is told to."""
    if request.node.get_closest_marker("heavy") or any(name in os.environ for name in REAL):
        yield
        return
    path = request.getfixturevalue("one_authority")
    before = os.environ.get(AUTHORITIES)
    os.environ[AUTHORITIES] = str(path)
    yield
    if before is None:
        del os.environ[AUTHORITIES]
    else:
        os.environ[AUTHORITIES] = before


def pytest_configure() -> None:
    """Logs as a program's, before any test: structlog's own default formats a traceback for seconds.

    For each session anew: a process that forks after one, as `make mutants` does, would log into its closed streams, and every
    test that logs would fail for that alone.
    """
    logs.set_up("INFO", "json")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, object, object]:
    """Whoever may take longest starts first, in whatever order the others come: no worker ends alone with one of them."""
    for item in items:
        if is_heavy(item.path):
            item.add_marker("heavy")
    done = yield
    items.sort(key=_length, reverse=True)
    return done


def _length(item: pytest.Item) -> tuple[bool, float, bool]:
    own = item.get_closest_marker("timeout")
    seconds = float(own.args[0]) if own else DEFAULT_TIMEOUT
    return item.get_closest_marker("heavy") is not None, seconds, _shared(item.nodeid) != item.nodeid


def _shared(nodeid: str) -> str:
    """What of the suite stays together."""
    file = "/".join(Path(nodeid.partition("::")[0]).parts[-2:])
    shared = ONE_WORKER.get(file, nodeid)
    return file if shared == "its own" else shared


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Test by test, in our order."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _shared(nodeid)

    return Scheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The unit part works all the time; of the others' time half is waiting for what processes do."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if "not heavy" in config.option.markexpr else cores + 2


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    _Running.unit_test = "" if item.get_closest_marker("heavy") else item.nodeid
    try:
        return (yield)
    finally:
        _Running.unit_test = ""
