"""Jobs in the Realtime Database, for their users: submit, look, follow, cancel, try again, delete. Implements the port `Jobs`.

Nobody needs to listen to the queue for it.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator

from eventstorming.v1 import job_pb2

from poller.job import JobState
from poller.msaez.encoding import decode
from poller.msaez.inputs import understand
from poller.ports import NOBODY, Caller, JobFilter, JobNotFound, JobPage, JobView, WrongState
from poller.rtdb.cancels import Cancels
from poller.rtdb.fence import Claimant
from poller.rtdb.listing import Listing
from poller.rtdb.names import (
    CALLER,
    CANVAS,
    INPUTS,
    Json,
)
from poller.rtdb.queue_copy import QueueCopy
from poller.rtdb.reader import JobReader
from poller.rtdb.retries import Retries
from poller.rtdb.run import Runs
from poller.rtdb.submissions import Submissions
from poller.rtdb.watching import Watching
from poller.rtdb.webhooks import RtdbWebhooks, read
from poller.rtdb.writer import Writer


class RtdbJobs:
    """`runs` are the jobs claimed by this process, `copy` what it knows of the queue."""

    def __init__(
        self, writer: Writer, copy: QueueCopy, runs: Runs, claimant: Claimant, webhooks: RtdbWebhooks
    ) -> None:
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._webhooks = webhooks
        self._reader = JobReader(writer, copy, runs, owner=claimant.owner)
        self._watching = Watching(writer, self._reader, runs)
        self._listing = Listing(writer, copy, runs)
        self._submissions = Submissions(writer, webhooks)
        self._cancels = Cancels(writer, runs, claimant)
        self._retries = Retries(writer, claimant)

    def now(self) -> int:
        return self._writer.now()

    async def submit(self, input: job_pb2.JobInput, *, like: str = "", caller: Caller = NOBODY) -> JobView:
        wanted = job_pb2.JobInput()
        wanted.CopyFrom(input)
        wanted.job_id = input.job_id or str(uuid.uuid4())
        await self._submissions.submit(wanted, like=like, caller=caller)
        return await self.get(wanted.job_id)

    async def get(self, job_id: str) -> JobView:
        view = await self._reader.view(job_id)
        if view.state is JobState.REMOVED:
            raise JobNotFound(f"There is no job {job_id}.")
        return view

    async def list_jobs(self, wanted: JobFilter, *, size: int, after: str = "") -> JobPage:
        return await self._listing.page(wanted, size=size, after=after)

    async def input(self, job_id: str) -> job_pb2.JobInput:
        raw = await self._database.get(self._nodes.leaf(job_id, INPUTS))
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
        view = await self.get(job_id)
        await self._retries.retry(view)
        if (await self.caller(job_id)).webhooks:
            await self._webhooks.owe(job_id)
        return await self.get(job_id)

    async def delete(self, job_id: str) -> None:
        await self.get(job_id)
        await self._database.put(self._nodes.removal(job_id), {"isRemoveRequested": True})
