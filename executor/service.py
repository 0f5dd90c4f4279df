"""ExecutorService: what a call means, and how it ends. The link's mechanics are in `link`, the statuses in `status`."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from types import TracebackType
from typing import Any, Final, Protocol

import grpc
import structlog
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import executor_pb2_grpc, job_pb2
from google.protobuf import duration_pb2
from grpc_status import rpc_status
from structlog.contextvars import bind_contextvars

from executor.errors import ExecutorError, InvalidInput, LimitReached
from executor.link import Outbox, StreamLink, read_off, stream_errors, until_done
from executor.metrics import Metrics
from executor.ports import Allowance, Entry, LanguageModels, Link, OwnLink, RunChat
from executor.slots import Run, Slots
from executor.status import Cancelled, Draining, reason_of, status_of
from executor.wire import Event, Pending
from process.traces import EPOCH, JOB, OFF, OUTCOME, Span, Traces

Context = Any  # grpc.aio.ServicerContext; the generated base class is untyped

ATTACH_SECONDS: Final = 5.0
CHECK_SECONDS: Final = 30.0
_HARMLESS: Final = ("completed", "lost", "draining", "overtaken")
"""Ends of a run that are nobody's fault."""
STAGES: Final = {"requirements": 11, "draft": 8}

log = structlog.get_logger("executor")


class Pipeline(Protocol):
    """From an input to a model: the graph, in the words of the wire."""

    def __call__(self, job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]: ...


class Beside(Protocol):
    """What is told while the graph runs, until it ends; `told`: an earlier run has told of a silence, and of no end."""

    def __call__(self, job: job_pb2.JobInput, chat: RunChat, told: bool) -> AsyncGenerator[Event, None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """This executor's own limits: seconds for a job and for a step, tokens of a job (0: none)."""

    job_seconds: float
    step_seconds: float
    max_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells this process apart."""

    instance_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    build_id: str = field(default_factory=lambda: version("eventstorming-generator"))


class ExecutorService(executor_pb2_grpc.ExecutorServiceServicer):
    """Runs jobs in its slots. Keeps nothing that outlives a stream."""

    def __init__(
        self,
        *,
        slots: Slots,
        language_models: LanguageModels,
        pipeline: Pipeline,
        beside: Beside | None = None,
        bounds: Bounds,
        identity: Identity | None = None,
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics,
        traces: Traces = OFF,
    ) -> None:
        self._metrics = metrics
        self._traces = traces
        self._slots = slots
        self._language_models = language_models
        self._generation = _Generation(slots, language_models, pipeline, beside, bounds)
        self._identity = identity or Identity()
        self._clock = clock

    async def Attach(
        self, request: wire.AttachRequest, context: Context
    ) -> AsyncIterator[wire.AttachResponse]:
        """The state now, at every change, and every 5 s; ends when the executor drains and its last run has left."""
        log.info("poller.attached", poller=request.poller_id)
        async with aclosing(self._slots.changes(ATTACH_SECONDS)) as changes:
            async for _ in changes:
                yield self._state()
                if self._slots.draining and not self._slots.runs:
                    return

    async def Execute(self, _: Any, context: Context) -> None:
        """One durable run of one job."""
        async with _answering(context, "execute") as call:
            async with stream_errors():
                first = await context.read()
            _check_start(first)
            call["job"], call["epoch"] = first.job_id, first.epoch
            bind_contextvars(job=first.job_id)
            async with AsyncExitStack() as stack:
                run = await self._placed(first, stack, context)
                about = {JOB: first.job_id, EPOCH: first.epoch}
                with (
                    self._traces.taken("execute", context.invocation_metadata, about) as span,
                    _Counted(run, call, span, self._metrics),
                ):
                    await self._execute(first, run, context)

    async def Generate(self, request: wire.GenerateRequest, context: Context) -> None:
        """One run that nobody stores."""
        async with _answering(context, "generate") as call:
            call["job"] = request.input.job_id
            bind_contextvars(job=request.input.job_id)
            about = {JOB: request.input.job_id}
            async with self._slots.take() as run:
                with (
                    self._traces.taken("generate", context.invocation_metadata, about) as span,
                    _Counted(run, call, span, self._metrics),
                ):
                    await self._direct(request, context, run)

    async def _direct(self, request: wire.GenerateRequest, context: Context, run: Run) -> None:
        sending = _Sending(context, request.include_partial_models)
        main = self._generation.run(wire.Start(input=request.input), OwnLink(), [], sending)
        await until_done(main, self._generation.left(run), job=request.input.job_id)
        run.completed = True

    async def Check(self, request: wire.CheckRequest, context: Context) -> wire.CheckResponse:
        """Whether a question would be answered."""
        async with _answering(context, "check"):
            return await self._checked()
        raise AssertionError  # never: what is caught there ends in an abort

    async def _checked(self) -> wire.CheckResponse:
        name = self._language_models.name
        try:
            async with asyncio.timeout(CHECK_SECONDS) as patience:
                diagnosis = await self._language_models.check()
        except TimeoutError:
            if not patience.expired():
                raise
            problem = f"no answer within {CHECK_SECONDS:.0f} s: look at the address (OPENAI_BASE_URL) and the network"
            return wire.CheckResponse(problem=problem, language_model=name)
        latency = duration_pb2.Duration()
        latency.FromMicroseconds(round(diagnosis.latency * 1e6))
        ok = not diagnosis.problem
        return wire.CheckResponse(ok=ok, problem=diagnosis.problem, language_model=name, latency=latency)

    async def _placed(self, first: wire.ExecuteRequest, stack: AsyncExitStack, context: Context) -> Run:
        try:
            return await stack.enter_async_context(self._slots.take(first.job_id, first.epoch))
        except ExecutorError:
            await read_off(context.read)
            raise

    async def _execute(self, first: wire.ExecuteRequest, run: Run, context: Context) -> None:
        link = StreamLink(first.job_id, first.epoch, self._clock, self._metrics, run.leaving)
        accepted = wire.Accepted(
            instance_id=self._identity.instance_id,
            total_progress=_stages(first.start.input),
            run=run.number,
        )
        await link.outbox.lossless.send(wire.ExecuteResponse(accepted=accepted))
        log.info("run.started", job=first.job_id, epoch=first.epoch, slots_free=self._slots.free)
        async with link.connected(context.read, context.write) as ended:
            storing = self._stored(first.start, link, run)
            await until_done(storing, _watch(run), ended(), job=first.job_id)

    async def _stored(self, start: wire.Start, link: StreamLink, run: Run) -> None:
        recalled = await link.recalled()
        frames = _Frames(link.outbox)
        await self._generation.run(start, link, recalled, frames, run)
        run.completed = True
        await frames.finish()

    def _state(self) -> wire.AttachResponse:
        return wire.AttachResponse(
            instance_id=self._identity.instance_id,
            slots_total=self._slots.total,
            slots_free=self._slots.free,
            runs_begun=self._slots.begun,
            draining=self._slots.draining,
            build_id=self._identity.build_id,
            language_model=self._language_models.name,
        )


class _Generation:
    """From an input to the events of its graph, within what one run may use; who hears of them is not its concern."""

    def __init__(
        self,
        slots: Slots,
        language_models: LanguageModels,
        pipeline: Pipeline,
        beside: Beside | None,
        bounds: Bounds,
    ) -> None:
        self._slots = slots
        self._language_models = language_models
        self._pipeline = pipeline
        self._beside = beside
        self._bounds = bounds

    async def run(
        self,
        start: wire.Start,
        link: Link,
        recalled: Sequence[Entry],
        sink: _Sink,
        durable: Run | None = None,
    ) -> None:
        """The graph's events to the sink until it completes, is handed over or has used up its time."""
        job, seconds = start.input, self._seconds(start)
        try:
            async with asyncio.timeout(seconds) as time_left:
                chats = self._language_models.chat(
                    job_id=job.job_id, link=link, recalled=recalled, allowance=self._allowance(start)
                )
                async with chats as chat:
                    watching = [self.left(durable, chat)] if durable else []
                    if self._beside is not None:
                        watching.append(_taken(self._beside(job, chat, start.silence_told), sink))
                    await until_done(_taken(self._events(job, chat), sink), *watching, job=job.job_id)
        except TimeoutError as error:
            if not time_left.expired():
                raise
            raise LimitReached(
                f"the time of the job is used up ({seconds:.0f} s)",
                limit="JOB_TIMEOUT_SECONDS",
                value=seconds,
            ) from error

    async def left(self, run: Run, chat: RunChat | None = None) -> None:
        """Ends a run that is to leave, as soon as nothing is lost by it. What nobody stores is lost whenever it ends."""
        await run.leaving.wait()
        if chat is not None:
            await chat.at_rest()
        raise Draining(f"{'this executor' if self._slots.draining else 'the poller'} is shutting down")

    async def _events(self, job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
        async with aclosing(self._pipeline(job, chat)) as events:
            async for event in events:
                if isinstance(event, wire.Completed):
                    event.tokens_used = chat.tokens_used
                    log.info(
                        "run.completed", job=job.job_id, tokens=chat.tokens_used, by_step=chat.tokens_by_step
                    )
                yield event

    def _seconds(self, start: wire.Start) -> float:
        given = start.HasField("time_left")
        return start.time_left.ToTimedelta().total_seconds() if given else self._bounds.job_seconds

    def _allowance(self, start: wire.Start) -> Allowance:
        step = start.step_timeout.ToTimedelta().total_seconds() or self._bounds.step_seconds
        ceilings = [tokens for tokens in (start.max_tokens, self._bounds.max_tokens) if tokens]
        return Allowance(
            step_seconds=step,
            max_tokens=min(ceilings, default=0),
            tokens_used=start.tokens_used,
        )


class _Counted:
    """Around one run in a slot: how it ended. Who has the finished model may leave before we have said goodbye."""

    def __init__(self, run: Run, call: dict[str, Any], span: Span, metrics: Metrics) -> None:
        self._run, self._call, self._span, self._metrics = run, call, span, metrics

    def __enter__(self) -> None:
        """It has its slot."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = "lost"
        if self._run.completed:
            outcome = "completed"
        elif isinstance(error, Exception) and not isinstance(error, Cancelled):
            outcome = reason_of(error).lower()
        self._call["outcome"] = outcome
        self._metrics.run_ended(outcome)
        self._span.tell({OUTCOME: outcome})
        if outcome not in _HARMLESS:
            self._span.failed(outcome)


class _Sink(Protocol):
    """Who hears of a run's events."""

    async def take(self, event: Event) -> None: ...


class _Frames:
    """Events of a run as frames of its stream."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._completed: wire.Completed | None = None

    async def take(self, event: Event) -> None:
        match event:
            case wire.Completed():
                self._completed = event
            case wire.Log():
                await self._outbox.lossless.send(wire.ExecuteResponse(log=event))
            case wire.Progress():
                self._outbox.latest.replace(wire.ExecuteResponse(progress=event))
            case Pending(early=True):
                self._outbox.latest.replace_snapshot(lambda: wire.ExecuteResponse(preview=event.message()))
            case Pending():
                self._outbox.latest.replace_snapshot(lambda: wire.ExecuteResponse(snapshot=event.message()))

    async def finish(self) -> None:
        await self._outbox.finish(wire.ExecuteResponse(completed=self._completed))


class _Sending:
    """Events of a run as responses of Generate."""

    def __init__(self, context: Context, partial: bool) -> None:
        self._context = context
        self._partial = partial
        self._line = asyncio.Lock()  # gRPC takes one write at a time
        self._completed = False

    async def take(self, event: Event) -> None:
        async with self._line:
            if not self._completed:
                await self._send(event)

    async def _send(self, event: Event) -> None:
        match event:
            case wire.Completed():
                self._completed = True
                await self._context.write(wire.GenerateResponse(completed=event))
            case wire.Log():
                await self._context.write(wire.GenerateResponse(log=event.line))
            case wire.Progress():
                await self._context.write(wire.GenerateResponse(progress=event))
            case Pending() if self._partial:
                await self._context.write(wire.GenerateResponse(partial=event.message()))


@asynccontextmanager
async def _answering(context: Context, call: str) -> AsyncIterator[dict[str, Any]]:
    """The boundary: whatever ends a call becomes its status, and is logged once, with the job."""
    fields: dict[str, Any] = {"call": call}
    try:
        yield fields
    except asyncio.CancelledError:
        if fields.get("outcome") != "completed":
            log.info("call.lost", **fields)
        raise
    except ExecutorError as error:
        log.info("call.ended", kind=type(error).__name__, reason=str(error), **fields)
        await context.abort_with_status(rpc_status.to_status(status_of(error)))
    except Exception as error:
        log.error("call.broken", exc_info=error, **fields)
        await context.abort_with_status(rpc_status.to_status(status_of(error)))


async def _taken(events: AsyncGenerator[Event, None], sink: _Sink) -> None:
    async with aclosing(events):
        async for event in events:
            await sink.take(event)


async def _watch(run: Run) -> None:
    await run.ended


def _check_start(first: Any) -> None:
    if first is grpc.aio.EOF or first.WhichOneof("frame") != "start" or not first.job_id:
        raise InvalidInput("the first frame is a Start with a job id")


def _stages(job: job_pb2.JobInput) -> int:
    return STAGES[str(job.WhichOneof("source") or "requirements")]
