"""Queries: what to order by, where to start and end, how many. One value for both sides of the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from devkit.rtdb.tree import Branch, Invalid, Json, Node, get, key_order, parse_path, value_order

Rank: TypeAlias = tuple[tuple[int, float, str], tuple[int, int, str]]

_BOUNDS = {
    "start_at": "startAt",
    "start_after": "startAfter",
    "end_at": "endAt",
    "end_before": "endBefore",
    "equal_to": "equalTo",
}
_LIMITS = {"limit_to_first": "limitToFirst", "limit_to_last": "limitToLast"}
_UNSET = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`order_by` is `$key`, `$value` or the path of a child such as `createdAt`. `at` bounds are inclusive, `after` and `before` are not."""

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
    def index(self) -> str | None:
        """The `.indexOn` entry this query needs; keys are always indexed."""
        return {"$key": None, "$value": ".value"}.get(self.order_by, self.order_by)

    def select(self, node: Node) -> Node:
        """The children of `node` inside the query's window."""
        if not isinstance(node, Branch):
            return None
        ranked = sorted((self._rank(key, child), key) for key, child in node.items())
        kept = [key for rank, key in ranked if self._inside(rank)]
        if self.limit_to_first is not None:
            kept = kept[: self.limit_to_first]
        if self.limit_to_last is not None:
            kept = kept[-self.limit_to_last :]
        return Branch((key, node[key]) for key in kept) or None

    def _rank(self, key: str, child: Node) -> Rank:
        if self.order_by == "$key":
            return ((0, 0, ""), key_order(key))
        value = child if self.order_by == "$value" else get(child, parse_path(self.order_by))
        return (value_order(value), key_order(key))

    def _inside(self, rank: Rank) -> bool:
        if self.equal_to is not _UNSET:
            return self._compare(rank, self.equal_to) == 0
        above = self._beyond(rank, self.start_at) >= 0 and self._beyond(rank, self.start_after) > 0
        return (
            above and self._beyond(rank, self.end_at, 1) <= 0 and self._beyond(rank, self.end_before, 1) < 0
        )

    def _beyond(self, rank: Rank, bound: Json, side: int = -1) -> int:
        """Below, at or above the bound; without one, where nothing is cut off."""
        return -side if bound is _UNSET else self._compare(rank, bound)

    def _compare(self, rank: Rank, bound: Json) -> int:
        if self.order_by == "$key":
            return _sign(rank[1], key_order(str(bound)))
        return _sign(rank[0], value_order(bound))


def _sign(left: tuple[int, float, str], right: tuple[int, float, str]) -> int:
    return (left > right) - (left < right)


def _order_by(text: str) -> str:
    value = _parsed(text, "orderBy must be a valid JSON encoded path")
    if not isinstance(value, str) or not value:
        raise Invalid("orderBy must be a valid JSON encoded path")
    if value.startswith("$"):
        if value not in ("$key", "$value"):
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
