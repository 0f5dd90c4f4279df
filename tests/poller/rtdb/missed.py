"""Metrics that count what streams missed and sweeps found."""

from __future__ import annotations

from poller.metrics import Metrics


class Missed(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def missed(self) -> None:
        self.count += 1
