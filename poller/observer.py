"""What the work tells whoever counts it. The class here ignores everything; `metrics` counts. Nothing here may fail or wait."""

from __future__ import annotations

from typing import Literal

Claim = Literal["won", "lost", "taken_over"]
Lease = Literal["renewed", "lost", "suspended", "released"]
End = Literal["completed", "failed", "removed", "released"]
Try = Literal["attempt", "crash", "interruption"]
Answered = Literal["ok", "conflict", "error"]


class Observer:
    """Every method is called after the fact. Times are seconds, sizes bytes."""

    def claim(self, outcome: Claim) -> None:
        """A claim was decided: ours, another's, or taken over from a run that had vanished."""

    def picked_up(self, seconds: float) -> None:
        """A job was claimed for the first time, so long after it was created."""

    def lease(self, outcome: Lease) -> None:
        """`suspended`: the database fell silent while a run held its lease."""

    def ended(self, outcome: End) -> None:
        """A job, or with `released` its stay on this poller, is over."""

    def tried(self, kind: Try) -> None:
        """One of the job's three counters went up."""

    def committed(self, seconds: float) -> None:
        """An answer was acknowledged, so long after it had come."""

    def repeated(self) -> None:
        """An answer came whose question the database had an acknowledged answer to."""

    def database(self, method: str, outcome: Answered, seconds: float) -> None:
        """One request to the database."""

    def transferred(self, *, read: int = 0, written: int = 0) -> None:
        """Bodies over the wire, event streams included."""

    def reconnected(self, path: str) -> None:
        """The event stream of a node came back."""

    def missed(self) -> None:
        """The sweep found what an event stream had not told."""


IGNORED = Observer()
