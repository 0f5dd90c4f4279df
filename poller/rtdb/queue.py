"""The queue in the Realtime Database: what waits, who claims it, what the user asks for. Implements the port `JobQueue`.

Node names are in `names`, writing in `writer`, a claimed job in `run`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable

import structlog
from eventstorming.v1 import job_pb2, model_pb2

from poller.errors import InputRejected, LeaseLost
from poller.job import Job, JobState, LogLevel, LogLine, milliseconds
from poller.msaez.inputs import understand
from poller.ports import JobFilter, JobPage, QueueChange
from poller.rtdb.display import Shown, log_node
from poller.rtdb.fence import Fence
from poller.rtdb.index import ended_row, with_row, without_job
from poller.rtdb.jobs import Desk, entry_or_none, language_of
from poller.rtdb.journal import highest_epoch
from poller.rtdb.listing import Listing
from poller.rtdb.names import (
    SERVER_TIME,
    Garbage,
    Json,
    claimed_entry,
    members,
    number,
    read_entry,
    text,
)
from poller.rtdb.queue_copy import Copy, entries_change, removals_change
from poller.rtdb.queue_watch import QueueWatch, WatchedNode
from poller.rtdb.run import RtdbRun
from poller.rtdb.stream import Change
from poller.rtdb.views import state_of
from poller.rtdb.writer import InFlight, Unchanged, Writer
from poller.sentences import sentence
from process.tasks import task_group

log = structlog.get_logger(__name__)

_UNANSWERED = 32
"""So many claims of one job, one after the other, take longer than a lease lasts."""


class RtdbQueue(Desk):
    def __init__(
        self,
        writer: Writer,
        *,
        owner: str,
        lease_seconds: float,
        new_token: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        super().__init__(writer, owner=owner, lease_seconds=lease_seconds, new_token=new_token)
        self._unanswered: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_UNANSWERED))
        self._entries, self._removals = Copy(), Copy()
        self._listing = Listing(self._database, self._nodes, self._runs)
        self._metrics = writer.metrics
        self._followed: tuple[WatchedNode, ...] = ()

    def problem(self) -> str:
        refused = next((node.trouble for node in self._followed if node.trouble), "")
        return refused or self._database.why_not_ready() or ""

    @property
    def buffered_bytes(self) -> int:
        """Answers of all runs here that wait for the database."""
        return sum(run.buffered_bytes for run in self._runs.values())

    # ── watching ─────────────────────────────────────────────────────────────────────────────────────────────

    async def changes(self) -> AsyncGenerator[QueueChange, None]:
        news: asyncio.Queue[QueueChange] = asyncio.Queue()
        entries, removals = self._entries_changed, self._removals_changed
        self._followed = (
            WatchedNode(self._nodes.entries, self._entries, lambda change: news.put_nowait(entries(change))),
            WatchedNode(
                self._nodes.removals, self._removals, lambda change: news.put_nowait(removals(change))
            ),
        )
        try:
            async with task_group() as group:
                group.create_task(QueueWatch(self._writer, self._followed).run())
                while True:
                    yield await news.get()
        finally:
            self._followed = ()

    def _entries_changed(self, change: Change) -> QueueChange:
        changed = self._entries.apply(change)
        whole = change.kind == "snapshot"
        found = entries_change(self._entries, self._entries.names() if whole else changed, whole=whole)
        self._listing.learn(found)
        for job_id in changed:
            if run := self._runs.get(job_id):
                self._check_run(run, found.jobs.get(job_id))
            self._watching.told(job_id, {})
        return found

    async def entry(self, job_id: str) -> Job | None:
        """From the copy of the queue while that is kept."""
        if self._followed and self._entries.filled:
            return entry_or_none(job_id, self._entries.child(job_id))
        return await super().entry(job_id)

    def _check_run(self, run: RtdbRun, job: Job | None) -> None:
        if job is None:
            run.lose("the entry is gone")
        elif job.lease.epoch > run.job.lease.epoch and job.lease.token != run.job.lease.token:
            run.lose(f"the lease is held by {job.lease.owner or 'nobody'} (epoch {job.lease.epoch})")

    def _removals_changed(self, change: Change) -> QueueChange:
        changed = self._removals.apply(change)
        return removals_change(self._removals, changed)

    async def list_jobs(self, wanted: JobFilter, *, size: int, after: str = "") -> JobPage:
        return await self._listing.page(wanted, size=size, after=after)

    # ── claiming ─────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, job: Job) -> RtdbRun | None:
        """The token is made before the write: met again after a lost reply, it is success and no lost race.

        Only one of this call, that is: a lease that an earlier call left may be old, so it is taken anew.
        """
        token, sent = self._new_token(), self._writer.clock.monotonic()
        self._unanswered[job.id].append(token)
        stored, claimed = await self._writer.insist(lambda: self._take(job, token), tries=5)
        ours = job.lease.token in self._unanswered.pop(job.id, ())
        if claimed is None:
            self._metrics.claim("lost")
            return None
        self._tell(claimed, vanished=job.lease.held and not ours and not claimed.cancelled_by)
        fence = Fence(self._writer.clock, lease_seconds=self._lease_seconds)
        fence.renewed(sent)
        try:
            return await self._settled_or_run(claimed, job, stored, fence)
        except LeaseLost as lost:
            log.warning("job.lease_lost", job=job.id, epoch=claimed.lease.epoch, reason=str(lost))
            return None

    def _tell(self, claimed: Job, *, vanished: bool) -> None:
        """`vanished`: so has the run that held it before."""
        self._metrics.claim("taken_over" if vanished else "won")
        if claimed.lease.epoch == 1 and not claimed.crashes:
            self._metrics.picked_up(max(0, self.now() - claimed.created_at) / 1000)
        if vanished:
            self._metrics.tried("crash")

    async def _take(self, job: Job, token: str) -> tuple[Json, Job | None]:
        async with task_group() as group:
            entry = group.create_task(self._database.get_with_etag(self._nodes.entry(job.id), deadline=5))
            node = group.create_task(self._database.get(self._nodes.job(job.id)))
        stored = node.result()
        if stored is None:
            await self.drop(job.id, "there is no job for it", only_without_job=True)
            return None, None
        taken: list[Job] = []

        def take(current: Json) -> Json:
            taken[:] = [self._claimed(job, current, stored, token)]
            if read_entry(job.id, current).lease.token == token:
                raise Unchanged
            return claimed_entry(current, taken[0], now=self.now())

        try:
            await self._writer.transact(self._nodes.entry(job.id), take, known=entry.result())
        except (Garbage, _Overtaken):
            return stored, None
        return stored, taken[0]

    def _claimed(self, seen: Job, current: Json, stored: Json, token: str) -> Job:
        """The job as it is claimed from its present entry; raises when that is not what was seen."""
        now = read_entry(seen.id, current)
        if now.lease.token == token:
            return now
        ours = now.lease.token in self._unanswered[seen.id]
        if not ours and (now.lease != seen.lease or now.old_claim != seen.old_claim):
            raise _Overtaken
        run = members(members(stored).get("run"))
        if now.lease.held and not ours:
            now = now.crashed(answered=str(now.lease.epoch) in members(run.get("journal")))
        return now.claimed(token=token, owner=self._owner, now=self.now(), above=highest_epoch(run))

    async def _settled_or_run(self, job: Job, seen: Job, stored: Json, fence: Fence) -> RtdbRun | None:
        """Some claims only settle: the job has ended already, cannot be understood, or must not run again."""
        state = members(members(stored).get("state"))
        raw = state.get("inputs")
        rejection, warnings = "", tuple[str, ...]()
        try:
            understood = understand(raw, job_id=job.id)
            given, warnings = understood.input, understood.warnings
        except InputRejected as error:
            given, rejection = job_pb2.JobInput(job_id=job.id, language=language_of(raw)), str(error)
        run = RtdbRun(self._writer, fence, job, input=given, stored=stored, runs=self._runs)
        log.info("job.claimed", job=job.id, epoch=job.lease.epoch, owner=self._owner)
        if job.cancelled_by:
            ending = self._end_as_cancelled(run, stored, job.cancelled_by)
        elif state_of(job, members(state.get("outputs"))).terminal:
            ending = run.kept(run.end())
        elif reason := rejection or _no_run(job, seen, stored, given.language):
            log.warning("job.rejected", job=job.id, why="inputs" if rejection else reason)
            ending = run.kept(run.fail(reason))
        else:
            self._warn(run, warnings)
            return run
        async with run:
            await ending
        return None

    def _warn(self, run: RtdbRun, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            run.say(LogLine(level=LogLevel.WARNING, message=warning, key=f"inputs: {warning}"))

    async def show_position(self, job: Job, place: int) -> None:
        def placed(current: Json) -> Json:
            if current is None or read_entry(job.id, current) != job:
                raise Unchanged
            return {**current, "waitingJobCount": place}

        try:
            await self._writer.transact(self._nodes.entry(job.id), placed)
        except Garbage:
            return

    # ── taking away ──────────────────────────────────────────────────────────────────────────────────────────

    async def drop(self, job_id: str, reason: str, *, only_without_job: bool = False) -> None:
        def gone(current: Json) -> Json:
            if current is None or (not only_without_job and not _is_garbage(job_id, current)):
                raise Unchanged
            return None

        stored = await self._database.get(f"{self._nodes.job(job_id)}/state")
        if stored is not None and only_without_job:
            return
        if stored is not None and not state_of(None, members(members(stored).get("outputs"))).terminal:
            await self._fail_without_entry(job_id, stored)
        await self._writer.transact(self._nodes.entry(job_id), gone)
        log.warning("job.dropped", job=job_id, reason=reason)

    async def _fail_without_entry(self, job_id: str, state: Json) -> None:
        """Nobody may be left waiting for a job that cannot run: a damaged entry hides its inputs from nobody."""
        language = language_of(members(state).get("inputs"))
        await self._mark_failed(job_id, members(state).get("outputs"), sentence("no_entry", language))

    async def _mark_failed(self, job_id: str, outputs: Json, reason: str) -> None:
        line = LogLine(level=LogLevel.ERROR, message=reason)
        index = Shown.of(outputs, None).lines
        in_flight = InFlight()
        path = self._nodes.job(job_id)
        node = {f"state/outputs/logs/{index}": log_node(line, now=self.now())}
        held = await self._database.get(f"{self._nodes.lease(job_id)}/token")
        writer = self._writer.under(text(held))
        await writer.patch(path, node, in_flight=in_flight)
        flag = {"state/outputs/isFailed": True, "run/endedAt": SERVER_TIME, "run/failure": reason}
        created = number(await self._database.get(f"{self._nodes.run(job_id)}/createdAt"))
        row = ended_row(JobState.FAILED, title="", failure=reason)
        whole = with_row(self._nodes, job_id, milliseconds(created or self.now()), flag, row)
        await writer.patch("", whole, in_flight=in_flight)
        self._metrics.ended("failed")

    async def remove(self, job_id: str) -> bool:
        created: list[int] = []

        def gone(current: Json) -> Json:
            if current is None:
                raise Unchanged
            if self._is_elsewhere(job_id, current):
                raise _Overtaken
            if job := entry_or_none(job_id, current):
                created.append(job.created_at)
            return None

        if run := self._runs.get(job_id):
            run.ended = True
            await run.close()
        try:
            await self._writer.transact(self._nodes.entry(job_id), gone)
        except _Overtaken:
            return False
        await self._delete_node(job_id, created)
        await self._database.delete(self._nodes.removal(job_id))
        self._metrics.ended("removed")
        log.info("job.removed", job=job_id)
        return True

    async def _delete_node(self, job_id: str, created: list[int]) -> None:
        """Read once more: a write that was on its way when its job was stopped may have come later."""
        node = self._nodes.job(job_id)
        while True:
            born = number(await self._database.get(f"{self._nodes.run(job_id)}/createdAt"))
            times = [*created, milliseconds(born)] if born else created
            await self._writer.budget()
            await self._database.patch("", without_job(self._nodes, job_id, *times))
            if await self._database.get(f"{node}/state") is None and not await self._database.keys(node):
                return

    def _is_elsewhere(self, job_id: str, current: Json) -> bool:
        """Whether a live run of another poller, or of the old worker, owns it."""
        try:
            job = read_entry(job_id, current)
        except Garbage:
            return False
        if job.waiting or (job.lease.held and job.lease.owner == self._owner):
            return False
        return not job.ready(now=self.now(), lease_length=self._lease_length)


class _Overtaken(Exception):
    """The entry is not what was seen: somebody else was faster."""


def _is_garbage(job_id: str, raw: Json) -> bool:
    return entry_or_none(job_id, raw) is None


def _no_run(job: Job, seen: Job, stored: Json, language: model_pb2.Language) -> str:
    """Why a claimed job must not run, a sentence; empty when it may."""
    if job.poisoned:
        return sentence("crashes", language, crashes=job.crashes)
    outputs = members(members(members(stored).get("state")).get("outputs"))
    elements = members(members(outputs.get("esValue")).get("elements")).keys() - {"@"}
    begun_by_us = "startedAt" in members(members(stored).get("run"))
    if seen.old_claim is not None or (elements and not begun_by_us and not members(stored).get("run")):
        return sentence("old_worker", language)
    return ""
