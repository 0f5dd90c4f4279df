"""Taking a job: by one conditional write of its entry, under a lease of our own and the next epoch."""

from __future__ import annotations

from collections import defaultdict, deque

import structlog
from eventstorming.v1 import model_pb2

from poller.errors import LeaseLost
from poller.job import Job, LogLevel, LogLine
from poller.rtdb.fence import MARGIN_SECONDS, Claimant, Fence
from poller.rtdb.names import Garbage, Json, claimed_entry, highest_epoch, read_entry
from poller.rtdb.removals import Overtaken, Removals
from poller.rtdb.run import RtdbRun, Runs
from poller.rtdb.stored import StoredJob
from poller.rtdb.writer import Unchanged, Writer
from poller.sentences import sentence
from process.tasks import task_group

log = structlog.get_logger(__name__)

_UNANSWERED = 32
"""So many claims of one job, one after the other, take longer than a lease lasts."""

_NO_JOB = StoredJob.of(None)


class Claims:
    """Takes jobs for this poller. `claim` may be called again for a job whose claim raised."""

    def __init__(self, writer: Writer, runs: Runs, removals: Removals, claimant: Claimant) -> None:
        self._writer = writer
        self._runs = runs
        self._removals = removals
        self._claimant = claimant
        self._unanswered: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_UNANSWERED))
        self._metrics = writer.metrics

    async def claim(self, job: Job) -> RtdbRun | None:
        """The token is made before the write: met again after a lost reply, it is success and no lost race.

        Only one of this call, that is: a lease that an earlier call left may be old, so it is taken anew.
        """
        token, sent = self._claimant.new_token(), self._writer.clock.monotonic()
        self._unanswered[job.id].append(token)
        stored, claimed = await self._writer.insist(lambda: self._take(job, token), tries=5)
        ours = job.lease.token in self._unanswered.pop(job.id)
        if claimed is None:
            self._metrics.claim("lost")
            return None
        self._tell(claimed, vanished=job.lease.held and not ours and not claimed.cancelled_by)
        fence = self._claimant.fence(self._writer.clock, sent_at=sent)
        try:
            return await self._settled_or_run(claimed, job, stored, fence)
        except LeaseLost as lost:
            log.warning("job.lease_lost", job=job.id, epoch=claimed.lease.epoch, reason=str(lost))
            return None

    def _tell(self, claimed: Job, *, vanished: bool) -> None:
        """`vanished`: so has the run that held it before."""
        self._metrics.claim("taken_over" if vanished else "won")
        if claimed.lease.epoch == 1 and not claimed.crashes:
            self._metrics.picked_up(max(0, self._writer.now() - claimed.created_at) / 1000)
        if vanished:
            self._metrics.tried("crash")

    async def _take(self, job: Job, token: str) -> tuple[StoredJob, Job | None]:
        database, nodes = self._writer.database, self._writer.nodes
        async with task_group() as group:
            entry = group.create_task(database.get_with_etag(nodes.entry(job.id), deadline=5))
            node = group.create_task(database.get(nodes.job(job.id)))
        stored = StoredJob.of(node.result())
        if not stored.there:
            await self._removals.drop(job.id, "there is no job for it", only_without_job=True)
            return _NO_JOB, None
        taken: list[Job] = []

        def take(current: Json) -> Json:
            taken[:] = [self._claimed(job, current, stored, token)]
            if read_entry(job.id, current).lease.token == token:
                raise Unchanged
            return claimed_entry(current, taken[0], now=self._writer.now())

        try:
            await self._writer.transact(nodes.entry(job.id), take, known=entry.result())
        except (Garbage, Overtaken):
            return stored, None
        return stored, taken[0]

    def _claimed(self, seen: Job, current: Json, stored: StoredJob, token: str) -> Job:
        """The job as it is claimed from its present entry; raises when that is not what was seen."""
        now = read_entry(seen.id, current)
        if now.lease.token == token:
            return now
        ours = now.lease.token in self._unanswered[seen.id]
        if not ours and (now.lease != seen.lease or now.old_claim != seen.old_claim):
            raise Overtaken
        if now.lease.held and not ours:
            now = now.crashed(answered=str(now.lease.epoch) in stored.journal)
        above = highest_epoch(stored.epochs, stored.journal)
        return now.claimed(token=token, owner=self._claimant.owner, now=self._writer.now(), above=above)

    async def _settled_or_run(self, job: Job, seen: Job, stored: StoredJob, fence: Fence) -> RtdbRun | None:
        """Some claims only settle: the job has ended already, cannot be understood, or must not run again."""
        given, warnings, rejection = stored.input(job.id)
        run = RtdbRun(self._writer, fence, job, input=given, stored=stored, runs=self._runs)
        if seen.lease.held and not seen.ready(
            now=self._writer.now(), lease_length=self._claimant.lease_length
        ):
            # Before its time: what the run before sent last may still be stored.
            run.writes.in_flight.doubt(MARGIN_SECONDS)
        log.info("job.claimed", job=job.id, epoch=job.lease.epoch, owner=self._claimant.owner)
        if job.cancelled_by:
            ending = run.settlement.cancel(stored, job.cancelled_by)
        elif stored.state(job).terminal:
            ending = run.lease.kept(run.settlement.end())
        elif reason := rejection or _no_run(job, seen, stored, given.language):
            log.warning("job.rejected", job=job.id, why="inputs" if rejection else reason)
            ending = run.lease.kept(run.settlement.fail(reason))
        else:
            for warning in warnings:
                run.display.say(LogLine(level=LogLevel.WARNING, message=warning, key=f"inputs: {warning}"))
            return run
        async with run:
            await ending
        return None


def _no_run(job: Job, seen: Job, stored: StoredJob, language: model_pb2.Language) -> str:
    """Why a claimed job must not run, a sentence; empty when it may."""
    if job.poisoned:
        return sentence("crashes", language, crashes=job.crashes)
    if seen.old_claim is not None or (stored.elements.keys() - {"@"} and not stored.ours):
        return sentence("old_worker", language)
    return ""
