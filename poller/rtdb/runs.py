"""The runs that this process holds, and who is told of them. What one run is stands in `run`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from poller.job import Job
from poller.rtdb.names import Json

if TYPE_CHECKING:
    from poller.rtdb.run import RtdbRun


class Runs(dict[str, "RtdbRun"]):
    """Those of this process by job, each while it is held. `told` hears of every coming and going, and what was stored.

    `tokens` are those of the last runs, whether they are still held or not.
    """

    told: Callable[[str, Mapping[str, Json]], None] = staticmethod(lambda job_id, updates: None)

    def __init__(self) -> None:
        super().__init__()
        self.tokens: deque[str] = deque(maxlen=1000)

    def enter(self, run: RtdbRun) -> None:
        self[run.job.id] = run
        self.tokens.append(run.job.lease.token)
        self.told(run.job.id, {})

    def leave(self, run: RtdbRun) -> None:
        """A cancel may have taken its place."""
        if self.get(run.job.id) is run:
            del self[run.job.id]
            self.told(run.job.id, {})

    def entry_changed(self, job_id: str, job: Job | None) -> None:
        """The event stream has shown the entry anew."""
        if run := self.get(job_id):
            run.lease.check(job)
        self.told(job_id, {})
