"""How many calls may be open at once, and how long to wait before the next try. No call is made here."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0


class Concurrency:
    """Bounds open calls; of those that wait, first who has fewest open, so that a long job holds up no short one. Lowers itself by half on 429, rises by one per round of answers."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._allowed = float(most)
        self._open: Counter[str] = Counter()
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        self._cuts = 0
        self.problem = ""
        """Why the last call got no answer; empty once one has got one."""

    @property
    def allowed(self) -> int:
        """Calls that may be open at once now."""
        return int(self._allowed)

    @property
    def open(self) -> int:
        """Calls that are open now."""
        return self._open.total()

    @asynccontextmanager
    async def place(self, job: str) -> AsyncIterator[int]:
        """Waits for a place and keeps it; the value goes to `throttled` if the call meets a 429."""
        await self._take(job)
        try:
            yield self._cuts
        finally:
            self._give_back(job)

    def failed(self, problem: str) -> None:
        """A call got no answer, and not for want of patience."""
        self.problem = problem

    def answered(self) -> None:
        """Additive increase."""
        self.problem = ""
        self._allowed = min(self._most, self._allowed + 1 / self._allowed)
        self._admit()

    def throttled(self, cuts_at_start: int) -> None:
        """Multiplicative decrease, once per round: calls that began before the last cut say nothing new."""
        if cuts_at_start == self._cuts:
            self._cuts += 1
            self._allowed = max(1.0, self._allowed / 2)

    async def _take(self, job: str) -> None:
        if not self._lines and self.open < self.allowed:
            self._open[job] += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(job, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it was ours already
                self._give_back(job)
            raise

    def _give_back(self, job: str) -> None:
        self._open -= Counter((job,))
        self._admit()

    def _admit(self) -> None:
        while self._lines and self.open < self.allowed:
            job = min(self._lines, key=self._open.__getitem__)
            place = self._lines[job].popleft()
            if not self._lines[job]:
                del self._lines[job]
            if not place.done():
                self._open[job] += 1
                place.set_result(None)


class Patience:
    """The time one question may take: calls and waits between them count, standing in line does not."""

    def __init__(self, seconds: float, *, chance: Callable[[], float], clock: Callable[[], float]) -> None:
        self._given = self._left = seconds
        self._chance = chance
        self._clock = clock
        self._next = FIRST_WAIT

    @property
    def left(self) -> float:
        """Seconds."""
        return self._left

    @property
    def gone(self) -> float:
        """Seconds that calls and waits have taken so far."""
        return self._given - self._left

    @asynccontextmanager
    async def spent(self) -> AsyncIterator[None]:
        """What happens inside counts."""
        began = self._clock()
        try:
            yield
        finally:
            self._left -= self._clock() - began

    def next_wait(self, retry_after: float | None) -> float | None:
        """Seconds until the next try: what the service asked for, else full jitter; None when time does not allow it."""
        wait = self._next * self._chance() if retry_after is None else retry_after
        self._next = min(self._next * 2, LONGEST_WAIT)
        return wait if wait < self._left else None
