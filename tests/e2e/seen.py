"""What a canvas sees of one job, event by event, and what must hold of it: what the web client relies on, as contract 1.6 has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

INPUTS = {
    "requestType": "fromRequirements",
    "ids": {"uid": "u-1", "projectId": "p-1"},
    "preferedLanguage": "English",
    "requirements": """Corner library

A member borrows a book from the library.
A loan records the member name, the book title and the due date.
A member returns the book.
A librarian registers a book with title, author and isbn.
When a book is returned, the loan is closed.
""",
}
VALUES = ("isFailed", "isCompleted", "totalProgressCount", "currentProgressCount")
LISTS = ("logs", "esValue/elements", "esValue/relations")


@dataclass(frozen=True)
class Event:
    """In the client's terms: `kind` is value, added, changed or removed; `key` is the child's."""

    watch: str
    kind: str
    value: Any
    key: str = ""


RULES = {
    "waitingJobCount": "a place from 1 on, or nothing",
    "isFailed": "a flag, never the sentinel for nothing, never beside isCompleted",
    "isCompleted": "a flag, never the sentinel for nothing; true comes last",
    "totalProgressCount": "a whole number from 1 on: 0 would be ignored",
    "currentProgressCount": "a whole number from 1 on; never falls, nor above the total",
    "logs": "line follows line",
    "esValue/elements": "its id is its key; contexts come first, then aggregates, then the rest",
    "esValue/relations": "its id is its key; both its ends are drawn already",
}
_RANK = {"BoundedContext": 0, "Aggregate": 1}


class Judge:
    """One job's events against contract 1.6, in the order in which one client is told them."""

    def __init__(self) -> None:
        self.total = self.current = self.lines = 0
        self.completed = self.failed = False
        self.kinds: dict[str, str] = {}
        self.relations: set[str] = set()
        self._rank = 0

    def keeps(self, event: Event) -> bool:
        """Whether this event may come now. Nothing is what a value watch is told at first, and when the job is gone."""
        if event.value is None and event.kind == "value":
            return True
        if self.completed or event.kind == "removed":
            return False
        value = event.value
        match event.watch:
            case "waitingJobCount":
                return _is_count(value)
            case "isFailed" | "isCompleted":
                return self._keeps_flag(event.watch, value)
            case "totalProgressCount":
                self.total = value
                return _is_count(value)
            case "currentProgressCount":
                before, self.current = self.current, value
                return _is_count(value) and before <= value <= (self.total or value)
            case "logs":
                self.lines += 1
                return event.key == str(self.lines - 1)
            case "esValue/elements":
                return self._keeps_element(event)
        self.relations.add(event.key)
        return value["id"] == event.key and {value["from"], value["to"]} <= self.kinds.keys()

    def _keeps_flag(self, watch: str, value: Any) -> bool:
        self.failed |= watch == "isFailed" and value is True
        self.completed |= watch == "isCompleted" and value is True
        return isinstance(value, bool) and not (self.failed and self.completed)

    def _keeps_element(self, event: Event) -> bool:
        kind = event.value["_type"].rsplit(".", 1)[1]
        before, self._rank = self._rank, max(self._rank, _RANK.get(kind, 2))
        is_known = event.key in self.kinds
        self.kinds[event.key] = kind
        in_order = is_known if event.kind == "changed" else _RANK.get(kind, 2) >= before
        return bool(event.value["id"] == event.key and in_order)

    @property
    def is_whole(self) -> bool:
        """A completed job has shown all of a model."""
        kinds = {"BoundedContext", "Aggregate", "Command", "Event"}
        counted = self.completed and self.current == self.total > 0
        return counted and kinds <= set(self.kinds.values()) and bool(self.relations and self.lines)


def keeps_the_contract(events: Iterable[Event]) -> None:
    """From the first event of a job that completes to that end."""
    judge = Judge()
    for event in events:
        assert judge.keeps(event), f"{event}: {RULES.get(event.watch)}"
    assert judge.is_whole


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1
