"""Event streams as bytes: chunks may end anywhere, also inside a character."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.errors import Permanent
from poller.rtdb.stream import Change, Event, EventParser, change_of

DATA = json.dumps({"path": "/한/글", "data": {"값": "안녕 👋", "n": None}}, ensure_ascii=False).encode()
STREAM = (
    b"event: put\ndata: "
    + DATA
    + b"\n\nevent: keep-alive\r\ndata: null\r\n\r\n: comment\n\nevent: cancel\ndata\n\n"
)
EVENTS = [Event("put", DATA), Event("keep-alive", b"null"), Event("cancel", b"")]


@given(st.lists(st.integers(0, len(STREAM))))
def test_events_do_not_depend_on_where_chunks_end(cuts: list[int]) -> None:
    parser = EventParser()
    places = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in pairwise(places)]
    assert [event for chunk in chunks for event in parser.feed(chunk)] == EVENTS


def test_an_endless_event_is_given_up() -> None:
    parser = EventParser(max_bytes=1000)
    for _ in range(10):
        list(parser.feed(b"x" * 100))
    with pytest.raises(Permanent, match="1000 bytes"):
        list(parser.feed(b"x"))


def test_many_small_events_are_not_one_large_one() -> None:
    parser = EventParser(max_bytes=1000)
    event, half = b"event: put\ndata: " + b"x" * 600 + b"\n\n", 300
    chunks = [event[half:] + event[:half]] * 20
    assert len([event for chunk in [event[:half], *chunks] for event in parser.feed(chunk)]) == 20


@pytest.mark.parametrize(
    ("name", "content", "is_first", "change"),
    [
        ("put", {"path": "/", "data": 1}, True, Change(kind="snapshot", value=1)),
        ("put", {"path": "/", "data": 1}, False, Change(kind="put", value=1)),
        ("put", {"path": "/a/b", "data": None}, False, Change(kind="put", path=("a", "b"), value=None)),
        (
            "patch",
            {"path": "/a", "data": {"b/c": 1}},
            False,
            Change(kind="patch", path=("a",), value={"b/c": 1}),
        ),
    ],
)
def test_an_event_is_a_change(name: str, content: Any, is_first: bool, change: Change) -> None:
    assert change_of(Event(name, json.dumps(content).encode()), is_first=is_first) == change
