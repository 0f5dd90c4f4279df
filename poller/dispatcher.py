"""Watches the queue, claims what can be placed now, places it, and drains: brings home the open answers, hands over what runs.

No prefetch: a job is claimed only for a slot that has been set aside on a ready executor.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Set
from contextlib import aclosing, suppress

import structlog

from poller.actions import PAUSE_AFTER_FAILURE, Actions
from poller.attempt import Attempt, Stop, Terms
from poller.backlog import Backlog, OwnName
from poller.errors import PollerError
from poller.job import Job, Limits, RetryPolicy, renumbered
from poller.metrics import Metrics
from poller.ports import Clock, Executors, Placement, Queue, Run
from process.tasks import task_group
from process.traces import OFF, Traces

log = structlog.get_logger(__name__)

RENUMBER_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 30.0
_RENUMBERED_AT_ONCE = 8


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
        terms = Terms(
            now=queue.now, chance=chance, retry=retry, limits=limits, metrics=metrics, traces=traces
        )

        def ended(job_id: str) -> None:
            self._name.inherited.discard(job_id)
            self._woken.set()

        self._queue = queue
        self._executors = executors
        self._lease_length = int(lease_seconds * 1000)
        self._patience = patience
        self._woken = asyncio.Event()
        self._draining = asyncio.Event()
        self.backlog = Backlog(queue.now)
        self._name = OwnName(owner, inherits=inherits)
        self._actions = Actions(clock, ended)
        self._places = _Places(queue, self.backlog, self._actions.busy, clock)
        self.running = RunningJobs(
            queue,
            lambda run: Attempt(run, executors, terms),
            self.backlog,
            self._name,
            self._actions,
            draining=self._draining,
        )

    async def run(self) -> None:
        """Until drained; then everything that ran here has been handed over."""
        async with asyncio.TaskGroup() as work:
            watching = [
                work.create_task(self._watch()),
                work.create_task(self._watch_executors()),
                work.create_task(self._places.run()),
            ]
            while not self.draining:
                self._woken.clear()
                self._place(work)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds_to_next()):
                        await self._woken.wait()
            await self.running.hand_over(self._patience, self._woken)
            for task in watching:
                task.cancel()

    def drain(self) -> None:
        """Takes no more, hands over what runs."""
        log.info("dispatcher.draining", running=len(self.running))
        self._draining.set()
        self._woken.set()

    @property
    def draining(self) -> bool:
        """Whether `drain` was called: no more is taken."""
        return self._draining.is_set()

    async def until_draining(self) -> None:
        """Returns once `drain` was called."""
        await self._draining.wait()

    # ── watch ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self) -> None:
        async with aclosing(self._queue.changes()) as changes:
            async for change in changes:
                self.backlog.learn(change)
                self._name.look(change, busy=self._actions.busy)
                self._woken.set()
                self._places.changed.set()

    async def _watch_executors(self) -> None:
        while True:
            await self._executors.changed()
            self._woken.set()

    def _seconds_to_next(self) -> float:
        """Until the next waiting time or lease of another runs out.

        Without a free slot no job's own time matters: the slot that becomes free wakes the loop.
        """
        waits = list(self._actions.pauses())
        if self._executors.free_slots:
            now = self._queue.now()
            waits += [(job.ready_at(lease_length=self._lease_length) - now) / 1000 for job in self._idle()]
        return max(0.01, min(waits, default=LONGEST_WAIT_SECONDS))

    # ── claim and place, remove, drop ────────────────────────────────────────────────────────────────────────

    def _place(self, work: asyncio.TaskGroup) -> None:
        """A removal stops what runs here first; what runs elsewhere is left to its poller until its lease runs out."""
        actions, backlog = self._actions, self.backlog
        actions.forget_pauses()
        for job_id in sorted(backlog.removals):
            if not self.running.stop(job_id) and job_id not in actions.pausing:
                actions.start(work, job_id, self._remove(job_id))
        for job_id in sorted(backlog.garbage.keys() - actions.pausing.keys()):
            actions.start(work, job_id, self._drop(job_id, backlog.garbage[job_id]))
        now = self._queue.now()
        for job in list(self._idle()) if self._executors.free_slots else ():
            if job.id in self._name.inherited or job.ready(now=now, lease_length=self._lease_length):
                slot = self._executors.place(apart=job.suspect)
                if slot is not None:
                    actions.start(work, job.id, self.running.work(job, slot))
                elif job.suspect and self._executors.free_slots:
                    actions.pause(job.id, PAUSE_AFTER_FAILURE)
                else:
                    return

    def _idle(self) -> Iterator[Job]:
        """Jobs in order on which nothing of ours works, and that nobody wants removed."""
        for job in self.backlog:
            if not (
                job.id in self._actions.busy
                or job.id in self.backlog.removals
                or job.id in self._actions.pausing
            ):
                yield job

    async def _remove(self, job_id: str) -> None:
        if await self._queue.remove(job_id):
            self.backlog.removals.discard(job_id)
        else:
            self._actions.pause(job_id, RENUMBER_SECONDS)

    async def _drop(self, job_id: str, reason: str) -> None:
        await self._queue.drop(job_id, reason)
        self.backlog.garbage.pop(job_id, None)


class RunningJobs:
    """The jobs that run here: each from its claim to its settlement, at the latest until they are handed over."""

    def __init__(
        self,
        queue: Queue,
        attempt: Callable[[Run], Attempt],
        backlog: Backlog,
        name: OwnName,
        actions: Actions,
        *,
        draining: asyncio.Event,
    ) -> None:
        self._queue = queue
        self._attempt = attempt
        self._backlog = backlog
        self._name = name
        self._actions = actions
        self._draining = draining
        self._attempts: dict[str, Attempt] = {}

    def __len__(self) -> int:
        return len(self._attempts)

    async def work(self, job: Job, slot: Placement) -> None:
        """Claims it and works on it. The slot is given back."""
        try:
            run = await self._queue.claim(job)
            if run is not None:
                await self._attempted(run, slot)
            elif self._backlog.still(job):
                self._actions.pause(job.id, PAUSE_AFTER_FAILURE)
        finally:
            slot.release()

    async def _attempted(self, run: Run, slot: Placement) -> None:
        attempt = self._attempts[run.job.id] = self._attempt(run)
        self._name.took(run.job)
        if self._draining.is_set():
            attempt.stop(Stop.DRAINED)
        if run.job.id in self._backlog.removals:
            attempt.stop(Stop.REMOVED)
        try:
            await attempt.work(slot)
        finally:
            del self._attempts[run.job.id]

    def stop(self, job_id: str) -> bool:
        """Its user wants it removed. Whether it runs here."""
        if attempt := self._attempts.get(job_id):
            attempt.stop(Stop.REMOVED)
        return attempt is not None

    async def hand_over(self, patience: float, woken: asyncio.Event) -> None:
        """Each as soon as its open answers are stored, all of them after so many seconds."""
        for attempt in self._attempts.values():
            attempt.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle_again(woken)
        if self._attempts:
            log.warning("dispatcher.broken_off", running=len(self))
        for attempt in self._attempts.values():
            attempt.stop(Stop.DRAINED)

    async def _idle_again(self, woken: asyncio.Event) -> None:
        """Returns when nothing runs here any more. Whose job is to be removed still stops at once."""
        while self._actions.busy:
            woken.clear()
            for job_id in sorted(self._backlog.removals):
                self.stop(job_id)
            await woken.wait()


class _Places:
    """Tells waiting jobs their places, some seconds after the queue has `changed`. `busy`: jobs that are told none."""

    def __init__(self, queue: Queue, backlog: Backlog, busy: Set[str], clock: Clock) -> None:
        self._queue = queue
        self._backlog = backlog
        self._busy = busy
        self._clock = clock
        self.changed = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.changed.wait()
            await self._clock.sleep(RENUMBER_SECONDS)
            self.changed.clear()
            try:
                await self._tell()
            except PollerError as error:
                log.warning("dispatcher.places_not_told", reason=str(error))

    async def _tell(self) -> None:
        waiting = [job for job in self._backlog if job.waiting]
        wrong = list(renumbered(job for job in waiting if job.id not in self._busy))
        for start in range(0, len(wrong), _RENUMBERED_AT_ONCE):
            async with task_group() as group:
                for job, place in wrong[start : start + _RENUMBERED_AT_ONCE]:
                    group.create_task(self._queue.show_position(job, place))
