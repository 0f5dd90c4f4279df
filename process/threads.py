"""Work that blocks, while a process ends: waited for, but not longer than can be afforded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress


async def finished(blocking: Callable[[], object], seconds: float, *, name: str) -> None:
    """Returns when it has returned, or after so long. Its thread is one that the process's end does not wait for."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        blocking()
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work, daemon=True, name=name).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await done.wait()
