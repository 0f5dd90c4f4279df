"""The poller's end of the Execute stream: frames to and from the executor, for one run of a job.

Knows frames and whom they are for; what becomes of the job is decided in `attempt`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from eventstorming.v1 import executor_pb2, job_pb2
from google.protobuf.duration_pb2 import Duration

from poller.errors import LimitReached
from poller.job import Limits, LogLevel, LogLine, silence_keys
from poller.ports import ExecutorGone, Placement, Run

BEATS_MISSED_SECONDS = 15.0
"""Three beats of 5 s: nothing at all came for so long, so the executor is dead."""

RECALL_BYTES = 512 * 1024
"""A recall frame stays below this; an answer alone may be larger."""

_LEVELS = {
    job_pb2.LOG_LEVEL_INFO: LogLevel.INFO,
    job_pb2.LOG_LEVEL_WARNING: LogLevel.WARNING,
    job_pb2.LOG_LEVEL_ERROR: LogLevel.ERROR,
}


class Link:
    """Frames to and from the executor, for one epoch."""

    def __init__(self, run: Run, limits: Limits, *, tokens: int) -> None:
        self._run = run
        self._limits = limits
        self._epoch = run.job.lease.epoch
        self._tokens = tokens
        self._leaving = False
        self._out = _Outgoing()
        self._completed: executor_pb2.Completed | None = None

    def start(self, answers: Sequence[executor_pb2.JournalEntry], *, time_left: float) -> None:
        """Sends the job, then the answers it has already; `time_left` in seconds."""
        start = executor_pb2.Start(
            input=self._run.input,
            time_left=_duration(time_left),
            tokens_used=self._tokens,
            step_timeout=_duration(self._limits.step_seconds),
            max_tokens=self._limits.max_tokens,
            silence_told=self._silence_told(len(answers)),
        )
        self._send(executor_pb2.ExecuteRequest(start=start))
        for recall in recalls(answers):
            self._send(executor_pb2.ExecuteRequest(recall=recall))

    def _silence_told(self, answers: int) -> bool:
        silence, end = silence_keys(answers)
        return self._run.display.said(silence) and not self._run.display.said(end)

    async def acknowledge(self, seqs: Sequence[int]) -> None:
        """Tells the executor that the answers of these numbers are durable."""
        self._send(executor_pb2.ExecuteRequest(ack=executor_pb2.Ack(seqs=seqs)))

    def leave(self) -> None:
        """The executor asks nothing more and ends the stream when every answer is acknowledged."""
        self._leaving = True
        self._echo()

    def _send(self, frame: executor_pb2.ExecuteRequest) -> None:
        frame.job_id, frame.epoch = self._run.job.id, self._epoch
        self._out.put(frame)

    async def follow(self, placement: Placement) -> executor_pb2.Completed:
        """Takes every frame of this epoch until the model is there. Raises ExecutorGone, or what `Placement.execute` does."""
        try:
            async with aclosing(placement.execute(self._out)) as frames:
                async for frame in alive(frames):
                    if frame.epoch == self._epoch:
                        self._take(frame)
                    if self._completed is not None:
                        return self._completed
                    await self._run.journal.room()
        finally:
            self._out.end()
        raise ExecutorGone("the stream ended without a result")

    def _take(self, frame: executor_pb2.ExecuteResponse) -> None:
        """What a later version sends besides means nothing here."""
        display = self._run.display
        match frame.WhichOneof("frame"):
            case "answer":
                self._answer(frame)
            case "snapshot":
                display.show_model(frame.snapshot.model)
            case "preview":
                display.preview(frame.preview.model)
            case "progress":
                display.show_progress(frame.progress.current, frame.progress.total)
            case "log":
                display.say(_line(frame.log))
            case "beat":
                self._echo(frame.beat.beat)
            case "completed":
                self._completed = frame.completed

    def _answer(self, frame: executor_pb2.ExecuteResponse) -> None:
        self._run.journal.remember(frame.seq, frame.answer)
        self._tokens += frame.answer.tokens
        self.check_tokens()

    def check_tokens(self) -> None:
        """Raises LimitReached when the job has used all that it may."""
        limit = self._limits.max_tokens
        if limit and self._tokens >= limit:
            raise LimitReached(limit="JOB_MAX_TOKENS", value=str(limit))

    def _echo(self, beat: int = 0) -> None:
        may_ask = self._run.lease.may_ask and not self._leaving
        echo = executor_pb2.BeatEcho(beat=beat, may_ask=may_ask, draining=self._leaving)
        self._send(executor_pb2.ExecuteRequest(beat_echo=echo))


class _Outgoing:
    """Frames to the executor. gRPC neither closes an iterator nor stops waiting for it when a call ends by itself: `end` does."""

    def __init__(self) -> None:
        self._frames: asyncio.Queue[executor_pb2.ExecuteRequest | None] = asyncio.Queue()

    def put(self, frame: executor_pb2.ExecuteRequest) -> None:
        self._frames.put_nowait(frame)

    def end(self) -> None:
        self._frames.put_nowait(None)

    def __aiter__(self) -> _Outgoing:
        return self

    async def __anext__(self) -> executor_pb2.ExecuteRequest:
        if (frame := await self._frames.get()) is None:
            raise StopAsyncIteration
        return frame


async def alive(
    frames: AsyncIterator[executor_pb2.ExecuteResponse],
) -> AsyncIterator[executor_pb2.ExecuteResponse]:
    """The frames; raises when three beats in a row are missing."""
    while True:
        try:
            async with asyncio.timeout(BEATS_MISSED_SECONDS) as silence:
                frame = await anext(frames, None)
        except TimeoutError as error:
            if not silence.expired():
                raise
            raise ExecutorGone(f"no sign of life for {BEATS_MISSED_SECONDS:g} s") from error
        if frame is None:
            return
        yield frame


def recalls(answers: Sequence[executor_pb2.JournalEntry]) -> list[executor_pb2.Recall]:
    """These answers in frames of a bounded size, at least one; the last is marked."""
    frames = [executor_pb2.Recall()]
    size = 0
    for answer in answers:
        if size and size + len(answer.value) > RECALL_BYTES:
            frames.append(executor_pb2.Recall())
            size = 0
        frames[-1].entries.append(answer)
        size += len(answer.value)
    frames[-1].last = True
    return frames


def _line(frame: executor_pb2.Log) -> LogLine:
    line = frame.line
    level = _LEVELS.get(line.level, LogLevel.INFO)
    at = line.created_at.ToMilliseconds()  # 0 if absent
    return LogLine(level=level, message=line.message, created_at=at, key=frame.key)


def _duration(seconds: float) -> Duration:
    return Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
