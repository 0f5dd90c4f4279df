"""What all of a simulation's parts stand on: chance, processes, the network between them, and the timeline."""

from __future__ import annotations

import asyncio
import contextvars
import random
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from types import FrameType
from typing import Any, NamedTuple

from workbench.simulation.loop import Loop, Process, current

MODULES = (
    "poller/rtdb/run.py",
    "poller/rtdb/settlement.py",
    "poller/rtdb/held_lease.py",
    "poller/rtdb/queue.py",
    "poller/rtdb/jobs.py",
    "poller/rtdb/cancels.py",
    "poller/rtdb/claims.py",
    "poller/rtdb/removals.py",
    "poller/rtdb/writer.py",
    "poller/rtdb/fence.py",
    "poller/rtdb/display.py",
    "poller/rtdb/journal.py",
    "poller/rtdb/queue_watch.py",
    "poller/rtdb/watching.py",
    "poller/attempt.py",
    "poller/link.py",
    "poller/dispatcher.py",
    "poller/actions.py",
    "poller/backlog.py",
    "poller/executors.py",
    "executor/link.py",
    "executor/service.py",
    "executor/slots.py",
    "executor/llm/calls.py",
    "executor/llm/chat.py",
)
"""Where faults are to strike: what keeps the promises."""


BAD = 0.4
"""Share of requests that meet a fault of their own in a bad network."""

GIVEN_UP = 5.0
"""Seconds after which a write is given up by whoever sent it."""


class Broken(Exception):
    """A promise is broken: the rule's name and what was seen."""

    def __init__(self, rule: str, seen: str) -> None:
        super().__init__(f"{rule}: {seen}")
        self.rule, self.seen = rule, seen


class Fate(NamedTuple):
    """What becomes of one request: seconds there and back, and whether either way is lost.

    `stubborn`: it arrives although who sent it has given it up meanwhile, as bytes do that a kernel had taken.
    """

    there: float
    back: float
    request_lost: bool = False
    reply_lost: bool = False
    stubborn: bool = False


class World:
    """One seed. `broken` is the first promise that was broken, if any."""

    def __init__(self, seed: int, *, keep_timeline: bool) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.loop = Loop(random.Random(seed ^ 0x5EED))
        self.timeline: list[tuple[float, str, str]] = []
        self.hash = 0
        self.hits: Counter[tuple[str, int]] = Counter()
        self.faults = 0
        self.struck: dict[str, float] = {}
        """When each process, or what it sent, was last struck."""
        self.broken: Broken | None = None
        self.cuts: dict[frozenset[str], float] = {}
        self.deaf: dict[str, float] = {}
        """Until when a process gets no answer from the database, though what it sends arrives."""
        self.darkness: dict[str, float] = {}
        """For how long a process will hear nothing once it has sent its next claim."""
        self.ambushes: dict[str, float] = {}
        """For how long a process will sleep at its next write."""
        self.bad: dict[str, float] = {}
        """Until when much of what a process sends to the database is lost or late."""
        self.halves: dict[str, float] = {}
        """Until when of a process's requests to the database those that only one node needs are lost, and the others late."""
        self.far = 1.0
        """How much longer than to the database the way between pollers and executors is."""
        self.unrest = 0.0
        """Share of requests to the database that meet a fault of their own."""
        self._keep = keep_timeline
        self._context = contextvars.copy_context()
        self._connections: list[Connection] = []
        self._graveyard: list[Process] = []

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def now(self) -> float:
        return self.loop.now

    def say(self, what: str, *, who: str = "") -> None:
        """One line of the timeline."""
        process = current()
        name = who or (process.name if process else "world")
        self.hash = zlib.crc32(f"{self.now:.6f}{name}{what}".encode(), self.hash)
        if self._keep:
            self.timeline.append((self.now, name, what))

    def fault(self, what: str, *, of: str = "") -> None:
        """A fault strikes. Where the product stands just now is remembered."""
        self.faults += 1
        self.struck[of] = self.now
        self.say(f"✗ {what}", who=of)
        self.hit(sys._getframe(1))

    def breaks(self, rule: str, seen: str) -> None:
        """The first broken promise ends the seed."""
        if self.broken is None:
            self.broken = Broken(rule, seen)
            self.say(f"!! {rule}: {seen}")

    def hit(self, frame: FrameType | None) -> None:
        """Counts the lines of the product that await what is struck."""
        while frame is not None:
            self._hit_at(frame.f_code.co_filename, frame.f_lineno)
            frame = frame.f_back

    def hit_process(self, process: Process) -> None:
        """Counts every line at which a task of the process waits."""
        for task in process.tasks:
            for filename, line in _waits(task.get_coro()):
                self._hit_at(filename, line)

    def _hit_at(self, filename: str, line: int) -> None:
        if module := _module(filename):
            self.hits[module, line] += 1

    # ── processes ────────────────────────────────────────────────────────────────────────────────────────────

    def later(self, seconds: float, act: Callable[..., None], *args: Any) -> None:
        """Happens to the world, whoever asks for it and whatever becomes of them."""
        self.loop.call_later(seconds, act, *args, context=self._context)

    def start(self, process: Process, work: Any) -> asyncio.Task[Any]:
        return self.loop.start(process, work)

    def kill(self, process: Process, *, silently: bool = False) -> None:
        """`kill -9`: its tasks stay where they are for ever; its connections are reset. `silently`: with its whole machine."""
        self.hit_process(process)
        self.loop.kill(process)
        self._graveyard.append(process)  # no garbage collection: a dead process runs no `finally`
        for connection in list(self._connections):
            if process in connection.ends and not silently:
                connection.reset(self.latency())

    def freeze(self, process: Process, seconds: float) -> None:
        """`SIGSTOP`, and `SIGCONT` after so long. A peer notices after 5 to 15 s."""
        self.hit_process(process)
        self.loop.freeze(process)
        self.later(seconds, self._thaw, process)
        patience = 5 + 10 * self.chance.random()
        if seconds > patience:
            for connection in list(self._connections):
                if process in connection.ends:
                    connection.reset(patience)

    def _thaw(self, process: Process) -> None:
        if process.alive:
            self.say("goes on", who=process.name)
            self.loop.thaw(process)

    # ── network ──────────────────────────────────────────────────────────────────────────────────────────────

    def latency(self) -> float:
        return 0.001 + self.chance.expovariate(200)

    def fate(self, one: str, other: str, what: str) -> Fate:
        """Of a request to the database. Lost where the network is cut; rarely late, rarely lost."""
        if self.is_cut(one, other):
            return Fate(0, 0, request_lost=True)
        if self.deaf.get(one, 0.0) > self.now:
            return Fate(self.latency() + 4.9 * self.chance.random(), 0, reply_lost=True)
        if self.halves.get(one, 0.0) > self.now:
            late = GIVEN_UP + 3.9 * self.chance.random()
            return Fate(late, 0, stubborn=True) if what.startswith("PATCH") else Fate(0, 0, request_lost=True)
        luck = self.chance.random()
        there, back = self.latency(), self.latency()
        if luck < (BAD if self.bad.get(one, 0.0) > self.now else self.unrest):
            kind = int(self.chance.random() * 5)
            late = self.chance.uniform(0.5, 5.5)
            return (
                Fate(there, back, request_lost=True),
                Fate(there, back, reply_lost=True),
                Fate(late, back),
                Fate(there, late),
                Fate(GIVEN_UP + 3.9 * self.chance.random(), back, stubborn=True),
            )[kind]
        return Fate(there, back)

    def cut(self, one: str, other: str, seconds: float) -> None:
        """Nothing passes between the two for so long."""
        self.cuts[frozenset((one, other))] = self.now + seconds
        for connection in list(self._connections):
            if connection.names == {one, other} and seconds > 10:
                connection.reset(10 + self.latency())

    def is_cut(self, one: str, other: str) -> bool:
        return bool(self.cuts) and self.cuts.get(frozenset((one, other)), 0.0) > self.now

    def deliver(self, to: Process, seconds: float, act: Callable[..., None], *args: Any) -> None:
        """Runs in the context of the other process, if it is still alive then."""
        self.loop.call_later(seconds, act, *args, context=to.context)

    def connected(self, connection: Connection) -> None:
        self._connections.append(connection)

    def disconnected(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)


class Connection:
    """Bytes in order between two processes, until one of them ends it or is gone."""

    def __init__(self, world: World, one: Process, other: Process) -> None:
        self.world = world
        self.ends = (one, other)
        self.names = frozenset((one.name, other.name))
        self.open = True
        self.on_reset: list[tuple[Process, Callable[[], None]]] = []
        self._arrived: dict[str, float] = {}
        self._far = 1.0 if "rtdb" in (one.name, other.name) else world.far
        world.connected(self)

    def send(self, to: Process, act: Callable[..., None], *args: Any, after: float = 0.0) -> None:
        """In order; a cut of the network holds it up."""
        if not self.open:
            return
        until = max(self.world.cuts.get(self.names, 0.0) - self.world.now, 0.0)
        at = max(
            self.world.now + until + after + self.world.latency() * self._far,
            self._arrived.get(to.name, 0.0) + 2e-6,
        )
        self._arrived[to.name] = at
        self.world.deliver(to, at - self.world.now, self._if_open(act), *args)

    def _if_open(self, act: Callable[..., None]) -> Callable[..., None]:
        def acting(*args: Any) -> None:
            if self.open:
                act(*args)

        return acting

    def reset(self, seconds: float) -> None:
        """Both ends that still live hear of it after so long."""
        for process, heard in self.on_reset:
            self.world.deliver(process, seconds, self._if_open(heard))
        self.world.later(seconds + 1e-5, self.close)

    def close(self) -> None:
        self.open = False
        self.world.disconnected(self)


@cache
def _module(filename: str) -> str:
    """Which of `MODULES` it is; empty for another."""
    return next((module for module in MODULES if filename.endswith(module)), "")


def _waits(coroutine: Any) -> Iterator[tuple[str, int]]:
    """Files and lines of a suspended coroutine, outermost first."""
    while coroutine is not None:
        frame = (
            getattr(coroutine, "cr_frame", None)
            or getattr(coroutine, "ag_frame", None)
            or getattr(coroutine, "gi_frame", None)
        )
        if frame is not None:
            yield frame.f_code.co_filename, frame.f_lineno
        coroutine = (
            getattr(coroutine, "cr_await", None)
            or getattr(coroutine, "ag_await", None)
            or getattr(coroutine, "gi_yieldfrom", None)
        )
