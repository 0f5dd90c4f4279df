"""Authority over a job as a time margin: the database cannot make a multi-path write conditional.

Measured on the monotonic clock of this process, from before the write that renewed the lease was sent: the
database's own stamp is never earlier, so we always stop before anyone else may start.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from poller.errors import LeaseLost, Transient
from poller.ports import Clock
from process.news import News

MARGIN_SECONDS = 10.0
"""No unconditional write starts with less of the lease left."""

WRITE_SECONDS = 5.0
"""Every write gives up after this long: well inside the margin."""

LATE_SECONDS = MARGIN_SECONDS - WRITE_SECONDS
"""So long after it was given up a write may still be stored: what the kernel had taken goes out all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """In whose name leases are taken, and for how long."""

    owner: str
    lease_seconds: float
    new_token: Callable[[], str] = lambda: uuid.uuid4().hex

    @property
    def lease_length(self) -> int:
        """Milliseconds."""
        return int(self.lease_seconds * 1000)

    def fence(self, clock: Clock, *, sent_at: float) -> Fence:
        """Of a lease taken by a write that was sent then, by the monotonic clock."""
        fence = Fence(clock, lease_seconds=self.lease_seconds)
        fence.renewed(sent_at)
        return fence


class Fence:
    """`lost`: why the lease is not ours any more; None while it is."""

    def __init__(self, clock: Clock, *, lease_seconds: float) -> None:
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._until = float("-inf")
        self._silent = False
        self.lost: str | None = None
        self._changed = News()

    def renewed(self, sent_at: float) -> None:
        """`sent_at` is the monotonic time before the claim or renewal was sent."""
        self._until = max(self._until, sent_at + self._lease_seconds)
        self._changed.tell()

    def heard(self) -> None:
        """The database answered: questions may be asked again."""
        self._silent = False

    def unheard(self) -> bool:
        """Whether this is news."""
        was, self._silent = self._silent, True
        return not was

    def lose(self, reason: str) -> None:
        """For good; the first reason stays."""
        if self.lost is None:
            self.lost = reason
            self._changed.tell()

    @property
    def open(self) -> bool:
        """Whether an unconditional write may start now."""
        return self.lost is None and self._until - self._clock.monotonic() >= MARGIN_SECONDS

    @property
    def may_ask(self) -> bool:
        """Whether new questions may be asked: not while the database is silent either."""
        return self.open and not self._silent

    async def authority(self) -> None:
        """Returns when an unconditional write may start; waits while the lease is too short."""
        while not self.open:
            self.check()
            await self._changed.wait()

    def still_open(self) -> None:
        """Raises when an unconditional write must not be sent after all: it was let through, and time has passed."""
        self.check()
        if not self.open:
            raise Transient("too little of the lease was left when the write was about to be sent")

    def check(self) -> None:
        """Raises LeaseLost once it is lost."""
        if self.lost is not None:
            raise LeaseLost(self.lost)

    async def until_lost(self) -> None:
        """Never returns; raises LeaseLost."""
        while True:
            self.check()
            await self._changed.wait()
