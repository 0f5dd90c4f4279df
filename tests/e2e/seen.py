"""What a canvas sees of one job, event by event, and what must hold of it: section by section what the web client relies on."""

from __future__ import annotations

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


def counters_and_flags_mean_what_they_say(wire: list[Event]) -> None:
    """Zero counts as nothing, and the sentinel for null would count as true: neither is ever shown."""
    values = {watch: [event.value for event in wire if event.watch == watch] for watch in VALUES}
    assert set(values["isFailed"]) == {False}
    assert set(values["isCompleted"][:-1]) <= {False}
    assert set(values["totalProgressCount"]) == {11}
    progress = values["currentProgressCount"]
    assert progress == sorted(progress)
    assert (progress[0] >= 1, progress[-1]) == (True, 11)


def stickers_come_after_what_they_stand_on(wire: list[Event]) -> None:
    assert not [event for event in wire if event.kind == "removed"]
    shown: set[str] = set()
    kinds: list[str] = []
    lines: list[int] = []
    for event in wire:
        if event.watch == "logs":
            lines.append(int(event.key))
        elif event.watch == "esValue/elements":
            assert event.value["id"] == event.key
            shown.add(event.key)
            if event.kind == "added":
                kinds.append(event.value["_type"].rsplit(".", 1)[1])
        elif event.watch == "esValue/relations":
            assert event.value["id"] == event.key
            assert {event.value["from"], event.value["to"]} <= shown
    assert kinds == sorted(kinds, key=lambda kind: {"BoundedContext": 0, "Aggregate": 1}.get(kind, 2))
    assert {"BoundedContext", "Aggregate", "Command", "Event"} <= set(kinds)
    assert lines == list(range(len(lines)))
    assert any(event.watch == "esValue/relations" for event in wire)
