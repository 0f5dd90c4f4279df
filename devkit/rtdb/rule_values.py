"""What rules compute with: places in a tree, and what operators and methods make of values.

A type that does not fit makes the whole rule false, as in the real service.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from devkit.rtdb.tree import (
    Branch,
    Invalid,
    Node,
    Path,
    Priority,
    get,
    parse_path,
    priority_of,
    utf_16,
    value_of,
)


class RuleFailed(Exception):
    """A rule met a value of a type it cannot work with; it counts as false."""


class Snapshot:
    """`data`, `newData`, `root`: one place in a tree, as rules see it."""

    def __init__(self, root: Node, path: Path) -> None:
        self._root = root
        self._path = path

    def val(self) -> Any:
        return value_of(get(self._root, self._path))

    def child(self, path: Any) -> Snapshot:
        """Where no child can be, there is none."""
        try:
            steps = parse_path(text(path))
        except Invalid:
            return Snapshot(None, ())
        return Snapshot(self._root, self._path + steps) if path else Snapshot(None, ())

    def parent(self) -> Snapshot:
        if not self._path:
            raise RuleFailed("the root has no parent")
        return Snapshot(self._root, self._path[:-1])

    def exists(self) -> bool:
        return self.val() is not None

    def has_child(self, path: Any) -> bool:
        return self.child(path).exists()

    def has_children(self, keys: Any = None) -> bool:
        if keys is None:
            return isinstance(self.val(), Branch)
        return all(self.has_child(key) for key in keys)

    def is_string(self) -> bool:
        return isinstance(self.val(), str)

    def is_boolean(self) -> bool:
        return isinstance(self.val(), bool)

    def is_number(self) -> bool:
        return _is_number(self.val())

    def priority(self) -> Priority:
        return priority_of(get(self._root, self._path))


# ── one value ────────────────────────────────────────────────────────────────────────────────────────────────


def number(value: Any) -> float:
    """All numbers are doubles."""
    if not _is_number(value):
        raise RuleFailed("not a number")
    return float(value)


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise RuleFailed("not a string")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def member(value: Any, name: Any) -> Any:
    """A member of what has none is null. Lengths are in UTF-16 units."""
    if isinstance(value, str) and name == "length":
        return len(utf_16(value)) // 2
    if isinstance(value, Mapping) and isinstance(name, str) and not isinstance(value, Branch):
        return value.get(name)
    return None


def number_text(value: float) -> str:
    """As JavaScript writes a number."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f")
    return re.sub(r"e([+-])0*", r"e\1", repr(value)).replace(".0e", "e")


# ── strings ──────────────────────────────────────────────────────────────────────────────────────────────────


def contains(whole: Any, part: Any) -> bool:
    return text(part) in text(whole)


def begins_with(whole: Any, part: Any) -> bool:
    return text(whole).startswith(text(part))


def ends_with(whole: Any, part: Any) -> bool:
    return text(whole).endswith(text(part))


def replace(whole: Any, old: Any, new: Any) -> str:
    return text(whole).replace(text(old), text(new)) if text(old) else text(whole)


def lower(whole: Any) -> str:
    return text(whole).lower()


def upper(whole: Any) -> str:
    return text(whole).upper()


def matches(whole: Any, pattern: Any) -> bool:
    if not isinstance(pattern, re.Pattern):
        raise RuleFailed("not a regular expression")
    return pattern.search(text(whole)) is not None


_NO_VALUES = (Snapshot, list, re.Pattern)

# ── two values ───────────────────────────────────────────────────────────────────────────────────────────────


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, _NO_VALUES) or isinstance(right, _NO_VALUES):
        raise RuleFailed("places, lists and patterns cannot be compared")
    if _is_number(left) and _is_number(right):
        return float(left) == float(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return type(left) is type(right) and bool(left == right)


def unequal(left: Any, right: Any) -> bool:
    return not equal(left, right)


def plus(left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        return _as_text(left) + _as_text(right)
    return number(left) + number(right)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else number_text(number(value))


def arithmetic(apply: Callable[[float, float], float]) -> Callable[[Any, Any], float]:
    def evaluate(left: Any, right: Any) -> float:
        try:
            return apply(number(left), number(right))
        except (ZeroDivisionError, ValueError):  # of `%` with zero or infinity
            return math.nan

    return evaluate


minus = arithmetic(operator.sub)
times = arithmetic(operator.mul)
divide = arithmetic(operator.truediv)
remainder = arithmetic(math.fmod)
"""With the sign of the dividend."""


def ordered(apply: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def evaluate(left: Any, right: Any) -> bool:
        if left is None and right is None:
            return apply(0, 0)
        if isinstance(left, str) and isinstance(right, str):
            return apply(utf_16(left), utf_16(right))
        return apply(number(left), number(right))

    return evaluate
