"""The window of a query: which children of a node are inside, in the database's order. One for REST and SDKs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from devkit.rtdb.tree import (
    Branch,
    Json,
    Node,
    Path,
    get,
    key_order,
    parse_path,
    priority_of,
    value_order,
)

KeyRank: TypeAlias = tuple[int, int, bytes]
ValueRank: TypeAlias = tuple[int, float, bytes]
Rank: TypeAlias = tuple[ValueRank, KeyRank]

FIRST: KeyRank = (-1, 0, b"")
"""Below every key."""
LAST: KeyRank = (2, 0, b"")
_SAME: ValueRank = (0, 0, b"")

BY_KEY, BY_VALUE, BY_PRIORITY = INDEXES = (".key", ".value", ".priority")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """`name` ranks the key among children with this value, or all children by key. Without `includes` the bound itself is outside."""

    value: Json
    name: KeyRank
    includes: bool = True

    def rank(self, index: str) -> Rank:
        return (_SAME if index == BY_KEY else value_order(self.value), self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`index` is `.key`, `.value`, `.priority` or the path of a child such as `createdAt`."""

    index: str
    start: Bound | None = None
    end: Bound | None = None
    limit: int | None = None
    from_left: bool = True

    @property
    def needs(self) -> str | None:
        """The `.indexOn` entry this window wants; keys and priorities are always indexed."""
        return None if self.index in (BY_KEY, BY_PRIORITY) else self.index

    def select(self, node: Node) -> Node:
        if not isinstance(node, Branch):
            return None
        path = () if self.index.startswith(".") else parse_path(self.index)
        ranked = sorted((self._rank(key, child, path), key) for key, child in node.items())
        kept = [key for rank, key in self._between(ranked)]
        if self.limit is not None:
            kept = kept[: self.limit] if self.from_left else kept[-self.limit :]
        return Branch((key, node[key]) for key in kept) or None

    def _rank(self, key: str, child: Node, path: Path) -> Rank:
        if self.index == BY_KEY:
            return (_SAME, key_order(key))
        value = priority_of(child) if self.index == BY_PRIORITY else get(child, path)
        return (value_order(value), key_order(key))

    def _between(self, ranked: list[tuple[Rank, str]]) -> list[tuple[Rank, str]]:
        if self.start is not None:
            start, includes = self.start.rank(self.index), self.start.includes
            ranked = [one for one in ranked if one[0] > start or (includes and one[0] == start)]
        if self.end is not None:
            end, includes = self.end.rank(self.index), self.end.includes
            ranked = [one for one in ranked if one[0] < end or (includes and one[0] == end)]
        return ranked

    def variables(self) -> Mapping[str, Any]:
        """`query.` in rules."""
        start, end = (None if bound is None else bound.value for bound in (self.start, self.end))
        return {
            "orderByKey": self.index == BY_KEY,
            "orderByValue": self.index == BY_VALUE,
            "orderByPriority": self.index == BY_PRIORITY,
            "orderByChild": None if self.index.startswith(".") else self.index,
            "startAt": start,
            "endAt": end,
            "equalTo": start if value_order(start) == value_order(end) else None,
            "limitToFirst": self.limit if self.from_left else None,
            "limitToLast": None if self.from_left else self.limit,
        }


NO_QUERY = Window(index=BY_KEY).variables()
"""What rules see of a read without a query."""
