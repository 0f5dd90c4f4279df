"""How long ended and abandoned jobs stay: the decision alone, then on the embedded database with days that pass at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.metrics import Metrics
from poller.rtdb.index import job_id_of, row_key
from poller.rtdb.retention import (
    DAY_SECONDS,
    FIRST_AFTER_SECONDS,
    FRESH_SECONDS,
    Periods,
    Remains,
    Retention,
    Verdict,
)
from poller.rtdb.writer import Writer
from tests.fakes import FakeClock, eventually
from tests.poller.lifecycle import NODES, World, inputs, new_id, world
from tests.poller.rtdb.wire import bytes_read

DAY = int(DAY_SECONDS * 1000)
NOW = 100 * DAY
PERIODS = Periods(failed_days=30, completed_days=7)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (Remains(failed=True, ended_at=NOW - 30 * DAY), Verdict.DELETE),
        (Remains(failed=True, ended_at=NOW - 30 * DAY + 1), Verdict.KEEP),
        (Remains(completed=True, ended_at=NOW - 7 * DAY), Verdict.DELETE),
        (Remains(completed=True, ended_at=NOW - 7 * DAY + 1), Verdict.KEEP),
        (Remains(failed=True, ended_at=NOW - DAY, seen_at=NOW - 90 * DAY), Verdict.KEEP),
        (Remains(), Verdict.STAMP),
        (Remains(completed=True), Verdict.STAMP),
        (Remains(ended_at=NOW - 90 * DAY), Verdict.STAMP),
        (Remains(seen_at=NOW - 30 * DAY), Verdict.DELETE),
        (Remains(seen_at=NOW - 29 * DAY), Verdict.KEEP),
    ],
)
def test_the_verdict_follows_the_stamp_that_counts(found: Remains, verdict: Verdict) -> None:
    assert PERIODS.verdict(found, now=NOW) is verdict


@given(st.builds(Remains), st.integers(0, 10**14))
def test_zero_days_means_for_ever(found: Remains, now: int) -> None:
    assert Periods(failed_days=0, completed_days=0).verdict(found, now=now) is Verdict.KEEP


class Bench:
    """Retention over an embedded database whose days are counted by `now`."""

    def __init__(self, rtdb: World, writer: Writer, clock: FakeClock) -> None:
        self.rtdb = rtdb
        self.clock = clock
        self.days = 0
        self.writer = writer
        self.retention = Retention(writer, PERIODS, now=self.now)

    def now(self) -> int:
        return self.writer.now() + self.days * DAY

    async def store(self, outputs: dict[str, Any] | None = None, **run: Any) -> str:
        job = new_id()
        node: dict[str, Any] = {"state": {"inputs": inputs(job), "outputs": outputs}, "run": run}
        await self.rtdb.database.put(NODES.job(job), node)
        return job

    async def there(self, job: str) -> bool:
        return bool(await self.rtdb.database.keys(NODES.job(job)))

    async def sweep_after(self, days: int) -> None:
        self.days += days
        await self.retention.sweep()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = FakeClock()
    async with (
        world() as rtdb,
        Writer(rtdb.database, NODES, clock, chance=lambda: 0.5, metrics=Metrics()) as writer,
    ):
        yield Bench(rtdb, writer, clock)


async def test_ended_jobs_go_after_their_days(bench: Bench) -> None:
    ended = {"endedAt": {".sv": "timestamp"}}
    failed = await bench.store({"isFailed": True}, **ended)
    completed = await bench.store({"isCompleted": True, "isFailed": False}, **ended)
    await bench.sweep_after(6)
    assert await bench.there(failed)
    assert await bench.there(completed)
    await bench.sweep_after(2)
    assert await bench.there(failed)
    assert not await bench.there(completed)
    await bench.sweep_after(23)
    assert not await bench.there(failed)


async def test_an_abandoned_job_counts_from_its_first_sighting(bench: Bench) -> None:
    job = await bench.store()
    await bench.sweep_after(0)
    first = await bench.rtdb.database.get(f"{NODES.run(job)}/seenAt")
    assert first == pytest.approx(bench.now(), abs=60_000)
    await bench.sweep_after(29)
    assert await bench.rtdb.database.get(f"{NODES.run(job)}/seenAt") == first
    await bench.sweep_after(2)
    assert not await bench.there(job)


async def test_a_queued_job_stays_whatever_its_stamps_say(bench: Bench) -> None:
    job = await bench.store({"isFailed": True}, endedAt=1, seenAt=1)
    await bench.rtdb.request(job)
    await bench.sweep_after(99)
    assert await bench.there(job)


async def test_other_namespaces_are_not_touched(bench: Bench) -> None:
    other = "jobs/somebody_else/j1"
    await bench.rtdb.database.put(other, {"state": {"outputs": {"isFailed": True}}, "run": {"endedAt": 1}})
    await bench.sweep_after(99)
    assert await bench.rtdb.database.keys(other)


async def test_a_job_removed_while_it_is_looked_at_does_not_come_back(bench: Bench) -> None:
    job = new_id()
    await bench.retention._leftovers.stamp(job)
    assert not await bench.there(job)


async def test_a_job_that_is_about_to_be_removed_is_left_alone(bench: Bench) -> None:
    job = await bench.store()
    await bench.rtdb.ask_removal(job)
    await bench.sweep_after(0)
    assert await bench.rtdb.database.get(f"{NODES.run(job)}/seenAt") is None


async def test_a_job_that_was_looked_at_before_a_long_sleep_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been tried again meanwhile."""
    job = await bench.store({"isFailed": True}, endedAt=1)
    is_anothers = bench.retention._leftovers.is_anothers

    async def and_sleeps(job_id: str) -> bool:
        answer = await is_anothers(job_id)
        await bench.clock.advance(FRESH_SECONDS + 1)
        return answer

    monkeypatch.setattr(bench.retention._leftovers, "is_anothers", and_sleeps)
    await bench.sweep_after(99)
    assert await bench.there(job)
    monkeypatch.undo()
    await bench.sweep_after(0)
    assert not await bench.there(job)


async def test_jobs_are_found_without_being_downloaded(bench: Bench) -> None:
    big = {"isCompleted": True, "esValue": {"elements": {"e1": {"id": "e1", "text": "x" * 1_000_000}}}}
    await bench.store(big, endedAt=1, model="y" * 1_000_000)
    before = bytes_read(bench.rtdb.database)
    await bench.sweep_after(0)
    assert bytes_read(bench.rtdb.database) - before < 2_000
    assert await bench.rtdb.database.keys(NODES.jobs) == []


async def test_it_comes_soon_after_the_start_and_then_once_a_day(bench: Bench) -> None:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(bench.retention.run())
        await bench.clock.advance(0)
        for seconds in (FIRST_AFTER_SECONDS, DAY_SECONDS, DAY_SECONDS):
            job = await bench.store({"isFailed": True}, endedAt=1)
            await bench.clock.advance(seconds - 1)
            assert await bench.there(job)
            await bench.clock.advance(1)

            async def gone(job: str = job) -> bool:
                return not await bench.there(job)

            await eventually(gone)
            await eventually(lambda: bool(bench.clock._sleepers))
        running.cancel()


async def test_an_ended_job_without_a_row_gets_one_and_an_orphan_row_goes(bench: Bench) -> None:
    old = await bench.store({"isCompleted": True}, startedAt=1_700_000_000_000)
    running = await bench.store()
    orphan = f"{NODES.index}/{row_key(1_700_000_000_000, new_id())}"
    await bench.rtdb.database.put(orphan, {"state": "completed", "endedAt": 1})
    await bench.sweep_after(0)
    rows = await bench.rtdb.database.get(NODES.index)
    await bench.sweep_after(0)
    again = await bench.rtdb.database.get(NODES.index)
    await bench.sweep_after(8)
    left = await bench.rtdb.database.get(NODES.index)
    assert [(job_id_of(key), row["state"]) for key, row in rows.items()] == [(old, "completed")]
    assert running not in str(rows)
    assert again == rows
    assert left is None


async def test_a_job_removed_while_it_is_listed_leaves_no_row(bench: Bench) -> None:
    await bench.retention._leftovers.list(new_id(), Remains(completed=True))
    assert await bench.rtdb.database.get("") is None
