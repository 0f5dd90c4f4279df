"""An asynchronous client of one Realtime Database: REST for reads and writes, event streams to watch.

Writes are never repeated here: the caller knows whether a lost answer may be asked for again. What is repeated is
what cannot have had an effect: a request that was refused for its stale token, and the opening of a stream.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import structlog

from poller.errors import Conflict, Transient
from poller.metrics import Answered, Metrics
from poller.rtdb.answers import Denied, TokenRefused, decoded, etag_of, is_stale, raise_for, redirected
from poller.rtdb.clock import ServerClock
from poller.rtdb.credentials import Credentials
from poller.rtdb.requests import Answer, Before, Requests, is_proxied, nothing
from poller.rtdb.stream import Change, Event, EventParser, change_of
from poller.rtdb.tree import Json

log = structlog.get_logger(__name__)

MAX_REDIRECTS = 5
WATCHDOG_SECONDS = 45.0
"""RTDB sends a keep-alive every 30 s: a stream without a byte for this long is dead."""

_NO_OVERRIDE = object()
_STEADY_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Full jitter: a random time up to a ceiling that doubles from `first` to `last` seconds."""

    first: float = 0.25
    last: float = 15.0

    def delay(self, failures: int, chance: Callable[[], float]) -> float:
        return chance() * min(self.last, self.first * 2.0 ** min(failures, 16))


@dataclass(slots=True)
class Traffic:
    """What went over the wire, bodies only. `reconnects` counts streams that came back."""

    requests: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    reconnects: int = 0


class _Watch:
    """How one stream is doing."""

    def __init__(self, path: str, now: float, http: httpx.AsyncClient) -> None:
        self.path = path
        self.http = http
        self.connections = 0
        self.connected_since: float | None = None
        self.last_byte = now
        self.trouble = "connecting"


class Database:
    """One database (host and namespace). Paths are relative, without a leading slash; "" is the root.

    Use as `async with Database.connect(…) as db`. Deadlines are in seconds and cover the whole request. Errors:
    `Transient` (away, slow, overloaded), `Conflict` (412), `Denied` (rules), `Permanent` (a sentence says what to do).
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        requests: Requests | None,
        *,
        aside: httpx.AsyncClient | None = None,
        base_url: str,
        params: Mapping[str, str],
        credentials: Credentials,
        clock: Callable[[], float],
        wall: Callable[[], float],
        watchdog: float,
        backoff: Backoff,
        chance: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._http = http
        self._aside = aside or http
        self._requests = requests
        self._metrics = metrics
        self._base_url = base_url
        self._params = dict(params)
        self._query = str(httpx.QueryParams(self._params))
        self._credentials = credentials
        self._clock = clock
        self._server_clock = ServerClock(clock, wall)
        self._watchdog = watchdog
        self._backoff = backoff
        self._chance = chance
        self._watches: set[_Watch] = set()
        self._last_byte = clock()
        self._traffic = Traffic()

    @classmethod
    def connect(
        cls,
        *,
        base_url: str,
        namespace: str | None,
        credentials: Credentials,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        auth_variable_override: Json = _NO_OVERRIDE,
        watchdog: float = WATCHDOG_SECONDS,
        backoff: Backoff | None = None,
        chance: Callable[[], float] = random.random,
        metrics: Metrics,
        agent: str = "eventstorming",
    ) -> Database:
        """Opens nothing yet. `auth_variable_override`: act as this `auth` under the rules (None: as nobody).

        `agent`: what the database's own log and profiler know this process by.
        """
        params = {} if namespace is None else {"ns": namespace}
        if auth_variable_override is not _NO_OVERRIDE:
            params["auth_variable_override"] = json.dumps(auth_variable_override)
        logging.getLogger("httpx").setLevel(
            logging.WARNING
        )  # it logs whole URLs, and ours carry lease tokens
        is_tls = base_url.startswith("https:")
        verify = httpx.create_ssl_context() if is_tls else False
        http, aside = (
            httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=5.0),
                limits=httpx.Limits(max_keepalive_connections=32, keepalive_expiry=60),
                verify=verify,
                trust_env=is_tls,
                headers={"User-Agent": agent},
            )
            for _ in range(2)
        )
        return cls(
            http,
            None if is_tls and is_proxied(base_url) else Requests(agent=agent),
            aside=aside,
            base_url=base_url.rstrip("/"),
            params=params,
            credentials=credentials,
            clock=clock,
            wall=wall,
            watchdog=watchdog,
            backoff=backoff or Backoff(),
            chance=chance,
            metrics=metrics,
        )

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()
        await self._aside.aclose()
        if self._requests is not None:
            await self._requests.aclose()

    def acting_as(self, auth: Json) -> Database:
        """The same database over the same connections, with `auth` as what its rules see; only one of the two is to be entered.

        With lease tokens in the rules, this is how the writes of one run are fenced by the database.
        """
        view = copy.copy(self)
        view._params = self._params | {"auth_variable_override": json.dumps(auth)}
        view._query = str(httpx.QueryParams(view._params))
        return view

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, path: str, *, query: Mapping[str, str] | None = None, deadline: float = 30.0) -> Json:
        """`query`: parameters of the REST interface, such as `limitToLast`."""
        return decoded(await self._request("GET", path, params=query, deadline=deadline))

    async def get_with_etag(self, path: str, *, deadline: float = 30.0) -> tuple[Json, str]:
        answer = await self._request("GET", path, headers={"X-Firebase-ETag": "true"}, deadline=deadline)
        return decoded(answer), etag_of(answer)

    async def get_if_changed(
        self, path: str, etag: str, *, deadline: float = 30.0
    ) -> tuple[Json, str] | None:
        """None when the value is still the one of `etag`: then nothing but headers came over the wire."""
        headers = {"X-Firebase-ETag": "true", "If-None-Match": etag}
        answer = await self._request("GET", path, headers=headers, deadline=deadline)
        return None if answer.status == 304 else (decoded(answer), etag_of(answer))

    async def keys(self, path: str, *, deadline: float = 30.0) -> list[str]:
        """The children's names without their values, in no particular order."""
        answer = await self._request("GET", path, params={"shallow": "true"}, deadline=deadline)
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

    async def put_returning_etag(
        self, path: str, value: Json, *, if_match: str | None = None, deadline: float = 5.0
    ) -> str:
        """The ETag of what is stored now, for the next conditional write without a read in between."""
        return (await self.put_returning(path, value, if_match=if_match, deadline=deadline))[1]

    async def put_returning(
        self, path: str, value: Json, *, if_match: str | None = None, deadline: float = 5.0
    ) -> tuple[Json, str]:
        """What is stored now (`.sv` resolved) and its ETag."""
        headers = {"X-Firebase-ETag": "true"} | ({"if-match": if_match} if if_match is not None else {})
        answer = await self._request("PUT", path, body=value, headers=headers, deadline=deadline)
        return decoded(answer), etag_of(answer)

    async def patch(
        self, path: str, updates: Mapping[str, Json], *, deadline: float = 5.0, before: Before = nothing
    ) -> None:
        """All of `updates` or nothing; keys may be deep (`a/b`), None deletes. Cannot be conditional. `before` as for `put`."""
        await self._write("PATCH", path, updates, if_match=None, deadline=deadline, before=before)

    async def delete(self, path: str, *, if_match: str | None = None, deadline: float = 5.0) -> None:
        await self._write("DELETE", path, None, if_match=if_match, deadline=deadline)

    async def learn_time(self, path: str, *, deadline: float = 5.0) -> float:
        """Writes a server timestamp at `path` and learns the server's clock from it; returns it in ms."""
        sent = self._clock()
        value, _ = await self.put_returning(path, {".sv": "timestamp"}, deadline=deadline)
        self._server_clock.saw_timestamp(value, sent=sent, received=self._clock())
        return float(value)

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
        await self._request(
            method, path, params=params, body=value, headers=headers, deadline=deadline, before=before
        )

    # ── watching ─────────────────────────────────────────────────────────────────────────────────────────────

    async def watch(self, path: str, *, aside: bool = False) -> AsyncGenerator[Change, None]:
        """The node as it stands, then its changes, for ever: reconnects by itself, with a fresh snapshot each time.

        `aside`: for somebody who only looks on. It takes no connection that another stream may need, and what is said
        below about the state of the streams is not about it.

        Ends only by an error: `Denied` when the rules (no longer) allow it. What the caller does not take is not
        read from the network. Close with `contextlib.aclosing` or by cancelling the task: the connection goes at once.
        """
        status = _Watch(path, self._clock(), self._aside if aside else self._http)
        if not aside:
            self._watches.add(status)
        failures = 0
        stale: str | None = None
        try:
            while True:
                opened = self._clock()
                token = await self._token(status, stale)
                try:
                    async with aclosing(self._changes(status, token)) as changes:
                        async for change in changes:
                            yield change
                except Transient as error:
                    status.trouble, status.connected_since = str(error), None
                    stale = token if isinstance(error, TokenRefused) else None
                    failures = 0 if self._clock() - opened > _STEADY_SECONDS else failures + 1
                    log.info("rtdb.stream_lost", path=path, reason=status.trouble, failures=failures)
                    await asyncio.sleep(self._pause(failures, error))
        finally:
            self._watches.discard(status)

    def _pause(self, failures: int, lost: Transient) -> float:
        asked_for = min(lost.retry_after or 0.0, self._backoff.last)
        return max(asked_for, self._backoff.delay(max(failures - 1, 0), self._chance))

    async def _token(self, status: _Watch, stale: str | None) -> str | None:
        """A token for a stream; waits while the token service is away."""
        failures = 0
        while True:
            try:
                return await self._credentials.token(stale=stale)
            except Transient as error:
                status.trouble = str(error)
                await asyncio.sleep(self._backoff.delay(failures, self._chance))
                failures += 1

    async def _changes(self, status: _Watch, token: str | None) -> AsyncGenerator[Change, None]:
        """One connection's changes; raises when it is over."""
        is_first = True
        async with (
            self._open_stream(status, token) as response,
            aclosing(self._events(response, status)) as events,
        ):
            async for event in events:
                change = _change(event, status.path, is_first=is_first)
                if change is None:
                    continue
                if is_first:
                    self._connected(status)
                is_first = False
                yield change
        raise Transient("RTDB ended the stream")

    async def _events(self, response: httpx.Response, status: _Watch) -> AsyncGenerator[Event, None]:
        parser = EventParser()
        with self._transport("the stream broke"):
            async for chunk in response.aiter_bytes():
                status.last_byte = self._last_byte = self._clock()
                self._transferred(read=len(chunk))
                for event in parser.feed(chunk):
                    yield event

    def _connected(self, status: _Watch) -> None:
        status.connected_since = self._clock()
        status.trouble = ""
        status.connections += 1
        if status.connections > 1:
            self._traffic.reconnects += 1
            self._metrics.reconnected(status.path)
        log.info("rtdb.stream_connected", path=status.path, reconnects=self._traffic.reconnects)

    @asynccontextmanager
    async def _open_stream(self, status: _Watch, token: str | None) -> AsyncIterator[httpx.Response]:
        url = self._url(status.path, {})
        timeout = httpx.Timeout(5.0, read=self._watchdog)
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity", **_bearer(token)}
        for _ in range(MAX_REDIRECTS):
            request = status.http.build_request("GET", url, headers=headers, timeout=timeout)
            self._traffic.requests += 1
            response = await self._send(status.http, request)
            try:
                if response.status_code == 200:
                    yield response
                    return
                answer = await self._whole(response)
                if answer.status != 307:
                    raise_for(answer, "GET", status.path, token_may_be_stale=True)
                    raise Transient(f"RTDB answered {answer.status} to a stream")
                url = redirected(answer)
            finally:
                await response.aclose()
        raise Transient("RTDB redirects in circles")

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────

    def server_now(self) -> float:
        """Milliseconds since the epoch by the database's clock, as far as its answers have told it."""
        return self._server_clock.now_ms()

    @property
    def server_clock_uncertainty_ms(self) -> float | None:
        return self._server_clock.uncertainty_ms

    @property
    def last_byte_age(self) -> float:
        """Seconds since the quietest stream brought a byte; without a stream, since any answer did."""
        oldest = min((watch.last_byte for watch in self._watches), default=self._last_byte)
        return self._clock() - oldest

    @property
    def connected_since(self) -> float | None:
        """When (monotonic) the last of the streams came up; None while one is down, or there is none."""
        times = [watch.connected_since for watch in self._watches]
        if not times or None in times:
            return None
        return max(moment for moment in times if moment is not None)

    def why_not_ready(self) -> str | None:
        """A sentence while a watched node is not being watched, else None."""
        if not self._watches:
            return "RTDB is not being watched yet."
        down = [
            f"{watch.path or '/'}: {watch.trouble}"
            for watch in self._watches
            if watch.connected_since is None
        ]
        return f"RTDB is not being watched ({'; '.join(sorted(down))})." if down else None

    @property
    def requests(self) -> int:
        return self._traffic.requests

    @property
    def bytes_read(self) -> int:
        return self._traffic.bytes_read

    @property
    def bytes_written(self) -> int:
        return self._traffic.bytes_written

    @property
    def reconnects(self) -> int:
        return self._traffic.reconnects

    # ── one request ──────────────────────────────────────────────────────────────────────────────────────────

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        deadline: float,
        before: Before = nothing,
    ) -> Answer:
        has_body = method in ("PUT", "PATCH")
        content = (
            json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
            if has_body
            else None
        )
        url = self._url(path, params or {})
        with self._observed(method):
            try:
                async with asyncio.timeout(deadline):
                    answer = await self._authorised(method, url, content, headers or {}, before)
            except TimeoutError as error:
                raise Transient(
                    f"RTDB did not answer {method} {path or '/'} within {deadline:g} s"
                ) from error
            raise_for(answer, method, path)
        return answer

    async def _authorised(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], before: Before
    ) -> Answer:
        """Once more with a fresh token if the first was stale."""
        token = await self._credentials.token()
        answer = await self._exchange(method, url, content, {**_bearer(token), **headers}, before)
        if not is_stale(answer):
            return answer
        token = await self._credentials.token(stale=token)
        return await self._exchange(method, url, content, {**_bearer(token), **headers}, before)

    async def _exchange(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str], before: Before
    ) -> Answer:
        for _ in range(MAX_REDIRECTS):
            self._traffic.requests += 1
            self._transferred(written=len(content or b""))
            sent = self._clock()
            answer = await self._answered(method, url, content, headers, before)
            self._last_byte = self._clock()
            self._transferred(read=answer.size)
            self._server_clock.saw_date(answer.fields.get("date"), sent=sent, received=self._last_byte)
            if answer.status != 307:
                return answer
            url = redirected(answer)
        raise Transient("RTDB redirects in circles")

    def _transferred(self, *, read: int = 0, written: int = 0) -> None:
        self._traffic.bytes_read += read
        self._traffic.bytes_written += written
        self._metrics.transferred(read=read, written=written)

    @contextmanager
    def _observed(self, method: str) -> Iterator[None]:
        """One request, from the wait for its token to the meaning of its answer; a cancelled one counts as an error."""
        began = self._clock()
        outcome: Answered = "error"
        try:
            yield
            outcome = "ok"
        except Conflict:
            outcome = "conflict"
            raise
        finally:
            self._metrics.database(method, outcome, self._clock() - began)

    async def _answered(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str], before: Before
    ) -> Answer:
        if self._requests is None:
            before()
            request = self._aside.build_request(method, url, content=content, headers=headers)
            return await self._whole(await self._send(self._aside, request))
        try:
            return await self._requests.send(method, url, content=content, headers=headers, before=before)
        except (OSError, EOFError) as error:
            raise Transient(f"RTDB cannot be reached ({type(error).__name__}: {error})") from error

    async def _send(self, http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        """The answer's head; its body is still to be read."""
        with self._transport("RTDB cannot be reached"):
            return await http.send(request, stream=True)

    async def _whole(self, response: httpx.Response) -> Answer:
        with self._transport("the answer broke off"):
            try:
                await response.aread()
            finally:
                await response.aclose()
        return Answer.of(response)

    @contextmanager
    def _transport(self, broken: str) -> Iterator[None]:
        """What httpx raises, in our words."""
        try:
            yield
        except httpx.ReadTimeout as error:
            raise Transient(f"no byte from RTDB for {self._watchdog:g} s") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Transient(f"{broken} ({type(error).__name__}: {error})") from error

    def _url(self, path: str, params: Mapping[str, str]) -> str:
        query = _query_of((*self._params.items(), *params.items())) if params else self._query
        return f"{self._base_url}/{quote(path.strip('/'), safe='/')}.json?{query}"


@lru_cache(maxsize=256)
def _query_of(params: tuple[tuple[str, str], ...]) -> str:
    """The same few again and again: a run's lease token, and whether an answer is wanted."""
    return str(httpx.QueryParams(dict(params)))


def endpoint(database_url: str | None, emulator_host: str | None) -> tuple[str, str | None]:
    """Base URL and namespace from Firebase's two settings: an emulator wins, and needs the name as `?ns=`."""
    url = urlsplit(database_url or "")
    named = parse_qs(url.query).get("ns", [None])[0]
    if not emulator_host:
        return f"{url.scheme}://{url.netloc}", named
    host = urlsplit(emulator_host if "://" in emulator_host else f"http://{emulator_host}")
    of_emulator = parse_qs(host.query).get("ns", [None])[0]
    of_host = url.netloc.partition(".")[0] if "." in url.netloc and not named else None
    return f"{host.scheme}://{host.netloc}", of_emulator or named or of_host or "eventstorming"


def _change(event: Event, path: str, *, is_first: bool) -> Change | None:
    """None for a keep-alive and for what RTDB may add one day."""
    if event.name == "cancel":
        raise Denied(
            f"RTDB's rules no longer allow watching {path or '/'}: check the rules and this account's rights."
        )
    if event.name == "auth_revoked":
        raise TokenRefused("the access token was revoked")
    return change_of(event, is_first=is_first) if event.name in ("put", "patch") else None


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}
