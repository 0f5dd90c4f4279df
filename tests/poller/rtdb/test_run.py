"""A claimed job in the database, with a clock that stands still: what the fence lets through."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from eventstorming.v1 import executor_pb2, model_pb2

from poller.errors import LeaseLost, Transient
from poller.job import Job, Lease, LogLevel, LogLine
from poller.metrics import Lease as LeaseOutcome
from poller.metrics import Metrics
from poller.rtdb.answers import Denied
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.fence import MARGIN_SECONDS, Fence
from poller.rtdb.held_lease import HeldLease
from poller.rtdb.names import Json, read_entry
from poller.rtdb.rest import Database
from poller.rtdb.run import RtdbRun
from poller.rtdb.writer import Writer
from tests.fakes import FakeClock, eventually, settle, small_model
from tests.poller.lifecycle import NAMESPACE, NODES, World, new_id, round_trips, world
from tests.poller.whole import Whole
from tests.virtual import VirtualClock, virtual


class Counted(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.endings: list[str] = []

    def lease(self, outcome: LeaseOutcome) -> None:
        self.told.append(outcome)

    def repeated(self) -> None:
        self.told.append("repeated")

    def ended(self, ending: str) -> None:
        self.endings.append(ending)


@dataclass(frozen=True, kw_only=True)
class Bench:
    rtdb: World
    writer: Writer
    clock: FakeClock
    counted: Counted
    queue: Whole
    run: RtdbRun

    async def said(self) -> bool:
        return "hello" in str(await self.rtdb.outputs(self.run.job.id))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock, counted = FakeClock(), Counted()
    async with (
        world() as rtdb,
        Writer(rtdb.database, NODES, clock, chance=lambda: 0.5, metrics=counted) as writer,
    ):
        job = new_id()
        await rtdb.create(job)
        queue = Whole(writer, owner="poller-a", lease_seconds=30)
        run = await queue.claim(read_entry(job, await rtdb.entry(job)))
        assert run is not None
        yield Bench(rtdb=rtdb, writer=writer, clock=clock, counted=counted, queue=queue, run=run)


async def nobody(_: object) -> None:
    return


async def test_nothing_is_published_with_too_little_lease_left_until_it_is_renewed(bench: Bench) -> None:
    bench.clock.time += 21
    bench.run.display.say(LogLine(level=LogLevel.INFO, message="hello"))
    async with asyncio.TaskGroup() as group:
        storing = group.create_task(bench.run.store(nobody))
        await round_trips(bench.rtdb.database)
        assert not await bench.said()
        keeping = group.create_task(bench.run.lease.keep())
        await bench.clock.advance(8)
        await eventually(bench.said)
        storing.cancel()
        keeping.cancel()


async def test_what_is_handed_over_is_published_while_the_lease_lasts(bench: Bench) -> None:
    bench.clock.time += 19
    bench.run.display.say(LogLine(level=LogLevel.INFO, message="hello"))
    async with asyncio.TaskGroup() as group:
        storing = group.create_task(bench.run.store(nobody))
        await eventually(bench.said)
        storing.cancel()


async def test_a_renewal_changes_the_lease_alone(bench: Bench) -> None:
    before = await bench.rtdb.entry(bench.run.job.id)
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(bench.run.lease.keep())
        await bench.clock.advance(8)

        async def renewed() -> bool:
            after = await bench.rtdb.entry(bench.run.job.id)
            return bool(after["lease"]["renewedAt"] > before["lease"]["renewedAt"])

        await eventually(renewed)
        keeping.cancel()
    after = await bench.rtdb.entry(bench.run.job.id)
    assert after | {"lease": 0} == before | {"lease": 0}
    assert after["lease"] | {"renewedAt": 0} == before["lease"] | {"renewedAt": 0}
    assert bench.counted.told == ["renewed"]


@pytest.mark.parametrize(
    ("lease", "holder"),
    [
        ({"token": "theirs", "epoch": 9, "owner": "poller-b"}, "poller-b (epoch 9)"),
        ({"token": "theirs", "epoch": 9}, "nobody (epoch 9)"),
        (None, "nobody (epoch 0)"),
    ],
)
async def test_who_renews_hears_who_holds_the_lease(bench: Bench, lease: Json, holder: str) -> None:
    await bench.rtdb.database.put(NODES.lease(bench.run.job.id), lease)
    with pytest.raises(LeaseLost, match=re.escape(f"the lease is held by {holder}")):
        await bench.run.lease.renew()
    assert bench.counted.told == []


async def test_a_job_that_goes_back_is_counted(bench: Bench) -> None:
    await bench.run.settlement.release(bench.run.job)
    assert (bench.counted.told, bench.counted.endings) == (["released"], ["released"])


@pytest.mark.parametrize("cancelled", [{}, {"cancelled": True}])
async def test_a_job_that_fails_says_why_wherever_it_is_looked_for(bench: Bench, cancelled: Any) -> None:
    await bench.run.settlement.fail("The reason.", **cancelled)
    tree = await bench.rtdb.database.get("")
    stored = tree["jobs"][NAMESPACE][bench.run.job.id]
    outputs, told = stored["state"]["outputs"], stored["run"]
    assert (outputs["isFailed"], outputs["isCompleted"]) == (True, False)
    assert abs(stored["lastUpdated"] - bench.writer.now() / 1000) < 60
    assert [(line["level"], line["message"]) for line in outputs["logs"]] == [("error", "The reason.")]
    assert (told["failure"], told.get("cancelled", False)) == ("The reason.", bool(cancelled))
    (row,) = tree["jobIndex"][NAMESPACE].values()
    assert (row["state"], row["failure"], row.get("cancelled", False)) == (
        "failed",
        "The reason.",
        bool(cancelled),
    )
    assert row["endedAt"] == told["endedAt"]
    assert bench.counted.endings == ["failed"]
    assert await bench.rtdb.entry(bench.run.job.id) is None


class Sleepy(EmulatorCredentials):
    """The process stands still, once, while it is about to send."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.seconds = clock, 0.0

    async def token(self, *, stale: str | None = None) -> str | None:
        self.clock.time += self.seconds
        self.seconds = 0.0
        return await super().token(stale=stale)


@pytest.mark.parametrize(("slept", "sent"), [(15.0, True), (25.0, False)])
async def test_a_process_that_slept_after_the_fence_sends_nothing(slept: float, sent: bool) -> None:
    clock = FakeClock()
    credentials = Sleepy(clock)
    async with (
        world() as rtdb,
        Database.connect(
            base_url=rtdb.rtdb.url, namespace="test", credentials=credentials, metrics=Metrics()
        ) as database,
        Writer(database, NODES, clock, chance=lambda: 0.5, metrics=Metrics()) as writer,
    ):
        job = new_id()
        await rtdb.create(job)
        run = await Whole(writer, owner="poller-a", lease_seconds=30).claim(
            read_entry(job, await rtdb.entry(job))
        )
        assert run is not None
        before = rtdb.rtdb.store.commits
        credentials.seconds = slept
        run.display.say(LogLine(level=LogLevel.INFO, message="hello"))
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(run.store(nobody))
            await eventually(lambda: credentials.seconds == 0.0)
            await round_trips(rtdb.database)
            assert (rtdb.rtdb.store.commits > before) is sent
            storing.cancel()


@pytest.mark.parametrize("how", ["claim", "cancel"])
async def test_a_job_that_is_only_settled_ends_also_when_the_database_was_away_for_longer_than_its_lease(
    how: str,
) -> None:
    """No attempt keeps its lease: whoever settles it must."""
    clock = FakeClock()
    async with (
        world() as rtdb,
        Writer(rtdb.database, NODES, clock, chance=lambda: 0.5, metrics=Metrics()) as writer,
    ):
        job = new_id()
        await rtdb.create(job, requirements=" " if how == "claim" else "A customer orders.")
        queue = Whole(writer, owner="poller-a", lease_seconds=30)
        rtdb.rtdb.faults.change({"errors": -1, "method": "PATCH"})
        entry = read_entry(job, await rtdb.entry(job))
        settling = asyncio.create_task(
            queue.claim(entry) if how == "claim" else queue.cancel(job, by="Kim")  # type: ignore[arg-type]
        )
        await eventually(lambda: _is_leased(rtdb, job))
        clock.time += 60
        rtdb.rtdb.faults.reset()

        async def over() -> bool:
            await clock.advance(4)
            return bool((await rtdb.outputs(job)).get("isFailed")) and await rtdb.entry(job) is None

        await eventually(over)
        await settling


async def _is_leased(rtdb: World, job: str) -> bool:
    return "token" in (await rtdb.entry(job)).get("lease", {})


# ── what an ending does with what still waits ────────────────────────────────────────────────────────────────────


ENDINGS: dict[str, Callable[[RtdbRun], Awaitable[None]]] = {
    "completed": lambda run: run.settlement.complete(small_model(), tokens_used=1),
    "failed": lambda run: run.settlement.fail("It ended so."),
    "begun again": lambda run: run.begin_again(run.job),
    "released": lambda run: run.settlement.release(run.job),
}


def remember(run: RtdbRun, key: str) -> None:
    run.journal.remember(1, executor_pb2.JournalEntry(key=key, value="{}", tokens=1))


async def answers(bench: Bench, epoch: int) -> list[str]:
    found = await bench.rtdb.database.get(f"{NODES.journal(bench.run.job.id)}/{epoch}")
    return sorted(found or {})


@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_answer_that_waits_is_stored_before_its_run_is_over(bench: Bench, ending: str) -> None:
    remember(bench.run, "q1")
    await ENDINGS[ending](bench.run)
    assert await answers(bench, 1) == ["q1"]


async def test_a_run_whose_lease_is_short_goes_back_without_waiting_for_its_answers(bench: Bench) -> None:
    remember(bench.run, "q1")
    bench.clock.time += 25
    async with asyncio.timeout(5):
        await bench.run.settlement.release(bench.run.job)
    assert await answers(bench, 1) == []
    assert read_entry(bench.run.job.id, await bench.rtdb.entry(bench.run.job.id)).waiting


async def test_a_completed_job_shows_its_whole_model(bench: Bench) -> None:
    await bench.run.settlement.complete(small_model(), tokens_used=1)
    outputs = await bench.rtdb.outputs(bench.run.job.id)
    names = [element.get("name") for element in outputs["esValue"]["elements"].values()]
    assert "Order1" in names


async def test_a_completed_job_is_told_with_what_it_cost_and_of_no_failure(bench: Bench) -> None:
    await bench.run.settlement.release(bench.run.job.raised())
    job = bench.run.job.id
    run = await bench.queue.claim(read_entry(job, await bench.rtdb.entry(job)))
    assert run is not None
    await run.settlement.complete(small_model(), tokens_used=7)
    tree = await bench.rtdb.database.get("")
    assert tree["jobs"][NAMESPACE][job]["run"]["tokens"] == 7
    (row,) = tree["jobIndex"][NAMESPACE].values()
    assert (row["state"], row["attempts"]) == ("completed", 1)
    assert not {"failure", "cancelled"} & row.keys()
    assert bench.counted.endings == ["released", "completed"]


async def test_what_is_not_stored_when_a_run_is_let_go_takes_no_room_any_more(bench: Bench) -> None:
    async with bench.run:
        remember(bench.run, "q1")
        assert bench.writer.room.taken > 0
    assert bench.writer.room.taken == 0


# ── the next epoch ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_next_epoch_renews_the_lease(bench: Bench) -> None:
    bench.clock.time += 15
    await bench.run.begin_again(bench.run.job)
    bench.clock.time += 10
    assert bench.run.lease.may_ask


async def test_answers_after_the_next_epoch_has_begun_are_stored_in_its_branch(bench: Bench) -> None:
    await bench.run.begin_again(bench.run.job)
    remember(bench.run, "q2")
    await bench.run.settlement.fail("over")
    assert (await answers(bench, 1), await answers(bench, 2)) == ([], ["q2"])
    marks = await bench.rtdb.database.keys(f"{NODES.run(bench.run.job.id)}/epochs")
    assert marks == ["2"]


async def test_a_run_marks_its_epoch_once(bench: Bench) -> None:
    job = bench.run.job.id
    mark = f"{NODES.run(job)}/epochs/1"
    await say(bench, "hello")
    assert await bench.rtdb.database.get(mark)
    await bench.rtdb.database.delete(mark)
    await bench.run.settlement.fail("over")
    assert await bench.rtdb.database.get(mark) is None


async def say(bench: Bench, message: str) -> None:
    bench.run.display.say(LogLine(level=LogLevel.INFO, message=message))
    async with asyncio.TaskGroup() as group:
        storing = group.create_task(bench.run.store(nobody))
        await eventually(bench.said)
        storing.cancel()


async def test_a_run_that_only_ends_marks_its_epoch_too(bench: Bench) -> None:
    await bench.run.settlement.end()
    assert await bench.rtdb.database.get(f"{NODES.run(bench.run.job.id)}/epochs/1")


# ── the lease ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", ["end", "release"])
async def test_an_entry_that_is_anothers_by_now_is_left_alone(bench: Bench, ending: str) -> None:
    job = bench.run.job.id
    lease = {"token": "another", "epoch": 2, "owner": "poller-b", "renewedAt": 1}
    await bench.rtdb.database.put(NODES.lease(job), lease)
    await (bench.run.settlement.end() if ending == "end" else bench.run.settlement.release(bench.run.job))
    assert (await bench.rtdb.entry(job))["lease"] == lease


async def test_who_keeps_the_lease_hears_at_once_that_it_is_lost(bench: Bench) -> None:
    keeping = asyncio.create_task(bench.run.lease.keep())
    await settle()
    bench.run.lease.lose("another's")
    with pytest.raises(LeaseLost, match="another's"):
        await keeping


def entry(epoch: int, token: str, owner: str = "") -> Job:
    return Job(id="j", created_at=1, lease=Lease(epoch=epoch, token=token, owner=owner, renewed_at=1))


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (None, "the entry is gone"),
        (entry(2, "theirs", "poller-b"), "the lease is held by poller-b (epoch 2)"),
        (entry(2, "theirs"), "the lease is held by nobody (epoch 2)"),
        (entry(1, "theirs", "poller-b"), None),
        (entry(0, ""), None),
        (entry(2, "ours", "poller-a"), None),
    ],
)
async def test_an_entry_takes_the_lease_away_where_a_later_epoch_is_anothers(
    bench: Bench, seen: Job | None, why: str | None
) -> None:
    """Whoever looks at the stream may see what was before our claim, or our own next epoch before its reply."""
    held = bench.run.lease
    if seen is not None and seen.lease.token == "ours":
        seen = replace(seen, lease=replace(seen.lease, token=held.job.lease.token))
    held.check(seen)
    assert held.fence.lost == why


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 6.4), (1.0, 9.6)])
async def test_pollers_that_began_together_do_not_renew_together(
    bench: Bench, chance: float, seconds: float
) -> None:
    bench.writer.chance = bench.run.lease.writer.chance = lambda: chance
    before = bench.rtdb.rtdb.app.stats.requests
    keeping = asyncio.create_task(bench.run.lease.keep())
    await bench.clock.advance(seconds - 0.01)
    await round_trips(bench.rtdb.database)
    assert bench.counted.told == []
    assert bench.rtdb.rtdb.app.stats.requests - before == 20, "its own round trips"
    await bench.clock.advance(0.02)
    await eventually(lambda: bench.counted.told == ["renewed"])
    keeping.cancel()


@virtual
async def test_the_waits_for_a_silent_database_grow_to_two_seconds() -> None:
    """With each failure, whatever the lease is."""
    at: list[float] = []

    async def silent() -> None:
        at.append(asyncio.get_running_loop().time())
        if len(at) < 8:
            raise Transient("no answer")

    await held(lease_rules=False).insist(silent)
    waits = [round(after - before, 3) for before, after in pairwise(at)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]


@virtual
async def test_whom_the_database_refuses_has_lost_the_lease_where_it_has_our_rules() -> None:
    async def refused() -> None:
        raise Denied("rules do not allow it")

    said = "the database refused a write under this lease"
    lease = held(lease_rules=True)
    with pytest.raises(LeaseLost, match=said):
        await lease.insist(refused)
    assert lease.fence.lost == said
    without = held(lease_rules=False)
    with pytest.raises(Denied):
        await without.insist(refused)
    assert without.fence.lost is None


def held(*, lease_rules: bool) -> HeldLease:
    """A lease over no database at all."""
    clock, nothing = VirtualClock(), SimpleNamespace(acting_as=lambda _: None)
    writer = Writer(
        nothing,  # type: ignore[arg-type]
        NODES,
        clock,
        chance=lambda: 1.0,
        lease_rules=lease_rules,
        metrics=Metrics(),
    )
    return HeldLease(writer, Fence(clock, lease_seconds=30), entry(1, "ours", "poller-a"))


async def test_its_own_end_is_no_loss_to_a_run_whose_last_reply_was_lost(bench: Bench) -> None:
    bench.rtdb.rtdb.faults.change({"drop_replies": 1, "method": "DELETE"})
    failing = asyncio.create_task(bench.run.settlement.fail("over"))

    async def is_gone() -> bool:
        return await bench.rtdb.entry(bench.run.job.id) is None

    await eventually(is_gone)
    bench.run.lease.lose("the entry is gone")

    async def over() -> bool:
        await bench.clock.advance(1)
        return failing.done()

    await eventually(over)
    await failing


async def test_a_silent_database_is_told_once_and_asked_nothing_for_until_it_answers(bench: Bench) -> None:
    for outages in (1, 2):
        bench.rtdb.rtdb.faults.change({"errors": -1, "method": "PATCH"})
        bench.run.display.say(LogLine(level=LogLevel.INFO, message="hello"))
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(bench.run.store(nobody))
            for _ in range(3):
                await eventually(lambda: _failed_again(bench))
            assert not bench.run.lease.may_ask
            assert bench.counted.told.count("suspended") == outages
            bench.rtdb.rtdb.faults.reset()
            await eventually(lambda: _may_ask_again(bench))
            storing.cancel()


async def _failed_again(bench: Bench) -> bool:
    """The next try is on its way."""
    before = bench.rtdb.rtdb.app.stats.requests
    await bench.clock.advance(0.5)
    return bench.rtdb.rtdb.app.stats.requests > before


async def _may_ask_again(bench: Bench) -> bool:
    await bench.clock.advance(0.1)
    return bench.run.lease.may_ask


# ── answers of earlier runs ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_job_has_nothing_to_recall_and_is_not_read_for_it(bench: Bench) -> None:
    before = bench.rtdb.rtdb.app.stats.reads
    assert await bench.run.journal.recall() == []
    assert bench.rtdb.rtdb.app.stats.reads == before


async def test_a_first_run_recalls_what_was_borrowed_for_it_and_tells_what_is_asked_all_the_same(
    bench: Bench,
) -> None:
    job = bench.run.job.id
    await bench.run.settlement.release(bench.run.job)
    borrowed = {"0": {"q0": '{"value":"{}","tokens":0}'}}
    await bench.rtdb.database.patch(NODES.run(job), {"journal": borrowed, "epochs": None})
    await bench.rtdb.request(job)
    run = await bench.queue.claim(read_entry(job, await bench.rtdb.entry(job)))
    assert run is not None
    assert run.job.lease.epoch == 1
    assert [entry.key for entry in await run.journal.recall()] == ["q0"]
    for key in ("q0", "q1", "q2"):
        remember(run, key)
    assert bench.counted.told.count("repeated") == 1


async def test_what_a_run_writes_waits_for_the_budget_of_all_writes() -> None:
    clock = FakeClock()
    async with world() as rtdb, Writer(rtdb.database, NODES, clock, rate=1, metrics=Metrics()) as writer:
        job = new_id()
        await rtdb.create(job)
        queue = Whole(writer, owner="poller-a", lease_seconds=30)
        run = await queue.claim(read_entry(job, await rtdb.entry(job)))
        assert run is not None
        ending = asyncio.create_task(run.settlement.end())
        await settle(2000)
        assert await rtdb.database.get(NODES.run(job)) is None
        for _ in range(3):
            await clock.advance(1)
        await eventually(ending.done)


# ── what may come late ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_that_took_over_ends_after_the_last_writes_of_the_one_before_and_puts_right_what_they_changed(
    bench: Bench,
) -> None:
    run, canvas = bench.run, f"{NODES.job(bench.run.job.id)}/state/outputs/esValue/elements"
    run.writes.in_flight.doubt(MARGIN_SECONDS)
    run.display.show_model(small_model())
    async with asyncio.TaskGroup() as group:
        storing = group.create_task(run.store(nobody))
        await eventually(lambda: bench.rtdb.database.get(canvas))
        storing.cancel()
    shown = await bench.rtdb.database.get(canvas)
    ending = asyncio.create_task(run.settlement.complete(small_model(), tokens_used=1))
    await bench.clock.advance(9.9)
    older = {"name": "older"}
    await bench.rtdb.database.patch(canvas, dict.fromkeys(shown, older))
    await round_trips(bench.rtdb.database)
    assert not ending.done()
    await bench.clock.advance(0.1)
    await ending
    assert older not in (await bench.rtdb.database.get(canvas)).values()
    assert (await bench.rtdb.outputs(run.job.id))["isCompleted"] is True


async def test_a_run_that_nobody_held_before_ends_at_once(bench: Bench) -> None:
    await bench.run.settlement.complete(small_model(), tokens_used=1)
    assert (await bench.rtdb.outputs(bench.run.job.id))["isCompleted"] is True


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            model_pb2.LANGUAGE_ENGLISH,
            "3 stickers shown before the generator was upgraded are not in the finished model. They stay on the canvas until "
            "you delete them: Order2, Place Order2, Order2 placed",
        ),
        (
            model_pb2.LANGUAGE_KOREAN,
            "생성기가 업그레이드되기 전에 표시된 스티커 3개는 완성된 모델에 없습니다. 직접 삭제할 때까지 캔버스에 남습니다: "
            "Order2, Place Order2, Order2 placed",
        ),
    ],
)
async def test_a_run_after_an_upgrade_says_which_stickers_its_model_has_no_more(
    bench: Bench, language: model_pb2.Language, said: str
) -> None:
    bench.run.display.show_model(small_model(aggregates=2))
    async with asyncio.TaskGroup() as group:
        storing = group.create_task(bench.run.store(nobody))

        async def shown() -> bool:
            return "Order2Placed" in str(await bench.rtdb.outputs(bench.run.job.id))

        await eventually(shown)
        storing.cancel()
    await bench.run.settlement.release(bench.run.job)
    bench.clock.time += 60
    job = bench.run.job.id
    again = await bench.queue.claim(read_entry(job, await bench.rtdb.entry(job)))
    assert again is not None
    again.input.language = language

    await again.settlement.complete(small_model(aggregates=1), tokens_used=1)

    outputs = await bench.rtdb.outputs(job)
    told = [line["message"] for line in outputs["logs"] if line["level"] == "warning"]
    assert told == [said]
    assert again.display.said("kept"), "by a run after this, too"
    names = [element["name"] for element in outputs["esValue"]["elements"].values()]
    assert len(names) == len(set(names))
