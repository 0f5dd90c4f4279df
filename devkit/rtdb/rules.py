"""Security rules of one namespace: who may read and write where, what is valid, what is indexed.

Read and write permission granted at a node holds for everything below it; `.validate` does not cascade and is asked
of every node that a write leaves behind, on the way down to it and below it. Administrators are never asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from devkit.rtdb.expressions import Expression, RuleSyntax, Snapshot, compile_rule, holds
from devkit.rtdb.tree import Branch, Json, Node, Path, get

OPEN = {"rules": {".read": True, ".write": True}}
"""The rules a fresh namespace starts with, as Google's emulator does."""


class RulesRejected(ValueError):
    """The rules text has an error; the message names the place."""


@dataclass(slots=True)
class _Rule:
    """One node of the rules tree."""

    read: Expression | None = None
    write: Expression | None = None
    validate: Expression | None = None
    indexes: frozenset[str] = frozenset()
    children: dict[str, _Rule] = field(default_factory=dict)
    wildcard: str | None = None

    def step(self, key: str) -> tuple[_Rule | None, str | None]:
        """The rule for child `key`, and the wildcard that matched it."""
        if key in self.children:
            return self.children[key], None
        if self.wildcard is not None:
            return self.children[self.wildcard], self.wildcard
        return None, None


@dataclass(frozen=True, slots=True)
class _Place:
    """A rule on the way to a path, with what its wildcards stand for there."""

    rule: _Rule
    path: Path
    wildcards: Mapping[str, str]


class Rules:
    def __init__(self, source: Json) -> None:
        if not isinstance(source, Mapping) or not isinstance(source.get("rules"), Mapping):
            raise RulesRejected('Rules must be an object with one member "rules".')
        self.source = source
        self._root = _compile(source["rules"], (), frozenset())

    def may_read(
        self, path: Path, root: Node, auth: Json, now: int, query: Mapping[str, Any] | None = None
    ) -> bool:
        return any(
            holds(place.rule.read, _scope(place, root, root, auth, now) | {"query": query or {}})
            for place in self._way(path)
            if place.rule.read is not None
        )

    def may_write(self, paths: Iterable[Path], old: Node, new: Node, auth: Json, now: int) -> bool:
        """Every path of one update is judged by the tree that the whole update would leave."""
        return all(
            self._write_granted(path, old, new, auth, now) and self._valid(path, old, new, auth, now)
            for path in paths
        )

    def indexed(self, path: Path, index: str) -> bool:
        way = list(self._way(path))
        return bool(way) and way[-1].path == path and index in way[-1].rule.indexes

    def _write_granted(self, path: Path, old: Node, new: Node, auth: Json, now: int) -> bool:
        return any(
            holds(place.rule.write, _scope(place, old, new, auth, now))
            for place in self._way(path)
            if place.rule.write is not None
        )

    def _valid(self, path: Path, old: Node, new: Node, auth: Json, now: int) -> bool:
        way = list(self._way(path))
        places = [*way, *_below(way[-1], new)] if way and way[-1].path == path else way
        return all(
            holds(place.rule.validate, _scope(place, old, new, auth, now))
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


def _scope(place: _Place, old: Node, new: Node, auth: Json, now: int) -> dict[str, Any]:
    return {
        "auth": auth,
        "now": now,
        "root": Snapshot(old, ()),
        "data": Snapshot(old, place.path),
        "newData": Snapshot(new, place.path),
        "query": {},
        **place.wildcards,
    }


def _compile(source: Json, path: Path, wildcards: frozenset[str]) -> _Rule:
    if not isinstance(source, Mapping):
        raise RulesRejected(f"/{'/'.join(path)}: expected an object.")
    rule = _Rule()
    for key, value in source.items():
        if key in (".read", ".write", ".validate"):
            setattr(rule, key[1:], _expression(value, (*path, key), wildcards))
        elif key == ".indexOn":
            rule.indexes = _indexes(value, path)
        elif key.startswith("."):
            raise RulesRejected(f"/{'/'.join(path)}: unknown rule {key}.")
        else:
            _add_child(rule, key, value, path, wildcards)
    return rule


def _add_child(rule: _Rule, key: str, value: Json, path: Path, wildcards: frozenset[str]) -> None:
    if key.startswith("$"):
        if rule.wildcard is not None:
            raise RulesRejected(f"/{'/'.join(path)}: only one wildcard is allowed here.")
        rule.wildcard = key
        wildcards = wildcards | {key}
    rule.children[key] = _compile(value, (*path, key), wildcards)


def _expression(value: Json, path: Path, wildcards: frozenset[str]) -> Expression:
    if isinstance(value, bool):
        return lambda scope: value
    if not isinstance(value, str):
        raise RulesRejected(f"/{'/'.join(path)}: a rule is true, false or a string.")
    try:
        return compile_rule(value, wildcards)
    except RuleSyntax as error:
        raise RulesRejected(f"/{'/'.join(path)}: {error}.") from error


def _indexes(value: Json, path: Path) -> frozenset[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RulesRejected(f"/{'/'.join(path)}/.indexOn: expected a string or a list of strings.")
    return frozenset(name.strip("/") for name in names)
