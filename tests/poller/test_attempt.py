"""One attempt on fakes: every ending of a run, and what becomes of the job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
from eventstorming.v1 import executor_pb2, job_pb2

from poller import attempt as attempt_module
from poller.attempt import Attempt, Limits, Stop
from poller.errors import LeaseLost, Permanent, Transient
from poller.job import JobState, RetryPolicy
from poller.metrics import Metrics
from poller.ports import ExecutorGone, HandedBack
from tests.fakes import (
    Ending,
    FakeClock,
    FakeExecutors,
    FakePlacement,
    FakeQueue,
    FakeRun,
    FakeStore,
    eventually,
    small_model,
)

ID = "00000000-0000-0000-0000-000000000001"


class Bench:
    """A claimed job, executors with scripted endings, and the attempt that ties them."""

    def __init__(self, store: FakeStore, run: FakeRun, executors: FakeExecutors, limits: Limits) -> None:
        self.store, self.run, self.executors = store, run, executors
        self.attempt = Attempt(
            run,
            executors,
            FakeClock(),
            now=lambda: store.time,
            chance=lambda: 0.5,
            retry=RetryPolicy(max_attempts=2, first_seconds=2),
            limits=limits,
            metrics=Metrics(),
        )

    async def work(self) -> None:
        slot = self.executors.place()
        assert slot is not None
        async with asyncio.timeout(5):
            await self.attempt.work(slot)
        assert self.executors.held == 0

    @property
    def state(self) -> JobState | None:
        return self.store.jobs[ID].state


async def bench(*endings: Ending, slots: int = 1, limits: Limits | None = None) -> Bench:
    store = FakeStore()
    queue = FakeQueue(store)
    await queue.submit(job_pb2.JobInput(job_id=ID, requirements="A customer places an order."))
    entry = store.jobs[ID].entry
    assert entry is not None
    run = await queue.claim(entry)
    assert run is not None
    return Bench(store, run, FakeExecutors(slots, list(endings)), limits or Limits())


async def test_a_completed_run_completes_the_job() -> None:
    work = await bench(small_model())
    await work.work()
    assert work.state is JobState.COMPLETED


async def test_an_executor_that_vanishes_costs_a_crash_and_the_next_epoch_goes_on_at_once() -> None:
    work = await bench(ExecutorGone("gone"), small_model())
    await work.work()
    assert work.executors.started == [(ID, 1), (ID, 2)]
    assert work.executors.recalled == [[], ["q1"]]
    assert (work.run.job.crashes, work.run.job.attempts) == (1, 0)
    assert work.state is JobState.COMPLETED


async def test_without_another_slot_the_job_goes_back_to_its_place() -> None:
    work = await bench(HandedBack("draining"))
    slot = work.executors.place()
    assert slot is not None
    work.executors.slots = 0
    await work.attempt.work(slot)
    entry = work.store.jobs[ID].entry
    assert entry is not None
    assert entry.waiting
    assert (entry.interruptions, entry.attempts, entry.crashes) == (1, 0, 0)


@pytest.mark.parametrize(
    "error", [Transient("no answer"), ValueError("a fault of ours"), TimeoutError("somebody else's deadline")]
)
async def test_a_run_that_raises_waits_for_its_next_attempt(error: Exception) -> None:
    work = await bench(error)
    await work.work()
    entry = work.store.jobs[ID].entry
    assert entry is not None
    assert (entry.attempts, entry.not_before) == (1, work.store.time + 1000)


async def test_the_wait_is_as_long_as_the_language_model_asked() -> None:
    work = await bench(Transient("busy", retry_after=60))
    await work.work()
    entry = work.store.jobs[ID].entry
    assert entry is not None
    assert entry.not_before == work.store.time + 60_000


async def test_the_last_attempt_fails_the_job_with_its_reason() -> None:
    work = await bench(Transient("no answer"))
    work.run.job = work.run.job.raised()
    await work.work()
    assert work.state is JobState.FAILED
    assert "Given up after 2 attempts" in work.store.jobs[ID].failure
    assert "no answer" in work.store.jobs[ID].failure


async def test_a_permanent_error_fails_the_job_in_its_own_words() -> None:
    work = await bench(Permanent("The key is wrong: set OPENAI_API_KEY."))
    await work.work()
    assert work.store.jobs[ID].failure == "The key is wrong: set OPENAI_API_KEY."


async def test_an_overtaken_run_settles_nothing() -> None:
    work = await bench(LeaseLost("epoch 7 runs"))
    before = work.store.jobs[ID].entry
    await work.work()
    assert (work.state, work.store.jobs[ID].entry) == (None, before)


@pytest.mark.parametrize(("why", "interruptions"), [(Stop.DRAINED, 1), (Stop.REMOVED, 0)])
async def test_a_stopped_run_ends_at_once(why: Stop, interruptions: int) -> None:
    work = await bench()
    async with asyncio.TaskGroup() as group:
        group.create_task(work.work())
        await eventually(lambda: work.executors.started)
        work.attempt.stop(why)
    entry = work.store.jobs[ID].entry
    assert entry is not None
    assert (entry.interruptions, entry.waiting) == (interruptions, why is Stop.DRAINED)
    assert work.state is None


async def test_tokens_beyond_the_limit_fail_the_job_before_anything_is_asked() -> None:
    work = await bench(limits=Limits(max_tokens=5))
    work.run.remember(1, executor_pb2.JournalEntry(key="q", value="{}", tokens=5))
    await work.work()
    assert work.executors.started == []
    assert "5 tokens" in work.store.jobs[ID].failure


class Overtaken(FakePlacement):
    """The stream of a run whose frames of the epoch before come in between."""

    async def execute(
        self, frames: AsyncIterator[executor_pb2.ExecuteRequest]
    ) -> AsyncGenerator[executor_pb2.ExecuteResponse, None]:
        old: Any = {"job_id": ID, "epoch": 0, "seq": 7}
        entry = executor_pb2.JournalEntry(key="old", value="{}", tokens=1)
        yield executor_pb2.ExecuteResponse(**old, answer=entry)
        yield executor_pb2.ExecuteResponse(**old, progress=executor_pb2.Progress(current=9, total=11))
        yield executor_pb2.ExecuteResponse(**old, completed=executor_pb2.Completed(model=small_model()))
        async for frame in super().execute(frames):
            yield frame


async def test_frames_of_another_epoch_are_dropped() -> None:
    wanted = small_model(aggregates=2)
    work = await bench(wanted)
    assert work.executors.place() is not None
    async with asyncio.timeout(5):
        await work.attempt.work(Overtaken(work.executors))
    stored = work.store.jobs[ID]
    assert (stored.model, stored.current) == (wanted, 1)
    assert list(stored.journal[1]) == ["q1"]


async def test_a_job_whose_time_is_over_fails() -> None:
    work = await bench(limits=Limits(job_seconds=60))
    work.store.time += 61_000
    await work.work()
    assert "time limit" in work.store.jobs[ID].failure


async def test_a_deadline_of_somebody_else_is_not_the_jobs() -> None:
    work = await bench(small_model())
    work.run.faults["recall"] = TimeoutError("somebody else's deadline")
    await work.work()
    entry = work.store.jobs[ID].entry
    assert entry is not None
    assert entry.attempts == 1


async def test_an_executor_without_a_sign_of_life_is_dead() -> None:
    async def silent() -> AsyncIterator[executor_pb2.ExecuteResponse]:
        await asyncio.Event().wait()
        yield executor_pb2.ExecuteResponse()

    with pytest.raises(ExecutorGone, match="no sign of life"):
        async for _ in attempt_module.alive(silent(), seconds=0.01):
            pass


@pytest.mark.parametrize("sizes", [[], [10], [300_000] * 5, [2_000_000, 10]])
def test_a_recall_is_split_below_the_size_of_a_message_and_marks_its_end(sizes: list[int]) -> None:
    answers = [executor_pb2.JournalEntry(key=str(n), value="x" * size) for n, size in enumerate(sizes)]
    frames = attempt_module.recalls(answers)
    assert [entry for frame in frames for entry in frame.entries] == answers
    assert [frame.last for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert all(len(frame.entries) == 1 or frame.ByteSize() < 1 << 20 for frame in frames)
