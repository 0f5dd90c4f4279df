"""An event loop that does not come back: named with the job whose code keeps it, and that code is ended.

Python's own signals reach code that computes, a search of a regular expression too; a task beside it would never run again.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Final

import structlog

from process.errors import LoopBlocked

ALARM_SECONDS: Final = 9.0
GRACE_SECONDS: Final = 3.0
"""After the alarm, so that a process that slept is not taken for one that is blocked. Together less than what a beat may miss."""

log = structlog.get_logger("process")


@asynccontextmanager
async def watched(
    *, ends: bool, seconds: float = ALARM_SECONDS, grace: float = GRACE_SECONDS
) -> AsyncIterator[None]:
    """Watches this loop, which must be the main thread's, while inside. The job is the one bound in the log's context.

    With `ends`, LoopBlocked is raised in the job's code; without, and where no job's code runs, it is only told.
    """
    alarm = _Alarm(ends=ends, seconds=seconds, grace=grace)
    before = signal.signal(signal.SIGALRM, alarm.rings)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    waking = asyncio.create_task(alarm.put_off())
    try:
        yield
    finally:
        waking.cancel()
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)


class _Alarm:
    def __init__(self, *, ends: bool, seconds: float, grace: float) -> None:
        self._ends, self._seconds, self._grace = ends, seconds, grace
        self._rang = False

    async def put_off(self) -> None:
        """For as long as the loop comes back."""
        while True:
            self._rang = False
            signal.setitimer(signal.ITIMER_REAL, self._seconds)
            await asyncio.sleep(min(0.5, self._seconds / 4))

    def rings(self, _: int, frame: FrameType | None) -> None:
        """In the midst of what the loop is doing."""
        if not self._rang:
            self._rang = True
            signal.setitimer(signal.ITIMER_REAL, self._grace)
            return
        self._rang = False
        blocked = round(self._seconds + self._grace, 1)
        log.error("loop.blocked", seconds=blocked, where=_place(frame))
        if self._ends and "job" in structlog.contextvars.get_contextvars():
            raise LoopBlocked(f"the work on this job kept its program busy for {blocked:g} s without a pause")


def _place(frame: FrameType | None) -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{frame.f_lineno}" if frame else "?"
