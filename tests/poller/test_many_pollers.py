"""Several pollers and one queue, in any order, with the database as a dict in which a conditional write is one step.

The jobs, entries and fences are the program's own. `test_many_pollers_rtdb` does the same over the embedded database.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import settings

from poller.job import Job
from poller.rtdb.fence import WRITE_SECONDS, Fence
from poller.rtdb.names import SERVER_TIME, claimed_entry, read_entry, released_entry
from tests.fakes import FakeClock
from tests.poller.queue_rules import LEASE_SECONDS, QueueRules, State


@dataclass(eq=False)
class Run:
    """A claimed job in the memory of its poller, which may have been overtaken without knowing."""

    job: Job
    fence: Fence


@dataclass(eq=False)
class Write:
    run: Run
    gives_up_at: float


class Pollers(QueueRules):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(start=1_700_000_000.0)
        self.entries: dict[str, dict[str, Any]] = {}
        self.journal: dict[str, list[int]] = {}
        self.claimed: dict[str, int] = {}
        self.ended: dict[str, State] = {}
        self.tokens = itertools.count()

    @property
    def now(self) -> int:
        return int(self.clock.time * 1000)

    def let_pass(self, seconds: float) -> None:
        self.clock.time += seconds

    def entry(self, job_id: str) -> Job | None:
        raw = self.entries.get(job_id)
        return None if raw is None else read_entry(job_id, raw)

    def state(self, job_id: str) -> State:
        return "queued" if job_id in self.entries else self.ended[job_id]

    def is_open(self, run: Run) -> bool:
        return run.fence.open

    def store(self, job_id: str, entry: dict[str, Any]) -> Job:
        """Resolves the server's time; no write may take the epoch back."""
        before = self.entry(job_id)
        lease = dict(entry.get("lease", {}))
        if lease.get("renewedAt") == SERVER_TIME:
            lease["renewedAt"] = self.now
        self.entries[job_id] = entry | ({"lease": lease} if lease else {})
        after = read_entry(job_id, self.entries[job_id])
        assert before is None or after.lease.epoch >= before.lease.epoch
        return after

    def end(self, job_id: str, how: State) -> None:
        self.entries.pop(job_id, None)
        self.ended[job_id] = how

    def put_entry(self, job_id: str) -> None:
        if self.ended.pop(job_id, None) == "removed":
            self.journal.pop(job_id, None)
            self.claimed.pop(job_id, None)
        self.store(job_id, {"createdAt": self.now})

    def do_claim(self, owner: str, seen: Job, *, lost_reply: bool) -> Run | None:
        current = self.entry(seen.id)
        if current is None or current.lease != seen.lease:
            return None
        fence = Fence(self.clock, lease_seconds=LEASE_SECONDS)
        fence.renewed(self.clock.monotonic())
        if current.lease.held:
            current = current.crashed(answered=current.lease.epoch in self.journal.get(current.id, []))
        job = current.claimed(
            token=f"token-{next(self.tokens)}",
            owner=owner,
            now=self.now,
            above=self.claimed.get(seen.id, 0),
        )
        stored = self.store(job.id, claimed_entry(self.entries[job.id], job, now=self.now))
        self.claimed[job.id] = stored.lease.epoch
        if stored.poisoned:
            self.end(job.id, "failed")
            return None
        return Run(stored, fence)

    def do_renew(self, run: Run, delay: float) -> bool:
        sent = self.clock.monotonic()
        self.clock.time += delay
        if not self.owns(run):
            run.fence.lose("another's")
            return False
        entry = self.entries[run.job.id]
        self.store(run.job.id, entry | {"lease": entry["lease"] | {"renewedAt": SERVER_TIME}})
        run.fence.renewed(sent)
        return True

    def do_write(self, run: Run) -> None:
        if run.fence.open:
            self.writes.append(Write(run, self.clock.time + WRITE_SECONDS))

    def do_arrive(self, write: Write) -> None:
        """The lease must still be the one under which it left."""
        if self.clock.time > write.gives_up_at:
            return
        job = write.run.job
        assert self.owns(write.run), "written to a job that is another's, or gone"
        epochs = self.journal.setdefault(job.id, [])
        assert job.lease.epoch >= max(epochs, default=0), "an older run wrote after a newer one"
        epochs.append(job.lease.epoch)

    def writes_of(self, owner: str, job_id: str) -> list[Write]:
        wanted = (owner, job_id)
        return [write for write in self.writes if (write.run.job.lease.owner, write.run.job.id) == wanted]

    def close(self, run: Run) -> None:
        self.writes = [write for write in self.writes if write.run is not run]

    def do_begin_again(self, run: Run) -> bool:
        if not self.owns(run):
            return False
        job = run.job.crashed(answered=run.job.lease.epoch in self.journal.get(run.job.id, []))
        again = job.claimed(token=job.lease.token, owner=job.lease.owner, now=self.now)
        sent = self.clock.monotonic()
        run.job = self.store(job.id, claimed_entry(self.entries[job.id], again, now=self.now))
        self.claimed[job.id] = run.job.lease.epoch
        run.fence.renewed(sent)
        return True

    def do_settle(self, run: Run, how: str) -> None:
        self.end(run.job.id, "completed" if how == "completed" else "failed")

    def do_release(self, run: Run, not_before: int) -> None:
        if self.owns(run):
            job = run.job.interrupted()
            job = replace(job, lease=job.lease.released(), not_before=not_before)
            self.store(job.id, released_entry(self.entries[job.id], job))

    def do_remove(self, owner: str, job_id: str) -> bool:
        entry = self.entry(job_id)
        if entry is not None and not (
            entry.waiting
            or (entry.lease.held and entry.lease.owner == owner)
            or entry.ready(now=self.now, lease_length=int(LEASE_SECONDS * 1000))
        ):
            return False
        self.end(job_id, "removed")
        return True


TestManyPollers = Pollers.TestCase
TestManyPollers.settings = settings(max_examples=200, stateful_step_count=50)
