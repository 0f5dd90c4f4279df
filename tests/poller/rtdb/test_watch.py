"""Watching over real sockets: whatever happens to the connection, the copy ends up like the original."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from devkit.rtdb import tree
from devkit.rtdb.server import Emulator
from poller.errors import Permanent
from poller.rtdb.answers import Denied
from poller.rtdb.rest import Database
from poller.rtdb.stream import Backoff, Change
from tests.poller.rtdb.test_client import Tokens
from tests.poller.rtdb.wire import bytes_read, reconnects

Watching = Callable[[Database, str], Any]
Connect = Callable[..., Database]
Eventually = Callable[..., Any]


def replica(changes: list[Change]) -> Any:
    node: Any = None
    for change in changes:
        node = change.applied_to(node)
    return tree.to_json(tree.from_json(node))


async def test_a_copy_follows_every_kind_of_change(db: Database, watching: Watching) -> None:
    await db.put("q", {"a": {"x": 1}, "list": ["p", "q"]})
    async with watching(db, "q") as seen:
        await db.put("q/b", {"한글": "값"})
        await db.patch("q", {"a/x": None, "a/y/z": 2, "list/1": None})
        await db.put("q/list/5", "far")
        await db.delete("q/b")
        await db.put("q/end", True)
        await seen.until(lambda seen: any(change.path == ("end",) for change in seen.changes))
        assert replica(seen.changes) == await db.get("q")
    assert [change.kind for change in seen.changes] == ["snapshot", "put", "patch", "put", "put", "put"]


async def test_what_happened_while_away_is_in_the_next_snapshot(
    db: Database, emulator: Emulator, watching: Watching, eventually: Eventually
) -> None:
    await db.put("q", {"a": 1, "b": 2})
    async with watching(db, "q") as seen:
        emulator.faults.change({"errors": -1, "method": "GET"})
        emulator.app.end_streams("cut")
        await db.patch("q", {"a": None, "c": 3})
        await eventually(lambda: "q: " in str(db.streams.why_not_ready()))
        emulator.faults.reset()
        await seen.until(lambda seen: len(seen.snapshots) == 2)
        assert seen.snapshots[-1] == {"b": 2, "c": 3}
        await db.put("q/d", 4)
        await seen.until(lambda seen: seen.changes[-1].path == ("d",))
    assert reconnects(db) == 1


@pytest.mark.parametrize("how", ["cut", "end"])
async def test_a_stream_that_ends_is_opened_again(
    db: Database, emulator: Emulator, watching: Watching, how: str
) -> None:
    async with watching(db, "q") as seen:
        for count in (2, 3, 4):
            emulator.app.end_streams(how)
            await seen.until(lambda seen, count=count: len(seen.snapshots) == count)
    assert reconnects(db) == 3


async def test_a_silent_stream_is_given_up(
    connect: Connect, emulator: Emulator, watching: Watching, eventually: Eventually
) -> None:
    db = connect(watchdog=0.1)
    async with watching(db, "q") as seen:
        emulator.faults.change({"frozen": True})
        await eventually(lambda: db.streams.why_not_ready() is not None)
        assert "no byte from RTDB for 0.1 s" in str(db.streams.why_not_ready())
        emulator.faults.change({"frozen": False})
        await seen.until(lambda seen: len(seen.snapshots) >= 2)


async def test_a_busy_server_is_asked_again_when_it_said(
    connect: Connect, emulator: Emulator, watching: Watching
) -> None:
    db = connect(backoff=Backoff(first=0.001, last=0.1))
    emulator.faults.change({"errors": 1, "error_status": 503, "retry_after": 30})
    started = time.monotonic()
    async with watching(db, "q") as seen:
        assert seen.snapshots == [None]
    assert time.monotonic() - started >= 0.1


async def test_keep_alives_keep_the_watchdog_quiet(
    connect: Connect, watching: Watching, eventually: Eventually
) -> None:
    async with Emulator(keep_alive=0.02) as lively:
        db = connect(base_url=lively.url, watchdog=2.0)
        async with watching(db, "q") as seen:
            before = bytes_read(db)
            await eventually(lambda: bytes_read(db) > before + 200)
            assert len(seen.changes) == 1
            assert db.streams.last_byte_age < 2.0


async def test_a_restarted_server_is_found_again(connect: Connect, watching: Watching) -> None:
    async with Emulator() as first:
        port = int(first.address.rpartition(":")[2])
        db = connect(base_url=first.url)
        await db.put("q", "before")
        follower = watching(db, "q")
        seen = await follower.__aenter__()
    async with Emulator(port=port):
        await seen.until(lambda seen: seen.snapshots == ["before", None])
    await follower.__aexit__(None, None, None)


async def test_rules_that_change_end_the_watch_with_a_sentence(
    connect: Connect, emulator: Emulator, watching: Watching
) -> None:
    async with watching(connect(), "q") as seen:
        emulator.app.end_streams("cancel")
        await seen.until(lambda seen: seen.error is not None)
    assert isinstance(seen.error, Denied)
    assert "no longer allow watching q" in str(seen.error)


async def test_a_revoked_token_is_replaced(connect: Connect, emulator: Emulator, watching: Watching) -> None:
    emulator.app.admin_tokens = frozenset({"old", "new"})
    db = connect(credentials=Tokens("old", "new"))
    async with watching(db, "q") as seen:
        emulator.app.admin_tokens = frozenset({"new"})
        emulator.app.end_streams("revoke")
        await seen.until(lambda seen: len(seen.snapshots) == 2)
    assert seen.error is None


async def test_a_token_already_stale_at_the_start_is_replaced(
    connect: Connect, emulator: Emulator, watching: Watching
) -> None:
    emulator.app.admin_tokens = frozenset({"new"})
    async with watching(connect(credentials=Tokens("old", "new")), "q") as seen:
        assert seen.snapshots == [None]


@pytest.mark.parametrize(("status", "words"), [(404, "FIREBASE_DATABASE_URL"), (400, "not valid")])
async def test_a_watch_that_can_never_work_says_so(
    db: Database, emulator: Emulator, watching: Watching, status: int, words: str
) -> None:
    emulator.faults.change({"errors": -1, "error_status": status})
    async with watching(db, "q") as seen:
        assert isinstance(seen.error, Permanent)
        assert words in str(seen.error)


async def test_a_redirect_of_a_stream_is_followed(
    db: Database, emulator: Emulator, watching: Watching
) -> None:
    async with Emulator() as other:
        emulator.faults.change({"redirect_to": other.url})
        await db.put("q", "there")
        async with watching(db, "q") as seen:
            assert seen.snapshots == ["there"]


async def test_a_watch_closes_at_once(db: Database, emulator: Emulator, eventually: Eventually) -> None:
    async with aclosing(db.streams.watch("q")) as changes:
        await anext(changes)
        started = time.monotonic()
    assert time.monotonic() - started < 10
    await eventually(lambda: not emulator.store.namespace("test").watchers)
    assert db.streams.why_not_ready() == "RTDB is not being watched yet."


async def test_a_slow_reader_holds_the_network_not_the_memory(db: Database) -> None:
    async with aclosing(db.streams.watch("q")) as changes:
        await anext(changes)
        before = bytes_read(db)
        for number in range(40):
            await db.put("q/text", f"{number}" + "x" * 500_000)
        assert bytes_read(db) - before < 5_000_000
        got = [(await anext(changes)).value[:2] for _ in range(40)]
    assert got[-1] == "39"


async def test_readiness_is_about_every_watched_node(db: Database, watching: Watching) -> None:
    assert db.streams.why_not_ready() is not None
    async with watching(db, "a"):
        assert db.streams.why_not_ready() is None
        async with watching(db, "b"):
            assert db.streams.why_not_ready() is None
