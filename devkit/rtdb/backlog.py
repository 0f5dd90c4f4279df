"""Bytes on their way to one connection. A thousand of them wait at once: what is empty takes next to no memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

MAX_BACKLOG_BYTES = 64 * 1024 * 1024
"""A reader who is this far behind is cut off, and gets a fresh snapshot when it comes back."""

KEEP_ALIVE = b"event: keep-alive\ndata: null\n\n"


class Backlog:
    """Bytes that wait for a connection to take them; more than `MAX_BACKLOG_BYTES` of them abort it."""

    __slots__ = ("_bytes", "_on_abort", "_sleepers", "_waiting", "aborted", "ended")

    def __init__(self, on_abort: Callable[[], object] = lambda: None) -> None:
        self._on_abort = on_abort
        self._waiting: deque[bytes] | None = None
        self._bytes = 0
        self._sleepers: tuple[asyncio.Future[None], ...] = ()
        self.ended = False
        self.aborted = False

    def add(self, item: bytes) -> None:
        if self.ended:
            return
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(item)
        self._bytes += len(item)
        if self._bytes > MAX_BACKLOG_BYTES:
            self.close(abort=True)
        self.stir()

    def close(self, *, abort: bool = False) -> None:
        self.ended = True
        self.stir()
        if abort and not self.aborted:
            self.aborted = True
            self._waiting, self._bytes = None, 0
            self._on_abort()

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def take_all(self) -> list[bytes]:
        taken = list(self._waiting or ())
        self._waiting, self._bytes = None, 0
        return taken

    def stir(self) -> None:
        """Whoever waits looks again."""
        sleepers, self._sleepers = self._sleepers, ()
        for sleeper in sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    async def stirred(self, seconds: float | None) -> bool:
        """False when nothing happened in that time."""
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers = (*self._sleepers, sleeper)
        try:
            if seconds is None:
                await sleeper
                return True
            async with asyncio.timeout(seconds):
                await sleeper
        except TimeoutError:
            return False
        finally:
            self._sleepers = tuple(one for one in self._sleepers if one is not sleeper)
        return True

    async def next(self, keep_alive: float | None) -> bytes | None:
        """The next bytes to send; a keep-alive after `keep_alive` quiet seconds; None when the stream is over."""
        while not self._waiting and not self.ended:
            if not await self.stirred(keep_alive):
                return KEEP_ALIVE
        if self.aborted or not self._waiting:
            return None
        item = self._waiting.popleft()
        self._bytes -= len(item)
        if not self._waiting:
            self._waiting = None
        return item
