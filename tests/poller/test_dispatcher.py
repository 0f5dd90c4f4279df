"""The dispatcher on fakes: order, capacity, take-over, places, drain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from eventstorming.v1 import job_pb2

from poller.attempt import Limits
from poller.dispatcher import RENUMBER_SECONDS, Dispatcher
from poller.errors import Transient
from poller.job import Lease, RetryPolicy
from tests.fakes import FakeClock, FakeExecutors, FakeQueue, FakeStore, eventually, settle, small_model


def job_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


class Bench:
    def __init__(self, executors: FakeExecutors, *, inherits: bool = False) -> None:
        self.store = FakeStore()
        self.queue = FakeQueue(self.store, owner="poller-a")
        self.executors = executors
        self.clock = FakeClock()
        self.dispatcher = Dispatcher(
            self.queue,
            executors,
            self.clock,
            owner="poller-a",
            inherits=inherits,
            lease_seconds=30,
            retry=RetryPolicy(),
            limits=Limits(),
            chance=lambda: 0.0,
        )

    async def submit(self, *numbers: int) -> None:
        for number in numbers:
            await self.queue.submit(job_pb2.JobInput(job_id=job_id(number), requirements="text"))

    def lease(self, number: int, owner: str, *, age_ms: int = 0) -> None:
        entry = self.store.jobs[job_id(number)].entry
        assert entry is not None
        held = Lease(epoch=3, token="theirs", owner=owner, renewed_at=self.store.time - age_ms)
        self.store.put(replace(entry, lease=held))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self.dispatcher.run())
            yield
            work.cancel()


async def test_jobs_are_placed_in_the_order_of_their_creation_as_slots_allow() -> None:
    bench = Bench(FakeExecutors(2))
    await bench.submit(3, 1, 2)
    async with bench.running():
        await eventually(lambda: len(bench.executors.started) == 2)
        await settle()
    assert [started for started, _ in bench.executors.started] == [job_id(3), job_id(1)]


async def test_a_slot_that_becomes_free_takes_the_next_job() -> None:
    bench = Bench(FakeExecutors(1, [small_model(), small_model(), small_model()]))
    await bench.submit(1, 2, 3)
    async with bench.running():
        await eventually(lambda: len(bench.executors.started) == 3)


async def test_nothing_is_claimed_without_a_slot() -> None:
    bench = Bench(FakeExecutors(0))
    await bench.submit(1)
    async with bench.running():
        await settle()
    assert bench.store.runs == []


async def test_a_job_waits_for_its_time() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1)
    entry = bench.store.jobs[job_id(1)].entry
    assert entry is not None
    bench.store.put(replace(entry, not_before=bench.store.time + 50))
    async with bench.running():
        await settle()
        assert bench.executors.started == []
        bench.store.time += 50
        await eventually(lambda: bench.executors.started)


@pytest.mark.parametrize(
    ("owner", "age_ms", "inherits", "taken"),
    [
        ("poller-a", 0, True, True),
        ("poller-a", 0, False, False),
        ("poller-b", 0, True, False),
        ("poller-b", 30_000, False, True),
    ],
)
async def test_whose_leases_are_taken_over_at_the_start(
    owner: str, age_ms: int, inherits: bool, taken: bool
) -> None:
    bench = Bench(FakeExecutors(1), inherits=inherits)
    await bench.submit(1)
    bench.lease(1, owner, age_ms=age_ms)
    async with bench.running():
        await settle()
    assert bench.executors.started == ([(job_id(1), 4)] if taken else [])


async def test_a_lease_under_our_name_that_appears_later_is_a_twins() -> None:
    bench = Bench(FakeExecutors(1), inherits=True)
    await bench.submit(1)
    bench.executors.slots = 0
    async with bench.running():
        await settle()
        bench.lease(1, "poller-a")
        bench.executors.slots = 1
        bench.executors.signal()
        await settle()
    assert bench.executors.started == []


async def test_waiting_jobs_are_told_their_places_after_a_while() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1, 2, 3)
    async with bench.running():
        await settle()
        assert bench.queue.places == {}
        await bench.clock.advance(RENUMBER_SECONDS)
    assert bench.queue.places == {job_id(2): 1, job_id(3): 2}


async def test_trouble_with_one_job_leaves_the_others_alone() -> None:
    bench = Bench(FakeExecutors(1))
    bench.queue.faults = [ValueError("a fault of ours"), Transient("database away")]
    await bench.submit(1, 2, 3)
    async with bench.running():
        await eventually(lambda: bench.executors.started)
    assert [started for started, _ in bench.executors.started] == [job_id(3)]


async def test_a_removal_stops_what_runs_and_then_deletes() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1)
    async with bench.running():
        await eventually(lambda: bench.executors.started)
        await bench.queue.delete(job_id(1))
        await eventually(lambda: not bench.store.jobs)
    assert bench.store.removals == set()
    assert bench.executors.held == 0


async def test_a_removal_of_what_runs_elsewhere_waits_for_its_lease() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1)
    bench.lease(1, "poller-b")
    await bench.queue.delete(job_id(1))
    async with bench.running():
        await settle()
        assert bench.store.jobs
        bench.store.time += 30_000
        bench.clock.time += 10
        bench.executors.signal()
        await eventually(lambda: not bench.store.jobs)
    assert bench.executors.started == []


async def test_a_drain_hands_over_what_runs_and_ends() -> None:
    bench = Bench(FakeExecutors(2))
    await bench.submit(1, 2, 3)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(bench.dispatcher.run())
        await eventually(lambda: len(bench.executors.started) == 2)
        bench.dispatcher.drain()
    entries = [stored.entry for stored in bench.store.jobs.values()]
    assert all(entry is not None and entry.waiting for entry in entries)
    assert [entry.interruptions for entry in entries if entry] == [1, 1, 0]
    assert len(bench.executors.started) == 2
