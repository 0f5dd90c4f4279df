"""Whether the language model answers a run at all, and since when not. Tells nobody; makes no call."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Final

from executor.ports import Lapse

SILENT_SECONDS: Final = 30.0
"""So long no answer is no news; where answers take longer, four times what is usual: one alone may be long."""
_USUAL: Final = 40  # answers that say what is usual now


class Silence:
    """Of one run: what has been put to the language model, waits between tries included, and when it last answered.

    `answers`: durable ones so far, which name a silence.
    """

    def __init__(self, clock: Callable[[], float], *, answers: int) -> None:
        self._clock = clock
        self.answers = answers
        self._asked: dict[str, float] = {}
        self._answered = self._over = float("-inf")
        self._took: deque[float] = deque(maxlen=_USUAL)
        self._moved = asyncio.Event()

    def asked(self, key: str) -> None:
        """A question was put, for the first time or again."""
        self._asked.setdefault(key, self._clock())
        self._moved.set()

    def answered(self, took: float) -> None:
        """A call has brought an answer, in so many seconds."""
        now = self._clock()
        if self._lasts(now) >= self._patience:
            self._over = now
        self._took.append(took)
        self._answered = now
        self._moved.set()

    def done(self, key: str) -> None:
        """Nobody waits for an answer to it any more."""
        self._asked.pop(key, None)
        self._moved.set()

    def fell_after(self, moment: float) -> bool:
        """Whether a silence ended after a moment: what took longer for it says nothing of the pace."""
        return self._over > moment

    async def lapses(self, *, told: bool) -> AsyncGenerator[Lapse, None]:
        """A silence once it is one, and its end, in turns; `told`: the user waits for an end, of an earlier run's silence."""
        count, seconds = self.answers, 0.0
        while True:
            if not told:
                await self._silent()
                count, seconds = self.answers, self._lasts(self._clock())
                yield Lapse(answers=count, seconds=seconds)
            began = self._clock() - seconds
            heard = self._answered
            while self._answered == heard:
                await self._move(None)
            yield Lapse(answers=count, seconds=0.0 if told else self._answered - began, over=True)
            told = False

    @property
    def _patience(self) -> float:
        usual = sorted(self._took)[(len(self._took) - 1) // 2] if self._took else 0.0
        return max(SILENT_SECONDS, 4 * usual)

    def _lasts(self, now: float) -> float:
        """Seconds that something is asked and nothing was answered."""
        return now - max(min(self._asked.values(), default=now), self._answered)

    async def _silent(self) -> None:
        while (left := self._patience - self._lasts(self._clock())) > 0:
            await self._move(left if self._asked else None)

    async def _move(self, seconds: float | None) -> None:
        """Returns when something was asked or answered, or after so long."""
        self._moved.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return
