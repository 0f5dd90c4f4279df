"""The queue and its jobs as one, for tests that are the dispatcher and an internal tool at once."""

from __future__ import annotations

from typing import Any

from poller.rtdb.fence import Claimant
from poller.rtdb.queue import Opened
from poller.rtdb.writer import Writer


class Whole:
    """Both ports over one database."""

    def __init__(self, writer: Writer, *, owner: str, lease_seconds: float, **given: Any) -> None:
        self.clock, self.writer = writer.clock, writer
        claimant = Claimant(owner=owner, lease_seconds=lease_seconds, **given)
        opened = Opened.over(writer, claimant)
        self.queue, self.jobs, self.webhooks = opened.queue, opened.jobs, opened.webhooks

    def __getattr__(self, name: str) -> Any:
        return getattr(self.queue if hasattr(self.queue, name) else self.jobs, name)
