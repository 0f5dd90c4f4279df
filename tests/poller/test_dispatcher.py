"""The dispatcher on fakes: order, capacity, take-over, places, drain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from eventstorming.v1 import executor_pb2, job_pb2
from structlog.testing import capture_logs

from poller.backlog import OwnName
from poller.dispatcher import Dispatcher
from poller.errors import Transient
from poller.job import Job, Lease, Limits, RetryPolicy
from poller.metrics import Metrics
from poller.ports import QueueChange
from tests.fakes import FakeExecutors, FakeQueue, FakeRun, eventually, settle, small_model
from tests.virtual import VirtualClock, VirtualStore, steps_in, virtual


def job_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


class SlowPlaces(FakeQueue):
    """Places are on their way until `gate` is set."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.gate = asyncio.Event()
        self.telling = 0

    async def show_position(self, job: Job, place: int) -> None:
        self.telling += 1
        await self.gate.wait()
        await super().show_position(job, place)


class SlowQueue(FakeQueue):
    """Claims are on their way until `gate` is set; then the stream tells of them before the reply comes."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.gate = asyncio.Event()
        self.removing = 0

    async def claim(self, job: Job) -> FakeRun | None:
        await self.gate.wait()
        claimed = await super().claim(job)
        await asyncio.sleep(0.01)
        return claimed

    async def remove(self, job_id: str) -> bool:
        self.removing += 1
        return await super().remove(job_id)


class Bench:
    def __init__(
        self,
        executors: FakeExecutors,
        *,
        inherits: bool = False,
        queue: type[FakeQueue] = FakeQueue,
        retry: RetryPolicy | None = None,
    ) -> None:
        self.store: Any = VirtualStore()
        self.queue: Any = queue(self.store, owner="poller-a")
        self.executors = executors
        self.clock = VirtualClock()
        self.dispatcher = Dispatcher(
            self.queue,
            executors,
            self.clock,
            owner="poller-a",
            inherits=inherits,
            lease_seconds=30,
            retry=retry or RetryPolicy(),
            limits=Limits(),
            chance=lambda: 0.5,
            metrics=Metrics(),
        )

    async def submit(self, *numbers: int) -> None:
        for number in numbers:
            await self.queue.submit(job_pb2.JobInput(job_id=job_id(number), requirements="text"))

    def lease(self, number: int, owner: str, *, age_ms: int = 0) -> None:
        renewed = self.store.time - age_ms
        self.change(number, lease=Lease(epoch=3, token="theirs", owner=owner, renewed_at=renewed))

    def change(self, number: int, **changed: Any) -> None:
        entry = self.store.jobs[job_id(number)].entry
        assert entry is not None
        self.store.put(replace(entry, **changed))

    def offer(self, slots: int) -> None:
        self.executors.slots = slots
        self.executors.signal()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self.dispatcher.run())
            yield
            work.cancel()


def twins(logs: list[Any]) -> list[str]:
    return [line["job"] for line in logs if line["event"] == "dispatcher.twin"]


@virtual
async def test_jobs_are_placed_in_the_order_of_their_creation_as_slots_allow() -> None:
    bench = Bench(FakeExecutors(2))
    await bench.submit(3, 1, 2)
    async with bench.running():
        await eventually(lambda: len(bench.executors.started) == 2)
        await settle()
    assert [started for started, _ in bench.executors.started] == [job_id(3), job_id(1)]


@virtual
async def test_a_slot_that_becomes_free_takes_the_next_job() -> None:
    bench = Bench(FakeExecutors(1, [small_model(), small_model(), small_model()]))
    await bench.submit(1, 2, 3)
    async with bench.running():
        await eventually(lambda: len(bench.executors.started) == 3)


@virtual
async def test_nothing_is_claimed_without_a_slot() -> None:
    bench = Bench(FakeExecutors(0))
    await bench.submit(1)
    async with bench.running():
        await settle()
    assert bench.store.runs == []


@virtual
async def test_a_job_waits_for_its_time() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1)
    bench.change(1, not_before=bench.store.time + 50)
    async with bench.running():
        await settle()
        assert bench.executors.started == []
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
@virtual
async def test_whose_leases_are_taken_over_at_the_start(
    owner: str, age_ms: int, inherits: bool, taken: bool
) -> None:
    bench = Bench(FakeExecutors(1), inherits=inherits)
    await bench.submit(1)
    bench.lease(1, owner, age_ms=age_ms)
    with capture_logs() as logs:
        async with bench.running():
            await settle()
    assert bench.executors.started == ([(job_id(1), 4)] if taken else [])
    assert twins(logs) == []


@virtual
async def test_a_lease_under_our_name_that_appears_later_is_a_twins() -> None:
    bench = Bench(FakeExecutors(1), inherits=True)
    await bench.submit(1)
    bench.executors.slots = 0
    async with bench.running():
        await settle()
        bench.lease(1, "poller-a")
        bench.offer(1)
        await settle()
    assert bench.executors.started == []


@virtual
async def test_waiting_jobs_are_told_their_places_every_five_seconds() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1, 2, 3)
    async with bench.running():
        await asyncio.sleep(4.9)
        assert bench.queue.places == {}
        await asyncio.sleep(0.2)
    assert bench.queue.places == {job_id(2): 1, job_id(3): 2}


@virtual
async def test_places_that_could_not_be_told_are_told_at_the_next_change() -> None:
    bench = Bench(FakeExecutors(0))
    await bench.submit(1)
    async with bench.running():
        await settle()
        bench.queue.place_faults = [Transient("database away")]
        await asyncio.sleep(6)
        assert bench.queue.places == {}
        await bench.submit(2)
        await asyncio.sleep(6)
    assert bench.queue.places == {job_id(1): 1, job_id(2): 2}


@virtual
async def test_a_job_that_is_being_claimed_counts_for_the_places_but_is_told_none() -> None:
    bench = Bench(FakeExecutors(1), queue=SlowQueue)
    await bench.submit(1, 2)
    async with bench.running():
        await asyncio.sleep(6)
    assert bench.queue.places == {job_id(2): 1}


@virtual
async def test_what_runs_elsewhere_has_no_place() -> None:
    bench = Bench(FakeExecutors(0))
    await bench.submit(1, 2)
    bench.lease(1, "poller-b")
    async with bench.running():
        await asyncio.sleep(6)
    assert bench.queue.places == {job_id(2): 1}


@virtual
async def test_eight_places_are_told_at_once() -> None:
    bench = Bench(FakeExecutors(0), queue=SlowPlaces)
    await bench.submit(*range(1, 18))
    async with bench.running():
        await asyncio.sleep(6)
        assert bench.queue.telling == 8
        bench.queue.gate.set()
        await settle()
    assert len(bench.queue.places) == 17


@virtual
async def test_trouble_with_one_job_leaves_the_others_alone() -> None:
    bench = Bench(FakeExecutors(1))
    bench.queue.faults = [ValueError("a fault of ours"), Transient("database away")]
    await bench.submit(1, 2, 3)
    async with bench.running():
        await eventually(lambda: bench.executors.started)
    assert [started for started, _ in bench.executors.started] == [job_id(3)]


@pytest.mark.parametrize(("fault", "seconds"), [(Transient("database away"), 1), (ValueError("ours"), 30)])
@virtual
async def test_a_job_that_met_trouble_is_tried_again_after_a_pause(fault: Exception, seconds: float) -> None:
    bench = Bench(FakeExecutors(1))
    bench.queue.faults = [fault]
    await bench.submit(1)
    async with bench.running():
        await asyncio.sleep(seconds - 0.1)
        assert bench.executors.started == []
        await eventually(lambda: bench.executors.started, seconds=0.2)


@virtual
async def test_a_removal_stops_what_runs_and_then_deletes() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1)
    async with bench.running():
        await eventually(lambda: bench.executors.started)
        await bench.queue.delete(job_id(1))
        await eventually(lambda: not bench.store.jobs)
    assert bench.store.removals == set()
    assert bench.executors.held == 0


@virtual
async def test_a_removal_of_what_runs_elsewhere_waits_for_its_lease() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1)
    bench.lease(1, "poller-b", age_ms=12_000)
    await bench.queue.delete(job_id(1))
    async with bench.running():
        await asyncio.sleep(17.9)
        assert bench.store.jobs
        await eventually(lambda: not bench.store.jobs, seconds=2.2)  # it looks every five seconds
    assert bench.executors.started == []


@virtual
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


async def owing(_: Any) -> AsyncGenerator[executor_pb2.ExecuteResponse, None]:
    """An executor whose language model never answers, so that it cannot leave."""
    while True:
        yield executor_pb2.ExecuteResponse(beat=executor_pb2.Beat())
        await VirtualClock().sleep(5)


@virtual
async def test_a_drain_waits_for_open_answers_for_so_long_and_then_says_what_it_breaks_off() -> None:
    bench = Bench(FakeExecutors(2, [owing]))
    await bench.submit(1, 2)
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(bench.dispatcher.run())
            await eventually(lambda: len(bench.executors.started) == 2)
            bench.dispatcher.drain()
            await asyncio.sleep(15.9)
            assert (len(bench.dispatcher.running), work.done()) == (1, False)
            await asyncio.sleep(0.2)
            assert work.done()
    assert [line["running"] for line in logs if line["event"] == "dispatcher.broken_off"] == [1]
    assert all(it.entry and it.entry.interruptions == 1 for it in bench.store.jobs.values())


@virtual
async def test_a_removal_stops_what_a_drain_waits_for() -> None:
    bench = Bench(FakeExecutors(1, [owing]))
    await bench.submit(1)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(bench.dispatcher.run())
        await eventually(lambda: bench.executors.started)
        bench.dispatcher.drain()
        await settle()
        await bench.queue.delete(job_id(1))


@virtual
async def test_a_claim_lost_before_the_stream_told_is_not_repeated_at_once() -> None:
    bench = Bench(FakeExecutors(0))
    await bench.submit(1)
    async with bench.running():
        await settle()
        stored = bench.store.jobs[job_id(1)]
        assert stored.entry is not None
        stored.entry = replace(stored.entry, lease=Lease(epoch=3))
        bench.offer(1)
        await settle()
        bench.store.put(stored.entry)
        await asyncio.sleep(0.9)
        assert bench.executors.started == []
        await eventually(lambda: bench.executors.started == [(job_id(1), 4)], seconds=0.2)


@pytest.mark.parametrize("wait_ms", range(1, 6))
@virtual
async def test_a_job_whose_time_comes_during_a_turn_is_not_forgotten(wait_ms: int) -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1)
    bench.change(1, not_before=bench.store.time + wait_ms)
    bench.store.tick_ms = 1
    async with bench.running():
        await eventually(lambda: bench.executors.started, seconds=1)


@virtual
async def test_of_two_pauses_the_shorter_ends_first() -> None:
    bench = Bench(FakeExecutors(2))
    bench.queue.faults = [ValueError("a fault of ours"), Transient("database away")]
    await bench.submit(1, 2)
    async with bench.running():
        await eventually(lambda: bench.executors.started == [(job_id(1), 1)], seconds=1.1)


@virtual
async def test_a_job_starts_at_its_time_to_the_millisecond() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1)
    bench.change(1, not_before=bench.store.time + 20_000)
    async with bench.running():
        await asyncio.sleep(19.998)
        assert bench.executors.started == []
        await asyncio.sleep(0.004)
        assert bench.executors.started


@virtual
async def test_it_tells_what_runs_what_waits_and_for_how_long() -> None:
    bench = Bench(FakeExecutors(1))
    assert bench.dispatcher.backlog.jobs is None
    await bench.submit(1, 2, 3)
    async with bench.running():
        await asyncio.sleep(60)
        told = (len(bench.dispatcher.running), bench.dispatcher.backlog.queued, bench.dispatcher.backlog.jobs)
        assert told == (1, 2, 3)
        waiting = bench.store.jobs[job_id(2)].created_at
        assert bench.dispatcher.backlog.oldest_age == (bench.store.time - waiting) / 1000 > 59


@pytest.mark.parametrize("numbers", [[], [1], [1, 2]])
@virtual
async def test_what_does_not_wait_or_comes_from_the_future_has_no_age(numbers: list[int]) -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(*numbers)
    async with bench.running():
        await settle()
        if len(numbers) == 2:
            bench.change(2, created_at=bench.store.time + 60_000)
            await settle()
        assert bench.dispatcher.backlog.oldest_age == 0.0


@virtual
async def test_whoever_waits_for_news_of_the_queue_hears_each_once() -> None:
    bench = Bench(FakeExecutors(0))
    async with bench.running():
        await settle()
        for number in (1, 2):
            news = asyncio.create_task(bench.dispatcher.backlog.learned())
            await settle()
            assert not news.done()
            await bench.submit(number)
            await asyncio.wait_for(news, 1)


@virtual
async def test_whoever_waits_for_the_drain_hears_of_it() -> None:
    bench = Bench(FakeExecutors(0))
    draining = asyncio.create_task(bench.dispatcher.until_draining())
    await settle()
    assert not draining.done()
    bench.dispatcher.drain()
    await asyncio.wait_for(draining, 1)


@virtual
async def test_what_a_whole_change_does_not_name_is_gone() -> None:
    bench = Bench(FakeExecutors(0))
    await bench.submit(1, 2)
    async with bench.running():
        await settle()
        bench.queue.faults = [Transient("database away")]
        bench.store.tell(QueueChange(garbage={job_id(3): "no createdAt"}))
        await settle()
        kept = bench.store.jobs[job_id(2)].entry
        bench.store.tell(QueueChange(whole=True, jobs={job_id(2): kept}))
        await asyncio.sleep(5)
        assert bench.dispatcher.backlog.jobs == 1
        assert bench.queue.dropped == {}
        bench.offer(2)
        await settle()
    assert bench.executors.started == [(job_id(2), 1)]


@pytest.mark.parametrize("mended", [False, True])
@virtual
async def test_garbage_is_dropped_once_unless_it_becomes_a_job(mended: bool) -> None:
    bench = Bench(FakeExecutors(0))
    async with bench.running():
        await settle()
        bench.queue.faults = [Transient("database away")]
        bench.store.tell(QueueChange(garbage={job_id(1): "no createdAt"}))
        await settle()
        if mended:
            await bench.submit(1)
        await asyncio.sleep(1.1)
        assert bench.queue.dropped == ({} if mended else {job_id(1): "no createdAt"})
        bench.queue.dropped.clear()
        await asyncio.sleep(60)
        assert bench.queue.dropped == {}


class SlowDrops(FakeQueue):
    """Drops are on their way for a second."""

    async def drop(self, job_id: str, reason: str) -> None:
        await VirtualClock().sleep(1)


@virtual
async def test_garbage_that_becomes_a_job_while_it_is_dropped_is_no_trouble() -> None:
    bench = Bench(FakeExecutors(1), queue=SlowDrops)
    async with bench.running():
        await settle()
        bench.store.tell(QueueChange(garbage={job_id(1): "no createdAt"}))
        await settle()
        await bench.submit(1)
        await asyncio.sleep(1.1)
        assert bench.executors.started == [(job_id(1), 1)]


# ── our own name ─────────────────────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_a_twin_is_told_once_for_each_lease_it_takes() -> None:
    bench = Bench(FakeExecutors(0), inherits=True)
    await bench.submit(1)
    async with bench.running():
        await settle()
        with capture_logs() as logs:
            bench.lease(1, "poller-a")
            bench.lease(1, "poller-a")
            await settle()
        assert twins(logs) == [job_id(1)]


@pytest.mark.parametrize(
    ("whole", "busy", "told"), [(True, set[str](), []), (False, {"j"}, []), (False, set[str](), ["j"])]
)
def test_a_lease_on_which_nothing_of_ours_works_is_a_twins(
    whole: bool, busy: set[str], told: list[str]
) -> None:
    """Also where it is told of before the first snapshot, in which it may be a predecessor's."""
    lease = Lease(epoch=1, token="theirs", owner="poller-a", renewed_at=1)
    change = QueueChange(whole=whole, jobs={"j": Job(id="j", created_at=1, lease=lease)})
    with capture_logs() as logs:
        OwnName("poller-a", inherits=True).look(change, busy=busy)
    assert twins(logs) == told


@virtual
async def test_only_the_first_snapshot_tells_of_a_predecessor() -> None:
    bench = Bench(FakeExecutors(1), inherits=True)
    await bench.submit(1)
    async with bench.running():
        await eventually(lambda: bench.executors.started)
        bench.executors.started.clear()
        entry = bench.store.jobs[job_id(1)].entry
        bench.store.tell(QueueChange(whole=True, jobs={job_id(1): entry}))
        bench.offer(2)
        await bench.submit(2)
        bench.lease(2, "poller-a")
        entry = bench.store.jobs[job_id(2)].entry
        bench.store.tell(QueueChange(whole=True, jobs={job_id(2): entry}))
        await settle()
    assert bench.executors.started == []


@virtual
async def test_what_was_inherited_once_is_not_inherited_again() -> None:
    bench = Bench(FakeExecutors(1, [Transient("no answer")]), inherits=True)
    await bench.submit(1)
    bench.lease(1, "poller-a")
    async with bench.running():
        await eventually(lambda: bench.executors.started == [(job_id(1), 4)])
        await settle()
        bench.lease(1, "poller-a")
        await asyncio.sleep(20)
    assert bench.executors.started == [(job_id(1), 4)]


@virtual
async def test_what_another_poller_has_taken_meanwhile_is_not_inherited() -> None:
    bench = Bench(FakeExecutors(0), inherits=True)
    await bench.submit(1)
    bench.lease(1, "poller-a", age_ms=60_000)
    async with bench.running():
        await settle()
        bench.lease(1, "poller-b")
        await settle()
        bench.offer(1)
        await settle()
        assert bench.executors.started == []


@virtual
async def test_a_lease_that_trouble_left_behind_is_no_twins() -> None:
    bench = Bench(FakeExecutors(1))
    await bench.submit(1)
    async with bench.running():
        await eventually(lambda: bench.executors.started)
        with capture_logs() as logs:
            bench.store.runs[0].faults["keep"] = ValueError("a fault of ours")
            bench.store.runs[0].lose()
            await settle()
            assert len(bench.dispatcher.running) == 0
            bench.change(1, position=0, not_before=1)
            await settle()
        assert twins(logs) == []


# ── what happens while a claim is on its way ─────────────────────────────────────────────────────────────────────


@virtual
async def test_a_drain_during_a_claim_hands_the_job_back() -> None:
    bench = Bench(FakeExecutors(1), queue=SlowQueue)
    await bench.submit(1)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(bench.dispatcher.run())
        await settle()
        bench.dispatcher.drain()
        await settle()
        bench.queue.gate.set()
    entry = bench.store.jobs[job_id(1)].entry
    assert entry is not None
    assert (entry.waiting, entry.interruptions) == (True, 1)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@virtual
async def test_a_removal_during_a_claim_waits_for_it_and_then_deletes() -> None:
    bench = Bench(FakeExecutors(1), queue=SlowQueue)
    await bench.submit(1)
    async with bench.running():
        await settle()
        await bench.queue.delete(job_id(1))
        await settle()
        assert bench.store.jobs
        bench.queue.gate.set()
        await eventually(lambda: not bench.store.jobs, seconds=0.1)
    assert bench.queue.removing == 1


@virtual
async def test_a_claim_lost_after_the_stream_told_is_repeated_at_once() -> None:
    bench = Bench(FakeExecutors(1), queue=SlowQueue)
    await bench.submit(1)
    async with bench.running():
        await settle()
        bench.change(1, lease=Lease(epoch=3))
        await settle()
        bench.queue.gate.set()
        await eventually(lambda: bench.executors.started == [(job_id(1), 4)], seconds=0.1)


@virtual
async def test_a_job_is_claimed_by_one_task_at_a_time() -> None:
    bench = Bench(FakeExecutors(2), queue=SlowQueue)
    await bench.submit(1)
    async with bench.running():
        await settle()
        bench.executors.signal()
        await settle()
        assert bench.executors.held == 1


@virtual
async def test_what_was_removed_is_not_removed_again() -> None:
    """Also while the stream is silent."""
    bench = Bench(FakeExecutors(0), queue=SlowQueue)
    async with bench.running():
        await settle()
        bench.store.tell(QueueChange(removals={job_id(1): True}))
        bench.store.listeners.clear()
        await asyncio.sleep(100)
    assert bench.queue.removing == 1


@virtual
async def test_a_failed_run_waits_as_the_policy_says() -> None:
    bench = Bench(FakeExecutors(1, [Transient("no answer")]), retry=RetryPolicy(first_seconds=4))
    await bench.submit(1)
    async with bench.running():
        await settle(40)
        entry = bench.store.jobs[job_id(1)].entry
        assert entry is not None
        assert (entry.attempts, entry.not_before) == (1, bench.store.time + 2000)


# ── a loop that has nothing to do rests ──────────────────────────────────────────────────────────────────────────

STEPS_A_SECOND = 6
"""Of all tasks together: a turn a second, for what is tried again each second, takes about five."""


async def taken_and_postponed(bench: Bench) -> None:
    bench.queue.faults = [Transient("database away")]
    await bench.submit(1, 2, 3)


async def taken_and_in_trouble(bench: Bench) -> None:
    bench.queue.faults = [ValueError("a fault of ours")]
    await bench.submit(1, 2, 3)


async def without_executors(bench: Bench) -> None:
    bench.executors.slots = 0
    await bench.submit(1, 2, 3)


async def before_its_time(bench: Bench) -> None:
    await bench.submit(1, 2, 3)
    for number in (2, 3):
        bench.change(number, not_before=bench.store.time + 3_600_000)
    bench.offer(4)


async def leased_elsewhere(bench: Bench) -> None:
    await bench.submit(1, 2, 3)
    for number in (2, 3):
        bench.lease(number, "poller-b", age_ms=-3_600_000)
    bench.offer(4)


async def lost_again_and_again(bench: Bench) -> None:
    """The entry has changed, and the stream does not tell."""
    await bench.submit(1, 2)
    await settle()
    bench.store.jobs[job_id(2)].entry = None
    bench.offer(2)


async def removed_while_elsewhere(bench: Bench) -> None:
    await bench.submit(1, 2)
    bench.lease(2, "poller-b", age_ms=-3_600_000)
    await bench.queue.delete(job_id(2))


async def garbage_that_stays(bench: Bench) -> None:
    await bench.submit(1)
    await settle()
    bench.queue.faults = [Transient("database away")] * 1000
    bench.store.tell(QueueChange(garbage={job_id(2): "no createdAt"}))


async def many_that_wait(bench: Bench) -> None:
    await bench.submit(*range(1, 60))


@pytest.mark.parametrize(
    "situation",
    [
        taken_and_postponed,
        taken_and_in_trouble,
        without_executors,
        before_its_time,
        leased_elsewhere,
        lost_again_and_again,
        removed_while_elsewhere,
        garbage_that_stays,
        many_that_wait,
    ],
)
@virtual
async def test_a_loop_with_nothing_to_do_rests(situation: Callable[[Bench], Awaitable[None]]) -> None:
    bench = Bench(FakeExecutors(1))
    async with bench.running():
        await situation(bench)
        await asyncio.sleep(20)
        assert await steps_in(600) <= 600 * STEPS_A_SECOND


@virtual
async def test_two_jobs_that_one_more_crash_would_end_share_no_executor_and_hold_up_nobody() -> None:
    bench = Bench(FakeExecutors(3))
    await bench.submit(1, 2, 3, 4)
    bench.change(1, crashes=2)
    bench.change(2, crashes=2)
    async with bench.running():
        await eventually(lambda: len(bench.executors.started) == 3)
        assert [started for started, _ in bench.executors.started] == [job_id(1), job_id(3), job_id(4)]
        bench.executors.endings += [small_model(), small_model(), small_model()]
        await eventually(lambda: len(bench.executors.started) == 4, seconds=30)
    assert bench.executors.started[-1][0] == job_id(2)
