"""The web client's whole life with Firebase's own SDK, the pair, and the shipped security rules in force.

Signed in by a mock user token: two writes, eight watches in their order, a job that runs, removal; and what goes wrong
meanwhile. One SDK has one connection, so its events have one order, which is compared with what the canvas relies on.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit.programs import Programs
from poller.msaez.encoding import decode
from tests.e2e.pair import Pair, guarded_pair
from tests.e2e.seen import INPUTS, Event, keeps_the_contract
from tests.sdk.sdk import VERSIONS, Client, needs_sdk, told

KOREAN = {
    **INPUTS,
    "preferedLanguage": "Korean",
    "requirements": "온라인 서점\n\n고객이 책을 주문한다.\n주문은 고객 이름과 책 제목을 기록한다.\n고객이 주문을 취소한다.\n",
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    needs_sdk("12")
    folder = tmp_path_factory.mktemp("sdk")
    with Programs(folder / "log") as programs:
        yield guarded_pair(programs, folder)


def _open(pair: Pair, version: str, task: str, job: str, inputs: Any = None) -> Client:
    more = [] if inputs is None else [json.dumps(inputs)]
    return Client("client.cjs", version, f"127.0.0.1:{pair.rtdb}", task, job, *more)


def _is_completed(event: list[Any]) -> bool:
    return event[:3] == ["isCompleted", "value", True]


def _is_sticker(event: list[Any]) -> bool:
    return event[0] == "esValue/elements"


def _stickers(events: list[list[Any]]) -> dict[str, Any]:
    """What is drawn in the end: whatever was added or changed, never removed."""
    return {
        event[3]: decode(event[2])
        for event in events
        if event[0] in ("esValue/elements", "esValue/relations")
    }


def _drawn(pair: Pair, job: str) -> dict[str, Any]:
    es_value = pair.client.outputs(job)["esValue"]
    return decode({**es_value["elements"], **es_value["relations"]})


def _until_completed(events: list[list[Any]]) -> list[list[Any]]:
    return events[: events.index(["isCompleted", "value", True, ""]) + 1]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_job_from_its_first_write_to_its_removal(pair: Pair, version: str) -> None:
    needs_sdk(version)
    job = str(uuid.uuid4())
    with _open(pair, version, "run", job, INPUTS) as client:
        client.until(_is_completed)
        drawn = _drawn(pair, job)
        with _open(pair, version, "remove", job) as second_tab:
            second_tab.ended()
        client.ended()
    keeps_the_contract(Event(*event) for event in _until_completed(client.events))
    assert _stickers(client.events) == drawn
    assert not any(event[2] for event in client.events[len(_until_completed(client.events)) :])


def test_two_browsers_and_a_late_one_draw_the_same_in_korean(pair: Pair) -> None:
    job = str(uuid.uuid4())
    with _open(pair, "12", "run", job, KOREAN) as first, _open(pair, "12", "watch", job) as second:
        first.until(_is_completed)
        second.until(_is_completed)
        with _open(pair, "12", "watch", job) as late:
            late.until(_is_completed)
            drawn = _drawn(pair, job)
            late.until(lambda _: _stickers(late.events) == drawn, seconds=10)
            with _open(pair, "12", "remove", job):
                for client in (first, second, late):
                    client.ended()
    assert _stickers(first.events) == _stickers(second.events) == _stickers(late.events) == drawn
    assert any("주문" in item.get("displayName", "") for item in drawn.values())


def test_a_page_that_is_loaded_anew_goes_on(slow: Pair) -> None:
    job = str(uuid.uuid4())
    with _open(slow, "12", "run", job, INPUTS) as client:
        client.until(_is_sticker)
    assert not any(map(_is_completed, client.events))
    with _open(slow, "12", "watch", job) as again:
        again.until(_is_completed)
        drawn = _drawn(slow, job)
        again.until(lambda _: _stickers(again.events) == drawn, seconds=10)


def test_a_database_that_is_started_anew_is_found_again(slow: Pair) -> None:
    job = str(uuid.uuid4())
    with _open(slow, "12", "run", job, INPUTS) as client:
        client.until(_is_sticker)
        slow.kill_database()
        assert not any(map(_is_completed, client.events))
        client.until(_is_completed)
        drawn = _drawn(slow, job)
        client.until(lambda _: _stickers(client.events) == drawn, seconds=10)


def test_a_poller_that_is_killed_is_replaced_unseen(slow: Pair) -> None:
    job = str(uuid.uuid4())
    with _open(slow, "12", "run", job, INPUTS) as client:
        client.until(_is_sticker)
        slow.kill_poller()
        assert not any(map(_is_completed, client.events))
        client.until(_is_completed)
        assert _stickers(client.events) == _drawn(slow, job)
    assert not [event for event in client.events if event[0] == "isFailed" and event[2]]


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_shipped_rules_let_a_user_do_what_the_web_client_does_and_nothing_else(
    pair: Pair, version: str
) -> None:
    needs_sdk(version)
    said = await told("rights.cjs", version, f"127.0.0.1:{pair.rtdb}", str(uuid.uuid4()))
    allowed = [what for what, outcome in said if outcome == "ok"]
    refused = [what for what, outcome in said if outcome == "PERMISSION_DENIED"]
    assert allowed == [
        "reads the switch",
        "writes inputs",
        "asks for a job",
        "watches a place in line",
        "watches outputs",
        "reads its requirements",
        "asks for removal",
    ]
    assert refused == [
        "writes inputs again",
        "asks for a job that has no inputs",
        "asks again",
        "names a time of its own",
        "takes a lease",
        "writes an output",
        "completes a job",
        "reads the queue",
        "reads all jobs",
        "reads somebody's inputs",
        "reads the index",
        "asks for something else than removal",
        "nobody reads the switch",
        "nobody watches outputs",
        "nobody writes inputs",
        "nobody asks for removal",
    ]
    assert len(said) == len(allowed) + len(refused)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Pair]:
    """Processes of its own, whose poller needs half a second for each of its writes."""
    needs_sdk("12")
    with Programs(tmp_path / "log") as programs:
        pair = guarded_pair(programs, tmp_path)
        pair.slow_down()
        yield pair
