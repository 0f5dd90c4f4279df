"""The value semantics of the Realtime Database: what a tree can hold, how paths address it, what a write leaves.

Pure and persistent: nodes are never changed in place, a write copies only the branches along its path. Neither
storage nor network is known here; the embedded server keeps its data in these trees and the tests compare with them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""What `json.loads` returns; the one place where `Any` enters."""

Path: TypeAlias = tuple[str, ...]

PRIORITY = ".priority"
"""The last segment of a path that names a node's priority."""

MAX_DEPTH = 32
MAX_KEY_BYTES = 768
MAX_STRING_BYTES = 10 * 1024 * 1024
NULL_ETAG = "null_etag"

_FORBIDDEN = re.compile("[.$#\\[\\]/\x00-\x1f\x7f\ud800-\udfff]")
_INTEGER = re.compile(r"-?0*[0-9]{1,10}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_DATA = "Invalid data; couldn't parse JSON object, array, or value."


class Invalid(ValueError):
    """The database refuses this path or value; the message is the sentence it answers with."""


class Branch(dict[str, "Node"]):
    """An inner node. Immutable once made; remembers its digest, so equal subtrees are hashed once."""

    __slots__ = ("_digest", "priority")

    def __init__(
        self, children: Mapping[str, Node] | Iterable[tuple[str, Node]] = (), priority: Priority = None
    ) -> None:
        super().__init__(children)
        self.priority = priority

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, dict) and dict.__eq__(self, other)
        return same and self.priority == getattr(other, "priority", None)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    @property
    def digest(self) -> bytes:
        try:
            return self._digest
        except AttributeError:
            self._digest = _branch_digest(self)
            return self._digest

    _digest: bytes
    priority: Priority


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value with a priority; one without is the bare value."""

    value: bool | int | float | str
    priority: int | float | str


Priority: TypeAlias = int | float | str | None
Node: TypeAlias = bool | int | float | str | Leaf | Branch | None


# ── paths ────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_path(text: str) -> Path:
    """`/a//b/` and `a/b` are the same path, `a/.priority` names a priority; raises `Invalid` for a key the database cannot hold."""
    return checked(_parts(text))


def _parts(text: str) -> Path:
    return tuple([part for part in text.split("/") if part])


def checked(path: Path) -> Path:
    keys = node_path(path)
    for key in keys:
        check_key(key)
    if len(keys) > MAX_DEPTH:
        raise Invalid(f"Invalid path: path specified exceeds the maximum depth of {MAX_DEPTH}")
    return path


@lru_cache(maxsize=4096)  # a name comes again and again
def check_key(key: str) -> None:
    if not key or _FORBIDDEN.search(key):
        raise Invalid("Invalid path: Invalid token in path")
    if len(key) * 4 > MAX_KEY_BYTES and len(key.encode("utf-8", "replace")) > MAX_KEY_BYTES:
        raise Invalid(f"Invalid path: key is longer than {MAX_KEY_BYTES} bytes")


def node_path(path: Path) -> Path:
    """The node itself, where a path names its priority."""
    return path[:-1] if path and path[-1] == PRIORITY else path


def is_prefix(prefix: Path, path: Path) -> bool:
    return path[: len(prefix)] == prefix


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


def get(root: Node, path: Path) -> Node:
    node = root
    for key in path:
        if key == PRIORITY:
            return priority_of(node)
        if not isinstance(node, Branch):
            return None
        node = node.get(key)
    return node


def value_of(node: Node) -> bool | int | float | str | Branch | None:
    return node.value if isinstance(node, Leaf) else node


def priority_of(node: Node) -> Priority:
    return node.priority if isinstance(node, (Leaf, Branch)) else None


def to_json(node: Node, *, export: bool = False) -> Json:
    """The node as a client sees it: children sorted by key, dense integer keys as a list with null gaps.

    `export` shows priorities too: `.priority` beside the children, `{".value": …, ".priority": …}` for a leaf.
    """
    if isinstance(node, Branch):
        return _branch_json(node, export)
    if isinstance(node, Leaf):
        return {".value": node.value, PRIORITY: node.priority} if export else node.value
    return node


def _branch_json(branch: Branch, export: bool) -> Json:
    is_prioritised = export and branch.priority is not None
    size = None if is_prioritised else _list_size(branch)
    if size is not None:
        return [to_json(branch.get(str(index)), export=export) for index in range(size)]
    shown = {key: to_json(branch[key], export=export) for key in sorted_keys(branch)}
    return {PRIORITY: branch.priority, **shown} if is_prioritised else shown


def shallow(node: Node) -> Json:
    """Keys without their values; a leaf is returned as it is."""
    return dict.fromkeys(sorted_keys(node), True) if isinstance(node, Branch) else value_of(node)


def etag(node: Node) -> str:
    """A hash of the value alone: equal values have equal tags, wherever and whenever they were written."""
    return NULL_ETAG if node is None else base64.b64encode(digest(node)).decode("ascii")


def digest(node: Node) -> bytes:
    if isinstance(node, Branch):
        return node.digest
    shown = to_json(node, export=True)
    text = repr(shown) if type(shown) is int else json.dumps(shown)  # much the quicker way to the same
    return hashlib.sha1(text.encode(), usedforsecurity=False).digest()


def _branch_digest(branch: Branch) -> bytes:
    whole = hashlib.sha1(b"{", usedforsecurity=False)
    if branch.priority is not None:
        whole.update(b"%b;" % json.dumps(branch.priority).encode())
    for key in sorted(branch):
        name = key.encode("utf-8", "surrogatepass")
        whole.update(b"%d:" % len(name) + name + digest(branch[key]))
    return whole.digest()


def _list_size(branch: Branch) -> int | None:
    """Length of the list this branch is shown as, None for an object: more than half of 0..max must be there."""
    highest = -1
    for key in branch:
        if not _INDEX.fullmatch(key):
            return None
        highest = max(highest, int(key))
    return highest + 1 if highest < 2 * len(branch) else None


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────────


def key_order(key: str) -> tuple[int, int, bytes]:
    """Integer-like keys first, by number and then by length (`1`, `01`); then the others by their UTF-16 units."""
    if _INTEGER.fullmatch(key) and -(2**31) <= int(key) < 2**31:
        return (0, int(key), b"%03d%b" % (len(key), key.encode("ascii")))
    return (1, 0, utf_16(key))


def value_order(node: Node) -> tuple[int, float, bytes]:
    """null < false < true < numbers < strings < objects."""
    value = value_of(node)
    if value is None:
        return (0, 0, b"")
    if isinstance(value, bool):
        return (2 if value else 1, 0, b"")
    if isinstance(value, (int, float)):
        return (3, value, b"")
    return (4, 0, utf_16(value)) if isinstance(value, str) else (5, 0, b"")


def utf_16(text: str) -> bytes:
    """Compares as JavaScript's strings do: an emoji comes before the last Hangul."""
    return text.encode("utf-16-be", "surrogatepass")


def sorted_keys(branch: Branch) -> list[str]:
    if any(key[0] in "-0123456789" or not key.isascii() for key in branch):
        return sorted(branch, key=key_order)
    return sorted(branch)


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────


def put(root: Node, path: Path, value: Node) -> Node:
    """The tree after `value` replaced what was at `path`; emptied branches vanish. What has a priority keeps it when a child changes."""
    if not path:
        return value
    key = path[0]
    if key == PRIORITY:
        return _prioritised(root, _as_priority(value))
    here = root if isinstance(root, Branch) else Branch(priority=priority_of(root))
    child = put(here.get(key), path[1:], value)
    if child is None and key not in here:
        return root
    changed = Branch(here, here.priority)
    if child is None:
        del changed[key]
    else:
        changed[key] = child
    return changed or None


def patch(root: Node, updates: Iterable[tuple[Path, Node]]) -> Node:
    for path, value in updates:
        root = put(root, path, value)
    return root


def update_from_json(path: Path, value: Json, root: Node, *, now_ms: int) -> tuple[Path, Node]:
    """What a write of `value` at `path` changes; `root` is what is there now."""
    keys, existing = node_path(path), get(root, path)
    node = from_json(value, existing=existing, depth=len(keys), now_ms=now_ms)
    return path, node if keys is path else _as_priority(node)


def updates_from_json(base: Path, body: Json, root: Node, *, now_ms: int) -> list[tuple[Path, Node]]:
    """The absolute paths and values of a PATCH at `base`; keys may be deep (`a/b`), but not inside each other."""
    if not isinstance(body, Mapping):
        raise Invalid(f"{_BAD_DATA} Perhaps you're using invalid characters in your key names.")
    updates = []
    for key, value in body.items():
        path = checked(base + _parts(key))
        if path == base:
            raise Invalid("Invalid path: Invalid token in path")
        updates.append(update_from_json(path, value, root, now_ms=now_ms))
    _refuse_nested([path for path, _ in updates])
    return updates


def _refuse_nested(paths: list[Path]) -> None:
    known = set(paths)
    for path in paths:
        if any(path[:length] in known for length in range(len(path))):
            raise Invalid(
                "Invalid data; path '/" + "/".join(path) + "' is inside another path of the same update."
            )


def from_json(value: Json, *, existing: Node = None, depth: int = 0, now_ms: int = 0) -> Node:
    """What the database stores for `value`: nulls and empty containers pruned, lists as integer keys, `.sv` resolved.

    `existing` is what is there now (for increments), `depth` the length of the path of this value.
    """
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, Mapping):
        return _object(value, existing, depth, now_ms)
    if isinstance(value, (list, tuple)):
        return _children(((str(i), item) for i, item in enumerate(value)), existing, depth, now_ms)
    raise Invalid(_BAD_DATA)


def _object(value: Mapping[str, Json], existing: Node, depth: int, now_ms: int) -> Node:
    if PRIORITY in value:
        rest = {key: item for key, item in value.items() if key != PRIORITY}
        priority = from_json(value[PRIORITY], existing=priority_of(existing), now_ms=now_ms)
        return _prioritised(_object(rest, existing, depth, now_ms), _as_priority(priority))
    if ".sv" in value:
        return _server_value(value, existing, now_ms)
    if ".value" in value:
        return from_json(value[".value"], existing=existing, depth=depth, now_ms=now_ms)
    for key in value:
        _check_data_key(key)
    return _children(value.items(), existing, depth, now_ms)


def _as_priority(node: Node) -> Priority:
    if isinstance(node, (bool, Leaf, Branch)):
        raise Invalid("Invalid data; a priority is a number, a string or null.")
    return node


def _prioritised(node: Node, priority: Priority) -> Node:
    """Nothing has no priority."""
    if isinstance(node, Branch):
        return Branch(node, priority)
    value = value_of(node)
    return value if value is None or priority is None or isinstance(value, Branch) else Leaf(value, priority)


def _children(items: Iterable[tuple[str, Json]], existing: Node, depth: int, now_ms: int) -> Node:
    branch = Branch()
    for key, item in items:
        if depth >= MAX_DEPTH:
            raise Invalid(f"Invalid data; path specified exceeds the maximum depth of {MAX_DEPTH}")
        old = existing.get(key) if isinstance(existing, Branch) else None
        child = from_json(item, existing=old, depth=depth + 1, now_ms=now_ms)
        if child is not None:
            branch[key] = child
    return branch or None


def _check_data_key(key: str) -> None:
    try:
        check_key(key)
    except Invalid as error:
        raise Invalid(f"{_BAD_DATA} Perhaps you're using invalid characters in your key names.") from error


def _server_value(value: Mapping[str, Json], existing: Node, now_ms: int) -> Node:
    wanted = value[".sv"]
    if len(value) == 1 and wanted == "timestamp":
        return now_ms
    if len(value) == 1 and isinstance(wanted, Mapping) and set(wanted) == {"increment"}:
        return _incremented(wanted["increment"], existing)
    raise Invalid('Invalid data; ".sv" must be "timestamp" or {"increment": number}.')


def _incremented(step: Json, existing: Node) -> Node:
    existing = value_of(existing)
    if isinstance(step, bool) or not isinstance(step, (int, float)):
        raise Invalid('Invalid data; ".sv" increment must be a number.')
    if isinstance(existing, bool) or not isinstance(existing, (int, float)):
        return _number(step)
    return _number(existing + step)


def _number(value: int | float) -> int | float:
    """Numbers are doubles: whole ones are shown without a fraction, huge integers lose their last digits."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Invalid(_BAD_DATA)
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    try:
        return value if -(2**63) <= value < 2**63 else float(value)
    except OverflowError as error:
        raise Invalid(_BAD_DATA) from error


def _string(value: str) -> str:
    """Half a surrogate pair cannot be stored as UTF-8: it becomes a question mark."""
    size = len(value)
    if not value.isascii():
        encoded = value.encode("utf-8", "replace")
        size, value = len(encoded), encoded.decode("utf-8")
    if size > MAX_STRING_BYTES:
        raise Invalid(f"Invalid data; string values are limited to {MAX_STRING_BYTES} UTF-8 bytes.")
    return value
