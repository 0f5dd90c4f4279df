"""New jobs, and their place in the queue: first the job, then its entry, as the web client does; both only if nothing is there."""

from __future__ import annotations

from eventstorming.v1 import job_pb2

from poller.errors import InputRejected
from poller.msaez.inputs import understand, write_inputs
from poller.ports import NOBODY, Caller, JobExists, JobNotFound, WrongState
from poller.rtdb.journal import borrowed
from poller.rtdb.names import SERVER_TIME, Json
from poller.rtdb.stored import StoredJob
from poller.rtdb.webhooks import RtdbWebhooks, written
from poller.rtdb.writer import Unchanged, Writer

NULL_ETAG = "null_etag"
BORROWED = "0"  # the branch below every epoch: an answer of the job's own wins


class Submissions:
    """Each step may be repeated by whoever lost its answer."""

    def __init__(self, writer: Writer, webhooks: RtdbWebhooks) -> None:
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._webhooks = webhooks

    async def submit(self, wanted: job_pb2.JobInput, *, like: str, caller: Caller) -> None:
        """Under the id that it names. Raises InputRejected, JobExists where the id has another input; JobNotFound, WrongState of `like`."""
        job_id, inputs = wanted.job_id, write_inputs(wanted)
        node: dict[str, Json] = {"state": {"inputs": inputs}, "run": {"createdAt": SERVER_TIME}}
        if caller != NOBODY:
            node["run"]["caller"] = written(caller)
        if caller.webhooks:
            # first: who dies in between owes nothing for a job that never came
            await self._webhooks.owe(job_id)
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
            await self.enqueue(job_id)

    async def _borrowed(self, earlier: str) -> dict[str, str]:
        """A copy of the answers: what becomes of the earlier job is no concern of the new one."""
        if not await self._database.keys(self._nodes.job(earlier)):
            raise JobNotFound(f"There is no job {earlier} any more whose answers could be used again.")
        answers = borrowed(await self._database.get(self._nodes.journal(earlier)))
        if not answers:
            raise WrongState(f"The job {earlier} has no answers that could be used again.")
        return answers

    async def enqueue(self, job_id: str) -> None:
        """Its entry, unless it has one."""

        def new(current: Json) -> Json:
            if current is not None:
                raise Unchanged
            return {"createdAt": SERVER_TIME}

        await self._writer.insist(
            lambda: self._writer.transact(self._nodes.entry(job_id), new, known=(None, NULL_ETAG)), tries=5
        )


def _same_inputs(stored: Json, wanted: Json, job_id: str) -> bool:
    try:
        return understand(stored, job_id=job_id).input == understand(wanted, job_id=job_id).input
    except InputRejected:
        return False
