"""One run's end of the Execute stream: frames out in order and bounded, acks and echoes in.

Knows frames and their order, not what a run is. Limits that gRPC itself does not set: `write` would take megabytes from a
run whose reader is stuck, and keepalive never notices that an event loop is blocked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NamedTuple

import grpc
from eventstorming.v1 import executor_pb2 as wire

from executor.metrics import Metrics
from executor.ports import Entry
from executor.status import Cancelled
from process.tasks import failed_too, task_group

Clock = Callable[[], float]
Read = Callable[[], Awaitable[Any]]
Write = Callable[[wire.ExecuteResponse], Awaitable[None]]

BEAT_SECONDS: Final = 2.0
SILENCE_SECONDS: Final = 10.0
SHOWN_SECONDS: Final = 0.25
FLUSH_SECONDS: Final = 1.0
OUTBOX_BYTES: Final = 8 * 1024 * 1024


class Pulse:
    """Beats and their echoes: whether the other side lives and lets us ask.

    What counts is when an echoed beat was *sent*: echoes that waited in a socket while we slept say nothing about now.
    Closed until the first echo, for the same reason, and for good once the run is `leaving`.
    """

    def __init__(self, clock: Clock, leaving: asyncio.Event) -> None:
        self._clock = clock
        self._leaving = leaving
        self._number = 0
        self._sent: dict[int, float] = {}
        self._echoed: float | None = None
        self._allowed = False
        self._heard = asyncio.Event()

    def beat(self) -> int:
        """Number of a new beat."""
        self._number += 1
        self._sent[self._number] = self._clock()
        return self._number

    def echo(self, number: int, may_ask: bool) -> None:
        """The other side answered a beat."""
        sent = self._sent.get(number)
        if sent is None:
            return
        self._sent = {other: at for other, at in self._sent.items() if other > number}
        self._echoed, self._allowed = sent, may_ask
        self._heard.set()

    @property
    def unanswered(self) -> bool:
        """Whether the echo of a beat is still to come."""
        return bool(self._sent)

    async def may_ask(self) -> None:
        """Returns when new questions may be asked."""
        while not self._open():
            self._heard.clear()
            await self._heard.wait()

    def _open(self) -> bool:
        if self._leaving.is_set() or not self._allowed or self._echoed is None:
            return False
        return self._clock() - self._echoed <= SILENCE_SECONDS


class _Queued(NamedTuple):
    """A lossless frame. Its size is that at queueing: job, epoch and number are written into it later."""

    frame: wire.ExecuteResponse
    size: int
    acked: asyncio.Future[None] | None


class Lossless:
    """Frames in order, none left out, bounded in bytes. `news` is set when there is one more."""

    def __init__(self, news: asyncio.Event) -> None:
        self._news = news
        self._queue: deque[_Queued] = deque()
        self._bytes = 0
        self._acks: dict[int, asyncio.Future[None]] = {}
        self._room = asyncio.Event()
        self._written = asyncio.Event()

    @property
    def unacked(self) -> bool:
        """Whether an answer waits to be acked."""
        return any(not acked.done() for acked in self._acks.values())

    @property
    def first(self) -> wire.ExecuteResponse | None:
        """The next to be written; it leaves when it is."""
        return self._queue[0].frame if self._queue else None

    async def send(self, frame: wire.ExecuteResponse) -> None:
        """Queues a frame, at once unless there is no room."""
        await self._queued(frame, None)

    async def deliver(self, frame: wire.ExecuteResponse) -> None:
        """Queues a frame and returns when it is acked."""
        acked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queued(frame, acked)
        await acked

    async def _queued(self, frame: wire.ExecuteResponse, acked: asyncio.Future[None] | None) -> None:
        size = frame.ByteSize()
        while self._queue and self._bytes + size > OUTBOX_BYTES:
            self._room.clear()
            await self._room.wait()
        self._queue.append(_Queued(frame, size, acked))
        self._bytes += size
        self._news.set()

    async def flushed(self) -> None:
        """Returns when none waits to be written."""
        while self._queue:
            self._written.clear()
            await self._written.wait()

    def numbered(self, seq: int) -> None:
        """The first goes out under this number, by which it is acked."""
        if acked := self._queue[0].acked:
            self._acks[seq] = acked

    def written(self) -> None:
        """The first has gone out."""
        self._bytes -= self._queue.popleft().size
        self._room.set()
        self._written.set()

    def ack(self, seqs: list[int]) -> None:
        """These frames are durable."""
        for seq in seqs:
            acked = self._acks.pop(seq, None)
            if acked and not acked.done():
                acked.set_result(None)


class Latest:
    """Frames of which only the last counts: beats, progress, snapshots. `news` is set when one has changed."""

    def __init__(self, clock: Clock, news: asyncio.Event) -> None:
        self._clock = clock
        self._news = news
        self._last: dict[str, wire.ExecuteResponse] = {}
        self._snapshot: Callable[[], wire.ExecuteResponse] | None = None
        self._shown = float("-inf")

    def replace(self, frame: wire.ExecuteResponse) -> None:
        """Puts a frame in the place of one not yet sent."""
        self._last[str(frame.WhichOneof("frame"))] = frame
        self._news.set()

    def replace_snapshot(self, make: Callable[[], wire.ExecuteResponse]) -> None:
        """The same for a snapshot, of which there are many more than are sent: made when it is its turn."""
        self._snapshot = make
        self._news.set()

    @property
    def has_beat(self) -> bool:
        """Whether one waits: it goes out before everything else."""
        return "beat" in self._last

    def beat(self) -> wire.ExecuteResponse | None:
        """Takes it."""
        return self._last.pop("beat", None)

    def at_the_end(self) -> wire.ExecuteResponse | None:
        """Takes the last progress; a snapshot is nothing any more when the whole model follows."""
        self._snapshot = None
        return self._last.pop("progress", None)

    def to_show(self) -> wire.ExecuteResponse | None:
        """Takes progress, then a snapshot; the next ones only after a while, as nobody would see more."""
        if self._until_shown() > 0:
            return None
        progress, make = self._last.pop("progress", None), self._snapshot
        if progress is not None and make is not None:
            return progress
        if progress is not None or make is not None:
            self._shown = self._clock()
        self._snapshot = None
        return progress if make is None else make()

    def seconds_to_next(self) -> float | None:
        """Until what there is to show may follow what was shown before; None where there is nothing."""
        return self._until_shown() if self._snapshot is not None or self._last else None

    def _until_shown(self) -> float:
        return self._shown + SHOWN_SECONDS - self._clock()


class Outbox:
    """Frames on their way out, `lossless` ones and of the others the `latest`."""

    def __init__(self, job_id: str, epoch: int, clock: Clock) -> None:
        self._job_id = job_id
        self._epoch = epoch
        self._seq = 0
        self._news = asyncio.Event()
        self.lossless = Lossless(self._news)
        self.latest = Latest(clock, self._news)
        self._closed = False

    async def finish(self, frame: wire.ExecuteResponse) -> None:
        """Queues the last frame, after the last progress, and waits until all are handed to the transport."""
        if progress := self.latest.at_the_end():
            await self.lossless.send(progress)
        await self.lossless.send(frame)
        await self.lossless.flushed()

    def close(self) -> None:
        """What is queued still goes out; then `write_all` returns."""
        self._closed = True
        self._news.set()

    async def write_all(self, write: Write) -> None:
        """Writes until closed. Never cut short by an orderly end: a status that overtakes half a write is lost."""
        async with stream_errors():
            while self.lossless.first or self.latest.has_beat or not self._closed:
                frame, lossless = self._next()
                if frame is None:
                    await self._wait()
                    continue
                self._seq += 1
                frame.job_id, frame.epoch, frame.seq = self._job_id, self._epoch, self._seq
                if lossless:
                    self.lossless.numbered(self._seq)
                await write(frame)
                if lossless:
                    self.lossless.written()

    def _next(self) -> tuple[wire.ExecuteResponse | None, bool]:
        if beat := self.latest.beat():
            return beat, False
        if first := self.lossless.first:
            return first, True
        return self.latest.to_show(), False

    async def _wait(self) -> None:
        """For news, or until what there is to show may follow what was shown before."""
        self._news.clear()
        try:
            async with asyncio.timeout(self.latest.seconds_to_next()):
                await self._news.wait()
        except TimeoutError:
            return


class StreamLink:
    """`ports.Link` over one Execute stream. `leaving` is set when the other side drains, and by who drains here."""

    def __init__(
        self, job_id: str, epoch: int, clock: Clock, metrics: Metrics, leaving: asyncio.Event
    ) -> None:
        self._run = (job_id, epoch)
        self._clock = clock
        self._metrics = metrics
        self.outbox = Outbox(job_id, epoch, clock)
        self.pulse = Pulse(clock, leaving)
        self.may_ask = self.pulse.may_ask
        self._leaving = leaving
        self._recalled: list[Entry] = []
        self._all_recalled = asyncio.Event()
        self._news = asyncio.Event()

    async def store(self, entry: Entry) -> None:
        """Returns when the other side has acked the answer."""
        answer = wire.JournalEntry(
            key=entry.key, value=entry.value, tokens=entry.tokens, unusable=entry.unusable
        )
        began = self._clock()
        await self.outbox.lossless.deliver(wire.ExecuteResponse(answer=answer))
        self._metrics.acked(self._clock() - began)

    async def recalled(self) -> list[Entry]:
        """The answers already paid for, when all have come."""
        await self._all_recalled.wait()
        return self._recalled

    @asynccontextmanager
    async def connected(
        self, read: Read, write: Write
    ) -> AsyncIterator[Callable[[], Coroutine[Any, Any, None]]]:
        """Frames go and come while inside; the value waits for the stream's end and raises why it ended.

        On leaving, what is queued goes out, and acks and echoes still to come are awaited for a second at most. Answers are
        paid for; and a client of grpc.aio whose write meets the end of a call reports INTERNAL in place of its status.
        """
        listening = asyncio.create_task(self._listen(read))
        writing = asyncio.create_task(self.outbox.write_all(write))
        beating = asyncio.create_task(self._beat())
        tasks = [listening, writing, beating]
        try:
            yield lambda: _first_end(tasks)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise
        finally:
            beating.cancel()
            self.outbox.close()
            settling = asyncio.create_task(self._settled(writing))
            try:
                await asyncio.wait(
                    (settling, listening), timeout=FLUSH_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                await self._stopped([settling, *tasks])

    async def _stopped(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Ends them. That the stream is lost or closed is no news any more; a fault of ours is."""
        for task in tasks:
            task.cancel()
        for error in await asyncio.gather(*tasks, return_exceptions=True):
            if error is not None and not isinstance(error, (Cancelled, asyncio.CancelledError)):
                failed_too(error, job=self._run[0])

    async def _settled(self, writing: asyncio.Task[None]) -> None:
        """Everything is written, every answer acked, every beat echoed."""
        await asyncio.wait((writing,))
        while self.outbox.lossless.unacked or self.pulse.unanswered:
            self._news.clear()
            await self._news.wait()

    async def _beat(self) -> None:
        while True:
            self.outbox.latest.replace(wire.ExecuteResponse(beat=wire.Beat(beat=self.pulse.beat())))
            await asyncio.sleep(BEAT_SECONDS)

    async def _listen(self, read: Read) -> None:
        """Takes in frames until the other side stops the run or is gone; ends by raising."""
        async with stream_errors():
            while (frame := await read()) is not grpc.aio.EOF:
                if (frame.job_id, frame.epoch) == self._run:
                    self._take(frame)
                    self._news.set()
        raise Cancelled("the other side has closed the stream")

    def _take(self, frame: wire.ExecuteRequest) -> None:
        match frame.WhichOneof("frame"):
            case "ack":
                self.outbox.lossless.ack(list(frame.ack.seqs))
            case "beat_echo":
                if frame.beat_echo.draining:
                    self._leaving.set()
                self.pulse.echo(frame.beat_echo.beat, frame.beat_echo.may_ask)
            case "recall":
                self._recall(frame.recall)
            case "cancel":
                raise Cancelled(frame.cancel.reason or "cancelled")

    def _recall(self, recall: wire.Recall) -> None:
        for entry in recall.entries:
            self._recalled.append(
                Entry(
                    key=entry.key,
                    value=entry.value,
                    tokens=entry.tokens,
                    unusable=entry.unusable,
                    borrowed=entry.borrowed,
                )
            )
        if recall.last:
            self._all_recalled.set()


async def _first_end(tasks: list[asyncio.Task[None]]) -> None:
    """Raises what the first of the tasks to end has raised, and takes it from the list."""
    ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    first = next(task for task in tasks if task in ended)
    tasks.remove(first)
    first.result()


async def _read(read: Read) -> Any:
    async with stream_errors():
        return await read()


async def read_off(read: Read) -> None:
    """Takes in what a client sends before it waits, for a second at most, so that it sees the status that refuses it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FLUSH_SECONDS):
            while (frame := await _read(read)) is not grpc.aio.EOF and not frame.recall.last:
                pass


async def until_done(main: Coroutine[Any, Any, None], *watchers: Coroutine[Any, Any, None], job: str) -> None:
    """Runs `main` to its end, unless a watcher raises first: then `main` is cancelled and that error is the outcome."""
    async with task_group(job=job) as group:
        tasks = [group.create_task(watcher) for watcher in watchers]
        await main
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def stream_errors() -> AsyncIterator[None]:
    """A broken stream in our words. gRPC reports it as an error of its own, or as a cancellation nobody here asked for."""
    task = asyncio.current_task()
    try:
        yield
    except (grpc.aio.InternalError, grpc.aio.UsageError) as error:
        raise Cancelled("the stream is lost") from error
    except asyncio.CancelledError:
        if task is None or task.cancelling():
            raise
        raise Cancelled("the stream is lost") from None
