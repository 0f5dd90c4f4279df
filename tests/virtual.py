"""Time that passes only when nothing is left to do: a test of an hour takes milliseconds, and a loop that spins shows."""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tests.fakes import FakeStore
from workbench.simulation.loop import Loop


class VirtualLoop(Loop):
    """`steps`: callbacks asked for so far, whoever asked."""

    def __init__(self) -> None:
        super().__init__(random.Random(0))
        self.steps = 0

    def call_soon(self, *args: Any, **given: Any) -> asyncio.Handle:
        self.steps += 1
        handle: asyncio.Handle = super().call_soon(*args, **given)
        return handle


class VirtualClock:
    """Implements the port `Clock` on the time of the loop that runs."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualStore(FakeStore):
    """The database's time passes with the loop's, and by `tick_ms` at every look."""

    tick_ms = 0

    @property
    def time(self) -> int:
        self._start += self.tick_ms
        return self._start + int(asyncio.get_running_loop().time() * 1000)

    @time.setter
    def time(self, moment: int) -> None:
        self._start = moment - int(asyncio.get_running_loop().time() * 1000)


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs an async test on a `VirtualLoop`."""

    @functools.wraps(test)
    def run(*args: Any, **given: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **given))

    return run


async def steps_in(seconds: float) -> int:
    """How many steps all tasks together take in so many seconds."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    before = loop.steps
    await asyncio.sleep(seconds)
    return loop.steps - before
