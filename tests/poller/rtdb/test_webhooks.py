"""Webhooks in the database: who holds them, when others may, and that they never bring a removed job back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from eventstorming.v1 import job_pb2

from poller.__main__ import SystemClock
from poller.metrics import Metrics
from poller.ports import Caller, JobNotFound, Webhook
from poller.rtdb.webhooks import HELD_MS
from poller.rtdb.writer import Writer
from tests.poller.lifecycle import NODES, World, new_id, world
from tests.poller.whole import Whole

HOOK = Webhook(id="a/b.#$", url="https://hooks.example/", token="t0ken", scheme="Bearer", credentials="c")


@asynccontextmanager
async def pollers() -> AsyncIterator[tuple[World, Whole, Whole]]:
    async with world() as rtdb, AsyncExitStack() as stack:
        writers = [
            await stack.enter_async_context(Writer(rtdb.database, NODES, SystemClock(), metrics=Metrics()))
            for _ in range(2)
        ]
        one, two = (
            Whole(writer, owner=owner, lease_seconds=30)
            for writer, owner in zip(writers, ("poller-a", "poller-b"), strict=True)
        )
        yield rtdb, one, two


async def _submitted(poller: Whole, *webhooks: Webhook) -> str:
    given = job_pb2.JobInput(requirements="A customer places an order.")
    view = await poller.jobs.submit(given, caller=Caller(context="a talk", webhooks=webhooks))
    return view.job_id


async def test_one_poller_at_a_time_tells_and_another_when_it_lets_go_or_falls_silent() -> None:
    async with pollers() as (rtdb, one, two):
        job_id = await _submitted(one, HOOK)
        assert await two.webhooks.owed(()) == [job_id]
        assert await one.webhooks.hold(job_id)
        assert await two.webhooks.owed(()) == []
        assert not await two.webhooks.hold(job_id)
        assert await one.webhooks.owed((job_id,)) == []
        await one.webhooks.let_go([job_id])
        assert await two.webhooks.owed(()) == [job_id]
        assert await two.webhooks.hold(job_id)
        await rtdb.database.put(f"{NODES.owed}/{job_id}/heldAt", one.jobs.now() - HELD_MS - 1000)
        assert await one.webhooks.hold(job_id)
        await one.webhooks.keep([job_id])
        assert not await two.webhooks.hold(job_id)


async def test_a_poller_that_comes_back_under_its_name_holds_its_own_at_once() -> None:
    async with pollers() as (_, one, _):
        job_id = await _submitted(one, HOOK)
        assert await one.webhooks.hold(job_id)
        assert await one.webhooks.owed(()) == [job_id]
        assert await one.webhooks.hold(job_id)


async def test_what_comes_to_be_owed_meanwhile_is_not_settled_away() -> None:
    async with pollers() as (rtdb, one, _):
        job_id = await _submitted(one, HOOK)
        since = await one.webhooks.since(job_id)
        await one.webhooks.add(job_id, Webhook(id="second", url="https://hooks.example/2"))
        assert not await one.webhooks.settle(job_id, since)
        assert await one.webhooks.settle(job_id, await one.webhooks.since(job_id))
        owed = await rtdb.database.get(NODES.owed)
        kept = (await one.jobs.caller(job_id)).webhooks
    assert owed is None
    assert {each.id for each in kept} == {HOOK.id, "second"}


async def test_a_webhook_is_kept_as_it_was_given_and_what_it_acknowledged_with_it() -> None:
    async with pollers() as (rtdb, one, two):
        job_id = await _submitted(one, HOOK)
        await two.webhooks.told(job_id, HOOK.id, 17)
        [kept] = (await one.jobs.caller(job_id)).webhooks
        below = await rtdb.database.get(NODES.owed)
        await two.webhooks.remove(job_id, HOOK.id)
        await two.webhooks.remove(job_id, "never there")
        gone = await one.jobs.caller(job_id)
    assert (kept.id, kept.url, kept.token, kept.scheme, kept.credentials, kept.told) == (
        HOOK.id, HOOK.url, HOOK.token, HOOK.scheme, HOOK.credentials, 17,
    )  # fmt: skip
    assert gone == Caller(context="a talk")
    assert "t0ken" not in str(below)


async def test_a_removed_job_is_not_brought_back_by_its_webhooks() -> None:
    async with pollers() as (rtdb, one, two):
        job_id = await _submitted(one, HOOK)
        await one.queue.remove(job_id)
        await two.webhooks.told(job_id, HOOK.id, 17)
        with pytest.raises(JobNotFound):
            await two.webhooks.add(job_id, HOOK)
        with pytest.raises(JobNotFound):
            await two.webhooks.add(new_id(), HOOK)
        left = await rtdb.database.get("")
    assert left is None


async def test_a_failed_job_that_is_tried_again_owes_its_new_end() -> None:
    async with pollers() as (rtdb, one, _):
        job_id = await _submitted(one, HOOK)
        await one.jobs.cancel(job_id, by="Kim")
        await one.webhooks.settle(job_id, await one.webhooks.since(job_id))
        assert await rtdb.database.get(NODES.owed) is None
        await one.jobs.retry(job_id)
        assert await one.webhooks.owed(()) == [job_id]
