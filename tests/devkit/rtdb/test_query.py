"""Windows on a node: order, bounds, limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.rtdb import tree
from devkit.rtdb.query import Query
from devkit.rtdb.tree import Invalid

JOBS = tree.from_json(
    {
        "a": {"at": 3},
        "b": {"at": 1},
        "c": {"at": "x"},
        "d": {"other": 1},
        "e": {"at": True},
        "f": {"at": {"deep": 2}},
    }
)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        (Query(order_by="at"), "abcdef"),
        (Query(order_by="at", limit_to_first=2), "de"),
        (Query(order_by="at", limit_to_last=2), "cf"),
        (Query(order_by="at", start_at=1), "abcf"),
        (Query(order_by="at", start_at=1, end_at=3), "ab"),
        (Query(order_by="at", start_after=1), "acf"),
        (Query(order_by="at", start_at=True, end_before=3), "be"),
        (Query(start_after="b", end_before="e"), "cd"),
        (Query(start_after="b", limit_to_first=2), "cd"),
        (Query(order_by="at", equal_to=None), "d"),
        (Query(order_by="at", equal_to=1), "b"),
        (Query(order_by="at/deep", start_at=0), "f"),
        (Query(start_at="b", end_at="d"), "bcd"),
        (Query(equal_to="e"), "e"),
        (Query(order_by="$priority", equal_to=None, limit_to_last=1), "f"),
        (Query(order_by="$priority", end_before=0), "abcdef"),
    ],
)
def test_a_query_keeps_what_is_in_its_window(query: Query, kept: str) -> None:
    assert "".join(tree.to_json(query.select(JOBS))) == kept


def test_a_query_by_priority_is_answered_in_the_order_of_priorities() -> None:
    node = tree.from_json(
        {
            "a": {".value": 1, ".priority": "x"},
            "b": {".value": 1, ".priority": 3},
            "c": 1,
            "d": {"e": 1, ".priority": 2},
        }
    )
    for query, kept in [
        (Query(order_by="$priority", limit_to_first=2), {"c", "d"}),
        (Query(order_by="$priority", limit_to_last=2), {"a", "b"}),
        (Query(order_by="$priority", start_at=2, end_at=3), {"b", "d"}),
        (Query(order_by="$priority", start_after=2, end_before="x"), {"b"}),
        (Query(order_by="$priority", equal_to="x"), {"a"}),
    ]:
        assert set(query.select(node) or ()) == kept  # type: ignore[arg-type]


def test_rules_see_what_a_query_asks() -> None:
    asked = Query(order_by="at", start_at=1, limit_to_last=2).window.variables()
    assert asked == {
        "orderByKey": False,
        "orderByValue": False,
        "orderByPriority": False,
        "orderByChild": "at",
        "startAt": 1,
        "endAt": None,
        "equalTo": None,
        "limitToFirst": None,
        "limitToLast": 2,
    }
    assert Query(order_by="$value", equal_to="x").window.variables()["equalTo"] == "x"


def test_values_are_ordered_by_type() -> None:
    node = tree.from_json({"s": "a", "n": 5, "t": True, "f": False, "o": {"x": 1}})
    kept = [
        list(tree.to_json(Query(order_by="$value", limit_to_first=n).select(node)))[-1:] for n in range(1, 6)
    ]
    assert {key for keys in kept for key in keys} <= set("sntfo")
    assert set(tree.to_json(Query(order_by="$value", limit_to_first=3).select(node))) == set("ftn")


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"limitToFirst": "1"}, "orderBy must be defined"),
        ({"orderBy": "at"}, "valid JSON encoded path"),
        ({"orderBy": '"$other"'}, "valid JSON encoded path"),
        ({"orderBy": '"$key"', "limitToFirst": "0"}, "positive integer"),
        ({"orderBy": '"$key"', "limitToFirst": "1", "limitToLast": "1"}, "Only one"),
        ({"orderBy": '"$key"', "equalTo": '"a"', "startAt": '"a"'}, "equalTo"),
        ({"orderBy": '"at"', "startAt": "{}"}, "primitive"),
        ({"orderBy": '"at"', "startAfter": "{}"}, "primitive"),
        ({"orderBy": '"at"', "equalTo": "1", "endBefore": "1"}, "equalTo"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(params: dict[str, str], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        Query.from_params(params)


def test_no_parameters_are_no_query() -> None:
    assert Query.from_params({"print": "pretty"}) is None


@given(
    st.sampled_from(["$key", "$value", "$priority", "createdAt", "a/b"]),
    st.none() | st.integers(-5, 5) | st.text(max_size=3),
    st.none() | st.integers(1, 9),
)
def test_parameters_survive_the_wire(order_by: str, start: Any, limit: int | None) -> None:
    query = Query(order_by=order_by, start_at=start, limit_to_last=limit)
    assert Query.from_params(query.params()) == query


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), max_size=8), st.integers(1, 9))
def test_first_and_last_split_a_node(values: dict[str, int], count: int) -> None:
    node = tree.from_json(values)
    first = Query(order_by="$value", limit_to_first=count).select(node) or {}
    last = Query(order_by="$value", limit_to_last=max(len(values) - count, 1)).select(node) or {}
    ranked = sorted(values, key=lambda key: (values[key], key))
    assert set(first) == set(ranked[:count])
    assert len(values) <= count or set(last) == set(ranked[count:])
