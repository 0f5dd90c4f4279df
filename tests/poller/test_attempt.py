"""One attempt on fakes: every ending of a run, and what becomes of the job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from eventstorming.v1 import executor_pb2, job_pb2
from structlog.testing import capture_logs

from poller.attempt import Attempt, Stop, Terms
from poller.errors import LeaseLost, LimitReached, Misconfigured, Permanent, Transient
from poller.job import Job, JobState, Limits, LogLevel, LogLine, RetryPolicy
from poller.metrics import Lease, Metrics, Try
from poller.ports import ExecutorGone, HandedBack
from process.traces import OFF, OUTCOME, Off, Span, Traces
from tests.fakes import (
    Ending,
    FakeExecutors,
    FakePlacement,
    FakeQueue,
    FakeRun,
    FakeStore,
    eventually,
    settle,
    small_model,
)
from tests.virtual import VirtualStore, virtual

ID = "00000000-0000-0000-0000-000000000001"

Frames = AsyncIterator[executor_pb2.ExecuteRequest]
Responses = AsyncGenerator[executor_pb2.ExecuteResponse, None]


def response(**frame: Any) -> executor_pb2.ExecuteResponse:
    return executor_pb2.ExecuteResponse(**frame)


class Counted(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def tried(self, kind: Try) -> None:
        self.told.append(kind)

    def lease(self, outcome: Lease) -> None:
        self.told.append(f"lease {outcome}")


class Bench:
    """A claimed job, executors with scripted endings, and the attempt that ties them."""

    def __init__(
        self, store: FakeStore, run: FakeRun, executors: FakeExecutors, limits: Limits, traces: Traces
    ) -> None:
        self.store, self.run, self.executors = store, run, executors
        self.attempt = Attempt(
            run,
            executors,
            Terms(
                now=lambda: store.time,
                chance=lambda: 0.5,
                retry=RetryPolicy(max_attempts=2, first_seconds=2),
                limits=limits,
                metrics=(counted := Counted()),
                traces=traces,
            ),
        )
        self.counted = counted.told

    async def work(self) -> None:
        slot = self.executors.place()
        assert slot is not None
        await self.attempt.work(slot)
        assert self.executors.held == 0
        assert self.run.closed

    @property
    def state(self) -> JobState | None:
        return self.store.jobs[ID].state

    @property
    def failure(self) -> str:
        return self.store.jobs[ID].failure

    @property
    def entry(self) -> Job:
        entry = self.store.jobs[ID].entry
        assert entry is not None
        return entry


async def bench(
    *endings: Ending,
    slots: int = 1,
    limits: Limits | None = None,
    traces: Traces = OFF,
    language: str = "LANGUAGE_ENGLISH",
) -> Bench:
    store = VirtualStore()
    queue = FakeQueue(store)
    text = "A customer places an order."
    await queue.submit(job_pb2.JobInput(job_id=ID, requirements=text, language=language))
    entry = store.jobs[ID].entry
    assert entry is not None
    run = await queue.claim(entry)
    assert run is not None
    return Bench(store, run, FakeExecutors(slots, list(endings)), limits or Limits(), traces)


@virtual
async def test_a_completed_run_completes_the_job() -> None:
    work = await bench(small_model())
    await work.work()
    assert work.state is JobState.COMPLETED


@virtual
async def test_an_executor_that_vanishes_costs_a_crash_and_the_next_epoch_goes_on_at_once() -> None:
    work = await bench(ExecutorGone("gone"), small_model())
    await work.work()
    assert work.executors.started == [(ID, 1), (ID, 2)]
    assert work.executors.recalled == [[], ["q1"]]
    assert (work.run.job.crashes, work.run.job.attempts) == (1, 0)
    assert work.state is JobState.COMPLETED


@virtual
async def test_without_another_slot_the_job_goes_back_to_its_place() -> None:
    work = await bench(HandedBack("draining"))
    slot = work.executors.place()
    assert slot is not None
    work.executors.slots = 0
    await work.attempt.work(slot)
    entry = work.entry
    assert entry.waiting
    assert (entry.interruptions, entry.attempts, entry.crashes) == (1, 0, 0)


@pytest.mark.parametrize(
    "error", [Transient("no answer"), ValueError("a fault of ours"), TimeoutError("somebody else's deadline")]
)
@virtual
async def test_a_run_that_raises_waits_for_its_next_attempt(error: Exception) -> None:
    work = await bench(error)
    await work.work()
    entry = work.entry
    assert (entry.attempts, entry.not_before) == (1, work.store.time + 1000)


@virtual
async def test_the_wait_is_as_long_as_the_language_model_asked() -> None:
    work = await bench(Transient("busy", retry_after=60))
    await work.work()
    entry = work.entry
    assert entry.not_before == work.store.time + 60_000


@virtual
async def test_the_last_attempt_fails_the_job_with_its_reason() -> None:
    work = await bench(Transient("no answer"))
    work.run.job = work.run.job.raised()
    await work.work()
    assert work.state is JobState.FAILED
    assert "Given up after 2 attempts" in work.failure
    assert "no answer" in work.failure


@virtual
async def test_a_fault_of_ours_is_named_to_the_user() -> None:
    work = await bench(ValueError("nobody else's business"))
    work.run.job = work.run.job.raised()
    await work.work()
    assert "a fault of ours (ValueError)" in work.failure
    assert "business" not in work.failure


@virtual
async def test_a_permanent_error_fails_the_job_in_its_own_words() -> None:
    work = await bench(Permanent("The key is wrong: set OPENAI_API_KEY."))
    await work.work()
    assert work.failure == "The key is wrong: set OPENAI_API_KEY."


@virtual
async def test_an_overtaken_run_settles_nothing() -> None:
    work = await bench(LeaseLost("epoch 7 runs"))
    before = work.store.jobs[ID].entry
    await work.work()
    assert (work.state, work.store.jobs[ID].entry) == (None, before)


@pytest.mark.parametrize(("why", "interruptions"), [(Stop.DRAINED, 1), (Stop.REMOVED, 0)])
@virtual
async def test_a_stopped_run_ends_at_once(why: Stop, interruptions: int) -> None:
    work = await bench()
    async with asyncio.TaskGroup() as group:
        group.create_task(work.work())
        await eventually(lambda: work.executors.started)
        work.attempt.stop(why)
    entry = work.entry
    assert (entry.interruptions, entry.waiting) == (interruptions, why is Stop.DRAINED)
    assert work.state is None


@virtual
async def test_tokens_beyond_the_limit_fail_the_job_before_anything_is_asked() -> None:
    work = await bench(limits=Limits(max_tokens=5))
    work.run.remember(1, executor_pb2.JournalEntry(key="q", value="{}", tokens=5))
    await work.work()
    assert work.executors.started == []
    assert "5 tokens" in work.failure


class Overtaken(FakePlacement):
    """The stream of a run whose frames of the epoch before come in between."""

    async def execute(
        self, frames: AsyncIterator[executor_pb2.ExecuteRequest]
    ) -> AsyncGenerator[executor_pb2.ExecuteResponse, None]:
        old: Any = {"job_id": ID, "epoch": 0, "seq": 7}
        entry = executor_pb2.JournalEntry(key="old", value="{}", tokens=1)
        yield executor_pb2.ExecuteResponse(**old, answer=entry)
        yield executor_pb2.ExecuteResponse(**old, progress=executor_pb2.Progress(current=9, total=11))
        yield executor_pb2.ExecuteResponse(**old, completed=executor_pb2.Completed(model=small_model()))
        async for frame in super().execute(frames):
            yield frame


@virtual
async def test_frames_of_another_epoch_are_dropped() -> None:
    wanted = small_model(aggregates=2)
    work = await bench(wanted)
    assert work.executors.place() is not None
    async with asyncio.timeout(5):
        await work.attempt.work(Overtaken(work.executors))
    stored = work.store.jobs[ID]
    assert (stored.model, stored.current) == (wanted, 1)
    assert list(stored.journal[1]) == ["q1"]


@virtual
async def test_a_job_whose_time_is_over_fails() -> None:
    work = await bench(limits=Limits(job_seconds=60))
    work.store.time += 61_000
    began = asyncio.get_running_loop().time()
    await work.work()
    assert asyncio.get_running_loop().time() == began
    assert "time limit" in work.failure


@virtual
async def test_a_deadline_of_somebody_else_is_not_the_jobs() -> None:
    work = await bench(small_model())
    work.run.faults["recall"] = TimeoutError("somebody else's deadline")
    await work.work()
    entry = work.entry
    assert entry.attempts == 1


# ── counters ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ending", "counted"),
    [
        (Transient("no answer"), "attempt"),
        (ExecutorGone("gone"), "crash"),
        (HandedBack("full"), "interruption"),
        (LeaseLost("epoch 7 runs"), "lease lost"),
    ],
)
@virtual
async def test_every_way_to_end_without_a_result_is_counted(ending: Exception, counted: str) -> None:
    work = await bench(ending, small_model())
    await work.work()
    assert work.counted == [counted]


@virtual
async def test_a_run_that_is_handed_back_goes_on_elsewhere_free_of_charge() -> None:
    work = await bench(HandedBack("full"), small_model())
    await work.work()
    assert work.executors.started == [(ID, 1), (ID, 2)]
    assert (work.run.job.interruptions, work.run.job.crashes, work.run.job.attempts) == (1, 0, 0)
    assert work.state is JobState.COMPLETED


async def gone(frames: Frames) -> Responses:
    raise ExecutorGone("gone")
    yield response()


@virtual
async def test_three_crashes_without_an_answer_between_them_are_the_end() -> None:
    work = await bench(gone, gone, gone, small_model())
    await work.work()
    assert [epoch for _, epoch in work.executors.started] == [1, 2, 3]
    assert "stopped 3 times in a row" in work.failure
    assert "memory" in work.failure


@virtual
async def test_an_answer_between_crashes_counts_them_anew() -> None:
    work = await bench(gone, gone, ExecutorGone("gone after an answer"), gone, small_model())
    await work.work()
    assert work.state is JobState.COMPLETED
    assert work.run.job.crashes == 2


@pytest.mark.parametrize("error", [LeaseLost("another's"), Transient("database away")])
@virtual
async def test_a_slot_for_a_run_that_could_not_begin_is_given_back(error: Exception) -> None:
    work = await bench(gone)
    work.run.faults["begin_again"] = error
    if isinstance(error, LeaseLost):
        await work.work()
    else:
        with pytest.raises(Transient):
            await work.work()
    assert work.executors.held == 0


@virtual
async def test_a_model_that_the_canvas_would_refuse_fails_the_job() -> None:
    work = await bench(small_model())
    work.run.faults["complete"] = Permanent("A rule is broken.")
    await work.work()
    assert (work.state, work.failure) == (JobState.FAILED, "A rule is broken.")


# ── limits, and in whose words they are told ─────────────────────────────────────────────────────────────────────


def test_a_job_may_take_an_hour_and_a_step_five_minutes() -> None:
    assert Limits() == Limits(job_seconds=3600, step_seconds=300, max_tokens=0)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            LimitReached("x", limit="JOB_MAX_TOKENS", value="500"),
            "The job reached its limit of 500 tokens and was stopped.",
        ),
        (
            LimitReached("x", limit="JOB_TIMEOUT_SECONDS", value="100"),
            "The job reached its time limit of 1.6 minutes and was stopped.",
        ),
        (LimitReached("a later limit", limit="NEW", value="1"), "a later limit"),
        (
            Misconfigured("no key"),
            "The language model cannot be asked; the operator has to correct the settings: no key",
        ),
        (Permanent("as it is"), "as it is"),
    ],
)
@virtual
async def test_the_user_is_told_in_the_jobs_language_which_limit_was_reached(
    error: Permanent, told: str
) -> None:
    work = await bench(error, limits=Limits(job_seconds=94))
    await work.work()
    assert work.failure == told


@virtual
async def test_the_user_of_a_korean_job_is_told_in_korean() -> None:
    work = await bench(ValueError("ours"), language="LANGUAGE_KOREAN")
    work.run.job = work.run.job.raised()
    await work.work()
    assert (
        work.failure
        == "2번 시도한 뒤 중단되었습니다. 마지막 오류: 내부 오류로 생성이 중단되었습니다(ValueError)."
    )


@virtual
async def test_our_log_has_none_of_the_users_words() -> None:
    words = "A customer places an order."
    with capture_logs() as logs:
        work = await bench(ExecutorGone(words), HandedBack(words), Permanent(words))
        await work.work()
        again = await bench(Transient(words))
        await again.work()
    assert work.failure == words
    told = [line["reason"] for line in logs if "reason" in line]
    assert len(told) == 4
    assert all("customer" not in reason for reason in told)


class Recorded(Off):
    """Traces that keep what is told of each run, and how it failed."""

    def __init__(self) -> None:
        self.runs: list[tuple[int, dict[str, Any], list[str]]] = []
        self.jobs: set[str] = set()

    @contextmanager
    def run(self, job: str, epoch: int) -> Iterator[Span]:
        told: dict[str, Any] = {}
        failed: list[str] = []
        self.runs.append((epoch, told, failed))
        self.jobs.add(job)
        yield SimpleNamespace(tell=told.update, failed=failed.append)


OURS = ValueError("ours")
INTERNAL = "The generation stopped because of a fault of ours (ValueError)."


@pytest.mark.parametrize(
    ("endings", "lines", "runs"),
    [
        (
            [small_model()],
            [("info", "job.completed", {"epoch": 1, "tokens": 1})],
            [(1, {OUTCOME: "completed", "eventstorming.tokens": 1}, [])],
        ),
        (
            [gone, HandedBack("full"), Permanent("The key is wrong.")],
            [
                ("warning", "job.executor_gone", {"epoch": 1, "crashes": 1, "reason": "gone"}),
                ("info", "job.handed_back", {"epoch": 2, "reason": "full"}),
                ("warning", "job.failed", {"epoch": 3, "reason": "The key is wrong."}),
            ],
            [
                (1, {OUTCOME: "executor_gone"}, ["executor_gone"]),
                (2, {OUTCOME: "handed_back"}, []),
                (3, {OUTCOME: "failed"}, ["failed"]),
            ],
        ),
        (
            [OURS],
            [
                ("error", "job.run_raised", {"epoch": 1, "exc_info": OURS}),
                (
                    "warning",
                    "job.attempt_failed",
                    {"attempts": 1, "reason": INTERNAL, "again_at": 1001001},
                ),
                ("info", "job.released", {"epoch": 1, "not_before": 1001001}),
            ],
            [(1, {OUTCOME: "attempt_failed"}, ["attempt_failed"])],
        ),
        (
            [LeaseLost("epoch 7 runs")],
            [("warning", "job.lease_lost", {"epoch": 1, "reason": "epoch 7 runs"})],
            [(1, {OUTCOME: "lease_lost"}, [])],
        ),
    ],
)
@virtual
async def test_the_operator_reads_how_each_run_ended(
    endings: list[Ending], lines: list[tuple[str, str, Any]], runs: list[Any]
) -> None:
    traces = Recorded()
    with capture_logs() as logs:
        work = await bench(*endings, traces=traces)
        await work.work()
    assert (traces.runs, traces.jobs) == (runs, {ID})
    assert [line for line in logs if line["event"] != "job.started"] == [
        {"log_level": level, "event": event, "job": ID, **fields} for level, event, fields in lines
    ]


@virtual
async def test_the_operator_reads_where_a_run_has_begun_and_with_how_many_answers() -> None:
    with capture_logs() as logs:
        work = await bench(gone, small_model())
        work.run.remember(1, executor_pb2.JournalEntry(key="q", value="{}", tokens=7))
        await work.work()
    begun = [line for line in logs if line["event"] == "job.started"]
    assert {(line["log_level"], line["job"]) for line in begun} == {("info", ID)}
    assert [(line["epoch"], line["recalled"]) for line in begun] == [(1, 1), (2, 1)]
    assert {line["executor"] for line in begun} == {"fake"}


@virtual
async def test_what_goes_wrong_besides_is_told_with_its_job() -> None:
    """Only one of them ends the run."""

    async def talk(frames: Frames) -> Responses:
        at_work.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise Transient("broken off")
        yield response()

    at_work = asyncio.Event()
    with capture_logs() as logs:
        work = await bench(talk)
        work.run.gates["store"] = at_work
        work.run.faults["store"] = Transient("database away")
        await work.work()
        again = await bench(talk)
        again.run.faults["release"] = Transient("database away")
        working = asyncio.create_task(again.work())
        await settle()
        again.run.lose()
        await working
    assert (work.counted, again.counted) == (["attempt"], ["attempt", "lease lost"])
    also = [(line["event"], line["job"]) for line in logs if line["event"].startswith("task.")]
    assert also == [("task.ended_too", ID)] * 2


@virtual
async def test_the_operator_reads_who_stopped_a_run() -> None:
    with capture_logs() as logs:
        work = await bench()
        working = asyncio.create_task(work.work())
        await settle()
        work.attempt.stop(Stop.REMOVED)
        await working
    assert {"event": "job.stopped", "log_level": "info", "job": ID, "why": "removed"} in logs


@virtual
async def test_the_jobs_time_is_over_in_the_middle_of_a_run() -> None:
    work = await bench(limits=Limits(job_seconds=100))
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(30)
    await work.work()
    assert asyncio.get_running_loop().time() - began == pytest.approx(100, abs=0.01)
    assert work.failure == "The job reached its time limit of 1.7 minutes and was stopped."


@pytest.mark.parametrize(("limit", "fails"), [(0, False), (14, True), (15, True), (16, False)])
@virtual
async def test_tokens_are_counted_over_all_runs(limit: int, fails: bool) -> None:
    async def talk(frames: Frames) -> Responses:
        yield response(seq=1, answer=executor_pb2.JournalEntry(key="q2", value="{}", tokens=5))
        yield response(completed=executor_pb2.Completed(model=small_model()))

    work = await bench(talk, limits=Limits(max_tokens=limit))
    work.run.remember(1, executor_pb2.JournalEntry(key="q", value="{}", tokens=10))
    await work.work()
    assert work.executors.started == [(ID, 1)]
    assert work.failure == (f"The job reached its limit of {limit} tokens and was stopped." if fails else "")


# ── what is said on the stream ───────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_a_run_begins_with_all_that_it_may_use() -> None:
    work = await bench(small_model(), limits=Limits(job_seconds=60, step_seconds=12.5, max_tokens=99))
    work.run.remember(1, executor_pb2.JournalEntry(key="q", value="{}", tokens=7))
    await asyncio.sleep(10.75)
    await work.work()
    (frame,) = work.executors.starts
    start = frame.start
    assert (frame.job_id, frame.epoch) == (ID, 1)
    assert start.input == work.run.input
    assert start.time_left.ToTimedelta().total_seconds() == pytest.approx(49.25, abs=0.002)
    assert start.step_timeout.ToTimedelta().total_seconds() == 12.5
    assert (start.tokens_used, start.max_tokens) == (7, 99)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((), False),
        (("silence/1",), True),
        (("silence/1", "answers/1"), False),
        (("silence/0", "silence/2"), False),
    ],
)
@virtual
async def test_a_run_knows_whether_the_user_waits_to_hear_of_the_language_model(
    said: Sequence[str], told: bool
) -> None:
    work = await bench(small_model())
    work.run.remember(1, executor_pb2.JournalEntry(key="q", value="{}", tokens=7))
    for key in said:
        work.run.say(LogLine(level=LogLevel.INFO, message="told", key=key))
    await work.work()
    (frame,) = work.executors.starts
    assert frame.start.silence_told is told


@virtual
async def test_every_frame_reaches_the_run() -> None:
    log_frames = [
        (job_pb2.LOG_LEVEL_INFO, LogLevel.INFO),
        (job_pb2.LOG_LEVEL_WARNING, LogLevel.WARNING),
        (job_pb2.LOG_LEVEL_ERROR, LogLevel.ERROR),
        (job_pb2.LOG_LEVEL_UNSPECIFIED, LogLevel.INFO),
    ]

    async def talk(frames: Frames) -> Responses:
        yield response()
        yield response(accepted=executor_pb2.Accepted())
        yield response(progress=executor_pb2.Progress(current=3, total=8))
        yield response(preview=executor_pb2.ModelSnapshot(model=small_model(aggregates=3)))
        yield response(snapshot=executor_pb2.ModelSnapshot(model=small_model()))
        for number, (level, _) in enumerate(log_frames):
            line = job_pb2.LogLine(level=level, message=f"line {number}")
            line.created_at.FromMilliseconds(1000 * number + 5)
            yield response(log=executor_pb2.Log(line=line, key=f"key {number}"))
        yield response(log=executor_pb2.Log(line=job_pb2.LogLine(message="timeless")))
        yield response(completed=executor_pb2.Completed(model=small_model(aggregates=2), tokens_used=6))
        raise AssertionError("read after the end")

    work = await bench(talk)
    await work.work()
    assert work.run.shown == [
        (3, 8),
        ("preview", small_model(aggregates=3)),
        small_model(),
        ("complete", 6),
    ]
    assert work.store.jobs[ID].model == small_model(aggregates=2)
    assert work.store.jobs[ID].log == [
        *(
            LogLine(level=level, message=f"line {n}", created_at=1000 * n + 5, key=f"key {n}")
            for n, (_, level) in enumerate(log_frames)
        ),
        LogLine(level=LogLevel.INFO, message="timeless"),
    ]


@virtual
async def test_an_answer_is_acknowledged_by_its_number_and_a_beat_with_leave_to_ask() -> None:
    heard: list[executor_pb2.ExecuteRequest] = []

    async def talk(frames: Frames) -> Responses:
        yield response(seq=41, answer=executor_pb2.JournalEntry(key="q", value="{}"))
        heard.append(await anext(frames))
        for number, may_ask in enumerate((True, False), 1):
            work.run.may_ask = may_ask
            yield response(beat=executor_pb2.Beat(beat=number))
            heard.append(await anext(frames))
        yield response(completed=executor_pb2.Completed(model=small_model()))

    work = await bench(talk)
    await work.work()
    assert list(heard[0].ack.seqs) == [41]
    assert [(frame.beat_echo.beat, frame.beat_echo.may_ask) for frame in heard[1:]] == [(1, True), (2, False)]
    assert {(frame.job_id, frame.epoch) for frame in heard} == {(ID, 1)}


@pytest.mark.parametrize("ending", [None, Transient("no answer")])
@virtual
async def test_the_frames_to_the_executor_end_with_the_run(ending: Exception | None) -> None:
    """gRPC itself would go on waiting for the next one."""
    outgoing: list[Frames] = []

    async def talk(frames: Frames) -> Responses:
        outgoing.append(frames)
        if ending:
            raise ending
        yield response(completed=executor_pb2.Completed(model=small_model()))

    work = await bench(talk)
    await work.work()
    assert [frame async for frame in outgoing[0]] == []


@virtual
async def test_no_frame_is_taken_while_there_is_no_room() -> None:
    taken: list[int] = []

    async def talk(frames: Frames) -> Responses:
        for number in range(3):
            taken.append(number)
            yield response(progress=executor_pb2.Progress(current=number, total=8))
        yield response(completed=executor_pb2.Completed(model=small_model()))

    work = await bench(talk)
    work.run.gates["room"] = asyncio.Event()
    working = asyncio.create_task(work.work())
    await settle()
    assert taken == [0]
    work.run.gates["room"].set()
    await working
    assert taken == [0, 1, 2]


@pytest.mark.parametrize(("pause", "epochs"), [(14.9, [1]), (15.1, [1, 2])])
@virtual
async def test_an_executor_silent_for_three_beats_is_dead(pause: float, epochs: list[int]) -> None:
    async def talk(frames: Frames) -> Responses:
        for _ in range(3):
            yield response(beat=executor_pb2.Beat())
            await asyncio.sleep(pause)
        yield response(completed=executor_pb2.Completed(model=small_model()))

    with capture_logs() as logs:
        work = await bench(talk, small_model())
        await work.work()
    assert [epoch for _, epoch in work.executors.started] == epochs
    told = [line["reason"] for line in logs if line["event"] == "job.executor_gone"]
    assert told == ["no sign of life for 15 s"] * (len(epochs) - 1)


@virtual
async def test_a_stream_that_ends_without_a_result_is_a_crash() -> None:
    async def talk(frames: Frames) -> Responses:
        yield response(progress=executor_pb2.Progress(current=2, total=8))

    with capture_logs() as logs:
        work = await bench(talk, small_model())
        await work.work()
    assert (work.run.job.crashes, work.state) == (1, JobState.COMPLETED)
    told = [line["reason"] for line in logs if line["event"] == "job.executor_gone"]
    assert told == ["the stream ended without a result"]


# ── stops ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("settling", ["complete", "fail", "release"])
@pytest.mark.parametrize("why", list(Stop))
@virtual
async def test_what_is_being_settled_is_stopped_by_a_removal_alone(settling: str, why: Stop) -> None:
    ending = {"complete": small_model(), "fail": Permanent("no"), "release": Transient("later")}[settling]
    work = await bench(ending)
    work.run.gates[settling] = asyncio.Event()
    working = asyncio.create_task(work.work())
    await settle(40)
    work.attempt.stop(why)
    await settle()
    assert working.done() == (why is Stop.REMOVED)
    work.run.gates[settling].set()
    await working
    untouched = work.state is None and work.entry.lease.held
    assert untouched == (why is Stop.REMOVED)
    assert "interruption" not in work.counted


@virtual
async def test_the_first_stop_counts() -> None:
    work = await bench()
    working = asyncio.create_task(work.work())
    await settle()
    work.attempt.stop(Stop.REMOVED)
    work.attempt.stop(Stop.DRAINED)
    await working
    assert work.entry.interruptions == 0
    assert work.counted == []


@virtual
async def test_a_drain_is_an_interruption() -> None:
    work = await bench()
    working = asyncio.create_task(work.work())
    await settle()
    work.attempt.stop(Stop.DRAINED)
    await working
    assert work.counted == ["interruption"]


@virtual
async def test_a_drain_asks_nothing_more_stores_what_comes_and_gives_the_job_back() -> None:
    heard: list[executor_pb2.BeatEcho] = []

    async def talk(frames: Frames) -> Responses:
        heard.append((await anext(frames)).beat_echo)
        yield response(beat=executor_pb2.Beat(beat=1))
        heard.append((await anext(frames)).beat_echo)
        await asyncio.sleep(10)
        yield response(seq=41, answer=executor_pb2.JournalEntry(key="q", value="{}"))
        assert list((await anext(frames)).ack.seqs) == [41]
        raise HandedBack("the poller is shutting down")

    work = await bench(talk, small_model(), slots=2)
    working = asyncio.create_task(work.work())
    await settle()
    work.attempt.leave()
    await working
    assert [(echo.beat, echo.may_ask, echo.draining) for echo in heard] == [
        (0, False, True),
        (1, False, True),
    ]
    assert work.executors.started == [(ID, 1)], "not placed again, although there is room"
    assert (work.entry.waiting, work.entry.interruptions) == (True, 1)
    assert (work.counted, work.run.answered) == (["interruption"], True)


@virtual
async def test_a_drain_before_anything_is_asked_gives_the_job_back_at_once() -> None:
    with capture_logs() as logs:
        work = await bench(small_model())
        work.attempt.leave()
        await work.work()
    assert [it["reason"] for it in logs if it["event"] == "job.handed_back"] == ["nothing has been asked yet"]
    assert work.executors.started == []
    assert (work.entry.waiting, work.entry.interruptions) == (True, 1)


@virtual
async def test_a_run_that_ends_well_while_it_leaves_is_completed() -> None:
    async def talk(frames: Frames) -> Responses:
        await asyncio.sleep(10)
        yield response(completed=executor_pb2.Completed(model=small_model()))

    work = await bench(talk)
    working = asyncio.create_task(work.work())
    await settle()
    work.attempt.leave()
    await working
    assert work.state is JobState.COMPLETED


@virtual
async def test_a_lease_that_is_lost_stops_the_run() -> None:
    work = await bench()
    working = asyncio.create_task(work.work())
    await settle()
    before = work.entry
    work.run.lose()
    await working
    assert (work.state, work.entry) == (None, before)
    assert work.counted == ["lease lost"]
