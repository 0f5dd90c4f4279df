"""A poller whose dispatcher is slower by SLOWED seconds per job: what `make bench-selftest` must call worse."""

from __future__ import annotations

import asyncio
import os
import sys

from poller.__main__ import main
from poller.dispatcher import RunningJobs
from poller.job import Job
from poller.ports import Placement

_work = RunningJobs.work


async def _slower(self: RunningJobs, job: Job, slot: Placement) -> None:
    await asyncio.sleep(float(os.environ["SLOWED"]))
    await _work(self, job, slot)


RunningJobs.work = _slower  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(main())
