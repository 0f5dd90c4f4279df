"""The judge that holds an SDK's events against contract 1.6: what may not come is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.seen import Event, Judge, keeps_the_contract


def value(watch: str, what: Any) -> Event:
    return Event(watch, "value", what)


def sticker(key: str, kind: str, *, how: str = "added", id_: str = "") -> Event:
    return Event("esValue/elements", how, {"id": id_ or key, "_type": f"org.uengine.{kind}"}, key)


def line(key: str, start: str, end: str, *, id_: str = "") -> Event:
    return Event("esValue/relations", "added", {"id": id_ or key, "from": start, "to": end}, key)


def log(number: int) -> Event:
    return Event("logs", "added", {"message": "…"}, str(number))


BEGUN = [value("waitingJobCount", 1), value("isFailed", False), value("isCompleted", False)]
COUNTED = [*BEGUN, value("currentProgressCount", 1), value("totalProgressCount", 5), log(0)]
DRAWN = [*COUNTED, *(sticker(kind, kind) for kind in ("BoundedContext", "Aggregate", "Command", "Event"))]
JOINED = [*DRAWN, line("r", "Command", "Event"), value("currentProgressCount", 5)]
WHOLE = [*JOINED, value("isCompleted", True)]


def test_a_whole_run_keeps_the_contract() -> None:
    keeps_the_contract([value("isFailed", None), *WHOLE, value("isCompleted", None)])


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ([], value("waitingJobCount", 0)),
        ([], value("isFailed", "@")),
        ([], value("isCompleted", "@")),
        ([], value("totalProgressCount", 0)),
        ([], value("totalProgressCount", "@")),
        (COUNTED, value("currentProgressCount", 6)),
        (JOINED, value("currentProgressCount", 4)),
        (COUNTED, log(0)),
        (COUNTED, log(2)),
        (COUNTED, sticker("a", "Aggregate", id_="b")),
        (COUNTED, sticker("a", "Aggregate", how="changed")),
        (DRAWN, sticker("late", "BoundedContext")),
        (DRAWN, Event("esValue/elements", "removed", None, "Event")),
        (DRAWN, line("r", "Command", "nothing")),
        (DRAWN, line("r", "Command", "Event", id_="other")),
        (WHOLE, log(1)),
        (WHOLE, value("isFailed", True)),
        ([*DRAWN, value("isFailed", True)], value("isCompleted", True)),
    ],
)
def test_an_event_that_may_not_come_is_noticed(before: list[Event], event: Event) -> None:
    judge = Judge()
    assert all(map(judge.keeps, before))
    assert not judge.keeps(event)


@pytest.mark.parametrize("events", [WHOLE[:-1], [*DRAWN, *WHOLE[-1:]], [*COUNTED[:-1], *WHOLE[6:]]])
def test_a_run_that_shows_less_than_a_model_is_not_whole(events: list[Event]) -> None:
    with pytest.raises(AssertionError):
        keeps_the_contract(events)
