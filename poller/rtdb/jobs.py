"""What internal tools ask of the queue: submit, look, follow, cancel, try again, delete. No listener of the queue needed."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable

from eventstorming.v1 import job_pb2, model_pb2

from poller.errors import InputRejected, Transient
from poller.job import Job, JobState
from poller.msaez.encoding import decode
from poller.msaez.inputs import understand, write_inputs
from poller.ports import JobExists, JobNotFound, JobView, WrongState
from poller.rtdb.fence import Fence
from poller.rtdb.index import with_row
from poller.rtdb.journal import borrowed, highest_epoch, unusable_paths
from poller.rtdb.names import SERVER_TIME, Garbage, Json, claimed_entry, members, read_entry, text
from poller.rtdb.run import RtdbRun
from poller.rtdb.views import job_view, log_lines, state_of
from poller.rtdb.watching import Watching
from poller.rtdb.writer import Unchanged, Writer
from poller.sentences import sentence
from process.tasks import task_group

NULL_ETAG = "null_etag"
BORROWED = "0"  # the branch below every epoch: an answer of the job's own wins

_STATUS = ("isCompleted", "isFailed", "currentProgressCount", "totalProgressCount", "logs")
_RUN = ("createdAt", "startedAt", "endedAt", "failure", "model")


class Desk:
    """`runs` are the jobs claimed by this process."""

    def __init__(
        self,
        writer: Writer,
        *,
        owner: str,
        lease_seconds: float,
        new_token: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._writer = writer
        self._database = writer.database
        self._nodes = writer.nodes
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._lease_length = int(lease_seconds * 1000)
        self._new_token = new_token
        self._watching = Watching(writer, self)
        self._runs = self._watching.runs

    def now(self) -> int:
        return self._writer.now()

    async def submit(self, input: job_pb2.JobInput, *, like: str = "") -> JobView:
        """First the job, then its entry, as the web client does; both only if nothing is there."""
        job_id = input.job_id or str(uuid.uuid4())
        wanted = job_pb2.JobInput()
        wanted.CopyFrom(input)
        wanted.job_id = job_id
        inputs = write_inputs(wanted)
        node: dict[str, Json] = {"state": {"inputs": inputs}, "run": {"createdAt": SERVER_TIME}}
        if like:
            node["run"] |= {"like": like, "journal": {BORROWED: await self._borrowed(like)}}

        def new(current: Json) -> Json:
            if current is None:
                return node
            if not _same_inputs(members(members(current).get("state")).get("inputs"), inputs, job_id):
                raise JobExists(f"A job {job_id} with another input exists: choose another id.")
            raise Unchanged

        stored = await self._writer.insist(
            lambda: self._writer.transact(self._nodes.job(job_id), new), tries=5
        )
        if not state_of(None, members(members(members(stored).get("state")).get("outputs"))).terminal:
            await self._enqueue(job_id)
        return await self.get(job_id)

    async def _borrowed(self, earlier: str) -> dict[str, str]:
        """A copy of the answers: what becomes of the earlier job is no concern of the new one."""
        if not await self._database.keys(self._nodes.job(earlier)):
            raise JobNotFound(f"There is no job {earlier} any more whose answers could be used again.")
        answers = borrowed(await self._database.get(self._nodes.journal(earlier)))
        if not answers:
            raise WrongState(f"The job {earlier} has no answers that could be used again.")
        return answers

    async def _enqueue(self, job_id: str) -> None:
        def new(current: Json) -> Json:
            if current is None:
                return {"createdAt": SERVER_TIME}
            if "cancelledBy" not in members(current):
                raise Unchanged
            return {name: value for name, value in current.items() if name != "cancelledBy"}

        await self._writer.insist(
            lambda: self._writer.transact(self._nodes.entry(job_id), new, known=(None, NULL_ETAG)), tries=5
        )

    async def get(self, job_id: str) -> JobView:
        view = await self._view(job_id)
        if view.state is JobState.REMOVED:
            raise JobNotFound(f"There is no job {job_id}.")
        return view

    async def _view(self, job_id: str) -> JobView:
        async with task_group() as group:
            entry = group.create_task(self._database.get(self._nodes.entry(job_id)))
            stored = group.create_task(self.stored(job_id))
        job = entry_or_none(job_id, entry.result())
        return job_view(job_id, job, stored.result(), model=self._live_model(job_id))

    async def entry(self, job_id: str) -> Job | None:
        return entry_or_none(job_id, await self._database.get(self._nodes.entry(job_id)))

    async def stored(self, job_id: str) -> Json:
        """Of a job's node what a view shows, without a model that a run here knows; None without a job."""
        leaves = _RUN[:-1] if self._live_model(job_id) else _RUN
        async with task_group() as group:
            state = group.create_task(self._outputs(job_id))
            run = group.create_task(self._leaves(self._nodes.run(job_id), leaves))
        if state.result() is None and not run.result():
            return None
        return {"state": {"outputs": state.result()}, "run": run.result()}

    async def _outputs(self, job_id: str) -> Json:
        """The status leaves and the log, not the canvas; None without a job."""
        found = await self._leaves(self._nodes.outputs(job_id), _STATUS)
        return found or ({} if await self._database.keys(f"{self._nodes.job(job_id)}/state") else None)

    async def _leaves(self, path: str, names: tuple[str, ...]) -> dict[str, Json]:
        async with task_group() as group:
            reads = {name: group.create_task(self._database.get(f"{path}/{name}")) for name in names}
        return {name: read.result() for name, read in reads.items() if read.result() is not None}

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

    def watch(self, job_id: str) -> AsyncGenerator[JobView, None]:
        return self._watching.views(job_id)

    async def cancel(self, job_id: str, *, by: str) -> JobView:
        """Takes the lease over, so that whoever runs it stops; then ends it as failed.

        A run elsewhere may not hear of it, and write until its margin is used up. So the entry stays until its lease
        would have run out: whoever claims it then looks whether the end still stands.
        """
        view = await self.get(job_id)
        if view.state.terminal:
            raise WrongState(f"The job {job_id} is {view.state.value} already.")
        token, above = self._new_token(), await self._highest_epoch(job_id)
        before: list[Job] = []

        def take(current: Json) -> Json:
            job = read_entry(job_id, current)
            if job.lease.token == token:
                raise Unchanged
            before[:] = [job]
            # Not under our own name: the dispatcher would take it for a twin's.
            claimed = job.claimed(token=token, owner=f"{self._owner}/cancel", now=self.now(), above=above)
            return claimed_entry({**current, "cancelledBy": by}, claimed, now=self.now())

        sent = self._writer.clock.monotonic()
        try:
            entry = await self._writer.insist(
                lambda: self._writer.transact(self._nodes.entry(job_id), take), tries=5
            )
        except Garbage as error:
            raise WrongState(f"The job {job_id} is not queued any more.") from error
        if running := self._runs.get(job_id):
            running.lose(f"cancelled by {by}")
            await running.close()
        fence = Fence(self._writer.clock, lease_seconds=self._lease_seconds)
        fence.renewed(sent)
        stored = await self._writer.insist(lambda: self._database.get(self._nodes.job(job_id)))
        given = _input_or_none(members(members(stored).get("state")).get("inputs"), job_id)
        job, stays = read_entry(job_id, entry), self._may_write_on(before[0], running)
        async with RtdbRun(self._writer, fence, job, input=given, stored=stored, runs=self._runs) as run:
            await self._end_as_cancelled(run, stored, by, entry_stays=stays)
        return await self.get(job_id)

    def _may_write_on(self, job: Job, running: RtdbRun | None) -> bool:
        """Whether the run of this lease is out of our reach, and of the database's."""
        is_here = running is not None and running.job.lease.token == job.lease.token
        left = job.lease.held and not job.ready(now=self.now(), lease_length=self._lease_length)
        return left and not is_here and not self._writer.lease_rules

    async def _highest_epoch(self, job_id: str) -> int:
        """Without downloading the answers."""
        async with task_group() as group:
            epochs = group.create_task(self._database.keys(f"{self._nodes.run(job_id)}/epochs"))
            branches = group.create_task(self._database.keys(self._nodes.journal(job_id)))
        return highest_epoch({"epochs": dict.fromkeys([*epochs.result(), *branches.result()], True)})

    async def _end_as_cancelled(
        self, run: RtdbRun, stored: Json, by: str, *, entry_stays: bool = False
    ) -> None:
        why = sentence("cancelled", run.input.language, by=by)
        if _stands(stored, why):
            await run.kept(run.end())
        else:
            await run.kept(run.show_failure(why) if entry_stays else run.fail(why))

    async def retry(self, job_id: str) -> JobView:
        """`isFailed` becomes false, never null; unusable answers are forgotten in every epoch's branch."""
        view = await self.get(job_id)
        if view.state is not JobState.FAILED and not await self._is_between(job_id, view):
            raise WrongState(f"The job {job_id} is {view.state.value}: only a failed job can be tried again.")
        await self._check_over(job_id)
        journal = await self._database.get(self._nodes.journal(job_id))
        updates: dict[str, Json] = {f"run/journal/{path}": None for path in unusable_paths(journal)}
        updates |= {"state/outputs/isFailed": False, "run/endedAt": None, "run/failure": None}
        updates |= {"run/startedAt": None, "run/seenAt": None}
        await self._database.patch("", with_row(self._nodes, job_id, view.created_at, updates, None))
        await self._enqueue(job_id)
        return await self.get(job_id)

    async def _check_over(self, job_id: str) -> None:
        """The flag comes before the end: whoever still holds the lease would undo what is written now."""
        entry = entry_or_none(job_id, await self._database.get(self._nodes.entry(job_id)))
        if entry and entry.lease.held:
            left = (entry.ready_at(lease_length=self._lease_length) - self.now()) / 1000
            if left > 0:
                again = f"try again in {left:.0f} s"
                raise Transient(f"The job {job_id} is still being ended: {again}.", retry_after=left)

    async def _is_between(self, job_id: str, view: JobView) -> bool:
        """Neither ended nor queued: whoever was about to queue it died. Asked again, it is queued."""
        return not view.state.terminal and not await self._database.keys(self._nodes.entry(job_id))

    async def delete(self, job_id: str) -> None:
        await self.get(job_id)
        await self._database.put(self._nodes.removal(job_id), {"isRemoveRequested": True})


def _stands(stored: Json, why: str) -> bool:
    """Whether a cancelled job has its end: before it was cancelled, or as that, with nothing of it overwritten since."""
    outputs = members(members(members(stored).get("state")).get("outputs"))
    state = state_of(None, outputs)
    if text(members(members(stored).get("run")).get("failure")) != why:
        return state.terminal
    return state is JobState.FAILED and why in [line.message for line in log_lines(outputs.get("logs"))]


def entry_or_none(job_id: str, raw: Json) -> Job | None:
    try:
        return read_entry(job_id, raw)
    except Garbage:
        return None


def language_of(inputs: Json) -> model_pb2.Language:
    prefered = decode(members(inputs)).get("preferedLanguage")
    return model_pb2.LANGUAGE_KOREAN if prefered == "Korean" else model_pb2.LANGUAGE_ENGLISH


def _input_or_none(inputs: Json, job_id: str) -> job_pb2.JobInput:
    """Of an input that cannot be understood, at least the language its author reads."""
    try:
        return understand(inputs, job_id=job_id).input
    except InputRejected:
        return job_pb2.JobInput(job_id=job_id, language=language_of(inputs))


def _same_inputs(stored: Json, wanted: Json, job_id: str) -> bool:
    try:
        return understand(stored, job_id=job_id).input == understand(wanted, job_id=job_id).input
    except InputRejected:
        return False
