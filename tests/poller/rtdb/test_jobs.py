"""What is asked of a job while something of its own run is still on the way into the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import nullcontext
from typing import Any

import pytest

from poller.job import JobState, LogLevel, LogLine
from poller.metrics import Metrics
from poller.ports import JobFilter, JobNotFound, WrongState
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.names import CANVAS, OUTPUTS, read_entry
from poller.rtdb.rest import Database
from poller.rtdb.run import RtdbRun
from poller.rtdb.writer import Writer
from tests.fakes import FakeClock, eventually, settle, small_model
from tests.poller.lifecycle import NODES, World, new_id, world
from tests.poller.whole import Whole


class Gate(EmulatorCredentials):
    """Lets the first request after `shut` wait for its token until `opened` is set."""

    def __init__(self) -> None:
        self.shut, self.waiting, self.opened = False, False, asyncio.Event()

    async def token(self, *, stale: str | None = None) -> str | None:
        if self.shut:
            self.shut, self.waiting = False, True
            await self.opened.wait()
        return await super().token(stale=stale)


class Here:
    """A poller, and the job it runs."""

    def __init__(self, rtdb: World, gate: Gate, queue: Whole, run: RtdbRun) -> None:
        self.rtdb, self.gate, self.queue, self.run = rtdb, gate, queue, run
        self.job = run.job.id

    async def write_on_its_way(self, group: asyncio.TaskGroup) -> None:
        self.gate.shut = True
        self.run.display.say(LogLine(level=LogLevel.INFO, message="hello"))
        storing = group.create_task(self.run.store(nobody))
        await eventually(lambda: self.gate.waiting)
        storing.cancel()


async def nobody(_: object) -> None:
    return


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    gate = Gate()
    async with (
        world() as rtdb,
        Database.connect(
            base_url=rtdb.rtdb.url, namespace="test", credentials=gate, metrics=Metrics()
        ) as database,
        Writer(database, NODES, FakeClock(), chance=lambda: 0.5, metrics=Metrics()) as writer,
    ):
        job = new_id()
        await rtdb.create(job)
        queue = Whole(writer, owner="poller-a", lease_seconds=30)
        run = await queue.claim(read_entry(job, await rtdb.entry(job)))
        assert run is not None
        async with run:
            yield Here(rtdb, gate, queue, run)


async def test_a_cancel_waits_for_what_is_on_its_way(here: Here) -> None:
    async with asyncio.TaskGroup() as group:
        await here.write_on_its_way(group)
        cancelling = group.create_task(here.queue.cancel(here.job, by="Kim"))
        await eventually(lambda: _is_taken(here))
        await settle(2000)
        assert "isFailed" not in await here.rtdb.outputs(here.job)
        here.gate.opened.set()
    assert cancelling.result().state is JobState.FAILED
    messages = [line["message"] for line in (await here.rtdb.outputs(here.job))["logs"]]
    assert messages == ["Cancelled by Kim."]
    assert await here.rtdb.entry(here.job) is None


async def _is_taken(here: Here) -> bool:
    return bool((await here.rtdb.entry(here.job))["lease"]["owner"] == "poller-a/cancel")


async def test_what_is_missing_or_over_is_named(here: Here) -> None:
    gone = new_id()
    with pytest.raises(JobNotFound, match=f"There is no job {gone}."):
        await here.queue.input(gone)
    assert await here.queue.msaez(gone) is None
    await here.rtdb.database.patch(NODES.leaf(here.job, OUTPUTS), {"isCompleted": True})
    with pytest.raises(WrongState, match=f"The job {here.job} is completed already."):
        await here.queue.cancel(here.job, by="Kim")


async def test_a_job_between_its_entries_is_not_cancelled() -> None:
    async with world() as rtdb, rtdb.poller() as poller:
        await rtdb.create(job := new_id())
        await rtdb.database.delete(NODES.entry(job))
        with pytest.raises(WrongState, match=f"The job {job} is not queued any more."):
            await poller.queue.cancel(job, by="Kim")


@pytest.mark.parametrize("runs", [False, True])
async def test_a_cancel_is_told_in_the_language_of_the_job(here: Here, runs: bool) -> None:
    job = new_id()
    await here.rtdb.create(job, preferedLanguage="Korean")
    run = await here.queue.claim(read_entry(job, await here.rtdb.entry(job))) if runs else None
    async with run or nullcontext():
        view = await here.queue.cancel(job, by="Kim")
    assert view.failure == "Kim 님이 취소했습니다."
    assert [line.message for line in view.log if line.level is LogLevel.ERROR] == [view.failure]


async def test_a_canvas_has_both_its_parts_however_little_is_on_it(here: Here) -> None:
    await here.rtdb.database.put(NODES.leaf(here.job, CANVAS), {"elements": {"a": {"id": "a"}}})
    assert await here.queue.msaez(here.job) == {"elements": {"a": {"id": "a"}}, "relations": {}}
    await here.rtdb.database.put(NODES.leaf(here.job, CANVAS), {"relations": {"b": {"id": "b"}}})
    assert await here.queue.msaez(here.job) == {"elements": {}, "relations": {"b": {"id": "b"}}}


async def test_jobs_are_listed_from_the_first() -> None:
    async with world() as rtdb, rtdb.poller() as poller:
        await rtdb.create(job := new_id())
        await eventually(lambda: poller.dispatcher.backlog.jobs)
        page = await poller.queue.list_jobs(JobFilter(), size=1)
    assert [listed.job_id for listed in page.jobs] == [job]


async def test_a_removal_waits_for_what_is_on_its_way(here: Here) -> None:
    async with asyncio.TaskGroup() as group:
        await here.write_on_its_way(group)
        removing = group.create_task(here.queue.remove(here.job))
        await settle(2000)
        assert await here.rtdb.entry(here.job) is not None
        here.gate.opened.set()
    assert removing.result()
    await here.rtdb.gone(here.job)


@pytest.mark.parametrize("late", [{"state/outputs/logs/0": "late"}, {"run/epochs/1": 1}])
async def test_a_removal_takes_away_what_was_written_after_it_had_deleted_the_job(
    here: Here, late: dict[str, Any]
) -> None:
    await here.rtdb.ask_removal(here.job)
    node = NODES.job(here.job)
    here.rtdb.rtdb.faults.change({"frozen": True, "method": "GET", "path": f"{node}/state"})
    removing = asyncio.create_task(here.queue.remove(here.job))
    await eventually(lambda: _is_deleted(here))
    await here.rtdb.database.patch(node, late)
    here.rtdb.rtdb.faults.reset()
    assert await removing
    await here.rtdb.gone(here.job)


async def _is_deleted(here: Here) -> bool:
    return await here.rtdb.database.get(NODES.job(here.job)) is None


@pytest.mark.parametrize(
    "ending",
    [
        lambda run: run.settlement.complete(small_model(), tokens_used=1),
        lambda run: run.settlement.fail("It ended so."),
        lambda run: run.begin_again(run.job),
        lambda run: run.settlement.release(run.job),
    ],
    ids=["completed", "failed", "begun again", "released"],
)
async def test_an_ending_waits_for_what_is_on_its_way(
    here: Here, ending: Callable[[RtdbRun], Coroutine[Any, Any, None]]
) -> None:
    async with asyncio.TaskGroup() as group:
        await here.write_on_its_way(group)
        before = here.rtdb.rtdb.store.commits
        group.create_task(ending(here.run))
        await asyncio.to_thread(lambda: None)  # where a model is checked
        await settle(2000)
        assert here.rtdb.rtdb.store.commits == before
        here.gate.opened.set()
    assert here.rtdb.rtdb.store.commits > before + 1
