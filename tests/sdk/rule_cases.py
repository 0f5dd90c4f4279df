"""Security rules made up by a seed: expressions that mostly fit their types, trees of rules, data, and what is asked of them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

KEYS = ["a", "b", "users", "0", "x"]
TEXTS = ["", "a", "ann", "Ann 🙂", "aXa", "b", "한글", "7"]
NUMBERS = [0, 1, -7, 2.5, 30, 1e21]
USERS: list[Any] = [
    None,
    {"uid": "ann", "token": {"email": "ann@x", "admin": True, "n": 3}},
    {"uid": "b", "token": {}},
]
NOW = 1_800_000_000_000
PATTERNS = ["/^a/", "/a$/i", "/[a-n]+/", "/^\\\\w*$/", "/ann|b/", "/^.{2,3}$/", "/\\\\d?/", "/[^a]/"]
KINDS = ["boolean", "number", "string", "primitive", "any", "snapshot", "pattern", "list", "null"]


class Expressions:
    """`expression("boolean", depth)` gives text of that type, now and then of another."""

    def __init__(self, rng: random.Random, wildcards: list[str], *, reads: bool) -> None:
        self._rng = rng
        self._wildcards = wildcards
        self._snapshots = ["root", "data"] if reads else ["root", "data", "newData"]
        self._reads = reads

    def expression(self, kind: str, depth: int) -> str:
        if self._rng.random() < 0.015:
            kind = self._rng.choice(KINDS)
        elif kind in ("number", "string", "null") and self._rng.random() < 0.3:
            kind = self._rng.choice(["primitive", "any"])
        makers: dict[str, Callable[[int], str]] = {
            "boolean": self._boolean,
            "number": self._number,
            "string": self._string,
            "primitive": self._primitive,
            "any": self._any,
            "snapshot": self._snapshot,
            "pattern": lambda _: self._rng.choice(PATTERNS),
            "list": self._list,
            "null": lambda _: "null",
        }
        return makers[kind](depth - 1)

    def _boolean(self, depth: int) -> str:
        if depth <= 0:
            return self._rng.choice(["true", "false"])
        return self._rng.choice(
            [
                self._logic,
                self._logic,
                self._equality,
                self._equality,
                self._order,
                self._of_place,
                self._of_text,
            ]
        )(depth)

    def _logic(self, depth: int) -> str:
        part = lambda: self.expression("boolean", depth)  # noqa: E731
        return self._rng.choice(
            [
                lambda: f"!({part()})",
                lambda: f"({part()} && {part()})",
                lambda: f"({part()} || {part()})",
                lambda: f"({part()} ? {part()} : {part()})",
            ]
        )()

    def _equality(self, depth: int) -> str:
        kinds = ["number", "string", "primitive", "any", "null", "boolean"]
        left, right = (self.expression(self._rng.choice(kinds), depth) for _ in range(2))
        return f"{left} {self._rng.choice(['==', '===', '!=', '!=='])} {right}"

    def _order(self, depth: int) -> str:
        kind = self._rng.choice(["number", "string"])
        left, right = (self.expression(kind, depth) for _ in range(2))
        return f"{left} {self._rng.choice(['<', '>', '<=', '>='])} {right}"

    def _of_place(self, depth: int) -> str:
        place = self.expression("snapshot", depth)
        name = self._rng.choice(
            ["exists", "isString", "isNumber", "isBoolean", "hasChildren", "hasChild", "hasChildren list"]
        )
        if name == "hasChild":
            return f"{place}.hasChild({self.expression('string', depth)})"
        if name == "hasChildren list":
            return f"{place}.hasChildren({self.expression('list', depth)})"
        return f"{place}.{name}()"

    def _of_text(self, depth: int) -> str:
        text = self.expression("string", depth)
        if self._rng.random() < 0.3:
            return f"{text}.matches({self.expression('pattern', depth)})"
        name = self._rng.choice(["contains", "beginsWith", "endsWith"])
        return f"{text}.{name}({self.expression('string', depth)})"

    def _number(self, depth: int) -> str:
        if depth <= 0:
            return self._rng.choice(["now", "0", "1", "2.5", "30", "7"])
        left, right = (self.expression("number", depth) for _ in range(2))
        return self._rng.choice(
            [
                f"({left} {self._rng.choice('+-*/%')} {right})",
                f"-{left}",
                f"{self.expression('string', depth)}.length",
            ]
        )

    def _string(self, depth: int) -> str:
        if depth <= 0:
            return self._rng.choice([*map(self._quoted, TEXTS), *self._wildcards])
        text, other = (self.expression("string", depth) for _ in range(2))
        return self._rng.choice(
            [
                f"({text} + {self.expression(self._rng.choice(['string', 'number']), depth)})",
                f"{text}.toLowerCase()",
                f"{text}.toUpperCase()",
                f"{text}.replace({self._quoted(self._rng.choice(TEXTS[1:]))}, {other})",
            ]
        )

    def _quoted(self, text: str) -> str:
        return f"'{text}'" if self._rng.random() < 0.7 else json.dumps(text, ensure_ascii=False)

    def _primitive(self, depth: int) -> str:
        return f"{self.expression('snapshot', depth)}.val()"

    def _any(self, depth: int) -> str:
        return self._rng.choice(
            [
                "auth",
                "auth.uid",
                "auth.missing",
                "auth.token.email",
                "auth.token.admin",
                "auth.token.n",
                "auth.no.such.thing",
                "auth['uid']",
                f"auth[{self.expression('string', depth)}]",
                f"{self.expression('snapshot', depth)}.getPriority()",
            ]
        )

    def _snapshot(self, depth: int) -> str:
        if depth <= 0 or self._rng.random() < 0.3:
            return self._rng.choice(self._snapshots)
        inner = self.expression("snapshot", depth)
        if self._rng.random() < 0.1:
            return f"{inner}.parent()"
        path = self._quoted("/".join(self._rng.choices(KEYS, k=self._rng.randint(1, 2))))
        if self._rng.random() < 0.2:
            path = self.expression("string", depth)
        return f"{inner}.child({path})"

    def _list(self, depth: int) -> str:
        count = self._rng.choice([0, 1, 1, 2, 2, 3])
        keys = [self._quoted(self._rng.choice(KEYS)) for _ in range(count)]
        if keys and self._rng.random() < 0.2:
            keys[-1] = self.expression("string", depth)
        return f"[{', '.join(keys)}]"


def value(rng: random.Random, depth: int) -> Any:
    """Of the database; now and then with a priority."""
    if depth <= 0 or rng.random() < 0.35:
        leaf = rng.choice([True, False, *NUMBERS, *TEXTS])
        return {".value": leaf, ".priority": rng.choice([1, "p"])} if rng.random() < 0.1 else leaf
    children = {key: value(rng, depth - 1) for key in rng.sample(KEYS, rng.randint(1, 4))}
    return {**children, ".priority": rng.choice([2, "q"])} if rng.random() < 0.1 else children


def path(rng: random.Random) -> str:
    return "/".join(rng.choices(KEYS, k=rng.randint(1, 3)))


def expression_case(rng: random.Random) -> dict[str, Any]:
    """One rule, at a place with a wildcard, asked for one read or one write."""
    reads = rng.random() < 0.5
    rule = Expressions(rng, ["$key"], reads=reads).expression("boolean", rng.randint(2, 5))
    where = path(rng)
    asked = {"read": where} if reads else {"write": where, "value": value(rng, 2)}
    return _case(rng, {"$key": {".read" if reads else ".write": rule}}, asked)


def tree_case(rng: random.Random) -> dict[str, Any]:
    """Several rules that stand above, beside and below what is read, written, deleted or updated in several places."""
    rules = _rules(rng, 3, [])
    kind = rng.choice(["read", "write", "write", "delete", "update"])
    asked: dict[str, Any] = {"read": path(rng)}
    if kind == "write":
        asked = {"write": path(rng), "value": value(rng, 2)}
    elif kind == "delete":
        asked = {"write": path(rng), "value": None}
    elif kind == "update":
        keys = rng.sample(KEYS, 2)
        asked = {"update": {key: rng.choice([None, value(rng, 2)]) for key in keys}}
    return _case(rng, rules, asked)


def _rules(rng: random.Random, depth: int, wildcards: list[str]) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for kind, share in ((".read", 0.4), (".write", 0.5), (".validate", 0.4)):
        if rng.random() < share:
            made = Expressions(rng, wildcards, reads=kind == ".read")
            rules[kind] = rng.choice([True, made.expression("boolean", 3), made.expression("boolean", 2)])
    if depth:
        for key in rng.sample(KEYS, rng.randint(0, 2)):
            rules[key] = _rules(rng, depth - 1, wildcards)
        if rng.random() < 0.6:
            wildcard = f"${'abc'[depth - 1]}"
            rules[wildcard] = _rules(rng, depth - 1, [*wildcards, wildcard])
    return rules


def _case(rng: random.Random, rules: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    data = value(rng, 3)
    return {"rules": rules, "data": data, "auth": rng.choice(USERS), "now": NOW, **asked}
