"""The life of a job under the shipped database rules: every write of a run names its lease, and the database checks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from importlib.resources import files

import grpc
import httpx
import pytest
from eventstorming.v1 import job_pb2

from poller.__main__ import SystemClock
from poller.errors import LeaseLost
from poller.job import JobState, LogLevel, LogLine
from poller.metrics import Metrics
from poller.ports import Webhook
from poller.rtdb.names import read_entry
from poller.rtdb.open import open_database
from poller.rtdb.rest import Database
from poller.rtdb.run import RtdbRun
from poller.rtdb.writer import IDENTITY, Writer
from poller.settings import load
from tests.fakes import Conversation, Refusal, eventually, scripted_executor, small_model
from tests.poller.lifecycle import NODES, World, inputs, new_id, world
from tests.poller.whole import Whole


@pytest.fixture
async def rtdb() -> AsyncIterator[World]:
    async with world() as found:
        rules = files("poller.rtdb").joinpath("database.rules.json").read_text("utf-8")
        async with httpx.AsyncClient(headers={"Authorization": "Bearer owner"}) as http:
            url = f"{found.rtdb.url}/.settings/rules.json?ns=test"
            (await http.put(url, json=json.loads(rules))).raise_for_status()
        yield found


@pytest.fixture
def browser(rtdb: World) -> Database:
    return rtdb.database.acting_as({"uid": "ann"})


async def create(browser: Database) -> str:
    """As the web client does, with a signed-in user's rights."""
    job = new_id()
    await browser.put(NODES.job(job), {"state": {"inputs": inputs(job)}})
    await browser.put(NODES.entry(job), {"createdAt": {".sv": "timestamp"}})
    return job


async def claimed(rtdb: World, writer: Writer, job: str) -> RtdbRun:
    queue = Whole(writer, owner="poller-a", lease_seconds=30)
    run = await queue.claim(read_entry(job, await rtdb.entry(job)))
    assert run is not None
    return run


async def test_a_job_is_completed_and_removed_afterwards(rtdb: World, browser: Database) -> None:
    async with scripted_executor() as executor, rtdb.poller(executor.port, lease_rules=True):
        job = await create(browser)
        outputs = await rtdb.ended(job)
        assert outputs["isFailed"] is False
        await browser.put(NODES.removal(job), {"isRemoveRequested": True})
        await rtdb.gone(job)


async def test_a_running_job_is_removed(rtdb: World, browser: Database) -> None:
    async def stuck(talk: Conversation) -> None:
        await talk.ask("q1")
        await asyncio.Event().wait()

    async with scripted_executor(stuck) as executor, rtdb.poller(executor.port, lease_rules=True):
        job = await create(browser)
        await eventually(lambda: executor.runs and executor.runs[0].acked)
        await browser.put(NODES.removal(job), {"isRemoveRequested": True})
        await rtdb.gone(job)


async def test_a_failed_job_can_be_tried_again_and_cancelled(rtdb: World, browser: Database) -> None:
    async def refusing(talk: Conversation) -> None:
        raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "LLM_MISCONFIGURED", "There is no such model.")

    async def stuck(talk: Conversation) -> None:
        await asyncio.Event().wait()

    async with (
        scripted_executor(refusing) as executor,
        rtdb.poller(executor.port, lease_rules=True) as poller,
    ):
        job = await create(browser)
        await rtdb.ended(job, "isFailed")
        executor.script = stuck
        await poller.queue.retry(job)
        await eventually(lambda: len(executor.runs) == 2)
        view = await poller.queue.cancel(job, by="an operator")
        assert view.state is JobState.FAILED


async def test_a_job_that_raised_runs_again_after_its_pause(rtdb: World, browser: Database) -> None:
    async def first_raises(talk: Conversation) -> None:
        if len(executor.runs) == 1:
            raise Refusal(grpc.StatusCode.UNAVAILABLE, "LLM_UNAVAILABLE", "Busy.")
        await talk.complete(small_model())

    async with (
        scripted_executor(first_raises) as executor,
        rtdb.poller(executor.port, lease_rules=True),
    ):
        await rtdb.ended(await create(browser))
    assert [run.epoch for run in executor.runs] == [1, 2]


async def test_a_damaged_entry_that_looks_leased_still_ends_its_job(rtdb: World, browser: Database) -> None:
    async with scripted_executor() as executor, rtdb.poller(executor.port, lease_rules=True):
        job = new_id()
        await browser.put(NODES.job(job), {"state": {"inputs": inputs(job)}})
        await rtdb.database.put(NODES.entry(job), {"lease": {"token": "whose", "epoch": 1}})
        await rtdb.ended(job, "isFailed")


async def test_the_database_itself_refuses_an_overtaken_writer(rtdb: World, browser: Database) -> None:
    """Nobody tells this run: its time margin is wide open, its listener sees nothing."""
    job = await create(browser)
    client = rtdb.database.acting_as(IDENTITY)
    async with Writer(client, NODES, SystemClock(), lease_rules=True, metrics=Metrics()) as writer:
        run = await claimed(rtdb, writer, job)
        run.display.say(LogLine(level=LogLevel.INFO, message="too late"))
        await rtdb.database.put(NODES.lease(job), {"token": "another", "epoch": 2, "owner": "poller-b"})
        before = await rtdb.database.get(NODES.job(job))
        with pytest.raises(LeaseLost):
            await run.settlement.complete(small_model(), tokens_used=1)
        with pytest.raises(LeaseLost):
            await run.settlement.fail("too late")
    assert await rtdb.database.get(NODES.job(job)) == before
    assert (await rtdb.entry(job))["lease"]["token"] == "another"


async def test_a_cancel_through_another_poller_is_over_at_once(rtdb: World, browser: Database) -> None:
    """What the run may still write, the database refuses."""
    job = await create(browser)
    client = rtdb.database.acting_as(IDENTITY)
    async with Writer(client, NODES, SystemClock(), lease_rules=True, metrics=Metrics()) as writer:
        run = await claimed(rtdb, writer, job)
        await Whole(writer, owner="poller-b", lease_seconds=30).cancel(job, by="Kim")
        assert await rtdb.entry(job) is None
        with pytest.raises(LeaseLost):
            await run.settlement.complete(small_model(), tokens_used=1)
    assert (await rtdb.outputs(job))["isFailed"] is True


async def test_a_writer_of_a_removed_job_does_not_bring_it_back(rtdb: World, browser: Database) -> None:
    job = await create(browser)
    client = rtdb.database.acting_as(IDENTITY)
    async with Writer(client, NODES, SystemClock(), lease_rules=True, metrics=Metrics()) as writer:
        run = await claimed(rtdb, writer, job)
        await rtdb.database.delete(NODES.entry(job))
        await rtdb.database.delete(NODES.job(job))
        with pytest.raises(LeaseLost):
            await run.settlement.fail("too late")
    assert await rtdb.database.get(NODES.job(job)) is None


async def test_the_setting_decides_who_we_are_to_the_database(rtdb: World) -> None:
    host = rtdb.rtdb.url.removeprefix("http://")
    given = {"firebase_database_emulator_host": host, "firebase_database_url": "http://x.y?ns=test"}
    await rtdb.database.put("elsewhere", 1)
    async with open_database(load(**given), metrics=Metrics()) as administrator:
        assert await administrator.get("elsewhere") == 1
    async with open_database(load(**given, firebase_database_lease_rules=True), metrics=Metrics()) as writer:
        assert await writer.keys(NODES.entries) == []
        with pytest.raises(Exception, match="rules do not allow"):
            await writer.get("elsewhere")


async def test_a_webhook_is_added_to_a_job_that_somebody_runs_and_told_after_its_end(rtdb: World) -> None:
    async def stuck(talk: Conversation) -> None:
        await talk.progress(2)
        await talk.news.wait()
        while True:
            talk.news.clear()
            await talk.news.wait()

    async with (
        scripted_executor(stuck) as executor,
        rtdb.poller(executor.port, lease_rules=True) as poller,
    ):
        given = job_pb2.JobInput(requirements="A customer places an order.")
        job = (await poller.queue.jobs.submit(given)).job_id

        async def works() -> bool:
            return (await poller.queue.jobs.get(job)).current_progress == 2

        await eventually(works)
        await poller.queue.webhooks.add(job, Webhook(id="a", url="https://hooks.example/"))
        await poller.queue.jobs.cancel(job, by="Kim")
        await poller.queue.webhooks.told(job, "a", 17)
        [kept] = (await poller.queue.jobs.caller(job)).webhooks
        assert await poller.queue.webhooks.settle(job, await poller.queue.webhooks.since(job))
    assert kept.told == 17
