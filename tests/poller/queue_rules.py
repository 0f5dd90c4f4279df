"""What several pollers, users and time may do to one queue, in any order, and what must hold after each of it.

The rules are the same whatever the queue is kept in: a backend does them, and says what the queue looks like then.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from poller.job import Job
from poller.rtdb.fence import WRITE_SECONDS

LEASE_SECONDS = 30.0
LENGTH = int(LEASE_SECONDS * 1000)
OWNERS = ("poller-a", "poller-b", "poller-c")
POLLERS = st.sampled_from(OWNERS)
FIRST, SECOND = (f"{n}0000000-0000-0000-0000-000000000000" for n in "12")
JOBS = st.sampled_from([FIRST, FIRST, FIRST, SECOND])
SECONDS = st.sampled_from([1.0, 4.0, 19.0, 31.0])
DELAY = st.floats(0, WRITE_SECONDS)
INDEX = st.integers(0, 99)

State = Literal["queued", "completed", "failed", "removed"]


class QueueRules(RuleBasedStateMachine):
    """`runs`, `claims` and `writes` are the backend's: a claimed job in the memory of its poller (`.job`), a job that a
    poller has seen and may take, an unconditional write on its way."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged: set[str] = set()
        self.removed: set[str] = set()
        self.epochs: dict[str, int] = {}
        self.claims: list[tuple[str, Job]] = []
        self.runs: list[Any] = []
        self.writes: list[Any] = []

    # ── the backend ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    @abstractmethod
    def now(self) -> int:
        """The database's time in ms."""

    @abstractmethod
    def let_pass(self, seconds: float) -> None: ...

    @abstractmethod
    def entry(self, job_id: str) -> Job | None: ...

    @abstractmethod
    def state(self, job_id: str) -> State: ...

    @abstractmethod
    def is_open(self, run: Any) -> bool:
        """Whether an unconditional write of this run may start now."""

    @abstractmethod
    def put_entry(self, job_id: str) -> None:
        """A user creates the job, or has a failed one tried again."""

    @abstractmethod
    def do_claim(self, owner: str, seen: Job, *, lost_reply: bool) -> Any | None: ...

    @abstractmethod
    def do_renew(self, run: Any, delay: float) -> bool:
        """The renewal takes so long on its way. False: the lease was lost."""

    @abstractmethod
    def do_write(self, run: Any) -> None:
        """Something to write; it joins `writes` when it leaves."""

    @abstractmethod
    def do_arrive(self, write: Any) -> None:
        """It gets to the database unless it has given up; raises AssertionError when it must not have got there."""

    @abstractmethod
    def writes_of(self, owner: str, job_id: str) -> list[Any]:
        """Of `writes`, those of this poller for this job, also of runs that have crashed."""

    @abstractmethod
    def close(self, run: Any) -> None:
        """The run's writes have answered or given up."""

    @abstractmethod
    def do_begin_again(self, run: Any) -> bool: ...

    @abstractmethod
    def do_settle(self, run: Any, how: str) -> None: ...

    @abstractmethod
    def do_release(self, run: Any, not_before: int) -> None: ...

    def do_crash(self, run: Any) -> None:
        """Its poller is gone; what is on its way stays on its way."""

    def is_doubtful(self, entry: Job) -> bool:
        """Whether a poller may rightly think otherwise about the end of its lease."""
        return False

    @abstractmethod
    def do_remove(self, owner: str, job_id: str) -> bool: ...

    @initialize(owner=POLLERS)
    def two_jobs_one_of_them_running(self, owner: str) -> None:
        self.submit_or_retry(SECOND)
        self.submit_or_retry(FIRST)
        self.claim_at_once(owner)

    # ── what users and time do ───────────────────────────────────────────────────────────────────────────────

    def owns(self, run: Any) -> bool:
        entry = self.entry(run.job.id)
        return entry is not None and entry.lease.token == run.job.lease.token

    @rule(job_id=JOBS)
    def submit_or_retry(self, job_id: str) -> None:
        if job_id in self.acknowledged and self.state(job_id) not in ("failed", "removed"):
            return
        if job_id in self.removed:
            self.removed.discard(job_id)
            self.epochs.pop(job_id, None)
        self.put_entry(job_id)
        self.acknowledged.add(job_id)

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.let_pass(seconds)

    # ── what pollers do ──────────────────────────────────────────────────────────────────────────────────────

    @rule(owner=POLLERS, job_id=JOBS)
    def begin_to_claim(self, owner: str, job_id: str) -> None:
        seen = self.entry(job_id)
        if seen is not None and seen.ready(now=self.now, lease_length=LENGTH):
            self.claims.append((owner, seen))

    @precondition(lambda self: self.claims)
    @rule(index=INDEX, lost_reply=st.booleans())
    def claim(self, index: int, lost_reply: bool) -> None:
        """Whoever finds another lease than the one it saw has been too slow."""
        owner, seen = self.claims.pop(index % len(self.claims))
        current = self.entry(seen.id)
        is_first = current is not None and current.lease == seen.lease
        run = self.do_claim(owner, seen, lost_reply=lost_reply)
        if run is None:
            assert not is_first or self.state(seen.id) == "failed"
            return
        assert is_first
        self._grown(run)
        stored = self.entry(seen.id)
        assert stored is not None
        assert (stored.lease.token, stored.crashes) == (run.job.lease.token, run.job.crashes)
        self.runs.append(run)

    def _grown(self, run: Any) -> None:
        assert run.job.lease.epoch > self.epochs.get(run.job.id, 0)
        self.epochs[run.job.id] = run.job.lease.epoch

    @rule(owner=POLLERS)
    def claim_at_once(self, owner: str) -> None:
        before = len(self.claims)
        self.begin_to_claim(owner, FIRST)
        if len(self.claims) > before:
            self.claim(before, lost_reply=False)

    @precondition(lambda self: self.runs)
    @rule(owner=POLLERS, index=INDEX)
    def take_over(self, owner: str, index: int) -> None:
        """The holder sleeps until its lease has run out, and does not know it when it wakes."""
        run = self.runs[index % len(self.runs)]
        self.let_pass(LEASE_SECONDS + 1)
        before = len(self.claims)
        self.begin_to_claim(owner, run.job.id)
        if len(self.claims) > before:
            self.claim(before, lost_reply=False)
        if run in self.runs:
            self.do_write(run)

    @precondition(lambda self: self.runs)
    @rule(index=INDEX, delay=DELAY)
    def renew(self, index: int, delay: float) -> None:
        run = self.runs[index % len(self.runs)]
        assert self.do_renew(run, delay) == self.owns(run)

    @precondition(lambda self: self.runs)
    @rule(index=INDEX)
    def write(self, index: int) -> None:
        self.do_write(self.runs[index % len(self.runs)])

    @precondition(lambda self: self.writes)
    @rule(index=INDEX)
    def arrive(self, index: int) -> None:
        self.do_arrive(self.writes.pop(index % len(self.writes)))

    @precondition(lambda self: self.runs)
    @rule(index=INDEX)
    def begin_again(self, index: int) -> None:
        """The executor vanished: the next epoch, under the same lease."""
        run = self.runs[index % len(self.runs)]
        self.close(run)
        owned = self.owns(run)
        assert self.do_begin_again(run) == owned
        if owned:
            self._grown(run)

    @precondition(lambda self: self.runs)
    @rule(index=INDEX, how=st.sampled_from(["completed", "failed"]))
    def settle(self, index: int, how: str) -> None:
        run = self.runs[index % len(self.runs)]
        if not self.is_open(run):
            return
        assert self.owns(run)
        self.close(run)
        self.do_settle(run, how)
        self.runs.remove(run)
        assert self.state(run.job.id) == how

    @precondition(lambda self: self.runs)
    @rule(index=INDEX, pause=st.integers(0, 60_000))
    def release(self, index: int, pause: int) -> None:
        run = self.runs.pop(index % len(self.runs))
        self.close(run)
        owned = self.owns(run)
        self.do_release(run, self.now + pause)
        if owned:
            entry = self.entry(run.job.id)
            assert entry is not None
            assert entry.waiting
            assert entry.lease.epoch == run.job.lease.epoch

    @precondition(lambda self: self.runs)
    @rule(index=INDEX)
    def crash(self, index: int) -> None:
        self.do_crash(self.runs.pop(index % len(self.runs)))

    @rule(owner=POLLERS, job_id=st.sampled_from([SECOND, SECOND, SECOND, FIRST]))
    def remove(self, owner: str, job_id: str) -> None:
        """Never under a live run of another poller; its own it stops first."""
        if job_id not in self.acknowledged:
            return
        entry = self.entry(job_id)
        if entry is not None and self.is_doubtful(entry):
            return
        may = (
            entry is None
            or entry.waiting
            or (entry.lease.held and entry.lease.owner == owner)
            or entry.ready(now=self.now, lease_length=LENGTH)
        )
        if may:
            for write in self.writes_of(owner, job_id):
                self.writes.remove(write)
                self.do_arrive(write)
            for run in [run for run in self.runs if (run.job.id, run.job.lease.owner) == (job_id, owner)]:
                self.close(run)
                self.runs.remove(run)
        assert self.do_remove(owner, job_id) == may
        if may:
            self.removed.add(job_id)

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def one_run_at_most_has_authority(self) -> None:
        for job_id in self.acknowledged:
            open_runs = [run for run in self.runs if run.job.id == job_id and self.is_open(run)]
            assert len(open_runs) <= 1
            assert all(self.owns(run) for run in open_runs)

    @invariant()
    def every_acknowledged_job_waits_or_has_ended(self) -> None:
        for job_id in self.acknowledged:
            assert (self.state(job_id) == "removed") == (job_id in self.removed)
            assert (self.state(job_id) == "queued") == (self.entry(job_id) is not None)

    def teardown(self) -> None:
        """All pollers vanish; one that comes later brings every job to an end."""
        for run in self.runs:
            self.do_crash(run)
        self.runs, self.claims, self.writes = [], [], []
        self.let_pass(2 * LEASE_SECONDS + 60)
        for job_id in sorted(self.acknowledged):
            self.begin_to_claim(OWNERS[0], job_id)
            if self.claims:
                self.claim(0, lost_reply=False)
            if self.runs:
                self.do_write(self.runs[0])
                self.settle(0, "completed")
            assert self.state(job_id) != "queued"
