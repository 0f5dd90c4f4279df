"""That something has changed: everybody who waits is woken, once per change."""

from __future__ import annotations

import asyncio


class News:
    """Nothing is kept: who comes after a change waits for the next."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Something has changed."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float | None = None) -> bool:
        """Whether there was a change in that time; None: for however long it takes."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        return True
