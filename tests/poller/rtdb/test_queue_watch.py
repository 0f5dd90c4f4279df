"""Listening under faults of real streams: what a stream does not tell is found by the sweep, and counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest

from devkit.rtdb.server import Emulator
from poller.job import Job
from poller.metrics import Metrics
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.rest import Database
from poller.rtdb.stream import Backoff
from poller.rtdb.writer import IDENTITY, Writer
from tests.fakes import eventually
from tests.poller.lifecycle import NODES, new_id
from tests.poller.rtdb.missed import Missed
from tests.poller.whole import Whole


class QuickClock:
    """So many times as fast, but for short pauses: streams need their time on a busy machine."""

    def __init__(self, speed: float = 600) -> None:
        self._speed = speed

    def monotonic(self) -> float:
        return time.monotonic() * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / (10 if seconds <= 5 else self._speed))


class SlowClock(QuickClock):
    """Five minutes never pass in a test."""

    def __init__(self) -> None:
        super().__init__(1)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds if seconds >= 45 else seconds / 100)


class Listener:
    """A queue that is listened to, and what it has heard."""

    def __init__(self, rtdb: Emulator, database: Database, queue: Whole, missed: Missed) -> None:
        self.rtdb, self.database, self.queue, self.missed = rtdb, database, queue, missed
        self.jobs: dict[str, Job] = {}
        self.removals: set[str] = set()

    async def listen(self) -> None:
        async with aclosing(self.queue.changes()) as changes:
            async for change in changes:
                if change.whole:
                    self.jobs = {}
                for job_id, job in change.jobs.items():
                    self.jobs.pop(job_id, None)
                    if job is not None:
                        self.jobs[job_id] = job
                for job_id, wanted in change.removals.items():
                    (self.removals.add if wanted else self.removals.discard)(job_id)

    async def write(self, path: str, value: Any) -> None:
        await self.database.put(path, value)

    def mute(self, on: bool = True) -> None:
        self.rtdb.faults.change({"mute_streams": on})

    @property
    def reads(self) -> int:
        return self.rtdb.app.stats.reads


@asynccontextmanager
async def listening(
    clock: Any, *, keep_alive: float = 0.02, auth: Any = None, **options: Any
) -> AsyncIterator[Listener]:
    missed = Missed()
    given = {"namespace": "test", "credentials": EmulatorCredentials(), "clock": clock.monotonic}
    async with AsyncExitStack() as stack:
        rtdb = await stack.enter_async_context(Emulator(faults=True, keep_alive=keep_alive))
        quick = Backoff(first=0.001, last=0.02)
        database = await stack.enter_async_context(
            Database.connect(base_url=rtdb.url, backoff=quick, **(given | options), metrics=Metrics())
        )
        database = database.acting_as(auth) if auth else database
        writer = await stack.enter_async_context(Writer(database, NODES, clock, metrics=missed))
        queue = Whole(writer, owner="poller-a", lease_seconds=30)
        found = Listener(rtdb, database, queue, missed)
        task = asyncio.create_task(found.listen())
        stack.callback(task.cancel)
        await eventually(lambda: not queue.problem())
        yield found
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """Its sweeps come every half second; its streams are kept alive."""
    async with listening(QuickClock()) as found:
        yield found


@pytest.mark.heavy
async def test_what_the_streams_never_told_is_found_and_counted(listener: Listener) -> None:
    new, changed, gone, same = (new_id() for _ in range(4))
    for job in (changed, gone, same):
        await listener.write(NODES.entry(job), {"createdAt": 5})
    await eventually(lambda: len(listener.jobs) == 3)
    listener.mute()
    await listener.write(NODES.entry(new), {"createdAt": 9})
    await listener.write(f"{NODES.entry(changed)}/crashes", 2)
    await listener.write(NODES.entry(gone), None)
    await listener.write(NODES.removal(same), {"isRemoveRequested": True})
    await eventually(lambda: listener.missed.count == 4)
    assert {job_id: job.crashes for job_id, job in listener.jobs.items()} == {new: 0, changed: 2, same: 0}
    assert listener.removals == {same}
    listener.mute(False)
    reads = listener.reads
    await eventually(lambda: listener.reads >= reads + 4)
    assert listener.missed.count == 4


async def test_streams_that_tell_everything_leave_nothing_to_find(listener: Listener) -> None:
    """However busy the queue is while it is swept."""
    job, reads = new_id(), listener.reads
    number = 0
    while listener.reads < reads + 6:
        number += 1
        await listener.write(NODES.entry(job), {"createdAt": 5, "crashes": number})
    await eventually(lambda: job in listener.jobs and listener.jobs[job].crashes == number)
    assert listener.missed.count == 0


@pytest.mark.heavy
async def test_a_sweep_of_an_unchanged_queue_costs_no_bytes(listener: Listener) -> None:
    for _ in range(20):
        await listener.write(NODES.entry(new_id()), {"createdAt": 5})
    await eventually(lambda: len(listener.jobs) == 20)
    reads = listener.reads
    await eventually(lambda: listener.reads >= reads + 4)
    before, reads = _bytes_but_keep_alives(listener), listener.reads
    await eventually(lambda: listener.reads >= reads + 4)
    assert _bytes_but_keep_alives(listener) - before < 200


def _bytes_but_keep_alives(listener: Listener) -> int:
    """A sweep that reads twenty entries reads more than 1,000 bytes."""
    return listener.rtdb.app.stats.bytes_out - listener.rtdb.app.stats.keep_alive_bytes


async def test_after_a_reconnect_the_fresh_copy_is_compared_at_once() -> None:
    async with listening(SlowClock()) as listener:
        await listener.write(NODES.entry(new_id()), {"createdAt": 5})
        await eventually(lambda: listener.jobs)
        reads = listener.reads
        listener.rtdb.app.end_streams("cut")
        await eventually(lambda: listener.reads >= reads + 2)
        assert listener.missed.count == 0


@pytest.mark.heavy
async def test_a_silent_stream_is_not_waited_for() -> None:
    """No keep-alive either: after 45 s (here 1.5) the database is asked; the next sweep would come after 10."""
    async with listening(QuickClock(30), keep_alive=3600) as listener:
        listener.mute()
        job = new_id()
        await listener.write(NODES.entry(job), {"createdAt": 5})
        await eventually(lambda: job in listener.jobs, seconds=8)
        assert listener.missed.count == 1


# ── why it is not ready ──────────────────────────────────────────────────────────────────────────────────────────


async def set_rules(listener: Listener, rules: Any) -> None:
    async with httpx.AsyncClient(headers={"Authorization": "Bearer owner"}) as http:
        url = f"{listener.rtdb.url}/.settings/rules.json?ns=test"
        (await http.put(url, json={"rules": rules})).raise_for_status()


async def test_rules_that_forbid_listening_are_told_and_can_be_put_right() -> None:
    async with listening(SlowClock(), auth=IDENTITY) as listener:
        await set_rules(listener, {".read": False, ".write": True})
        await eventually(lambda: "rules do not allow GET" in listener.queue.problem())
        await set_rules(listener, {".read": True, ".write": True})
        await eventually(lambda: not listener.queue.problem())
        await listener.write(NODES.entry(new_id()), {"createdAt": 5})
        await eventually(lambda: listener.jobs)


async def test_a_silent_stream_is_told() -> None:
    async with listening(SlowClock(), watchdog=0.2) as listener:
        listener.rtdb.faults.change({"frozen": True})
        await eventually(lambda: "no byte from RTDB for 0.2 s" in listener.queue.problem())
        listener.rtdb.faults.reset()
        await eventually(lambda: not listener.queue.problem())


@pytest.mark.parametrize("how", ["cut", "revoke", "cancel"])
async def test_streams_that_end_come_back(how: str) -> None:
    async with listening(SlowClock()) as listener:
        streams: Callable[[], int] = lambda: listener.rtdb.app.stats.streams  # noqa: E731
        before = streams()
        listener.rtdb.app.end_streams(how)
        await eventually(lambda: streams() >= before + 2 and not listener.queue.problem())
        await listener.write(NODES.entry(new_id()), {"createdAt": 5})
        await eventually(lambda: listener.jobs)
