"""Authority over a job as a time margin."""

from __future__ import annotations

import asyncio

import pytest

from poller.errors import LeaseLost, Transient
from poller.rtdb.fence import Fence
from tests.fakes import FakeClock, settle


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def fence(clock: FakeClock) -> Fence:
    fence = Fence(clock, lease_seconds=30)
    fence.renewed(clock.monotonic())
    return fence


async def test_writes_may_start_while_ten_seconds_of_the_lease_are_left(
    fence: Fence, clock: FakeClock
) -> None:
    clock.time += 20
    assert fence.open
    clock.time += 0.001
    assert not fence.open
    assert not fence.may_ask


async def test_a_write_with_too_little_lease_left_waits_for_the_renewal(
    fence: Fence, clock: FakeClock
) -> None:
    clock.time += 25
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(fence.authority())
        await settle()
        assert not waiting.done()
        fence.renewed(clock.monotonic())


async def test_a_lost_lease_writes_nothing_and_wakes_who_waits(fence: Fence, clock: FakeClock) -> None:
    clock.time += 25
    waiting = asyncio.ensure_future(fence.authority())
    await settle()
    fence.lose("another's")
    with pytest.raises(LeaseLost, match="another's"):
        await waiting
    fence.renewed(clock.monotonic())
    with pytest.raises(LeaseLost):
        await fence.authority()


async def test_the_margin_counts_from_before_the_renewal_was_sent(fence: Fence, clock: FakeClock) -> None:
    sent = clock.monotonic()
    clock.time += 19
    fence.renewed(sent)
    clock.time += 2
    assert not fence.open


async def test_no_new_question_while_the_database_is_silent(fence: Fence) -> None:
    fence.unheard()
    assert (fence.open, fence.may_ask) == (True, False)
    fence.heard()
    assert fence.may_ask


async def test_silence_is_news_once(fence: Fence) -> None:
    assert [fence.unheard(), fence.unheard()] == [True, False]
    fence.heard()
    assert fence.unheard()


async def test_a_write_that_was_let_through_is_stopped_when_too_little_is_left(
    fence: Fence, clock: FakeClock
) -> None:
    fence.still_open()
    clock.time += 21
    with pytest.raises(Transient):
        fence.still_open()
    fence.lose("another's")
    with pytest.raises(LeaseLost):
        fence.still_open()


async def test_whoever_keeps_the_lease_is_told_of_its_loss_and_of_nothing_else(
    fence: Fence, clock: FakeClock
) -> None:
    keeping = asyncio.create_task(fence.until_lost())
    fence.renewed(clock.monotonic())
    await settle()
    assert not keeping.done()
    fence.lose("the first reason")
    fence.lose("another")
    with pytest.raises(LeaseLost, match="the first reason"):
        await keeping


async def test_a_renewal_that_was_sent_earlier_shortens_nothing(fence: Fence, clock: FakeClock) -> None:
    fence.renewed(clock.monotonic() - 15)
    clock.time += 19
    assert fence.open
