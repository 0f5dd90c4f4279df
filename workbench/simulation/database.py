"""The simulated Realtime Database: a tree with ETags, commits in one order, event streams; and its client.

The client has the product's own interface (`poller.rtdb.rest.Database`); only bytes and HTTP are left out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import lru_cache
from typing import Any

from devkit.rtdb import tree
from devkit.rtdb.tree import Json, Node, Path
from poller.errors import Conflict, Transient
from poller.rtdb.stream import Change
from workbench.simulation.loop import Process
from workbench.simulation.world import GIVEN_UP, Connection, World

EPOCH_MS = 1_760_000_000_000
WATCHDOG_SECONDS = 45.0
_path = lru_cache(maxsize=1000)(tree.parse_path)


Updates = list[tuple[Path, Node]]
Watcher = Callable[[str, Updates, Node, Node], None]
"""Told of every commit: who wrote, what, the tree before and after."""


class Server:
    """Commits are atomic and in one order; what is sent back may be lost."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.process = Process("rtdb")
        self.root: Node = None
        self.refuses = False
        self.late = False
        """What is committed now was given up by its writer a while ago, or left by one that is dead."""
        self.orphaned = False
        """It was left by one that is dead."""
        self.streams: list[Stream] = []
        self.watchers: list[Watcher] = []
        self.on_answered: Callable[[str, Mapping[str, Json]], None] = lambda path, body: None
        """Told of every patch that its writer knows to be stored."""

    @property
    def now_ms(self) -> int:
        return EPOCH_MS + int(self.world.now * 1000)

    def value(self, path: str) -> Json:
        return tree.to_json(tree.get(self.root, _path(path)))

    def read(self, path: str) -> tuple[Json, str]:
        node = tree.get(self.root, _path(path))
        return tree.to_json(node), tree.etag(node)

    def put(self, agent: str, path: str, value: Json, if_match: str | None) -> tuple[Json, str]:
        at = _path(path)
        before = tree.get(self.root, at)
        if if_match is not None and tree.etag(before) != if_match:
            raise Conflict(f"{path}: changed meanwhile", current=tree.to_json(before), etag=tree.etag(before))
        node = tree.from_json(value, existing=before, depth=len(at), now_ms=self.now_ms)
        self._commit(agent, [(at, node)])
        return self.read(path)

    def patch(self, agent: str, path: str, body: Mapping[str, Json]) -> None:
        self._commit(agent, tree.updates_from_json(_path(path), body, self.root, now_ms=self.now_ms))

    def _commit(self, agent: str, updates: Updates) -> None:
        before, self.root = self.root, tree.patch(self.root, updates)
        self.world.say(f"{agent} wrote {_short(updates)}", who="rtdb")
        for watcher in self.watchers:
            watcher(agent, updates, before, self.root)
        for stream in list(self.streams):
            stream.tell(updates, self.root)

    def darken(self, name: str, seconds: float) -> None:
        """A process is heard, but hears nothing for so long."""
        self.world.fault(f"hears nothing for {seconds:.0f} s", of=name)
        self.world.deaf[name] = self.world.now + seconds
        for stream in self.streams:
            stream.silent = stream.silent or stream.connection.ends[1].name == name

    def cut_streams(self) -> None:
        for stream in list(self.streams):
            stream.connection.reset(self.world.latency())


def _short(updates: Updates) -> str:
    return ", ".join("/".join(path) + ("" if node is not None else " gone") for path, node in updates)


class Stream:
    """One event stream. `silent`: its events are lost on the way, and nobody is told."""

    def __init__(self, server: Server, client: Process, path: str) -> None:
        self.server, self.path, self.at = server, path, _path(path)
        self.silent = False
        self.events: asyncio.Queue[Change | None] = asyncio.Queue()
        self.connection = Connection(server.world, server.process, client)
        self.connection.on_reset.append((client, lambda: self.events.put_nowait(None)))
        self._client = client

    def begin(self) -> None:
        """At the server: the node as it stands, then its changes."""
        self.server.streams.append(self)
        self._send(Change(kind="snapshot", value=tree.to_json(tree.get(self.server.root, self.at))))

    def tell(self, updates: Updates, root: Node) -> None:
        inside: dict[str, Json] = {}
        for path, node in updates:
            if path[: len(self.at)] == self.at:
                inside["/".join(path[len(self.at) :])] = tree.to_json(node)
            elif self.at[: len(path)] == path:
                inside[""] = tree.to_json(tree.get(root, self.at))
        if len(inside) == 1:
            (key, value), *_ = inside.items()
            self._send(Change(kind="put", path=tuple(key.split("/")) if key else (), value=value))
        elif inside:
            self._send(Change(kind="patch", value=inside))

    def _send(self, change: Change) -> None:
        if not self.silent:
            again = self.server.world.chance.random() < 0.002  # told twice, as after a lost keep-alive
            for _ in range(1 + again):
                self.connection.send(self._client, self.events.put_nowait, change)

    def end(self) -> None:
        self.connection.close()
        if self in self.server.streams:
            self.server.streams.remove(self)


class SimulatedDatabase:
    """What the product takes for `Database`, in one process."""

    def __init__(self, server: Server, process: Process, *, agent: str) -> None:
        self.server, self.process, self.agent = server, process, agent
        self.world = server.world
        self.streams = self.server_clock = self  # each is one thing here, and answers for itself
        self._skew_ms = self.world.chance.uniform(-300, 300)
        self._watched: dict[int, bool] = {}
        self._last_byte = self.world.now
        self._patience: deque[float] = deque(maxlen=1)

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, path: str, *, query: Any = None, deadline: float = 30.0) -> Json:
        return await self._ask(f"GET {path}", lambda: self.server.value(path), deadline)

    async def get_with_etag(self, path: str, *, deadline: float = 30.0) -> tuple[Json, str]:
        return await self._ask(f"GET {path}", lambda: self.server.read(path), deadline)  # type: ignore[no-any-return]

    async def get_if_changed(
        self, path: str, etag: str, *, deadline: float = 30.0
    ) -> tuple[Json, str] | None:
        value, found = await self.get_with_etag(path, deadline=deadline)
        return None if found == etag else (value, found)

    async def keys(self, path: str, *, deadline: float = 30.0) -> list[str]:
        value = await self.get(path, deadline=deadline)
        if isinstance(value, list):
            return [str(index) for index, item in enumerate(value) if item is not None]
        return list(value) if isinstance(value, dict) else []

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────

    async def put(
        self,
        path: str,
        value: Json,
        *,
        if_match: str | None = None,
        deadline: float = 5.0,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        await self._put(path, value, if_match, deadline, before)

    async def put_returning(
        self, path: str, value: Json, *, if_match: str | None = None, deadline: float = 5.0
    ) -> tuple[Json, str]:
        return await self._put(path, value, if_match, deadline, lambda: None)

    async def delete(self, path: str, *, if_match: str | None = None, deadline: float = 5.0) -> None:
        await self._put(path, None, if_match, deadline, lambda: None)

    async def patch(
        self,
        path: str,
        updates: Mapping[str, Json],
        *,
        deadline: float = 5.0,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        body = dict(updates)
        await self._ask(f"PATCH {path}", lambda: self.server.patch(self.agent, path, body), deadline, before)
        self.server.on_answered(path, body)

    async def _put(
        self, path: str, value: Json, if_match: str | None, deadline: float, before: Callable[[], None]
    ) -> tuple[Json, str]:
        def commit() -> tuple[Json, str]:
            return self.server.put(self.agent, path, value, if_match)

        if (
            isinstance(value, dict)
            and "lease" in value
            and (seconds := self.world.darkness.pop(self.process.name, 0.0))
        ):
            self.server.darken(self.process.name, seconds)
        return await self._ask(f"PUT {path}", commit, deadline, before)  # type: ignore[no-any-return]

    # ── one request ──────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(
        self,
        what: str,
        commit: Callable[[], Any],
        deadline: float,
        before: Callable[[], None] = lambda: None,
    ) -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        given_up_at = loop.time() + deadline
        patience = loop.call_at(given_up_at, self._give_up, answer, what, deadline)
        try:
            if self.world.chance.random() < 0.02:
                await asyncio.sleep(self.world.chance.expovariate(2))  # no connection free yet
            if what.startswith("PATCH") and (seconds := self.world.ambushes.pop(self.process.name, 0.0)):
                self.world.fault(f"frozen for {seconds:g} s at {what}", of=self.process.name)
                self.world.freeze(self.process, seconds)
                await asyncio.sleep(0)
            if not answer.done():
                before()
                self._send(what, commit, answer, given_up_at)
            return await answer
        finally:
            patience.cancel()

    def _give_up(self, answer: asyncio.Future[Any], what: str, deadline: float) -> None:
        if not answer.done():
            answer.set_exception(Transient(f"RTDB did not answer {what} within {deadline:g} s"))

    def _send(
        self, what: str, commit: Callable[[], Any], answer: asyncio.Future[Any], given_up_at: float
    ) -> None:
        fate = self.world.fate(self.process.name, "rtdb", what)
        if fate.stubborn:  # who waited for a connection, or slept, gives up sooner after it was sent
            left = max(0.0, given_up_at - self.world.now)
            fate = fate._replace(there=left + fate.there - GIVEN_UP)
        if fate.request_lost:
            self.world.fault(f"request lost: {what}", of=self.process.name)
            return
        self.world.deliver(self.server.process, fate.there, lambda: self._arrived(what, commit, answer, fate))

    def _arrived(self, what: str, commit: Callable[[], Any], answer: asyncio.Future[Any], fate: Any) -> None:
        outcome: Any
        if answer.done() and fate.there > GIVEN_UP and not fate.stubborn:
            return  # given up on its way: the connection was closed before it arrived
        if fate.stubborn:
            self.world.fault(f"late: {what}", of=self.process.name)
        if self.server.refuses:
            outcome = Transient("RTDB cannot be reached")
        else:
            self.server.orphaned = not self.process.alive
            self.server.late = answer.done() or self.server.orphaned
            try:
                outcome = commit()
            except (Conflict, tree.Invalid) as error:
                outcome = error
            self.server.late = self.server.orphaned = False
        if self.world.deaf.get(self.process.name, 0.0) > self.world.now:
            return
        if fate.reply_lost or self.world.is_cut(self.process.name, "rtdb"):
            self.world.fault(f"reply lost: {what}", of=self.process.name)
            return
        self.world.deliver(self.process, fate.back, self._answered, answer, outcome)

    def _answered(self, answer: asyncio.Future[Any], outcome: Any) -> None:
        self._last_byte = self.world.now
        if answer.done():
            return
        if isinstance(outcome, BaseException):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    # ── watching ─────────────────────────────────────────────────────────────────────────────────────────────

    async def watch(self, path: str, *, aside: bool = False) -> AsyncGenerator[Change, None]:
        number = len(self._watched) + 1
        while number in self._watched:
            number += 1
        failures = 0
        self._watched[number] = aside
        try:
            while True:
                stream = Stream(self.server, self.process, path)
                try:
                    await self._ask(f"GET {path} (stream)", stream.begin, 5.0)
                    while (change := await self._next(stream)) is not None:
                        self._watched[number], failures = True, 0
                        self._last_byte = self.world.now
                        yield change
                except Transient:
                    failures += 1
                finally:
                    stream.end()
                self._watched[number] = aside
                await asyncio.sleep(self.world.chance.random() * min(15.0, 0.25 * 2**failures))
        finally:
            del self._watched[number]

    async def _next(self, stream: Stream) -> Change | None:
        """None when the stream has ended, or was silent for too long (a living one sends keep-alives)."""
        while True:
            try:
                async with asyncio.timeout(WATCHDOG_SECONDS):
                    return await stream.events.get()
            except TimeoutError:
                if stream.silent or not stream.connection.open:
                    return None
                self._last_byte = self.world.now

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────

    def acting_as(self, auth: Json) -> SimulatedDatabase:
        return self

    def now_ms(self) -> float:
        return EPOCH_MS + self.world.now * 1000 + self._skew_ms

    @property
    def last_byte_age(self) -> float:
        return self.world.now - self._last_byte

    def why_not_ready(self) -> str | None:
        return None if self._watched and all(self._watched.values()) else "RTDB is not being watched."
