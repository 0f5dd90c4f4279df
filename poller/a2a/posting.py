"""One POST to an address that a caller named: to what was judged, never to where a name or a redirect leads meanwhile.

No proxy, no cookies, no body is read: whoever answers gets neither our time nor our memory.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urljoin

from poller.addresses import Address, Allowed, NotAllowed, web_address

SECONDS = 10.0
"""For one attempt, redirects included."""

MOST_REDIRECTS = 3
_LARGEST_HEAD = 16 * 1024
_SAME_AGAIN = (307, 308)


class NotDelivered(Exception):
    """Nobody acknowledged; the message says why, without a secret and without what the other side wrote."""


async def judged(url: str, allowed: Allowed) -> tuple[SplitResult, Address]:
    """The address in its parts, and what to connect to. Raises NotAllowed; NotDelivered where the name is unknown."""
    parts = web_address(url)
    host = parts.hostname or ""
    found = await _resolved(host)
    allowed.check(host, found)
    return parts, found[0]


async def _resolved(host: str) -> list[Address]:
    try:
        async with asyncio.timeout(SECONDS / 2):
            loop = asyncio.get_running_loop()
            infos = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise NotDelivered(f"the name {host} is not known") from error
    return [ip_address(str(info[4][0]).partition("%")[0]) for info in infos]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """`secrets` are headers too, and stay with the host they were given for."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    secrets: Mapping[str, str]


async def post(what: Post, allowed: Allowed) -> None:
    """Returns when it was acknowledged (2xx). Raises NotAllowed, NotDelivered."""
    try:
        async with asyncio.timeout(SECONDS):
            await _followed(what, allowed)
    except TimeoutError as error:
        raise NotDelivered(f"no answer within {SECONDS:g} s") from error
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        if isinstance(error, NotAllowed):
            raise
        raise NotDelivered(f"not reached ({type(error).__name__})") from error


async def _followed(what: Post, allowed: Allowed) -> None:
    url, secrets = what.url, what.secrets
    for _ in range(MOST_REDIRECTS + 1):
        parts, address = await judged(url, allowed)
        status, location = await _asked(parts, address, what.body, {**what.headers, **secrets})
        if 200 <= status < 300:
            return
        if status not in _SAME_AGAIN or not location:
            raise NotDelivered(f"answered {status}")
        url = urljoin(url, location)
        if web_address(url).netloc != parts.netloc:
            secrets = {}
    raise NotDelivered("redirected too often")


async def _asked(
    parts: SplitResult, address: Address, body: bytes, headers: Mapping[str, str]
) -> tuple[int, str]:
    """Status and where it leads."""
    tls = _trusting() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        str(address),
        parts.port or (443 if tls else 80),
        ssl=tls,
        server_hostname=parts.hostname if tls else None,
        limit=_LARGEST_HEAD,
    )
    try:
        writer.write(_head(parts, len(body), headers) + body)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    finally:
        writer.transport.abort()
    if not head[0].startswith("HTTP/1."):
        raise ValueError("no HTTP")
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
    }
    return int(head[0].split(" ")[1]), fields.get("location", "")


def _head(parts: SplitResult, length: int, headers: Mapping[str, str]) -> bytes:
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    fields = {"Host": parts.netloc, "Content-Length": str(length), "Connection": "close", **headers}
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if any(not line.isprintable() for line in lines):
        raise ValueError("a header holds a line break")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@cache
def _trusting() -> ssl.SSLContext:
    """Whom the environment names, else certifi's list: an image has none of its own."""
    import certifi

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    return ssl.create_default_context(cafile=certifi.where())
