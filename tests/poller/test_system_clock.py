"""The clock that leases are measured with."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

ASLEEP_SECONDS = 1000
AGE = "import time; from poller.__main__ import SystemClock; print(SystemClock().monotonic() - time.monotonic())"


@pytest.mark.heavy
def test_a_lease_ages_while_the_machine_sleeps() -> None:
    """In a namespace whose machine has been asleep for so long: Linux's monotonic clock stands still meanwhile."""
    asleep = ["unshare", "--user", "--map-root-user", "--time", "--boottime", str(ASLEEP_SECONDS), "--fork"]
    if shutil.which("unshare") is None or _fails([*asleep, "true"]):
        pytest.skip("no time namespaces here")
    found = subprocess.run([*asleep, sys.executable, "-c", AGE], capture_output=True, text=True, check=True)
    assert float(found.stdout) == pytest.approx(ASLEEP_SECONDS, abs=5)


def _fails(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode != 0
