"""The queue as the event streams tell it: a copy of two nodes, and what each change means for the work.

State, not log: after a reconnect the fresh snapshot is compared with the copy. No network here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from poller.job import Job
from poller.ports import QueueChange
from poller.rtdb import tree
from poller.rtdb.names import Garbage, Json, members, read_entry
from poller.rtdb.stream import Change


class Copy:
    """A copy of one node whose children are named by job id. `filled`: it has been told what there is."""

    def __init__(self) -> None:
        self.node: tree.Node = None
        self.filled = False

    def apply(self, change: Change) -> list[str]:
        """Names of the children that are different now, sorted."""
        before, self.node = self.node, change.applied_to(self.node)
        self.filled = True
        touched = self._touched(change, before)
        return [name for name in sorted(touched) if not tree.same(_child(before, name), self.child(name))]

    def _touched(self, change: Change, before: tree.Node) -> set[str]:
        if change.kind != "snapshot" and change.path:
            return {change.path[0]}
        if change.kind == "patch":
            return {key.strip("/").split("/")[0] for key in change.value}
        return _names(before) | _names(self.node)

    def child(self, name: str) -> tree.Node:
        """None where there is none."""
        return _child(self.node, name)

    def names(self) -> set[str]:
        """Of its children."""
        return _names(self.node)

    def differing(self, node: tree.Node) -> set[str]:
        """Names of the children that are not the same in `node`."""
        names = _names(self.node) | _names(node)
        return {name for name in names if not tree.same(self.child(name), _child(node, name))}


def _names(node: tree.Node) -> set[str]:
    return set(node) if isinstance(node, dict) else set()


def _child(node: tree.Node, name: str) -> tree.Node:
    return node.get(name) if isinstance(node, dict) else None


class QueueCopy:
    """What the streams have told of entries and of wishes for removal. `live`: they are being listened to."""

    def __init__(self) -> None:
        self.entries, self.removals = Copy(), Copy()
        self.jobs: dict[str, Job] = {}
        self._listening = False

    @property
    def known(self) -> bool:
        """Whether there was a first snapshot of the entries."""
        return self.entries.filled

    @property
    def live(self) -> bool:
        """Whether it may stand for the database: who asks otherwise reads there."""
        return self._listening and self.known

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While the streams are followed."""
        self._listening = True
        try:
            yield
        finally:
            self._listening = False

    def entries_changed(self, change: Change) -> tuple[QueueChange, list[str]]:
        """What it means, and the names of the entries that are different now, sorted."""
        changed, whole = self.entries.apply(change), change.kind == "snapshot"
        if whole:
            self.jobs.clear()
        jobs: dict[str, Job | None] = {}
        garbage: dict[str, str] = {}
        for name in sorted(self.entries.names()) if whole else changed:
            self.jobs.pop(name, None)
            jobs[name] = None
            if (raw := self.entries.child(name)) is None:
                continue
            try:
                jobs[name] = self.jobs[name] = read_entry(name, raw)
            except Garbage as reason:
                garbage[name] = str(reason)
        return QueueChange(whole=whole, jobs=jobs, garbage=garbage), changed

    def removals_changed(self, change: Change) -> QueueChange:
        """Which of the jobs it touches are to be removed."""
        changed = self.removals.apply(change)
        return QueueChange(removals={name: _wants_removal(self.removals.child(name)) for name in changed})


def _wants_removal(raw: Json) -> bool:
    return members(raw).get("isRemoveRequested") is True
