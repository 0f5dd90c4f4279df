"""ExecutorService over real gRPC: frames, acks, recall, ends and their reasons."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from functools import partial
from itertools import count
from typing import Any

import grpc
import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2, model_pb2
from google.protobuf import duration_pb2
from structlog.testing import capture_logs

from executor.errors import InvalidInput, LimitReached, LlmMisconfigured, LlmUnavailable, NothingUsable
from executor.link import SHOWN_SECONDS
from executor.ports import RunChat
from executor.service import Bounds
from executor.wire import Event, Pending
from tests.executor.llm.fakes import GOOD, ScriptedLanguageModel, question
from tests.executor.service_client import (
    JOB,
    execute,
    fruits,
    metadata_of,
    reason_of,
    retry_delay_of,
    served,
)
from tests.fakes import eventually, settle


async def test_a_run_is_accepted_and_completed_in_numbered_frames() -> None:
    async with served(fruits("a", "b")) as executor:
        stream = await execute(executor, epoch=7)
        frames = await stream.rest()
    kinds = [frame.WhichOneof("frame") for frame in frames]
    assert kinds[0] == "accepted"
    assert kinds[-1] == "completed"
    assert frames[0].accepted.total_progress == 11
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    assert {(frame.job_id, frame.epoch) for frame in frames} == {(JOB, 7)}
    assert len(stream.of("answer")) == 2
    assert [line.key for line in stream.of("log")] == ["begun"]
    assert stream.of("progress")[-1].current == 11
    assert stream.of("completed")[0].tokens_used == 20
    assert [context.name for context in stream.of("completed")[0].model.bounded_contexts] == ["Fig", "Fig"]


async def test_an_answer_that_is_not_acked_holds_the_run_up() -> None:
    async with served(fruits("a")) as executor:
        stream = await execute(executor, ack=False)
        answer = await stream.until("answer")
        completed = asyncio.create_task(stream.until("completed"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(completed), 0.2)
        await stream.send(ack=wire.Ack(seqs=[answer.seq + 5]))  # names another frame
        await executor.round_trips()
        assert not completed.done()
        await stream.send(ack=wire.Ack(seqs=[answer.seq]))
        await completed


async def test_a_recalled_answer_is_not_asked_again() -> None:
    async with served(fruits("a", "b")) as executor:
        first = await execute(executor)
        await first.rest()
        asked = len(executor.model.asked)
        start = wire.Start(tokens_used=20)
        again = await execute(executor, epoch=2, recalled=first.of("answer"), start=start)
        await again.rest()
        assert len(executor.model.asked) == asked == 2
    assert again.of("answer") == []
    assert again.of("completed") == first.of("completed")


async def test_nothing_begins_before_the_last_recall() -> None:
    async with served(fruits("a")) as executor:
        stream = await execute(executor, last=False)
        assert (await stream.until("accepted")).accepted.instance_id
        await executor.round_trips()
        assert executor.model.asked == []
        await stream.send(recall=wire.Recall(last=True))
        await stream.rest()
    assert stream.of("completed")


@pytest.mark.heavy
async def test_nothing_is_asked_before_the_first_echo_nor_while_it_says_no() -> None:
    async with served(fruits("a")) as executor:
        stream = await execute(executor, echo=False)
        beat = (await stream.until("beat")).beat.beat
        await stream.send(beat_echo=wire.BeatEcho(beat=beat, may_ask=False))
        await executor.round_trips()
        assert executor.model.asked == []
        stream.echo = True
        await stream.rest()  # the next beat comes by itself
    assert stream.of("completed")


@pytest.mark.heavy
async def test_an_echo_of_a_beat_sent_long_ago_does_not_count() -> None:
    now = [0.0]
    async with served(fruits("a"), clock=lambda: now[0]) as executor:
        stream = await execute(executor, echo=False)
        beat = (await stream.until("beat")).beat.beat
        now[0] = 11.0  # as if frozen meanwhile
        await stream.send(beat_echo=wire.BeatEcho(beat=beat, may_ask=True))
        await executor.round_trips()
        assert executor.model.asked == []
        stream.echo = True
        await stream.rest()
    assert stream.of("completed")


@pytest.mark.parametrize("how", ["frame", "close", "cancel"])
async def test_a_run_nobody_pays_for_ends_at_once_with_its_calls(how: str) -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    bounds = Bounds(job_seconds=100, step_seconds=100)
    async with served(fruits("a", "b", "c"), model, bounds=bounds) as executor:
        stream = await execute(executor)
        reading = asyncio.create_task(stream.error())
        await model.arrived.wait()
        if how == "frame":
            await stream.send(cancel=wire.Cancel(reason="removed by the user"))
        elif how == "close":
            await stream.call.done_writing()
        else:
            stream.call.cancel()
        async with asyncio.timeout(10):  # the step's time is longer
            await executor.slots.empty()
        assert model.cut == len(model.asked) == 3
        await asyncio.gather(reading, return_exceptions=True)


async def test_a_full_executor_refuses_before_it_accepts() -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with served(fruits("a"), model, slots=1) as executor:
        running = await execute(executor)
        await running.until("accepted")
        refused = await execute(executor, job_id="another")
        assert await refused.error() == (grpc.StatusCode.RESOURCE_EXHAUSTED, "NO_FREE_SLOT")
        assert refused.frames == []
        direct = executor.stub.Generate(wire.GenerateRequest(input=job_pb2.JobInput(requirements="x")))
        assert await direct.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        model.gate.set()
        await running.rest()


async def test_a_newer_epoch_of_the_same_job_ends_the_older_run_first() -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with served(fruits("a"), model, slots=1) as executor:
        older = await execute(executor, epoch=1)
        reading = asyncio.create_task(older.error())
        await model.arrived.wait()
        newer = await execute(executor, epoch=2)
        await newer.until("accepted")
        assert await reading == (grpc.StatusCode.ABORTED, "OVERTAKEN")
        assert model.cut == 1
        late = await execute(executor, epoch=1)
        assert await late.error() == (grpc.StatusCode.ABORTED, "OVERTAKEN")
        model.gate.set()
        await newer.rest()
    assert newer.of("completed")


async def test_draining_refuses_new_runs_and_breaks_off_at_last_what_is_not_acked() -> None:
    async with served(fruits("a")) as executor:
        stream = await execute(executor, ack=False)
        await stream.until("answer")
        draining = asyncio.create_task(executor.slots.drained(0.2))
        assert await stream.error() == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        assert await draining == 1
        late = await execute(executor, job_id="late")
        assert await late.error() == (grpc.StatusCode.UNAVAILABLE, "DRAINING")


async def test_attach_tells_every_change_and_ends_with_the_drain() -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with served(fruits("a"), model, slots=2) as executor:
        states = executor.stub.Attach(wire.AttachRequest(poller_id="p"))
        first: Any = await states.read()
        assert (first.slots_total, first.slots_free, first.draining) == (2, 2, False)
        assert (first.language_model, bool(first.instance_id), bool(first.build_id)) == (
            "openai:scripted",
            True,
            True,
        )
        stream = await execute(executor)
        assert (await states.read()).slots_free == 1
        executor.slots.drain()
        model.gate.set()
        while (state := await states.read()) is not grpc.aio.EOF:
            assert (state.draining, state.slots_free) == (True, 0)
        await stream.error()


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (LlmUnavailable("429", retry_after=30), grpc.StatusCode.UNAVAILABLE, "LLM_UNAVAILABLE"),
        (LlmMisconfigured("key"), grpc.StatusCode.FAILED_PRECONDITION, "LLM_MISCONFIGURED"),
    ],
)
async def test_no_answer_ends_the_run_with_its_reason(
    error: Exception, code: grpc.StatusCode, reason: str
) -> None:
    async with served(fruits("a"), ScriptedLanguageModel(error)) as executor:
        stream = await execute(executor)
        assert await stream.error() == (code, reason)
        assert stream.of("answer") == []
        if isinstance(error, LlmUnavailable):
            assert await retry_delay_of(stream.call) == 30


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (InvalidInput("x"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT"),
        (NothingUsable("x"), grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_USABLE"),
        (
            LimitReached("x", limit="JOB_MAX_TOKENS", value=1),
            grpc.StatusCode.FAILED_PRECONDITION,
            "LIMIT_REACHED",
        ),
        (ZeroDivisionError("secret"), grpc.StatusCode.INTERNAL, "INTERNAL"),
    ],
)
async def test_what_the_graph_raises_becomes_a_status(
    error: Exception, code: grpc.StatusCode, reason: str
) -> None:
    async def raising(job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
        yield wire.Progress(current=1, total=11)
        raise error

    async with served(raising) as executor:
        stream = await execute(executor)
        assert await stream.error() == (code, reason)
        assert "secret" not in await stream.call.details()
        async with asyncio.timeout(10):
            await executor.slots.empty()


@pytest.mark.parametrize("fault", [TypeError("secret"), LookupError("secret")])
async def test_a_fault_beside_the_language_model_is_no_lack_of_an_answer(fault: Exception) -> None:
    async with served(fruits("a"), ScriptedLanguageModel(fault)) as executor:
        stream = await execute(executor)
        with capture_logs() as logs:
            assert await stream.error() == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert len(executor.model.asked) == 1
    broken = [(line["event"], line["job"], line["exc_info"]) for line in logs if "exc_info" in line]
    assert broken == [("call.broken", JOB, fault)]


async def test_a_failing_unit_leaves_the_answers_of_its_siblings() -> None:
    class Sieve(ScriptedLanguageModel):
        async def ask(self, messages: Any, schema: Any, *, trace: Any) -> Any:
            if "bad" in messages[1].content:
                await eventually(lambda: len(self.asked) == 2)
                await settle()
                raise LlmMisconfigured("key")
            return await super().ask(messages, schema, trace=trace)

    async with served(fruits("a", "b", "bad"), Sieve(GOOD)) as executor:
        stream = await execute(executor, ack=False)
        assert (await stream.error())[1] == "LLM_MISCONFIGURED"
    assert len(stream.of("answer")) == 2


@pytest.mark.parametrize("where", ["start", "settings"])
async def test_the_time_of_the_job_ends_it(where: str) -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    start = wire.Start(time_left=duration_pb2.Duration(nanos=200_000_000)) if where == "start" else None
    bounds = Bounds(job_seconds=20 if start else 0.2, step_seconds=5)
    async with served(fruits("a"), model, bounds=bounds) as executor:
        stream = await execute(executor, start=start)
        assert await stream.error() == (grpc.StatusCode.FAILED_PRECONDITION, "LIMIT_REACHED")
        assert await metadata_of(stream.call) == {"limit": "JOB_TIMEOUT_SECONDS", "value": "0.2"}
    assert model.cut == 1


async def test_the_token_ceiling_counts_earlier_runs() -> None:
    async with served(fruits("a")) as executor:
        stream = await execute(executor, start=wire.Start(max_tokens=100, tokens_used=100))
        assert await stream.error() == (grpc.StatusCode.FAILED_PRECONDITION, "LIMIT_REACHED")
        assert await metadata_of(stream.call) == {"limit": "JOB_MAX_TOKENS", "value": "100"}
        assert executor.model.asked == []


async def test_snapshots_are_coalesced_to_four_a_second() -> None:
    async with served(fruits("a", snapshots=60)) as executor:
        began = time.monotonic()
        stream = await execute(executor)
        await stream.rest()
        seconds = time.monotonic() - began
    shown = [int(snapshot.model.bounded_contexts[0].name) for snapshot in stream.of("snapshot")]
    assert 1 <= len(shown) <= 2 + 4 * seconds
    assert shown == sorted(shown)


async def test_of_previews_and_snapshots_that_wait_the_last_goes_out_under_its_own_name() -> None:
    async def pipeline(_: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
        for name in ("outline", "whole outline"):
            yield Pending(partial(named, name), early=True)
        await chat.ask(question("a"))
        await asyncio.sleep(2 * SHOWN_SECONDS)
        yield Pending(partial(named, "late"), early=True)
        yield Pending(partial(named, "all"))
        await asyncio.sleep(2 * SHOWN_SECONDS)
        yield wire.Completed()

    def named(name: str) -> wire.ModelSnapshot:
        contexts = [model_pb2.BoundedContext(name=name)]
        return wire.ModelSnapshot(model=model_pb2.EventStormingModel(bounded_contexts=contexts))

    async with served(pipeline) as executor:
        stream = await execute(executor)
        await stream.rest()
    assert [each.model.bounded_contexts[0].name for each in stream.of("preview")] == ["whole outline"]
    assert [each.model.bounded_contexts[0].name for each in stream.of("snapshot")] == ["all"]


async def test_a_reader_that_stops_reading_does_not_make_the_executor_grow() -> None:
    large_model = model_pb2.EventStormingModel(
        bounded_contexts=[model_pb2.BoundedContext(name="x" * 1_000_000)]
    )
    made: list[int] = []
    all_shown = asyncio.Event()

    async def pipeline(_: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
        await chat.ask(question("a"))
        for number in range(300):
            yield Pending(partial(large, number))
            await settle(2)
        all_shown.set()
        await asyncio.Event().wait()

    def large(number: int) -> wire.ModelSnapshot:
        made.append(number)
        return wire.ModelSnapshot(model=large_model)

    async with served(pipeline) as executor:
        stream = await execute(executor)
        await stream.until("answer")
        async with asyncio.timeout(10):
            await all_shown.wait()
        assert len(made) < 20, "made only when it is their turn, and their turn comes with the reader"
        stream.call.cancel()
        async with asyncio.timeout(10):
            await executor.slots.empty()


@pytest.mark.parametrize("first", [wire.Start(), None])
async def test_a_stream_that_begins_wrong_is_refused(first: wire.Start | None) -> None:
    async with served(fruits("a")) as executor:
        call = executor.stub.Execute()
        frame = {"start": first} if first is not None else {"ack": wire.Ack()}
        await call.write(wire.ExecuteRequest(epoch=1, **frame))  # type: ignore[arg-type]
        assert await call.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert await reason_of(call) == "INVALID_INPUT"


async def test_frames_of_another_run_are_ignored() -> None:
    async with served(fruits("a")) as executor:
        stream = await execute(executor, ack=False)
        answer = await stream.until("answer")
        stream.epoch = 9
        await stream.send(ack=wire.Ack(seqs=[answer.seq]))
        await stream.send(cancel=wire.Cancel())
        stream.epoch = 1
        await stream.send(ack=wire.Ack(seqs=[answer.seq]))
        await stream.rest()
    assert stream.of("completed")


async def test_generate_answers_directly_and_leaves_nothing() -> None:
    async with served(fruits("a", snapshots=3)) as executor:
        request = wire.GenerateRequest(
            input=job_pb2.JobInput(requirements="Fruits."), include_partial_models=True
        )
        events = [event.WhichOneof("event") async for event in executor.stub.Generate(request)]
        plain = wire.GenerateRequest(input=job_pb2.JobInput(requirements="Fruits."))
        without = [event.WhichOneof("event") async for event in executor.stub.Generate(plain)]
        assert not executor.slots.runs
    assert events[:2] == ["progress", "log"]
    assert "partial" in events
    assert "partial" not in without
    assert events[-1] == without[-1] == "completed"


class Chatter:
    """Tells a line, then one after the other for as long as it is let."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.closed = 0

    async def __call__(self, job: job_pb2.JobInput, chat: RunChat, told: bool) -> AsyncGenerator[Event, None]:
        self.told.append(told)
        try:
            for number in count():
                yield wire.Log(line=job_pb2.LogLine(message="beside"), key=f"beside/{number}")
                await asyncio.sleep(0.01)
        finally:
            self.closed += 1


@pytest.mark.parametrize("silence_told", [True, False])
async def test_what_is_told_beside_the_graph_is_told_in_between_and_ends_with_it(silence_told: bool) -> None:
    chatter = Chatter()
    async with served(fruits("a", snapshots=20), beside=chatter) as executor:
        stream = await execute(executor, start=wire.Start(silence_told=silence_told))
        frames = await stream.rest()
    keys = [frame.log.key for frame in frames if frame.WhichOneof("frame") == "log"]
    assert {"begun", "beside/0", "beside/1"} <= set(keys)
    assert frames[-1].WhichOneof("frame") == "completed"
    assert (chatter.told, chatter.closed) == ([silence_told], 1)
    assert len(stream.of("answer")) == 1


async def test_generate_writes_one_thing_at_a_time_and_the_model_last() -> None:
    chatter = Chatter()
    async with served(fruits("a", snapshots=20), beside=chatter) as executor:
        request = wire.GenerateRequest(
            input=job_pb2.JobInput(requirements="Fruits."), include_partial_models=True
        )
        events = [event async for event in executor.stub.Generate(request)]
        assert not executor.slots.runs
    kinds = [event.WhichOneof("event") for event in events]
    assert sum(event.log.message == "beside" for event in events) > 1
    assert (kinds[-1], kinds.count("completed"), chatter.closed) == ("completed", 1, 1)


async def test_what_breaks_beside_the_graph_ends_the_run_with_its_calls() -> None:
    async def broken(job: job_pb2.JobInput, chat: RunChat, told: bool) -> AsyncGenerator[Event, None]:
        yield wire.Log(key="first")
        raise LimitReached("too much", limit="JOB_MAX_TOKENS", value=1)

    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with served(fruits("a"), model, beside=broken) as executor:
        stream = await execute(executor)
        assert (await stream.error())[1] == "LIMIT_REACHED"
        async with asyncio.timeout(10):
            await executor.slots.empty()


async def test_a_caller_of_generate_that_leaves_stops_its_calls() -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with served(fruits("a"), model) as executor:
        call = executor.stub.Generate(wire.GenerateRequest(input=job_pb2.JobInput(requirements="Fruits.")))
        await model.arrived.wait()
        call.cancel()
        async with asyncio.timeout(10):
            await executor.slots.empty()
    assert model.cut == 1


async def test_a_deadline_of_generate_stops_its_calls() -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with served(fruits("a"), model) as executor:
        request = wire.GenerateRequest(input=job_pb2.JobInput(requirements="Fruits."))
        call = executor.stub.Generate(request, timeout=1)
        assert await call.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(5):
            await executor.slots.empty()
    assert model.cut == len(model.asked)


async def test_check_says_whether_the_language_model_answers() -> None:
    async with served(fruits()) as executor:
        good = await executor.stub.Check(wire.CheckRequest())
    async with served(fruits(), ScriptedLanguageModel(LlmMisconfigured("wrong key"))) as executor:
        bad = await executor.stub.Check(wire.CheckRequest())
    assert (good.ok, good.problem, good.language_model) == (True, "", "openai:scripted")
    assert (bad.ok, bad.problem) == (False, "openai:scripted: wrong key")
