"""Stand-ins at the ports: a clock that stands still, an executor that plays a script over real gRPC."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from eventstorming.v1 import executor_pb2, executor_pb2_grpc, job_pb2, model_pb2
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from poller.tasks import task_group


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
            self.time, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)
            await settle()
        self.time = until
        await settle()


async def settle(rounds: int = 20) -> None:
    """Lets every task that can run do so."""
    for _ in range(rounds):
        await asyncio.sleep(0)


async def eventually(condition: Callable[[], Awaitable[Any] | Any], *, seconds: float = 10.0) -> Any:
    """Waits for a state that comes by itself; the value that made it true."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)


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
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.retry_after = code, reason, message, retry_after

    def status(self) -> status_pb2.Status:
        details: list[Any] = [error_details_pb2.ErrorInfo(reason=self.reason, domain="eventstorming.v1")]
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
    """One Execute stream as the script sees it."""

    call: Any
    epoch: int = 0
    job_id: str = ""
    start: executor_pb2.Start = field(default_factory=executor_pb2.Start)
    recalled: dict[str, executor_pb2.JournalEntry] = field(default_factory=dict)
    acked: set[int] = field(default_factory=set)
    echoes: list[executor_pb2.BeatEcho] = field(default_factory=list)
    seq: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

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
        await self.send(accepted=executor_pb2.Accepted(instance_id="scripted", total_progress=11))

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
            self.news.set()

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
        self.runs: list[Conversation] = []
        self.cancelled: list[str] = []
        self._busy = 0
        self._changed = asyncio.Event()
        self.port = 0
        self._server: Any = None

    async def Attach(self, request: Any, context: Any) -> AsyncIterator[executor_pb2.AttachResponse]:
        while True:
            yield executor_pb2.AttachResponse(
                instance_id=self.name,
                slots_total=self.slots,
                slots_free=max(0, self.slots - self._busy),
                draining=self.draining,
                build_id="test",
            )
            self._changed.clear()
            try:
                async with asyncio.timeout(1):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def Execute(self, _: Any, context: Any) -> None:
        talk = Conversation(call=context)
        self._busy += 1
        self._changed.set()
        try:
            await self._play(talk)
        except Refusal as refusal:
            await context.abort_with_status(rpc_status.to_status(refusal.status()))
        except asyncio.CancelledError:
            self.cancelled.append(talk.job_id)
            raise
        finally:
            self._busy -= 1
            self._changed.set()

    async def _play(self, talk: Conversation) -> None:
        await talk.begin()
        self.runs.append(talk)
        async with task_group() as group:
            listening = group.create_task(talk.listen())
            await self.script(talk)
            listening.cancel()

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
