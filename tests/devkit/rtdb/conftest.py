"""An embedded database on a free port for each test, and a bare client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from devkit.rtdb.server import Emulator

NAMESPACE = "test"


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(faults=True) as emulator:
        yield emulator


@pytest.fixture
async def http(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    """A bare administrator, for what the client would not send."""
    headers = {"Authorization": "Bearer owner"}
    async with httpx.AsyncClient(base_url=emulator.url, headers=headers, params={"ns": NAMESPACE}) as http:
        yield http
