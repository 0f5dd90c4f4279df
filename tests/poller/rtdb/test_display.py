"""What a job shows: last values, differences, order, a few writes a second."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from eventstorming.v1 import model_pb2

from devkit.rtdb import tree
from poller.job import LogLevel, LogLine
from poller.msaez import esvalue
from poller.rtdb.display import Display, Shown
from poller.rtdb.stored import StoredJob
from tests.fakes import FakeClock, eventually, settle, small_model


class Canvas:
    """Applies writes as the database does."""

    def __init__(self) -> None:
        self.writes: list[Mapping[str, Any]] = []
        self.node: tree.Node = None
        self.fails = 0

    async def write(self, updates: Mapping[str, Any]) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError
        self.writes.append(updates)
        self.node = tree.patch(self.node, tree.updates_from_json((), updates, self.node, now_ms=1))

    @property
    def job(self) -> Any:
        return tree.to_json(self.node)


def project(model: model_pb2.EventStormingModel) -> esvalue.EsValue:
    return esvalue.project(model, job_id="00000000-0000-0000-0000-000000000001", user_id="u", project_id="p")


def display(clock: FakeClock | None = None, *, stored: Any = None) -> Display:
    job = stored or {}
    shown = Shown.of(StoredJob.of(job))
    return Display(project, shown, clock or FakeClock(), now=lambda: 1_736_910_000_000, opening={})


def line(message: str, key: str = "") -> LogLine:
    return LogLine(level=LogLevel.INFO, message=message, key=key)


async def test_progress_never_falls() -> None:
    canvas, box = Canvas(), display()
    for current in (3, 2):
        box.show_progress(current, 11)
        await box.flush(canvas.write)
    assert canvas.job["state"]["outputs"]["currentProgressCount"] == 3


async def test_only_what_changed_is_written() -> None:
    canvas, box = Canvas(), display()
    box.show_model(small_model())
    await box.flush(canvas.write)
    first = len(canvas.writes)
    box.show_model(small_model())
    await box.flush(canvas.write)
    assert len(canvas.writes) == first
    box.show_model(small_model(aggregates=2))
    await box.flush(canvas.write)
    again = {path for write in canvas.writes[first:] for path in write}
    assert again
    assert not any(
        "Order1" in str(write[path].get("name")) for write in canvas.writes[first:] for path in write
    )


async def test_a_run_that_continues_repeats_nothing_that_is_stored() -> None:
    canvas, box = Canvas(), display()
    box.show_model(small_model())
    box.say(line("found", "found"))
    box.show_progress(4, 11)
    await box.flush(canvas.write)
    before = list(canvas.writes)
    again = display(stored=canvas.job)
    again.show_model(small_model())
    again.say(line("found", "found"))
    again.show_progress(2, 11)
    await again.flush(canvas.write)
    assert canvas.writes[len(before) :] == [
        {"state/outputs/currentProgressCount": 4, "state/outputs/totalProgressCount": 11}
    ]
    again.say(line("more", "more"))
    await again.flush(canvas.write)
    assert [said["message"] for said in canvas.job["state"]["outputs"]["logs"]] == ["found", "more"]


async def test_a_failed_write_forgets_nothing() -> None:
    canvas, box = Canvas(), display()
    box.show_progress(2, 11)
    box.say(line("found"))
    box.show_model(small_model())
    canvas.fails = 1
    with pytest.raises(ConnectionError):
        await box.flush(canvas.write)
    await box.flush(canvas.write)
    outputs = canvas.job["state"]["outputs"]
    assert outputs["currentProgressCount"] == 2
    assert len(outputs["esValue"]["elements"]) == len(project(small_model()).elements)
    assert outputs["logs"][0]["message"] == "found"


async def test_many_changes_become_four_writes_a_second_at_most() -> None:
    clock, canvas = FakeClock(), Canvas()
    box = display(clock)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(box.run(canvas.write))
        for step in range(100):
            box.show_progress(1 + step // 10, 11)
            await clock.advance(0.05)
        running.cancel()
    assert 5 * 3 <= len(canvas.writes) <= 5 * 4 + 1
    await settle()


async def test_log_lines_carry_the_time_with_an_offset() -> None:
    canvas, box = Canvas(), display()
    box.say(line("found"))
    await box.flush(canvas.write)
    assert canvas.job["state"]["outputs"]["logs"][0]["created_at"] == "2025-01-15T03:00:00.000+00:00"


async def test_a_slow_projection_leaves_the_loop_to_renewals() -> None:
    """The projection waits for a sign that only the loop can give: on the loop itself it would wait in vain."""
    alive = threading.Event()

    def slow(model: model_pb2.EventStormingModel) -> esvalue.EsValue:
        assert alive.wait(10), "the loop stood still while the model was projected"
        return project(model)

    canvas, box = Canvas(), Display(slow, Shown(), FakeClock(), now=lambda: 1, opening={})
    box.show_model(small_model())
    flushed = asyncio.create_task(box.flush(canvas.write))
    await settle()
    alive.set()
    await flushed
    assert canvas.job["state"]["outputs"]["esValue"]["elements"]


class Counting(FakeClock):
    """Knows how often somebody went to sleep, and for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await super().sleep(seconds)


async def test_the_opening_is_written_before_anything_else_is_said() -> None:
    canvas, opening = Canvas(), {"state/outputs/isFailed": False}
    box = Display(project, Shown(), FakeClock(), now=lambda: 1, opening=opening)
    running = asyncio.create_task(box.run(canvas.write))
    await settle()
    running.cancel()
    assert canvas.writes == [opening]


async def test_a_model_alone_is_news_enough_and_its_writes_are_paused_after_by_their_number() -> None:
    clock, canvas = Counting(), Canvas()
    box = display(clock)
    running = asyncio.create_task(box.run(canvas.write))
    box.show_model(small_model())
    await eventually(lambda: clock.pauses)
    running.cancel()
    assert len(canvas.writes) > 1
    assert clock.pauses == [len(canvas.writes) / 4]


async def test_without_news_nothing_is_written_and_nobody_wakes() -> None:
    clock, canvas = Counting(), Canvas()
    box = display(clock)
    running = asyncio.create_task(box.run(canvas.write))
    box.show_progress(2, 11)
    await clock.advance(60)
    running.cancel()
    assert (len(canvas.writes), clock.pauses) == (1, [0.25])


async def test_what_was_written_is_not_written_again() -> None:
    canvas, box = Canvas(), display()
    box.say(line("found"))
    for _ in range(2):
        await box.flush(canvas.write)
    assert len(canvas.writes) == 1


async def test_lines_are_numbered_on_and_a_key_is_said_once() -> None:
    canvas, box = Canvas(), display()
    for message, key in (("one", "k"), ("one again", "k"), ("two", ""), ("three", "")):
        box.say(line(message, key))
    await box.flush(canvas.write)
    again = display(stored=canvas.job)
    again.say(line("four"))
    await again.flush(canvas.write)
    assert [said["message"] for said in canvas.job["state"]["outputs"]["logs"]] == [
        "one",
        "two",
        "three",
        "four",
    ]


async def test_what_was_said_is_known_to_the_next_run() -> None:
    canvas, box = Canvas(), display()
    box.say(line("one", "k"))
    await box.flush(canvas.write)
    again = display(stored=canvas.job)
    assert [again.said(key) for key in ("k", "other")] == [True, False]


async def test_the_newest_model_is_kept_when_an_older_one_could_not_be_written() -> None:
    canvas, box = Canvas(), display()

    async def fails(_: Mapping[str, Any]) -> None:
        box.show_model(small_model(aggregates=2))
        raise ConnectionError

    box.show_model(small_model())
    with pytest.raises(ConnectionError):
        await box.flush(fails)
    await box.flush(canvas.write)
    assert len(canvas.job["state"]["outputs"]["esValue"]["elements"]) == len(
        project(small_model(aggregates=2)).elements
    )


def test_the_claim_itself_is_progress() -> None:
    box = display()
    assert box.current_progress == 1
    box.show_progress(3, 11)
    assert box.current_progress == 3
