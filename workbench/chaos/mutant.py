"""A poller with one of its keepers switched off: `python -m workbench.chaos.mutant fence`. The auditor must find each of them.

The product has no such switch: what is replaced here is replaced in this process only. `none` replaces nothing: the whole
product under the faults that are hardest for the others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`apply` switches the keeper off. `faults` make it matter, one about `every` seconds; `slow`: letters of the jobs that last
    long enough."""

    apply: Callable[[], None]
    faults: tuple[str, ...]
    slow: str
    every: float = 6.0


def _without_fence() -> None:
    """A run writes and asks until somebody tells it that its lease is another's, however old the lease is."""
    from poller.rtdb.fence import Fence

    async def authority(self: Fence) -> None:
        self.check()

    setattr(Fence, "open", property(lambda self: self.lost is None))  # noqa: B010 (mypy knows the property)
    setattr(Fence, "may_ask", property(lambda self: self.lost is None))  # noqa: B010
    setattr(Fence, "authority", authority)  # noqa: B010


class _Same(str):
    """Equal to every token."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


def _without_token() -> None:
    """Whatever token the lease holds, a run takes it for its own."""
    from dataclasses import replace

    from poller.rtdb import held_lease, names, settlement

    read = names.read_lease
    for module in (held_lease, settlement):
        setattr(module, "read_lease", lambda raw: replace(read(raw), token=_Same("any")))  # noqa: B010
    setattr(held_lease.HeldLease, "check", lambda *_: None)  # noqa: B010


def _without_ack() -> None:
    """An answer is acked when it has come, not when the database has it."""
    from eventstorming.v1 import executor_pb2

    from poller import link

    take = link.Link._answer

    def answer(self: Any, frame: executor_pb2.ExecuteResponse) -> None:
        self._send(executor_pb2.ExecuteRequest(ack=executor_pb2.Ack(seqs=[frame.seq])))
        take(self, frame)

    setattr(link.Link, "_answer", answer)  # noqa: B010


def _without_journal() -> None:
    """A new run is told of no earlier answer."""
    from poller.rtdb.journal import Journal

    async def recall(_: Journal) -> list[Any]:
        return []

    setattr(Journal, "recall", recall)  # noqa: B010


_OVERTAKING = ("deafen poller",)
_HALF = "bfkmprtw"

MUTANTS = {
    "none": Mutant(apply=lambda: None, faults=_OVERTAKING, slow=_HALF),
    "fence": Mutant(apply=_without_fence, faults=_OVERTAKING, slow=_HALF),
    "token": Mutant(apply=_without_token, faults=_OVERTAKING, slow=_HALF),
    "ack": Mutant(apply=_without_ack, faults=("rtdb slow", "kill executor"), slow="", every=2.5),
    "journal": Mutant(apply=_without_journal, faults=("kill executor", "kill poller"), slow=""),
}


def main() -> int:
    MUTANTS[sys.argv[1]].apply()
    from poller.__main__ import main as poller

    return poller()


if __name__ == "__main__":
    sys.exit(main())
