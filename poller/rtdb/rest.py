"""An asynchronous client of one Realtime Database, in the words of its REST interface.

Writes are never repeated here: the caller knows whether a lost answer may be asked for again.
"""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from poller.metrics import Metrics
from poller.rtdb.answers import decoded, etag_of
from poller.rtdb.credentials import Credentials
from poller.rtdb.http import Before, Http, nothing
from poller.rtdb.stream import WATCHDOG_SECONDS, Backoff, EventStreams
from poller.rtdb.transport import Transport
from poller.rtdb.tree import Json


class Database(AbstractAsyncContextManager["Database"]):
    """One database (host and namespace). Paths are relative, without a leading slash; "" is the root.

    Use as `async with Database.connect(…) as db`. Deadlines are in seconds and cover the whole request. Errors:
    `Transient` (away, slow, overloaded), `Conflict` (412), `Denied` (rules), `Permanent` (a sentence says what to do).
    `streams` watch nodes; `server_clock` is the database's, as far as its answers have told it.
    """

    def __init__(self, transport: Transport, streams: EventStreams) -> None:
        self.transport, self.streams = transport, streams
        self.server_clock = transport.server_clock

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

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.aclose()

    def acting_as(self, auth: Json) -> Database:
        """The same database over the same connections, with `auth` as what its rules see; only one of the two is to be entered.

        With lease tokens in the rules, this is how the writes of one run are fenced by the database.
        """
        view = copy.copy(self)
        view.transport = self.transport.acting_as(auth)
        view.streams = self.streams.acting_as(view.transport)
        return view

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, path: str, *, query: Mapping[str, str] | None = None, deadline: float = 30.0) -> Json:
        """`query`: parameters of the REST interface, such as `limitToLast`."""
        return decoded(await self.transport.request("GET", path, params=query, deadline=deadline))

    async def get_with_etag(self, path: str, *, deadline: float = 30.0) -> tuple[Json, str]:
        """The value, and what names it in a condition."""
        answer = await self.transport.request(
            "GET", path, headers={"X-Firebase-ETag": "true"}, deadline=deadline
        )
        return decoded(answer), etag_of(answer)

    async def get_if_changed(
        self, path: str, etag: str, *, deadline: float = 30.0
    ) -> tuple[Json, str] | None:
        """None when the value is still the one of `etag`: then nothing but headers came over the wire."""
        headers = {"X-Firebase-ETag": "true", "If-None-Match": etag}
        answer = await self.transport.request("GET", path, headers=headers, deadline=deadline)
        return None if answer.status == 304 else (decoded(answer), etag_of(answer))

    async def keys(self, path: str, *, deadline: float = 30.0) -> list[str]:
        """The children's names without their values, in no particular order."""
        answer = await self.transport.request("GET", path, params={"shallow": "true"}, deadline=deadline)
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
        params, headers = _condition(if_match)
        await self.transport.request(
            "PUT",
            path,
            params=params,
            content=_body(value),
            headers=headers,
            deadline=deadline,
            before=before,
        )

    async def put_returning(
        self, path: str, value: Json, *, if_match: str | None = None, deadline: float = 5.0
    ) -> tuple[Json, str]:
        """What is stored now (`.sv` resolved) and its ETag."""
        headers = {"X-Firebase-ETag": "true"} | ({"if-match": if_match} if if_match is not None else {})
        answer = await self.transport.request(
            "PUT", path, content=_body(value), headers=headers, deadline=deadline
        )
        return decoded(answer), etag_of(answer)

    async def patch(
        self, path: str, updates: Mapping[str, Json], *, deadline: float = 5.0, before: Before = nothing
    ) -> None:
        """All of `updates` or nothing; keys may be deep (`a/b`), None deletes. Cannot be conditional. `before` as for `put`."""
        params, _ = _condition(None)
        await self.transport.request(
            "PATCH", path, params=params, content=_body(updates), deadline=deadline, before=before
        )

    async def delete(self, path: str, *, if_match: str | None = None, deadline: float = 5.0) -> None:
        """`if_match` as for `put`. What is not there is no error."""
        params, headers = _condition(if_match)
        await self.transport.request("DELETE", path, params=params, headers=headers, deadline=deadline)


def _condition(if_match: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """Parameters and headers. A conditional write is not silent: its refusal must bring the present value along."""
    return ({"print": "silent"}, {}) if if_match is None else ({}, {"if-match": if_match})


def _body(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
