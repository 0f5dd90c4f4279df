"""Where webhooks lie in the database: secrets with their job alone, and nothing outlives it. What they promise is in tests/contracts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventstorming.v1 import job_pb2

from poller.__main__ import SystemClock
from poller.metrics import Metrics
from poller.ports import Caller, Webhook
from poller.rtdb.writer import Writer
from tests.poller.lifecycle import NODES, World, world
from tests.poller.whole import Whole

HOOK = Webhook(id="a/b.#$", url="https://hooks.example/", token="t0ken", scheme="Bearer", credentials="c")


@asynccontextmanager
async def poller() -> AsyncIterator[tuple[World, Whole]]:
    async with world() as rtdb, Writer(rtdb.database, NODES, SystemClock(), metrics=Metrics()) as writer:
        yield rtdb, Whole(writer, owner="poller-a", lease_seconds=30)


async def _submitted(it: Whole) -> str:
    given = job_pb2.JobInput(requirements="A customer places an order.")
    view = await it.jobs.submit(given, caller=Caller(context="a talk", webhooks=(HOOK,)))
    return view.job_id


async def test_what_is_owed_holds_no_secret() -> None:
    async with poller() as (rtdb, one):
        job_id = await _submitted(one)
        await one.webhooks.told(job_id, HOOK.id, 17)
        below = await rtdb.database.get(NODES.owed)
    assert job_id in below
    assert "t0ken" not in str(below)
    assert "hooks.example" not in str(below)


async def test_nothing_is_left_of_a_removed_job() -> None:
    async with poller() as (rtdb, one):
        job_id = await _submitted(one)
        await one.queue.remove(job_id)
        await one.webhooks.told(job_id, HOOK.id, 17)
        left = await rtdb.database.get("")
    assert left is None


async def test_nothing_is_left_of_what_was_settled() -> None:
    async with poller() as (rtdb, one):
        job_id = await _submitted(one)
        assert await one.webhooks.settle(job_id, await one.webhooks.since(job_id))
        owed = await rtdb.database.get(NODES.owed)
    assert owed is None
