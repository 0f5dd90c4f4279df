"""Jobs in the Realtime Database, for their users: submit, look, follow, cancel, try again, delete. Implements the port `Jobs`.

Nobody needs to listen to the queue for it.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator

from eventstorming.v1 import job_pb2

from poller.errors import InputRejected, Transient
from poller.job import Job, JobState, silence_keys
from poller.msaez.encoding import decode
from poller.msaez.inputs import understand, write_inputs
from poller.ports import NOBODY, Caller, JobExists, JobFilter, JobNotFound, JobPage, JobView, WrongState
from poller.rtdb.cancels import Cancels
from poller.rtdb.display import said_name
from poller.rtdb.fence import Claimant
from poller.rtdb.index import with_row
from poller.rtdb.journal import borrowed, unusable_paths, usable
from poller.rtdb.listing import Listing
from poller.rtdb.names import (
    CALLER,
    CANCELLED,
    CANVAS,
    ENDED_AT,
    FAILURE,
    IS_FAILED,
    JOURNAL,
    SAID,
    SEEN_AT,
    SERVER_TIME,
    STARTED_AT,
    Json,
    entry_or_none,
    members,
)
from poller.rtdb.queue_copy import QueueCopy
from poller.rtdb.reader import JobReader
from poller.rtdb.run import Runs
from poller.rtdb.stored import StoredJob
from poller.rtdb.watching import Watching
from poller.rtdb.webhooks import RtdbWebhooks, read, written
from poller.rtdb.writer import Unchanged, Writer

NULL_ETAG = "null_etag"
BORROWED = "0"  # the branch below every epoch: an answer of the job's own wins


class RtdbJobs:
    """`runs` are the jobs claimed by this process, `copy` what it knows of the queue."""

    def __init__(
        self, writer: Writer, copy: QueueCopy, runs: Runs, claimant: Claimant, webhooks: RtdbWebhooks
    ) -> None:
        self._webhooks = webhooks
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._reader = JobReader(writer, copy, runs, owner=claimant.owner)
        self._watching = Watching(writer, self._reader, runs)
        self._listing = Listing(writer, copy, runs)
        self._cancels = Cancels(writer, runs, claimant)
        self._lease_length = claimant.lease_length

    def now(self) -> int:
        return self._writer.now()

    async def submit(self, input: job_pb2.JobInput, *, like: str = "", caller: Caller = NOBODY) -> JobView:
        """First the job, then its entry, as the web client does; both only if nothing is there."""
        job_id = input.job_id or str(uuid.uuid4())
        wanted = job_pb2.JobInput()
        wanted.CopyFrom(input)
        wanted.job_id = job_id
        inputs = write_inputs(wanted)
        node: dict[str, Json] = {"state": {"inputs": inputs}, "run": {"createdAt": SERVER_TIME}}
        if caller != NOBODY:
            node["run"]["caller"] = written(caller)
        if caller.webhooks:
            await self._webhooks.owe(
                job_id
            )  # first: who dies in between owes nothing for a job that never came
        if like:
            node["run"] |= {"like": like, "journal": {BORROWED: await self._borrowed(like)}}

        def new(current: Json) -> Json:
            if current is None:
                return node
            if not _same_inputs(StoredJob.of(current).inputs, inputs, job_id):
                raise JobExists(f"A job {job_id} with another input exists: choose another id.")
            raise Unchanged

        stored = await self._writer.insist(
            lambda: self._writer.transact(self._nodes.job(job_id), new), tries=5
        )
        if not StoredJob.of(stored).state().terminal:
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
        view = await self._reader.view(job_id)
        if view.state is JobState.REMOVED:
            raise JobNotFound(f"There is no job {job_id}.")
        return view

    async def list_jobs(self, wanted: JobFilter, *, size: int, after: str = "") -> JobPage:
        return await self._listing.page(wanted, size=size, after=after)

    async def input(self, job_id: str) -> job_pb2.JobInput:
        raw = await self._database.get(self._nodes.inputs(job_id))
        if raw is None:
            raise JobNotFound(f"There is no job {job_id}.")
        return understand(raw, job_id=job_id).input

    async def caller(self, job_id: str) -> Caller:
        return read(await self._database.get(self._nodes.leaf(job_id, CALLER)))

    async def msaez(self, job_id: str) -> Json:
        stored = await self._database.get(self._nodes.leaf(job_id, CANVAS))
        return None if stored is None else {"elements": {}, "relations": {}} | decode(stored)

    def watch(self, job_id: str) -> AsyncGenerator[JobView, None]:
        return self._watching.views(job_id)

    async def cancel(self, job_id: str, *, by: str) -> JobView:
        view = await self.get(job_id)
        if view.state.terminal:
            raise WrongState(f"The job {job_id} is {view.state.value} already.")
        await self._cancels.cancel(job_id, by=by)
        return await self.get(job_id)

    async def retry(self, job_id: str) -> JobView:
        """`isFailed` becomes false, never null; unusable answers are forgotten in every epoch's branch, and a silence of the
        language model that was told: should it last, the user is told anew.

        One write with the entry, so that nothing dies between them; of an entry that came meanwhile it touches one leaf alone.
        """
        view = await self.get(job_id)
        if view.state is not JobState.FAILED and not await self._is_between(job_id, view):
            raise WrongState(f"The job {job_id} is {view.state.value}: only a failed job can be tried again.")
        entry = await self._ended_entry(job_id)
        journal = await self._database.get(self._nodes.journal(job_id))
        updates: dict[str, Json] = {f"{JOURNAL}/{path}": None for path in unusable_paths(journal)}
        updates |= {f"{SAID}/{said_name(key)}": None for key in silence_keys(usable(journal))}
        updates |= {IS_FAILED: False} | dict.fromkeys((CANCELLED, ENDED_AT, FAILURE, STARTED_AT, SEEN_AT))
        whole = with_row(self._nodes, job_id, view.created_at, updates, None)
        if entry is None:
            whole[f"{self._nodes.entry(job_id)}/createdAt"] = SERVER_TIME
        await self._database.patch("", whole)
        if entry is not None:
            await self._enqueue(job_id)
        if (await self.caller(job_id)).webhooks:
            await self._webhooks.owe(job_id)
        return await self.get(job_id)

    async def _ended_entry(self, job_id: str) -> Job | None:
        """The flag comes before the end: whoever still holds the lease would undo what is written now."""
        entry = entry_or_none(job_id, await self._database.get(self._nodes.entry(job_id)))
        if entry and entry.lease.held:
            left = (entry.ready_at(lease_length=self._lease_length) - self._writer.now()) / 1000
            if left > 0:
                again = f"try again in {left:.0f} s"
                raise Transient(f"The job {job_id} is still being ended: {again}.", retry_after=left)
        return entry

    async def _is_between(self, job_id: str, view: JobView) -> bool:
        """Neither ended nor queued: whoever was about to queue it died. Asked again, it is queued."""
        return not view.state.terminal and not await self._database.keys(self._nodes.entry(job_id))

    async def delete(self, job_id: str) -> None:
        await self.get(job_id)
        await self._database.put(self._nodes.removal(job_id), {"isRemoveRequested": True})


def _same_inputs(stored: Json, wanted: Json, job_id: str) -> bool:
    try:
        return understand(stored, job_id=job_id).input == understand(wanted, job_id=job_id).input
    except InputRejected:
        return False
