"""HTTP/1.1 for many small requests and a few endless answers: connections that are kept, nothing that is not needed here.

Why it is ours: `docs/decisions/0003-http-of-our-own.md`.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import os
import socket
import ssl
import struct
import zlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 60.0
UNTAKEN_SECONDS = 5.0
"""What the network does not take for so long is never sent, also if this process sleeps or is dead by then: no write lasts longer."""

MOST_CONNECTIONS = 128
MOST_IDLE = 32
_BODILESS = (204, 304)
_PIECE_BYTES = 1 << 16
_AT_ONCE = struct.pack("ii", 1, 0)

Origin = tuple[str, str]
Before = Callable[[], None]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def nothing() -> None:
    """Whoever has no condition."""


class NotHttp(ConnectionError):
    """What came is no answer in HTTP/1.1."""


def proxy_of(url: str) -> str:
    """The proxy that the environment names for this address, empty if none; only what is encrypted goes through one."""
    parts, proxies = urlsplit(url), getproxies()
    named = (proxies.get("https") or proxies.get("all") or "") if parts.scheme == "https" else ""
    return "" if not named or proxy_bypass(parts.hostname or "") else named


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. `fields` by name in lower case; `size`: bytes of the body as it came, `content` is unpacked."""

    url: str
    status: int
    fields: Mapping[str, str]
    content: bytes
    size: int

    def json(self) -> Any:
        """ValueError when it is none."""
        return json.loads(self.content)


@dataclass(slots=True)
class _Connection:
    origin: Origin
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used_at: float

    def usable(self) -> bool:
        fresh = monotonic() - self.used_at < IDLE_SECONDS
        return fresh and not self.reader.at_eof() and not self.writer.transport.is_closing()

    def break_off(self) -> None:
        """Sends nothing of what is left, neither from our buffer nor from the kernel's: the lease may be another's by then."""
        if not self.writer.transport.is_closing():  # a connection that was reset has no socket any more
            _socket(self.writer).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.writer.transport.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """`fields` by name in lower case."""

    version: str
    status: int
    fields: Mapping[str, str]

    @property
    def chunked(self) -> bool:
        return self.fields.get("transfer-encoding", "").lower() == "chunked"

    @property
    def length(self) -> int | None:
        given = self.fields.get("content-length")
        return None if given is None else _number(given, 10)


class Http:
    """Keeps connections per origin. Errors are `OSError` or `EOFError`; how long a request may take is its caller's to say."""

    def __init__(self, *, agent: str) -> None:
        self._agent = agent
        self._idle: dict[Origin, list[_Connection]] = defaultdict(list)
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)
        self._tls: ssl.SSLContext | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None,
        headers: Mapping[str, str],
        before: Before = nothing,
    ) -> Answer:
        """One request and its whole answer. What is left of a request that is given up is not sent any more.

        `before` is called right before the request is handed to the network, and may raise: nothing has been sent then.
        """
        parts = urlsplit(url)
        fields = {"Accept-Encoding": "gzip", **headers}
        async with self._places:
            connection = await self._connection(parts)
            with ExitStack() as given_up:
                given_up.callback(connection.break_off)
                before()
                await self._write(connection, method, parts, content, fields)
                head = await _read_head(connection.reader)
                body, kept = await _read_body(connection.reader, method, head)
                given_up.pop_all()
            self._leave(connection, kept)
        return Answer(
            url=url, status=head.status, fields=head.fields, content=_unpacked(head, body), size=len(body)
        )

    async def open(self, url: str, *, headers: Mapping[str, str]) -> tuple[Answer, Body | None]:
        """An answer without end, on a connection of its own: whoever gets a body closes it. None but for 200: read to its end."""
        parts = urlsplit(url)
        connection = await self._connected(parts)
        body: Body | None = None
        content = b""
        try:
            await self._write(connection, "GET", parts, None, {"Accept-Encoding": "identity", **headers})
            head = await _read_head(connection.reader)
            if head.status == 200:
                body = Body(connection, head)
            else:
                content, _ = await _read_body(connection.reader, "GET", head)
        finally:
            if body is None:
                connection.writer.close()
        return Answer(
            url=url, status=head.status, fields=head.fields, content=content, size=len(content)
        ), body

    async def _write(
        self,
        connection: _Connection,
        method: str,
        parts: SplitResult,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> None:
        head = _head(method, parts, content, {"User-Agent": self._agent, **headers})
        connection.writer.write(head + (content or b""))
        await connection.writer.drain()

    async def _connection(self, parts: SplitResult) -> _Connection:
        idle = self._idle[parts.scheme, parts.netloc]
        while idle:
            connection = idle.pop()
            if connection.usable():
                return connection
            connection.writer.close()
        return await self._connected(parts)

    async def _connected(self, parts: SplitResult) -> _Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if proxy := proxy_of(parts.geturl()):
                    reader, writer = await self._tunnelled(parts, proxy)
                else:
                    reader, writer = await self._opened(parts)
        except TimeoutError as error:
            raise ConnectionError(f"no connection within {CONNECT_SECONDS:g} s") from error
        return _Connection((parts.scheme, parts.netloc), reader, writer, monotonic())

    async def _opened(self, parts: SplitResult) -> Streams:
        tls = self._context() if parts.scheme == "https" else None
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port or (443 if tls else 80), ssl=tls
        )
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            milliseconds = int(UNTAKEN_SECONDS * 1000)
            _socket(writer).setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        return reader, writer

    async def _tunnelled(self, parts: SplitResult, proxy: str) -> Streams:
        through = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if through.scheme not in ("http", "https"):
            raise ConnectionError(
                f"a proxy over {through.scheme} cannot be used: name one over http or https"
            )
        target = f"{parts.hostname}:{parts.port or 443}"
        reader, writer = await self._opened(through)
        with ExitStack() as given_up:
            given_up.callback(writer.close)
            writer.write(_lines([f"CONNECT {target} HTTP/1.1", f"Host: {target}", *_credentials(through)]))
            head = await _read_head(reader)
            if head.status != 200:
                raise ConnectionError(f"the proxy answered {head.status}")
            await writer.start_tls(self._context(), server_hostname=parts.hostname)
            given_up.pop_all()
        return reader, writer

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = _trusting()
        return self._tls

    def _leave(self, connection: _Connection, kept: bool) -> None:
        idle = self._idle[connection.origin]
        if kept and len(idle) < MOST_IDLE:
            connection.used_at = monotonic()
            idle.append(connection)
        else:
            connection.writer.close()

    async def aclose(self) -> None:
        """Closes what is idle; what is in use ends with its call."""
        for connections in self._idle.values():
            for connection in connections:
                connection.writer.close()
        self._idle.clear()


class Body:
    """The rest of an answer, as it comes."""

    def __init__(self, connection: _Connection, head: _Head) -> None:
        self._connection, self._head = connection, head

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Pieces as they arrive. Raises what the connection does when it breaks off before the end."""
        reader = self._connection.reader
        if self._head.chunked:
            while size := await _chunk_size(reader):
                while size:
                    piece = await _some(reader, size)
                    size -= len(piece)
                    yield piece
                await reader.readexactly(2)
        elif (length := self._head.length) is not None:
            while length:
                piece = await _some(reader, length)
                length -= len(piece)
                yield piece
        else:
            while piece := await reader.read(_PIECE_BYTES):
                yield piece

    def close(self) -> None:
        """With its connection, whether it was read to the end or not."""
        self._connection.writer.close()


def _socket(writer: asyncio.StreamWriter) -> socket.socket:
    found: socket.socket = writer.get_extra_info("socket")
    return found


def _trusting() -> ssl.SSLContext:
    """Trusts whom the environment names, else the list of certifi: an image has none of its own."""
    import certifi

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    return ssl.create_default_context(cafile=certifi.where())


def _credentials(proxy: SplitResult) -> list[str]:
    if proxy.username is None:
        return []
    named = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return [f"Proxy-Authorization: Basic {base64.b64encode(named.encode()).decode()}"]


def _head(method: str, parts: SplitResult, content: bytes | None, headers: Mapping[str, str]) -> bytes:
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    fields = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    fields += [f"{name}: {value}" for name, value in headers.items()]
    if content is not None:
        fields.append(f"Content-Length: {len(content)}")
    return _lines(fields)


def _lines(fields: list[str]) -> bytes:
    if any("\r" in field or "\n" in field for field in fields):
        raise ValueError("a header holds a line break")
    return "\r\n".join([*fields, "", ""]).encode("latin-1")


async def _read_head(reader: asyncio.StreamReader) -> _Head:
    """Interim answers (1xx) are passed over."""
    while True:
        first, *lines = (await _until(reader, b"\r\n\r\n")).split("\r\n")[:-2]
        version, _, rest = first.partition(" ")
        if not version.startswith("HTTP/1."):
            raise NotHttp("what answered is no HTTP server")
        status = _number(rest[:3], 10)
        if status >= 200:
            pairs = (line.partition(":") for line in lines)
            fields = {name.lower(): value.strip() for name, _, value in pairs}
            return _Head(version=version, status=status, fields=fields)


async def _read_body(reader: asyncio.StreamReader, method: str, head: _Head) -> tuple[bytes, bool]:
    """The body, and whether the connection can be used again."""
    kept = head.version == "HTTP/1.1" and head.fields.get("connection", "").lower() != "close"
    if head.status in _BODILESS or method == "HEAD":
        return b"", kept
    if head.chunked:
        return await _chunks(reader), kept
    if (length := head.length) is not None:
        return await reader.readexactly(length), kept
    return await reader.read(), False


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := await _chunk_size(reader):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await _until(reader, b"\r\n") != "\r\n":
        pass  # trailers
    return b"".join(pieces)


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    return _number((await _until(reader, b"\r\n")).split(";")[0], 16)


async def _some(reader: asyncio.StreamReader, most: int) -> bytes:
    if piece := await reader.read(min(most, _PIECE_BYTES)):
        return piece
    raise EOFError("the answer broke off")


async def _until(reader: asyncio.StreamReader, end: bytes) -> str:
    try:
        return (await reader.readuntil(end)).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise NotHttp("what answered is no HTTP server") from error


def _unpacked(head: _Head, body: bytes) -> bytes:
    if not body or head.fields.get("content-encoding", "identity").lower() == "identity":
        return body
    try:
        return gzip.decompress(body)  # nothing else was offered
    except (OSError, EOFError, zlib.error) as error:
        raise NotHttp("the answer cannot be unpacked") from error


def _number(text: str, base: int) -> int:
    try:
        number = int(text.strip(), base)
    except ValueError as error:
        raise NotHttp("what answered does not say how long its answer is") from error
    if number < 0:
        raise NotHttp("what answered does not say how long its answer is")
    return number
