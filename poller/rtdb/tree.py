"""A copy of a node of the database, kept true change by change. Pure.

Plain dictionaries, never changed in place: a write copies only the branches along its path. Lists are members named
by their indices, as the database means them, and what is empty is not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""What `json.loads` returns."""

Node: TypeAlias = Any
Path: TypeAlias = tuple[str, ...]


def parse_path(text: str) -> Path:
    """Empty parts do not count."""
    return tuple(part for part in text.split("/") if part)


def from_json(value: Json) -> Node:
    """What the database would show of it: lists by index, nothing empty. None where nothing is left."""
    if isinstance(value, list):
        value = {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict):
        return value
    return {key: node for key, item in value.items() if (node := from_json(item)) is not None} or None


def put(root: Node, path: Path, value: Node) -> Node:
    """The tree after `value` replaced what was at `path`; emptied branches vanish."""
    if not path:
        return value
    here = root if isinstance(root, dict) else {}
    child = put(here.get(path[0]), path[1:], value)
    if child is None and path[0] not in here:
        return root
    changed = {**here, path[0]: child}
    if child is None:
        del changed[path[0]]
    return changed or None


def patch(root: Node, updates: Iterable[tuple[Path, Node]]) -> Node:
    """One `put` after the other."""
    for path, value in updates:
        root = put(root, path, value)
    return root


def same(one: Node, other: Node) -> bool:
    """Unlike `==` it tells 1 from true, as the database does. What two trees share is not looked into."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(node, other[key]) for key, node in one.items())
    return type(one) is type(other) and bool(one == other)
