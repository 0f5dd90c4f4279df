"""A lease while this process holds it: renewed in time, watched for its loss, and what may be written under it.

Conditional writes (renewal, next epoch, release, deletion of the entry) are fenced by the database and always
allowed; all others wait at the fence.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from poller.errors import LeaseLost, Transient
from poller.job import Job
from poller.rtdb.answers import Denied
from poller.rtdb.fence import Fence
from poller.rtdb.names import EPOCHS, SERVER_TIME, Json, claimed_entry, members, read_lease
from poller.rtdb.writer import InFlight, Unchanged, Writer
from process.tasks import task_group

RENEW_SECONDS = 8.0
_JITTER = 0.2

_DENIED = "the database refused a write under this lease"
"""As its lease rules have it for whoever has been overtaken."""


class HeldLease:
    """Implements the port `HeldLease`. `ended`: the job's end is ours, so that the lease has nothing to lose any more."""

    def __init__(self, writer: Writer, fence: Fence, job: Job) -> None:
        self.job = job
        self.ended = False
        self.fence = fence
        self.writer = writer.under(job.lease.token)

    @property
    def may_ask(self) -> bool:
        return self.fence.may_ask

    def check(self, entry: Job | None) -> None:
        """Against the entry as the event stream shows it, None when it is gone; an older one proves nothing."""
        if entry is None:
            self.lose("the entry is gone")
        elif entry.lease.epoch > self.job.lease.epoch and entry.lease.token != self.job.lease.token:
            self.lose(f"the lease is held by {entry.lease.owner or 'nobody'} (epoch {entry.lease.epoch})")

    def lose(self, reason: str) -> None:
        """The event stream showed that the lease is another's; our own end of the job is no loss."""
        if not self.ended:
            self.fence.lose(reason)

    async def keep(self) -> None:
        async with task_group() as group:
            group.create_task(self.fence.until_lost())
            group.create_task(self._renew_for_ever())

    async def kept(self, ending: Coroutine[Any, Any, None]) -> None:
        """An end that no attempt keeps the lease for: it may take longer than the lease, when the database is away."""
        async with task_group() as group:
            keeping = group.create_task(self.keep())
            await ending
            keeping.cancel()

    async def _renew_for_ever(self) -> None:
        while True:
            jitter = 1 + _JITTER * (2 * self.writer.chance() - 1)
            await self.writer.clock.sleep(RENEW_SECONDS * jitter)
            await self.insist(self.renew)

    async def renew(self) -> None:
        """One renewal, which `keep` makes again and again."""

        def renewed(current: Json) -> Json:
            if self.ended:
                raise Unchanged
            self.check_token(current)
            return {**current, "renewedAt": SERVER_TIME}

        sent = self.writer.clock.monotonic()
        await self.writer.transact(self.writer.nodes.lease(self.job.id), renewed)
        if not self.ended:
            self.fence.renewed(sent)
            self.writer.metrics.lease("renewed")

    async def next_epoch(self, job: Job) -> None:
        """The same lease under the next epoch, with the counters of this job."""
        wanted = replace(job, lease=replace(job.lease, epoch=job.lease.epoch + 1))
        sent = self.writer.clock.monotonic()

        def begun(current: Json) -> Json:
            self.check_token(members(current).get("lease"))
            return claimed_entry(current, wanted, now=self.writer.now())

        await self.change_entry(begun)
        self.fence.renewed(sent)
        self.job = wanted

    def check_token(self, lease: Json) -> None:
        """Raises LeaseLost where the lease node that the database holds is not ours."""
        found = read_lease(lease)
        if found.token != self.job.lease.token:
            self.fence.lose(f"the lease is held by {found.owner or 'nobody'} (epoch {found.epoch})")
            self.fence.check()

    async def insist(self, action: Callable[[], Awaitable[object]]) -> None:
        """Until it worked or the lease is lost; a silent database is told apart from a lost lease."""
        failures = 0
        while True:
            self.fence.check()
            try:
                await action()
            except Denied as denied:
                if not self.writer.lease_rules:
                    raise
                self.fence.lose(_DENIED)
                raise LeaseLost(_DENIED) from denied
            except Transient:
                if self.fence.unheard():
                    self.writer.metrics.lease("suspended")
                failures += 1
                await self.writer.pause(failures)
            else:
                self.fence.heard()
                return

    async def change_entry(self, decide: Callable[[Json], Json]) -> None:
        """By a conditional write, however often it takes; see `Writer.transact` for `decide`."""
        entry = self.writer.nodes.entry(self.job.id)
        await self.insist(lambda: self.writer.transact(entry, decide))


Told = Callable[[str, Mapping[str, Json]], None]


class LeasedWrites:
    """Unconditional writes of one run. `told` hears of everything that is stored."""

    def __init__(self, lease: HeldLease, told: Told) -> None:
        self._lease, self._writer, self._told = lease, lease.writer, told
        self.in_flight = InFlight(lease.writer.clock)
        self._marked = 0

    @property
    def marked(self) -> bool:
        """Whether this epoch has left its mark."""
        return self._marked == self._lease.job.lease.epoch

    async def settled(self) -> None:
        """Returns when none is on its way."""
        await self.in_flight.settled()

    async def below_job(self, updates: Mapping[str, Json]) -> None:
        """The first write of an epoch leaves its mark: epochs go on growing when the entry is made anew."""
        job = self._lease.job
        mark = {} if self.marked else {f"{EPOCHS}/{job.lease.epoch}": SERVER_TIME}
        whole = {**updates, **mark}
        await self._fenced(partial(self._writer.patch, self._writer.nodes.job(job.id), whole))
        self._marked = job.lease.epoch
        self._told(job.id, whole)

    async def with_others(self, whole: Mapping[str, Json], updates: Mapping[str, Json]) -> None:
        """At the root; `updates` are those of it that are below the job."""
        await self._fenced(partial(self._writer.patch, "", whole))
        self._told(self._lease.job.id, updates)

    async def alone(self, path: str, value: Json) -> None:
        """One leaf below the job by a write of its own."""
        node = self._writer.nodes.leaf(self._lease.job.id, path)
        await self._fenced(partial(self._writer.put, node, value))
        self._told(self._lease.job.id, {path: value})

    async def _fenced(self, write: Callable[..., Awaitable[None]]) -> None:
        """A process that slept after the fence had let it pass finds it closed before it sends anything."""

        async def with_authority() -> None:
            await self._writer.budget()
            await self._lease.fence.authority()
            await write(in_flight=self.in_flight, before=self._lease.fence.still_open)

        await self._lease.insist(with_authority)
