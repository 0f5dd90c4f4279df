"""Taking away: entries that are no jobs, and everything of a job that its user no longer wants."""

from __future__ import annotations

import structlog

from poller.job import JobState, LogLevel, LogLine, milliseconds
from poller.rtdb.display import log_node
from poller.rtdb.fence import Claimant
from poller.rtdb.index import ended_row, with_row, without_job
from poller.rtdb.names import (
    CREATED_AT,
    ENDED_AT,
    FAILURE,
    IS_FAILED,
    LOGS,
    SERVER_TIME,
    STATE,
    Json,
    entry_or_none,
    number,
    text,
)
from poller.rtdb.run import Runs
from poller.rtdb.stored import StoredJob
from poller.rtdb.writer import Unchanged, Writer
from poller.sentences import sentence

log = structlog.get_logger(__name__)


class Overtaken(Exception):
    """The entry is not what was seen: somebody else was faster."""


class Removals:
    """Takes jobs away: what is none, and what its user no longer wants."""

    def __init__(self, writer: Writer, runs: Runs, claimant: Claimant) -> None:
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._runs = runs
        self._claimant = claimant

    async def drop(self, job_id: str, reason: str, *, only_without_job: bool = False) -> None:
        """An entry that is no job, with `only_without_job` one whose job is gone; unless it became one meanwhile. A job that it hides ends as failed."""

        there = False

        def gone(current: Json) -> Json:
            nonlocal there
            there = current is not None and (only_without_job or not entry_or_none(job_id, current))
            if not there:
                raise Unchanged
            return None

        state = await self._database.get(self._nodes.leaf(job_id, STATE))
        if state is not None and only_without_job:
            return
        stored = StoredJob.of({"state": state})
        if state is not None and not stored.state().terminal:
            await self._fail_without_entry(job_id, stored)
        await self._writer.transact(self._nodes.entry(job_id), gone)
        if there:
            log.warning("job.dropped", job=job_id, reason=reason)

    async def _fail_without_entry(self, job_id: str, stored: StoredJob) -> None:
        """Nobody may be left waiting for a job that cannot run: a damaged entry hides its inputs from nobody."""
        reason = sentence("no_entry", stored.language)
        line = log_node(LogLine(level=LogLevel.ERROR, message=reason), now=self._writer.now())
        held = await self._database.get(f"{self._nodes.lease(job_id)}/token")
        writer = self._writer.under(text(held))
        await writer.patch(self._nodes.job(job_id), {f"{LOGS}/{stored.next_line}": line})
        flag = {IS_FAILED: True, ENDED_AT: SERVER_TIME, FAILURE: reason}
        created = number(await self._database.get(self._nodes.leaf(job_id, CREATED_AT)))
        row = ended_row(JobState.FAILED, failure=reason)
        whole = with_row(self._nodes, job_id, milliseconds(created or self._writer.now()), flag, row)
        await writer.patch("", whole)
        self._writer.metrics.ended("failed")

    async def remove(self, job_id: str) -> bool:
        """False while a live run elsewhere owns it."""
        created: list[int] = []

        def gone(current: Json) -> Json:
            if current is None:
                raise Unchanged
            if self._is_elsewhere(job_id, current):
                raise Overtaken
            if job := entry_or_none(job_id, current):
                created.append(job.created_at)
            return None

        if run := self._runs.get(job_id):
            run.lease.ended = True
            await run.close()
        try:
            await self._writer.transact(self._nodes.entry(job_id), gone)
        except Overtaken:
            return False
        await self._delete_node(job_id, created)
        await self._database.delete(self._nodes.removal(job_id))
        self._writer.metrics.ended("removed")
        log.info("job.removed", job=job_id)
        return True

    async def _delete_node(self, job_id: str, created: list[int]) -> None:
        """Read once more: a write that was on its way when its job was stopped may have come later."""
        while True:
            born = number(await self._database.get(self._nodes.leaf(job_id, CREATED_AT)))
            times = [*created, milliseconds(born)] if born else created
            await self._writer.budget()
            await self._database.patch("", without_job(self._nodes, job_id, *times))
            state = await self._database.get(self._nodes.leaf(job_id, STATE))
            if state is None and not await self._database.keys(self._nodes.job(job_id)):
                return

    def _is_elsewhere(self, job_id: str, current: Json) -> bool:
        """Whether a live run of another poller, or of the old worker, owns it; or a former life of ours: its last write may still come."""
        job = entry_or_none(job_id, current)
        if job is None or job.waiting:
            return False
        if job.lease.owner == self._claimant.owner and job.lease.token in self._runs.tokens:
            return False
        return not job.ready(now=self._writer.now(), lease_length=self._claimant.lease_length)
