"""Answers on their way into the database and back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from eventstorming.v1 import executor_pb2

from devkit.rtdb import tree
from poller.metrics import Metrics
from poller.rtdb.journal import (
    GROUP_BYTES,
    WRITES_IN_FLIGHT,
    GroupCommit,
    Room,
    borrowed,
    entry_text,
    newest,
    unusable_paths,
    usable,
)
from poller.rtdb.names import highest_epoch
from poller.rtdb.stored import StoredJob
from tests.fakes import settle


def answer(key: str, value: str = '{"a":[],"b":null}', **more: Any) -> executor_pb2.JournalEntry:
    return executor_pb2.JournalEntry(key=key, value=value, **({"tokens": 3} | more))


class SlowDatabase:
    """Writes that answer when told to."""

    def __init__(self) -> None:
        self.writes: list[Mapping[str, Any]] = []
        self.gates: list[asyncio.Event] = []
        self.durable: list[int] = []

    async def write(self, updates: Mapping[str, Any]) -> None:
        self.writes.append(updates)
        self.gates.append(asyncio.Event())
        await self.gates[-1].wait()

    async def stored(self, seqs: Sequence[int]) -> None:
        self.durable.extend(seqs)


async def test_what_waits_while_four_writes_are_in_flight_goes_out_together() -> None:
    database = SlowDatabase()
    journal = GroupCommit(database.write, epoch=7, metrics=Metrics())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(journal.run(database.stored))
        for seq in range(10):
            journal.add(seq, answer(f"k{seq}"))
            await settle()
        assert len(database.writes) == WRITES_IN_FLIGHT
        database.gates[2].set()
        await settle()
        assert [len(write) for write in database.writes] == [1, 1, 1, 1, 6]
        assert database.durable == [2]
        running.cancel()
    assert list(database.writes[0]) == ["run/journal/7/k0"]


async def test_an_answer_is_reported_only_once_it_is_durable() -> None:
    database = SlowDatabase()
    journal = GroupCommit(database.write, epoch=1, metrics=Metrics())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(journal.run(database.stored))
        journal.add(1, answer("k"))
        await settle()
        assert (database.durable, journal.stored) == ([], 0)
        database.gates[0].set()
        await settle()
        assert (database.durable, journal.stored) == ([1], 1)
        running.cancel()


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([GROUP_BYTES // 2] * 3, [2, 1]),
        ([GROUP_BYTES // 4] * 3, [3]),
        ([10, GROUP_BYTES], [1, 1]),
        ([2 * GROUP_BYTES, 10, 10], [1, 2]),
    ],
)
async def test_a_write_carries_a_megabyte_of_answers_or_a_single_larger_one(
    sizes: list[int], groups: list[int]
) -> None:
    writes: list[int] = []

    async def write(updates: Mapping[str, Any]) -> None:
        writes.append(len(updates))

    journal = GroupCommit(write, epoch=1, metrics=Metrics())
    for number, size in enumerate(sizes):
        journal.add(number, answer(f"k{number}", "x" * size))
    await journal.flush()
    assert (writes, journal.stored) == (groups, len(sizes))


async def test_how_long_each_answer_took_to_be_durable_is_told() -> None:
    class Counted(Metrics):
        def committed(self, seconds: float) -> None:
            told.append(seconds)

    database, told, times = SlowDatabase(), list[float](), [100.0]
    journal = GroupCommit(database.write, epoch=1, clock=lambda: times[-1], metrics=Counted())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(journal.run(database.stored))
        journal.add(1, answer("k"))
        await settle()
        times.append(102.5)
        database.gates[0].set()
        await settle()
        running.cancel()
    assert told == [2.5]


async def test_an_interrupted_write_is_repeated_by_the_flush() -> None:
    database = SlowDatabase()
    journal = GroupCommit(database.write, epoch=1, metrics=Metrics())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(journal.run(database.stored))
        journal.add(1, answer("k"))
        await settle()
        running.cancel()
    async with asyncio.TaskGroup() as group:
        group.create_task(journal.flush())
        await settle()
        database.gates[-1].set()
    assert [list(write) for write in database.writes] == [["run/journal/1/k"]] * 2


def stored(branches: dict[int, list[executor_pb2.JournalEntry]]) -> Any:
    """What the database gives back: dense integer keys come as a list, nulls and empty containers vanish."""
    raw = {str(n): {entry.key: entry_text(entry) for entry in branch} for n, branch in branches.items()}
    return tree.to_json(tree.from_json(raw))


def test_the_newest_epochs_answer_wins_also_when_an_older_one_came_late() -> None:
    journal = stored(
        {1: [answer("a", "1"), answer("b", "1")], 2: [answer("a", "2")], 10: [answer("a", "10")]}
    )
    assert [(entry.key, entry.value) for entry in newest(journal)] == [("a", "10"), ("b", "1")]
    assert highest_epoch(StoredJob.of({"run": {"journal": journal}}).journal) == 10


@pytest.mark.parametrize(
    ("run", "highest"),
    [
        ({}, 0),
        ({"epochs": [None, True, True]}, 2),
        ({"epochs": {"7": True}, "journal": [None, {"a": "{}"}]}, 7),
        ({"epochs": [None, True], "journal": {"12": {"a": "{}"}}}, 12),
    ],
)
def test_the_highest_epoch_is_known_by_marks_and_by_answers(run: Any, highest: int) -> None:
    stored = StoredJob.of({"run": run})
    assert highest_epoch(stored.epochs, stored.journal) == highest


def test_an_answer_comes_back_as_it_was() -> None:
    entry = answer("k", '{"null":null,"none":{},"text":"＠ 한글"}', tokens=12, unusable=True)
    assert newest(stored({1: [entry]})) == [entry]


def test_what_is_no_answer_is_asked_again() -> None:
    assert newest({"1": {"a": "no json", "b": 3, "c": "[]"}, "x": {"d": "{}"}}) == []
    assert newest(None) == []


def test_unusable_answers_are_found_in_every_branch() -> None:
    journal = stored({1: [answer("a", unusable=True), answer("b")], 2: [answer("a", unusable=True)]})
    assert sorted(unusable_paths(journal)) == ["1/a", "2/a"]


def test_a_question_with_a_usable_answer_in_any_branch_is_answered() -> None:
    journal = stored(
        {
            1: [answer("a", unusable=True), answer("b"), answer("c")],
            2: [answer("b"), answer("c", unusable=True)],
        }
    )
    assert usable(journal) == 2
    assert usable(None) == 0


async def test_no_more_than_one_answer_over_the_limit_waits_for_the_database() -> None:
    database, room = SlowDatabase(), Room(limit=100)
    journal = GroupCommit(database.write, epoch=1, room=room, metrics=Metrics())
    journal.add(1, answer("a" * 90))
    journal.add(2, answer("b" * 90))
    full = asyncio.create_task(room.free())
    flushing = asyncio.create_task(journal.flush())
    await settle()
    assert not full.done()
    assert room.taken == journal.buffered > 180

    database.gates[0].set()
    await asyncio.gather(full, flushing)
    assert room.taken == journal.buffered == 0


async def test_what_is_dropped_gives_its_room_back_once() -> None:
    database, room = SlowDatabase(), Room(limit=100)
    journal = GroupCommit(database.write, epoch=1, room=room, metrics=Metrics())
    journal.add(1, answer("a" * 90))
    flushing = asyncio.create_task(journal.flush())
    await settle()
    journal.drop()
    database.gates[0].set()
    await flushing
    assert room.taken == 0


async def test_room_is_full_at_its_limit_each_time_anew() -> None:
    room = Room(limit=10)
    for _ in range(2):
        room.take(10)
        waiting = asyncio.create_task(room.free())
        await settle()
        assert not waiting.done()
        room.take(-1)
        await waiting
        room.take(-9)


def test_answers_are_borrowed_free_of_charge_and_only_where_they_are_usable() -> None:
    journal = stored({1: [answer("a"), answer("b", unusable=True)], 2: [answer("a", "2")]})
    lent = borrowed(journal)
    assert newest({"0": lent}) == [answer("a", "2", tokens=0, borrowed=True)]
