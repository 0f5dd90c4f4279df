"""A failed job once more."""

from __future__ import annotations

from poller.errors import Transient
from poller.job import Job, JobState, silence_keys
from poller.ports import JobView, WrongState
from poller.rtdb.display import said_name
from poller.rtdb.fence import Claimant
from poller.rtdb.index import with_row
from poller.rtdb.journal import unusable_paths, usable
from poller.rtdb.names import (
    CANCELLED,
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
)
from poller.rtdb.submissions import Submissions
from poller.rtdb.writer import Writer


class Retries:
    """Puts failed jobs back into the queue."""

    def __init__(self, writer: Writer, submissions: Submissions, claimant: Claimant) -> None:
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._submissions, self._lease_length = submissions, claimant.lease_length

    async def retry(self, view: JobView) -> None:
        """`isFailed` becomes false, never null; unusable answers are forgotten in every epoch's branch, and a silence of the
        language model that was told: should it last, the user is told anew.

        One write with the entry, so that nothing dies between them; of an entry that came meanwhile it touches one leaf alone.
        """
        job_id = view.job_id
        if view.state is not JobState.FAILED and not await self._is_between(view):
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
            await self._submissions.enqueue(job_id)

    async def _ended_entry(self, job_id: str) -> Job | None:
        """The flag comes before the end: whoever still holds the lease would undo what is written now."""
        entry = entry_or_none(job_id, await self._database.get(self._nodes.entry(job_id)))
        if entry and entry.lease.held:
            left = (entry.ready_at(lease_length=self._lease_length) - self._writer.now()) / 1000
            if left > 0:
                again = f"try again in {left:.0f} s"
                raise Transient(f"The job {job_id} is still being ended: {again}.", retry_after=left)
        return entry

    async def _is_between(self, view: JobView) -> bool:
        """Neither ended nor queued: whoever was about to queue it died. Asked again, it is queued."""
        return not view.state.terminal and not await self._database.keys(self._nodes.entry(view.job_id))
