"""What a program needs and does not get: told in the log when it lasts, again at widening intervals, and when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import structlog

FIRST_SECONDS: Final = 5.0
"""So long something may be amiss without a word: a start, a reconnect."""
WIDEST_SECONDS: Final = 600.0
_EVERY_SECONDS: Final = 1.0

log = structlog.get_logger("process.outages")


class Outage:
    """Of one thing: `of` names it in the log."""

    def __init__(self, of: str) -> None:
        self._of = of
        self._since: float | None = None
        self._next = 0.0

    def look(self, problem: str, now: float) -> None:
        """`problem` is empty when all is well; `now` in seconds."""
        if not problem:
            if self._since is not None and self._next > self._since + FIRST_SECONDS:
                log.info("outage.over", of=self._of, seconds=round(now - self._since))
            self._since = None
            return
        if self._since is None:
            self._since, self._next = now, now + FIRST_SECONDS
        if now >= self._next:
            log.warning("outage.lasts", of=self._of, reason=problem, seconds=round(now - self._since))
            self._next = now + min(max(FIRST_SECONDS, now - self._since), WIDEST_SECONDS)


async def watch(problems: Mapping[str, Callable[[], str]]) -> None:
    """Looks for ever; each says what is wrong with the thing it is named by, or nothing, and never waits."""
    outages = {of: Outage(of) for of in problems}
    while True:
        for of, problem in problems.items():
            outages[of].look(problem(), asyncio.get_running_loop().time())
        await asyncio.sleep(_EVERY_SECONDS)
