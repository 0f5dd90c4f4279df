"""How this program writes the database: within one budget, each write with a deadline, conditional ones decided again
when the value changed meanwhile, and none abandoned half-way by a cancelled task.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, TypeVar

from poller.errors import Conflict, Transient
from poller.metrics import Metrics
from poller.ports import Clock
from poller.rtdb.fence import LATE_SECONDS, WRITE_SECONDS
from poller.rtdb.http import Before, nothing
from poller.rtdb.journal import Room
from poller.rtdb.names import Json, Nodes
from poller.rtdb.rest import Database

T = TypeVar("T")

WRITES_PER_SECOND = 500.0
"""Half of what one database takes: another poller and the browsers need theirs."""

IDENTITY = {"uid": "eventstorming"}
"""Who we are to `database.rules.json`, beside the lease token of a run."""

_CONFLICTS = 50
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Unchanged(Exception):
    """Raised by a decision: leave the value as it is."""


class Budget:
    """A token bucket. Who calls takes one, and waits where it is empty; order is the order of asking."""

    def __init__(self, clock: Clock, *, rate: float = WRITES_PER_SECOND) -> None:
        self._clock = clock
        self._rate = rate
        self._tokens = rate
        self._at = clock.monotonic()

    async def __call__(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        if self._tokens < 0:
            await self._clock.sleep(-self._tokens / self._rate)


class InFlight:
    """Writes of one job that may still be stored: without an answer, or given up not long ago.

    `doubtful`: some were given up, so what is stored may be older than what was answered since.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers: set[asyncio.Future[Any]] = set()
        self._until = float("-inf")
        self.doubtful = False

    def add(self, answer: asyncio.Future[Any]) -> None:
        """Until this is done; one that ends as Transient may be stored all the same."""
        self._answers.add(answer)
        answer.add_done_callback(self._answered)

    def _answered(self, answer: asyncio.Future[Any]) -> None:
        self._answers.discard(answer)
        if not answer.cancelled() and isinstance(answer.exception(), Transient):
            self.doubt(LATE_SECONDS)

    async def settled(self) -> None:
        """Returns when none can be stored any more."""
        while self._answers:
            await asyncio.wait(set(self._answers))
        if (left := self._until - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)

    def doubt(self, seconds: float) -> None:
        """So long from now one may be stored that nobody hears of."""
        self._until = max(self._until, self._clock.monotonic() + seconds)
        self.doubtful = True


class Writer:
    """Use as `async with`: writes in flight at the end are waited for.

    `lease_rules`: the database has our rules, and what is written for a run names the run's lease token.
    """

    def __init__(
        self,
        database: Database,
        nodes: Nodes,
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
        rate: float = WRITES_PER_SECOND,
        lease_rules: bool = False,
        metrics: Metrics,
    ) -> None:
        self.database = database
        self.metrics = metrics
        self.lease_rules = lease_rules
        self.nodes = nodes
        self.clock = clock
        self.chance = chance
        self.room = Room()
        self.budget = Budget(clock, rate=rate)
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Writer:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._group.__aexit__(None, None, None)

    def under(self, token: str) -> Writer:
        """The same writer, writing under this lease where the rules ask for it; not to be entered."""
        if not self.lease_rules or not token:
            return self
        view = copy.copy(self)
        view.database = self.database.acting_as(IDENTITY | {"lease": token})
        return view

    def now(self) -> int:
        """The database's time in ms."""
        return int(self.database.server_clock.now_ms())

    async def patch(
        self,
        path: str,
        updates: Mapping[str, Json],
        *,
        in_flight: InFlight | None = None,
        before: Before = nothing,
    ) -> None:
        """One unconditional write; it goes on when its caller is cancelled: `in_flight` knows of it, for whoever has to wait.

        `before` has the last word: it may raise until the write is handed to the network.
        """
        write = self.database.patch(path, updates, deadline=WRITE_SECONDS, before=before)
        await self._kept(write, in_flight)

    async def put(
        self, path: str, value: Json, *, in_flight: InFlight | None = None, before: Before = nothing
    ) -> None:
        """As `patch`, for one value."""
        write = self.database.put(path, value, deadline=WRITE_SECONDS, before=before)
        await self._kept(write, in_flight)

    async def _kept(self, write: Coroutine[Any, Any, None], in_flight: InFlight | None) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if in_flight is not None:
            in_flight.add(answer)
        self._group.create_task(_answering(write, answer))
        await asyncio.shield(answer)

    async def transact(
        self, path: str, decide: Callable[[Json], Json], *, known: tuple[Json, str] | None = None
    ) -> Json:
        """Replaces the value by what `decide` makes of it, however often it changes meanwhile; None deletes.

        Returns what is stored then. `decide` must recognise its own earlier write: a lost reply looks like a change.
        """
        value, etag = known or await self.database.get_with_etag(path, deadline=WRITE_SECONDS)
        for _ in range(_CONFLICTS):
            try:
                wanted = decide(value)
            except Unchanged:
                return value
            try:
                return await self._replace(path, wanted, etag)
            except Conflict as conflict:
                value, etag = conflict.current, conflict.etag
        raise Transient(f"{path} never stood still")

    async def _replace(self, path: str, wanted: Json, etag: str) -> Json:
        await self.budget()
        if wanted is None:
            await self.database.delete(path, if_match=etag, deadline=WRITE_SECONDS)
            return None
        stored, _ = await self.database.put_returning(path, wanted, if_match=etag, deadline=WRITE_SECONDS)
        return stored

    async def insist(self, action: Callable[[], Awaitable[T]], *, tries: int | None = None) -> T:
        """Repeats what failed for a passing reason, with jittered pauses."""
        failures = 0
        while True:
            try:
                return await action()
            except Transient:
                failures += 1
                if tries is not None and failures >= tries:
                    raise
            await self.pause(failures)

    async def pause(self, failures: int) -> None:
        """Before the next try: longer with each failure, at most two seconds, jittered."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 8))
        await self.clock.sleep(longest * (0.5 + 0.5 * self.chance()))


async def _answering(write: Coroutine[Any, Any, None], answer: asyncio.Future[None]) -> None:
    """Every error goes to whoever waits for the answer; nobody may be left."""
    try:
        await write
    except asyncio.CancelledError:
        answer.cancel()
        raise
    except Exception as error:  # noqa: BLE001 (carried to the waiting task, which decides)
        answer.set_exception(error)
        answer.exception()
    else:
        answer.set_result(None)
