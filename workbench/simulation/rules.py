"""The promises as rules over what the database and the language model see: checked at every commit, every call, and at the end.

Nothing of the product is asked here; the layout of the database is the contract's.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from devkit.rtdb import tree
from devkit.rtdb.tree import Node, Path
from workbench.simulation.database import Server, Updates
from workbench.simulation.generation import serials_in
from workbench.simulation.world import World

NAMESPACE = "eventstorming_generator"
NOTICE_SECONDS = 10.5
"""A run of the same owner that was given up may ask until its last beat is 10 s old."""

UNREAD_SECONDS = 20.5
"""One that an operator has cancelled through another poller goes on for as long as its own can write and cannot read its lease."""

UNBOUND = "client", "old worker"
"""Who writes without a lease."""

PATIENCE_SECONDS = 13.99, 21.0
"""An open answer is waited for so long at least, and after so long the drain is over."""

TURNS_A_JOB, TURNS_SECONDS = 20, 10.0
"""A dispatcher turns at most so often in so long for each job, of ten at least: one whose stream is silent tries each every second."""


@dataclass(slots=True)
class Record:
    """What is known of one job."""

    epochs: list[tuple[float, int, str]] = field(default_factory=list)
    """When each epoch was committed, and for whom."""
    highest: int = 0
    stored: dict[str, list[tuple[float, int, int]]] = field(default_factory=lambda: defaultdict(list))
    """By key: when an answer was committed, in which epoch's branch, its serial."""
    replied: set[str] = field(default_factory=set)
    """Keys of questions that the language model has answered."""
    stickers: set[str] = field(default_factory=set)
    progress: int = 0
    completed: bool = False
    failed: bool = False
    tried_again: bool = False
    removal_asked: bool = False
    removed: bool = False
    cancelled: bool = False
    cancelled_at: float = 0.0


class Rules:
    """Watches one world: told by the database of what it does, by the language model of what it is asked, by dispatchers of turns."""

    def __init__(self, world: World, server: Server) -> None:
        self.world, self.server = world, server
        self.jobs: dict[str, Record] = defaultdict(Record)
        self.acked: dict[str, dict[str, float]] = defaultdict(dict)
        """By job and key: when whoever wrote an answer knew it to be stored."""
        self.alone = True
        """One poller only: two may both count on the last free slot."""
        self.upgrade = False
        """No fault but drains."""
        self.on_deleted: Callable[[str], None] = lambda job: None
        """Told of the first deletion of every job."""
        self.deleted: set[str] = set()
        self._drains: list[float] = []
        self._turns: dict[str, deque[float]] = defaultdict(deque)
        server.watchers.append(self.committed)
        server.on_answered = self.answered

    # ── calls of the language model ──────────────────────────────────────────────────────────────────────────

    def asked(self, job: str, epoch: int, key: str, question: str) -> None:
        record, now = self.jobs[job], self.world.now
        begun = next((at for at, number, _ in record.epochs if number == epoch), None)
        if begun is None:
            self.world.breaks(
                "only claimed jobs ask", f"{job[:4]} asks in epoch {epoch}, which nobody was given"
            )
            return
        acked = self.acked[job].get(key)
        if acked is not None and acked < begun and not record.tried_again:
            self.world.breaks(
                "nothing is repeated", f"{job[:4]} {question} was acknowledged at {acked:.3f} s"
            )
        if self.upgrade and key in record.replied and not record.tried_again:
            self.world.breaks("no answered question is asked again", f"{job[:4]} {question}, after a drain")
        self._one_spends(job, record, epoch, now)

    def replied(self, job: str, key: str) -> None:
        if not self._waited_out():  # else nobody waits for it any more
            self.jobs[job].replied.add(key)

    def drains(self, name: str) -> None:
        self._drains.append(self.world.now)

    def broken_off(self, job: str, question: str) -> None:
        """An open call is cancelled."""
        record = self.jobs[job]
        wanted = record.cancelled or record.removal_asked or record.tried_again
        if self.upgrade and not wanted and not self._waited_out():
            self.world.breaks("a drain waits for open answers", f"{job[:4]} {question} was broken off")

    def _waited_out(self) -> bool:
        least, most = PATIENCE_SECONDS
        return any(least <= self.world.now - at <= most for at in self._drains)

    def _one_spends(self, job: str, record: Record, epoch: int, now: float) -> None:
        mine = next(owner for _, number, owner in record.epochs if number == epoch)
        for at, number, owner in record.epochs:
            if number <= epoch:
                continue
            if now > at + self._patience(mine, owner, at):
                self.world.breaks(
                    "one run spends at a time",
                    f"{job[:4]} asks in epoch {epoch}, {now - at:.3f} s after {owner} began epoch {number}",
                )

    def _patience(self, mine: str, owner: str, at: float) -> float:
        """For how long a run of `mine` may go on asking when `owner` has taken its job."""
        if owner.partition("/")[0] == mine:
            return NOTICE_SECONDS
        if "/" not in owner:
            return 0.05
        struck = self.world.struck.get(mine, float("-inf")) > at - UNREAD_SECONDS
        return UNREAD_SECONDS if struck else NOTICE_SECONDS

    def answered(self, path: str, body: Mapping[str, Any]) -> None:
        """A patch is known to be stored."""
        for key in body:
            if "run/journal/" in key and path:
                self.acked[path.rpartition("/")[2]].setdefault(key.rpartition("/")[2], self.world.now)

    # ── commits ──────────────────────────────────────────────────────────────────────────────────────────────

    def committed(self, agent: str, updates: Updates, before: Node, after: Node) -> None:
        touched: dict[str, list[tuple[Path, Node]]] = defaultdict(list)
        for path, node in updates:
            if len(path) >= 3 and path[0] in ("requestedJobs", "jobs", "jobStates"):
                touched[path[2]].append((path, node))
        for job, parts in touched.items():
            record = self.jobs[job]
            for path, node in parts:
                if path[0] == "requestedJobs":
                    self._entry(job, record, after)
                elif path[0] == "jobs":
                    self._written(agent, job, record, path, node, before, after)
                elif path[0] == "jobStates":
                    self._requested(job, record, node)
            if any(path[0] == "jobs" for path, _ in parts):
                self._state(agent, job, record, parts, after)

    def _entry(self, job: str, record: Record, after: Node) -> None:
        lease = tree.get(after, ("requestedJobs", NAMESPACE, job, "lease"))
        if not isinstance(lease, tree.Branch):
            return
        epoch, owner = int(_of(lease, "epoch") or 0), str(_of(lease, "owner") or "")
        if epoch < record.highest:
            self.world.breaks("epochs only grow", f"{job[:4]} goes back from {record.highest} to {epoch}")
        if owner and epoch > record.highest:
            if (
                epoch > 1
                and self.alone
                and not self.world.faults
                and not record.cancelled
                and not record.tried_again
            ):
                self.world.breaks("no second epoch without a fault", f"{job[:4]} begins epoch {epoch}")
            record.epochs.append((self.world.now, epoch, owner))
            if owner.endswith("/cancel"):
                record.cancelled_at = self.world.now
        record.highest = max(record.highest, epoch)

    def _written(
        self, agent: str, job: str, record: Record, path: Path, node: Node, before: Node, after: Node
    ) -> None:
        rest = path[3:]
        if rest[:2] == ("run", "journal") and len(rest) == 4 and isinstance(node, str):
            self._journaled(record, int(rest[2]), rest[3], node)
            return
        if node is not None and record.removed:
            self.world.breaks(
                "nothing is written after the removal", f"{agent} wrote {'/'.join(rest)} of {job[:4]}"
            )
        if node is None and not rest and tree.get(before, path) is not None and job not in self.deleted:
            self.deleted.add(job)
            self.on_deleted(job)
        if agent in UNBOUND or not record.epochs or rest[:1] != ("state",):
            return
        if rest[2:4] == ("esValue", "elements"):
            self._shown(job, record, node)
        at, number, owner = record.epochs[-1]
        if (
            owner.partition("/")[0] != agent
            and "/" not in owner
            and all(tree.get(root, ("requestedJobs", NAMESPACE, job)) for root in (before, after))
        ):  # who tries an ended job again makes a new entry
            self.world.breaks(
                "an overtaken run writes nothing",
                f"{agent} wrote {'/'.join(rest)} of {job[:4]} {self.world.now - at:.3f} s after {owner} began {number}",
            )

    def _shown(self, job: str, record: Record, node: Node) -> None:
        used = _serials(node)
        stored = {serial for found in record.stored.values() for _, _, serial in found}
        if early := used - stored:
            self.world.breaks("what is shown is stored", f"{job[:4]} shows answers {sorted(early)}")

    def _journaled(self, record: Record, epoch: int, key: str, text: str) -> None:
        value = json.loads(json.loads(text)["value"])
        serial = value.get("answer", {}).get("serial", 0) if isinstance(value.get("answer"), dict) else 0
        record.stored[key].append((self.world.now, epoch, serial))

    def _requested(self, job: str, record: Record, node: Node) -> None:
        if node is None:
            if self.world.now > 0 and record.removal_asked:
                record.removed = True
                if tree.get(self.server.root, ("jobs", NAMESPACE, job)) is not None:
                    self.world.breaks("removed means gone", f"{job[:4]} is still there when its request goes")
        else:
            record.removal_asked = True

    def _state(self, agent: str, job: str, record: Record, parts: Updates, after: Node) -> None:
        outputs = tree.get(after, ("jobs", NAMESPACE, job, "state", "outputs"))
        if outputs is None:
            return
        progress = int(_of(outputs, "currentProgressCount") or 0)
        if self.server.late:  # it falls until the next value: not worth a pause after every lost write
            record.progress = progress
        if agent in UNBOUND or any(
            path[3:] == ("state", "outputs", "isFailed") and node is False for path, node in parts
        ):
            record.completed, record.failed = (
                _of(outputs, "isCompleted") is True,
                _of(outputs, "isFailed") is True,
            )
            return
        stickers = {
            name
            for kind in ("elements", "relations")
            for name in _members(_of(_of(outputs, "esValue"), kind))
        }
        if gone := record.stickers - stickers - {"@"}:
            self.world.breaks("a sticker never disappears", f"{sorted(gone)[0]} of {job[:4]}")
        record.stickers = stickers
        if progress < record.progress:
            self.world.breaks("progress never falls", f"{job[:4]} from {record.progress} to {progress}")
        record.progress = progress
        self._end(agent, job, record, parts, outputs, after)

    def _end(self, agent: str, job: str, record: Record, parts: Updates, outputs: Node, after: Node) -> None:
        completed, failed = _of(outputs, "isCompleted") is True, _of(outputs, "isFailed") is True
        flag = ("state", "outputs", "isCompleted")
        cancelled = record.cancelled_at > 0  # an operator's cancel stands, also when the end was on its way
        if (
            record.completed
            and not cancelled
            and any(path[3:4] == ("state",) and path[3:] != flag for path, _ in parts)
        ):
            self.world.breaks("completed is last", f"{agent} wrote {_paths(parts)} of {job[:4]} afterwards")
        if self.server.orphaned:  # whoever has the job now does not know that it is completed, and goes on
            completed = record.completed
        elif completed and not record.completed and any(path[3:] == flag for path, _ in parts):
            if len(parts) > 1:
                self.world.breaks("completed stands alone", f"{_paths(parts)} of {job[:4]}")
            if failed and not cancelled:
                self.world.breaks("one end", f"{job[:4]} is completed and failed")
            self._made_of_what_is_stored(job, record, after)
        else:
            completed = completed and record.completed
        record.completed, record.failed = completed, failed

    def _made_of_what_is_stored(self, job: str, record: Record, after: Node) -> None:
        text = tree.get(after, ("jobs", NAMESPACE, job, "run", "model"))
        if not isinstance(text, str):
            self.world.breaks("the typed model is stored first", f"{job[:4]} is completed without it")
            return
        newest = {max(found, key=lambda one: one[1])[2] for found in record.stored.values()}
        if lost := serials_in(json.loads(text)) - newest:
            self.world.breaks("the model is made of what is stored", f"{job[:4]} uses answers {sorted(lost)}")

    # ── dispatchers, viewers ─────────────────────────────────────────────────────────────────────────────────

    def turned(self, poller: str) -> None:
        turns = self._turns[poller]
        turns.append(self.world.now)
        while turns[0] < self.world.now - TURNS_SECONDS:
            turns.popleft()
        if len(turns) > TURNS_A_JOB * max(10, len(self.jobs)):
            self.world.breaks(
                "a dispatcher rests", f"{poller} turned {len(turns)} times in {TURNS_SECONDS:g} s"
            )

    def watched(self) -> None:
        """At most one stream per poller and watched node of a job."""
        open_now = Counter(
            (stream.connection.ends[1].name, stream.path)
            for stream in self.server.streams
            if stream.connection.open and stream.connection.ends[1].alive
        )
        for (poller, path), count in open_now.items():
            if count > 1:
                self.world.breaks("one stream per watched job", f"{poller} watches {path} {count} times")

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────

    def at_the_end(self) -> None:
        for job in list(self.jobs):
            if why := self._unfinished(job):
                self.world.breaks("nothing is lost", f"{job[:4]} {why}")
            if why := self._unlike(job):
                self.world.breaks("the canvas shows the stored model", f"{job[:4]} {why}")

    def _unlike(self, job: str) -> str:
        """What tells a completed job's canvas from its typed model."""
        node = tree.get(self.server.root, ("jobs", NAMESPACE, job))
        outputs, text = _of(_of(node, "state"), "outputs"), _of(_of(node, "run"), "model")
        if _of(outputs, "isCompleted") is not True or not isinstance(text, str):
            return ""
        elements = _of(_of(outputs, "esValue"), "elements")
        shown = set[int]().union(*(_serials(_of(elements, name)) for name in _members(elements)))
        stored = serials_in(json.loads(text))
        return "" if shown == stored else f"shows answers {sorted(shown)} and not {sorted(stored)}"

    def unfinished(self) -> Iterator[str]:
        return (job for job in list(self.jobs) if self._unfinished(job))

    def _unfinished(self, job: str) -> str:
        root = self.server.root
        record = self.jobs[job]
        entry, node = (
            tree.get(root, ("requestedJobs", NAMESPACE, job)),
            tree.get(root, ("jobs", NAMESPACE, job)),
        )
        request = tree.get(root, ("jobStates", NAMESPACE, job))
        if record.removal_asked:
            return "should be gone" if entry or node or request else ""
        outputs = _of(_of(node, "state"), "outputs")
        if entry is not None:
            return "is still in the queue"
        if _of(outputs, "isCompleted") is True:
            return "is completed and failed" if _of(outputs, "isFailed") is True else ""
        if _of(outputs, "isFailed") is True:
            return "" if _of(_of(node, "run"), "failure") else "failed without a sentence"
        return "has no end"


def _of(node: Any, name: str) -> Any:
    return node.get(name) if isinstance(node, tree.Branch) else None


def _serials(element: Any) -> set[int]:
    """The answers that a sticker was made from."""
    words = str(_of(element, "description") or "").rstrip(".").split()
    return {int(word) for word in words[1:] if word.isdigit() and words[0] == "answers"} - {0}


def _members(node: Any) -> set[str]:
    return set(node) if isinstance(node, tree.Branch) else set()


def _paths(parts: Updates) -> str:
    return ", ".join("/".join(path[3:]) for path, _ in parts)
