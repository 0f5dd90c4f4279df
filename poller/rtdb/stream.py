"""What comes down an event stream: bytes to events, events to changes, changes onto a copy of the node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from poller.errors import Permanent
from poller.rtdb.tree import Json, Node, Path, from_json, parse_path, patch

MAX_EVENT_BYTES = 256 * 1024 * 1024
"""RTDB answers no read larger than this; a longer event is not one of RTDB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a watched node.

    `snapshot`: `value` is the whole node; comes first, and again after every reconnect: what changed in between is
    in it, how it changed is not. `put`: `value` replaced what was at `path`. `patch`: `value` maps keys relative to
    `path`, which may be deep (`a/b`), to their new values. A value of None means gone.
    """

    kind: Literal["snapshot", "put", "patch"]
    path: Path = ()
    value: Json

    def applied_to(self, node: Node) -> Node:
        """The node after this change; `node` itself is not touched."""
        if self.kind == "snapshot":
            return from_json(self.value)
        if self.kind == "put":
            return patch(node, [(self.path, from_json(self.value))])
        return patch(
            node, [((*self.path, *parse_path(key)), from_json(value)) for key, value in self.value.items()]
        )


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: bytes


class EventParser:
    """Server-sent events out of arbitrary chunks; a character may be split between two of them."""

    def __init__(self, *, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._partial: list[bytes] = []
        self._pending = 0
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that this chunk completes."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._pending += len(line)
            self._partial.append(line)
            event = self._line(b"".join(self._partial).removesuffix(b"\r"))
            self._partial.clear()
            if event is not None:
                yield event
        self._partial.append(rest)
        self._pending += len(rest)
        if self._pending > self._max_bytes:
            raise Permanent(f"RTDB sent an event of more than {self._max_bytes} bytes: watch a smaller node.")

    def _line(self, line: bytes) -> Event | None:
        if line:
            self._field(line)
            return None
        name, data = self._name, b"\n".join(self._data)
        self._name, self._data, self._pending = "", [], 0
        return Event(name, data) if name or data else None

    def _field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = value.decode()
        elif field == b"data":
            self._data.append(value)


def change_of(event: Event, *, is_first: bool) -> Change:
    """The change that a `put` or `patch` event tells. The first `put` of a stream is the node as it stands."""
    content = json.loads(event.data.decode("utf-8"))
    path = tuple(part for part in content["path"].split("/") if part)
    if event.name == "patch":
        return Change(kind="patch", path=path, value=content["data"])
    return Change(kind="snapshot" if is_first and not path else "put", path=path, value=content["data"])
