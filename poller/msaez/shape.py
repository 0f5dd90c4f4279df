"""JSON Schema as far as our schemas use it, compiled once to functions: the poller needs no validator installed.

Knows local references only; a keyword it does not know is an error when the schema is compiled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from functools import cache
from importlib.resources import files

from poller.msaez.encoding import Json

Path = tuple[str, ...]
Violation = tuple[Path, str]
Test = Callable[[Json, Path], Sequence[Violation]]
Schema = dict[str, Json]

_ANNOTATIONS = {
    "$schema",
    "$id",
    "$defs",
    "title",
    "description",
    "default",
    "examples",
    "then",
    "minContains",
}


@cache
def esvalue_shape() -> Shape:
    """The shape of a finished model."""
    text = files("poller.msaez").joinpath("schema/esvalue.json").read_text(encoding="utf-8")
    return Shape(json.loads(text))


class Shape:
    """A compiled schema."""

    def __init__(self, schema: Schema) -> None:
        self._definitions = schema.get("$defs", {})
        self._compiled: dict[str, Test] = {}
        self._test = self._compile(schema)

    def violations(self, value: Json) -> Iterator[Violation]:
        """Where the value differs from the schema, and how."""
        return iter(self._test(value, ()))

    def _compile(self, schema: Schema | bool) -> Test:
        if isinstance(schema, bool):
            return _anything if schema else _nothing
        tests = [
            self._keyword(keyword, wanted, schema)
            for keyword, wanted in schema.items()
            if keyword not in _ANNOTATIONS
        ]
        return tests[0] if len(tests) == 1 else _all(tests)

    def _keyword(self, keyword: str, wanted: Json, schema: Schema) -> Test:
        if keyword == "$ref":
            return self._reference(wanted.removeprefix("#/$defs/"))
        if keyword in _SIMPLE:
            return _SIMPLE[keyword](wanted)
        if keyword in _OF_ONE:
            return _OF_ONE[keyword](self._compile(wanted))
        if keyword in _OF_MANY:
            return _OF_MANY[keyword]([self._compile(part) for part in wanted])
        return self._composite(keyword, wanted, schema)

    def _composite(self, keyword: str, wanted: Json, schema: Schema) -> Test:
        if keyword == "properties":
            return _properties({name: self._compile(part) for name, part in wanted.items()})
        if keyword == "additionalProperties":
            return _additional(self._compile(wanted), schema.get("properties", {}))
        if keyword == "items":
            return _items(self._compile(wanted), len(schema.get("prefixItems", ())))
        if keyword == "if":
            return _when(self._compile(wanted), self._compile(schema["then"]))
        raise ValueError(f"unknown schema keyword {keyword!r}")

    def _reference(self, name: str) -> Test:
        def test(value: Json, path: Path) -> Sequence[Violation]:
            if name not in self._compiled:
                self._compiled[name] = self._compile(self._definitions[name])
            return self._compiled[name](value, path)

        return test


def _anything(value: Json, path: Path) -> Sequence[Violation]:
    return ()


def _nothing(value: Json, path: Path) -> Sequence[Violation]:
    return ((path, "is not allowed here"),)


def _holds(test: Test, value: Json) -> bool:
    return not test(value, ())


def _simple(holds: Callable[[Json], bool], sentence: str) -> Test:
    def test(value: Json, path: Path) -> Sequence[Violation]:
        return () if holds(value) else ((path, sentence),)

    return test


def _all(tests: list[Test]) -> Test:
    def test(value: Json, path: Path) -> Sequence[Violation]:
        found: list[Violation] = []
        for part in tests:
            if violations := part(value, path):
                found += violations
        return found

    return test


def _any(tests: list[Test]) -> Test:
    return _simple(lambda value: any(_holds(part, value) for part in tests), "fits none of the allowed forms")


def _one(tests: list[Test]) -> Test:
    return _simple(
        lambda value: sum(_holds(part, value) for part in tests) == 1, "does not fit exactly one allowed form"
    )


def _not(test: Test) -> Test:
    return _simple(lambda value: not _holds(test, value), "has a form that is not allowed")


def _when(condition: Test, consequence: Test) -> Test:
    def test(value: Json, path: Path) -> Sequence[Violation]:
        return consequence(value, path) if _holds(condition, value) else ()

    return test


def _properties(tests: dict[str, Test]) -> Test:
    def test(value: Json, path: Path) -> Sequence[Violation]:
        found: list[Violation] = []
        if isinstance(value, dict):
            for name, part in tests.items():
                if name in value and (violations := part(value[name], (*path, name))):
                    found += violations
        return found

    return test


def _additional(test: Test, known: Iterable[str]) -> Test:
    names = frozenset(known)

    def among(value: Json, path: Path) -> Sequence[Violation]:
        others = value.keys() - names if isinstance(value, dict) else ()
        return [found for name in sorted(others) for found in test(value[name], (*path, name))]

    return among


def _names(test: Test) -> Test:
    def each(value: Json, path: Path) -> Sequence[Violation]:
        members = value if isinstance(value, dict) else ()
        return [found for name in members for found in test(name, (*path, name))]

    return each


def _items(test: Test, skipped: int) -> Test:
    def each(value: Json, path: Path) -> Sequence[Violation]:
        children = enumerate(value[skipped:], start=skipped) if isinstance(value, list) else ()
        return [found for place, child in children for found in test(child, (*path, str(place)))]

    return each


def _prefix(tests: list[Test]) -> Test:
    def each(value: Json, path: Path) -> Sequence[Violation]:
        children = value if isinstance(value, list) else ()
        places = enumerate(zip(tests, children, strict=False))
        return [found for place, (part, child) in places for found in part(child, (*path, str(place)))]

    return each


def _contains(test: Test) -> Test:
    return _simple(
        lambda value: not isinstance(value, list) or any(_holds(test, child) for child in value),
        "lacks an entry of the required form",
    )


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
}


def _type(wanted: str | list[str]) -> Test:
    names = [wanted] if isinstance(wanted, str) else wanted
    tests = [_TYPES[name] for name in names]
    sentence = f"is not of type {' or '.join(names)}"
    if len(tests) == 1:
        return _simple(tests[0], sentence)
    return _simple(lambda value: any(test(value) for test in tests), sentence)


def _required(names: list[str]) -> Test:
    wanted = frozenset(names)

    def test(value: Json, path: Path) -> Sequence[Violation]:
        if not isinstance(value, dict) or wanted <= value.keys():
            return ()
        return [(path, f"lacks the member {name}") for name in names if name not in value]

    return test


def _pattern(wanted: str) -> Test:
    search = re.compile(wanted).search
    return _simple(
        lambda value: not isinstance(value, str) or search(value) is not None,
        "has characters not allowed here",
    )


def _equal(one: Json, other: Json) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _among(wanted: list[Json]) -> Test:
    shown = ", ".join(json.dumps(value) for value in wanted)
    return _simple(lambda value: any(_equal(value, one) for one in wanted), f"is not one of {shown}")


def _at_least(kind: type[Sized], shortest: int, sentence: str) -> Test:
    return _simple(lambda value: not isinstance(value, kind) or len(value) >= shortest, sentence)


def _distinct(wanted: bool) -> Test:
    return _simple(
        lambda value: (
            not isinstance(value, list) or len({json.dumps(child) for child in value}) == len(value)
        ),
        "has the same entry twice",
    )


_SIMPLE: dict[str, Callable[[Json], Test]] = {
    "type": _type,
    "required": _required,
    "pattern": _pattern,
    "enum": _among,
    "const": lambda wanted: _among([wanted]),
    "uniqueItems": _distinct,
    "minItems": lambda n: _at_least(list, n, f"has fewer than {n} entries"),
    "minProperties": lambda n: _at_least(dict, n, f"has fewer than {n} members"),
    "minLength": lambda n: _at_least(str, n, "is empty"),
    "maxLength": lambda n: _simple(lambda v: not isinstance(v, str) or len(v) <= n, f"is longer than {n}"),
    "minimum": lambda n: _simple(lambda v: not _is_number(v) or v >= n, f"is less than {n}"),
    "exclusiveMinimum": lambda n: _simple(lambda v: not _is_number(v) or v > n, f"is not above {n}"),
}
_OF_ONE: dict[str, Callable[[Test], Test]] = {"not": _not, "propertyNames": _names, "contains": _contains}
_OF_MANY: dict[str, Callable[[list[Test]], Test]] = {
    "allOf": _all,
    "anyOf": _any,
    "oneOf": _one,
    "prefixItems": _prefix,
}
