"""Several pollers and one queue, in any order of claims, renewals, waits, crashes, settlements and removals.

The jobs, entries and fences are the program's own; the database is a dict in which a conditional write is one step.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from poller.job import Job
from poller.rtdb.fence import WRITE_SECONDS, Fence
from poller.rtdb.names import SERVER_TIME, claimed_entry, read_entry, released_entry
from tests.fakes import FakeClock

LEASE_SECONDS = 30.0
LENGTH = int(LEASE_SECONDS * 1000)
POLLERS = st.sampled_from(["poller-a", "poller-b", "poller-c"])
JOBS = st.sampled_from(["j1", "j1", "j1", "j2"])
SECONDS = st.sampled_from([1.0, 4.0, 19.0, 31.0])
DELAY = st.floats(0, WRITE_SECONDS)
INDEX = st.integers(0, 99)


@dataclass
class Claim:
    """A poller saw a job that it may take; its write has not arrived yet."""

    owner: str
    seen: Job
    fence: Fence


@dataclass
class Run:
    """A claimed job in the memory of its poller, which may have been overtaken without knowing."""

    job: Job
    fence: Fence


@dataclass
class Write:
    """On its way to the database."""

    run: Run
    gives_up_at: float


class Pollers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(start=1_700_000_000.0)
        self.entries: dict[str, dict[str, Any]] = {}
        self.journal: dict[str, list[int]] = {}
        self.acknowledged: set[str] = set()
        self.ended: dict[str, str] = {}
        self.claims: list[Claim] = []
        self.runs: list[Run] = []
        self.writes: list[Write] = []
        self.tokens = itertools.count()

    # ── the database ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def now(self) -> int:
        return int(self.clock.time * 1000)

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

    def entry(self, job_id: str) -> Job | None:
        raw = self.entries.get(job_id)
        return None if raw is None else read_entry(job_id, raw)

    def end(self, job_id: str, how: str) -> None:
        del self.entries[job_id]
        self.ended[job_id] = how

    def owns(self, run: Run) -> bool:
        entry = self.entry(run.job.id)
        return entry is not None and entry.lease.token == run.job.lease.token

    # ── what users and time do ───────────────────────────────────────────────────────────────────────────────

    @rule(job_id=JOBS)
    def submit_or_retry(self, job_id: str) -> None:
        if job_id not in self.entries:
            if self.ended.pop(job_id, None) == "removed":
                self.journal.pop(job_id, None)
            self.store(job_id, {"createdAt": self.now})
            self.acknowledged.add(job_id)

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.clock.time += seconds

    # ── what pollers do ──────────────────────────────────────────────────────────────────────────────────────

    @rule(owner=POLLERS, job_id=JOBS)
    def begin_to_claim(self, owner: str, job_id: str) -> None:
        seen = self.entry(job_id)
        if seen is not None and seen.ready(now=self.now, lease_length=LENGTH):
            fence = Fence(self.clock, lease_seconds=LEASE_SECONDS)
            fence.renewed(self.clock.monotonic())
            self.claims.append(Claim(owner, seen, fence))

    @precondition(lambda self: self.claims)
    @rule(index=INDEX)
    def claim(self, index: int) -> None:
        """Whoever finds another lease than the one it saw has been too slow."""
        claim = self.claims.pop(index % len(self.claims))
        current = self.entry(claim.seen.id)
        if current is None or current.lease != claim.seen.lease:
            return
        epochs = self.journal.setdefault(current.id, [])
        if current.lease.held:
            current = current.crashed(answered=current.lease.epoch in epochs)
        token, highest = f"token-{next(self.tokens)}", max(epochs, default=0)
        job = current.claimed(token=token, owner=claim.owner, now=self.now, above=highest)
        assert job.lease.epoch > highest
        stored = self.store(job.id, claimed_entry(self.entries[job.id], job, now=self.now))
        assert (stored.lease.token, stored.crashes) == (token, job.crashes)
        if stored.poisoned:
            self.end(job.id, "failed")
        else:
            self.runs.append(Run(stored, claim.fence))

    @rule(owner=POLLERS)
    def claim_at_once(self, owner: str) -> None:
        before = len(self.claims)
        self.begin_to_claim(owner, "j1")
        if len(self.claims) > before:
            self.claim(before)

    @precondition(lambda self: self.runs)
    @rule(index=INDEX, delay=DELAY)
    def renew(self, index: int, delay: float) -> None:
        run = self.runs[index % len(self.runs)]
        sent = self.clock.monotonic()
        self.clock.time += delay
        if not self.owns(run):
            run.fence.lose("another's")
            return
        entry = self.entries[run.job.id]
        self.store(run.job.id, entry | {"lease": entry["lease"] | {"renewedAt": SERVER_TIME}})
        run.fence.renewed(sent)

    @precondition(lambda self: self.runs)
    @rule(index=INDEX)
    def write(self, index: int) -> None:
        """An unconditional write leaves, if the fence lets it."""
        run = self.runs[index % len(self.runs)]
        if run.fence.open:
            self.writes.append(Write(run, self.clock.time + WRITE_SECONDS))

    @precondition(lambda self: self.writes)
    @rule(index=INDEX)
    def arrive(self, index: int) -> None:
        """It arrives before it gives up: the lease must still be the one under which it left."""
        write = self.writes.pop(index % len(self.writes))
        if self.clock.time > write.gives_up_at:
            return
        job = write.run.job
        assert self.owns(write.run), "written to a job that is another's, or gone"
        epochs = self.journal[job.id]
        assert job.lease.epoch >= max(epochs, default=0), "an older run wrote after a newer one"
        epochs.append(job.lease.epoch)

    def close(self, run: Run) -> None:
        """Before a run is settled or begins again, its writes have answered or given up."""
        self.writes = [write for write in self.writes if write.run is not run]

    @precondition(lambda self: self.runs)
    @rule(index=INDEX)
    def begin_again(self, index: int) -> None:
        """The executor vanished: the next epoch, under the same lease."""
        run = self.runs[index % len(self.runs)]
        self.close(run)
        if self.owns(run):
            job = run.job.crashed(answered=run.job.lease.epoch in self.journal[run.job.id])
            again = job.claimed(token=job.lease.token, owner=job.lease.owner, now=self.now)
            sent = self.clock.monotonic()
            run.job = self.store(job.id, claimed_entry(self.entries[job.id], again, now=self.now))
            run.fence.renewed(sent)

    @precondition(lambda self: self.runs)
    @rule(index=INDEX, how=st.sampled_from(["completed", "failed"]))
    def settle(self, index: int, how: str) -> None:
        run = self.runs[index % len(self.runs)]
        if run.fence.open:
            assert self.owns(run)
            self.close(run)
            self.end(run.job.id, how)
            self.runs.remove(run)

    @precondition(lambda self: self.runs)
    @rule(index=INDEX, pause=st.integers(0, 60_000))
    def release(self, index: int, pause: int) -> None:
        run = self.runs.pop(index % len(self.runs))
        self.close(run)
        if self.owns(run):
            job = run.job.interrupted().released(not_before=self.now + pause)
            self.store(job.id, released_entry(self.entries[job.id], job))

    @precondition(lambda self: self.runs)
    @rule(index=INDEX)
    def crash(self, index: int) -> None:
        self.runs.pop(index % len(self.runs))

    @rule(owner=POLLERS, job_id=JOBS)
    def remove(self, owner: str, job_id: str) -> None:
        """Never under a live run of another poller; its own it stops first."""
        entry = self.entry(job_id)
        if entry is None:
            return
        is_own = entry.lease.held and entry.lease.owner == owner
        if entry.waiting or is_own or entry.ready(now=self.now, lease_length=LENGTH):
            self.runs = [run for run in self.runs if (run.job.id, run.job.lease.owner) != (job_id, owner)]
            self.writes = [
                write
                for write in self.writes
                if (write.run.job.id, write.run.job.lease.owner) != (job_id, owner)
            ]
            self.end(job_id, "removed")

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def one_run_at_most_has_authority(self) -> None:
        for job_id in self.acknowledged:
            open_runs = [run for run in self.runs if run.job.id == job_id and run.fence.open]
            assert len(open_runs) <= 1
            assert all(self.owns(run) for run in open_runs)

    @invariant()
    def every_acknowledged_job_waits_or_has_ended(self) -> None:
        assert self.acknowledged == self.entries.keys() | self.ended.keys()
        assert not self.entries.keys() & self.ended.keys()

    def teardown(self) -> None:
        """All pollers vanish; one that comes later brings every job to an end."""
        self.runs, self.claims, self.writes = [], [], []
        self.clock.time += 2 * LEASE_SECONDS + 60
        for job_id in list(self.entries):
            self.begin_to_claim("late", job_id)
            self.claim(0)
            if self.runs:
                self.write(0)
                self.arrive(0)
                self.settle(0, "completed")
        assert self.ended.keys() == self.acknowledged


TestManyPollers = Pollers.TestCase
TestManyPollers.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
