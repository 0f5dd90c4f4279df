"""The expression language of security rules: text in, a function of its variables out.

Text and types are checked when rules are stored: what an operator or a method cannot take, and what is no boolean where
one is needed, is refused then. What only the data can tell is told when a rule is asked.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from devkit.rtdb import rule_values as values
from devkit.rtdb.pattern import BadPattern, compile_pattern
from devkit.rtdb.rule_values import RuleFailed, Snapshot

Scope: TypeAlias = Mapping[str, Any]


class RuleSyntax(ValueError):
    """The text of a rule cannot be understood, or its types do not fit."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`names` are the variables that it asks."""

    evaluate: Callable[[Scope], Any]
    names: frozenset[str] = frozenset()

    def holds(self, scope: Scope) -> bool:
        try:
            return self.evaluate(scope) is True
        except RuleFailed:
            return False


def compile_rule(text: str, wildcards: Iterable[str] = (), *, reads: bool = False) -> Rule:
    """`wildcards` are the `$` variables of its place. Where a rule `reads` there is no new data yet."""
    kinds = _VARIABLES | dict.fromkeys(wildcards, Kind.STRING)
    if reads:
        del kinds["newData"]
    parser = _Parser(_tokens(text), kinds)
    try:
        expression = parser.ternary()
    except RecursionError as error:
        raise RuleSyntax("too deeply nested") from error
    parser.expect("end")
    if expression.kind is not Kind.BOOLEAN:
        raise RuleSyntax("a rule must be a boolean")
    return Rule(expression.evaluate, frozenset(parser.names))


# ── types ────────────────────────────────────────────────────────────────────────────────────────────────────


class Kind(StrEnum):
    BOOLEAN = "boolean"
    NUMBER = "number"
    STRING = "string"
    NULL = "null"
    PRIMITIVE = "primitive"
    """One of those above: only the data can tell."""
    ANY = "any"
    """That, or an object such as a token."""
    SNAPSHOT = "snapshot"
    QUERY = "query"
    PATTERN = "regular expression"
    LIST = "list of strings"


_OPEN = frozenset({Kind.ANY, Kind.PRIMITIVE})
_PRIMITIVES = frozenset({Kind.BOOLEAN, Kind.NUMBER, Kind.STRING, Kind.NULL, Kind.PRIMITIVE})
_VARIABLES = {
    "auth": Kind.ANY,
    "now": Kind.NUMBER,
    "root": Kind.SNAPSHOT,
    "data": Kind.SNAPSHOT,
    "newData": Kind.SNAPSHOT,
    "query": Kind.QUERY,
}
_QUERY = {
    "orderByKey": Kind.BOOLEAN,
    "orderByValue": Kind.BOOLEAN,
    "orderByPriority": Kind.BOOLEAN,
    "orderByChild": Kind.STRING,
    "startAt": Kind.PRIMITIVE,
    "endAt": Kind.PRIMITIVE,
    "equalTo": Kind.PRIMITIVE,
    "limitToFirst": Kind.NUMBER,
    "limitToLast": Kind.NUMBER,
}


@dataclass(frozen=True, slots=True)
class _Expression:
    """`strings` are the items of a list literal; `literal` is the text of a string literal."""

    kind: Kind
    evaluate: Callable[[Scope], Any]
    strings: tuple[_Expression, ...] = ()
    literal: str | None = None

    def must_be(self, kinds: Iterable[Kind], what: str) -> None:
        """What only the data can tell may be it."""
        if self.kind not in kinds and self.kind not in _OPEN:
            raise RuleSyntax(f"{what} must be {' or '.join(kinds)}, not {self.kind}")

    def must_be_boolean(self, what: str) -> None:
        if self.kind is not Kind.BOOLEAN:
            raise RuleSyntax(f"{what} must be boolean, not {self.kind}")


@dataclass(frozen=True, slots=True)
class _Method:
    takes: tuple[Kind, ...]
    gives: Kind
    apply: Callable[..., Any]

    def check(self, name: str, arguments: list[_Expression]) -> None:
        if len(arguments) != len(self.takes):
            raise RuleSyntax(f"{name} takes {len(self.takes)} arguments, not {len(arguments)}")
        for argument, kind in zip(arguments, self.takes, strict=True):
            argument.must_be([kind], f"the argument of {name}")


_OF_SNAPSHOTS = {
    "val": _Method((), Kind.PRIMITIVE, Snapshot.val),
    "child": _Method((Kind.STRING,), Kind.SNAPSHOT, Snapshot.child),
    "parent": _Method((), Kind.SNAPSHOT, Snapshot.parent),
    "exists": _Method((), Kind.BOOLEAN, Snapshot.exists),
    "hasChild": _Method((Kind.STRING,), Kind.BOOLEAN, Snapshot.has_child),
    "hasChildren": _Method((), Kind.BOOLEAN, Snapshot.has_children),
    "isString": _Method((), Kind.BOOLEAN, Snapshot.is_string),
    "isNumber": _Method((), Kind.BOOLEAN, Snapshot.is_number),
    "isBoolean": _Method((), Kind.BOOLEAN, Snapshot.is_boolean),
    "getPriority": _Method((), Kind.ANY, Snapshot.priority),
}
_OF_STRINGS = {
    "contains": _Method((Kind.STRING,), Kind.BOOLEAN, values.contains),
    "beginsWith": _Method((Kind.STRING,), Kind.BOOLEAN, values.begins_with),
    "endsWith": _Method((Kind.STRING,), Kind.BOOLEAN, values.ends_with),
    "replace": _Method((Kind.STRING, Kind.STRING), Kind.STRING, values.replace),
    "toLowerCase": _Method((), Kind.STRING, values.lower),
    "toUpperCase": _Method((), Kind.STRING, values.upper),
    "matches": _Method((Kind.PATTERN,), Kind.BOOLEAN, values.matches),
}


@dataclass(frozen=True, slots=True)
class _Operator:
    takes: tuple[Kind, ...]
    gives: Kind
    apply: Callable[[Any, Any], Any]
    is_same: bool = False
    """Both sides are of one kind, as far as the text tells."""

    def check(self, sign: str, left: _Expression, right: _Expression) -> None:
        left.must_be(self.takes, f"the left side of {sign}")
        right.must_be(self.takes, f"the right side of {sign}")
        if self.is_same and left.kind is not right.kind and _OPEN.isdisjoint({left.kind, right.kind}):
            raise RuleSyntax(f"{sign} compares {left.kind} with {right.kind}")


_ANY_VALUE = (Kind.STRING, Kind.NUMBER, Kind.BOOLEAN, Kind.NULL)
_SORTABLE = (Kind.STRING, Kind.NUMBER, Kind.NULL)


def _order(apply: Callable[[Any, Any], bool]) -> _Operator:
    return _Operator(_SORTABLE, Kind.BOOLEAN, values.ordered(apply), is_same=True)


_EQUAL = _Operator(_ANY_VALUE, Kind.BOOLEAN, values.equal)
_UNEQUAL = _Operator(_ANY_VALUE, Kind.BOOLEAN, values.unequal)
_LEVELS: tuple[dict[str, _Operator], ...] = (
    {"===": _EQUAL, "==": _EQUAL, "!==": _UNEQUAL, "!=": _UNEQUAL},
    {
        "<": _order(operator.lt),
        ">": _order(operator.gt),
        "<=": _order(operator.le),
        ">=": _order(operator.ge),
    },
    {
        "+": _Operator((Kind.STRING, Kind.NUMBER), Kind.PRIMITIVE, values.plus),
        "-": _Operator((Kind.NUMBER,), Kind.NUMBER, values.minus),
    },
    {
        "*": _Operator((Kind.NUMBER,), Kind.NUMBER, values.times),
        "/": _Operator((Kind.NUMBER,), Kind.NUMBER, values.divide),
        "%": _Operator((Kind.NUMBER,), Kind.NUMBER, values.remainder),
    },
)
"""From what binds loosely to what binds tightly."""


# ── words of the language ────────────────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)
    | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<name>[A-Za-z_$][\w$]*)
    | (?P<op>===|!==|==|!=|<=|>=|&&|\|\||--|\+\+|[-+*/%<>!?:().,\[\]])
    )""",
    re.VERBOSE,
)
_REGEX = re.compile(r"\s*/(?P<body>(?:[^/\\\n]|\\.)+)/(?P<flags>[a-z]*)")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}

_Token: TypeAlias = tuple[str, Any]


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while text[position:].strip():
        regex = _REGEX.match(text, position) if tokens and tokens[-1] == ("op", "(") else None
        match = regex or _TOKEN.match(text, position)
        if match is None:
            raise RuleSyntax(f"unexpected character at {position}: {text[position : position + 10]!r}")
        tokens.append(("regex", _pattern(regex)) if regex else _token(match))
        position = match.end()
    return [*tokens, ("end", "")]


def _token(match: re.Match[str]) -> _Token:
    kind = match.lastgroup or ""
    if kind == "number":
        return kind, float(match[kind])
    if kind == "string":
        return kind, _ESCAPE.sub(_unescaped, match[kind][1:-1])
    return kind, match[kind]


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(match[3], match[3])


def _pattern(match: re.Match[str]) -> re.Pattern[str]:
    try:
        return compile_pattern(match["body"], match["flags"])
    except BadPattern as error:
        raise RuleSyntax(f"bad regular expression: {error}") from error


# ── grammar ──────────────────────────────────────────────────────────────────────────────────────────────────

_CONSTANTS = {"true": (Kind.BOOLEAN, True), "false": (Kind.BOOLEAN, False), "null": (Kind.NULL, None)}
_LITERALS = {"number": Kind.NUMBER, "string": Kind.STRING, "regex": Kind.PATTERN}


class _Parser:
    """Recursive descent, one method per precedence; each returns a closure over the scope with its type."""

    def __init__(self, tokens: list[_Token], kinds: Mapping[str, Kind]) -> None:
        self._tokens = tokens
        self._kinds = kinds
        self._at = 0
        self.names: set[str] = set()

    def ternary(self) -> _Expression:
        condition = self._or()
        if not self._accept("?"):
            return condition
        condition.must_be_boolean("the condition of ?")
        yes = self.ternary()
        self.expect("op", ":")
        no = self.ternary()
        return _Expression(
            _common(yes.kind, no.kind),
            lambda scope: yes.evaluate(scope) if condition.evaluate(scope) else no.evaluate(scope),
        )

    def expect(self, kind: str, text: str = "") -> Any:
        found, value = self._tokens[self._at]
        if found != kind or (text and value != text):
            raise RuleSyntax(f"expected {text or kind!r}, found {value or found!r}")
        self._at += 1
        return value

    def _or(self) -> _Expression:
        return self._logical("||", self._and, decides=True)

    def _and(self) -> _Expression:
        return self._logical("&&", lambda: self._level(0), decides=False)

    def _logical(self, sign: str, part: Callable[[], _Expression], *, decides: bool) -> _Expression:
        """From left to right until one `decides`; the rule fails where a part fails before that."""
        parts = [part()]
        while self._accept(sign):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        for one in parts:
            one.must_be_boolean(f"a side of {sign}")
        ask = any if decides else all
        return _Expression(Kind.BOOLEAN, lambda scope: ask(one.evaluate(scope) for one in parts))

    def _level(self, level: int) -> _Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while (sign := self._sign()) in _LEVELS[level]:
            self._at += 1
            left = _binary(sign, _LEVELS[level][sign], left, self._level(level + 1))
        return left

    def _sign(self) -> str:
        kind, value = self._tokens[self._at]
        return str(value) if kind == "op" else ""

    def _unary(self) -> _Expression:
        if self._accept("!"):
            inner = self._unary()
            inner.must_be_boolean("what ! negates")
            return _Expression(Kind.BOOLEAN, lambda scope: not inner.evaluate(scope))
        if self._accept("-"):
            inner = self._unary()
            inner.must_be([Kind.NUMBER], "what - negates")
            return _Expression(Kind.NUMBER, lambda scope: -values.number(inner.evaluate(scope)))
        return self._members(self._primary())

    def _members(self, target: _Expression) -> _Expression:
        while True:
            if self._accept("."):
                target = self._named(target, self.expect("name"))
            elif self._accept("["):
                key = self.ternary()
                self.expect("op", "]")
                target = self._named(target, key.literal) if key.literal is not None else _at_key(target, key)
            else:
                return target

    def _named(self, target: _Expression, name: str) -> _Expression:
        if self._accept("("):
            return _call(name, target, self._arguments(")"))
        return _property(target, name)

    def _arguments(self, closing: str) -> list[_Expression]:
        arguments: list[_Expression] = []
        while not self._accept(closing):
            if arguments:
                self.expect("op", ",")
            arguments.append(self.ternary())
        return arguments

    def _primary(self) -> _Expression:
        if self._accept("("):
            inner = self.ternary()
            self.expect("op", ")")
            return inner
        if self._accept("["):
            items = self._arguments("]")
            return _Expression(
                Kind.LIST, lambda scope: [item.evaluate(scope) for item in items], strings=tuple(items)
            )
        kind, value = self._tokens[self._at]
        self._at += 1
        if kind == "name":
            return self._name(value)
        if kind not in _LITERALS:
            raise RuleSyntax(f"unexpected {value or kind!r}")
        return _Expression(_LITERALS[kind], lambda scope: value, literal=value if kind == "string" else None)

    def _name(self, name: str) -> _Expression:
        if name in _CONSTANTS:
            kind, constant = _CONSTANTS[name]
            return _Expression(kind, lambda scope: constant)
        if name not in self._kinds:
            raise RuleSyntax(f"unknown variable {name!r}")
        self.names.add(name)
        return _Expression(self._kinds[name], lambda scope: scope[name])

    def _accept(self, text: str) -> bool:
        if self._tokens[self._at] != ("op", text):
            return False
        self._at += 1
        return True


def _common(one: Kind, other: Kind) -> Kind:
    if one is other:
        return one
    return Kind.PRIMITIVE if {one, other} <= _PRIMITIVES else Kind.ANY


def _binary(sign: str, how: _Operator, left: _Expression, right: _Expression) -> _Expression:
    how.check(sign, left, right)
    kind = how.gives
    if sign == "+" and Kind.STRING in (left.kind, right.kind):
        kind = Kind.STRING
    elif sign == "+" and left.kind is right.kind is Kind.NUMBER:
        kind = Kind.NUMBER
    return _Expression(kind, lambda scope: how.apply(left.evaluate(scope), right.evaluate(scope)))


def _property(target: _Expression, name: str) -> _Expression:
    kind = _property_kind(target.kind, name)
    return _Expression(kind, lambda scope: values.member(target.evaluate(scope), name))


def _property_kind(kind: Kind, name: str) -> Kind:
    if kind is Kind.ANY:
        return Kind.ANY
    if kind is Kind.QUERY and name in _QUERY:
        return _QUERY[name]
    if kind in (Kind.STRING, Kind.PRIMITIVE) and name == "length":
        return Kind.NUMBER
    raise RuleSyntax(f"no property {name!r} of {kind}")


def _at_key(target: _Expression, key: _Expression) -> _Expression:
    if target.kind is not Kind.ANY:
        raise RuleSyntax(f"only names may stand in the brackets after {target.kind}")
    key.must_be(_ANY_VALUE, "a key")
    return _Expression(Kind.ANY, lambda scope: values.member(target.evaluate(scope), key.evaluate(scope)))


def _call(name: str, target: _Expression, arguments: list[_Expression]) -> _Expression:
    methods = _OF_SNAPSHOTS if target.kind is Kind.SNAPSHOT else _OF_STRINGS
    if target.kind not in (Kind.SNAPSHOT, Kind.STRING, *_OPEN) or name not in methods:
        raise RuleSyntax(f"no method {name!r} of {target.kind}")
    method = methods[name]
    if name == "hasChildren" and arguments:
        _check_list(arguments)
    else:
        method.check(name, arguments)
    return _Expression(
        method.gives,
        lambda scope: method.apply(target.evaluate(scope), *(one.evaluate(scope) for one in arguments)),
    )


def _check_list(arguments: list[_Expression]) -> None:
    [keys, *more] = arguments
    if more or not keys.strings:
        raise RuleSyntax("hasChildren takes one list with at least one string")
    for key in keys.strings:
        key.must_be([Kind.STRING], "a key of hasChildren")
