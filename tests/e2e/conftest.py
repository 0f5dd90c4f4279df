"""The three programs as real processes on free ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.programs import Programs
from tests.e2e.pair import Pair, start_pair


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """For tests that kill something: processes of their own."""
    with Programs(tmp_path / "log") as running:
        yield running


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """For tests that kill nothing: one pair for all of them."""
    with Programs(tmp_path_factory.mktemp("pair")) as running:
        yield start_pair(running, executors={"AI_MODEL": "offline:rules"}, GRPC_REFLECTION="true")
