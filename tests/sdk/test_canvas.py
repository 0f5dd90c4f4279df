"""The web client's whole life with Firebase's own SDK, the pair, and the shipped security rules in force.

Signed in by a mock user token: two writes, eight watches in their order, a job that runs, removal; and what goes wrong
meanwhile. One SDK has one connection, so its events have one order, which is compared with what the canvas relies on.
"""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from devkit.programs import Programs
from poller.msaez.encoding import decode
from tests.e2e.pair import FREE, Pair, start_pair
from tests.e2e.seen import (
    INPUTS,
    Event,
    counters_and_flags_mean_what_they_say,
    stickers_come_after_what_they_stand_on,
)
from tests.sdk.sdk import VERSIONS, Client, needs_sdk

RULES = Path(__file__).parents[2] / "poller" / "rtdb" / "database.rules.json"
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
        yield _pair(programs, folder)


def _pair(programs: Programs, folder: Path) -> Pair:
    pair = start_pair(
        programs,
        executors={"AI_MODEL": "offline:rules"},
        database=("--data", str(folder / "rtdb")),
        FIREBASE_DATABASE_LEASE_RULES="true",
    )
    _owner(pair, "PUT", ".settings/rules.json", json.loads(RULES.read_text()))
    return pair


def _owner(pair: Pair, method: str, target: str, body: Any = None) -> Any:
    url = f"http://127.0.0.1:{pair.rtdb}/{target}?ns=eventstorming"
    answer = httpx.request(method, url, json=body, headers={"Authorization": "Bearer owner"})
    return answer.raise_for_status().json()


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
    seen = [
        Event(watch, kind, decode(value), key)
        for watch, kind, value, key in _until_completed(client.events)
        if watch != "waitingJobCount" and value is not None
    ]
    counters_and_flags_mean_what_they_say(seen)
    stickers_come_after_what_they_stand_on(seen)
    assert _stickers(client.events) == drawn
    waiting = [value for watch, _, value, _ in client.events if watch == "waitingJobCount"]
    assert all(count is None or count >= 1 for count in waiting)
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


def test_a_database_that_is_started_anew_is_found_again(slow: Pair, tmp_path: Path) -> None:
    job = str(uuid.uuid4())
    with _open(slow, "12", "run", job, INPUTS) as client:
        client.until(_is_sticker)
        slow.database.signal(signal.SIGKILL)
        slow.database.wait()
        assert not any(map(_is_completed, client.events))
        data = str(tmp_path / "rtdb")
        slow.programs.start(
            "rtdb again", "poller.rtdb.emulator", "--port", str(slow.rtdb), "--faults", "--data", data
        )
        client.until(_is_completed)
        drawn = _drawn(slow, job)
        client.until(lambda _: _stickers(client.events) == drawn, seconds=10)


def test_a_poller_that_is_killed_is_replaced_unseen(slow: Pair) -> None:
    job = str(uuid.uuid4())
    with _open(slow, "12", "run", job, INPUTS) as client:
        client.until(_is_sticker)
        slow.poller.signal(signal.SIGKILL)
        slow.poller.wait()
        assert not any(map(_is_completed, client.events))
        slow.programs.start("poller again", "poller", **FREE, **slow.poller_settings)
        client.until(_is_completed)
        assert _stickers(client.events) == _drawn(slow, job)
    assert not [event for event in client.events if event[0] == "isFailed" and event[2]]


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Pair]:
    """Processes of its own, whose poller needs half a second for each of its writes."""
    needs_sdk("12")
    with Programs(tmp_path / "log") as programs:
        pair = _pair(programs, tmp_path)
        _owner(pair, "PATCH", ".emulator/faults.json", {"delay_ms": 500, "method": "PATCH"})
        yield pair
