"""What a call of ExecutorService comes to, without a network and in virtual time; over real sockets: test_service.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from executor.errors import LlmUnavailable
from executor.llm.language_models import ProcessLanguageModels
from executor.metrics import Metrics
from executor.ports import Allowance, Diagnosis, RunChat
from executor.service import Bounds, ExecutorService, Identity, Pipeline
from executor.slots import Slots
from executor.wire import Event
from process.traces import OFF, Attributes, Carried, Off, Span, Traces
from tests.executor.llm.fakes import GOOD, ScriptedLanguageModel, question
from tests.executor.peer import JOB, Aborted, Peer
from tests.executor.service_client import fruits
from tests.scrape import Scrape
from tests.virtual import virtual

REQUIREMENTS = job_pb2.JobInput(job_id=JOB, requirements="Fruits.")
BUILD = Identity(instance_id="this one", build_id="1.2.3")


class LanguageModels(ProcessLanguageModels):
    """Keeps what each run was allowed, and answers `check` as told."""

    def __init__(self, model: ScriptedLanguageModel, metrics: Metrics) -> None:
        super().__init__(model, model, concurrency=8, timeout=3600, metrics=metrics)
        self.allowed: list[Allowance] = []
        self.diagnosis: Diagnosis | Exception | None = None

    def chat(self, **run: Any) -> Any:
        self.allowed.append(run["allowance"])
        return super().chat(**run)

    async def check(self) -> Diagnosis:
        if isinstance(self.diagnosis, Exception):
            raise self.diagnosis
        if self.diagnosis is None:
            await asyncio.Event().wait()
        assert self.diagnosis
        return self.diagnosis


@dataclass(kw_only=True)
class Executor:
    """A service and all it stands on."""

    pipeline: Pipeline = field(default_factory=lambda: fruits("a"))
    model: ScriptedLanguageModel = field(default_factory=lambda: ScriptedLanguageModel(GOOD))
    slots: Slots = field(default_factory=lambda: Slots(2))
    metrics: Metrics = field(default_factory=Metrics)
    bounds: Bounds = field(default_factory=lambda: Bounds(job_seconds=600, step_seconds=60))
    traces: Traces = OFF

    def __post_init__(self) -> None:
        self.language_models = LanguageModels(self.model, self.metrics)
        self.service = ExecutorService(
            slots=self.slots,
            language_models=self.language_models,
            pipeline=self.pipeline,
            bounds=self.bounds,
            identity=BUILD,
            clock=lambda: asyncio.get_running_loop().time(),
            metrics=self.metrics,
            traces=self.traces,
        )

    async def execute(self, peer: Peer | None = None, *, begin: bool = True, **start: Any) -> Peer:
        """One call to its end, whatever that is."""
        peer = peer or Peer()
        if begin:
            peer.put(start=wire.Start(input=REQUIREMENTS, **start))
            peer.put(recall=wire.Recall(last=True))
        with suppress(Aborted):
            await self.service.Execute(None, peer)
        return peer

    async def generate(self, **request: Any) -> Peer:
        peer = Peer()
        with suppress(Aborted):
            await self.service.Generate(wire.GenerateRequest(input=REQUIREMENTS, **request), peer)
        return peer

    def ended(self, outcome: str) -> float:
        """How many runs ended so; none ended otherwise."""
        found = Scrape.counted(self.metrics.registry)
        assert found.sum("runs_ended_total") == found.sum("runs_ended_total", outcome=outcome)
        return found.sum("runs_ended_total", outcome=outcome)


def now() -> float:
    return asyncio.get_running_loop().time()


async def settled() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def until(there: Callable[[], bool]) -> None:
    for _ in range(1000):
        if there():
            return
        await asyncio.sleep(0)
    raise AssertionError


def held() -> ScriptedLanguageModel:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    return model


# ── Attach ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_a_poller_is_told_the_state_at_once_at_every_change_and_every_five_seconds_until_the_drain() -> (
    None
):
    executor = Executor(model=held())
    states, at = list[wire.AttachResponse](), list[float]()

    async def attach() -> None:
        async for state in executor.service.Attach(wire.AttachRequest(poller_id="p-1"), Peer()):
            states.append(state)
            at.append(now())

    with capture_logs() as logs:
        attached = asyncio.create_task(attach())
        await asyncio.sleep(5 + 1)
    assert logs == [{"event": "poller.attached", "log_level": "info", "poller": "p-1"}]
    running = asyncio.create_task(executor.execute())
    await asyncio.sleep(1)
    assert at == [0, 5, 5 + 1]
    assert [(state.slots_total, state.slots_free, state.runs_begun) for state in states] == [
        (2, 2, 0),
        (2, 2, 0),
        (2, 1, 1),
    ]
    build = {("this one", "1.2.3", "openai:scripted", False)}
    assert {(s.instance_id, s.build_id, s.language_model, s.draining) for s in states} == build
    executor.slots.drain()
    executor.model.gate.set()
    await asyncio.wait_for(attached, 60)
    assert [(state.slots_free, state.draining) for state in states[3:]] == [(0, True)] * len(states[3:])
    await running
    assert now() < 60


@virtual
async def test_a_drain_keeps_telling_while_a_run_is_left() -> None:
    slots = Slots(1)
    executor = Executor(slots=slots)
    states = executor.service.Attach(wire.AttachRequest(), Peer())
    async with slots.take("j", 1):
        assert not (await anext(states)).draining
        slots.drain()
        assert (await anext(states)).draining
        assert (await anext(states)).draining
    with pytest.raises(StopAsyncIteration):
        await anext(states)


# ── Execute ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("source", "total"), [("requirements", 11), ("draft", 8), ("", 11)])
@virtual
async def test_a_run_is_accepted_with_its_number_logged_completed_and_counted(
    source: str, total: int
) -> None:
    executor = Executor()
    given: Any = {"requirements": "Fruits."} if source == "requirements" else {}
    given |= {"draft": job_pb2.Draft()} if source == "draft" else {}
    peers = [Peer(epoch=3) for _ in range(2)]
    with capture_logs() as logs:
        for peer in peers:
            peer.put(start=wire.Start(input=job_pb2.JobInput(job_id=JOB, **given)))
            peer.put(recall=wire.Recall(last=True))
            await executor.execute(peer, begin=False)
    assert [kind for kind in peers[0].kinds if kind != "progress"] == [
        "accepted",
        "log",
        "answer",
        "completed",
    ]
    accepted = [peer.of("accepted")[0] for peer in peers]
    assert [(one.instance_id, one.total_progress, one.run) for one in accepted] == [
        ("this one", total, 1),
        ("this one", total, 2),
    ]
    assert peers[0].of("completed")[0].tokens_used == 10
    assert logs[:2] == [
        {"event": "run.started", "log_level": "info", "job": JOB, "epoch": 3, "slots_free": 1},
        {
            "event": "run.completed",
            "log_level": "info",
            "job": JOB,
            "tokens": 10,
            "by_step": {"fruit": 10},
        },
    ]
    assert len(logs) == 4
    assert peers[0].of("progress")[-1].current == 11
    assert executor.ended("completed") == 2
    assert not executor.slots.runs
    assert peers[0].status is None


@virtual
async def test_what_grows_is_shown_while_it_grows() -> None:
    peer = await Executor(pipeline=fruits("a", snapshots=60)).execute()  # in 0.6 s, four a second are shown
    first, second = (int(shown.model.bounded_contexts[0].name) for shown in peer.of("snapshot"))
    assert first < second


@pytest.mark.parametrize(
    "first",
    [grpc.aio.EOF, wire.ExecuteRequest(start=wire.Start()), wire.ExecuteRequest(job_id=JOB, ack=wire.Ack())],
)
async def test_a_call_that_begins_wrong_is_no_run(first: Any) -> None:
    executor, peer = Executor(), Peer()
    peer.end(first)
    with capture_logs() as logs:
        await executor.execute(peer, begin=False)
    assert peer.ended == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT")
    said = {"event": "call.ended", "log_level": "info", "call": "execute", "kind": "InvalidInput"}
    assert logs == [said | {"reason": "the first frame is a Start with a job id"}]
    assert executor.ended("lost") == executor.slots.begun == 0


async def test_a_stream_that_is_lost_before_its_first_frame_is_cancelled() -> None:
    executor, peer = Executor(), Peer()
    peer.end(grpc.aio.UsageError())
    await executor.execute(peer, begin=False)
    assert peer.ended[0] == grpc.StatusCode.CANCELLED


@virtual
async def test_a_refused_run_is_read_off_first_and_is_none() -> None:
    executor = Executor(slots=Slots(0))
    began = now()
    peer = Peer()
    peer.put(start=wire.Start(input=REQUIREMENTS))
    peer.put(recall=wire.Recall())
    await executor.execute(peer, begin=False)
    assert now() - began == 1  # the last recall never came
    assert peer.ended == (grpc.StatusCode.RESOURCE_EXHAUSTED, "NO_FREE_SLOT")
    assert peer.kinds == []
    assert executor.ended("lost") == 0


@virtual
async def test_a_run_that_nobody_pays_for_any_more_is_lost_and_logged_once() -> None:
    executor, peer = Executor(model=held()), Peer()
    with capture_logs() as logs:
        running = asyncio.create_task(executor.execute(peer))
        await executor.model.arrived.wait()
        peer.put(cancel=wire.Cancel(reason="removed by the user"))
        await running
    assert peer.ended[0] == grpc.StatusCode.CANCELLED
    assert executor.ended("lost") == 1
    said = {
        "event": "call.ended",
        "log_level": "info",
        "call": "execute",
        "kind": "Cancelled",
        "outcome": "lost",
    }
    assert logs[1:] == [said | {"reason": "removed by the user", "job": JOB, "epoch": 1}]


@virtual
async def test_a_call_that_is_cancelled_is_lost_and_logged_once() -> None:
    executor = Executor(model=held())
    with capture_logs() as logs:
        running = asyncio.create_task(executor.execute())
        await executor.model.arrived.wait()
        running.cancel()
        await asyncio.wait({running})
    assert running.cancelled()
    said = {"event": "call.lost", "log_level": "info", "call": "execute", "outcome": "lost"}
    assert logs[1:] == [said | {"job": JOB, "epoch": 1}]
    assert executor.ended("lost") == 1


@virtual
async def test_who_has_the_model_may_leave_without_a_word() -> None:
    executor, peer = Executor(), Peer(echo=True)
    with capture_logs() as logs:
        running = asyncio.create_task(executor.execute(peer))
        await until(lambda: bool(peer.of("answer")))
        peer.reads.clear()
        await settled()
        running.cancel()
        await asyncio.wait({running})
    assert running.cancelled()
    assert executor.ended("completed") == 1
    assert "call.lost" not in [line["event"] for line in logs]


# ── the drain ────────────────────────────────────────────────────────────────────────────────────────────────────────


def one_after_another(*users: str) -> Pipeline:
    async def pipeline(job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
        for user in users:
            await chat.ask(question(user))
            yield wire.Progress(current=1, total=11)
        yield wire.Completed()

    return pipeline


@pytest.mark.parametrize("who", ["this executor", "the poller"])
@virtual
async def test_a_drain_brings_home_what_is_asked_asks_nothing_new_and_ends_with_its_reason(who: str) -> None:
    executor, peer = Executor(pipeline=one_after_another("a", "b"), model=held()), Peer(ack=False)
    running = asyncio.create_task(executor.execute(peer))
    await executor.model.arrived.wait()
    if who == "this executor":
        executor.slots.drain()
    else:
        peer.put(beat_echo=wire.BeatEcho(draining=True))
    await asyncio.sleep(50)
    executor.model.gate.set()
    await asyncio.sleep(1)
    assert not running.done(), "answered, and not acked yet"
    (answer,) = (frame for frame in peer.written if frame.WhichOneof("frame") == "answer")
    peer.put(ack=wire.Ack(seqs=[answer.seq]))
    await running
    assert peer.ended == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert peer.status.message == f"{who} is shutting down"
    assert (len(executor.model.asked), executor.model.cut) == (1, 0)
    assert executor.ended("draining") == 1


@virtual
async def test_a_run_whose_last_answer_comes_while_it_drains_is_completed() -> None:
    executor = Executor(model=held())
    running = asyncio.create_task(executor.execute(peer := Peer()))
    await executor.model.arrived.wait()
    executor.slots.drain()
    executor.model.gate.set()
    await running
    assert peer.of("completed")
    assert executor.ended("completed") == 1


@virtual
async def test_a_drain_breaks_off_what_takes_longer_than_its_patience() -> None:
    executor = Executor(model=held())
    running = asyncio.create_task(executor.execute(peer := Peer()))
    await executor.model.arrived.wait()
    began = now()
    assert await executor.slots.drained(14) == 1
    assert now() - began == 14
    await running
    assert peer.ended == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert peer.status.message == "this executor is shutting down, and its time is up"
    assert (executor.model.cut, executor.ended("draining")) == (1, 1)


@virtual
async def test_a_drain_does_not_wait_for_a_question_that_waits_for_its_next_try() -> None:
    executor = Executor(model=ScriptedLanguageModel(LlmUnavailable("503", retry_after=50)))
    running = asyncio.create_task(executor.execute())
    await executor.model.arrived.wait()
    await settled()
    assert await executor.slots.drained(14) == 0
    assert now() < 1
    assert (await running).ended == (grpc.StatusCode.UNAVAILABLE, "DRAINING")


@virtual
async def test_a_drain_ends_at_once_what_nobody_stores() -> None:
    executor = Executor(model=held())
    running = asyncio.create_task(executor.generate())
    await executor.model.arrived.wait()
    executor.slots.drain()
    peer = await running
    assert peer.ended == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert executor.ended("draining") == 1


# ── what ends a call ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("call", ["execute", "generate"])
@virtual
async def test_a_fault_is_internal_and_logged_once_with_its_traceback(call: str) -> None:
    fault = ZeroDivisionError()
    executor = Executor(model=ScriptedLanguageModel(fault))
    with capture_logs() as logs:
        peer = await (executor.execute() if call == "execute" else executor.generate())
    assert peer.ended == (grpc.StatusCode.INTERNAL, "INTERNAL")
    said = {"event": "call.broken", "log_level": "error", "exc_info": fault, "call": call, "job": JOB}
    said |= {"outcome": "internal"} | ({"epoch": 1} if call == "execute" else {})
    assert [line for line in logs if "exc_info" in line] == [said]
    assert executor.ended("internal") == 1


@virtual
async def test_no_answer_ends_the_run_by_name() -> None:
    error = LlmUnavailable("429", retry_after=99)
    executor = Executor(model=ScriptedLanguageModel(error))
    assert (await executor.execute()).ended[1] == "LLM_UNAVAILABLE"
    assert executor.ended("llm_unavailable") == 1


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def seconds(value: int) -> duration_pb2.Duration:
    return duration_pb2.Duration(seconds=value)


@pytest.mark.parametrize(
    ("bounds", "start", "expected"),
    [
        ((60, 0), {}, (60, 0, 0)),
        ((60, 0), {"step_timeout": seconds(5), "max_tokens": 70, "tokens_used": 3}, (5, 70, 3)),
        ((60, 50), {"max_tokens": 70}, (60, 50, 0)),
        ((60, 90), {"max_tokens": 70}, (60, 70, 0)),
        ((60, 90), {}, (60, 90, 0)),
    ],
)
@virtual
async def test_a_run_may_use_what_both_sides_allow(
    bounds: tuple[int, int], start: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    own = Bounds(job_seconds=600, step_seconds=bounds[0], max_tokens=bounds[1])
    executor = Executor(bounds=own)
    await executor.execute(**start)
    (allowed,) = executor.language_models.allowed
    assert (allowed.step_seconds, allowed.max_tokens, allowed.tokens_used) == expected


@pytest.mark.parametrize(
    ("start", "after"), [({}, 40), ({"time_left": seconds(7)}, 7), ({"time_left": seconds(0)}, 0)]
)
@virtual
async def test_a_job_s_time_ends_it_with_how_much_it_had(start: dict[str, Any], after: int) -> None:
    executor = Executor(model=held(), bounds=Bounds(job_seconds=40, step_seconds=600))
    peer = await executor.execute(**start)
    assert now() == after
    assert peer.status.message == f"the time of the job is used up ({after} s)"
    info = error_details_pb2.ErrorInfo()
    peer.status.details[0].Unpack(info)
    assert dict(info.metadata) == {"limit": "JOB_TIMEOUT_SECONDS", "value": f"{after}"}
    assert executor.ended("limit_reached") == 1


@virtual
async def test_a_time_out_that_is_not_the_job_s_is_a_fault() -> None:
    async def raising(job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
        yield wire.Progress(current=1, total=11)
        raise TimeoutError("of something else")

    assert (await Executor(pipeline=raising).execute()).ended[1] == "INTERNAL"


# ── Generate and Check ───────────────────────────────────────────────────────────────────────────────────────────────


def events(peer: Peer) -> Sequence[str]:
    return [str(one.WhichOneof("event")) for one in peer.written]


@virtual
async def test_generate_tells_what_happens_and_answers_with_the_model() -> None:
    executor = Executor(pipeline=fruits("a", snapshots=2))
    with capture_logs() as logs:
        peer = await executor.generate(include_partial_models=True)
        plain = await executor.generate()
    assert events(peer) == ["progress", "log", "partial", "partial", "progress", "completed"]
    assert events(plain) == ["progress", "log", "progress", "completed"]
    assert peer.written[1].log.message == "begun"
    assert peer.written[2].partial.model.bounded_contexts[0].name == "0"
    assert peer.written[-1].completed.tokens_used == 10
    assert executor.language_models.allowed[0] == Allowance(step_seconds=60, max_tokens=0, tokens_used=0)
    assert [line["event"] for line in logs] == ["run.completed"] * 2
    assert executor.ended("completed") == 2
    assert not executor.slots.runs


class Taken(Off):
    """Keeps what it is told of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Any, Attributes]] = []

    def taken(self, name: str, carried: Carried, attributes: Attributes) -> AbstractContextManager[Span]:
        self.calls.append((name, carried(), attributes))
        return super().taken(name, carried, attributes)


@virtual
async def test_a_run_works_on_what_it_was_given_and_everything_it_tells_names_the_job() -> None:
    given: list[tuple[job_pb2.JobInput, Any]] = []

    async def pipeline(job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
        given.append((job, get_contextvars().get("job")))
        async for event in fruits("a")(job, chat):
            yield event

    traces = Taken()
    executor = Executor(pipeline=pipeline, traces=traces)
    await executor.generate()
    await executor.execute(Peer(epoch=3))
    assert given == [(REQUIREMENTS, JOB)] * 2
    assert traces.calls == [
        ("generate", (), {"eventstorming.job.id": JOB}),
        ("execute", (), {"eventstorming.job.id": JOB, "eventstorming.epoch": 3}),
    ]


@virtual
async def test_a_newer_epoch_ends_the_run_of_an_older_one_and_no_other() -> None:
    executor = Executor(model=held())
    older = asyncio.create_task(executor.execute(Peer(epoch=3)))
    await until(lambda: executor.slots.runs == 1)
    for epoch in (2, 3):
        late = await executor.execute(Peer(epoch=epoch))
        assert late.ended == (grpc.StatusCode.ABORTED, "OVERTAKEN")
        assert late.status.message == "epoch 3 of this job runs here already"
    newer = asyncio.create_task(executor.execute(Peer(epoch=4)))
    ended = await older
    assert ended.ended == (grpc.StatusCode.ABORTED, "OVERTAKEN")
    assert ended.status.message == "epoch 4 of this job has come"
    executor.model.gate.set()
    assert "completed" in (await newer).kinds


class Ends(Off):
    """Keeps what is told of how each call ended."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []

    def tell(self, attributes: Attributes) -> None:
        self.told.append(dict(attributes))

    def failed(self, kind: str) -> None:
        self.told.append(kind)

    @contextmanager
    def taken(self, name: str, carried: Carried, attributes: Attributes) -> Iterator[Span]:
        yield self


@virtual
async def test_a_span_says_how_a_call_ended_and_fails_only_for_what_is_somebody_s_fault() -> None:
    good, slow = Ends(), Ends()
    await Executor(traces=good).generate()
    await Executor(traces=slow, model=held(), bounds=Bounds(job_seconds=4, step_seconds=60)).generate()
    assert good.told == [{"eventstorming.outcome": "completed"}]
    assert slow.told == [{"eventstorming.outcome": "limit_reached"}, "limit_reached"]


@virtual
async def test_what_nobody_stores_may_run_twice_at_once() -> None:
    executor = Executor(model=(model := held()))
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(executor.generate()) for _ in range(2)]
        await until(lambda: executor.slots.runs == 2)
        await settled()
        model.gate.set()
    assert [events(peer.result())[-1] for peer in both] == ["completed"] * 2


@virtual
async def test_generate_says_nothing_after_the_model() -> None:
    async def talkative(job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
        async for event in fruits("a")(job, chat):
            yield event
        yield wire.Log(line=job_pb2.LogLine(message="too late"))

    assert events(await Executor(pipeline=talkative).generate())[-1] == "completed"


@virtual
async def test_generate_has_the_executor_s_own_time() -> None:
    executor = Executor(model=held(), bounds=Bounds(job_seconds=40, step_seconds=600))
    peer = await executor.generate()
    assert now() == 40
    assert peer.ended[1] == "LIMIT_REACHED"


@virtual
async def test_a_check_says_how_long_an_answer_took_or_what_is_wrong() -> None:
    executor = Executor()
    executor.language_models.diagnosis = Diagnosis(problem="", latency=1.5)
    good = await executor.service.Check(wire.CheckRequest(), Peer())
    executor.language_models.diagnosis = Diagnosis(problem="wrong key", latency=0.25)
    bad = await executor.service.Check(wire.CheckRequest(), Peer())
    assert (good.ok, good.problem, good.language_model) == (True, "", "openai:scripted")
    assert good.latency.ToTimedelta().total_seconds() == 1.5
    assert (bad.ok, bad.problem, bad.latency.ToTimedelta().total_seconds()) == (False, "wrong key", 0.25)


@virtual
async def test_a_check_waits_half_a_minute() -> None:
    late = await Executor().service.Check(wire.CheckRequest(), Peer())
    assert now() == 30
    assert (late.ok, late.language_model) == (False, "openai:scripted")
    assert late.problem.startswith("no answer within 30 s: look at the address (OPENAI_BASE_URL)")


@pytest.mark.parametrize("fault", [TimeoutError("of something else"), KeyError()])
async def test_a_fault_in_a_check_is_internal(fault: Exception) -> None:
    executor, peer = Executor(), Peer()
    executor.language_models.diagnosis = fault
    with capture_logs() as logs, pytest.raises(Aborted):
        await executor.service.Check(wire.CheckRequest(), peer)
    assert peer.ended == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert logs == [{"event": "call.broken", "log_level": "error", "exc_info": fault, "call": "check"}]


def test_a_process_is_told_apart_and_says_its_build() -> None:
    one, other = Identity(), Identity()
    assert one.instance_id != other.instance_id
    assert one.build_id == other.build_id != ""
