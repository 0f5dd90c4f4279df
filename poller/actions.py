"""What is done about single jobs: one action each at a time, and a pause after one that met trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeAlias

import structlog
from structlog.contextvars import bind_contextvars

from poller.errors import Transient
from poller.ports import Clock

log = structlog.get_logger(__name__)

Action: TypeAlias = Coroutine[Any, Any, None]

PAUSE_AFTER_FAILURE = 1.0
PAUSE_AFTER_FAULT = 30.0


class Actions:
    """`busy`: jobs about which something is being done; `pausing`: until when nothing is. `ended` hears of every end."""

    def __init__(self, clock: Clock, ended: Callable[[str], None]) -> None:
        self._clock = clock
        self._ended = ended
        self.busy: set[str] = set()
        self.pausing: dict[str, float] = {}

    def start(self, work: asyncio.TaskGroup, job_id: str, action: Action) -> None:
        """Unless something is being done about this job already."""
        if job_id in self.busy:
            action.close()
            return
        self.busy.add(job_id)
        work.create_task(self._guarded(job_id, action))

    async def _guarded(self, job_id: str, action: Action) -> None:
        """The boundary of one job: whatever happens to it, the others go on."""
        bind_contextvars(job=job_id)
        try:
            await action
        except Transient as error:
            log.warning("job.postponed", job=job_id, reason=str(error))
            self.pause(job_id, PAUSE_AFTER_FAILURE)
        except Exception:
            log.exception("job.trouble", job=job_id)
            self.pause(job_id, PAUSE_AFTER_FAULT)
        finally:
            self.busy.discard(job_id)
            self._ended(job_id)

    def pause(self, job_id: str, seconds: float) -> None:
        """Nothing is done about it for so long."""
        self.pausing[job_id] = self._clock.monotonic() + seconds

    def forget_pauses(self) -> None:
        """Those that are over."""
        moment = self._clock.monotonic()
        self.pausing = {job_id: until for job_id, until in self.pausing.items() if until > moment}

    def pauses(self) -> Iterable[float]:
        """Seconds until each is over."""
        moment = self._clock.monotonic()
        return (until - moment for until in self.pausing.values())
