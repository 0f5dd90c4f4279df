"""One claimed job from its first run to its settlement: keep the lease, stream from an executor, store, settle.

Decisions are in `job`, frames in `link`; what is written where is behind `Run`. This is the boundary where errors become endings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum

import structlog
from eventstorming.v1 import executor_pb2

from poller.errors import LeaseLost, LimitReached, Misconfigured, Permanent, Transient
from poller.job import Job, Limits, RetryPolicy
from poller.link import Link
from poller.metrics import Metrics
from poller.ports import ExecutorGone, Executors, HandedBack, Placement, Run
from poller.sentences import sentence
from process.quoting import unquoted
from process.tasks import task_group
from process.traces import OFF, OUTCOME, Span, Traces

log = structlog.get_logger(__name__)


class Stop(Enum):
    """Why a job is taken from its executor before it ends."""

    REMOVED = "removed"
    DRAINED = "drained"


class _Stopped(Exception):
    def __init__(self, why: Stop) -> None:
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for all attempts of a process. `now`: the database's time in ms; `chance`: from 0 up to 1."""

    now: Callable[[], int]
    chance: Callable[[], float]
    retry: RetryPolicy
    limits: Limits
    metrics: Metrics
    traces: Traces = OFF


class Attempt:
    """Works on one run; afterwards the job is completed, failed, back in the queue, or left to whoever owns it."""

    def __init__(self, run: Run, executors: Executors, terms: Terms) -> None:
        self.run = run
        self._executors = executors
        self._terms = terms
        self._stop: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        self._leaving = False
        self._link: Link | None = None
        self._log = log.bind(job=run.job.id)
        self._outcome = _Outcome(run, terms)

    def stop(self, why: Stop) -> None:
        """Takes effect at once; what is being settled is not stopped by a drain."""
        if not self._stop.done() and not (self._outcome.settling and why is Stop.DRAINED):
            self._stop.set_result(why)

    def leave(self) -> None:
        """Nothing more is asked for it; it goes back to the queue once every open answer is stored."""
        self._leaving = True
        if self._link is not None:
            self._link.leave()

    async def work(self, slot: Placement) -> None:
        """From a slot that is set aside for its first run; each run gives its own back."""
        async with self.run:
            try:
                await self._kept(slot)
            except _Stopped as stopped:
                await self._taken_back(stopped.why)
            except LeaseLost as lost:
                self._terms.metrics.lease("lost")
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
            self._terms.metrics.tried("interruption")
            await self.run.settlement.release(self.run.job.interrupted())

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _to_the_end(self, first: Placement) -> None:
        slot: Placement | None = first
        while slot is not None:
            job = self.run.job
            with self._terms.traces.run(job.id, job.lease.epoch) as span:
                slot = await self._one_run(slot, span)

    async def _one_run(self, slot: Placement, span: Span) -> Placement | None:
        """The slot for the next run, None when the job is settled."""
        try:
            completed = await self._stream(slot)
        except ExecutorGone as gone:
            return await self._again(await self._outcome.crashed(gone, span))
        except HandedBack as back:
            return await self._again(self._outcome.handed_back(back, span))
        except Transient as error:
            await self._outcome.raised(str(error), span, retry_after=error.retry_after)
        except Permanent as error:
            await self._outcome.refused(error, span)
        except LeaseLost:
            span.tell({OUTCOME: "lease_lost"})
            raise
        except Exception as error:  # noqa: BLE001 (the boundary: logged once, settled as an attempt)
            await self._outcome.broken(error, span)
        else:
            await self._outcome.completed(completed, span)
        return None

    async def _again(self, job: Job | None) -> Placement | None:
        """At once under the same lease where a slot is free, else back to its place in the queue; None is settled."""
        if job is None:
            return None
        slot = None if self._leaving else self._executors.place(apart=job.suspect)
        if slot is None:
            await self._outcome.release(job)
            return None
        with ExitStack() as unused:
            unused.callback(slot.release)
            await self.run.begin_again(job)
            unused.pop_all()
        return slot

    # ── one stream ───────────────────────────────────────────────────────────────────────────────────────────

    async def _stream(self, slot: Placement) -> executor_pb2.Completed:
        time_left = self._terms.limits.job_seconds - (self._terms.now() - self.run.started_at) / 1000
        try:
            async with asyncio.timeout(max(0.0, time_left)) as deadline:
                return await self._linked(slot, time_left)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise LimitReached(limit="JOB_TIMEOUT_SECONDS") from error
        finally:
            slot.release()

    async def _linked(self, slot: Placement, time_left: float) -> executor_pb2.Completed:
        answers = await self.run.journal.recall()
        if self._leaving:
            raise HandedBack("nothing has been asked yet")
        self._link = link = Link(
            self.run, self._terms.limits, tokens=sum(answer.tokens for answer in answers)
        )
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


class _Outcome:
    """What becomes of a job, by how a run of it has ended. `settling`: that is decided and being written."""

    def __init__(self, run: Run, terms: Terms) -> None:
        self._run = run
        self._terms = terms
        self._metrics = terms.metrics
        self._log = log.bind(job=run.job.id)
        self.settling = False

    async def completed(self, completed: executor_pb2.Completed, span: Span) -> None:
        """The model is whole; the canvas may refuse it."""
        self.settling = True
        try:
            await self._run.settlement.complete(completed.model, tokens_used=completed.tokens_used)
        except Permanent as error:
            await self._fail(str(error), span)
        else:
            span.tell({OUTCOME: "completed", "eventstorming.tokens": completed.tokens_used})
            self._log.info("job.completed", epoch=self._run.job.lease.epoch, tokens=completed.tokens_used)

    async def crashed(self, gone: ExecutorGone, span: Span) -> Job | None:
        """The job as it goes on, None when that was one crash too many."""
        job = self._run.job.crashed(answered=self._run.journal.answered)
        self._metrics.tried("crash")
        span.tell({OUTCOME: "executor_gone"})
        span.failed("executor_gone")
        self._log.warning(
            "job.executor_gone", epoch=job.lease.epoch, crashes=job.crashes, reason=self._quiet(str(gone))
        )
        if job.poisoned:
            await self._fail(self._say("crashes", crashes=job.crashes), span)
            return None
        return job

    def handed_back(self, back: HandedBack, span: Span) -> Job:
        """The job as it goes on."""
        self._metrics.tried("interruption")
        span.tell({OUTCOME: "handed_back"})
        self._log.info("job.handed_back", epoch=self._run.job.lease.epoch, reason=self._quiet(str(back)))
        return self._run.job.interrupted()

    async def refused(self, error: Permanent, span: Span) -> None:
        """No other run would do better."""
        await self._fail(self._told(error), span)

    async def broken(self, error: Exception, span: Span) -> None:
        """By a fault of ours."""
        self._log.error("job.run_raised", epoch=self._run.job.lease.epoch, exc_info=error)
        await self.raised(self._say("internal", kind=type(error).__name__), span, retry_after=None)

    async def raised(self, reason: str, span: Span, *, retry_after: float | None) -> None:
        """An attempt is used up; the next one comes later, or there is none."""
        job = self._run.job.raised()
        self._metrics.tried("attempt")
        span.tell({OUTCOME: "attempt_failed"})
        span.failed("attempt_failed")
        terms = self._terms
        at = terms.retry.next_attempt(job, now=terms.now(), jitter=terms.chance(), retry_after=retry_after)
        self._log.warning(
            "job.attempt_failed", attempts=job.attempts, reason=self._quiet(reason), again_at=at
        )
        if at is None:
            await self._fail(self._say("attempts", attempts=job.attempts, reason=reason), span)
        else:
            await self.release(replace(job, not_before=at))

    async def release(self, job: Job) -> None:
        """Back to the queue with these counters."""
        self.settling = True
        await self._run.settlement.release(job)
        self._log.info("job.released", epoch=job.lease.epoch, not_before=job.not_before)

    async def _fail(self, reason: str, span: Span) -> None:
        self.settling = True
        await self._run.settlement.fail(reason)
        span.tell({OUTCOME: "failed"})
        span.failed("failed")
        self._log.warning("job.failed", epoch=self._run.job.lease.epoch, reason=self._quiet(reason))

    def _told(self, error: Permanent) -> str:
        """The reason in the user's language, where it came in the executor's."""
        match error:
            case LimitReached(limit="JOB_MAX_TOKENS"):
                return self._say("tokens", limit=error.value)
            case LimitReached(limit="JOB_TIMEOUT_SECONDS"):
                return self._say("deadline", minutes=f"{round(self._terms.limits.job_seconds / 60, 1):g}")
            case Misconfigured():
                return self._say("misconfigured", reason=error)
        return str(error)

    def _quiet(self, reason: str) -> str:
        """For our log, which is no place for the user's words; the user is told them all."""
        return unquoted(reason, self._run.input.SerializeToString())

    def _say(self, name: str, **values: object) -> str:
        return sentence(name, self._run.input.language, **values)
