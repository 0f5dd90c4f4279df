"""How the database is written: within a budget, decided again after a conflict, and never abandoned half-way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from poller.errors import Transient
from poller.metrics import Metrics
from poller.rtdb.fence import MARGIN_SECONDS, WRITE_SECONDS
from poller.rtdb.rest import Database
from poller.rtdb.writer import Budget, InFlight, Unchanged, Writer
from tests.fakes import FakeClock, settle
from tests.poller.lifecycle import NODES, World, world


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def rtdb() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def writer_over(database: Database, clock: FakeClock, *, rate: float = 500.0) -> Writer:
    return Writer(database, NODES, clock, chance=lambda: 1.0, rate=rate, metrics=Metrics())


# ── the budget ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_over_the_budget_waits_for_its_turn(clock: FakeClock) -> None:
    budget = Budget(clock, rate=2)
    takes = [asyncio.create_task(budget()) for _ in range(5)]
    done = []
    for _ in range(4):
        await settle()
        done.append(sum(take.done() for take in takes))
        await clock.advance(0.5)
    assert done == [2, 3, 4, 5]


async def test_a_budget_that_was_not_used_saves_one_second_and_no_more(clock: FakeClock) -> None:
    budget = Budget(clock, rate=2)
    clock.time += 60
    takes = [asyncio.create_task(budget()) for _ in range(4)]
    await settle()
    assert [take.done() for take in takes] == [True, True, False, False]
    await clock.advance(1)
    assert all(take.done() for take in takes)


async def test_a_conditional_write_waits_for_the_budget(rtdb: World, clock: FakeClock) -> None:
    async with writer_over(rtdb.database, clock, rate=1) as writer:
        await writer.budget()
        writing = asyncio.create_task(writer.transact("x", lambda _: 1, known=(None, "null_etag")))
        await settle()
        assert not writing.done()
        before = rtdb.rtdb.store.commits
        await clock.advance(1)
        await writing
        assert rtdb.rtdb.store.commits == before + 1


# ── conditional writes ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_value_that_changed_meanwhile_is_decided_about_again(rtdb: World, clock: FakeClock) -> None:
    await rtdb.database.put("x", 1)
    value, etag = await rtdb.database.get_with_etag("x")
    await rtdb.database.put("x", 5)
    async with writer_over(rtdb.database, clock) as writer:
        assert await writer.transact("x", lambda seen: seen + 1, known=(value, etag)) == 6
    assert await rtdb.database.get("x") == 6


async def test_what_is_decided_to_stay_is_left_and_told(rtdb: World, clock: FakeClock) -> None:
    def leave(_: Any) -> Any:
        raise Unchanged

    await rtdb.database.put("x", 1)
    before = rtdb.rtdb.store.commits
    async with writer_over(rtdb.database, clock) as writer:
        assert await writer.transact("x", leave) == 1
    assert rtdb.rtdb.store.commits == before


async def test_nothing_is_deleted_on_a_condition_that_no_longer_holds(rtdb: World, clock: FakeClock) -> None:
    def gone(current: Any) -> Any:
        if current != 1:
            raise Unchanged
        return None

    await rtdb.database.put("x", 1)
    known = await rtdb.database.get_with_etag("x")
    await rtdb.database.put("x", 2)
    async with writer_over(rtdb.database, clock) as writer:
        assert await writer.transact("x", gone, known=known) == 2
        await rtdb.database.put("x", 1)
        assert await writer.transact("x", gone) is None
    assert await rtdb.database.get("x") is None


async def test_a_value_that_never_stands_still_is_given_up_for_now(rtdb: World, clock: FakeClock) -> None:
    rtdb.rtdb.faults.change({"conflicts": -1})
    async with writer_over(rtdb.database, clock) as writer:
        with pytest.raises(Transient, match="x never stood still"):
            await writer.transact("x", lambda _: 1)


# ── insisting ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_fails_for_a_passing_reason_is_tried_again_after_growing_pauses(
    rtdb: World, clock: FakeClock
) -> None:
    times: list[float] = []

    async def act() -> str:
        times.append(clock.time)
        if len(times) < 8:
            raise Transient("away")
        return "done"

    insisting = asyncio.create_task(writer_over(rtdb.database, clock).insist(act))
    for _ in range(200):
        await clock.advance(0.1)
    assert await insisting == "done"
    pauses = [round(later - earlier, 1) for earlier, later in itertools.pairwise(times)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]


@pytest.mark.parametrize(("chance", "shares"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
async def test_pauses_are_jittered_by_half_and_never_longer_than_two_seconds(
    rtdb: World, chance: float, shares: float
) -> None:
    slept: list[float] = []

    class Noted(FakeClock):
        async def sleep(self, seconds: float) -> None:
            slept.append(seconds)

    writer = Writer(rtdb.database, NODES, Noted(), chance=lambda: chance, metrics=Metrics())
    for failures in (1, 2, 5, 5000):
        await writer.pause(failures)
    assert slept == pytest.approx([longest * shares for longest in (0.2, 0.4, 2.0, 2.0)])


async def test_it_is_given_up_after_so_many_tries(rtdb: World, clock: FakeClock) -> None:
    tries: list[int] = []

    async def act() -> None:
        tries.append(1)
        raise Transient("away")

    insisting = asyncio.create_task(writer_over(rtdb.database, clock).insist(act, tries=3))
    await clock.advance(10)
    with pytest.raises(Transient, match="away"):
        await insisting
    assert len(tries) == 3


# ── writes whose caller is gone ──────────────────────────────────────────────────────────────────────────────────


async def test_a_write_goes_on_when_its_caller_is_cancelled_and_is_known_until_then(
    rtdb: World, clock: FakeClock
) -> None:
    in_flight = InFlight(FakeClock())
    rtdb.rtdb.faults.change({"frozen": True, "method": "PATCH"})
    async with writer_over(rtdb.database, clock) as writer:
        writing = asyncio.create_task(writer.patch("x", {"a": 1}, in_flight=in_flight))
        await settle()
        writing.cancel()
        settled = asyncio.create_task(in_flight.settled())
        await asyncio.gather(writing, return_exceptions=True)
        await settle()
        assert not settled.done()
        rtdb.rtdb.faults.reset()
        await settled
    assert await rtdb.database.get("x") == {"a": 1}


async def test_a_writer_ends_when_its_writes_have_ended(rtdb: World, clock: FakeClock) -> None:
    rtdb.rtdb.faults.change({"frozen": True, "method": "PUT"})

    async def write() -> None:
        async with writer_over(rtdb.database, clock) as writer:
            writing = asyncio.create_task(writer.put("x", 1, in_flight=InFlight(FakeClock())))
            await settle()
            writing.cancel()

    ending = asyncio.create_task(write())
    await settle(200)
    assert not ending.done()
    rtdb.rtdb.faults.reset()
    await ending
    assert await rtdb.database.get("x") == 1


async def test_a_write_without_an_answer_may_still_be_stored_for_as_long_as_the_margin_allows(
    rtdb: World, clock: FakeClock
) -> None:
    rtdb.rtdb.faults.change({"errors": 1, "method": "PATCH"})
    in_flight = InFlight(clock)
    async with writer_over(rtdb.database, clock) as writer:
        with pytest.raises(Transient):
            await writer.patch("x", {"a": 1}, in_flight=in_flight)
    settled = asyncio.create_task(in_flight.settled())
    await clock.advance(MARGIN_SECONDS - WRITE_SECONDS - 0.1)
    assert not settled.done()
    await clock.advance(0.1)
    assert settled.done()
    assert in_flight.doubtful


async def test_an_answered_write_leaves_no_doubt(rtdb: World, clock: FakeClock) -> None:
    in_flight = InFlight(clock)
    async with writer_over(rtdb.database, clock) as writer:
        await writer.patch("x", {"a": 1}, in_flight=in_flight)
    await in_flight.settled()
    assert not in_flight.doubtful


async def test_an_error_reaches_whoever_waits_for_the_write_and_ends_nothing_else(
    rtdb: World, clock: FakeClock
) -> None:
    rtdb.rtdb.faults.change({"errors": 1, "method": "PATCH"})
    in_flight = InFlight(clock)
    async with writer_over(rtdb.database, clock) as writer:
        with pytest.raises(Transient):
            await writer.patch("x", {"a": 1}, in_flight=in_flight)
        await writer.patch("x", {"a": 2}, in_flight=in_flight)
    assert await rtdb.database.get("x/a") == 2


async def test_who_has_the_last_word_may_still_stop_a_write(rtdb: World, clock: FakeClock) -> None:
    def no() -> None:
        raise Transient("too late")

    before = rtdb.rtdb.store.commits
    async with writer_over(rtdb.database, clock) as writer:
        for write in (
            writer.patch("x", {"a": 1}, in_flight=InFlight(FakeClock()), before=no),
            writer.put("x", 1, in_flight=InFlight(FakeClock()), before=no),
        ):
            with pytest.raises(Transient, match="too late"):
                await write
    assert rtdb.rtdb.store.commits == before
