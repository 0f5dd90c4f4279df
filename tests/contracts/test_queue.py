"""What every queue promises: the fake of the unit tests, the embedded database, and a real one (TEST_DATABASE_URL)."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Any, Protocol

import pytest
from eventstorming.v1 import executor_pb2, job_pb2

from devkit.rtdb.server import Emulator
from poller.__main__ import SystemClock
from poller.errors import LeaseLost
from poller.job import Job, JobState, LogLevel, LogLine
from poller.metrics import Metrics
from poller.ports import (
    NOBODY,
    Caller,
    JobExists,
    JobNotFound,
    Jobs,
    Queue,
    QueueChange,
    Run,
    WrongState,
)
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.names import Nodes
from poller.rtdb.open import endpoint
from poller.rtdb.rest import Database
from poller.rtdb.writer import Writer
from tests.contracts.test_database import credentials_for
from tests.fakes import FakeQueue, FakeStore, eventually, small_model
from tests.poller.whole import Whole


class Both(Queue, Jobs, Protocol):
    """A queue and its jobs."""


class PushedClock(SystemClock):
    """Goes as the system's does, and further on where a test pushes it."""

    def __init__(self) -> None:
        self._ahead, self._pushed = 0.0, asyncio.Event()

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._pushed.wait()

    def push(self, seconds: float) -> None:
        self._ahead += seconds
        self._pushed.set()
        self._pushed = asyncio.Event()


MakeQueue = Callable[[str], Both]


@asynccontextmanager
async def fake() -> AsyncIterator[MakeQueue]:
    store = FakeStore()
    yield lambda owner: FakeQueue(store, owner=owner)


@asynccontextmanager
async def embedded() -> AsyncIterator[MakeQueue]:
    async with Emulator() as rtdb, AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            Database.connect(
                base_url=rtdb.url, namespace="test", credentials=EmulatorCredentials(), metrics=Metrics()
            )
        )
        yield await _over(database, "eventstorming_generator", stack)


@asynccontextmanager
async def real() -> AsyncIterator[MakeQueue]:
    """A namespace of its own, deleted afterwards."""
    url = os.environ["TEST_DATABASE_URL"]
    is_emulator = url.startswith("http:")
    base_url, name = endpoint(url, None)
    namespace = f"contract_{uuid.uuid4().hex}"
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            Database.connect(
                base_url=base_url,
                namespace=name or (namespace if is_emulator else None),
                credentials=credentials_for(url),
                metrics=Metrics(),
            )
        )
        try:
            yield await _over(database, namespace, stack)
        finally:
            for root in ("jobs", "requestedJobs", "jobStates", "jobIndex", "jobWebhooks"):
                await database.delete(f"{root}/{namespace}")


async def _over(database: Database, namespace: str, stack: AsyncExitStack) -> MakeQueue:
    writer = await stack.enter_async_context(
        Writer(database, Nodes(namespace), PushedClock(), metrics=Metrics())
    )
    return lambda owner: Whole(writer, owner=owner, lease_seconds=30)


MAKERS = {"fake": fake, "embedded": embedded} | ({"real": real} if "TEST_DATABASE_URL" in os.environ else {})


@pytest.fixture(params=MAKERS)
async def make_queue(request: pytest.FixtureRequest) -> AsyncIterator[MakeQueue]:
    async with MAKERS[request.param]() as make:
        yield make


@pytest.fixture
def queue(make_queue: MakeQueue) -> Both:
    return make_queue("poller-a")


def text(words: str = "A customer places an order.", job_id: str = "") -> job_pb2.JobInput:
    return job_pb2.JobInput(job_id=job_id, requirements=words)


async def entry(queue: Both, job_id: str) -> Job:
    """The job's entry as a fresh listener sees it."""
    async with aclosing(queue.changes()) as changes:
        async with asyncio.timeout(5):
            async for change in changes:
                if job := change.jobs.get(job_id):
                    return job
    raise AssertionError("unreachable")


async def submitted(queue: Both, job_id: str = "") -> Job:
    view = await queue.submit(text(job_id=job_id))
    return await entry(queue, view.job_id)


async def claimed(queue: Both, job: Job) -> Run:
    run = await queue.claim(job)
    assert run is not None
    return run


async def answer(run: Run, key: str, *, unusable: bool = False) -> None:
    """Returns when the answer is durable."""
    stored = asyncio.Event()

    async def durable(_: object) -> None:
        stored.set()

    run.journal.remember(1, executor_pb2.JournalEntry(key=key, value=f'"{key}"', tokens=3, unusable=unusable))
    async with asyncio.TaskGroup() as group:
        storing = group.create_task(run.store(durable))
        await asyncio.wait_for(stored.wait(), 5)
        storing.cancel()


async def recalled(run: Run) -> list[str]:
    return [found.key for found in await run.journal.recall()]


async def soon(queue: Both, work: Coroutine[Any, Any, Any]) -> Any:
    """What comes of it, without waiting for the time it waits."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.wait({task}, timeout=0.02)
        if clock := getattr(queue, "clock", None):
            clock.push(1.0)
    return await task


async def test_what_a_caller_wants_kept_is_kept_with_the_job_and_goes_with_it(queue: Both) -> None:
    view = await queue.submit(text(), caller=Caller(context="a talk"))
    other = await queue.submit(text())
    assert (await queue.caller(view.job_id)).context == "a talk"
    assert await queue.caller(other.job_id) == await queue.caller("unknown") == NOBODY
    assert await soon(queue, queue.remove(view.job_id))
    assert await queue.caller(view.job_id) == NOBODY


async def test_a_submitted_job_waits(queue: Both) -> None:
    view = await queue.submit(text())
    assert view.state is JobState.QUEUED
    assert (await entry(queue, view.job_id)).waiting


async def test_submitting_the_same_again_changes_nothing(queue: Both) -> None:
    job_id = str(uuid.uuid4())
    await queue.submit(text(job_id=job_id))
    before = await entry(queue, job_id)
    assert (await queue.submit(text(job_id=job_id))).job_id == job_id
    assert await entry(queue, job_id) == before
    with pytest.raises(JobExists):
        await queue.submit(text("Another text.", job_id=job_id))
    assert await entry(queue, job_id) == before


async def test_an_unknown_job_is_not_found(queue: Both) -> None:
    for call in (queue.get, queue.input, queue.retry, queue.delete):
        with pytest.raises(JobNotFound):
            await call(str(uuid.uuid4()))


async def test_only_one_of_two_pollers_claims_a_job(make_queue: MakeQueue) -> None:
    one, two = make_queue("poller-a"), make_queue("poller-b")
    job = await submitted(one)
    runs = [await queue.claim(job) for queue in (one, two)]
    assert [run is not None for run in runs] == [True, False]
    assert (await entry(two, job.id)).lease.owner == "poller-a"


async def test_a_claimed_job_runs_with_its_input_and_a_first_progress(queue: Both) -> None:
    job = await submitted(queue)
    run = await claimed(queue, job)
    assert run.job.lease.epoch == 1
    assert run.input.requirements == "A customer places an order."
    await answer(run, "q1")
    view = await queue.get(job.id)
    assert (view.state, view.current_progress) == (JobState.RUNNING, 1)


async def test_a_released_job_is_claimed_again_with_the_next_epoch_and_its_counters(queue: Both) -> None:
    run = await claimed(queue, await submitted(queue))
    await run.settlement.release(run.job.interrupted())
    again = await claimed(queue, await _once(queue, run.job.id, lambda job: job.waiting))
    assert (again.job.lease.epoch, again.job.interruptions, again.job.crashes) == (2, 1, 0)


async def _once(queue: Both, job_id: str, holds: Callable[[Job], bool | int]) -> Job:
    """The entry as soon as it is so."""

    async def seen() -> Job | None:
        job = await entry(queue, job_id)
        return job if holds(job) else None

    found: Job = await eventually(seen)
    return found


async def test_a_durable_answer_is_recalled_in_the_next_run_and_the_newest_wins(queue: Both) -> None:
    run = await claimed(queue, await submitted(queue))
    await answer(run, "q1")
    await run.begin_again(run.job.crashed(answered=run.journal.answered))
    assert await recalled(run) == ["q1"]
    await answer(run, "q2")
    await run.settlement.release(run.job)
    again = await claimed(queue, await _once(queue, run.job.id, lambda job: job.waiting))
    assert again.job.lease.epoch == 3
    assert await recalled(again) == ["q1", "q2"]


async def test_a_completed_job_leaves_the_queue_and_keeps_its_model(queue: Both) -> None:
    run = await claimed(queue, await submitted(queue))
    await run.settlement.complete(small_model(), tokens_used=12)
    view = await queue.get(run.job.id)
    assert view.state is JobState.COMPLETED
    assert view.model == small_model()
    assert view.ended_at
    assert await queue.claim(run.job) is None


async def test_a_failed_job_says_why(queue: Both) -> None:
    run = await claimed(queue, await submitted(queue))
    run.display.say(LogLine(level=LogLevel.INFO, message="begun", key="begun"))
    await run.settlement.fail("It did not work.")
    view = await queue.get(run.job.id)
    assert (view.state, view.failure) == (JobState.FAILED, "It did not work.")
    assert [line.message for line in view.log] == ["begun", "It did not work."]


async def test_a_line_with_the_same_key_is_said_once(queue: Both) -> None:
    run = await claimed(queue, await submitted(queue))
    for _ in range(2):
        run.display.say(LogLine(level=LogLevel.INFO, message="found it", key="found"))
    await run.settlement.fail("over")
    assert [line.message for line in (await queue.get(run.job.id)).log] == ["found it", "over"]


async def test_a_lease_that_ran_out_is_taken_over_and_counts_as_a_crash(make_queue: MakeQueue) -> None:
    one, two = make_queue("poller-a"), make_queue("poller-b")
    job = await submitted(one)
    run = await claimed(one, job)
    seen = await entry(two, job.id)
    taken = await claimed(two, seen)
    assert (taken.job.lease.epoch, taken.job.crashes) == (2, 1)
    with pytest.raises(LeaseLost):
        await run.begin_again(run.job)


@pytest.mark.heavy
async def test_three_lost_runs_without_an_answer_end_the_job(queue: Both) -> None:
    job = await submitted(queue)
    for _ in range(3):
        await claimed(queue, job)
        job = await entry(queue, job.id)
    assert await soon(queue, queue.claim(job)) is None
    assert (await queue.get(job.id)).state is JobState.FAILED


@pytest.mark.parametrize("running", [False, True])
async def test_a_cancelled_job_fails_with_the_name_of_who_asked(make_queue: MakeQueue, running: bool) -> None:
    one, two = make_queue("poller-a"), make_queue("poller-b")
    job = await submitted(one)
    run = await claimed(one, job) if running else None
    view = await two.cancel(job.id, by="Kim")
    assert (view.state, view.failure, view.cancelled) == (JobState.FAILED, "Cancelled by Kim.", True)
    if run is not None:
        with pytest.raises(LeaseLost):
            await run.begin_again(run.job)
    with pytest.raises(WrongState):
        await two.cancel(job.id, by="Kim")


async def test_a_failed_job_is_tried_again_with_its_usable_answers(queue: Both) -> None:
    run = await claimed(queue, await submitted(queue))
    await answer(run, "good")
    await answer(run, "bad", unusable=True)
    await run.settlement.fail("over")
    assert (await queue.retry(run.job.id)).state is JobState.QUEUED
    again = await claimed(queue, await _once(queue, run.job.id, lambda job: job.waiting))
    assert again.job.lease.epoch > run.job.lease.epoch
    assert await recalled(again) == ["good"]
    with pytest.raises(WrongState):
        await queue.retry(run.job.id)


async def test_epochs_go_on_growing_when_nothing_was_answered_and_the_entry_is_made_anew(
    queue: Both,
) -> None:
    job, epochs = await submitted(queue), []
    for _ in range(2):
        run = await claimed(queue, await _once(queue, job.id, lambda job: job.waiting))
        epochs.append(run.job.lease.epoch)
        await run.settlement.fail("over")
        await queue.retry(job.id)
    await queue.cancel(job.id, by="Kim")
    assert not (await queue.retry(job.id)).cancelled
    run = await claimed(queue, await _once(queue, job.id, lambda job: job.waiting))
    assert epochs == [1, 2]
    assert run.job.lease.epoch == 4


async def test_a_removal_request_is_told_and_fulfilled(queue: Both) -> None:
    job = await submitted(queue)
    await queue.delete(job.id)
    wanted: dict[str, bool] = {}
    async with aclosing(queue.changes()) as changes, asyncio.timeout(5):
        async for change in changes:
            wanted |= change.removals
            if wanted:
                break
    assert wanted == {job.id: True}
    assert await queue.remove(job.id)
    with pytest.raises(JobNotFound):
        await queue.get(job.id)


async def test_a_live_run_of_another_poller_is_not_removed(make_queue: MakeQueue) -> None:
    one, two = make_queue("poller-a"), make_queue("poller-b")
    job = await submitted(one)
    await claimed(one, job)
    assert not await two.remove(job.id)
    assert (await two.get(job.id)).state is JobState.RUNNING


async def test_a_place_is_told_to_waiting_jobs_only(queue: Both) -> None:
    job = await submitted(queue)
    await queue.show_position(job, 4)
    placed = await _once(queue, job.id, lambda job: job.position)
    run = await claimed(queue, placed)
    assert run.job.position == 0
    await queue.show_position(placed, 7)
    assert (await entry(queue, job.id)).position == 0


async def test_watching_starts_with_the_present_and_ends_with_the_end(queue: Both) -> None:
    job = await submitted(queue)
    states: list[JobState] = []

    async def watch() -> None:
        async with aclosing(queue.watch(job.id)) as views:
            async for view in views:
                states.append(view.state)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(watch())
        await eventually(lambda: states)
        run = await claimed(queue, job)
        await run.settlement.complete(small_model(), tokens_used=1)
    assert states[0] is JobState.QUEUED
    assert states[-1] is JobState.COMPLETED


async def test_listeners_hear_of_new_jobs_and_of_ended_ones(queue: Both) -> None:
    heard: list[QueueChange] = []

    async def listen() -> None:
        with suppress(asyncio.CancelledError):
            async with aclosing(queue.changes()) as changes:
                async for change in changes:
                    heard.append(change)

    async with asyncio.TaskGroup() as group:
        listening = group.create_task(listen())
        await eventually(lambda: heard)
        view = await queue.submit(text())
        job = await eventually(
            lambda: next((c.jobs[view.job_id] for c in heard if view.job_id in c.jobs), None)
        )
        run = await claimed(queue, job)
        await run.settlement.fail("over")
        await eventually(lambda: heard[-1].jobs.get(view.job_id, job) is None)
        listening.cancel()
    assert heard[0].whole
