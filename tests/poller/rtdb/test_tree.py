"""The copy of a node says what the database itself says, whatever is written where."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from devkit.rtdb import tree as database
from poller.rtdb import tree

KEYS = st.sampled_from(["a", "b", "0", "1", "2"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "x"]),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=6,
)
PATHS = st.lists(KEYS, max_size=3).map(tuple)


def shown(node: Any) -> Any:
    return database.to_json(database.from_json(node))


@given(VALUES, st.lists(st.tuples(PATHS, VALUES), max_size=5))
def test_a_copy_is_what_the_database_holds(start: Any, writes: list[tuple[tree.Path, Any]]) -> None:
    copy, held = tree.from_json(start), database.from_json(start)
    for path, value in writes:
        before, then = copy, shown(copy)
        copy = tree.patch(copy, [(path, tree.from_json(value))])
        held = database.patch(held, [(path, database.from_json(value))])
        assert shown(before) == then
    assert shown(copy) == database.to_json(held)


@given(VALUES, VALUES)
def test_two_copies_are_the_same_when_the_database_gives_them_one_etag(one: Any, other: Any) -> None:
    tags = [database.etag(database.from_json(value)) for value in (one, other)]
    assert tree.same(tree.from_json(one), tree.from_json(other)) is (tags[0] == tags[1])
