"""An embedded database on a free port for each test, clients of it, and a collector of what a watch brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest

from devkit.rtdb.server import Emulator
from poller.errors import PollerError
from poller.metrics import Metrics
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.rest import Database
from poller.rtdb.stream import Backoff, Change
from tests.devkit.rtdb.conftest import NAMESPACE, emulator, http

__all__ = ["emulator", "http"]  # fixtures


class Watched:
    """Everything one `watch` has brought so far; `until` waits for it to be as expected."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.error: PollerError | None = None
        self._news = asyncio.Condition()

    async def follow(self, db: Database, path: str) -> None:
        try:
            async with aclosing(db.streams.watch(path)) as changes:
                async for change in changes:
                    await self._tell(change, None)
        except PollerError as error:
            await self._tell(None, error)

    async def until(self, expected: Callable[[Watched], bool], seconds: float = 20) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: expected(self))

    @property
    def snapshots(self) -> list[Any]:
        return [change.value for change in self.changes if change.kind == "snapshot"]

    async def _tell(self, change: Change | None, error: PollerError | None) -> None:
        async with self._news:
            if change is not None:
                self.changes.append(change)
            self.error = error
            self._news.notify_all()


@asynccontextmanager
async def watched(db: Database, path: str) -> AsyncIterator[Watched]:
    """Follows `path` from its first snapshot on."""
    seen = Watched()
    task = asyncio.create_task(seen.follow(db, path))
    try:
        await seen.until(lambda seen: bool(seen.changes) or seen.error is not None)
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """For what nobody announces: the state of a connection."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (there is no event to wait for)
            await asyncio.sleep(0.005)


@pytest.fixture
def eventually() -> Callable[..., Any]:
    return until


@pytest.fixture
def watching() -> Callable[..., Any]:
    return watched


@pytest.fixture
async def connect(emulator: Emulator) -> AsyncIterator[Callable[..., Database]]:
    async with AsyncExitStack() as stack:
        opened: list[Database] = []

        def open_database(**options: Any) -> Database:
            given = {
                "base_url": emulator.url,
                "namespace": NAMESPACE,
                "credentials": EmulatorCredentials(),
                "metrics": Metrics(),
                "backoff": Backoff(first=0.001, last=0.02),
            }
            opened.append(Database.connect(**(given | options)))
            stack.push_async_exit(opened[-1].__aexit__)
            return opened[-1]

        yield open_database


@pytest.fixture
def db(connect: Callable[..., Database]) -> Database:
    return connect()


@pytest.fixture
def rules(http: httpx.AsyncClient) -> Callable[[dict[str, Any]], Any]:
    async def store(rules: dict[str, Any]) -> None:
        answer = await http.put("/.settings/rules.json", json={"rules": rules})
        assert answer.status_code == 200

    return store
