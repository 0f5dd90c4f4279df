"""The expression language of security rules: text in, a function of its variables out.

A type error while evaluating (a member of null, a string minus a string) makes the whole rule false, as in the
real service; an error in the text is found when the rules are stored.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from devkit.rtdb.tree import Branch, Invalid, Node, Path, get, parse_path

Scope: TypeAlias = Mapping[str, Any]
Expression: TypeAlias = Callable[[Scope], Any]


class RuleSyntax(ValueError):
    """The text of a rule cannot be understood."""


class RuleFailed(Exception):
    """A rule met a value of a type it cannot work with; it counts as false."""


class Snapshot:
    """`data`, `newData`, `root`: one place in a tree, as rules see it."""

    def __init__(self, root: Node, path: Path) -> None:
        self._root = root
        self._path = path

    @property
    def node(self) -> Node:
        return get(self._root, self._path)

    def val(self) -> Any:
        return self.node

    def child(self, path: Any) -> Snapshot:
        return Snapshot(self._root, self._path + _path(path))

    def parent(self) -> Snapshot:
        if not self._path:
            raise RuleFailed("the root has no parent")
        return Snapshot(self._root, self._path[:-1])

    def exists(self) -> bool:
        return self.node is not None

    def has_child(self, path: Any) -> bool:
        return self.child(path).exists()

    def has_children(self, keys: Any = None) -> bool:
        node = self.node
        if keys is None:
            return isinstance(node, Branch)
        return all(self.has_child(key) for key in keys)

    def is_string(self) -> bool:
        return isinstance(self.node, str)

    def is_boolean(self) -> bool:
        return isinstance(self.node, bool)

    def is_number(self) -> bool:
        return _is_number(self.node)

    def get_priority(self) -> None:
        return None


def compile_rule(text: str, names: frozenset[str]) -> Expression:
    """`names` are the variables the rule may use beside the fixed ones (its `$` wildcards)."""
    parser = _Parser(_tokens(text), names)
    expression = parser.ternary()
    parser.expect("end")
    return expression


def holds(expression: Expression, scope: Scope) -> bool:
    try:
        return expression(scope) is True
    except (RuleFailed, Invalid):
        return False


# ── words of the language ────────────────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<name>[A-Za-z_$][\w$]*)
    | (?P<op>===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!?:().,\[\]])
    )""",
    re.VERBOSE,
)
_REGEX = re.compile(r"\s*/((?:[^/\\\n]|\\.)+)/(i?)")
_CONSTANTS = {"true": True, "false": False, "null": None}
_VARIABLES = frozenset({"auth", "now", "root", "data", "newData", "query"})

_SNAPSHOT_METHODS: dict[str, Callable[..., Any]] = {
    "val": Snapshot.val,
    "child": Snapshot.child,
    "parent": Snapshot.parent,
    "exists": Snapshot.exists,
    "hasChild": Snapshot.has_child,
    "hasChildren": Snapshot.has_children,
    "isString": Snapshot.is_string,
    "isNumber": Snapshot.is_number,
    "isBoolean": Snapshot.is_boolean,
    "getPriority": Snapshot.get_priority,
}
_STRING_METHODS: dict[str, Callable[..., Any]] = {
    "contains": lambda text, part: _text(part) in text,
    "beginsWith": lambda text, part: text.startswith(_text(part)),
    "endsWith": lambda text, part: text.endswith(_text(part)),
    "replace": lambda text, old, new: text.replace(_text(old), _text(new)),
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "matches": lambda text, pattern: pattern.search(text) is not None,
}
_METHODS = frozenset(_SNAPSHOT_METHODS) | frozenset(_STRING_METHODS)

Token: TypeAlias = tuple[str, str]


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while text[position:].strip():
        regex = _REGEX.match(text, position) if tokens and tokens[-1] == ("op", "(") else None
        match = regex or _TOKEN.match(text, position)
        if match is None:
            raise RuleSyntax(f"unexpected character at {position}: {text[position : position + 10]!r}")
        tokens.append(
            ("regex", match[0].strip()) if regex else (match.lastgroup or "", match[match.lastgroup or 0])
        )
        position = match.end()
    return [*tokens, ("end", "")]


class _Parser:
    """Recursive descent, one method per precedence; each returns a closure over the scope."""

    def __init__(self, tokens: list[Token], names: frozenset[str]) -> None:
        self._tokens = tokens
        self._names = names
        self._at = 0

    def ternary(self) -> Expression:
        condition = self._or()
        if not self._accept("?"):
            return condition
        yes = self.ternary()
        self.expect(":")
        no = self.ternary()
        return lambda scope: yes(scope) if _truth(condition(scope)) else no(scope)

    def expect(self, wanted: str) -> None:
        kind, text = self._tokens[self._at]
        if wanted not in (kind, text):
            raise RuleSyntax(f"expected {wanted!r}, found {text or kind!r}")
        self._at += 1

    def _or(self) -> Expression:
        left = self._and()
        while self._accept("||"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._equality()
        while self._accept("&&"):
            left = _both(left, self._equality())
        return left

    def _equality(self) -> Expression:
        return self._chain(self._comparison, _EQUALITY)

    def _comparison(self) -> Expression:
        return self._chain(self._sum, _COMPARISON)

    def _sum(self) -> Expression:
        return self._chain(self._product, _SUM)

    def _product(self) -> Expression:
        return self._chain(self._unary, _PRODUCT)

    def _chain(
        self, part: Callable[[], Expression], operators: Mapping[str, Callable[[Any, Any], Any]]
    ) -> Expression:
        left = part()
        while self._tokens[self._at][0] == "op" and self._tokens[self._at][1] in operators:
            apply = operators[self._tokens[self._at][1]]
            self._at += 1
            left = _binary(apply, left, part())
        return left

    def _unary(self) -> Expression:
        if self._accept("!"):
            inner = self._unary()
            return lambda scope: not _truth(inner(scope))
        if self._accept("-"):
            inner = self._unary()
            return lambda scope: -_number(inner(scope))
        return self._member(self._primary())

    def _member(self, target: Expression) -> Expression:
        while True:
            if self._accept("."):
                target = self._property(target)
            elif self._accept("["):
                target = _index(target, self.ternary())
                self.expect("]")
            else:
                return target

    def _property(self, target: Expression) -> Expression:
        kind, name = self._tokens[self._at]
        self.expect("name")
        if not self._accept("("):
            return _index(target, lambda scope: name)
        if kind != "name" or name not in _METHODS:
            raise RuleSyntax(f"no such method: {name}")
        return _call(name, target, self._arguments(")"))

    def _arguments(self, closing: str) -> list[Expression]:
        arguments: list[Expression] = []
        while not self._accept(closing):
            if arguments:
                self.expect(",")
            arguments.append(self.ternary())
        return arguments

    def _primary(self) -> Expression:
        kind, text = self._tokens[self._at]
        self._at += 1
        if text == "(" and kind == "op":
            inner = self.ternary()
            self.expect(")")
            return inner
        if text == "[" and kind == "op":
            items = self._arguments("]")
            return lambda scope: [item(scope) for item in items]
        if kind == "name":
            return self._name(text)
        constant = _constant(kind, text)
        return lambda scope: constant

    def _name(self, name: str) -> Expression:
        if name in _CONSTANTS:
            constant = _CONSTANTS[name]
            return lambda scope: constant
        if name not in _VARIABLES and name not in self._names:
            raise RuleSyntax(f"unknown variable {name!r}")
        return lambda scope: scope[name]

    def _accept(self, text: str) -> bool:
        if self._tokens[self._at] != ("op", text):
            return False
        self._at += 1
        return True


def _constant(kind: str, text: str) -> Any:
    if kind == "number":
        return float(text) if "." in text else int(text)
    if kind == "string":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if kind == "regex":
        return _pattern(text)
    raise RuleSyntax(f"unexpected {text or kind!r}")


def _pattern(text: str) -> re.Pattern[str]:
    body, flags = text[1:].rsplit("/", 1)
    try:
        return re.compile(body, re.IGNORECASE if flags else 0)
    except re.error as error:
        raise RuleSyntax(f"bad regular expression: {error}") from error


# ── meaning ──────────────────────────────────────────────────────────────────────────────────────────────────


def _either(left: Expression, right: Expression) -> Expression:
    """The right side saves a left side that failed, as in the real service."""

    def evaluate(scope: Scope) -> bool:
        try:
            if _truth(left(scope)):
                return True
        except RuleFailed:
            return _truth(right(scope))
        return _truth(right(scope))

    return evaluate


def _both(left: Expression, right: Expression) -> Expression:
    return lambda scope: _truth(left(scope)) and _truth(right(scope))


def _binary(apply: Callable[[Any, Any], Any], left: Expression, right: Expression) -> Expression:
    return lambda scope: apply(left(scope), right(scope))


def _index(target: Expression, key: Expression) -> Expression:
    def evaluate(scope: Scope) -> Any:
        value, name = target(scope), key(scope)
        if isinstance(value, str) and name == "length":
            return len(value)
        if isinstance(value, Mapping) and not isinstance(value, Branch):
            return value.get(name)
        raise RuleFailed(f"no property {name}")

    return evaluate


def _call(name: str, target: Expression, arguments: list[Expression]) -> Expression:
    def evaluate(scope: Scope) -> Any:
        value = target(scope)
        methods = _STRING_METHODS if isinstance(value, str) else _SNAPSHOT_METHODS
        if not isinstance(value, (str, Snapshot)) or name not in methods:
            raise RuleFailed(f"no method {name}")
        try:
            return methods[name](value, *(argument(scope) for argument in arguments))
        except (TypeError, AttributeError) as error:
            raise RuleFailed(f"bad arguments for {name}") from error

    return evaluate


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise RuleFailed("not a boolean")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> Any:
    if not _is_number(value):
        raise RuleFailed("not a number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RuleFailed("not a string")
    return value


def _path(value: Any) -> Path:
    return parse_path(_text(value))


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        return _as_text(left) + _as_text(right)
    return _number(left) + _number(right)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else str(_number(value))


def _arithmetic(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def evaluate(left: Any, right: Any) -> Any:
        try:
            return apply(_number(left), _number(right))
        except ZeroDivisionError as error:
            raise RuleFailed("division by zero") from error

    return evaluate


def _ordered(apply: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def evaluate(left: Any, right: Any) -> bool:
        if not (_is_number(left) and _is_number(right)) and not (
            isinstance(left, str) and isinstance(right, str)
        ):
            raise RuleFailed("only two numbers or two strings can be compared")
        return apply(left, right)

    return evaluate


_EQUALITY: dict[str, Callable[[Any, Any], Any]] = {
    "===": _equal,
    "==": _equal,
    "!==": lambda left, right: not _equal(left, right),
    "!=": lambda left, right: not _equal(left, right),
}
_COMPARISON: dict[str, Callable[[Any, Any], Any]] = {
    "<": _ordered(operator.lt),
    ">": _ordered(operator.gt),
    "<=": _ordered(operator.le),
    ">=": _ordered(operator.ge),
}
_SUM: dict[str, Callable[[Any, Any], Any]] = {"+": _add, "-": _arithmetic(operator.sub)}
_PRODUCT: dict[str, Callable[[Any, Any], Any]] = {
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(operator.truediv),
    "%": _arithmetic(operator.mod),
}
