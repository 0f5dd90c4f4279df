"""An asynchronous client of one Realtime Database, in the words of its REST interface.

Writes are never repeated here: the caller knows whether a lost answer may be asked for again.
"""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from types import TracebackType

from poller.metrics import Metrics
from poller.rtdb.answers import decoded, etag_of
from poller.rtdb.credentials import Credentials
from poller.rtdb.http import Before, Http, nothing
from poller.rtdb.stream import WATCHDOG_SECONDS, Backoff, Change, EventStreams
from poller.rtdb.transport import Traffic, Transport
from poller.rtdb.tree import Json


class Database:
    """One database (host and namespace). Paths are relative, without a leading slash; "" is the root.

    Use as `async with Database.connect(…) as db`. Deadlines are in seconds and cover the whole request. Errors:
    `Transient` (away, slow, overloaded), `Conflict` (412), `Denied` (rules), `Permanent` (a sentence says what to do).
    """

    def __init__(self, transport: Transport, streams: EventStreams) -> None:
        self._transport, self._streams = transport, streams

    @classmethod
    def connect(
        cls,
        *,
        base_url: str,
        namespace: str | None,
        credentials: Credentials,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        watchdog: float = WATCHDOG_SECONDS,
        backoff: Backoff | None = None,
        chance: Callable[[], float] = random.random,
        metrics: Metrics,
        agent: str = "eventstorming",
        http: Http | None = None,
    ) -> Database:
        """Opens nothing yet. `agent`: what the database's own log and profiler know this process by."""
        transport = Transport(
            http or Http(agent=agent),
            base_url=base_url,
            namespace=namespace,
            credentials=credentials,
            clock=clock,
            wall=wall,
            metrics=metrics,
        )
        streams = EventStreams(transport, watchdog=watchdog, backoff=backoff or Backoff(), chance=chance)
        return cls(transport, streams)

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    def acting_as(self, auth: Json) -> Database:
        """The same database over the same connections, with `auth` as what its rules see; only one of the two is to be entered.

        With lease tokens in the rules, this is how the writes of one run are fenced by the database.
        """
        view = copy.copy(self)
        view._transport = self._transport.acting_as(auth)
        view._streams = self._streams.acting_as(view._transport)
        return view

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, path: str, *, query: Mapping[str, str] | None = None, deadline: float = 30.0) -> Json:
        """`query`: parameters of the REST interface, such as `limitToLast`."""
        return decoded(await self._transport.request("GET", path, params=query, deadline=deadline))

    async def get_with_etag(self, path: str, *, deadline: float = 30.0) -> tuple[Json, str]:
        answer = await self._transport.request(
            "GET", path, headers={"X-Firebase-ETag": "true"}, deadline=deadline
        )
        return decoded(answer), etag_of(answer)

    async def get_if_changed(
        self, path: str, etag: str, *, deadline: float = 30.0
    ) -> tuple[Json, str] | None:
        """None when the value is still the one of `etag`: then nothing but headers came over the wire."""
        headers = {"X-Firebase-ETag": "true", "If-None-Match": etag}
        answer = await self._transport.request("GET", path, headers=headers, deadline=deadline)
        return None if answer.status == 304 else (decoded(answer), etag_of(answer))

    async def keys(self, path: str, *, deadline: float = 30.0) -> list[str]:
        """The children's names without their values, in no particular order."""
        answer = await self._transport.request("GET", path, params={"shallow": "true"}, deadline=deadline)
        children = decoded(answer)
        return list(children) if isinstance(children, dict) else []

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────

    async def put(
        self,
        path: str,
        value: Json,
        *,
        if_match: str | None = None,
        deadline: float = 5.0,
        before: Before = nothing,
    ) -> None:
        """`if_match`: only if the value there still has this ETag (`null_etag`: only if nothing is there).

        `before` is called when the request is about to be handed to the network, and may raise.
        """
        await self._write("PUT", path, value, if_match=if_match, deadline=deadline, before=before)

    async def put_returning(
        self, path: str, value: Json, *, if_match: str | None = None, deadline: float = 5.0
    ) -> tuple[Json, str]:
        """What is stored now (`.sv` resolved) and its ETag."""
        headers = {"X-Firebase-ETag": "true"} | ({"if-match": if_match} if if_match is not None else {})
        answer = await self._transport.request(
            "PUT", path, content=_body(value), headers=headers, deadline=deadline
        )
        return decoded(answer), etag_of(answer)

    async def patch(
        self, path: str, updates: Mapping[str, Json], *, deadline: float = 5.0, before: Before = nothing
    ) -> None:
        """All of `updates` or nothing; keys may be deep (`a/b`), None deletes. Cannot be conditional. `before` as for `put`."""
        await self._write("PATCH", path, updates, if_match=None, deadline=deadline, before=before)

    async def delete(self, path: str, *, if_match: str | None = None, deadline: float = 5.0) -> None:
        await self._write("DELETE", path, None, if_match=if_match, deadline=deadline)

    async def _write(
        self,
        method: str,
        path: str,
        value: Json,
        *,
        if_match: str | None,
        deadline: float,
        before: Before = nothing,
    ) -> None:
        """A conditional write is not silent: its refusal must bring the present value along."""
        params = {} if if_match is not None else {"print": "silent"}
        headers = {} if if_match is None else {"if-match": if_match}
        content = None if method == "DELETE" else _body(value)
        await self._transport.request(
            method, path, params=params, content=content, headers=headers, deadline=deadline, before=before
        )

    # ── watching, and what time it is ────────────────────────────────────────────────────────────────────────

    def watch(self, path: str, *, aside: bool = False) -> AsyncGenerator[Change, None]:
        """The node as it stands, then its changes, for ever: reconnects by itself, with a fresh snapshot each time.

        `aside`: for somebody who only looks on; what is said below about the state of the streams is not about it.

        Ends only by an error: `Denied` when the rules (no longer) allow it. What the caller does not take is not
        read from the network. Close with `contextlib.aclosing` or by cancelling the task: the connection goes at once.
        """
        return self._streams.watch(path, aside=aside)

    @property
    def last_byte_age(self) -> float:
        """Seconds since the quietest stream brought a byte; without a stream, since any answer did."""
        return self._streams.last_byte_age

    def why_not_ready(self) -> str | None:
        """A sentence while a watched node is not being watched, else None."""
        return self._streams.why_not_ready()

    def server_now(self) -> float:
        """Milliseconds since the epoch by the database's clock, as far as its answers have told it."""
        return self._transport.server_clock.now_ms()

    @property
    def traffic(self) -> Traffic:
        return self._transport.traffic


def _body(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
