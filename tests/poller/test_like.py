"""A job submitted like an earlier one: whose answers come along, at what price, and for how long."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from eventstorming.v1 import executor_pb2, job_pb2

from poller.metrics import Metrics
from poller.ports import JobNotFound, WrongState
from poller.rtdb.journal import entry_text
from poller.rtdb.names import read_entry
from poller.rtdb.run import RtdbRun
from poller.rtdb.writer import Writer
from tests.fakes import FakeClock
from tests.poller.lifecycle import NODES, World, inputs, new_id, world
from tests.poller.whole import Whole


def _answer(key: str, value: str, *, unusable: bool = False) -> str:
    return entry_text(executor_pb2.JournalEntry(key=key, value=value, tokens=7, unusable=unusable))


class Bench:
    def __init__(self, rtdb: World, queue: Whole) -> None:
        self.rtdb, self.queue, self.earlier = rtdb, queue, new_id()

    async def put(self, **branches: dict[str, str]) -> None:
        """The earlier job with these journal branches."""
        journal = {epoch.removeprefix("epoch"): branch for epoch, branch in branches.items()}
        node = {"state": {"inputs": inputs(self.earlier)}, "run": {"createdAt": 1, "journal": journal}}
        await self.rtdb.database.put(NODES.job(self.earlier), node)

    async def submit(self) -> str:
        given = job_pb2.JobInput(
            requirements="A customer places an order.", user_id="u-1", project_id="p-1", language=1
        )
        return (await self.queue.submit(given, like=self.earlier)).job_id

    async def claim(self, job_id: str) -> RtdbRun:
        run = await self.queue.claim(read_entry(job_id, await self.rtdb.entry(job_id)))
        assert run is not None
        return run


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = FakeClock()
    async with (
        world() as rtdb,
        Writer(rtdb.database, NODES, clock, chance=lambda: 0.5, metrics=Metrics()) as writer,
    ):
        yield Bench(rtdb, Whole(writer, owner="poller-a", lease_seconds=30))


async def test_a_job_says_which_one_it_is_like_and_when_it_was_made(bench: Bench) -> None:
    await bench.put(epoch1={"a": _answer("a", "1")})
    job = await bench.submit()
    run = await bench.rtdb.database.get(f"{NODES.job(job)}/run")
    assert run.keys() == {"createdAt", "like", "journal"}
    assert run["like"] == bench.earlier
    (answers,) = run["journal"]  # branch 0: the database tells it as a list
    assert answers.keys() == {"a"}


async def test_usable_answers_come_along_free_of_charge_the_newest_of_each(bench: Bench) -> None:
    await bench.put(
        epoch1={"a": _answer("a", "old"), "b": _answer("b", "kept"), "c": _answer("c", "no", unusable=True)},
        epoch2={"a": _answer("a", "new")},
    )

    run = await bench.claim(await bench.submit())

    recalled = {
        entry.key: (entry.value, entry.tokens, entry.borrowed) for entry in await run.journal.recall()
    }
    assert recalled == {"a": ("new", 0, True), "b": ("kept", 0, True)}


async def test_what_becomes_of_the_earlier_job_is_no_concern_of_the_new_one(bench: Bench) -> None:
    await bench.put(epoch1={"a": _answer("a", "kept")})
    job_id = await bench.submit()
    await bench.rtdb.database.delete(NODES.job(bench.earlier))

    run = await bench.claim(job_id)
    assert [entry.value for entry in await run.journal.recall()] == ["kept"]
    await run.settlement.release(run.job.interrupted())
    again = await bench.claim(job_id)
    assert [entry.value for entry in await again.journal.recall()] == ["kept"]


async def test_an_answer_of_its_own_wins_over_a_borrowed_one(bench: Bench) -> None:
    await bench.put(epoch1={"a": _answer("a", "borrowed")})
    job_id = await bench.submit()
    run = await bench.claim(job_id)
    own = f"{NODES.journal(job_id)}/{run.job.lease.epoch}/a"
    await bench.rtdb.database.put(own, _answer("a", "own"))

    assert [(entry.value, entry.borrowed) for entry in await run.journal.recall()] == [("own", False)]


async def test_an_earlier_job_that_is_gone_or_has_no_answers_is_an_error_and_nothing_is_stored(
    bench: Bench,
) -> None:
    with pytest.raises(JobNotFound, match=f"no job {bench.earlier} any more"):
        await bench.submit()
    await bench.put()
    with pytest.raises(WrongState, match="has no answers that could be used again"):
        await bench.submit()

    assert await bench.rtdb.database.get(NODES.entries) is None
