"""A claimed job in the database, with a clock that stands still: what the fence lets through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from poller.job import LogLevel, LogLine
from poller.metrics import Metrics
from poller.rtdb.client import Database
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.ledger import Ledger
from poller.rtdb.names import read_entry
from poller.rtdb.queue import RtdbQueue
from poller.rtdb.run import RtdbRun
from tests.fakes import FakeClock, eventually
from tests.poller.lifecycle import NODES, World, new_id, world


class Bench:
    def __init__(self, rtdb: World, clock: FakeClock, run: RtdbRun) -> None:
        self.rtdb, self.clock, self.run = rtdb, clock, run

    async def said(self) -> bool:
        return "hello" in str(await self.rtdb.outputs(self.run.job.id))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = FakeClock()
    async with (
        world() as rtdb,
        Ledger(rtdb.database, NODES, clock, chance=lambda: 0.5, metrics=Metrics()) as ledger,
    ):
        job = new_id()
        await rtdb.create(job)
        queue = RtdbQueue(ledger, owner="poller-a", lease_seconds=30)
        run = await queue.claim(read_entry(job, await rtdb.entry(job)))
        assert run is not None
        yield Bench(rtdb, clock, run)


async def nobody(_: object) -> None:
    return


async def test_nothing_is_published_with_too_little_lease_left_until_it_is_renewed(bench: Bench) -> None:
    bench.clock.time += 21
    bench.run.say(LogLine(level=LogLevel.INFO, message="hello"))
    async with asyncio.TaskGroup() as group:
        storing = group.create_task(bench.run.store(nobody))
        await asyncio.sleep(0.2)
        assert not await bench.said()
        keeping = group.create_task(bench.run.keep())
        await bench.clock.advance(8)
        await eventually(bench.said)
        storing.cancel()
        keeping.cancel()


async def test_what_is_handed_over_is_published_while_the_lease_lasts(bench: Bench) -> None:
    bench.clock.time += 19
    bench.run.say(LogLine(level=LogLevel.INFO, message="hello"))
    async with asyncio.TaskGroup() as group:
        storing = group.create_task(bench.run.store(nobody))
        await eventually(bench.said)
        storing.cancel()


async def test_a_renewal_changes_the_lease_alone(bench: Bench) -> None:
    before = await bench.rtdb.entry(bench.run.job.id)
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(bench.run.keep())
        await bench.clock.advance(8)

        async def renewed() -> bool:
            after = await bench.rtdb.entry(bench.run.job.id)
            return bool(after["lease"]["renewedAt"] > before["lease"]["renewedAt"])

        await eventually(renewed)
        keeping.cancel()
    after = await bench.rtdb.entry(bench.run.job.id)
    assert after | {"lease": 0} == before | {"lease": 0}
    assert after["lease"] | {"renewedAt": 0} == before["lease"] | {"renewedAt": 0}


class Sleepy(EmulatorCredentials):
    """The process stands still, once, while it is about to send."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.seconds = clock, 0.0

    async def token(self, *, stale: str | None = None) -> str | None:
        self.clock.time += self.seconds
        self.seconds = 0.0
        return await super().token(stale=stale)


@pytest.mark.parametrize(("slept", "sent"), [(15.0, True), (25.0, False)])
async def test_a_process_that_slept_after_the_fence_sends_nothing(slept: float, sent: bool) -> None:
    clock = FakeClock()
    credentials = Sleepy(clock)
    async with (
        world() as rtdb,
        Database.connect(
            base_url=rtdb.rtdb.url, namespace="test", credentials=credentials, metrics=Metrics()
        ) as database,
        Ledger(database, NODES, clock, chance=lambda: 0.5, metrics=Metrics()) as ledger,
    ):
        job = new_id()
        await rtdb.create(job)
        run = await RtdbQueue(ledger, owner="poller-a", lease_seconds=30).claim(
            read_entry(job, await rtdb.entry(job))
        )
        assert run is not None
        before = rtdb.rtdb.store.commits
        credentials.seconds = slept
        run.say(LogLine(level=LogLevel.INFO, message="hello"))
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(run.store(nobody))
            await eventually(lambda: credentials.seconds == 0.0)
            await asyncio.sleep(0.3)
            assert (rtdb.rtdb.store.commits > before) is sent
            storing.cancel()


@pytest.mark.parametrize("how", ["claim", "cancel"])
async def test_a_job_that_is_only_settled_ends_also_when_the_database_was_away_for_longer_than_its_lease(
    how: str,
) -> None:
    """No attempt keeps its lease: whoever settles it must."""
    clock = FakeClock()
    async with (
        world() as rtdb,
        Ledger(rtdb.database, NODES, clock, chance=lambda: 0.5, metrics=Metrics()) as ledger,
    ):
        job = new_id()
        await rtdb.create(job, requirements=" " if how == "claim" else "A customer orders.")
        queue = RtdbQueue(ledger, owner="poller-a", lease_seconds=30)
        rtdb.rtdb.faults.change({"errors": -1, "method": "PATCH"})
        entry = read_entry(job, await rtdb.entry(job))
        settling = asyncio.create_task(
            queue.claim(entry) if how == "claim" else queue.cancel(job, by="Kim")  # type: ignore[arg-type]
        )
        await eventually(lambda: _is_leased(rtdb, job))
        clock.time += 60
        rtdb.rtdb.faults.reset()

        async def over() -> bool:
            await clock.advance(4)
            return bool((await rtdb.outputs(job)).get("isFailed")) and await rtdb.entry(job) is None

        await eventually(over)
        await settling


async def _is_leased(rtdb: World, job: str) -> bool:
    return "token" in (await rtdb.entry(job)).get("lease", {})
