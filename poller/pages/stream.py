"""Server-sent events for many viewers of one thing: each event is made once, whoever is slow skips what is out of date."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from process.tasks import failed_too

KEEP_ALIVE_SECONDS = 15.0
RETRY_MS = 2000

Stream = AsyncIterator[bytes]


def event(name: str, data: str, *, id: str = "") -> bytes:
    """One event as it travels; a browser hands back the last `id` when it comes again."""
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    named = f"id: {id}\n" if id else ""
    return f"event: {name}\n{named}{lines}\n".encode()


class EventStream(Response):
    """Answers with events until `open` has no more, or the browser is gone, which is noticed at once."""

    media_type = "text/event-stream"

    def __init__(self, open: Callable[[], AbstractAsyncContextManager[Stream]]) -> None:
        self._open = open
        self.background = None
        self.status_code = 200
        self.body = b""
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._open() as events:
            await send({"type": "http.response.start", "status": 200, "headers": self._event_headers()})
            sending = asyncio.create_task(_send_all(events, send))
            leaving = asyncio.create_task(_left(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, leaving):
                    task.cancel()
                for error in await asyncio.gather(sending, leaving, return_exceptions=True):
                    if isinstance(error, Exception):
                        failed_too(error)

    def _event_headers(self) -> list[tuple[bytes, bytes]]:
        return [(name, value) for name, value in self.raw_headers if name != b"content-length"]


async def _send_all(events: Stream, send: Send) -> None:
    await _send(send, f"retry: {RETRY_MS}\n\n".encode())
    async with aclosing(events) as chunks:  # type: ignore[type-var]  # they are async generators
        async for chunk in chunks:
            await _send(send, chunk)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
