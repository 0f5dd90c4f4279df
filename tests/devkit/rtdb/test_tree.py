"""What the Realtime Database does to a value: examples to learn from, laws for everything else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.rtdb import tree
from devkit.rtdb.tree import Branch, Invalid

KEYS = st.text(alphabet=st.sampled_from("abz019가-_ "), min_size=1, max_size=4).filter(str.strip)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6) | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.dictionaries(KEYS, inner, max_size=4) | st.lists(inner, max_size=4),
    max_leaves=12,
)
PATHS = st.lists(KEYS, max_size=4).map(tuple)
UPDATES = st.lists(st.tuples(PATHS, VALUES.map(tree.from_json)), max_size=6)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"a": None, "b": [], "c": {}, "d": {"e": {"f": None}}}, None),
        ({"a": 1, "b": {"c": None}}, {"a": 1}),
        (["x", None, "z"], ["x", None, "z"]),
        ({"0": "x", "2": "z"}, ["x", None, "z"]),
        ({"1": "x"}, [None, "x"]),
        ({"2": "x"}, {"2": "x"}),
        ({"0": "x", "9": "y"}, {"0": "x", "9": "y"}),
        ({"0": "x", "a": "y"}, {"0": "x", "a": "y"}),
        ({"1": "y", "00": "x", "01": "z"}, {"00": "x", "1": "y", "01": "z"}),
        ([[], [1]], [None, [1]]),
        (1.0, 1),
        (2**70, float(2**70)),
        ({".value": 5}, 5),
        ("half \ud800 pair", "half ? pair"),
        (False, False),
        ("", ""),
        (0, 0),
    ],
)
def test_a_value_is_shown_as_the_database_shows_it(sent: Any, shown: Any) -> None:
    assert json.dumps(tree.to_json(tree.from_json(sent))) == json.dumps(shown)


def test_children_are_sorted_integers_first() -> None:
    node = tree.from_json({"b": 1, "10": 1, "9": 1, "a": 1, "-1": 1, "가": 1, "9999999999": 1})
    assert list(tree.to_json(node)) == ["-1", "9", "10", "9999999999", "a", "b", "가"]


def test_keys_and_strings_sort_by_utf_16_units() -> None:
    keys = ["\uff01", "🙂", "가", "10", "9", "09", "a"]
    node = tree.from_json(dict.fromkeys(keys, 1))
    assert list(tree.to_json(node)) == ["9", "09", "10", "a", "가", "🙂", "\uff01"]
    assert sorted(["\uff01", "🙂"], key=tree.value_order) == ["🙂", "\uff01"]


def test_digits_of_other_scripts_are_no_integers() -> None:
    node = tree.from_json({"٣": 1, "b": 2})
    assert tree.to_json(node) == {"b": 2, "٣": 1}


PRIORITISED = {
    ".priority": 1,
    "leaf": {".value": "x", ".priority": "p"},
    "list": [1, {".value": 2, ".priority": 3}],
    "ranked list": {".priority": 4, "0": "a", "1": "b"},
}


def test_priorities_are_stored_and_shown_to_who_asks() -> None:
    node = tree.from_json(PRIORITISED)
    assert tree.to_json(node, export=True) == PRIORITISED
    assert tree.to_json(node) == {"leaf": "x", "list": [1, 2], "ranked list": ["a", "b"]}
    assert tree.from_json(tree.to_json(node, export=True)) == node
    assert tree.get(node, ("leaf", ".priority")) == "p"
    assert tree.shallow(tree.get(node, ("leaf",))) == "x"


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("a", 2, 2),
        ("a/b", 2, {".priority": 1, "b": 2}),
        ("a/b", None, {".value": 1, ".priority": 1}),
        ("a/.priority", 5, {".value": 1, ".priority": 5}),
        ("a/.priority", None, 1),
        ("a/.priority", {".sv": {"increment": 2}}, {".value": 1, ".priority": 3}),
        ("none/.priority", 5, None),
        ("a", {".priority": 7}, None),
        ("a", {".value": 3, ".priority": None}, 3),
        ("a", {".sv": {"increment": 2}, ".priority": 9}, {".value": 3, ".priority": 9}),
    ],
)
def test_what_a_write_makes_of_a_priority(path: str, value: Any, shown: Any) -> None:
    root = tree.from_json({"a": {".value": 1, ".priority": 1}})
    update = tree.update_from_json(tree.parse_path(path), value, root, now_ms=0)
    after = tree.patch(root, [update])
    assert tree.to_json(tree.get(after, update[0][:1]), export=True) == shown


def test_a_branch_is_neither_a_value_nor_one_with_another_priority() -> None:
    branch = tree.from_json({"a": 1})
    assert branch == {"a": 1} == tree.from_json({"a": 1})
    for other in (1, "a", None, {}, tree.from_json({"a": 1, ".priority": 1})):
        assert branch != other


def test_a_branch_keeps_its_priority_until_it_is_empty() -> None:
    root = tree.from_json({"a": {".priority": 1, "b": 1, "c": 1}})
    root = tree.put(root, ("a", "b"), None)
    assert tree.to_json(root, export=True) == {"a": {".priority": 1, "c": 1}}
    assert tree.put(root, ("a", "c"), None) is None


@pytest.mark.parametrize("priority", [True, {"a": 1}, [1], {".value": 1, ".priority": 2}])
def test_what_is_no_priority_is_refused(priority: Any) -> None:
    with pytest.raises(Invalid, match="priority"):
        tree.from_json({".value": 1, ".priority": priority})
    with pytest.raises(Invalid, match="priority"):
        tree.update_from_json(("a", ".priority"), priority, 1, now_ms=0)


@pytest.mark.parametrize("path", [".priority/a", "a/.priority/.priority", "a/.value"])
def test_only_the_last_segment_names_a_priority(path: str) -> None:
    with pytest.raises(Invalid):
        tree.parse_path(path)


def test_server_values_are_resolved() -> None:
    before = tree.from_json({"count": 4, "text": "x"})
    sent = {
        "at": {".sv": "timestamp"},
        "count": {".sv": {"increment": 2.5}},
        "text": {".sv": {"increment": 1}},
    }
    assert tree.to_json(tree.from_json(sent, existing=before, now_ms=77)) == {
        "at": 77,
        "count": 6.5,
        "text": 1,
    }


@pytest.mark.parametrize(
    "key", ["a.b", "a$", "#", "[", "]", "a/b", "\x01", "\x7f", "k" * 769, "가" * 257, ""]
)
def test_a_key_the_database_cannot_hold_is_refused(key: str) -> None:
    with pytest.raises(Invalid, match="Invalid data"):
        tree.from_json({"fine": {key: 1}})


@pytest.mark.parametrize("path", ["a.b", "a/$b", "k" * 769, "/".join("a" * 33)])
def test_a_path_the_database_cannot_hold_is_refused(path: str) -> None:
    with pytest.raises(Invalid, match="Invalid path"):
        tree.parse_path(path)


def test_the_longest_key_and_the_deepest_path_are_accepted() -> None:
    assert tree.parse_path("/".join(["가" * 256] * 32)) == ("가" * 256,) * 32


def test_depth_counts_the_path_of_the_write() -> None:
    assert tree.from_json({"a": {"b": 1}}, depth=30) is not None
    with pytest.raises(Invalid, match="maximum depth of 32"):
        tree.from_json({"a": {"b": 1}}, depth=31)


def test_strings_end_at_ten_megabytes() -> None:
    limit = 10 * 1024 * 1024
    assert tree.from_json("x" * limit) == "x" * limit
    with pytest.raises(Invalid, match="10485760"):
        tree.from_json("x" * (limit - 1) + "가")


@pytest.mark.parametrize(
    "value",
    [{".sv": "now"}, {".sv": {"increment": "1"}}, 10**400, float("nan"), object()],
)
def test_what_cannot_be_stored_is_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        tree.from_json(value)


@pytest.mark.parametrize("updates", [{"a": 1, "a/b": 2}, {"a/b/c": 1, "a": None}, {"": 1}])
def test_an_update_may_not_write_inside_its_own_writes(updates: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        tree.updates_from_json(("root",), updates, None, now_ms=0)


def test_shallow_shows_keys_only() -> None:
    assert tree.shallow(tree.from_json({"a": {"b": 1}, "c": 2})) == {"a": True, "c": True}
    assert tree.shallow("leaf") == "leaf"


def test_nothing_has_the_null_etag() -> None:
    assert tree.etag(tree.from_json({"a": {}})) == "null_etag"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        (True, 1),
        (True, "true"),
        ({"a": 1}, {"a": "1"}),
        (0, False),
        (1, {".value": 1, ".priority": 1}),
        ({"a": 1}, {"a": 1, ".priority": 1}),
        ({"a": 1, ".priority": "1"}, {"a": 1, ".priority": 1}),
    ],
)
def test_etags_tell_types_apart(one: Any, other: Any) -> None:
    assert tree.etag(tree.from_json(one)) != tree.etag(tree.from_json(other))


@given(VALUES)
def test_what_is_shown_can_be_stored_again(value: Any) -> None:
    node = tree.from_json(value)
    assert tree.from_json(tree.to_json(node)) == node


@given(VALUES, UPDATES)
def test_no_write_leaves_an_empty_branch(value: Any, updates: list[tuple[tree.Path, tree.Node]]) -> None:
    assert_no_empty_branch(tree.patch(tree.from_json(value), updates))


@given(VALUES, PATHS, VALUES)
def test_a_write_is_read_back(value: Any, path: tree.Path, written: Any) -> None:
    node = tree.from_json(written)
    assert tree.get(tree.put(tree.from_json(value), path, node), path) == node


@given(VALUES, PATHS, PATHS, VALUES)
def test_a_write_touches_nothing_beside_it(
    value: Any, path: tree.Path, other: tree.Path, written: Any
) -> None:
    root = tree.from_json(value)
    if tree.is_prefix(path, other) or tree.is_prefix(other, path):
        return
    before = tree.get(root, other)
    after = tree.get(tree.put(root, path, tree.from_json(written)), other)
    replaced_leaf = any(
        not isinstance(tree.get(root, path[:i]), (Branch, type(None))) for i in range(len(path))
    )
    assert after is before or replaced_leaf


@given(VALUES, UPDATES)
def test_a_tree_never_changes_in_place(value: Any, updates: list[tuple[tree.Path, tree.Node]]) -> None:
    root = tree.from_json(value)
    before, tag = json.dumps(tree.to_json(root)), tree.etag(root)
    tree.patch(root, updates)
    assert (json.dumps(tree.to_json(root)), tree.etag(root)) == (before, tag)


@given(VALUES, UPDATES)
def test_the_etag_depends_on_the_value_alone(value: Any, updates: list[tuple[tree.Path, tree.Node]]) -> None:
    root = tree.from_json(value)
    tree.etag(root)
    written = tree.patch(root, updates)
    assert tree.etag(written) == tree.etag(tree.from_json(tree.to_json(written)))


@given(VALUES, VALUES)
def test_different_values_have_different_etags(one: Any, other: Any) -> None:
    first, second = tree.from_json(one), tree.from_json(other)
    same = json.dumps(tree.to_json(first)) == json.dumps(tree.to_json(second))
    assert (tree.etag(first) == tree.etag(second)) == same


@given(KEYS, KEYS)
def test_key_order_is_total(one: str, other: str) -> None:
    assert (tree.key_order(one) == tree.key_order(other)) == (one == other)


def test_a_write_into_a_large_node_copies_one_level_only() -> None:
    root = tree.from_json({"queue": {f"job-{number}": {"createdAt": number} for number in range(5000)}})
    started = time.process_time()
    for number in range(200):
        root = tree.put(root, ("queue", f"job-{number}", "lease"), "mine")
    assert time.process_time() - started < 2
    assert tree.get(root, ("queue", "job-7", "lease")) == "mine"


def assert_no_empty_branch(node: tree.Node) -> None:
    if isinstance(node, Branch):
        assert node
        for child in node.values():
            assert child is not None
            assert_no_empty_branch(child)
