"""What webhooks promise, whoever keeps them: the fake, the embedded database, and a real one (TEST_DATABASE_URL)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import pytest

from poller.ports import Caller, JobNotFound, Webhook, Webhooks
from poller.rtdb.webhooks import HELD_MS
from tests.contracts.test_queue import MAKERS, Both, MakeQueue, claimed, entry, soon, text
from tests.fakes import FakeQueue, FakeWebhooks
from tests.poller.lifecycle import new_id
from tests.poller.whole import Whole

HOOK = Webhook(id="a/b.#$", url="https://hooks.example/", token="t0ken", scheme="Bearer", credentials="c")


class Telling(Both, Protocol):
    """A poller with what its webhooks are owed."""

    webhooks: Webhooks


@pytest.fixture(params=MAKERS)
async def make(request: pytest.FixtureRequest) -> AsyncIterator[MakeQueue]:
    async with MAKERS[request.param]() as made:
        yield made


@pytest.fixture
def one(make: MakeQueue) -> Telling:
    return make("poller-a")  # type: ignore[return-value]  # every maker's queue has webhooks


@pytest.fixture
def two(make: MakeQueue) -> Telling:
    return make("poller-b")  # type: ignore[return-value]  # as above


async def submitted(poller: Telling, *webhooks: Webhook) -> str:
    return (await poller.submit(text(), caller=Caller(context="a talk", webhooks=webhooks))).job_id


async def fallen_silent(holder: Telling, job_id: str) -> None:
    """As if whoever holds it had not been heard of for longer than that holds."""
    at = holder.now() - HELD_MS - 1000
    if isinstance(holder, Whole):
        await holder.writer.database.put(f"{holder.writer.nodes.owed}/{job_id}/heldAt", at)
    else:
        assert isinstance(holder, FakeQueue)
        holder.store.owed[job_id].held_at = at


async def test_one_poller_at_a_time_tells_and_another_when_it_lets_go(one: Telling, two: Telling) -> None:
    job_id = await submitted(one, HOOK)
    assert list(await two.webhooks.owed(())) == [job_id]
    assert await one.webhooks.hold(job_id)
    assert list(await two.webhooks.owed(())) == []
    assert not await two.webhooks.hold(job_id)
    assert list(await one.webhooks.owed((job_id,))) == []
    await one.webhooks.let_go([job_id])
    assert list(await two.webhooks.owed(())) == [job_id]
    assert await two.webhooks.hold(job_id)


async def test_another_tells_when_one_falls_silent_unless_it_keeps_what_it_holds(
    one: Telling, two: Telling
) -> None:
    job_id = await submitted(one, HOOK)
    assert await one.webhooks.hold(job_id)
    await fallen_silent(one, job_id)
    await one.webhooks.keep([job_id])
    assert not await two.webhooks.hold(job_id)
    await fallen_silent(one, job_id)
    assert list(await two.webhooks.owed(())) == [job_id]
    assert await two.webhooks.hold(job_id)


async def test_a_poller_that_comes_back_under_its_name_holds_its_own_at_once(
    make: MakeQueue, one: Telling
) -> None:
    job_id = await submitted(one, HOOK)
    assert await one.webhooks.hold(job_id)
    again: Telling = make("poller-a")  # type: ignore[assignment]  # as above
    assert list(await again.webhooks.owed(())) == [job_id]
    assert await again.webhooks.hold(job_id)


async def test_the_longest_owed_come_first_and_a_job_without_webhooks_owes_nothing(one: Telling) -> None:
    first, _, second = await submitted(one, HOOK), await submitted(one), await submitted(one, HOOK)
    assert list(await one.webhooks.owed(())) == [first, second]
    await asyncio.sleep(0.002)  # the database counts in milliseconds
    await one.webhooks.add(first, HOOK)
    assert list(await one.webhooks.owed(())) == [second, first]


async def test_what_comes_to_be_owed_meanwhile_is_not_settled_away(one: Telling) -> None:
    job_id = await submitted(one, HOOK)
    since = await one.webhooks.since(job_id)
    await asyncio.sleep(0.002)  # as above
    await one.webhooks.add(job_id, Webhook(id="second", url="https://hooks.example/2"))
    assert not await one.webhooks.settle(job_id, since)
    assert await one.webhooks.settle(job_id, await one.webhooks.since(job_id))
    assert list(await one.webhooks.owed(())) == []
    assert await one.webhooks.since(job_id) == 0
    assert not await one.webhooks.hold(job_id)
    assert {each.id for each in (await one.caller(job_id)).webhooks} == {HOOK.id, "second"}


async def test_one_of_the_same_id_takes_the_place_of_the_other(one: Telling) -> None:
    job_id = await submitted(one, HOOK)
    moved = Webhook(id=HOOK.id, url="https://hooks.example/moved")
    await one.webhooks.add(job_id, moved)
    assert (await one.caller(job_id)).webhooks == (moved,)


async def test_what_was_acknowledged_is_kept_with_what_was_given(one: Telling, two: Telling) -> None:
    job_id = await submitted(one, HOOK)
    await two.webhooks.told(job_id, "never there", 16)
    await two.webhooks.told(job_id, HOOK.id, 17)
    [kept] = (await one.caller(job_id)).webhooks
    assert (kept.id, kept.url, kept.token, kept.scheme, kept.credentials, kept.told) == (
        HOOK.id, HOOK.url, HOOK.token, HOOK.scheme, HOOK.credentials, 17,
    )  # fmt: skip
    await two.webhooks.remove(job_id, HOOK.id)
    await two.webhooks.remove(job_id, "never there")
    assert await one.caller(job_id) == Caller(context="a talk")


async def test_webhooks_go_with_their_job_and_never_bring_it_back(one: Telling, two: Telling) -> None:
    job_id = await submitted(one, HOOK)
    assert await soon(one, one.remove(job_id))
    assert list(await two.webhooks.owed(())) == []
    await two.webhooks.told(job_id, HOOK.id, 17)
    with pytest.raises(JobNotFound):
        await two.webhooks.add(job_id, HOOK)
    with pytest.raises(JobNotFound):
        await two.webhooks.add(new_id(), HOOK)
    with pytest.raises(JobNotFound):
        await one.get(job_id)


async def test_a_failed_job_that_is_tried_again_owes_its_new_end(one: Telling) -> None:
    job_id = await submitted(one, HOOK)
    async with await claimed(one, await entry(one, job_id)) as run:
        await run.settlement.fail("It failed.")
    await one.webhooks.settle(job_id, await one.webhooks.since(job_id))
    assert list(await one.webhooks.owed(())) == []
    await one.retry(job_id)
    assert list(await one.webhooks.owed(())) == [job_id]


async def test_whoever_waits_is_woken_by_what_comes_to_be_owed_here(one: Telling) -> None:
    job_id = await submitted(one)
    await one.webhooks.stirred(0.001)
    for owing in (one.webhooks.add(job_id, HOOK), submitted(one, HOOK)):
        await owing
        async with asyncio.timeout(5):
            await one.webhooks.stirred(60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await one.webhooks.stirred(60)


def test_the_fake_holds_as_long_as_the_database() -> None:
    assert FakeWebhooks.HELD_MS == HELD_MS
