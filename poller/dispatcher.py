"""Watches the queue, claims what can be placed now, places it, and drains: brings home the open answers, hands over what runs.

No prefetch: a job is claimed only for a slot that has been set aside on a ready executor.
"""

from __future__ import annotations

import asyncio
import bisect
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from typing import Any, TypeAlias

import structlog
from structlog.contextvars import bind_contextvars

from poller.attempt import Attempt, Stop
from poller.errors import PollerError, Transient
from poller.job import Job, Limits, RetryPolicy, renumbered
from poller.metrics import Metrics
from poller.ports import Clock, Executors, Placement, Queue, QueueChange, Run
from process.tasks import task_group
from process.traces import OFF, Traces

log = structlog.get_logger(__name__)

Action: TypeAlias = Coroutine[Any, Any, None]

RENUMBER_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 30.0
_RENUMBERED_AT_ONCE = 8
_PAUSE_AFTER_FAILURE = 1.0


class Dispatcher:
    """`inherits`: leases under our own name in the first snapshot were a dead predecessor's.

    `patience`: seconds that a drain waits for the answers to what has been asked.
    """

    def __init__(
        self,
        queue: Queue,
        executors: Executors,
        clock: Clock,
        *,
        owner: str,
        inherits: bool,
        lease_seconds: float,
        retry: RetryPolicy,
        limits: Limits,
        patience: float = 16.0,
        chance: Callable[[], float] = random.random,
        metrics: Metrics,
        traces: Traces = OFF,
    ) -> None:
        self._traces = traces
        self._queue = queue
        self._executors = executors
        self._clock = clock
        self._owner = owner
        self._inherits = inherits
        self._lease_length = int(lease_seconds * 1000)
        self._retry = retry
        self._limits = limits
        self._patience = patience
        self._chance = chance
        self._metrics = metrics
        self._jobs: dict[str, Job] = {}
        self._order: list[tuple[int, str]] = []
        self._inherited: set[str] = set()
        self._known_tokens: deque[str] = deque(maxlen=1000)
        self._busy: set[str] = set()
        self._attempts: dict[str, Attempt] = {}
        self._removals: set[str] = set()
        self._garbage: dict[str, str] = {}
        self._pausing: dict[str, float] = {}
        self._woken = asyncio.Event()
        self._renumber = asyncio.Event()
        self._draining = asyncio.Event()
        self._learned = asyncio.Event()
        self._first = True

    # ── what others may know ─────────────────────────────────────────────────────────────────────────────────

    @property
    def running(self) -> int:
        return len(self._attempts)

    @property
    def queued(self) -> int:
        return sum(job.waiting for job in self._jobs.values())

    @property
    def jobs(self) -> int | None:
        """Queued and running, wherever they run; None before the first snapshot of the queue."""
        return None if self._first else len(self._jobs)

    @property
    def oldest_age(self) -> float:
        """Seconds since the oldest job that waits was created; 0 when none does."""
        oldest = next((self._jobs[job_id] for _, job_id in self._order if self._jobs[job_id].waiting), None)
        return max(0, self._queue.now() - oldest.created_at) / 1000 if oldest else 0.0

    @property
    def draining(self) -> bool:
        return self._draining.is_set()

    async def learned(self) -> None:
        """Returns at the next change of the queue."""
        await self._learned.wait()

    # ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until drained; then everything that ran here has been handed over."""
        async with asyncio.TaskGroup() as work:
            watching = [
                work.create_task(self._watch(work)),
                work.create_task(self._watch_executors()),
                work.create_task(self._renumber_for_ever()),
            ]
            while not self.draining:
                self._woken.clear()
                self._place(work)
                await self._wait()
            await self._hand_over()
            for task in watching:
                task.cancel()

    async def _hand_over(self) -> None:
        for attempt in self._attempts.values():
            attempt.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._idle_again()
        if self._attempts:
            log.warning("dispatcher.broken_off", running=self.running)
        for attempt in self._attempts.values():
            attempt.stop(Stop.DRAINED)

    async def _idle_again(self) -> None:
        """Returns when nothing runs here any more. Whose job is to be removed still stops at once."""
        while self._busy:
            self._woken.clear()
            for job_id in sorted(self._removals & self._attempts.keys()):
                self._attempts[job_id].stop(Stop.REMOVED)
            await self._woken.wait()

    def drain(self) -> None:
        """Takes no more, hands over what runs."""
        log.info("dispatcher.draining", running=self.running)
        self._draining.set()
        self._woken.set()

    async def until_draining(self) -> None:
        await self._draining.wait()

    async def _wait(self) -> None:
        """Until something changes, or the next waiting time or lease of another runs out."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds_to_next()):
                await self._woken.wait()

    def _seconds_to_next(self) -> float:
        """Without a free slot no job's own time matters: the slot that becomes free wakes the loop."""
        moment = self._clock.monotonic()
        waits = [until - moment for until in self._pausing.values()]
        if self._executors.free_slots:
            now = self._queue.now()
            waits += [(job.ready_at(lease_length=self._lease_length) - now) / 1000 for job in self._idle()]
        return max(0.01, min(waits, default=LONGEST_WAIT_SECONDS))

    async def _watch_executors(self) -> None:
        while True:
            await self._executors.changed()
            self._woken.set()

    # ── watch ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self, work: asyncio.TaskGroup) -> None:
        async with aclosing(self._queue.changes()) as changes:
            async for change in changes:
                self._learn(change)
                self._woken.set()
                self._renumber.set()

    def _learn(self, change: QueueChange) -> None:
        if change.whole:
            for job_id in self._jobs.keys() - change.jobs.keys():
                self._forget(job_id)
            self._garbage = {}
        for job_id, job in change.jobs.items():
            self._forget(job_id)
            self._garbage.pop(job_id, None)
            if job is not None:
                self._jobs[job_id] = job
                bisect.insort(self._order, job.order)
        self._garbage |= change.garbage
        for job_id, wanted in change.removals.items():
            (self._removals.add if wanted else self._removals.discard)(job_id)
        self._look_for_our_name(change)
        self._learned.set()
        self._learned = asyncio.Event()

    def _forget(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None:
            del self._order[bisect.bisect_left(self._order, job.order)]

    def _look_for_our_name(self, change: QueueChange) -> None:
        ours = {
            job_id: job.lease.token
            for job_id, job in change.jobs.items()
            if job is not None and job.lease.held and job.lease.owner == self._owner
        }
        if self._first and change.whole:
            self._first = False
            self._inherited = set(ours) if self._inherits else set()
            return
        for job_id in ours.keys() - self._busy - self._inherited:
            if ours[job_id] not in self._known_tokens:
                self._known_tokens.append(ours[job_id])
                log.error("dispatcher.twin", job=job_id, owner=self._owner)

    # ── claim and place ──────────────────────────────────────────────────────────────────────────────────────

    def _place(self, work: asyncio.TaskGroup) -> None:
        moment = self._clock.monotonic()
        self._pausing = {job_id: until for job_id, until in self._pausing.items() if until > moment}
        for job_id in sorted(self._removals):
            self._remove_if_ours(work, job_id)
        for job_id in sorted(self._garbage.keys() - self._pausing.keys()):
            self._start(work, job_id, self._drop(job_id, self._garbage[job_id]))
        for job in self._ready():
            slot = self._executors.place(apart=job.suspect)
            if slot is not None:
                self._start(work, job.id, self._work(job, slot))
            elif job.suspect and self._executors.free_slots:
                self._pause(job.id, _PAUSE_AFTER_FAILURE)
            else:
                return

    def _ready(self) -> Iterator[Job]:
        now = self._queue.now()
        for job in list(self._idle()) if self._executors.free_slots else ():
            if job.id in self._inherited or job.ready(now=now, lease_length=self._lease_length):
                yield job

    def _idle(self) -> Iterator[Job]:
        """Jobs in order on which nothing of ours works, and that nobody wants removed."""
        for _, job_id in self._order:
            if job_id not in self._busy and job_id not in self._removals and job_id not in self._pausing:
                yield self._jobs[job_id]

    def _start(self, work: asyncio.TaskGroup, job_id: str, action: Action) -> None:
        if job_id in self._busy:
            action.close()
            return
        self._busy.add(job_id)
        work.create_task(self._guarded(job_id, action))

    async def _guarded(self, job_id: str, action: Action) -> None:
        """The boundary of one job: whatever happens to it, the others go on."""
        bind_contextvars(job=job_id)
        try:
            await action
        except Transient as error:
            log.warning("job.postponed", job=job_id, reason=str(error))
            self._pause(job_id, _PAUSE_AFTER_FAILURE)
        except Exception:
            log.exception("job.trouble", job=job_id)
            self._pause(job_id, LONGEST_WAIT_SECONDS)
        finally:
            self._busy.discard(job_id)
            self._inherited.discard(job_id)
            self._woken.set()

    def _pause(self, job_id: str, seconds: float) -> None:
        self._pausing[job_id] = self._clock.monotonic() + seconds

    async def _work(self, job: Job, slot: Placement) -> None:
        try:
            run = await self._queue.claim(job)
            if run is not None:
                await self._attempt(run, slot)
            elif self._jobs.get(job.id) == job:
                self._pause(job.id, _PAUSE_AFTER_FAILURE)
        finally:
            slot.release()

    async def _attempt(self, run: Run, slot: Placement) -> None:
        attempt = Attempt(
            run,
            self._executors,
            now=self._queue.now,
            chance=self._chance,
            retry=self._retry,
            limits=self._limits,
            metrics=self._metrics,
            traces=self._traces,
        )
        self._attempts[run.job.id] = attempt
        self._known_tokens.append(run.job.lease.token)
        if self.draining:
            attempt.stop(Stop.DRAINED)
        if run.job.id in self._removals:
            attempt.stop(Stop.REMOVED)
        try:
            await attempt.work(slot)
        finally:
            del self._attempts[run.job.id]

    # ── removal, garbage, places ─────────────────────────────────────────────────────────────────────────────

    def _remove_if_ours(self, work: asyncio.TaskGroup, job_id: str) -> None:
        """Stops what runs here first; what runs elsewhere is left to its poller until its lease runs out."""
        if attempt := self._attempts.get(job_id):
            attempt.stop(Stop.REMOVED)
        elif job_id not in self._pausing:
            self._start(work, job_id, self._remove(job_id))

    async def _remove(self, job_id: str) -> None:
        if await self._queue.remove(job_id):
            self._removals.discard(job_id)
        else:
            self._pause(job_id, RENUMBER_SECONDS)

    async def _drop(self, job_id: str, reason: str) -> None:
        await self._queue.drop(job_id, reason)
        self._garbage.pop(job_id, None)

    async def _renumber_for_ever(self) -> None:
        while True:
            await self._renumber.wait()
            await self._clock.sleep(RENUMBER_SECONDS)
            self._renumber.clear()
            try:
                await self._tell_places()
            except PollerError as error:
                log.warning("dispatcher.places_not_told", reason=str(error))

    async def _tell_places(self) -> None:
        waiting = [self._jobs[job_id] for _, job_id in self._order if self._jobs[job_id].waiting]
        wrong = list(renumbered(job for job in waiting if job.id not in self._busy))
        for start in range(0, len(wrong), _RENUMBERED_AT_ONCE):
            async with task_group() as group:
                for job, place in wrong[start : start + _RENUMBERED_AT_ONCE]:
                    group.create_task(self._queue.show_position(job, place))
