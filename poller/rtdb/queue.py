"""The queue in the Realtime Database: what waits, who claims it, what the user asks for. Implements the port `JobQueue`.

Node names are in `names`, writing in `ledger`, a claimed job in `run`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from weakref import WeakValueDictionary

import structlog
from eventstorming.v1 import job_pb2, model_pb2

from poller.errors import InputRejected, Transient
from poller.job import Job, JobState, LogLevel, LogLine
from poller.msaez.encoding import decode
from poller.msaez.inputs import understand, write_inputs
from poller.ports import JobExists, JobNotFound, JobView, QueueChange, WrongState
from poller.rtdb.fence import Fence
from poller.rtdb.journal import highest_epoch, unusable_paths
from poller.rtdb.ledger import InFlight, Ledger, Unchanged
from poller.rtdb.mirror import Mirror, entries_change, removals_change
from poller.rtdb.names import (
    SERVER_TIME,
    Garbage,
    Json,
    claimed_entry,
    members,
    read_entry,
)
from poller.rtdb.outbox import Shown, log_node
from poller.rtdb.run import RtdbRun
from poller.rtdb.stream import Change
from poller.rtdb.views import job_view, state_of
from poller.sentences import sentence
from poller.tasks import task_group

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 300.0
SWEEP_PATIENCE_SECONDS = 5.0
NULL_ETAG = "null_etag"


class RtdbQueue:
    def __init__(
        self,
        ledger: Ledger,
        *,
        owner: str,
        lease_seconds: float,
        new_token: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._nodes = ledger.nodes
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._new_token = new_token
        self._tokens: dict[str, str] = {}
        self._runs: WeakValueDictionary[str, RtdbRun] = WeakValueDictionary()
        self._entries, self._removals = Mirror(), Mirror()
        self.missed = 0

    def now(self) -> int:
        return self._ledger.now()

    def problem(self) -> str:
        return self._database.why_not_ready() or ""

    # ── watching ─────────────────────────────────────────────────────────────────────────────────────────────

    async def changes(self) -> AsyncGenerator[QueueChange, None]:
        news: asyncio.Queue[QueueChange] = asyncio.Queue()
        async with task_group() as group:
            group.create_task(self._follow(self._nodes.entries, news, self._entries_changed))
            group.create_task(self._follow(self._nodes.removals, news, self._removals_changed))
            group.create_task(self._sweep(news))
            while True:
                yield await news.get()

    async def _follow(
        self, path: str, news: asyncio.Queue[QueueChange], apply: Callable[[Change], QueueChange]
    ) -> None:
        async with aclosing(self._database.watch(path)) as changes:
            async for change in changes:
                news.put_nowait(apply(change))

    def _entries_changed(self, change: Change) -> QueueChange:
        changed = self._entries.apply(change)
        whole = change.kind == "snapshot"
        found = entries_change(self._entries, self._entries.names() if whole else changed, whole=whole)
        for job_id in changed & set(self._runs.keys()):
            self._check_run(self._runs[job_id], found.jobs.get(job_id))
        return found

    def _check_run(self, run: RtdbRun, job: Job | None) -> None:
        if job is None:
            run.lose("the entry is gone")
        elif job.lease.epoch > run.job.lease.epoch and job.lease.token != run.job.lease.token:
            run.lose(f"the lease is held by {job.lease.owner or 'nobody'} (epoch {job.lease.epoch})")

    def _removals_changed(self, change: Change) -> QueueChange:
        changed = self._removals.apply(change)
        return removals_change(self._removals, changed)

    async def _sweep(self, news: asyncio.Queue[QueueChange]) -> None:
        """A safety net: what the stream should have told. `missed` is expected to stay 0."""
        while True:
            await self._ledger.clock.sleep(SWEEP_SECONDS)
            try:
                await self._find_missed(self._nodes.entries, self._entries, news, self._entries_changed)
                await self._find_missed(self._nodes.removals, self._removals, news, self._removals_changed)
            except Transient as error:
                log.warning("queue.sweep_failed", reason=str(error))

    async def _find_missed(
        self,
        node: str,
        mirror: Mirror,
        news: asyncio.Queue[QueueChange],
        apply: Callable[[Change], QueueChange],
    ) -> None:
        if not set(await self._database.keys(node)) - mirror.names():
            return
        await self._ledger.clock.sleep(SWEEP_PATIENCE_SECONDS)
        for job_id in set(await self._database.keys(node)) - mirror.names():
            value = await self._database.get(f"{node}/{job_id}")
            self.missed += 1
            log.error("queue.stream_missed", node=node, job=job_id)
            news.put_nowait(apply(Change(kind="put", path=(job_id,), value=value)))

    # ── claiming ─────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, job: Job) -> RtdbRun | None:
        """The token is made before the write: met again after a lost reply, it is success and no lost race."""
        token = self._tokens.setdefault(job.id, self._new_token())
        fence = Fence(self._ledger.clock, lease_seconds=self._lease_seconds)
        fence.renewed(self._ledger.clock.monotonic())
        stored, claimed = await self._ledger.insist(lambda: self._take(job, token), tries=5)
        self._tokens.pop(job.id, None)
        if claimed is None:
            return None
        return await self._settled_or_run(claimed, job, stored, fence)

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
            await self._ledger.transact(self._nodes.entry(job.id), take, known=entry.result())
        except (Garbage, _Overtaken):
            return stored, None
        return stored, taken[0]

    def _claimed(self, seen: Job, current: Json, stored: Json, token: str) -> Job:
        """The job as it is claimed from its present entry; raises when that is not what was seen."""
        now = read_entry(seen.id, current)
        if now.lease.token == token:
            return now
        if now.lease != seen.lease or now.old_claim != seen.old_claim:
            raise _Overtaken
        journal = members(members(stored).get("run")).get("journal")
        if now.lease.held:
            now = now.crashed(answered=str(now.lease.epoch) in members(journal))
        return now.claimed(token=token, owner=self._owner, now=self.now(), above=highest_epoch(journal))

    async def _settled_or_run(self, job: Job, seen: Job, stored: Json, fence: Fence) -> RtdbRun | None:
        """Some claims only settle: the job has ended already, cannot be understood, or must not run again."""
        state = members(members(stored).get("state"))
        raw = state.get("inputs")
        rejection, warnings = "", tuple[str, ...]()
        try:
            understood = understand(raw, job_id=job.id)
            given, warnings = understood.input, understood.warnings
        except InputRejected as error:
            given, rejection = job_pb2.JobInput(job_id=job.id, language=_language(raw)), str(error)
        run = RtdbRun(self._ledger, fence, job, input=given, stored=stored)
        self._runs[job.id] = run
        log.info("job.claimed", job=job.id, epoch=job.lease.epoch, owner=self._owner)
        if state_of(job, members(state.get("outputs"))).terminal:
            await run.end()
        elif reason := rejection or _no_run(job, seen, stored, given.language):
            await run.fail(reason)
        else:
            self._warn(run, warnings)
            return run
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
            await self._ledger.transact(self._nodes.entry(job.id), placed)
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
        await self._ledger.transact(self._nodes.entry(job_id), gone)
        log.warning("job.dropped", job=job_id, reason=reason)

    async def _fail_without_entry(self, job_id: str, state: Json) -> None:
        """Nobody may be left waiting for a job that cannot run: a damaged entry hides its inputs from nobody."""
        language = _language(members(state).get("inputs"))
        await self._mark_failed(job_id, members(state).get("outputs"), sentence("no_entry", language))

    async def _mark_failed(self, job_id: str, outputs: Json, reason: str) -> None:
        line = LogLine(level=LogLevel.ERROR, message=reason)
        index = Shown.of(outputs, None).lines
        in_flight = InFlight()
        path = self._nodes.job(job_id)
        node = {f"state/outputs/logs/{index}": log_node(line, now=self.now())}
        await self._ledger.patch(path, node, in_flight=in_flight)
        flag = {"state/outputs/isFailed": True, "run/endedAt": SERVER_TIME, "run/failure": reason}
        await self._ledger.patch(path, flag, in_flight=in_flight)

    async def remove(self, job_id: str) -> bool:
        def gone(current: Json) -> Json:
            if current is None:
                raise Unchanged
            if self._is_elsewhere(job_id, current):
                raise _Overtaken
            return None

        if run := self._runs.get(job_id):
            run.ended = True
            await run.close()
        try:
            await self._ledger.transact(self._nodes.entry(job_id), gone)
        except _Overtaken:
            return False
        await self._delete_node(job_id)
        await self._database.delete(self._nodes.removal(job_id))
        log.info("job.removed", job=job_id)
        return True

    async def _delete_node(self, job_id: str) -> None:
        """Read once more: a write that was on its way when its job was stopped may have come later."""
        node = self._nodes.job(job_id)
        while True:
            await self._ledger.budget()
            await self._database.delete(node)
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
        return not job.ready(now=self.now(), lease_length=int(self._lease_seconds * 1000))

    # ── what internal tools ask for ──────────────────────────────────────────────────────────────────────────

    async def submit(self, input: job_pb2.JobInput, *, like: str = "") -> JobView:
        """First the job, then its entry, as the web client does; both only if nothing is there."""
        job_id = input.job_id or str(uuid.uuid4())
        wanted = job_pb2.JobInput()
        wanted.CopyFrom(input)
        wanted.job_id = job_id
        inputs = write_inputs(wanted)
        node: dict[str, Json] = {"state": {"inputs": inputs}, "run": {"createdAt": SERVER_TIME}}
        if like:
            node["run"]["like"] = like

        def new(current: Json) -> Json:
            if current is None:
                return node
            if not _same_inputs(members(members(current).get("state")).get("inputs"), inputs, job_id):
                raise JobExists(f"A job {job_id} with another input exists: choose another id.")
            raise Unchanged

        stored = await self._ledger.insist(
            lambda: self._ledger.transact(self._nodes.job(job_id), new), tries=5
        )
        if not state_of(None, members(members(members(stored).get("state")).get("outputs"))).terminal:
            await self._enqueue(job_id)
        return await self.get(job_id)

    async def _enqueue(self, job_id: str) -> None:
        def new(current: Json) -> Json:
            if current is not None:
                raise Unchanged
            return {"createdAt": SERVER_TIME}

        await self._ledger.insist(
            lambda: self._ledger.transact(self._nodes.entry(job_id), new, known=(None, NULL_ETAG)), tries=5
        )

    async def get(self, job_id: str) -> JobView:
        view = await self._view(job_id)
        if view.state is JobState.REMOVED:
            raise JobNotFound(f"There is no job {job_id}.")
        return view

    async def _view(self, job_id: str) -> JobView:
        async with task_group() as group:
            entry = group.create_task(self._database.get(self._nodes.entry(job_id)))
            state = group.create_task(self._outputs(job_id))
            run = group.create_task(self._run_node(job_id))
        stored = None
        if state.result() is not None or run.result():
            stored = {"state": {"outputs": state.result()}, "run": run.result()}
        return job_view(job_id, _entry(job_id, entry.result()), stored, model=self._live_model(job_id))

    async def _outputs(self, job_id: str) -> Json:
        """The status leaves and the log, not the canvas; {} for a job that has not begun."""
        path = self._nodes.outputs(job_id)
        names = ("isCompleted", "isFailed", "currentProgressCount", "totalProgressCount", "logs")
        async with task_group() as group:
            leaves = {name: group.create_task(self._database.get(f"{path}/{name}")) for name in names}
            inputs = group.create_task(self._database.keys(f"{self._nodes.job(job_id)}/state"))
        found = {name: leaf.result() for name, leaf in leaves.items() if leaf.result() is not None}
        return found if found or inputs.result() else None

    async def _run_node(self, job_id: str) -> Json:
        path = self._nodes.run(job_id)
        names = ("createdAt", "startedAt", "endedAt", "failure", "model")
        async with task_group() as group:
            leaves = {name: group.create_task(self._database.get(f"{path}/{name}")) for name in names}
        return {name: leaf.result() for name, leaf in leaves.items() if leaf.result() is not None}

    def _live_model(self, job_id: str) -> model_pb2.EventStormingModel | None:
        run = self._runs.get(job_id)
        return run.model if run else None

    async def input(self, job_id: str) -> job_pb2.JobInput:
        raw = await self._database.get(f"{self._nodes.job(job_id)}/state/inputs")
        if raw is None:
            raise JobNotFound(f"There is no job {job_id}.")
        return understand(raw, job_id=job_id).input

    async def msaez(self, job_id: str) -> Json:
        stored = await self._database.get(f"{self._nodes.outputs(job_id)}/esValue")
        return None if stored is None else {"elements": {}, "relations": {}} | decode(stored)

    async def watch(self, job_id: str) -> AsyncGenerator[JobView, None]:
        last = await self.get(job_id)
        yield last
        signals: asyncio.Queue[None] = asyncio.Queue(1)
        async with task_group() as group:
            tasks = [
                group.create_task(self._signal(f"{self._nodes.outputs(job_id)}/{leaf}", signals))
                for leaf in ("logs", "currentProgressCount", "isCompleted", "isFailed")
            ] + [group.create_task(self._signal(self._nodes.entry(job_id), signals))]
            while not last.state.terminal:
                await signals.get()
                view = await self._ledger.insist(lambda: self._view(job_id))
                if view != last:
                    last = view
                    yield view
            for task in tasks:
                task.cancel()

    async def _signal(self, path: str, signals: asyncio.Queue[None]) -> None:
        async with aclosing(self._database.watch(path)) as changes:
            async for _ in changes:
                if signals.empty():
                    signals.put_nowait(None)

    async def cancel(self, job_id: str, *, by: str) -> JobView:
        """Takes the lease over, so that whoever runs it stops; then ends it as failed."""
        view = await self.get(job_id)
        if view.state.terminal:
            raise WrongState(f"The job {job_id} is {view.state.value} already.")
        token = self._new_token()
        running = self._runs.get(job_id)

        def take(current: Json) -> Json:
            job = read_entry(job_id, current)
            if job.lease.token == token:
                raise Unchanged
            claimed = job.claimed(token=token, owner=self._owner, now=self.now())
            return claimed_entry(current, claimed, now=self.now())

        sent = self._ledger.clock.monotonic()
        try:
            entry = await self._ledger.insist(
                lambda: self._ledger.transact(self._nodes.entry(job_id), take), tries=5
            )
        except Garbage as error:
            raise WrongState(f"The job {job_id} is not queued any more.") from error
        if running:
            running.lose(f"cancelled by {by}")
            await running.close()
        await self._end_as_cancelled(job_id, read_entry(job_id, entry), sent, by)
        return await self.get(job_id)

    async def _end_as_cancelled(self, job_id: str, job: Job, sent: float, by: str) -> None:
        fence = Fence(self._ledger.clock, lease_seconds=self._lease_seconds)
        fence.renewed(sent)
        stored = await self._ledger.insist(lambda: self._database.get(self._nodes.job(job_id)))
        state = members(members(stored).get("state"))
        language = _language(state.get("inputs"))
        given = job_pb2.JobInput(job_id=job_id, language=language)
        run = RtdbRun(self._ledger, fence, job, input=given, stored=stored)
        if state_of(job, members(state.get("outputs"))).terminal:
            await run.end()
        else:
            await run.fail(sentence("cancelled", language, by=by))

    async def retry(self, job_id: str) -> JobView:
        """`isFailed` becomes false, never null; unusable answers are forgotten in every epoch's branch."""
        view = await self.get(job_id)
        if view.state is not JobState.FAILED:
            raise WrongState(f"The job {job_id} is {view.state.value}: only a failed job can be tried again.")
        journal = await self._database.get(self._nodes.journal(job_id))
        updates: dict[str, Json] = {f"run/journal/{path}": None for path in unusable_paths(journal)}
        updates |= {"state/outputs/isFailed": False, "run/endedAt": None, "run/failure": None}
        updates |= {"run/startedAt": None}
        await self._database.patch(self._nodes.job(job_id), updates)
        await self._enqueue(job_id)
        return await self.get(job_id)

    async def delete(self, job_id: str) -> None:
        await self.get(job_id)
        await self._database.put(self._nodes.removal(job_id), {"isRemoveRequested": True})


class _Overtaken(Exception):
    """The entry is not what was seen: somebody else was faster."""


def _entry(job_id: str, raw: Json) -> Job | None:
    try:
        return read_entry(job_id, raw)
    except Garbage:
        return None


def _is_garbage(job_id: str, raw: Json) -> bool:
    return _entry(job_id, raw) is None


def _language(inputs: Json) -> model_pb2.Language:
    prefered = decode(members(inputs)).get("preferedLanguage")
    return model_pb2.LANGUAGE_KOREAN if prefered == "Korean" else model_pb2.LANGUAGE_ENGLISH


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


def _same_inputs(stored: Json, wanted: Json, job_id: str) -> bool:
    try:
        return understand(stored, job_id=job_id).input == understand(wanted, job_id=job_id).input
    except InputRejected:
        return False
