"""Event streams of watched nodes: opened again whenever they break, bytes to events, events to changes onto a copy of the node."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

import structlog

from poller.errors import Permanent, Transient
from poller.rtdb.answers import Denied, TokenRefused
from poller.rtdb.transport import Transport
from poller.rtdb.tree import Json, Node, Path, from_json, parse_path, patch

log = structlog.get_logger(__name__)

WATCHDOG_SECONDS = 45.0
"""RTDB sends a keep-alive every 30 s: a stream without a byte for this long is dead."""

_STEADY_SECONDS = 10.0

MAX_EVENT_BYTES = 256 * 1024 * 1024
"""RTDB answers no read larger than this; a longer event is not one of RTDB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a watched node.

    `snapshot`: `value` is the whole node; comes first, and again after every reconnect: what changed in between is
    in it, how it changed is not. `put`: `value` replaced what was at `path`. `patch`: `value` maps keys relative to
    `path`, which may be deep (`a/b`), to their new values. A value of None means gone.
    """

    kind: Literal["snapshot", "put", "patch"]
    path: Path = ()
    value: Json

    def applied_to(self, node: Node) -> Node:
        """The node after this change; `node` itself is not touched."""
        if self.kind == "snapshot":
            return from_json(self.value)
        if self.kind == "put":
            return patch(node, [(self.path, from_json(self.value))])
        return patch(
            node, [((*self.path, *parse_path(key)), from_json(value)) for key, value in self.value.items()]
        )


@dataclass(frozen=True, slots=True)
class Event:
    """As it came: its name, and its data not yet decoded."""

    name: str
    data: bytes


class EventParser:
    """Server-sent events out of arbitrary chunks; a character may be split between two of them."""

    def __init__(self, *, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._partial: list[bytes] = []
        self._pending = 0
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that this chunk completes."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._pending += len(line)
            self._partial.append(line)
            event = self._line(b"".join(self._partial).removesuffix(b"\r"))
            self._partial.clear()
            if event is not None:
                yield event
        self._partial.append(rest)
        self._pending += len(rest)
        if self._pending > self._max_bytes:
            raise Permanent(f"RTDB sent an event of more than {self._max_bytes} bytes: watch a smaller node.")

    def _line(self, line: bytes) -> Event | None:
        if line:
            self._field(line)
            return None
        name, data = self._name, b"\n".join(self._data)
        self._name, self._data, self._pending = "", [], 0
        return Event(name, data) if name or data else None

    def _field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = value.decode()
        elif field == b"data":
            self._data.append(value)


def change_of(event: Event, *, is_first: bool) -> Change:
    """The change that a `put` or `patch` event tells. The first `put` of a stream is the node as it stands."""
    content = json.loads(event.data.decode("utf-8"))
    path = tuple(part for part in content["path"].split("/") if part)
    if event.name == "patch":
        return Change(kind="patch", path=path, value=content["data"])
    return Change(kind="snapshot" if is_first and not path else "put", path=path, value=content["data"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Full jitter: a random time up to a ceiling that doubles from `first` to `last` seconds."""

    first: float = 0.25
    last: float = 15.0

    def delay(self, failures: int, chance: Callable[[], float]) -> float:
        """Seconds after so many failures in a row; `chance`: 0 to 1."""
        return chance() * min(self.last, self.first * 2.0 ** min(failures, 16))


@dataclass(slots=True, eq=False)
class _Watch:
    """How one stream is doing."""

    path: str
    connections: int = 0
    connected: bool = False
    last_byte: float = 0.0
    trouble: str = "connecting"


class EventStreams:
    """The streams of one process, and how those are doing that its work depends on."""

    def __init__(
        self, transport: Transport, *, watchdog: float, backoff: Backoff, chance: Callable[[], float]
    ) -> None:
        self._transport = transport
        self._watchdog = watchdog
        self._backoff = backoff
        self._chance = chance
        self._watches: set[_Watch] = set()
        self._reconnects = 0

    def acting_as(self, transport: Transport) -> EventStreams:
        """The same streams, opened over this."""
        view = copy.copy(self)
        view._transport = transport
        return view

    async def watch(self, path: str, *, aside: bool = False) -> AsyncGenerator[Change, None]:
        """The node as it stands, then its changes, for ever: reconnects by itself, with a fresh snapshot each time.

        `aside`: for somebody who only looks on; what is said below about the state of the streams is not about it.

        Ends only by an error: `Denied` when the rules (no longer) allow it. What the caller does not take is not
        read from the network. Close with `contextlib.aclosing` or by cancelling the task: the connection goes at once.
        """
        watch = _Watch(path, last_byte=self._transport.clock())
        if not aside:
            self._watches.add(watch)
        failures = 0
        try:
            while True:
                opened = self._transport.clock()
                try:
                    async with aclosing(self._changes(watch)) as changes:
                        async for change in changes:
                            yield change
                except Transient as error:
                    watch.trouble, watch.connected = str(error), False
                    failures = 0 if self._transport.clock() - opened > _STEADY_SECONDS else failures + 1
                    log.info("rtdb.stream_lost", path=path, reason=watch.trouble, failures=failures)
                    await asyncio.sleep(self._pause(failures, error))
        finally:
            self._watches.discard(watch)

    def _pause(self, failures: int, lost: Transient) -> float:
        asked_for = min(lost.retry_after or 0.0, self._backoff.last)
        return max(asked_for, self._backoff.delay(max(failures - 1, 0), self._chance))

    async def _changes(self, watch: _Watch) -> AsyncGenerator[Change, None]:
        """One connection's changes; raises when it is over."""
        parser, is_first = EventParser(), True
        async with self._transport.stream(watch.path, silence=self._watchdog) as pieces:
            async for piece in pieces:
                watch.last_byte = self._transport.last_byte
                for event in parser.feed(piece):
                    change = _change(event, watch.path, is_first=is_first)
                    if change is None:
                        continue
                    if is_first:
                        self._connected(watch)
                    is_first = False
                    yield change
        raise Transient("RTDB ended the stream")

    def _connected(self, watch: _Watch) -> None:
        watch.connected, watch.trouble = True, ""
        watch.connections += 1
        if watch.connections > 1:
            self._reconnects += 1
            self._transport.metrics.reconnected(watch.path)
        log.info("rtdb.stream_connected", path=watch.path, reconnects=self._reconnects)

    @property
    def last_byte_age(self) -> float:
        """Seconds since the quietest stream brought a byte; without a stream, since any answer did."""
        oldest = min((watch.last_byte for watch in self._watches), default=self._transport.last_byte)
        return self._transport.clock() - oldest

    def why_not_ready(self) -> str | None:
        """A sentence while a watched node is not being watched, else None."""
        if not self._watches:
            return "RTDB is not being watched yet."
        down = [f"{watch.path or '/'}: {watch.trouble}" for watch in self._watches if not watch.connected]
        return f"RTDB is not being watched ({'; '.join(sorted(down))})." if down else None


def _change(event: Event, path: str, *, is_first: bool) -> Change | None:
    """None for a keep-alive and for what RTDB may add one day."""
    if event.name == "cancel":
        raise Denied(
            f"RTDB's rules no longer allow watching {path or '/'}: check the rules and this account's rights."
        )
    if event.name == "auth_revoked":
        raise TokenRefused("the access token was revoked")
    return change_of(event, is_first=is_first) if event.name in ("put", "patch") else None
