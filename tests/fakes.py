"""Stand-ins at the ports: a clock that stands still, a queue in memory, executors with scripted endings, and an
executor that plays a script over real gRPC. Queue and webhooks pass the same contract suites as the real ones."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

import grpc
from eventstorming.v1 import executor_pb2, executor_pb2_grpc, job_pb2, model_pb2
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from poller.errors import LeaseLost
from poller.job import Job, JobState, LogLevel, LogLine
from poller.ports import (
    NOBODY,
    Caller,
    HandedBack,
    JobExists,
    JobFilter,
    JobNotFound,
    JobPage,
    JobView,
    QueueChange,
    Webhook,
    WrongState,
)
from process.tasks import task_group

BEAT_SECONDS = 5.0


class FakeClock:
    """Time that passes only by `advance`; sleepers wake in order."""

    def __init__(self, start: float = 1000.0) -> None:
        self.time = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._numbers), wake))
        await wake

    async def advance(self, seconds: float) -> None:
        until = self.time + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, wake = heapq.heappop(self._sleepers)
            self.time = max(self.time, at)
            if not wake.done():
                wake.set_result(None)
            await settle()
        self.time = until
        await settle()


async def settle(rounds: int = 20) -> None:
    """Lets every task that can run do so."""
    for _ in range(rounds):
        await asyncio.sleep(0)


PATIENCE = {"seconds": 30.0, "looks": float("inf")}
"""Of `eventually`, where the test names none."""


async def eventually(condition: Callable[[], Awaitable[Any] | Any], *, seconds: float | None = None) -> Any:
    """Waits for a state that comes by itself; the value that made it true."""
    looks = PATIENCE["looks"] if seconds is None else float("inf")
    async with asyncio.timeout(seconds or PATIENCE["seconds"]):
        while looks > 0:
            found = condition()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)
            looks -= 1
    raise TimeoutError("looked often enough")


# ── a scripted executor ──────────────────────────────────────────────────────────────────────────────────────────


def small_model(
    *, aggregates: int = 1, language: Any = model_pb2.LANGUAGE_ENGLISH
) -> model_pb2.EventStormingModel:
    """A valid model of one context; each aggregate has a command and its event."""
    model = model_pb2.EventStormingModel(language=language)
    context = model.bounded_contexts.add(ordinal=1, name="Ordering", alias="Ordering", description="Orders.")
    for number in range(1, aggregates + 1):
        name = f"Order{number}"
        aggregate = context.aggregates.add(ordinal=number, name=name, alias=name)
        aggregate.fields.add(name="id", type="Long", is_key=True)
        event = aggregate.events.add(ordinal=1, name=f"{name}Placed", alias=f"{name} placed")
        event.fields.add(name="id", type="Long", is_key=True)
        command = aggregate.commands.add(ordinal=1, name=f"Place{name}", alias=f"Place {name}")
        command.emits.append(event.name)
    return model


class Refusal(Exception):
    """Ends a script with a status of the executor."""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str = "scripted",
        *,
        retry_after: float | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.retry_after = code, reason, message, retry_after
        self.metadata = metadata or {}

    def status(self) -> status_pb2.Status:
        domain = "eventstorming.v1"
        details: list[Any] = [
            error_details_pb2.ErrorInfo(reason=self.reason, domain=domain, metadata=self.metadata)
        ]
        if self.retry_after is not None:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(int(self.retry_after * 1000))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for detail in details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            status.details.append(packed)
        return status


@dataclass
class Conversation:
    """One Execute stream as the script sees it. Clear `home` while the language model owes an answer: a drain waits for it."""

    call: Any
    epoch: int = 0
    job_id: str = ""
    start: executor_pb2.Start = field(default_factory=executor_pb2.Start)
    recalled: dict[str, executor_pb2.JournalEntry] = field(default_factory=dict)
    acked: set[int] = field(default_factory=set)
    echoes: list[executor_pb2.BeatEcho] = field(default_factory=list)
    number: int = 0
    seq: int = 0
    completed: bool = False
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    home: asyncio.Event = field(default_factory=asyncio.Event)
    began_at: float = field(default_factory=time.perf_counter)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.home.set()

    async def begin(self) -> None:
        """Reads Start and the recall, then answers Accepted."""
        while True:
            frame = await self.call.read()
            self.epoch, self.job_id = frame.epoch, frame.job_id
            if frame.WhichOneof("frame") == "start":
                self.start = frame.start
            else:
                self.recalled |= {entry.key: entry for entry in frame.recall.entries}
                if frame.recall.last:
                    break
        await self.send(
            accepted=executor_pb2.Accepted(instance_id="scripted", total_progress=11, run=self.number)
        )

    async def send(self, **frame: Any) -> int:
        self.seq += 1
        await self.call.write(
            executor_pb2.ExecuteResponse(job_id=self.job_id, epoch=self.epoch, seq=self.seq, **frame)
        )
        return self.seq

    async def listen(self) -> None:
        while (frame := await self.call.read()) is not grpc.aio.EOF:
            self.acked.update(frame.ack.seqs)
            if frame.WhichOneof("frame") == "beat_echo":
                self.echoes.append(frame.beat_echo)
                if frame.beat_echo.draining:
                    self.draining.set()
            self.news.set()

    async def leave(self) -> None:
        """As an executor ends a run whose poller drains."""
        await self.draining.wait()
        await self.home.wait()
        raise Refusal(grpc.StatusCode.UNAVAILABLE, "DRAINING", "the poller is shutting down")

    async def answer(
        self, key: str, value: str = '{"a":1}', *, tokens: int = 10, unusable: bool = False
    ) -> None:
        """Asks the language model, so to speak: returns when the answer is durable."""
        entry = executor_pb2.JournalEntry(key=key, value=value, tokens=tokens, unusable=unusable)
        seq = await self.send(answer=entry)
        while seq not in self.acked:
            self.news.clear()
            await self.news.wait()

    async def ask(self, key: str) -> bool:
        """Whether the question had to be asked: a recalled one costs nothing."""
        if key in self.recalled:
            return False
        await self.answer(key)
        return True

    async def progress(self, current: int, total: int = 11) -> None:
        await self.send(progress=executor_pb2.Progress(current=current, total=total))

    async def snapshot(self, model: model_pb2.EventStormingModel) -> None:
        await self.send(snapshot=executor_pb2.ModelSnapshot(model=model))

    async def say(self, message: str, key: str) -> None:
        line = job_pb2.LogLine(level=job_pb2.LOG_LEVEL_INFO, message=message)
        await self.send(log=executor_pb2.Log(line=line, key=key))

    async def complete(self, model: model_pb2.EventStormingModel, tokens: int = 10) -> None:
        self.completed = True
        await self.send(completed=executor_pb2.Completed(model=model, tokens_used=tokens))


Script = Callable[[Conversation], Awaitable[None]]


async def plain_script(talk: Conversation) -> None:
    """One question, progress, a model, done."""
    await talk.progress(2)
    await talk.ask("q1")
    await talk.say("one context found", "contexts")
    await talk.snapshot(small_model())
    await talk.complete(small_model())


class ScriptedExecutor(executor_pb2_grpc.ExecutorServiceServicer):
    """Plays `script` for each run; counts what it was given."""

    def __init__(self, script: Script = plain_script, *, slots: int = 4, name: str = "scripted") -> None:
        self.script = script
        self.slots = slots
        self.name = name
        self.draining = False
        self.attached = 0
        self.runs: list[Conversation] = []
        self.cancelled: list[str] = []
        self.ended = 0
        self.begun = 0
        self._busy = 0
        self._changed = asyncio.Event()
        self.port = 0
        self._server: Any = None

    def offer(self, slots: int) -> None:
        """Says at once that it has so many slots now."""
        self.slots = slots
        self._changed.set()

    def occupy(self, slots: int) -> None:
        """So many slots are taken by others from now on."""
        self._busy += slots
        self.begun += slots
        self._changed.set()

    async def Attach(self, request: Any, context: Any) -> AsyncIterator[executor_pb2.AttachResponse]:
        self.attached += 1
        while True:
            self._changed.clear()
            yield executor_pb2.AttachResponse(
                instance_id=self.name,
                slots_total=self.slots,
                slots_free=max(0, self.slots - self._busy),
                draining=self.draining,
                runs_begun=self.begun,
                build_id="test",
            )
            try:
                async with asyncio.timeout(1):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def Execute(self, _: Any, context: Any) -> None:
        self.begun += 1
        talk = Conversation(call=context, number=self.begun)
        self._busy += 1
        self._changed.set()
        try:
            await self._play(talk)
        except Refusal as refusal:
            await context.abort_with_status(rpc_status.to_status(refusal.status()))
        except asyncio.CancelledError:
            if not talk.completed:  # who has the model may leave before we have said goodbye
                self.cancelled.append(talk.job_id)
            raise
        finally:
            self.ended += 1
            self._busy -= 1
            self._changed.set()

    async def _play(self, talk: Conversation) -> None:
        await talk.begin()
        self.runs.append(talk)
        async with task_group() as group:
            beside = [group.create_task(action) for action in (talk.listen(), talk.leave())]
            await self.script(talk)
            for task in beside:
                task.cancel()

    async def start(self, port: int = 0) -> None:
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        executor_pb2_grpc.add_ExecutorServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()

    async def kill(self) -> None:
        """Breaks every connection at once, as a killed process does."""
        await self._server.stop(None)


@asynccontextmanager
async def scripted_executor(script: Script = plain_script, **given: Any) -> AsyncIterator[ScriptedExecutor]:
    executor = ScriptedExecutor(script, **given)
    await executor.start()
    try:
        yield executor
    finally:
        await executor.kill()


# ── the queue ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Stored:
    """One job of the fake database."""

    input: job_pb2.JobInput
    entry: Job | None
    highest_epoch: int = 0
    journal: dict[int, dict[str, executor_pb2.JournalEntry]] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    current: int = 0
    created_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    state: JobState | None = None
    failure: str = ""
    cancelled: bool = False
    caller: Caller = NOBODY
    model: model_pb2.EventStormingModel | None = None
    preview: model_pb2.EventStormingModel | None = None


@dataclass
class Owed:
    """Since when a job's webhooks are to be told, and who does."""

    since: int
    owner: str = ""
    held_at: int = 0


class FakeStore:
    """What several fake queues share: jobs, removal requests, what webhooks are owed, the database's time, and who listens."""

    def __init__(self) -> None:
        self.time = 1_000_000
        self.jobs: dict[str, Stored] = {}
        self.owed: dict[str, Owed] = {}
        self.removals: set[str] = set()
        self.listeners: list[asyncio.Queue[QueueChange]] = []
        self.runs: list[FakeRun] = []

    def put(self, job: Job) -> None:
        stored = self.jobs[job.id]
        stored.entry, stored.highest_epoch = job, max(stored.highest_epoch, job.lease.epoch)
        self.tell(QueueChange(jobs={job.id: job}))

    def end(self, job_id: str) -> None:
        self.jobs[job_id].entry = None
        self.tell(QueueChange(jobs={job_id: None}))

    def tell(self, change: QueueChange) -> None:
        for listener in self.listeners:
            listener.put_nowait(change)
        for run in self.runs:
            run.look()


class FakeRun:
    """Implements `Run` over a `FakeStore`, and all that a run holds; everything is durable at once.

    `faults`: what a method raises, by its name; `gates`: what it waits for before. `shown`: what it was given to show.
    """

    def __init__(self, store: FakeStore, job: Job) -> None:
        self._store = store
        self._stored = store.jobs[job.id]
        self.job = job
        self.input = self._stored.input
        self.started_at = self._stored.started_at
        self.lease = self.journal = self.display = self.settlement = self
        self.may_ask = True
        self.answered = False
        self.faults: dict[str, Exception] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.shown: list[Any] = []
        self.closed = self._ended = False
        self._lost = asyncio.Event()
        self._news: asyncio.Queue[int] = asyncio.Queue()

    def lose(self) -> None:
        """The next renewal fails."""
        self._lost.set()

    def look(self) -> None:
        entry = self._stored.entry
        if not self._ended and (entry is None or entry.lease.token != self.job.lease.token):
            self._lost.set()

    def _check(self) -> None:
        if self._lost.is_set():
            raise LeaseLost("the lease is another's")

    async def keep(self) -> None:
        await self._lost.wait()
        await self._as_told("keep")
        self._check()

    async def begin_again(self, job: Job) -> None:
        await self._as_told("begin_again")
        self._check()
        self.job = replace(job, lease=replace(job.lease, epoch=job.lease.epoch + 1))
        self.answered = False
        self._store.put(self.job)

    async def _as_told(self, method: str) -> None:
        if method in self.gates:
            await self.gates[method].wait()
        if method in self.faults:
            raise self.faults[method]

    async def recall(self) -> list[executor_pb2.JournalEntry]:
        await self._as_told("recall")
        found: dict[str, executor_pb2.JournalEntry] = {}
        for epoch in sorted(self._stored.journal):
            found |= self._stored.journal[epoch]
        return [found[key] for key in sorted(found)]

    def remember(self, seq: int, entry: executor_pb2.JournalEntry) -> None:
        self._stored.journal.setdefault(self.job.lease.epoch, {})[entry.key] = entry
        self.answered = True
        self._news.put_nowait(seq)

    async def room(self) -> None:
        await self._as_told("room")

    def show_progress(self, current: int, total: int) -> None:
        self.shown.append((current, total))
        self._stored.current = max(self._stored.current, current)

    def preview(self, model: model_pb2.EventStormingModel) -> None:
        self.shown.append(("preview", model))
        self._stored.preview = model

    def show_model(self, model: model_pb2.EventStormingModel) -> None:
        self.shown.append(model)
        self._stored.model = model

    def say(self, line: LogLine) -> None:
        if not line.key or line.key not in {said.key for said in self._stored.log}:
            self._stored.log.append(line)

    def said(self, key: str) -> bool:
        return key in {line.key for line in self._stored.log}

    async def store(self, durable: Callable[[list[int]], Awaitable[None]]) -> None:
        await self._as_told("store")
        while True:
            await durable([await self._news.get()])

    async def complete(self, model: model_pb2.EventStormingModel, *, tokens_used: int) -> None:
        await self._as_told("complete")
        self.shown.append(("complete", tokens_used))
        self._stored.model = model
        self._end(JobState.COMPLETED)

    async def fail(self, sentence: str, *, cancelled: bool = False) -> None:
        await self._as_told("fail")
        self._stored.failure, self._stored.cancelled = sentence, cancelled
        self._stored.log.append(LogLine(level=LogLevel.ERROR, message=sentence))
        self._end(JobState.FAILED)

    def _end(self, state: JobState) -> None:
        self._check()
        self._ended = True
        self._stored.state, self._stored.ended_at = state, self._store.time
        self._store.end(self.job.id)

    async def release(self, job: Job) -> None:
        await self._as_told("release")
        self._ended = True
        entry = self._stored.entry
        if entry is not None and entry.lease.token == self.job.lease.token:
            self._store.put(replace(job, lease=job.lease.released()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed = True


class FakeQueue:
    """Implements `Queue` and `Jobs` in memory. Several of them may share a store, as pollers share a database."""

    def __init__(self, store: FakeStore, *, owner: str = "fake", lease_seconds: float = 30) -> None:
        self.store = store
        self.webhooks = FakeWebhooks(store, owner=owner)
        self._owner = owner
        self._length = int(lease_seconds * 1000)
        self.places: dict[str, int] = {}
        self.dropped: dict[str, str] = {}
        self.faults: list[Exception] = []
        self.place_faults: list[Exception] = []

    def now(self) -> int:
        return self.store.time

    def problem(self) -> str:
        return ""

    async def changes(self) -> AsyncGenerator[QueueChange, None]:
        news: asyncio.Queue[QueueChange] = asyncio.Queue()
        self.store.listeners.append(news)
        entries = {job_id: stored.entry for job_id, stored in self.store.jobs.items() if stored.entry}
        yield QueueChange(whole=True, jobs=entries, removals=dict.fromkeys(self.store.removals, True))
        while True:
            yield await news.get()

    async def claim(self, job: Job) -> FakeRun | None:
        self._fail_as_told()
        stored = self.store.jobs.get(job.id)
        if stored is None or stored.entry is None or stored.entry.lease != job.lease:
            return None
        entry = stored.entry
        if entry.lease.held:
            entry = entry.crashed(answered=entry.lease.epoch in stored.journal)
        token = uuid.uuid4().hex
        claimed = entry.claimed(token=token, owner=self._owner, now=self.now(), above=stored.highest_epoch)
        self.store.put(claimed)
        stored.started_at, stored.current = stored.started_at or self.now(), stored.current or 1
        run = FakeRun(self.store, claimed)
        self.store.runs.append(run)
        if claimed.poisoned:
            await run.fail("crashed too often")
            return None
        return run

    def _fail_as_told(self) -> None:
        if self.faults:
            raise self.faults.pop()

    async def show_position(self, job: Job, place: int) -> None:
        if self.place_faults:
            raise self.place_faults.pop()
        if self.store.jobs[job.id].entry == job:
            self.places[job.id] = place
            self.store.put(replace(job, position=place))

    async def drop(self, job_id: str, reason: str) -> None:
        self._fail_as_told()
        self.dropped[job_id] = reason

    async def remove(self, job_id: str) -> bool:
        self._fail_as_told()
        stored = self.store.jobs.get(job_id)
        entry = stored.entry if stored else None
        if entry and not entry.waiting and entry.lease.owner != self._owner and not self._ready(entry):
            return False
        if stored:
            self.store.end(job_id)
            del self.store.jobs[job_id]
            self.store.owed.pop(job_id, None)
        self.store.removals.discard(job_id)
        self.store.tell(QueueChange(removals={job_id: False}))
        return True

    def _ready(self, entry: Job) -> bool:
        return entry.ready(now=self.now(), lease_length=self._length)

    async def submit(self, input: job_pb2.JobInput, *, like: str = "", caller: Caller = NOBODY) -> JobView:
        job_id = input.job_id or str(uuid.uuid4())
        known = self.store.jobs.get(job_id)
        if known is None:
            given = job_pb2.JobInput()
            given.CopyFrom(input)
            given.job_id = job_id
            self.store.time += 1
            self.store.jobs[job_id] = Stored(
                input=given, entry=None, created_at=self.store.time, caller=caller
            )
            self.store.put(Job(id=job_id, created_at=self.store.time))
            if caller.webhooks:
                self.webhooks.owe(job_id)
        elif known.input.WhichOneof("source") != input.WhichOneof("source") or (
            known.input.requirements != input.requirements
        ):
            raise JobExists(job_id)
        return await self.get(job_id)

    async def get(self, job_id: str) -> JobView:
        stored = self.store.jobs.get(job_id)
        if stored is None:
            raise JobNotFound(job_id)
        entry = stored.entry
        waiting = entry is None or entry.waiting
        return JobView(
            job_id=job_id,
            state=stored.state or (JobState.QUEUED if waiting else JobState.RUNNING),
            current_progress=stored.current,
            created_at=stored.created_at,
            started_at=stored.started_at,
            ended_at=stored.ended_at,
            failure=stored.failure,
            cancelled=stored.cancelled,
            log=tuple(stored.log),
            model=stored.model,
            preview=None if stored.model else stored.preview,
        )

    async def list_jobs(self, wanted: JobFilter, *, size: int, after: str = "") -> JobPage:
        created = {job_id: f"{stored.created_at:013d}-{job_id}" for job_id, stored in self.store.jobs.items()}
        views = [await self.get(job_id) for job_id in sorted(created, key=created.__getitem__, reverse=True)]
        found = [
            replace(view, log=(), model=None)
            for view in views
            if (not wanted.states or view.state in wanted.states)
            and view.created_at >= wanted.created_from
            and (not wanted.created_until or view.created_at < wanted.created_until)
            and (not after or created[view.job_id] < after)
        ]
        last = created[found[size - 1].job_id] if len(found) > size else ""
        return JobPage(jobs=tuple(found[:size]), next=last)

    async def input(self, job_id: str) -> job_pb2.JobInput:
        await self.get(job_id)
        return self.store.jobs[job_id].input

    async def caller(self, job_id: str) -> Caller:
        stored = self.store.jobs.get(job_id)
        return stored.caller if stored else NOBODY

    async def msaez(self, job_id: str) -> Any:
        return None

    async def watch(self, job_id: str) -> AsyncGenerator[JobView, None]:
        last = await self.get(job_id)
        yield last
        while not last.state.terminal:
            await asyncio.sleep(0)
            view = await self.get(job_id)
            if view != last:
                last = view
                yield view

    async def cancel(self, job_id: str, *, by: str) -> JobView:
        view = await self.get(job_id)
        entry = self.store.jobs[job_id].entry
        if view.state.terminal or entry is None:
            raise WrongState(view.state.value)
        self.store.put(
            entry.claimed(
                token="cancelled",
                owner=self._owner,
                now=self.now(),
                above=self.store.jobs[job_id].highest_epoch,
            )
        )
        run = FakeRun(self.store, self.store.jobs[job_id].entry or entry)
        await run.fail(f"Cancelled by {by}.", cancelled=True)
        return await self.get(job_id)

    async def retry(self, job_id: str) -> JobView:
        view = await self.get(job_id)
        if view.state is not JobState.FAILED:
            raise WrongState(view.state.value)
        stored = self.store.jobs[job_id]
        stored.state, stored.failure, stored.cancelled, stored.ended_at = None, "", False, 0
        for branch in stored.journal.values():
            for key in [key for key, entry in branch.items() if entry.unusable]:
                del branch[key]
        if stored.caller.webhooks:
            self.webhooks.owe(job_id)
        self.store.put(Job(id=job_id, created_at=self.store.time))
        return await self.get(job_id)

    async def delete(self, job_id: str) -> None:
        await self.get(job_id)
        self.store.removals.add(job_id)
        self.store.tell(QueueChange(removals={job_id: True}))


class FakeWebhooks:
    """Implements `Webhooks` over a `FakeStore`."""

    HELD_MS = 30_000

    def __init__(self, store: FakeStore, *, owner: str) -> None:
        self._store, self._owner = store, owner
        self._news = asyncio.Event()

    def owe(self, job_id: str) -> None:
        self._store.time += 1
        self._store.owed.setdefault(job_id, Owed(since=0)).since = self._store.time
        self._news.set()

    async def add(self, job_id: str, webhook: Webhook) -> None:
        if job_id not in self._store.jobs:
            raise JobNotFound(job_id)
        self._change(job_id, webhook.id, webhook)
        self.owe(job_id)

    async def remove(self, job_id: str, webhook_id: str) -> None:
        self._change(job_id, webhook_id)

    async def told(self, job_id: str, webhook_id: str, end: int) -> None:
        for webhook in self._known(job_id):
            if webhook.id == webhook_id:
                self._change(job_id, webhook_id, replace(webhook, told=end))

    def _known(self, job_id: str) -> tuple[Webhook, ...]:
        stored = self._store.jobs.get(job_id)
        return stored.caller.webhooks if stored else ()

    def _change(self, job_id: str, webhook_id: str, *instead: Webhook) -> None:
        if stored := self._store.jobs.get(job_id):
            others = [webhook for webhook in stored.caller.webhooks if webhook.id != webhook_id]
            stored.caller = replace(stored.caller, webhooks=(*others, *instead))

    async def owed(self, held: Collection[str]) -> Sequence[str]:
        free = [job_id for job_id in self._store.owed if job_id not in held and self._is_free(job_id)]
        return sorted(free, key=lambda job_id: self._store.owed[job_id].since)

    def _is_free(self, job_id: str) -> bool:
        entry = self._store.owed[job_id]
        return entry.owner in ("", self._owner) or self._store.time - entry.held_at > self.HELD_MS

    async def hold(self, job_id: str) -> bool:
        if job_id not in self._store.owed or not self._is_free(job_id):
            return False
        self._store.owed[job_id].owner = self._owner
        await self.keep([job_id])
        return True

    async def keep(self, held: Collection[str]) -> None:
        for job_id in held:
            self._store.owed[job_id].held_at = self._store.time

    async def let_go(self, held: Collection[str]) -> None:
        for job_id in held:
            self._store.owed[job_id].owner = ""

    async def since(self, job_id: str) -> int:
        entry = self._store.owed.get(job_id)
        return entry.since if entry else 0

    async def settle(self, job_id: str, since: int) -> bool:
        entry = self._store.owed.get(job_id)
        if entry and entry.since == since:
            del self._store.owed[job_id]
        return job_id not in self._store.owed

    async def stirred(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()


# ── executors ────────────────────────────────────────────────────────────────────────────────────────────────────

Talk = Callable[
    [AsyncIterator[executor_pb2.ExecuteRequest]], AsyncGenerator[executor_pb2.ExecuteResponse, None]
]
Ending = Exception | model_pb2.EventStormingModel | Talk


class FakeExecutors:
    """Implements `Executors`: so many slots, and each run ends, or goes, as the next of `endings` says; without one it only beats."""

    def __init__(self, slots: int = 1, endings: list[Ending] | None = None) -> None:
        self.slots = slots
        self.endings = endings or []
        self.started: list[tuple[str, int]] = []
        self.starts: list[executor_pb2.ExecuteRequest] = []
        self.recalled: list[list[str]] = []
        self.held = self.held_apart = 0
        self._changed = asyncio.Event()

    @property
    def free_slots(self) -> int:
        return self.slots - self.held

    @property
    def total_slots(self) -> int:
        return self.slots

    def place(self, *, apart: bool = False) -> FakePlacement | None:
        if not self.free_slots or (apart and self.held_apart):
            return None
        self.held += 1
        self.held_apart += apart
        return FakePlacement(self, apart)

    async def changed(self) -> None:
        await self._changed.wait()

    def signal(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def problem(self) -> str:
        return ""


class FakePlacement:
    instance_id = "fake"

    def __init__(self, executors: FakeExecutors, apart: bool = False) -> None:
        self._executors, self._apart = executors, apart
        self._released = False

    def release(self) -> None:
        if not self._released:
            self._released = True
            self._executors.held -= 1
            self._executors.held_apart -= self._apart
            self._executors.signal()

    async def execute(
        self, frames: AsyncIterator[executor_pb2.ExecuteRequest]
    ) -> AsyncGenerator[executor_pb2.ExecuteResponse, None]:
        start, recall = await anext(frames), await anext(frames)
        self._executors.started.append((start.job_id, start.epoch))
        self._executors.starts.append(start)
        self._executors.recalled.append([entry.key for entry in recall.recall.entries])
        leaving = asyncio.create_task(_draining(frames))
        try:
            while not self._executors.endings:
                yield executor_pb2.ExecuteResponse(epoch=start.epoch, beat=executor_pb2.Beat())
                await asyncio.wait((leaving,), timeout=BEAT_SECONDS)
                if leaving.done():
                    raise HandedBack("the poller is shutting down")
        finally:
            leaving.cancel()
        ending = self._executors.endings.pop(0)
        if callable(ending):
            async for frame in ending(frames):
                frame.job_id, frame.epoch = start.job_id, frame.epoch or start.epoch
                yield frame
            return
        entry = executor_pb2.JournalEntry(key=f"q{start.epoch}", value="{}", tokens=1)
        yield executor_pb2.ExecuteResponse(job_id=start.job_id, epoch=start.epoch, seq=1, answer=entry)
        while not (await anext(frames)).ack.seqs:
            continue
        if isinstance(ending, Exception):
            raise ending
        completed = executor_pb2.Completed(model=ending, tokens_used=1)
        yield executor_pb2.ExecuteResponse(job_id=start.job_id, epoch=start.epoch, seq=2, completed=completed)


async def _draining(frames: AsyncIterator[executor_pb2.ExecuteRequest]) -> None:
    async for frame in frames:
        if frame.beat_echo.draining:
            return
