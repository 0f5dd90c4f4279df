"""Ending a job from outside, wherever it runs."""

from __future__ import annotations

from poller.job import Job
from poller.ports import WrongState
from poller.rtdb.fence import Claimant
from poller.rtdb.names import EPOCHS, Garbage, Json, claimed_entry, highest_epoch, read_entry
from poller.rtdb.reads import at_once
from poller.rtdb.run import RtdbRun, Runs
from poller.rtdb.stored import StoredJob
from poller.rtdb.writer import Unchanged, Writer


class Cancels:
    """Ends jobs as failed, wherever they run."""

    def __init__(self, writer: Writer, runs: Runs, claimant: Claimant) -> None:
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._runs = runs
        self._claimant = claimant

    async def cancel(self, job_id: str, *, by: str) -> None:
        """Takes the lease over, so that whoever runs it stops; then ends it as failed.

        A run elsewhere may not hear of it, and write until its margin is used up. So the entry stays until its lease
        would have run out: whoever claims it then looks whether the end still stands.
        """
        token, above = self._claimant.new_token(), await self._highest_epoch(job_id)
        before: list[Job] = []

        def take(current: Json) -> Json:
            job = read_entry(job_id, current)
            if job.lease.token == token:
                raise Unchanged
            before[:] = [job]
            # Not under our own name: the dispatcher would take it for a twin's.
            claimed = job.claimed(
                token=token, owner=f"{self._claimant.owner}/cancel", now=self._writer.now(), above=above
            )
            return claimed_entry({**current, "cancelledBy": by}, claimed, now=self._writer.now())

        sent = self._writer.clock.monotonic()
        try:
            entry = await self._writer.insist(
                lambda: self._writer.transact(self._nodes.entry(job_id), take), tries=5
            )
        except Garbage as error:
            raise WrongState(f"The job {job_id} is not queued any more.") from error
        if running := self._runs.get(job_id):
            running.lease.lose(f"cancelled by {by}")
            await running.close()
        fence = self._claimant.fence(self._writer.clock, sent_at=sent)
        node = await self._writer.insist(lambda: self._database.get(self._nodes.job(job_id)))
        stored = StoredJob.of(node)
        given, _, _ = stored.input(job_id)
        job, stays = read_entry(job_id, entry), self._may_write_on(before[0], running)
        async with RtdbRun(self._writer, fence, job, input=given, stored=stored, runs=self._runs) as run:
            await run.settlement.cancel(stored, by, entry_stays=stays)

    def _may_write_on(self, job: Job, running: RtdbRun | None) -> bool:
        """Whether the run of this lease is out of our reach, and of the database's."""
        is_here = running is not None and running.job.lease.token == job.lease.token
        left = job.lease.held and not job.ready(
            now=self._writer.now(), lease_length=self._claimant.lease_length
        )
        return left and not is_here and not self._writer.lease_rules

    async def _highest_epoch(self, job_id: str) -> int:
        """Without downloading the answers."""
        branches = self._nodes.leaf(job_id, EPOCHS), self._nodes.journal(job_id)
        return highest_epoch(*await at_once(*map(self._database.keys, branches)))
