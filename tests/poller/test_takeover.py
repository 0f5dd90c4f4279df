"""Two pollers and one job, with replies lost and a database that one of them cannot reach: who may publish, and how it ends.

Nobody hears an event stream. The database and both pollers share one time, which only `pass_` moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from structlog.testing import capture_logs

from devkit.rtdb.server import Emulator
from poller.errors import LeaseLost, Transient
from poller.job import Job, JobState, LogLevel, LogLine
from poller.metrics import Claim, Metrics, Try
from poller.ports import JobFilter
from poller.rtdb.claims import Claims
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.fence import Claimant
from poller.rtdb.names import OUTPUTS, read_entry
from poller.rtdb.rest import Database
from poller.rtdb.run import RtdbRun, Runs
from poller.rtdb.writer import Writer
from tests.fakes import FakeClock, eventually, small_model
from tests.poller.lifecycle import NODES, inputs, new_id, round_trips
from tests.poller.whole import Whole
from tests.virtual import VirtualClock, virtual

LEASE_SECONDS = 30.0


class Counted(Metrics):
    """Claims by their outcome, crashes, and the seconds that jobs had waited when they were picked up."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.waited: list[float] = []

    def picked_up(self, seconds: float) -> None:
        self.waited.append(seconds)

    def claim(self, outcome: Claim) -> None:
        self.told.append(outcome)

    def tried(self, kind: Try) -> None:
        self.told.append(kind)


class Sides:
    """Two pollers, `a` and `b`, and their job."""

    def __init__(self, clock: FakeClock, rtdb: Emulator) -> None:
        self.clock, self.rtdb, self.job = clock, rtdb, new_id()
        self.queues: dict[str, Whole] = {}
        self.counted = Counted()

    async def open(self, stack: AsyncExitStack) -> None:
        for name in ("a", "b"):
            database = Database.connect(
                base_url=self.rtdb.url,
                namespace="test",
                credentials=EmulatorCredentials(),
                clock=self.clock.monotonic,
                wall=self.clock.monotonic,
                agent=f"poller-{name}",
                metrics=Metrics(),
            )
            self.database = await stack.enter_async_context(database)
            writer = await stack.enter_async_context(
                Writer(self.database, NODES, self.clock, chance=lambda: 0.5, metrics=self.counted)
            )
            self.queues[name] = Whole(writer, owner=f"poller-{name}", lease_seconds=LEASE_SECONDS)

    async def seen(self) -> Job:
        return read_entry(self.job, await self.database.get(NODES.entry(self.job)))

    async def owner(self) -> str:
        return (await self.seen()).lease.owner

    async def outputs(self) -> dict[str, Any]:
        return await self.database.get(NODES.leaf(self.job, OUTPUTS)) or {}

    def cut_off(self, name: str, method: str = "") -> None:
        self.rtdb.faults.change({"errors": -1, "agent": f"poller-{name}", "method": method})

    def reached_again(self) -> None:
        self.rtdb.faults.reset()

    async def unanswered_claim(self, name: str) -> None:
        """Committed; then the reply is lost, and the database away."""
        lost = {"drop_replies": 1, "method": "PUT", "agent": f"poller-{name}"}
        self.rtdb.faults.change(lost)
        claiming = asyncio.create_task(self.queues[name].claim(await self.seen()))
        await eventually(lambda: self.rtdb.faults.settings.drop_replies == 0)
        self.cut_off(name)
        await eventually(lambda: _tried(self, claiming))
        with pytest.raises(Transient):
            await claiming

    async def says(self, run: RtdbRun) -> bool:
        """Whether the run gets a line published without hearing of its lease."""
        run.display.say(LogLine(level=LogLevel.INFO, message=f"said by {run.job.lease.owner}"))
        storing = asyncio.create_task(run.store(nobody))
        await round_trips(self.database)
        storing.cancel()
        return f"said by {run.job.lease.owner}" in str(await self.outputs())


async def _tried(sides: Sides, task: asyncio.Task[Any]) -> bool:
    await sides.clock.advance(1)
    return task.done()


async def nobody(_: object) -> None:
    return


@pytest.fixture
async def sides() -> AsyncIterator[Sides]:
    clock = FakeClock(start=1_700_000_000.0)
    async with (
        Emulator(faults=True, now_ms=lambda: int(clock.time * 1000)) as rtdb,
        AsyncExitStack() as stack,
    ):
        found = Sides(clock, rtdb)
        await found.open(stack)
        await found.database.put(NODES.job(found.job), {"state": {"inputs": inputs(found.job)}})
        await found.database.put(NODES.entry(found.job), {"createdAt": {".sv": "timestamp"}})
        yield found


async def test_a_lease_from_an_unanswered_claim_is_no_authority_once_it_may_run_out(sides: Sides) -> None:
    """Told by a read alone that the lease is its own, a poller would publish while another takes it over."""
    before = await sides.seen()
    await sides.unanswered_claim("a")
    left = await sides.seen()
    sides.clock.time += 31
    sides.reached_again()
    first = await sides.queues["a"].claim(before)
    second = await sides.queues["b"].claim(left)
    owner = await sides.owner()
    published = [run.job.lease.owner for run in (first, second) if run is not None and await sides.says(run)]
    assert published == [owner]


@pytest.mark.parametrize("told", [False, True])
async def test_what_an_unanswered_claim_left_is_claimed_anew_and_is_no_crash(
    sides: Sides, told: bool
) -> None:
    """Also where the event stream has shown it meanwhile."""
    before = await sides.seen()
    await sides.unanswered_claim("a")
    sides.clock.time += 15
    sides.reached_again()
    run = await sides.queues["a"].claim(await sides.seen() if told else before)
    assert run is not None
    assert run.lease.may_ask
    entry = await sides.seen()
    assert (entry.lease.token, entry.crashes) == (run.job.lease.token, 0)
    assert sides.counted.told == ["won"]
    assert entry.lease.renewed_at == int(sides.clock.time * 1000)


async def test_after_a_restart_a_job_is_removed_once_nothing_of_the_former_life_can_come(
    sides: Sides,
) -> None:
    """What a killed poller sent last may be stored seconds later, and would make the job anew."""
    assert await sides.queues["a"].claim(await sides.seen()) is not None
    async with Writer(sides.database, NODES, sides.clock, metrics=sides.counted) as writer:
        restarted = Whole(writer, owner="poller-a", lease_seconds=LEASE_SECONDS)
        assert not await restarted.remove(sides.job)
        assert await sides.owner() == "poller-a"
        sides.clock.time += LEASE_SECONDS + 1
        assert await restarted.remove(sides.job)


async def test_an_unanswered_claim_that_was_taken_over_meanwhile_is_lost(sides: Sides) -> None:
    before = await sides.seen()
    await sides.unanswered_claim("a")
    left = await sides.seen()
    sides.clock.time += 31
    taken = await sides.queues["b"].claim(left)
    sides.reached_again()
    assert await sides.queues["a"].claim(before) is None
    assert taken is not None
    assert sides.counted.told == ["taken_over", "crash", "lost"]
    assert (taken.job.lease.epoch, await sides.owner()) == (2, "poller-b")


async def test_a_claim_answered_late_counts_its_lease_from_before_it_was_sent(sides: Sides) -> None:
    """Its own token, met again, is success; how much of the lease is left, the reply does not say."""
    seen = await sides.seen()
    sides.rtdb.faults.change({"drop_replies": 1, "method": "PUT", "agent": "poller-a"})
    claiming = asyncio.create_task(sides.queues["a"].claim(seen))
    await eventually(lambda: sides.rtdb.faults.settings.drop_replies == 0)
    sides.clock.time += 22
    await eventually(lambda: _tried(sides, claiming))
    run = await claiming
    assert run is not None
    assert (run.job.lease.epoch, run.lease.may_ask) == (1, False)
    assert not await sides.says(run)
    sides.clock.time += 9
    assert await sides.queues["b"].claim(await sides.seen()) is not None
    with pytest.raises(LeaseLost):
        await run.lease.renew()


async def test_a_lease_is_known_by_any_of_the_claims_that_were_not_answered(sides: Sides) -> None:
    """The first left it; the second did not get so far as to replace it."""
    before = await sides.seen()
    await sides.unanswered_claim("a")
    sides.cut_off("a", "PUT")
    claiming = asyncio.create_task(sides.queues["a"].claim(before))
    await eventually(lambda: _tried(sides, claiming))
    with pytest.raises(Transient):
        await claiming
    sides.reached_again()
    assert await sides.queues["a"].claim(before) is not None


async def test_the_epoch_does_not_fall_when_the_next_one_is_broken_off_after_it_was_stored(
    sides: Sides,
) -> None:
    run = await sides.queues["a"].claim(await sides.seen())
    assert run is not None
    sides.rtdb.faults.change({"drop_replies": 1, "method": "PUT", "agent": "poller-a"})
    again = asyncio.create_task(run.begin_again(run.job))
    await eventually(lambda: sides.rtdb.faults.settings.drop_replies == 0)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    await run.settlement.release(run.job.interrupted())
    entry = await sides.seen()
    assert (entry.lease.epoch, entry.lease.held, entry.interruptions) == (2, False, 1)


@pytest.mark.parametrize(("passed", "waited"), [(3600.0, 3600.0), (-60.0, 0.0)])
async def test_how_long_a_job_waited_is_told_once_when_it_is_first_picked_up(
    sides: Sides, passed: float, waited: float
) -> None:
    """Not when it goes on: after a release, or after its run has vanished. What is dated ahead has not waited."""
    made = int((sides.clock.time - passed) * 1000)
    await sides.database.put(f"{NODES.entry(sides.job)}/createdAt", made)
    run = await sides.queues["a"].claim(await sides.seen())
    assert run is not None
    await run.settlement.release(run.job)
    sides.clock.time += 100
    await sides.queues["b"].claim(await sides.seen())
    sides.clock.time += LEASE_SECONDS + 1
    await sides.queues["a"].claim(await sides.seen())
    assert sides.counted.told == ["won", "won", "taken_over", "crash"]
    assert sides.counted.waited == [pytest.approx(waited, rel=3e-4)]


@pytest.mark.parametrize(
    ("language", "crashed", "begun"),
    [
        ("English", "was stopped 3 times in a row", "begun by an earlier version"),
        ("Korean", "3번 연속으로 중단되어", "이전 버전의 생성기가 시작한"),
    ],
)
async def test_why_a_claimed_job_must_not_run_is_said_in_its_language(
    sides: Sides, language: str, crashed: str, begun: str
) -> None:
    node = NODES.job(sides.job)
    await sides.database.put(f"{node}/state/inputs/preferedLanguage", language)
    await sides.database.patch(NODES.entry(sides.job), {"crashes": 2})
    assert await sides.queues["a"].claim(await sides.seen()) is not None
    sides.clock.time += LEASE_SECONDS + 1
    assert await sides.queues["b"].claim(await sides.seen()) is None
    assert crashed in messages(await sides.outputs())[0]
    assert await sides.database.get(NODES.entry(sides.job)) is None

    await sides.database.patch(
        node, {"run": None, "state/outputs": {"esValue": {"elements": {"e": {"id": "e"}}}}}
    )
    await sides.database.put(NODES.entry(sides.job), {"createdAt": 1})
    assert await sides.queues["b"].claim(await sides.seen()) is None
    assert begun in messages(await sides.outputs())[0]


async def test_what_is_odd_in_the_inputs_is_told_as_a_warning_and_not_by_the_next_run_again(
    sides: Sides,
) -> None:
    await sides.database.delete(f"{NODES.job(sides.job)}/state/inputs/ids")
    for name in ("a", "b"):
        run = await sides.queues[name].claim(await sides.seen())
        assert run is not None
        assert await sides.says(run)
        await run.settlement.release(run.job)
    lines = (await sides.outputs())["logs"]
    assert [line["level"] for line in lines] == ["warning", "warning", "info", "info"]
    assert ["uid" in lines[0]["message"], "projectId" in lines[1]["message"]] == [True, True]


async def test_a_run_that_vanished_after_an_answer_is_the_first_crash_again(sides: Sides) -> None:
    await sides.database.patch(NODES.entry(sides.job), {"crashes": 2})
    assert await sides.queues["a"].claim(await sides.seen()) is not None
    await sides.database.put(f"{NODES.journal(sides.job)}/1/q", '{"value":"{}","tokens":0}')
    sides.clock.time += LEASE_SECONDS + 1
    run = await sides.queues["b"].claim(await sides.seen())
    assert run is not None
    assert run.job.crashes == 1


async def test_an_entry_made_anew_goes_on_above_the_answers_that_are_there(sides: Sides) -> None:
    await sides.database.put(f"{NODES.journal(sides.job)}/5/q", '{"value":"{}","tokens":0}')
    before = sides.rtdb.app.stats.requests
    seen = await sides.seen()
    run = await sides.queues["a"].claim(seen)
    assert run is not None
    assert run.job.lease.epoch == 6
    assert sides.rtdb.app.stats.requests - before == 4, "ours, and three of the claim"


async def test_a_canvas_with_its_mark_alone_was_begun_by_nobody(sides: Sides) -> None:
    await sides.database.put(f"{NODES.leaf(sides.job, OUTPUTS)}/esValue/elements", {"@": True})
    assert await sides.queues["a"].claim(await sides.seen()) is not None


async def test_an_entry_without_a_job_goes_and_the_log_says_why(sides: Sides) -> None:
    seen = await sides.seen()
    await sides.database.delete(NODES.job(sides.job))
    with capture_logs() as logs:
        assert await sides.queues["a"].claim(seen) is None
        assert await sides.database.get(NODES.entry(sides.job)) is None
        assert await sides.queues["a"].claim(seen) is None  # its stream is silent: nothing is dropped twice
    assert [line["reason"] for line in logs if line["event"] == "job.dropped"] == ["there is no job for it"]


@virtual
async def test_a_claim_that_nobody_answers_is_given_up_before_a_lease_would_be_over() -> None:
    """The slot that was set aside for it is wanted."""

    class Silent:
        async def get_with_etag(self, path: str, *, deadline: float) -> Any:
            await asyncio.sleep(deadline)
            raise Transient("no answer")

        async def get(self, path: str) -> None:
            return None

    silent: Any = Silent()
    writer = Writer(silent, NODES, VirtualClock(), metrics=Metrics())
    claimant = Claimant(owner="poller-a", lease_seconds=LEASE_SECONDS)
    removals: Any = None
    with pytest.raises(Transient):
        await Claims(writer, Runs(), removals, claimant).claim(Job(id=new_id(), created_at=1))
    assert asyncio.get_running_loop().time() < LEASE_SECONDS


async def test_an_ended_run_renews_nothing(sides: Sides) -> None:
    run = await sides.queues["a"].claim(await sides.seen())
    assert run is not None
    await run.settlement.fail("over")
    sides.clock.time += 25
    await run.lease.renew()
    assert not run.lease.may_ask


# ── an operator's cancel through the poller that does not run the job ────────────────────────────────────────────


async def running_elsewhere(sides: Sides) -> RtdbRun:
    """By `a`, which reads nothing from now on: it writes until its margin is used up."""
    run = await sides.queues["a"].claim(await sides.seen())
    assert run is not None
    sides.cut_off("a", "GET")
    return run


async def settled(sides: Sides) -> dict[str, Any]:
    """What is left of the job when the lease that was cancelled has run out, and its entry is claimed."""
    sides.clock.time += LEASE_SECONDS + 1
    sides.reached_again()
    assert await sides.queues["b"].claim(await sides.seen()) is None
    assert await sides.database.get(NODES.entry(sides.job)) is None
    return await sides.outputs()


def messages(outputs: dict[str, Any]) -> list[str]:
    return [line["message"] for line in outputs["logs"]]


async def test_a_cancelled_job_is_shown_as_failed_at_once_and_its_entry_goes_later(sides: Sides) -> None:
    await running_elsewhere(sides)
    view = await sides.queues["b"].cancel(sides.job, by="Kim")
    assert (view.state, view.failure) == (JobState.FAILED, "Cancelled by Kim.")
    before = await sides.outputs()
    assert (await sides.seen()).lease.epoch == 2
    assert await settled(sides) == before
    assert messages(before) == ["Cancelled by Kim."]


@pytest.mark.parametrize("whole", [True, False])
async def test_a_cancelled_job_ends_as_failed_although_its_run_went_on_to_complete_it(
    sides: Sides, whole: bool
) -> None:
    """Left half-way, it would have no flag at all, and its user would wait for ever."""
    run = await running_elsewhere(sides)
    await sides.queues["b"].cancel(sides.job, by="Kim")
    if not whole:
        sides.cut_off("a", "GET,PUT")
    completing = asyncio.create_task(run.settlement.complete(small_model(), tokens_used=1))
    await eventually(lambda: _is_completed(sides, whole))
    completing.cancel()
    await asyncio.gather(completing, return_exceptions=True)
    outputs = await settled(sides)
    assert (outputs["isFailed"], outputs["isCompleted"]) == (True, False)
    assert "Cancelled by Kim." in messages(outputs)
    rows = await sides.database.get(NODES.index)
    assert [row["state"] for row in rows.values()] == ["failed"]
    assert (await sides.queues["b"].get(sides.job)).state is JobState.FAILED


async def _is_completed(sides: Sides, whole: bool) -> bool:
    outputs = await sides.outputs()
    return outputs.get("isCompleted") is True if whole else outputs.get("isFailed") is False


async def test_a_cancelled_job_says_why_although_its_run_wrote_over_the_line(sides: Sides) -> None:
    run = await running_elsewhere(sides)
    await sides.queues["b"].cancel(sides.job, by="Kim")
    assert await sides.says(run)
    assert messages(await sides.outputs()) == ["said by poller-a"]
    assert messages(await settled(sides)) == ["said by poller-a", "Cancelled by Kim."]


async def test_a_job_that_had_completed_before_it_was_cancelled_stays_completed(sides: Sides) -> None:
    """Whoever cancelled it died before it had told anybody."""
    await running_elsewhere(sides)
    sides.cut_off("b", "PATCH")
    await _broken_off(sides, sides.queues["b"])
    sides.reached_again()
    await sides.database.patch(NODES.leaf(sides.job, OUTPUTS), {"isCompleted": True, "isFailed": False})
    assert (await settled(sides))["isCompleted"] is True


async def test_a_cancel_that_was_broken_off_is_carried_out_by_whoever_claims_the_job_next(
    sides: Sides,
) -> None:
    run = await sides.queues["a"].claim(await sides.seen())
    assert run is not None
    sides.cut_off("b", "PATCH")
    await _broken_off(sides, sides.queues["b"])
    outputs = await settled(sides)
    assert outputs["isFailed"] is True
    assert messages(outputs) == ["Cancelled by Kim."]


async def _broken_off(sides: Sides, queue: Whole) -> None:
    cancelling = asyncio.create_task(queue.cancel(sides.job, by="Kim"))
    await eventually(lambda: _is_cancelled(sides))
    cancelling.cancel()
    await eventually(lambda: _tried(sides, cancelling))  # it waits for what it gave up


async def _is_cancelled(sides: Sides) -> bool:
    return (await sides.seen()).cancelled_by == "Kim"


async def test_a_cancelled_job_is_not_listed_as_running(sides: Sides) -> None:
    queue, found = sides.queues["b"], asyncio.Event()
    await running_elsewhere(sides)
    await queue.cancel(sides.job, by="Kim")

    async def listen() -> None:
        async for _ in queue.changes():
            found.set()

    listening = asyncio.create_task(listen())
    await found.wait()
    page = await queue.list_jobs(JobFilter(), size=10)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert [job.state for job in page.jobs] == [JobState.FAILED]


async def test_a_cancelled_job_is_no_crash(sides: Sides) -> None:
    """Two of three it has had; a third would end it with another sentence, and alarm who watches the counters."""
    await sides.database.patch(NODES.entry(sides.job), {"crashes": 2})
    await running_elsewhere(sides)
    await sides.queues["b"].cancel(sides.job, by="Kim")
    await sides.database.delete(f"{NODES.leaf(sides.job, OUTPUTS)}/logs")
    assert messages(await settled(sides)) == ["Cancelled by Kim."]
    assert sides.counted.told == ["won", "won"]


async def test_a_job_is_not_tried_again_before_its_end_is_certain(sides: Sides) -> None:
    await running_elsewhere(sides)
    await sides.queues["b"].cancel(sides.job, by="Kim")
    sides.clock.time += 10
    with pytest.raises(Transient, match="in 20 s") as refused:
        await sides.queues["b"].retry(sides.job)
    assert refused.value.retry_after == pytest.approx(20, abs=1)
    assert (await sides.outputs())["isFailed"] is True
    await settled(sides)
    assert (await sides.queues["b"].retry(sides.job)).state is JobState.QUEUED
    assert await sides.queues["b"].claim(await sides.seen()) is not None


async def test_a_cancelled_job_whose_entry_nobody_has_claimed_yet_can_be_tried_again(sides: Sides) -> None:
    await running_elsewhere(sides)
    await sides.queues["b"].cancel(sides.job, by="Kim")
    sides.clock.time += LEASE_SECONDS + 1
    await sides.queues["b"].retry(sides.job)
    run = await sides.queues["b"].claim(await sides.seen())
    assert run is not None
    await run.settlement.complete(small_model(), tokens_used=1)
    assert (await sides.queues["b"].get(sides.job)).state is JobState.COMPLETED


async def test_a_cancelled_job_whose_run_has_vanished_is_over_at_once(sides: Sides) -> None:
    await running_elsewhere(sides)
    sides.clock.time += LEASE_SECONDS + 1
    view = await sides.queues["b"].cancel(sides.job, by="Kim")
    assert view.state is JobState.FAILED
    assert await sides.database.get(NODES.entry(sides.job)) is None


async def test_a_run_here_that_was_overtaken_says_nothing_about_the_one_that_goes_on_elsewhere(
    sides: Sides,
) -> None:
    """Its writes are settled; those of the other are not."""
    overtaken = await sides.queues["b"].claim(await sides.seen())
    assert overtaken is not None
    sides.clock.time += LEASE_SECONDS + 1
    await running_elsewhere(sides)
    async with overtaken:
        await sides.queues["b"].cancel(sides.job, by="Kim")
    assert await _is_cancelled(sides)
    await settled(sides)
