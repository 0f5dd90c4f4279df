"""A failed job once more."""

from __future__ import annotations

from poller.errors import Transient
from poller.job import Job, JobState, Lease, silence_keys
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
    claimed_entry,
    entry_or_none,
    lease_node,
    members,
)
from poller.rtdb.writer import Unchanged, Writer


class Retries:
    """Puts failed jobs back into the queue."""

    def __init__(self, writer: Writer, claimant: Claimant) -> None:
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._claimant = claimant

    async def retry(self, view: JobView) -> None:
        """`isFailed` becomes false, never null; unusable answers are forgotten in every epoch's branch, and a silence of the
        language model that was told: should it last, the user is told anew.

        One write with the entry, so that nothing dies between them. An entry that is left is taken first: whoever settles an
        ended job deletes it.
        """
        job_id = view.job_id
        if view.state is not JobState.FAILED and not await self._is_between(view):
            raise WrongState(f"The job {job_id} is {view.state.value}: only a failed job can be tried again.")
        sent = self._writer.clock.monotonic()
        taken = await self._taken(job_id)
        journal = await self._database.get(self._nodes.journal(job_id))
        updates: dict[str, Json] = {f"{JOURNAL}/{path}": None for path in unusable_paths(journal)}
        updates |= {f"{SAID}/{said_name(key)}": None for key in silence_keys(usable(journal))}
        updates |= {IS_FAILED: False} | dict.fromkeys((CANCELLED, ENDED_AT, FAILURE, STARTED_AT, SEEN_AT))
        whole = with_row(self._nodes, job_id, view.created_at, updates, None)
        entry = self._nodes.entry(job_id)
        if taken is None:
            await self._database.patch("", whole | {f"{entry}/createdAt": SERVER_TIME})
            return
        whole[entry] = {"createdAt": SERVER_TIME, "lease": lease_node(taken.released())}
        fence = self._claimant.fence(self._writer.clock, sent_at=sent)
        await self._writer.under(taken.token).database.patch("", whole, before=fence.still_open)

    async def _taken(self, job_id: str) -> Lease | None:
        """Of an entry that is still there, a lease of our own; None where there is none. Nobody else's may be in force."""
        token = self._claimant.new_token()

        def take(current: Json) -> Json:
            job = entry_or_none(job_id, current)
            if job is None or job.lease.token == token or self._in_force(job) > 0:
                raise Unchanged
            # Not under our own name: the dispatcher would take it for a twin's.
            owner, now = f"{self._claimant.owner}/retry", self._writer.now()
            return claimed_entry(members(current), job.claimed(token=token, owner=owner, now=now), now=now)

        path = self._nodes.entry(job_id)
        stored = await self._writer.insist(lambda: self._writer.transact(path, take), tries=5)
        job = entry_or_none(job_id, stored)
        if job is not None and job.lease.token != token:
            left = max(0.0, self._in_force(job))
            raise Transient(
                f"The job {job_id} is still being ended: try again in {left:.0f} s.", retry_after=left
            )
        return job.lease if job else None

    def _in_force(self, job: Job) -> float:
        """For how many seconds more; not above 0 where nobody holds its lease."""
        left = job.ready_at(lease_length=self._claimant.lease_length) - self._writer.now()
        return left / 1000 if job.lease.held else 0.0

    async def _is_between(self, view: JobView) -> bool:
        """Neither ended nor queued: whoever was about to queue it died. Asked again, it is queued."""
        return not view.state.terminal and not await self._database.keys(self._nodes.entry(view.job_id))
