"""A failed job is queued again in one write: whoever dies meanwhile leaves it failed or queued, and nothing between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from eventstorming.v1 import job_pb2
from eventstorming.v1.executor_pb2 import JournalEntry

from poller.errors import Transient
from poller.job import JobState
from poller.ports import Caller, JobExists, Webhook, WrongState
from poller.rtdb import fence
from poller.rtdb.display import said_name
from poller.rtdb.journal import entry_text
from poller.rtdb.names import CALLER, CREATED_AT, INPUTS, OUTPUTS, SERVER_TIME, Json
from poller.rtdb.rest import Database
from poller.rtdb.webhooks import written
from tests.fakes import scripted_executor
from tests.poller.lifecycle import NODES, World, new_id, world


@pytest.fixture
async def rtdb() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def failed(rtdb: World) -> str:
    job = new_id()
    await rtdb.create(job, requirements=" ")
    await rtdb.database.delete(NODES.entry(job))
    await rtdb.database.patch(NODES.leaf(job, OUTPUTS), {"isFailed": True})
    return job


async def test_a_retry_is_one_write(rtdb: World) -> None:
    async with rtdb.poller() as poller:
        job = await failed(rtdb)
        rtdb.rtdb.faults.change({"errors": -1, "method": "PUT", "path": NODES.entries})
        assert (await poller.queue.retry(job)).state is JobState.QUEUED
        assert (await rtdb.entry(job)).keys() == {"createdAt"}


async def test_a_job_whose_entry_was_never_written_is_queued_when_it_is_tried_again(rtdb: World) -> None:
    job = await failed(rtdb)
    await rtdb.database.put(f"{NODES.job(job)}/state/inputs/requirements", "A customer orders.")
    await rtdb.database.patch(NODES.leaf(job, OUTPUTS), {"isFailed": False})
    async with scripted_executor() as executor, rtdb.poller(executor.port) as poller:
        assert (await poller.queue.get(job)).state is JobState.QUEUED
        await poller.queue.retry(job)
        assert (await rtdb.ended(job))["isFailed"] is False
        with pytest.raises(WrongState):
            await poller.queue.retry(job)


async def test_a_retry_owes_the_end_to_whoever_asked_to_be_told_of_it(rtdb: World) -> None:
    async with rtdb.poller() as poller:
        told, untold = await failed(rtdb), await failed(rtdb)
        caller = Caller(context="c", webhooks=(Webhook(id="w", url="https://example.org/"),))
        await rtdb.database.put(NODES.leaf(told, CALLER), written(caller))
        for job in (told, untold):
            await poller.queue.retry(job)
        assert (await rtdb.database.get(NODES.owed)).keys() == {told}


async def test_a_job_owes_its_end_from_before_it_is_there(rtdb: World) -> None:
    async with rtdb.poller() as poller:
        caller = Caller(context="c", webhooks=(Webhook(id="w", url="https://example.org/"),))
        given = job_pb2.JobInput(job_id=new_id(), requirements="A customer orders.")
        await poller.queue.submit(given, caller=caller)
        assert (await rtdb.database.get(NODES.owed)).keys() == {given.job_id}
        assert await poller.queue.caller(given.job_id) == caller


async def test_what_has_ended_is_not_queued_when_it_is_submitted_again(rtdb: World) -> None:
    async with rtdb.poller() as poller:
        given = job_pb2.JobInput(job_id=new_id(), requirements="A customer orders.")
        await poller.queue.submit(given)
        await rtdb.database.patch(NODES.leaf(given.job_id, OUTPUTS), {"isCompleted": True})
        await rtdb.database.delete(NODES.entry(given.job_id))
        assert (await poller.queue.submit(given)).state is JobState.COMPLETED
        assert await rtdb.entry(given.job_id) is None


async def test_a_job_that_is_submitted_says_when(rtdb: World) -> None:
    async with rtdb.poller() as poller:
        job = (await poller.queue.submit(job_pb2.JobInput(requirements="A customer orders."))).job_id
        created = await rtdb.database.get(NODES.leaf(job, CREATED_AT))
        assert abs(created - poller.writer.now()) < 60_000


async def test_an_id_whose_stored_input_is_damaged_is_taken(rtdb: World) -> None:
    async with rtdb.poller() as poller:
        job = await failed(rtdb)
        stored = NODES.leaf(job, INPUTS)
        await rtdb.database.put(stored, "rubbish")
        with pytest.raises(JobExists, match="choose another id"):
            await poller.queue.submit(job_pb2.JobInput(job_id=job, requirements="Another text."))
        assert await rtdb.database.get(stored) == "rubbish"


def left(renewed_at: int = 1) -> dict[str, Json]:
    """An entry whose holder may be deleting it just now: its job has ended."""
    lease: dict[str, Json] = {"token": "theirs", "epoch": 3, "owner": "poller-b", "renewedAt": renewed_at}
    return {"createdAt": 1000, "assignedPodId": "poller-b", "status": "processing", "lease": lease}


async def test_a_retry_takes_an_entry_that_is_left_from_whoever_settles_it(rtdb: World) -> None:
    """Or the settling would delete the entry, and nothing would ever run the job."""
    async with rtdb.poller() as poller:
        job = await failed(rtdb)
        await rtdb.database.put(NODES.entry(job), {**left(), "cancelledBy": "Kim", "attempts": 2})
        assert (await poller.queue.retry(job)).state is JobState.QUEUED
        entry = await rtdb.entry(job)
        assert (entry.keys(), entry["lease"]) == ({"createdAt", "lease"}, {"epoch": 4})
        assert entry["createdAt"] > 1000


async def test_an_entry_that_nobody_holds_is_taken_whenever_its_job_was_to_run(rtdb: World) -> None:
    async with rtdb.poller() as poller:
        job = await failed(rtdb)
        await rtdb.database.put(NODES.entry(job), {"createdAt": 1000, "notBefore": 9_999_999_999_999})
        assert (await poller.queue.retry(job)).state is JobState.QUEUED
        assert "notBefore" not in await rtdb.entry(job)


async def test_a_lease_that_is_renewed_while_a_retry_reads_is_in_force(
    rtdb: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rtdb.poller() as poller:
        job = await failed(rtdb)
        await rtdb.database.put(NODES.entry(job), left())
        read = Database.get_with_etag

        async def read_before_the_renewal(self: Database, path: str, **options: Any) -> Any:
            found = await read(self, path, **options)
            if path == NODES.entry(job):
                await rtdb.database.put(f"{path}/lease/renewedAt", SERVER_TIME)
            return found

        monkeypatch.setattr(Database, "get_with_etag", read_before_the_renewal)
        with pytest.raises(Transient, match="still being ended: try again in"):
            await poller.queue.retry(job)
        assert (await rtdb.entry(job))["lease"]["token"] == "theirs"
        assert await rtdb.database.get(f"{NODES.leaf(job, OUTPUTS)}/isFailed") is True


async def test_a_retry_that_slept_longer_than_its_lease_writes_nothing(
    rtdb: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rtdb.poller() as poller:
        job = await failed(rtdb)
        await rtdb.database.put(NODES.entry(job), left())
        monkeypatch.setattr(fence, "MARGIN_SECONDS", 1e6)
        with pytest.raises(Transient, match="too little of the lease"):
            await poller.queue.retry(job)
        assert await rtdb.database.get(f"{NODES.leaf(job, OUTPUTS)}/isFailed") is True


async def test_a_silence_that_was_told_before_a_retry_is_told_anew(rtdb: World) -> None:
    async with rtdb.poller() as poller:
        job = await failed(rtdb)
        entry = entry_text(JournalEntry(key="k", value="{}"))
        lost = entry_text(JournalEntry(key="l", value="{}", unusable=True))
        said = {said_name(key): True for key in ("silence/1", "answers/1", "silence/2", "begun")}
        await rtdb.database.patch(
            NODES.job(job), {"run/journal/1": {"k": entry, "l": lost}, "run/said": said}
        )
        await poller.queue.retry(job)
        left = await rtdb.database.get(f"{NODES.job(job)}/run/said")
        assert left.keys() == {said_name("silence/2"), said_name("begun")}


async def test_a_job_that_waits_is_not_tried_again(rtdb: World) -> None:
    async with rtdb.poller() as poller:
        job = new_id()
        await rtdb.create(job)
        with pytest.raises(WrongState, match="queued"):
            await poller.queue.retry(job)


@pytest.mark.parametrize("flag", ["isCompleted", "isFailed"])
async def test_an_entry_left_behind_by_a_crash_after_the_flag_only_goes(rtdb: World, flag: str) -> None:
    job = new_id()
    await rtdb.create(job)
    await rtdb.database.patch(NODES.leaf(job, OUTPUTS), {flag: True})
    async with scripted_executor() as executor, rtdb.poller(executor.port):
        assert await rtdb.ended(job, flag) == {flag: True}
    assert executor.runs == []
