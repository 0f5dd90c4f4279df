"""The three programs as real processes on free ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from poller.cli.processes import Programs
from tests.e2e.pair import Pair, start_pair


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    with Programs(tmp_path / "log") as running:
        yield running


@pytest.fixture
def pair(programs: Programs) -> Pair:
    return start_pair(programs, executors={"AI_MODEL": "offline:rules"})
