"""What an SDK compares with its own: the hash of a value, and the window of a filtered listen."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping

from devkit.rtdb.tree import (
    Branch,
    Invalid,
    Json,
    Node,
    key_order,
    parse_path,
    priority_of,
    value_of,
    value_order,
)
from devkit.rtdb.window import BY_KEY, BY_PRIORITY, FIRST, INDEXES, LAST, Bound, KeyRank, Window

_NAMES = {"[MIN_NAME]": FIRST, "[MAX_NAME]": LAST}


def node_hash(node: Node) -> str:
    """As in every listen and transaction of an SDK: Base64 of SHA-1, empty for nothing."""
    if node is None:
        return ""
    priority = priority_of(node)
    text = "" if priority is None else f"priority:{_scalar_text(priority)}:"
    text += _branch_text(node) if isinstance(node, Branch) else _scalar_text(value_of(node))
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode("ascii")


def _branch_text(branch: Branch) -> str:
    """By priority, then by key."""
    keys = sorted(branch, key=lambda key: (value_order(priority_of(branch[key])), key_order(key)))
    return "".join(f":{key}:{node_hash(branch[key])}" for key in keys)


def _scalar_text(value: Node) -> str:
    if isinstance(value, bool):
        return f"boolean:{'true' if value else 'false'}"
    return f"string:{value}" if isinstance(value, str) else f"number:{struct.pack('>d', value).hex()}"


def parse_window(query: Json) -> Window | None:
    """The query of a listen or `get`; None for one that filters nothing."""
    if not isinstance(query, Mapping):
        raise Invalid("A query is an object.")
    if not query.keys() - {"i"}:
        return None
    index, limit = query.get("i", BY_PRIORITY), query.get("l")
    if not isinstance(index, str) or not (limit is None or (type(limit) is int and limit > 0)):
        raise Invalid("A query has an index and a positive limit.")
    return Window(
        index=index if index in INDEXES else "/".join(parse_path(index)),
        start=_bound(query, index, "s", FIRST),
        end=_bound(query, index, "e", LAST),
        limit=limit,
        from_left=query.get("vf", "l") == "l",
    )


def _bound(query: Mapping[str, Json], index: str, side: str, edge: KeyRank) -> Bound | None:
    """`sp`, `sn` and `sin`: value, key and whether they are inside themselves; by key the value is the key."""
    if f"{side}p" not in query:
        return None
    value, name = query[f"{side}p"], query.get(f"{side}n")
    if isinstance(value, (dict, list)) or not (name is None or isinstance(name, str)):
        raise Invalid("The bounds of a query are plain values.")
    key = str(value) if index == BY_KEY and value is not None else name
    rank = edge if key is None else _NAMES.get(key) or key_order(key)
    return Bound(value=value, name=rank, includes=query.get(f"{side}in") is not False)
