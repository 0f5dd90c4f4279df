"""Security rules of one namespace: who may read and write where, what is valid, what is indexed.

Read and write permission granted at a node holds for everything below it; `.validate` does not cascade and is asked
of every node that a write leaves behind, on the way down to it and below it. Administrators are never asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from devkit.rtdb.expressions import Rule, RuleSyntax, compile_rule
from devkit.rtdb.rule_values import Snapshot
from devkit.rtdb.tree import Branch, Json, Node, Path, get, node_path
from devkit.rtdb.window import NO_QUERY

OPEN = {"rules": {".read": True, ".write": True}}
"""The rules a fresh namespace starts with, as Google's emulator does."""


class RulesRejected(ValueError):
    """The rules text has an error; the message names the place."""


_CHANGING = frozenset({"data", "root", "now"})
"""What a rule asks that a commit or the time may change."""


@dataclass(slots=True)
class _Node:
    """One node of the rules tree."""

    read: Rule | None = None
    write: Rule | None = None
    validate: Rule | None = None
    indexes: frozenset[str] = frozenset()
    children: dict[str, _Node] = field(default_factory=dict)
    wildcard: str | None = None

    def step(self, key: str) -> tuple[_Node | None, str | None]:
        """The rule for child `key`, and the wildcard that matched it."""
        if key in self.children:
            return self.children[key], None
        if self.wildcard is not None:
            return self.children[self.wildcard], self.wildcard
        return None, None


@dataclass(frozen=True, slots=True)
class _Place:
    """A rule on the way to a path, with what its wildcards stand for there."""

    rule: _Node
    path: Path
    wildcards: Mapping[str, str]


class Rules:
    """`source` is an object, or a text of one in which `//` and `/* */` are comments; it is given back as it came."""

    def __init__(self, source: Json) -> None:
        wanted = _parsed(source) if isinstance(source, str) else source
        if not isinstance(wanted, Mapping) or wanted.keys() != {"rules"}:
            raise RulesRejected('Rules must be an object with one member "rules".')
        self.source = source
        self._root = _compile(wanted["rules"], (), frozenset())

    def may_read(
        self, path: Path, root: Node, auth: Json, now: int, query: Mapping[str, Any] = NO_QUERY
    ) -> bool:
        return any(
            place.rule.read.holds(_scope(place, root, root, auth, now, query))
            for place in self._way(node_path(path))
            if place.rule.read is not None
        )

    def reading_may_change(self, path: Path) -> bool:
        """Whether a commit or the time can give or take the right to read there."""
        reads = [place.rule.read for place in self._way(node_path(path)) if place.rule.read is not None]
        return any(not rule.names.isdisjoint(_CHANGING) for rule in reads)

    def may_write(self, paths: Iterable[Path], old: Node, new: Node, auth: Json, now: int) -> bool:
        """Every path of one update is judged by the tree that the whole update would leave. Deleting nothing changes nothing."""
        return all(
            self._write_granted(path, old, new, auth, now)
            and (get(old, path) is get(new, path) is None or self._valid(path, old, new, auth, now))
            for path in map(node_path, paths)
        )

    def indexed(self, path: Path, index: str) -> bool:
        way = list(self._way(path))
        return bool(way) and way[-1].path == path and index in way[-1].rule.indexes

    def _write_granted(self, path: Path, old: Node, new: Node, auth: Json, now: int) -> bool:
        return any(
            place.rule.write.holds(_scope(place, old, new, auth, now))
            for place in self._way(path)
            if place.rule.write is not None
        )

    def _valid(self, path: Path, old: Node, new: Node, auth: Json, now: int) -> bool:
        way = list(self._way(path))
        places = [*way, *_below(way[-1], new)] if way and way[-1].path == path else way
        return all(
            place.rule.validate.holds(_scope(place, old, new, auth, now))
            for place in places
            if place.rule.validate is not None and get(new, place.path) is not None
        )

    def _way(self, path: Path) -> Iterator[_Place]:
        place = _Place(self._root, (), {})
        yield place
        for key in path:
            below = _descend(place, key)
            if below is None:
                return
            place = below
            yield place


def _descend(place: _Place, key: str) -> _Place | None:
    rule, wildcard = place.rule.step(key)
    if rule is None:
        return None
    wildcards = {**place.wildcards, wildcard: key} if wildcard else place.wildcards
    return _Place(rule, (*place.path, key), wildcards)


def _below(place: _Place, new: Node) -> Iterator[_Place]:
    node = get(new, place.path)
    if not isinstance(node, Branch) or not place.rule.children:
        return
    for key in node:
        child = _descend(place, key)
        if child is not None:
            yield child
            yield from _below(child, new)


def _scope(
    place: _Place, old: Node, new: Node, auth: Json, now: int, query: Mapping[str, Any] = NO_QUERY
) -> dict[str, Any]:
    return {
        "auth": auth,
        "now": now,
        "root": Snapshot(old, ()),
        "data": Snapshot(old, place.path),
        "newData": Snapshot(new, place.path),
        "query": query,
        **place.wildcards,
    }


def read_rules(body: bytes) -> Rules:
    """A rules file."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise RulesRejected("Rules are text in UTF-8.") from error
    return Rules(_parsed(text) if _blanked(text) == text else text)


_COMMENT = re.compile(r""""(?:[^"\\]|\\.)*"|(//[^\n]*|/\*.*?\*/)""", re.DOTALL)


def _blanked(text: str) -> str:
    """Without comments, and every place in the text stays what it is."""
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]) if match[1] else match[0], text)


def _parsed(text: str) -> Json:
    try:
        return json.loads(_blanked(text))
    except (ValueError, RecursionError) as error:
        raise RulesRejected(f"Rules are no JSON: {error}") from error


def _compile(source: Json, path: Path, wildcards: frozenset[str]) -> _Node:
    if not isinstance(source, Mapping):
        raise RulesRejected(f"/{'/'.join(path)}: expected an object.")
    rule = _Node()
    for key, value in source.items():
        if key in (".read", ".write", ".validate"):
            setattr(rule, key[1:], _rule(value, (*path, key), wildcards))
        elif key == ".indexOn":
            rule.indexes = _indexes(value, path)
        elif key.startswith("."):
            raise RulesRejected(f"/{'/'.join(path)}: unknown rule {key}.")
        else:
            _add_child(rule, key, value, path, wildcards)
    return rule


def _add_child(rule: _Node, key: str, value: Json, path: Path, wildcards: frozenset[str]) -> None:
    if key.startswith("$"):
        if rule.wildcard is not None or key in wildcards:
            raise RulesRejected(f"/{'/'.join(path)}: only one wildcard of a name is allowed here.")
        rule.wildcard = key
        wildcards = wildcards | {key}
    rule.children[key] = _compile(value, (*path, key), wildcards)


def _rule(value: Json, path: Path, wildcards: frozenset[str]) -> Rule:
    if isinstance(value, bool):
        return Rule(lambda scope: value)
    if not isinstance(value, str):
        raise RulesRejected(f"/{'/'.join(path)}: a rule is true, false or a string.")
    try:
        return compile_rule(value, wildcards, reads=path[-1] == ".read")
    except RuleSyntax as error:
        raise RulesRejected(f"/{'/'.join(path)}: {error}.") from error


def _indexes(value: Json, path: Path) -> frozenset[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RulesRejected(f"/{'/'.join(path)}/.indexOn: expected a string or a list of strings.")
    return frozenset(name.strip("/") for name in names)
