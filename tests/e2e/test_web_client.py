"""One job as the MSAEz canvas lives it: two writes, eight watches over event streams, removal after completion.

The eight streams show what each watch brings. A ninth, over everything at once, shows in which order: the browser has
one connection, while eight here may overtake one another on their way through this process.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from poller.msaez.encoding import decode
from tests.e2e.pair import Pair
from tests.e2e.seen import (
    INPUTS,
    LISTS,
    VALUES,
    Event,
    keeps_the_contract,
)
from tests.e2e.web_client import NAMESPACE, Recorder, WebClient


class Handlers:
    """What the database streams, told as the client's library tells it to its handlers."""

    def __init__(self) -> None:
        self.children: dict[str, dict[str, Any]] = {watch: {} for watch in LISTS}

    def of_one(self, watch: str, recorded: list[tuple[str, Any]]) -> list[Event]:
        return [event for place, value in recorded for event in self._told(watch, place, value)]

    def of_all(self, recorded: list[tuple[str, Any]]) -> list[Event]:
        return [event for place, value in recorded for event in self._spread(place, value)]

    def _spread(self, place: str, value: Any) -> Iterator[Event]:
        for watch in (*VALUES, *LISTS):
            if f"{place}/".startswith(f"/{watch}/"):
                yield from self._told(watch, place.removeprefix(f"/{watch}") or "/", value)

    def _told(self, watch: str, place: str, value: Any) -> Iterator[Event]:
        if watch not in LISTS:
            yield Event(watch, "value", value)
            return
        key, _, below = place.strip("/").partition("/")
        assert not below, f"{watch}: a child was changed in part ({place})"
        for name, child in ({key: value} if key else _children(value)).items():
            kind = "changed" if name in self.children[watch] else "added"
            self.children[watch][name] = child
            yield Event(watch, "removed" if child is None else kind, decode({"value": child})["value"], name)


def _children(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value) if item is not None}
    return dict(value or {})


def _watches(client: WebClient, job_id: str) -> dict[str, Recorder]:
    """In the client's order of registration; its two handlers of stickers and of lines share a stream here."""
    outputs = f"jobs/{NAMESPACE}/{job_id}/state/outputs"
    waiting = {"waitingJobCount": client.record(f"requestedJobs/{NAMESPACE}/{job_id}/waitingJobCount")}
    return waiting | {watch: client.record(f"{outputs}/{watch}") for watch in (*VALUES, *LISTS)}


def _gone(client: WebClient, job_id: str) -> bool:
    roots = ("requestedJobs", "jobs", "jobStates")
    return all(client.get(f"{root}/{NAMESPACE}/{job_id}") is None for root in roots)


def test_the_canvas_sees_exactly_what_it_asks_for_in_the_order_it_needs(pair: Pair) -> None:
    client, job_id = pair.client, str(uuid.uuid4())
    watches = _watches(client, job_id)
    everything = client.record(f"jobs/{NAMESPACE}/{job_id}/state/outputs")
    client.submit(INPUTS, job_id=job_id)
    client.wait(lambda: everything.events[-1] == ("/isCompleted", True))
    client.wait(lambda: client.get(f"requestedJobs/{NAMESPACE}/{job_id}") is None)

    handlers = Handlers()
    wire = handlers.of_all(everything.events)
    keeps_the_contract(wire)
    assert wire[-1] == Event("isCompleted", "value", True)
    outputs = client.outputs(job_id)
    assert handlers.children["esValue/elements"] == outputs["esValue"]["elements"]
    assert handlers.children["esValue/relations"] == outputs["esValue"]["relations"]
    assert handlers.children["logs"] == _children(outputs["logs"])
    for watch in (*VALUES, *LISTS):
        expected = [event for event in wire if event.watch == watch]
        client.wait(lambda watch=watch, expected=expected: _seen(watch, watches[watch]) == expected)
    waiting = [value for _, value in watches["waitingJobCount"].events]
    assert all(count is None or count >= 1 for count in waiting)

    before = {watch: len(recorder.events) for watch, recorder in watches.items()}
    client.request_removal(job_id)
    client.wait(lambda: _gone(client, job_id), seconds=10)
    client.wait(lambda: watches["isCompleted"].events[-1][1] is None)
    later = [value for watch, recorder in watches.items() for _, value in recorder.events[before[watch] :]]
    assert not any(later), "something was written after the end"


def _seen(watch: str, recorder: Recorder) -> list[Event]:
    """Without the stream's first word: nothing is there yet."""
    first, *rest = recorder.events
    assert first == ("/", None)
    return Handlers().of_one(watch, rest)
