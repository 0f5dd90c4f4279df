"""Bytes to and from one database over HTTP: the one place for deadlines, redirects, tokens, and what was transferred.

Nothing is repeated here but what cannot have had an effect: a request that was refused for its stale token.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from poller.errors import Conflict, Transient
from poller.metrics import Answered, Metrics
from poller.rtdb.answers import TokenRefused, is_stale, raise_for, redirected
from poller.rtdb.clock import ServerClock
from poller.rtdb.credentials import Credentials
from poller.rtdb.http import Answer, Before, Body, Http, nothing
from poller.rtdb.tree import Json

MAX_REDIRECTS = 5

Exchange: TypeAlias = Callable[[str, Mapping[str, str]], Awaitable[Answer]]
"""One request to a URL with these headers."""


class Transport:
    """Paths are relative, without a leading slash; "" is the root. `last_byte`: when anything came, by `clock`."""

    def __init__(
        self,
        http: Http,
        *,
        base_url: str,
        namespace: str | None,
        credentials: Credentials,
        clock: Callable[[], float],
        wall: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._params = {} if namespace is None else {"ns": namespace}
        self._credentials = credentials
        self._stale: str | None = None
        self.clock = clock
        self.server_clock = ServerClock(clock, wall)
        self.metrics = metrics
        self.last_byte = clock()

    def acting_as(self, auth: Json) -> Transport:
        """Over the same connections."""
        view = copy.copy(self)
        view._params = self._params | {"auth_variable_override": json.dumps(auth)}
        return view

    async def aclose(self) -> None:
        """Requests under way are broken off."""
        await self._http.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float,
        before: Before = nothing,
    ) -> Answer:
        """The deadline covers everything, the wait for a token too. Raises what the answer's status means."""

        async def exchange(url: str, fields: Mapping[str, str]) -> Answer:
            self.metrics.transferred(written=len(content or b""))
            return await self._http.send(method, url, content=content, headers=fields, before=before)

        with self._observed(method):
            try:
                async with asyncio.timeout(deadline):
                    answer, _ = await self._answered(exchange, self._url(path, params), headers or {})
            except TimeoutError as error:
                raise Transient(
                    f"RTDB did not answer {method} {path or '/'} within {deadline:g} s"
                ) from error
            raise_for(answer, method, path)
        return answer

    @asynccontextmanager
    async def stream(self, path: str, *, silence: float) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """What an event stream brings; Transient when no byte comes for so many seconds. A token it refuses is not used again."""
        body: Body | None = None

        async def exchange(url: str, fields: Mapping[str, str]) -> Answer:
            nonlocal body
            with _limited(silence):
                async with asyncio.timeout(silence):
                    answer, body = await self._http.open(url, headers=fields)
            return answer

        headers = {"Accept": "text/event-stream"}
        answer, token = await self._answered(exchange, self._url(path, None), headers, stale=self._stale)
        if body is None:
            raise_for(answer, "GET", path, token_may_be_stale=True)
            raise Transient(f"RTDB answered {answer.status} to a stream")
        try:
            async with aclosing(self._pieces(body, silence)) as pieces:
                yield pieces
        except TokenRefused:
            self._stale = token
            raise
        finally:
            body.close()

    async def _pieces(self, body: Body, silence: float) -> AsyncGenerator[bytes, None]:
        async with aclosing(body.chunks()) as chunks:
            while True:
                with _limited(silence):
                    async with asyncio.timeout(silence):
                        try:
                            piece = await anext(chunks, None)
                        except (OSError, EOFError) as error:
                            raise Transient(f"the stream broke ({type(error).__name__}: {error})") from error
                if piece is None:
                    return
                self.last_byte = self.clock()
                self.metrics.transferred(read=len(piece))
                yield piece

    # ── one request ──────────────────────────────────────────────────────────────────────────────────────────

    async def _answered(
        self, exchange: Exchange, url: str, headers: Mapping[str, str], *, stale: str | None = None
    ) -> tuple[Answer, str | None]:
        """And the token that went along: once more with a fresh one if the first was stale."""
        token = await self._credentials.token(stale=stale)
        answer = await self._followed(exchange, url, {**_bearer(token), **headers})
        if is_stale(answer):
            token = await self._credentials.token(stale=token)
            answer = await self._followed(exchange, url, {**_bearer(token), **headers})
        return answer, token

    async def _followed(self, exchange: Exchange, url: str, headers: Mapping[str, str]) -> Answer:
        """The answer from where redirects lead."""
        for _ in range(MAX_REDIRECTS):
            sent = self.clock()
            try:
                answer = await exchange(url, headers)
            except (OSError, EOFError) as error:
                why = getattr(error, "strerror", None) or str(error) or type(error).__name__
                raise Transient(f"RTDB cannot be reached ({urlsplit(url).netloc}: {why})") from error
            self.last_byte = self.clock()
            self.metrics.transferred(read=answer.size)
            self.server_clock.saw_date(answer.fields.get("date"), sent=sent, received=self.last_byte)
            if answer.status != 307:
                return answer
            url = redirected(answer)
        raise Transient("RTDB redirects in circles")

    @contextmanager
    def _observed(self, method: str) -> Iterator[None]:
        """One request, from the wait for its token to the meaning of its answer; a cancelled one counts as an error."""
        began = self.clock()
        outcome: Answered = "error"
        try:
            yield
            outcome = "ok"
        except Conflict:
            outcome = "conflict"
            raise
        finally:
            self.metrics.database(method, outcome, self.clock() - began)

    def _url(self, path: str, params: Mapping[str, str] | None) -> str:
        query = _query_of((*self._params.items(), *(params or {}).items()))
        return f"{self._base_url}/{quote(path.strip('/'), safe='/', errors='replace')}.json?{query}"


@lru_cache(maxsize=256)
def _query_of(params: tuple[tuple[str, str], ...]) -> str:
    """The same few again and again: a run's lease token, and whether an answer is wanted."""
    return urlencode(params, quote_via=quote)


@contextmanager
def _limited(silence: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Transient(f"no byte from RTDB for {silence:g} s") from error


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}
