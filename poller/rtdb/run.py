"""One claimed job in the database: its lease, its journal, what it shows, and how it ends.

Conditional writes (renewal, next epoch, release, deletion of the entry) are fenced by the database and always
allowed; all others wait at the fence.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, NoReturn, Self, TypedDict

import structlog
from eventstorming.v1 import executor_pb2, job_pb2, model_pb2
from google.protobuf.json_format import MessageToDict

from poller.errors import LeaseLost, Permanent, Transient
from poller.job import Job, JobState, LogLevel, LogLine
from poller.msaez import check, esvalue
from poller.rtdb import index
from poller.rtdb.answers import Denied
from poller.rtdb.display import Display, Shown
from poller.rtdb.fence import Fence
from poller.rtdb.journal import GroupCommit, newest
from poller.rtdb.names import (
    CANVAS,
    CURRENT_PROGRESS,
    ENDED_AT,
    EPOCHS,
    FAILURE,
    IS_COMPLETED,
    IS_FAILED,
    LAST_ROOT_STEP,
    LAST_SUB_STEP,
    LAST_UPDATED,
    MODEL,
    SERVER_TIME,
    STARTED_AT,
    TOKENS,
    TOTAL_PROGRESS,
    Json,
    claimed_entry,
    members,
    read_lease,
    released_entry,
)
from poller.rtdb.stored import StoredJob
from poller.rtdb.writer import InFlight, Unchanged, Writer
from poller.sentences import sentence
from process.tasks import task_group

log = structlog.get_logger(__name__)

RENEW_SECONDS = 8.0
_JITTER = 0.2


class _Terms(TypedDict):
    in_flight: InFlight
    before: Callable[[], None]


class Runs(dict[str, "RtdbRun"]):
    """Those of this process by job, each while it is held. `told` hears of every coming and going, and what was stored."""

    told: Callable[[str, Mapping[str, Json]], None] = staticmethod(lambda job_id, updates: None)

    def enter(self, run: RtdbRun) -> None:
        self[run.job.id] = run
        self.told(run.job.id, {})

    def leave(self, run: RtdbRun) -> None:
        """A cancel may have taken its place."""
        if self.get(run.job.id) is run:
            del self[run.job.id]
            self.told(run.job.id, {})

    def entry_changed(self, job_id: str, job: Job | None) -> None:
        """The event stream has shown the entry anew."""
        if run := self.get(job_id):
            run.check(job)
        self.told(job_id, {})


class RtdbRun:
    """Implements the port `Run`. `stored` is the job as it was at the claim."""

    def __init__(
        self,
        writer: Writer,
        fence: Fence,
        job: Job,
        *,
        input: job_pb2.JobInput,
        stored: StoredJob,
        runs: Runs,
    ) -> None:
        self.job = job
        self._runs = runs
        self.input = input
        self.model: model_pb2.EventStormingModel | None = None
        self.ended = False
        self._finished: tuple[model_pb2.EventStormingModel, esvalue.EsValue] | None = None
        self._writer = writer.under(job.lease.token)
        self._fence = fence
        self._path = writer.nodes.job(job.id)
        self._entry = writer.nodes.entry(job.id)
        self._in_flight = InFlight()
        self._marked = 0
        self._fresh = job.lease.epoch == 1 and not stored.journal
        self._created_at = stored.created_at or job.created_at
        self.started_at = stored.started_at or writer.now()
        opening = _opening(stored, total=self._total)
        self._display = Display(self._projected, Shown.of(stored), writer.clock, opening=opening)
        self._metrics = writer.metrics
        self._acknowledged: set[str] = set()
        self._journal = self._group_commit(job.lease.epoch)

    def _group_commit(self, epoch: int) -> GroupCommit:
        return GroupCommit(
            self._write,
            epoch=epoch,
            clock=self._writer.clock.monotonic,
            metrics=self._metrics,
            room=self._writer.room,
        )

    async def __aenter__(self) -> Self:
        self._runs.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.close()
        finally:
            self._runs.leave(self)

    @property
    def title(self) -> str:
        return index.title_of(self.input)

    @property
    def progress(self) -> tuple[int, int]:
        """Finished stages as shown, and all of them."""
        return self._display.current_progress, self._total

    @property
    def _total(self) -> int:
        return 8 if self.input.HasField("draft") else 11

    # ── the lease ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def may_ask(self) -> bool:
        return self._fence.may_ask

    @property
    def answered(self) -> bool:
        return self._journal.stored > 0

    @property
    def buffered_bytes(self) -> int:
        """Answers that wait for the database."""
        return self._journal.buffered

    def check(self, entry: Job | None) -> None:
        if entry is None:
            self.lose("the entry is gone")
        elif entry.lease.epoch > self.job.lease.epoch and entry.lease.token != self.job.lease.token:
            self.lose(f"the lease is held by {entry.lease.owner or 'nobody'} (epoch {entry.lease.epoch})")

    def lose(self, reason: str) -> None:
        """The event stream showed that the lease is another's; our own end of the job is no loss."""
        if not self.ended:
            self._fence.lose(reason)

    async def keep(self) -> None:
        async with task_group() as group:
            group.create_task(self._fence.until_lost())
            group.create_task(self._renew_for_ever())

    async def kept(self, ending: Coroutine[Any, Any, None]) -> None:
        """An end that no attempt keeps the lease for: it may take longer than the lease, when the database is away."""
        async with task_group() as group:
            keeping = group.create_task(self.keep())
            await ending
            keeping.cancel()

    async def _renew_for_ever(self) -> None:
        while True:
            jitter = 1 + _JITTER * (2 * self._writer.chance() - 1)
            await self._writer.clock.sleep(RENEW_SECONDS * jitter)
            await self._insist(self.renew)

    async def renew(self) -> None:
        """One renewal, which `keep` makes again and again."""
        sent = self._writer.clock.monotonic()
        await self._writer.transact(self._writer.nodes.lease(self.job.id), self._renewed)
        if not self.ended:
            self._fence.renewed(sent)
            self._metrics.lease("renewed")

    def _renewed(self, current: Json) -> Json:
        if self.ended:
            raise Unchanged
        self._check_token(current)
        return {**current, "renewedAt": SERVER_TIME}

    def _check_token(self, lease: Json) -> None:
        found = read_lease(lease)
        if found.token != self.job.lease.token:
            self._fence.lose(f"the lease is held by {found.owner or 'nobody'} (epoch {found.epoch})")
            self._fence.check()

    async def begin_again(self, job: Job) -> None:
        await self._in_flight.settled()
        await self._journal.flush()
        wanted = replace(job, lease=replace(job.lease, epoch=job.lease.epoch + 1))
        sent = self._writer.clock.monotonic()

        def next_epoch(current: Json) -> Json:
            self._check_token(members(current).get("lease"))
            return claimed_entry(current, wanted, now=self._writer.now())

        await self._insist(lambda: self._writer.transact(self._entry, next_epoch))
        self._fence.renewed(sent)
        self.job, self._fresh = wanted, False
        self._journal = self._group_commit(wanted.lease.epoch)

    async def _insist(self, action: Callable[[], Awaitable[object]]) -> None:
        """Until it worked or the lease is lost; a silent database is told apart from a lost lease."""
        failures = 0
        while True:
            self._fence.check()
            try:
                await action()
            except Denied as denied:
                self._check_denied(denied)
            except Transient:
                if self._fence.unheard():
                    self._metrics.lease("suspended")
                failures += 1
                await self._writer.pause(failures)
            else:
                self._fence.heard()
                return

    def _check_denied(self, denied: Denied) -> NoReturn:
        """Under lease rules the database refuses whoever has been overtaken."""
        if not self._writer.lease_rules:
            raise denied
        self._fence.lose("the database refused a write under this lease")
        raise LeaseLost("the database refused a write under this lease") from denied

    # ── answers and what is shown ────────────────────────────────────────────────────────────────────────────

    async def recall(self) -> Sequence[executor_pb2.JournalEntry]:
        if self._fresh:
            return []
        path = self._writer.nodes.journal(self.job.id)
        found = newest(await self._writer.insist(lambda: self._writer.database.get(path)))
        self._acknowledged = {entry.key for entry in found}
        return found

    def remember(self, seq: int, entry: executor_pb2.JournalEntry) -> None:
        if entry.key in self._acknowledged:
            self._metrics.repeated()
        self._journal.add(seq, entry)

    async def room(self) -> None:
        await self._writer.room.free()

    def show_progress(self, current: int, total: int) -> None:
        self._display.show_progress(current, total)

    def show_model(self, model: model_pb2.EventStormingModel) -> None:
        self.model = model
        self._display.show_model(model)

    def say(self, line: LogLine) -> None:
        self._display.say(line, now=self._writer.now())

    async def store(self, durable: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        async with task_group() as group:
            group.create_task(self._journal.run(durable))
            group.create_task(self._display.run(self._write))

    async def _write(self, updates: Mapping[str, Json]) -> None:
        """The first write of an epoch leaves its mark: epochs go on growing when the entry is made anew."""
        epoch = self.job.lease.epoch
        mark = {} if epoch == self._marked else {f"{EPOCHS}/{epoch}": SERVER_TIME}
        whole = {**updates, **mark}
        await self._fenced(lambda: self._writer.patch(self._path, whole, **self._terms))
        self._marked = epoch
        self._runs.told(self.job.id, whole)

    @property
    def _terms(self) -> _Terms:
        """A process that slept after the fence had let it pass finds it closed before it sends anything."""
        return {"in_flight": self._in_flight, "before": self._fence.still_open}

    async def _fenced(self, write: Callable[[], Awaitable[None]]) -> None:
        async def with_authority() -> None:
            await self._writer.budget()
            await self._fence.authority()
            await write()

        await self._insist(with_authority)

    def _projected(self, model: model_pb2.EventStormingModel) -> esvalue.EsValue:
        if self._finished is not None and self._finished[0] is model:
            return self._finished[1]
        return esvalue.project(
            model,
            job_id=self.job.id,
            user_id=self.input.user_id,
            project_id=self.input.project_id,
        )

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────

    async def complete(self, model: model_pb2.EventStormingModel, *, tokens_used: int) -> None:
        await asyncio.to_thread(self._check_model, model)
        await self._in_flight.settled()
        await self._journal.flush()
        self.show_model(model)
        await self._display.flush(self._write)
        await self._write_end(JobState.COMPLETED, self._last_words(model, tokens_used))
        flag = f"{self._path}/{IS_COMPLETED}"
        await self._fenced(lambda: self._writer.put(flag, True, **self._terms))
        self._runs.told(self.job.id, {IS_COMPLETED: True})
        self._metrics.ended("completed")
        await self.end()

    def _check_model(self, model: model_pb2.EventStormingModel) -> None:
        """Its projection is kept: it is what is written next."""
        self._finished = (model, self._projected(model))
        findings = check.findings(self._finished[1].as_json(), inputs=self.input)
        if findings:
            language = self.input.language
            raise Permanent(sentence("invalid_model", language, finding=findings[0].sentence))

    def _last_words(self, model: model_pb2.EventStormingModel, tokens_used: int) -> dict[str, Json]:
        _, total = self.progress
        typed = MessageToDict(model, preserving_proto_field_name=True)
        return {
            CURRENT_PROGRESS: total,
            TOTAL_PROGRESS: total,
            IS_FAILED: False,
            LAST_ROOT_STEP: "complete",
            LAST_SUB_STEP: "complete",
            LAST_UPDATED: self._writer.now() / 1000,
            MODEL: json.dumps(typed, ensure_ascii=False, separators=(",", ":")),
            TOKENS: tokens_used,
            ENDED_AT: SERVER_TIME,
        }

    async def fail(self, sentence: str) -> None:
        await self.show_failure(sentence)
        await self.end()

    async def show_failure(self, sentence: str) -> None:
        """The line first: browsers show it, then take the flag as the end. The entry is still there afterwards."""
        await self._in_flight.settled()
        await self._journal.flush()
        self.say(LogLine(level=LogLevel.ERROR, message=sentence))
        await self._display.flush(self._write)
        last = {
            IS_FAILED: True,
            IS_COMPLETED: False,
            ENDED_AT: SERVER_TIME,
            FAILURE: sentence,
            LAST_UPDATED: self._writer.now() / 1000,
        }
        await self._write_end(JobState.FAILED, last, failure=sentence)
        self._metrics.ended("failed")

    async def _write_end(self, state: JobState, updates: Mapping[str, Json], *, failure: str = "") -> None:
        """With the job's row in the index, so that there is never one without the other."""
        row = index.ended_row(
            state,
            title=self.title,
            started_at=self.started_at,
            attempts=self.job.attempts,
            failure=failure,
        )
        whole = index.with_row(self._writer.nodes, self.job.id, self._created_at, updates, row)
        await self._fenced(lambda: self._writer.patch("", whole, **self._terms))
        self._runs.told(self.job.id, updates)

    async def end(self) -> None:
        """The entry goes, if it is still ours."""
        if self._marked != self.job.lease.epoch:
            await self._write({})
        self.ended = True
        token = self.job.lease.token

        def gone(current: Json) -> Json:
            if read_lease(members(current).get("lease")).token != token:
                raise Unchanged
            return None

        await self._insist(lambda: self._writer.transact(self._entry, gone))

    async def release(self, job: Job) -> None:
        await self._in_flight.settled()
        if self._fence.open:
            await self._journal.flush()
        self.ended = True
        token = self.job.lease.token

        def released(current: Json) -> Json:
            # The epoch may be the next one, begun and broken off.
            lease = read_lease(members(current).get("lease"))
            if lease.token != token:
                raise Unchanged
            return released_entry(current, replace(job, lease=lease.released()))

        await self._insist(lambda: self._writer.transact(self._entry, released))
        self._metrics.lease("released")
        self._metrics.ended("released")

    async def close(self) -> None:
        await self._in_flight.settled()
        self._journal.drop()


def _opening(stored: StoredJob, *, total: int) -> dict[str, Json]:
    """Progress from the first second; what a former claim has told already is not told again."""
    opening: dict[str, Json] = {}
    if not stored.started_at:
        opening[STARTED_AT] = SERVER_TIME
    for path, flag in ((IS_COMPLETED, stored.completed), (IS_FAILED, stored.failed)):
        if flag is None:
            opening[path] = False
    if not stored.current_progress:
        opening |= {CURRENT_PROGRESS: 1, TOTAL_PROGRESS: total}
    for kind, drawn in (("elements", stored.elements), ("relations", stored.relations)):
        if "@" in drawn:
            opening[f"{CANVAS}/{kind}/@"] = None
    return opening


async def end_as_cancelled(run: RtdbRun, stored: StoredJob, by: str, *, entry_stays: bool = False) -> None:
    why = sentence("cancelled", run.input.language, by=by)
    if _stands(stored, why):
        await run.kept(run.end())
    else:
        await run.kept(run.show_failure(why) if entry_stays else run.fail(why))


def _stands(stored: StoredJob, why: str) -> bool:
    """Whether a cancelled job has its end: before it was cancelled, or as that, with nothing of it overwritten since."""
    if stored.said_failure != why:
        return stored.state().terminal
    return stored.state() is JobState.FAILED and why in [line.message for line in stored.log]
