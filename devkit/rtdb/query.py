"""Queries of the REST interface: what to order by, where to start and end, how many. One value for both sides of the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devkit.rtdb.tree import Invalid, Json, Node, key_order, parse_path
from devkit.rtdb.window import BY_KEY, BY_PRIORITY, BY_VALUE, FIRST, LAST, Bound, KeyRank, Window

_BOUNDS = {
    "start_at": "startAt",
    "start_after": "startAfter",
    "end_at": "endAt",
    "end_before": "endBefore",
    "equal_to": "equalTo",
}
_LIMITS = {"limit_to_first": "limitToFirst", "limit_to_last": "limitToLast"}
_INDEXES = {"$key": BY_KEY, "$value": BY_VALUE, "$priority": BY_PRIORITY}
_UNSET = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`order_by` is `$key`, `$value`, `$priority` or the path of a child such as `createdAt`. `at` bounds are inclusive, `after` and `before` are not."""

    order_by: str = "$key"
    start_at: Json = _UNSET
    start_after: Json = _UNSET
    end_at: Json = _UNSET
    end_before: Json = _UNSET
    equal_to: Json = _UNSET
    limit_to_first: int | None = None
    limit_to_last: int | None = None

    def params(self) -> dict[str, str]:
        """As URL parameters of the REST interface."""
        given = {"orderBy": json.dumps(self.order_by)}
        for field, name in _BOUNDS.items():
            value = getattr(self, field)
            if value is not _UNSET:
                given[name] = json.dumps(value, ensure_ascii=False)
        for field, name in _LIMITS.items():
            if getattr(self, field) is not None:
                given[name] = str(getattr(self, field))
        return given

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> Query | None:
        """None when the request asks for no query; `Invalid` with the database's sentence when it asks wrongly."""
        filters = [name for name in (*_BOUNDS.values(), *_LIMITS.values()) if name in params]
        if "orderBy" not in params:
            if filters:
                raise Invalid("orderBy must be defined when other query parameters are defined")
            return None
        query = cls(
            order_by=_order_by(params["orderBy"]),
            **{field: _bound(name, params[name]) for field, name in _BOUNDS.items() if name in params},
            **{field: _limit(name, params[name]) for field, name in _LIMITS.items() if name in params},
        )
        query._check()
        return query

    def _check(self) -> None:
        if self.limit_to_first is not None and self.limit_to_last is not None:
            raise Invalid("Only one of limitToFirst and limitToLast may be specified")
        bounds = [self.start_at, self.start_after, self.end_at, self.end_before]
        if self.equal_to is not _UNSET and any(bound is not _UNSET for bound in bounds):
            raise Invalid(
                "equalTo cannot be specified in addition to startAfter, startAt, endAt, or endBefore"
            )

    @property
    def window(self) -> Window:
        start, end = self.start_at, self.end_at
        if self.equal_to is not _UNSET:
            start = end = self.equal_to
        return Window(
            index=_INDEXES.get(self.order_by, self.order_by),
            start=self._edge(start, FIRST) or self._edge(self.start_after, LAST, includes=False),
            end=self._edge(end, LAST) or self._edge(self.end_before, FIRST, includes=False),
            limit=self.limit_to_first or self.limit_to_last,
            from_left=self.limit_to_last is None,
        )

    def _edge(self, value: Json, name: KeyRank, *, includes: bool = True) -> Bound | None:
        if value is _UNSET:
            return None
        if self.order_by == "$key" and value is not None:
            name = key_order(str(value))
        return Bound(value=value, name=name, includes=includes)

    def select(self, node: Node) -> Node:
        """The children of `node` inside the query's window."""
        return self.window.select(node)


def _order_by(text: str) -> str:
    value = _parsed(text, "orderBy must be a valid JSON encoded path")
    if not isinstance(value, str) or not value:
        raise Invalid("orderBy must be a valid JSON encoded path")
    if value.startswith("$"):
        if value not in _INDEXES:
            raise Invalid("orderBy must be a valid JSON encoded path")
        return value
    return "/".join(parse_path(value))


def _bound(name: str, text: str) -> Json:
    message = f"Constraint index field must be a JSON primitive ({name})"
    value = _parsed(text, message)
    if isinstance(value, (dict, list)):
        raise Invalid(message)
    return value


def _limit(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise Invalid(f"{name} must be a positive integer")
    return int(text)


def _parsed(text: str, message: str) -> Json:
    parse: Callable[[str], Json] = json.loads
    try:
        return parse(text)
    except ValueError as error:
        raise Invalid(message) from error
