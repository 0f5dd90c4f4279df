"""What an SDK compares with its own: the hash of a value, the order of keys, the window of a filtered listen."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from devkit.rtdb.tree import Branch, Invalid, Json, Node, Path, get, parse_path, value_order

Rank: TypeAlias = tuple[tuple[int, float, bytes], tuple[int, int, bytes]]

_INTEGER = re.compile(r"-?0*[0-9]{1,10}")
_FIRST = (-1, 0, b"")
_LAST = (2, 0, b"")
_SAME = (0, 0.0, b"")


def node_hash(node: Node) -> str:
    """As in every listen and transaction of an SDK: Base64 of SHA-1, empty for nothing."""
    if node is None:
        return ""
    text = _branch_text(node) if isinstance(node, Branch) else _leaf_text(node)
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode("ascii")


def _branch_text(branch: Branch) -> str:
    return "".join(f":{key}:{node_hash(branch[key])}" for key in sorted(branch, key=key_rank))


def _leaf_text(leaf: bool | int | float | str) -> str:
    if isinstance(leaf, bool):
        return f"boolean:{'true' if leaf else 'false'}"
    return f"string:{leaf}" if isinstance(leaf, str) else f"number:{struct.pack('>d', leaf).hex()}"


def key_rank(key: str) -> tuple[int, int, bytes]:
    """Integers first, by number and length; then UTF-16 units, where emoji come before the last Hangul."""
    if _INTEGER.fullmatch(key) and -(2**31) <= int(key) < 2**31:
        return (0, int(key), len(key).to_bytes(2, "big"))
    return (1, 0, key.encode("utf-16-be", "surrogatepass"))


def _value_rank(value: Json) -> tuple[int, float, bytes]:
    kind, number, text = value_order(value)
    return (kind, number, text.encode("utf-16-be", "surrogatepass"))


def _bound_name(name: str) -> tuple[int, int, bytes]:
    return {"[MIN_NAME]": _FIRST, "[MAX_NAME]": _LAST}.get(name) or key_rank(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The children of one node that a filtered listen shows. `index` is `.key`, `.value`, `.priority` or a child path."""

    index: str
    start: Rank | None
    end: Rank | None
    starts_after: bool
    ends_before: bool
    limit: int | None
    from_left: bool

    @classmethod
    def parse(cls, query: Json) -> Window | None:
        """None for a query that filters nothing."""
        if not isinstance(query, Mapping):
            raise Invalid("A query is an object.")
        if not query.keys() - {"i"}:
            return None
        index, limit = query.get("i", ".priority"), query.get("l")
        if not isinstance(index, str) or not (limit is None or (type(limit) is int and limit > 0)):
            raise Invalid("A query has an index and a positive limit.")
        return cls(
            index=index,
            start=_bound(query, index, "sp", query.get("sn", "[MIN_NAME]")),
            end=_bound(query, index, "ep", query.get("en", "[MAX_NAME]")),
            starts_after=query.get("sin") is False,
            ends_before=query.get("ein") is False,
            limit=limit,
            from_left=query.get("vf", "l") == "l",
        )

    @property
    def needs(self) -> str | None:
        """The `.indexOn` entry this window wants."""
        return None if self.index in (".key", ".priority") else self.index

    @property
    def asked(self) -> Mapping[str, Any]:
        """`query.` in rules."""
        return {
            "orderByKey": self.index == ".key",
            "orderByValue": self.index == ".value",
            "orderByPriority": self.index == ".priority",
            "orderByChild": None if self.index.startswith(".") else self.index,
            "limitToFirst": self.limit if self.from_left else None,
            "limitToLast": None if self.from_left else self.limit,
        }

    def select(self, node: Node) -> Node:
        if not isinstance(node, Branch):
            return None
        path = () if self.index.startswith(".") else parse_path(self.index)
        ranked = sorted((self._rank(key, child, path), key) for key, child in node.items())
        kept = [key for rank, key in ranked if self._inside(rank)]
        if self.limit is not None:
            kept = kept[: self.limit] if self.from_left else kept[-self.limit :]
        return Branch((key, node[key]) for key in kept) or None

    def _rank(self, key: str, child: Node, path: Path) -> Rank:
        if self.index in (".key", ".priority"):
            return (_SAME, key_rank(key))
        return (_value_rank(get(child, path)), key_rank(key))

    def _inside(self, rank: Rank) -> bool:
        above = self.start is None or rank > self.start or (rank == self.start and not self.starts_after)
        below = self.end is None or rank < self.end or (rank == self.end and not self.ends_before)
        return above and below


def _bound(query: Mapping[str, Json], index: str, member: str, name: Json) -> Rank | None:
    if member not in query:
        return None
    value = query[member]
    if isinstance(value, (dict, list)) or not isinstance(name, str):
        raise Invalid("The bounds of a query are plain values.")
    if index == ".key":
        return (_SAME, _bound_name(str(value)))
    if index == ".priority":
        return (_SAME if value is None else _value_rank(value), _bound_name(name))
    return (_value_rank(value), _bound_name(name))
