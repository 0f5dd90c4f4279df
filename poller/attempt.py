"""One claimed job from its first run to its settlement: keep the lease, stream from an executor, store, settle.

Decisions are in `job`; what is written where is behind `Run`. This is the boundary where errors become endings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import Enum

import structlog
from eventstorming.v1 import executor_pb2, job_pb2
from google.protobuf.duration_pb2 import Duration

from poller.errors import LeaseLost, LimitReached, Misconfigured, Permanent, Transient
from poller.job import Job, LogLevel, LogLine, RetryPolicy, silence_keys
from poller.metrics import Metrics
from poller.ports import ExecutorGone, Executors, HandedBack, Placement, Run
from poller.sentences import sentence
from process.quoting import unquoted
from process.tasks import task_group
from process.traces import NO_SPAN, OFF, OUTCOME, Traces

log = structlog.get_logger(__name__)

BEATS_MISSED_SECONDS = 15.0
"""Three beats of 5 s: nothing at all came for so long, so the executor is dead."""

RECALL_BYTES = 512 * 1024
"""A recall frame stays below this; an answer alone may be larger."""

_LEVELS = {
    job_pb2.LOG_LEVEL_INFO: LogLevel.INFO,
    job_pb2.LOG_LEVEL_WARNING: LogLevel.WARNING,
    job_pb2.LOG_LEVEL_ERROR: LogLevel.ERROR,
}


class Stop(Enum):
    """Why a job is taken from its executor before it ends."""

    REMOVED = "removed"
    DRAINED = "drained"


class _Stopped(Exception):
    def __init__(self, why: Stop) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one job may use over all its attempts; `max_tokens` 0: no ceiling."""

    job_seconds: float = 3600
    step_seconds: float = 300
    max_tokens: int = 0


class Attempt:
    """Works on one run; afterwards the job is completed, failed, back in the queue, or left to whoever owns it."""

    def __init__(
        self,
        run: Run,
        executors: Executors,
        *,
        now: Callable[[], int],
        chance: Callable[[], float],
        retry: RetryPolicy,
        limits: Limits,
        metrics: Metrics,
        traces: Traces = OFF,
    ) -> None:
        self.run = run
        self._traces, self._span = traces, NO_SPAN
        self._metrics = metrics
        self._executors = executors
        self._now = now
        self._chance = chance
        self._retry = retry
        self._limits = limits
        self._stop: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        self._settling = self._leaving = False
        self._link: _Link | None = None
        self._log = log.bind(job=run.job.id)

    def stop(self, why: Stop) -> None:
        """Takes effect at once; what is being settled is not stopped by a drain."""
        if not self._stop.done() and not (self._settling and why is Stop.DRAINED):
            self._stop.set_result(why)

    def leave(self) -> None:
        """Nothing more is asked for it; it goes back to the queue once every open answer is stored."""
        self._leaving = True
        if self._link is not None:
            self._link.leave()

    async def work(self, slot: Placement) -> None:
        async with self.run:
            try:
                await self._kept(slot)
            except _Stopped as stopped:
                await self._taken_back(stopped.why)
            except LeaseLost as lost:
                self._metrics.lease("lost")
                self._log.warning("job.lease_lost", epoch=self.run.job.lease.epoch, reason=str(lost))

    async def _kept(self, slot: Placement) -> None:
        """The lease, while it goes to its end."""
        async with task_group(job=self.run.job.id) as group:
            keeping = group.create_task(self.run.lease.keep())
            stopping = group.create_task(self._stopped())
            await self._to_the_end(slot)
            keeping.cancel()
            stopping.cancel()

    async def _stopped(self) -> None:
        raise _Stopped(await asyncio.shield(self._stop))

    async def _taken_back(self, why: Stop) -> None:
        self._log.info("job.stopped", why=why.value)
        if why is Stop.DRAINED:
            self._metrics.tried("interruption")
            await self.run.settlement.release(self.run.job.interrupted())

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _to_the_end(self, first: Placement) -> None:
        slot: Placement | None = first
        while slot is not None:
            job = self.run.job
            with self._traces.run(job.id, job.lease.epoch) as self._span:
                slot = await self._one_run(slot)

    async def _one_run(self, slot: Placement) -> Placement | None:
        """The slot for the next run, None when the job is settled."""
        try:
            completed = await self._stream(slot)
        except ExecutorGone as gone:
            return await self._crashed(gone)
        except HandedBack as back:
            return await self._handed_back(back)
        except Transient as error:
            await self._raised(str(error), retry_after=error.retry_after)
        except Permanent as error:
            await self._fail(self._told(error))
        except LeaseLost:
            self._span.tell({OUTCOME: "lease_lost"})
            raise
        except Exception as error:  # noqa: BLE001 (the boundary: logged once, settled as an attempt)
            self._log.error("job.run_raised", epoch=self.run.job.lease.epoch, exc_info=error)
            await self._raised(self._say("internal", kind=type(error).__name__), retry_after=None)
        else:
            await self._complete(completed)
        return None

    async def _crashed(self, gone: ExecutorGone) -> Placement | None:
        job = self.run.job.crashed(answered=self.run.journal.answered)
        self._metrics.tried("crash")
        self._span.tell({OUTCOME: "executor_gone"})
        self._span.failed("executor_gone")
        self._log.warning(
            "job.executor_gone", epoch=job.lease.epoch, crashes=job.crashes, reason=self._quiet(str(gone))
        )
        if job.poisoned:
            await self._fail(self._say("crashes", crashes=job.crashes))
            return None
        return await self._again(job)

    async def _handed_back(self, back: HandedBack) -> Placement | None:
        self._metrics.tried("interruption")
        self._span.tell({OUTCOME: "handed_back"})
        self._log.info("job.handed_back", epoch=self.run.job.lease.epoch, reason=self._quiet(str(back)))
        return await self._again(self.run.job.interrupted())

    async def _again(self, job: Job) -> Placement | None:
        """At once under the same lease where a slot is free, else back to its place in the queue."""
        slot = None if self._leaving else self._executors.place(apart=job.suspect)
        if slot is None:
            await self._release(job)
            return None
        try:
            await self.run.begin_again(job)
        except BaseException:
            slot.release()
            raise
        return slot

    async def _raised(self, reason: str, *, retry_after: float | None) -> None:
        job = self.run.job.raised()
        self._metrics.tried("attempt")
        self._span.tell({OUTCOME: "attempt_failed"})
        self._span.failed("attempt_failed")
        at = self._retry.next_attempt(job, now=self._now(), jitter=self._chance(), retry_after=retry_after)
        self._log.warning(
            "job.attempt_failed", attempts=job.attempts, reason=self._quiet(reason), again_at=at
        )
        if at is None:
            await self._fail(self._say("attempts", attempts=job.attempts, reason=reason))
        else:
            await self._release(replace(job, not_before=at))

    # ── settlement ───────────────────────────────────────────────────────────────────────────────────────────

    async def _complete(self, completed: executor_pb2.Completed) -> None:
        self._settling = True
        try:
            await self.run.settlement.complete(completed.model, tokens_used=completed.tokens_used)
        except Permanent as error:
            await self._fail(str(error))
        else:
            self._span.tell({OUTCOME: "completed", "eventstorming.tokens": completed.tokens_used})
            self._log.info("job.completed", epoch=self.run.job.lease.epoch, tokens=completed.tokens_used)

    async def _fail(self, reason: str) -> None:
        self._settling = True
        await self.run.settlement.fail(reason)
        self._span.tell({OUTCOME: "failed"})
        self._span.failed("failed")
        self._log.warning("job.failed", epoch=self.run.job.lease.epoch, reason=self._quiet(reason))

    async def _release(self, job: Job) -> None:
        self._settling = True
        await self.run.settlement.release(job)
        self._log.info("job.released", epoch=job.lease.epoch, not_before=job.not_before)

    def _told(self, error: Permanent) -> str:
        """The reason in the user's language, where it came in the executor's."""
        match error:
            case LimitReached(limit="JOB_MAX_TOKENS"):
                return self._say("tokens", limit=error.value)
            case LimitReached(limit="JOB_TIMEOUT_SECONDS"):
                return self._say("deadline", minutes=f"{round(self._limits.job_seconds / 60, 1):g}")
            case Misconfigured():
                return self._say("misconfigured", reason=error)
        return str(error)

    def _quiet(self, reason: str) -> str:
        """For our log, which is no place for the user's words; the user is told them all."""
        return unquoted(reason, self.run.input.SerializeToString())

    def _say(self, name: str, **values: object) -> str:
        return sentence(name, self.run.input.language, **values)

    # ── one stream ───────────────────────────────────────────────────────────────────────────────────────────

    async def _stream(self, slot: Placement) -> executor_pb2.Completed:
        time_left = self._limits.job_seconds - (self._now() - self.run.started_at) / 1000
        try:
            async with asyncio.timeout(max(0.0, time_left)) as deadline:
                return await self._linked(slot, time_left)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            minutes = round(self._limits.job_seconds / 60, 1)
            raise Permanent(self._say("deadline", minutes=f"{minutes:g}")) from error
        finally:
            slot.release()

    async def _linked(self, slot: Placement, time_left: float) -> executor_pb2.Completed:
        answers = await self.run.journal.recall()
        if self._leaving:
            raise HandedBack("nothing has been asked yet")
        self._link = link = _Link(self.run, self._limits, tokens=sum(answer.tokens for answer in answers))
        link.check_tokens()
        link.start(answers, time_left=time_left)
        async with task_group(job=self.run.job.id) as group:
            storing = group.create_task(self.run.store(link.acknowledge))
            self._log.info(
                "job.started",
                epoch=self.run.job.lease.epoch,
                executor=slot.instance_id,
                recalled=len(answers),
            )
            completed = await link.follow(slot)
            storing.cancel()
        return completed


class _Link:
    """Frames to and from the executor, for one epoch."""

    def __init__(self, run: Run, limits: Limits, *, tokens: int) -> None:
        self._run = run
        self._limits = limits
        self._epoch = run.job.lease.epoch
        self._tokens = tokens
        self._leaving = False
        self._out = _Outgoing()
        self._completed: executor_pb2.Completed | None = None
        self._take: dict[str | None, Callable[[executor_pb2.ExecuteResponse], None]] = {
            "answer": self._answer,
            "snapshot": lambda frame: run.display.show_model(frame.snapshot.model),
            "preview": lambda frame: run.display.preview(frame.preview.model),
            "progress": lambda frame: run.display.show_progress(frame.progress.current, frame.progress.total),
            "log": lambda frame: run.display.say(_line(frame.log)),
            "beat": self._beat,
            "completed": self._complete,
        }

    def start(self, answers: Sequence[executor_pb2.JournalEntry], *, time_left: float) -> None:
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
        self._send(executor_pb2.ExecuteRequest(ack=executor_pb2.Ack(seqs=seqs)))

    def leave(self) -> None:
        """The executor asks nothing more and ends the stream when every answer is acknowledged."""
        self._leaving = True
        self._echo(0)

    def _send(self, frame: executor_pb2.ExecuteRequest) -> None:
        frame.job_id, frame.epoch = self._run.job.id, self._epoch
        self._out.put(frame)

    async def follow(self, placement: Placement) -> executor_pb2.Completed:
        try:
            async with aclosing(placement.execute(self._out)) as frames:
                async for frame in alive(frames):
                    if frame.epoch == self._epoch:
                        self._take.get(frame.WhichOneof("frame"), _ignore)(frame)
                    if self._completed is not None:
                        return self._completed
                    await self._run.journal.room()
        finally:
            self._out.end()
        raise ExecutorGone("the stream ended without a result")

    def _answer(self, frame: executor_pb2.ExecuteResponse) -> None:
        self._run.journal.remember(frame.seq, frame.answer)
        self._tokens += frame.answer.tokens
        self.check_tokens()

    def check_tokens(self) -> None:
        limit = self._limits.max_tokens
        if limit and self._tokens >= limit:
            raise Permanent(sentence("tokens", self._run.input.language, limit=limit))

    def _beat(self, frame: executor_pb2.ExecuteResponse) -> None:
        self._echo(frame.beat.beat)

    def _echo(self, beat: int) -> None:
        may_ask = self._run.lease.may_ask and not self._leaving
        echo = executor_pb2.BeatEcho(beat=beat, may_ask=may_ask, draining=self._leaving)
        self._send(executor_pb2.ExecuteRequest(beat_echo=echo))

    def _complete(self, frame: executor_pb2.ExecuteResponse) -> None:
        self._completed = frame.completed


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
    frames: AsyncIterator[executor_pb2.ExecuteResponse], *, seconds: float = BEATS_MISSED_SECONDS
) -> AsyncIterator[executor_pb2.ExecuteResponse]:
    """The frames; raises when three beats in a row are missing."""
    while True:
        try:
            async with asyncio.timeout(seconds) as silence:
                frame = await anext(frames, None)
        except TimeoutError as error:
            if not silence.expired():
                raise
            raise ExecutorGone(f"no sign of life for {seconds:g} s") from error
        if frame is None:
            return
        yield frame


def recalls(answers: Sequence[executor_pb2.JournalEntry]) -> list[executor_pb2.Recall]:
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


def _ignore(frame: executor_pb2.ExecuteResponse) -> None:
    """A frame of a later version."""
