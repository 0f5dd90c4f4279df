"""The life of a job, from the two writes of the web client to its end, with an executor that plays a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import structlog
from eventstorming.v1 import executor_pb2

from poller.job import JobState, Limits
from poller.rtdb import claims
from poller.rtdb.journal import Room
from poller.rtdb.names import OUTPUTS, read_lease
from tests.fakes import (
    Conversation,
    Refusal,
    eventually,
    plain_script,
    scripted_executor,
    small_model,
)
from tests.poller.lifecycle import NODES, World, new_id, round_trips, world


@pytest.fixture
async def rtdb() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def test_a_job_of_the_web_client_is_completed_and_its_entry_deleted(rtdb: World) -> None:
    job = new_id()
    async with scripted_executor() as executor, rtdb.poller(executor.port):
        await rtdb.create(job)
        outputs = await rtdb.ended(job)
    assert outputs["isFailed"] is False
    assert (outputs["currentProgressCount"], outputs["totalProgressCount"]) == (11, 11)
    assert [line["message"] for line in outputs["logs"]] == ["one context found"]
    kinds = [element["_type"].rsplit(".", 1)[1] for element in outputs["esValue"]["elements"].values()]
    assert sorted(kinds) == ["Aggregate", "BoundedContext", "Command", "Event", "UI"]


async def test_model_and_counters_are_shown_in_the_contracts_order_and_the_flag_last_and_alone(
    rtdb: World,
) -> None:
    job = new_id()
    async with scripted_executor() as executor:
        await rtdb.create(job)
        await rtdb.record(job)
        async with rtdb.poller(executor.port):
            await rtdb.ended(job)
    kinds = [kind for _, value in rtdb.log[1:] for kind in _shown(value)]
    assert kinds == sorted(
        kinds, key=["BoundedContext", "Aggregate", "Command", "Event", "UI", "Relation"].index
    )
    assert rtdb.log[-1] == ("state/outputs/isCompleted", True)
    assert not any("isCompleted" in str(value) and "True" in str(value) for _, value in rtdb.log[1:-1])


@pytest.mark.parametrize("flag", ["isCompleted", "isFailed"])
async def test_the_entry_goes_only_after_the_flag_is_set(rtdb: World, flag: str) -> None:
    async def failing(talk: Conversation) -> None:
        raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_USABLE")

    job = new_id()
    script = plain_script if flag == "isCompleted" else failing
    async with scripted_executor(script) as executor:
        await rtdb.create(job)
        await rtdb.record_everything()
        async with rtdb.poller(executor.port):
            await rtdb.ended(job, flag)
            await eventually(lambda: (NODES.entry(job), None) in rtdb.log)
    gone = rtdb.log.index((NODES.entry(job), None))
    set_at = [n for n, (path, value) in enumerate(rtdb.log) if n and _sets(flag, path, value)]
    assert len(set_at) == 1
    assert set_at[0] < gone


def _sets(flag: str, path: str, value: Any) -> bool:
    if path.endswith(flag):
        return value is True
    members = value.items() if isinstance(value, dict) else ()
    return any(name.endswith(flag) and item is True for name, item in members)


def _shown(value: Any) -> list[str]:
    """Kinds of the stickers and lines of one write."""
    found = []
    for path, item in value.items() if isinstance(value, dict) else ():
        if "esValue/elements/" in path and item:
            found.append(item["_type"].rsplit(".", 1)[1])
        if "esValue/relations/" in path and item:
            found.append("Relation")
    return sorted(found)


async def test_the_first_progress_is_there_before_the_executor_says_anything(rtdb: World) -> None:
    async def silent(talk: Conversation) -> None:
        await asyncio.Event().wait()

    job = new_id()
    async with scripted_executor(silent) as executor, rtdb.poller(executor.port):
        await rtdb.create(job)
        outputs = await eventually(lambda: rtdb.outputs(job))
        entry = await rtdb.entry(job)
    assert (outputs["currentProgressCount"], outputs["totalProgressCount"]) == (1, 11)
    assert (outputs["isCompleted"], outputs["isFailed"]) == (False, False)
    assert entry["status"] == "processing"
    assert entry["assignedPodId"] == "poller-a"
    assert "waitingJobCount" not in entry
    assert entry["lastHeartbeat"] == pytest.approx(entry["createdAt"] / 1000, abs=60)


async def test_a_job_survives_the_death_of_its_executor_and_asks_nothing_again(rtdb: World) -> None:
    asked: list[str] = []

    async def stuck(talk: Conversation) -> None:
        asked.append("q1") if await talk.ask("q1") else None
        await asyncio.Event().wait()

    async def finishing(talk: Conversation) -> None:
        for key in ("q1", "q2"):
            asked.append(key) if await talk.ask(key) else None
        await talk.complete(small_model())

    job = new_id()
    async with (
        scripted_executor(stuck, name="one", slots=9) as first,
        scripted_executor(finishing, name="two") as second,
        rtdb.poller(first.port, second.port) as poller,
    ):
        await poller.attached(13)
        await rtdb.create(job)
        await eventually(lambda: first.runs and first.runs[0].acked)
        await first.kill()
        await rtdb.ended(job)
    assert asked == ["q1", "q2"]
    assert (first.runs[0].epoch, second.runs[0].epoch) == (1, 2)


async def test_the_same_holds_when_the_only_executor_dies_and_a_new_one_comes(rtdb: World) -> None:
    async def stuck(talk: Conversation) -> None:
        await talk.ask("q1")
        await asyncio.Event().wait()

    job = new_id()
    async with scripted_executor(stuck) as first, rtdb.poller(first.port):
        await rtdb.create(job)
        await eventually(lambda: first.runs and first.runs[0].acked)
        await first.kill()
        await eventually(lambda: _released(rtdb, job))
        first.script = plain_script
        await first.start(first.port)
        await rtdb.ended(job)
    assert "q1" in first.runs[1].recalled
    assert first.runs[1].epoch == 2


async def _released(rtdb: World, job: str) -> bool:
    entry = await rtdb.entry(job)
    return bool(entry["lease"] == {"epoch": 1} and entry["crashes"] == 1)


async def test_a_lost_reply_to_the_claim_is_no_lost_claim(rtdb: World) -> None:
    job = new_id()
    async with scripted_executor() as executor:
        await rtdb.create(job)
        rtdb.rtdb.faults.change({"drop_replies": 1, "path": NODES.entry(job), "method": "PUT"})
        async with rtdb.poller(executor.port):
            await rtdb.ended(job)
    assert rtdb.rtdb.faults.settings.drop_replies == 0
    assert [talk.epoch for talk in executor.runs] == [1]


async def test_a_running_job_that_is_removed_stops_and_leaves_nothing(rtdb: World) -> None:
    async def endless(talk: Conversation) -> None:
        for number in range(1000):
            await talk.answer(f"q{number}")
            await talk.snapshot(small_model(aggregates=1 + number % 2))

    job = new_id()
    async with scripted_executor(endless) as executor, rtdb.poller(executor.port):
        await rtdb.create(job)
        await eventually(lambda: executor.runs and len(executor.runs[0].acked) > 3)
        await rtdb.ask_removal(job)
        await rtdb.gone(job)
        await eventually(lambda: executor.cancelled == [job])
    await rtdb.gone(job)


@pytest.mark.parametrize("what", ["waiting", "finished", "only the request"])
async def test_a_removal_request_takes_everything_away(rtdb: World, what: str) -> None:
    job = new_id()
    if what != "only the request":
        await rtdb.database.put(NODES.job(job), {"state": {"inputs": {}, "outputs": {"isCompleted": True}}})
    if what == "waiting":
        await rtdb.request(job)
    await rtdb.ask_removal(job)
    async with rtdb.poller():
        await rtdb.gone(job)


@pytest.mark.parametrize(
    ("reason", "code", "sentence"),
    [
        ("NOTHING_USABLE", grpc.StatusCode.FAILED_PRECONDITION, "scripted"),
        ("LLM_MISCONFIGURED", grpc.StatusCode.FAILED_PRECONDITION, "scripted"),
        ("LLM_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE, "Given up after 3 attempts"),
        ("INTERNAL", grpc.StatusCode.INTERNAL, "Given up after 3 attempts"),
    ],
)
async def test_every_terminal_error_sets_the_failed_flag_and_says_why(
    rtdb: World, reason: str, code: grpc.StatusCode, sentence: str
) -> None:
    async def failing(talk: Conversation) -> None:
        raise Refusal(code, reason)

    job = new_id()
    async with scripted_executor(failing) as executor, rtdb.poller(executor.port) as poller:
        await rtdb.create(job)
        outputs = await rtdb.ended(job, "isFailed")
        view = await poller.queue.get(job)
    assert outputs["isCompleted"] is False
    assert outputs["logs"][-1]["level"] == "error"
    assert sentence in outputs["logs"][-1]["message"]
    assert (view.state, view.failure) == (JobState.FAILED, outputs["logs"][-1]["message"])
    assert view.ended_at


@pytest.mark.parametrize(
    ("language", "reason", "metadata", "sentence"),
    [
        ("English", "LIMIT_REACHED", {"limit": "JOB_MAX_TOKENS", "value": "500"}, "its limit of 500 tokens"),
        ("Korean", "LIMIT_REACHED", {"limit": "JOB_MAX_TOKENS", "value": "500"}, "토큰 한도 500개"),
        ("Korean", "LIMIT_REACHED", {"limit": "JOB_TIMEOUT_SECONDS", "value": "9"}, "제한 시간"),
        ("Korean", "LLM_MISCONFIGURED", {}, "운영자가 설정을 고쳐야 합니다: scripted"),
    ],
)
async def test_what_stopped_a_job_is_told_in_its_language(
    rtdb: World, language: str, reason: str, metadata: dict[str, str], sentence: str
) -> None:
    async def failing(talk: Conversation) -> None:
        raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, reason, metadata=metadata)

    job = new_id()
    async with scripted_executor(failing) as executor, rtdb.poller(executor.port):
        await rtdb.create(job, preferedLanguage=language)
        outputs = await rtdb.ended(job, "isFailed")
    assert sentence in outputs["logs"][-1]["message"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"requirements": "  "}, "requirements are empty"),
        ({"requestType": "fromNothing"}, "fromNothing"),
        ({"requestType": "fromNothing", "preferedLanguage": "Korean"}, "요청 유형"),
    ],
)
async def test_inputs_that_cannot_be_understood_fail_with_a_sentence(
    rtdb: World, changed: dict[str, Any], sentence: str
) -> None:
    job, next_job = new_id(), new_id()
    async with scripted_executor() as executor, rtdb.poller(executor.port):
        await rtdb.create(job, **changed)
        await rtdb.create(next_job)
        outputs = await rtdb.ended(job, "isFailed")
        await rtdb.ended(next_job)
    assert sentence in outputs["logs"][0]["message"]


async def test_entries_that_are_no_jobs_are_dropped(rtdb: World) -> None:
    orphan, stub, scalar, good = (new_id() for _ in range(4))
    await rtdb.request(orphan)
    await rtdb.database.put(NODES.entry(stub), {"waitingJobCount": 1})
    await rtdb.database.put(NODES.entry(scalar), "garbage")
    await rtdb.create(good)
    async with scripted_executor() as executor, rtdb.poller(executor.port):
        await rtdb.ended(good)
        for job in (orphan, stub, scalar):
            await rtdb.gone(job)


async def test_a_half_run_job_of_the_old_worker_ends_as_failed(rtdb: World) -> None:
    job = new_id()
    await rtdb.create(job)
    old = {"assignedPodId": "old-1", "status": "processing", "claimedAt": 1.5, "lastHeartbeat": 1.5}
    await rtdb.database.patch(NODES.entry(job), old)
    async with scripted_executor() as executor, rtdb.poller(executor.port):
        outputs = await rtdb.ended(job, "isFailed")
    assert "earlier version" in outputs["logs"][0]["message"]
    assert executor.runs == []


async def test_a_finished_job_whose_entry_is_still_there_is_only_settled(rtdb: World) -> None:
    job = new_id()
    await rtdb.create(job)
    await rtdb.database.patch(NODES.leaf(job, OUTPUTS), {"isCompleted": True})
    async with scripted_executor() as executor, rtdb.poller(executor.port):
        outputs = await rtdb.ended(job)
    assert executor.runs == []
    assert outputs == {"isCompleted": True}


async def test_a_drained_poller_hands_its_jobs_over_at_once(rtdb: World) -> None:
    async def stuck(talk: Conversation) -> None:
        await talk.ask("q1")
        await asyncio.Event().wait()

    job = new_id()
    async with scripted_executor(stuck) as executor:
        async with rtdb.poller(executor.port) as poller:
            await rtdb.create(job)
            await eventually(lambda: executor.runs and executor.runs[0].acked)
            await poller.drain()
            entry = await rtdb.entry(job)
        executor.script = plain_script
        async with rtdb.poller(executor.port, owner="poller-b", lease_seconds=300):
            await rtdb.ended(job)
    assert (entry["interruptions"], entry.get("attempts", 0), entry["lease"]) == (1, 0, {"epoch": 1})
    assert "q1" in executor.runs[1].recalled


async def test_leases_of_a_dead_predecessor_of_the_same_name_are_taken_over_at_once(
    rtdb: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "MARGIN_SECONDS", 0.1)  # how long its last writes are waited for
    job = new_id()
    await rtdb.create(job)
    lease = {"token": "dead", "epoch": 4, "owner": "poller-0", "renewedAt": {".sv": "timestamp"}}
    await rtdb.database.patch(NODES.entry(job), {"lease": lease, "status": "processing"})
    async with (
        scripted_executor() as executor,
        rtdb.poller(executor.port, owner="poller-0", inherits=True, lease_seconds=300),
    ):
        await rtdb.ended(job)
    assert executor.runs[0].epoch == 5


async def test_a_live_lease_of_another_poller_is_left_alone(rtdb: World) -> None:
    job, next_job = new_id(), new_id()
    await rtdb.create(job)
    lease = {"token": "live", "epoch": 4, "owner": "poller-0", "renewedAt": {".sv": "timestamp"}}
    await rtdb.database.patch(NODES.entry(job), {"lease": lease, "status": "processing"})
    async with scripted_executor() as executor, rtdb.poller(executor.port):
        await rtdb.create(next_job)
        await rtdb.ended(next_job)
        entry = await rtdb.entry(job)
    assert read_lease(entry["lease"]).token == "live"
    assert len(executor.runs) == 1


async def test_an_overtaken_run_stops_and_publishes_nothing_more(rtdb: World) -> None:
    async def endless(talk: Conversation) -> None:
        for number in range(1000):
            await talk.progress(2 + number % 8)
            await talk.answer(f"q{number}")

    job = new_id()
    async with scripted_executor(endless) as executor, rtdb.poller(executor.port):
        await rtdb.create(job)
        await eventually(lambda: executor.runs and len(executor.runs[0].acked) > 2)
        lease = {"token": "other", "epoch": 2, "owner": "poller-b", "renewedAt": {".sv": "timestamp"}}
        await rtdb.database.put(NODES.lease(job), lease)
        await eventually(lambda: executor.cancelled == [job])
        await rtdb.record(job)
    await round_trips(rtdb.database)
    assert len(rtdb.log) == 1
    assert read_lease((await rtdb.entry(job))["lease"]).token == "other"


async def test_a_job_over_its_time_limit_fails_and_says_so(rtdb: World) -> None:
    async def stuck(talk: Conversation) -> None:
        await asyncio.Event().wait()

    job = new_id()
    async with (
        scripted_executor(stuck) as executor,
        rtdb.poller(executor.port, limits=Limits(job_seconds=0.3)),
    ):
        await rtdb.create(job)
        outputs = await rtdb.ended(job, "isFailed")
    assert "time limit" in outputs["logs"][0]["message"]


async def test_a_job_over_its_token_limit_fails_and_keeps_what_it_paid_for(rtdb: World) -> None:
    async def spending(talk: Conversation) -> None:
        for number in range(1000):
            await talk.answer(f"q{number}", tokens=40)

    job = new_id()
    async with (
        scripted_executor(spending) as executor,
        rtdb.poller(executor.port, limits=Limits(max_tokens=100)),
    ):
        await rtdb.create(job)
        outputs = await rtdb.ended(job, "isFailed")
        journal = await rtdb.database.get(NODES.journal(job))
    assert "100 tokens" in outputs["logs"][0]["message"]
    assert sorted(journal[1] if isinstance(journal, list) else journal["1"]) == ["q0", "q1", "q2"]


async def test_an_executor_without_a_free_slot_leaves_the_job_unharmed(rtdb: World) -> None:
    async def full(talk: Conversation) -> None:
        raise Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "NO_FREE_SLOT", retry_after=0)

    job = new_id()
    async with (
        scripted_executor(full, name="full", slots=9) as first,
        scripted_executor(name="two") as second,
        rtdb.poller(first.port, second.port) as poller,
    ):
        await poller.attached(13)
        await rtdb.create(job)
        await rtdb.ended(job)
    assert len(second.runs) == 1


async def test_three_crashes_without_an_answer_between_them_end_the_job(rtdb: World) -> None:
    async def vanishing(talk: Conversation) -> None:
        await talk.call.abort(grpc.StatusCode.UNAVAILABLE, "connection lost")

    job = new_id()
    async with scripted_executor(vanishing) as executor, rtdb.poller(executor.port):
        await rtdb.create(job)
        outputs = await rtdb.ended(job, "isFailed")
    assert len(executor.runs) == 3
    assert "3 times in a row" in outputs["logs"][0]["message"]


@pytest.mark.heavy
async def test_a_silent_database_suspends_the_run_and_loses_nothing(rtdb: World) -> None:
    go_on = asyncio.Event()

    async def script(talk: Conversation) -> None:
        await talk.ask("q1")
        await go_on.wait()
        await talk.ask("q2")
        await talk.complete(small_model())

    job = new_id()
    async with scripted_executor(script) as executor, rtdb.poller(executor.port):
        await rtdb.create(job)
        await eventually(lambda: executor.runs and executor.runs[0].acked)
        rtdb.rtdb.faults.change({"errors": 5})
        go_on.set()
        await eventually(lambda: rtdb.rtdb.faults.settings.errors == 0)
        await rtdb.ended(job)
    assert len(executor.runs) == 1


@pytest.mark.heavy
async def test_what_waits_for_a_silent_database_is_bounded_and_then_stored(rtdb: World) -> None:
    go_on = asyncio.Event()

    async def script(talk: Conversation) -> None:
        await talk.ask("q1")
        await go_on.wait()
        for number in range(40):
            entry = executor_pb2.JournalEntry(key=f"long-{number}", value=json.dumps({"a": "x" * 200_000}))
            await talk.send(answer=entry)
        await eventually(lambda: len(talk.acked) == 41)
        await talk.complete(small_model())

    job = new_id()
    async with scripted_executor(script) as executor, rtdb.poller(executor.port) as poller:
        poller.writer.room = Room(limit=1_000_000)
        await rtdb.create(job)
        await eventually(lambda: executor.runs and executor.runs[0].acked)
        rtdb.rtdb.faults.change({"errors": -1, "method": "PATCH"})
        go_on.set()
        await eventually(lambda: poller.writer.room.taken >= 1_000_000)
        await round_trips(rtdb.database)
        assert poller.writer.room.taken < 1_250_000
        rtdb.rtdb.faults.reset()
        await rtdb.ended(job, seconds=20)
        assert poller.writer.room.taken == 0
    journal = await rtdb.database.get(f"{NODES.journal(job)}")
    assert sum(len(branch) for branch in journal if branch) == 41


@pytest.mark.parametrize("refused", [False, True])
async def test_a_run_leaves_no_task_behind_however_its_stream_ends(rtdb: World, refused: bool) -> None:
    async def script(talk: Conversation) -> None:
        await talk.ask("q1")
        if refused and len(executor.runs) == 1:
            raise Refusal(grpc.StatusCode.UNAVAILABLE, "LLM_UNAVAILABLE")
        await talk.complete(small_model())

    async with scripted_executor(script) as executor, rtdb.poller(executor.port) as poller:
        await poller.attached(executor.slots)
        await round_trips(rtdb.database)
        before = len(asyncio.all_tasks())
        job = new_id()
        await rtdb.create(job)
        await rtdb.ended(job)
        assert len(executor.runs) == 1 + refused
        await eventually(lambda: len(asyncio.all_tasks()) <= before)


async def test_two_pollers_share_the_queue_and_no_job_runs_twice(rtdb: World) -> None:
    jobs = [new_id() for _ in range(12)]
    async with (
        scripted_executor(slots=2, name="one") as one,
        scripted_executor(slots=2, name="two") as two,
        rtdb.poller(one.port, two.port, owner="poller-a"),
        rtdb.poller(one.port, two.port, owner="poller-b"),
    ):
        for job in jobs:
            await rtdb.create(job)
        for job in jobs:
            await rtdb.ended(job)
    assert sorted(talk.job_id for talk in [*one.runs, *two.runs]) == sorted(jobs)
    assert {talk.epoch for talk in [*one.runs, *two.runs]} == {1}


@pytest.mark.heavy
async def test_waiting_jobs_learn_their_place_and_lose_it_with_the_claim(rtdb: World) -> None:
    async def stuck(talk: Conversation) -> None:
        await asyncio.Event().wait()

    first, second = new_id(), new_id()
    async with scripted_executor(stuck, slots=1) as executor, rtdb.poller(executor.port):
        await rtdb.create(first)
        await eventually(lambda: executor.runs)
        await rtdb.create(second)

        async def place() -> int | None:
            found: int | None = (await rtdb.entry(second)).get("waitingJobCount")
            return found

        assert await eventually(place) == 1
        executor.slots = 2
        await eventually(lambda: len(executor.runs) == 2)
        assert await place() is None


async def test_a_failed_job_tried_again_asks_only_what_was_unusable(rtdb: World) -> None:
    asked: list[str] = []

    async def first(talk: Conversation) -> None:
        await talk.answer("good")
        await talk.answer("bad", unusable=True)
        raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_USABLE")

    async def second(talk: Conversation) -> None:
        for key in ("good", "bad"):
            asked.append(key) if await talk.ask(key) else None
        await talk.complete(small_model())

    job = new_id()
    async with scripted_executor(first) as executor, rtdb.poller(executor.port) as poller:
        await rtdb.create(job)
        await rtdb.ended(job, "isFailed")
        executor.script = second
        await poller.queue.retry(job)
        outputs = await rtdb.ended(job)
    assert asked == ["bad"]
    assert outputs["isFailed"] is False
    assert executor.runs[1].epoch > executor.runs[0].epoch


async def test_an_operators_cancel_stops_the_run_and_keeps_the_job(rtdb: World) -> None:
    async def stuck(talk: Conversation) -> None:
        await asyncio.Event().wait()

    job = new_id()
    async with scripted_executor(stuck) as executor, rtdb.poller(executor.port) as poller:
        await rtdb.create(job)
        await eventually(lambda: executor.runs)
        await poller.queue.cancel(job, by="Kim")
        await eventually(lambda: executor.cancelled == [job])
        outputs = await rtdb.ended(job, "isFailed")
    assert outputs["logs"][-1]["message"] == "Cancelled by Kim."
    assert outputs["isCompleted"] is False


async def test_cancelling_a_waiting_job_is_no_sign_of_a_twin(rtdb: World) -> None:
    with structlog.testing.capture_logs() as logs:
        async with rtdb.poller(owner="poller-a") as poller:
            jobs = [new_id() for _ in range(5)]
            for job in jobs:
                await rtdb.create(job)
                await eventually(lambda job=job: rtdb.entry(job))
                await poller.queue.cancel(job, by="Kim")
                await rtdb.ended(job, "isFailed")
    assert "dispatcher.twin" not in [entry["event"] for entry in logs]


async def test_an_answer_is_acked_only_when_the_database_has_it(rtdb: World) -> None:
    async def script(talk: Conversation) -> None:
        await talk.answer("q1")
        journal = await rtdb.database.get(NODES.journal(talk.job_id))
        acked.append("q1" in str(journal))
        await talk.complete(small_model())

    acked: list[bool] = []
    job = new_id()
    async with scripted_executor(script) as executor, rtdb.poller(executor.port):
        await rtdb.create(job)
        await rtdb.ended(job)
    assert acked == [True]
