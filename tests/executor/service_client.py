"""A poller's side of ExecutorService for tests: real sockets, a pipeline and a language model of the test's choice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import executor_pb2_grpc, job_pb2, model_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from executor.graph.question import Unusable
from executor.llm.language_models import ProcessLanguageModels
from executor.metrics import Metrics
from executor.ports import RunChat
from executor.server import grpc_server
from executor.service import Beside, Bounds, ExecutorService, Pipeline
from executor.settings import ModelName, Settings
from executor.slots import Slots
from executor.wire import Event, Pending
from process.server import OPTIONS, GrpcServer
from tests.executor.llm.fakes import ScriptedLanguageModel, question
from tests.fakes import settle

JOB = "11111111-2222-3333-4444-555555555555"


def fruits(*users: str, snapshots: int = 0, size: int = 0) -> Pipeline:
    """A pipeline that asks these questions at once, shows snapshots, and completes with the answers as contexts."""

    async def pipeline(job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
        yield wire.Progress(current=1, total=11)
        yield wire.Log(line=job_pb2.LogLine(message="begun"), key="begun")
        answers = await asyncio.gather(*(chat.ask(question(user)) for user in users))
        names = ["unusable" if isinstance(answer, Unusable) else answer.name for answer in answers]
        for n in range(snapshots):
            yield Pending(partial(_snapshot, f"{n}", "x" * size))
            await asyncio.sleep(0.01)
        yield wire.Progress(current=11, total=11)
        yield wire.Completed(model=_model(names))

    return pipeline


def _snapshot(*names: str) -> wire.ModelSnapshot:
    return wire.ModelSnapshot(model=_model(names))


def _model(names: Sequence[str]) -> model_pb2.EventStormingModel:
    contexts = [model_pb2.BoundedContext(ordinal=n, name=name) for n, name in enumerate(names, 1)]
    return model_pb2.EventStormingModel(bounded_contexts=contexts)


@dataclass(slots=True, kw_only=True)
class Executor:
    """A served executor and a channel to it."""

    slots: Slots
    server: GrpcServer
    model: ScriptedLanguageModel
    channel: grpc.aio.Channel
    stub: Any

    async def round_trips(self) -> None:
        """What has been sent to this executor has been heard, and has had its consequences."""
        for _ in range(10):
            async for _ in self.stub.Attach(wire.AttachRequest()):
                break
            await settle()


@asynccontextmanager
async def served(
    pipeline: Pipeline,
    model: ScriptedLanguageModel | None = None,
    *,
    slots: int = 2,
    bounds: Bounds | None = None,
    clock: Callable[[], float] | None = None,
    metrics: Metrics | None = None,
    beside: Beside | None = None,
    **settings: Any,
) -> AsyncIterator[Executor]:
    model = model or ScriptedLanguageModel()
    held, metrics = Slots(slots), metrics or Metrics()
    models = ProcessLanguageModels(model, model, concurrency=8, timeout=5, metrics=metrics)
    clocked = {"clock": clock} if clock else {}
    service = ExecutorService(
        slots=held,
        language_models=models,
        pipeline=pipeline,
        beside=beside,
        bounds=bounds or Bounds(job_seconds=20, step_seconds=5),
        metrics=metrics,
        **clocked,  # type: ignore[arg-type]
    )
    offline = ModelName(provider="offline", model="rules")
    server = grpc_server(service, Settings(ai_model=offline, grpc_port=0, **settings))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.stop, 0)
        await server.start()
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options=OPTIONS)
        )
        stub = executor_pb2_grpc.ExecutorServiceStub(channel)
        yield Executor(slots=held, server=server, model=model, channel=channel, stub=stub)


@dataclass(slots=True, kw_only=True)
class Stream:
    """One Execute call; acks and echoes by itself unless told not to."""

    call: Any
    epoch: int
    job_id: str = JOB
    ack: bool = True
    echo: bool = True
    may_ask: bool = True
    frames: list[wire.ExecuteResponse] = field(default_factory=list)

    async def send(self, **frame: Any) -> None:
        await self.call.write(wire.ExecuteRequest(job_id=self.job_id, epoch=self.epoch, **frame))

    async def read(self) -> wire.ExecuteResponse | None:
        """The next frame, answered as a poller would; None at the end."""
        frame: Any = await self.call.read()
        if frame is grpc.aio.EOF:
            return None
        self.frames.append(frame)
        if self.echo and frame.WhichOneof("frame") == "beat":
            await self.send(beat_echo=wire.BeatEcho(beat=frame.beat.beat, may_ask=self.may_ask))
        elif self.ack and frame.WhichOneof("frame") == "answer":
            await self.send(ack=wire.Ack(seqs=[frame.seq]))
        return frame

    async def until(self, kind: str) -> wire.ExecuteResponse:
        """The next frame of a kind."""
        while frame := await self.read():
            if frame.WhichOneof("frame") == kind:
                return frame
        raise AssertionError(f"the stream ended without {kind}: {await self.error()}")

    async def rest(self) -> list[wire.ExecuteResponse]:
        """Reads to the end, then all frames of the stream."""
        while await self.read():
            pass
        return self.frames

    def of(self, kind: str) -> list[Any]:
        return [getattr(frame, kind) for frame in self.frames if frame.WhichOneof("frame") == kind]

    async def error(self) -> tuple[grpc.StatusCode, str]:
        """Status code and reason the call ended with."""
        try:
            while await self.read():
                pass
        except grpc.aio.AioRpcError:
            pass
        return await self.call.code(), await reason_of(self.call)


async def execute(
    executor: Executor,
    *,
    epoch: int = 1,
    job_id: str = JOB,
    recalled: Iterable[wire.JournalEntry] = (),
    last: bool = True,
    start: wire.Start | None = None,
    **how: Any,
) -> Stream:
    stream = Stream(call=executor.stub.Execute(), epoch=epoch, job_id=job_id, **how)
    given = start or wire.Start()
    given.input.job_id = job_id
    given.input.requirements = "Fruits."
    await stream.send(start=given)
    for entry in recalled:
        await stream.send(recall=wire.Recall(entries=[entry]))
    if last:
        await stream.send(recall=wire.Recall(last=True))
    return stream


async def reason_of(call: Any) -> str:
    """Reason in ErrorInfo."""
    return (await _detail(call, error_details_pb2.ErrorInfo)).reason


async def metadata_of(call: Any) -> dict[str, str]:
    """Metadata in ErrorInfo."""
    return dict((await _detail(call, error_details_pb2.ErrorInfo)).metadata)


async def retry_delay_of(call: Any) -> float:
    """Seconds in RetryInfo."""
    return (await _detail(call, error_details_pb2.RetryInfo)).retry_delay.ToTimedelta().total_seconds()


async def _detail(call: Any, kind: Any) -> Any:
    status = await rpc_status.aio.from_call(call)
    found = kind()
    for detail in status.details if status else []:
        if detail.Is(kind.DESCRIPTOR):
            detail.Unpack(found)
    return found
