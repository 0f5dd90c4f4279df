"""What the poller relies on from a Realtime Database, whichever one answers.

Runs against the embedded database as a program of its own, and, when `TEST_DATABASE_URL` is set, against that one:
an emulator (`http://127.0.0.1:9000`, in a namespace made for the run) or a real database (`https://…`, below a path
made for the run, with `TEST_SERVICE_ACCOUNT_PATH` or Application Default Credentials).
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest

from devkit.rtdb import tree
from devkit.rtdb.query import Query
from poller.errors import Conflict, Permanent
from poller.metrics import Metrics
from poller.rtdb.credentials import (
    ApplicationDefaultCredentials,
    Credentials,
    EmulatorCredentials,
    ServiceAccountCredentials,
)
from poller.rtdb.rest import Database
from poller.rtdb.stream import Change

pytestmark = pytest.mark.heavy

EXTERNAL = os.environ.get("TEST_DATABASE_URL")


@pytest.fixture(scope="module")
def embedded() -> Iterator[str]:
    """The embedded database as a program; its URL."""
    command = [sys.executable, "-m", "poller.rtdb.emulator", "--port", "0"]
    with Popen(command, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        yield "http://" + process.stdout.readline().split()[-1]
        process.terminate()


@dataclass
class Place:
    """A database and a path in it that nobody else uses."""

    db: Database
    root: str

    def __truediv__(self, path: str) -> str:
        return f"{self.root}/{path}"


@pytest.fixture(params=["embedded", *(["TEST_DATABASE_URL"] if EXTERNAL else [])])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    url = request.getfixturevalue("embedded") if request.param == "embedded" else str(EXTERNAL)
    root = f"contract-{uuid.uuid4().hex}"
    namespace = root if url.startswith("http:") else None
    async with Database.connect(
        base_url=url, namespace=namespace, credentials=credentials_for(url), metrics=Metrics()
    ) as db:
        yield Place(db, root)
        await db.delete(root)


def credentials_for(url: str) -> Credentials:
    if url.startswith("http:"):
        return EmulatorCredentials()
    key = os.environ.get("TEST_SERVICE_ACCOUNT_PATH")
    return ServiceAccountCredentials(Path(key)) if key else ApplicationDefaultCredentials()


@asynccontextmanager
async def watching(place: Place, path: str) -> AsyncIterator[asyncio.Queue[Change]]:
    changes: asyncio.Queue[Change] = asyncio.Queue()

    async def follow() -> None:
        async with aclosing(place.db.streams.watch(path)) as watched:
            async for change in watched:
                await changes.put(change)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(follow())
        yield changes
        task.cancel()


async def followed(changes: asyncio.Queue[Change], wanted: Any, *, start: Any = None) -> None:
    """Returns when a copy that applies every change, beginning with `start`, is as wanted."""
    node = tree.from_json(start)
    async with asyncio.timeout(30):
        while tree.to_json(tree.from_json(node)) != wanted:
            node = (await changes.get()).applied_to(node)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"a": None, "b": [], "c": {}, "d": 1}, {"d": 1}),
        ({"empty": {"inside": [None, {}]}}, None),
        ({"0": "x", "1": "y"}, ["x", "y"]),
        (["x", None, "z"], ["x", None, "z"]),
        ({"5": "sparse"}, {"5": "sparse"}),
        ({"text": "한글 👋 \"quoted\"\n", "number": -1.5, "no": False}, {"text": "한글 👋 \"quoted\"\n", "number": -1.5, "no": False}),
        (0, 0),
        ("", ""),
    ],
)  # fmt: skip
async def test_values_are_stored_as_the_database_stores_them(place: Place, sent: Any, stored: Any) -> None:
    await place.db.put(place / "value", sent)
    assert await place.db.get(place / "value") == stored


async def test_an_update_of_many_paths_replaces_and_deletes(place: Place) -> None:
    await place.db.put(place.root, {"a": {"b": 1, "c": 2}, "d": {"e": 3}})
    await place.db.patch(place.root, {"a/b": None, "d": {"f": 4}, "g/h/i": [1]})
    assert await place.db.get(place.root) == {"a": {"c": 2}, "d": {"f": 4}, "g": {"h": {"i": [1]}}}


async def test_an_update_with_a_bad_key_changes_nothing(place: Place) -> None:
    with pytest.raises(Permanent):
        await place.db.patch(place.root, {"fine": 1, "bad.key": 2})
    with pytest.raises(Permanent):
        await place.db.put(place / "x", {"fine": 1, "k" * 769: 2})
    assert await place.db.get(place.root) is None


async def test_only_one_of_many_claims_wins(place: Place) -> None:
    await place.db.put(place / "entry", {"createdAt": 1})
    _, etag = await place.db.get_with_etag(place / "entry")
    claims = [place.db.put(place / "entry", {"createdAt": 1, "lease": n}, if_match=etag) for n in range(5)]
    results = await asyncio.gather(*claims, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [Conflict] * 4
    winner = results.index(None)
    lost = next(result for result in results if isinstance(result, Conflict))
    assert lost.current == {"createdAt": 1, "lease": winner}
    assert (await place.db.get_with_etag(place / "entry"))[1] == lost.etag


async def test_a_conditional_write_can_be_chained_without_reading(place: Place) -> None:
    _, etag = await place.db.put_returning(place / "lease", {"n": 1}, if_match="null_etag")
    _, etag = await place.db.put_returning(place / "lease", {"n": 2}, if_match=etag)
    await place.db.delete(place / "lease", if_match=etag)
    assert (await place.db.get_with_etag(place / "lease")) == (None, "null_etag")


async def test_a_deleted_entry_is_not_revived_by_a_conditional_write(place: Place) -> None:
    _, etag = await place.db.put_returning(place / "entry", {"createdAt": 1})
    await place.db.delete(place / "entry")
    with pytest.raises(Conflict) as conflict:
        await place.db.put(place / "entry", {"createdAt": 1, "waitingJobCount": 3}, if_match=etag)
    assert (conflict.value.current, conflict.value.etag) == (None, "null_etag")


async def test_equal_values_have_equal_etags(place: Place) -> None:
    _, first = await place.db.put_returning(place / "one", {"a": 1, "b": {"c": 2}})
    await place.db.put(place / "two/b/c", 2)
    await place.db.put(place / "two/a", 1)
    assert (await place.db.get_with_etag(place / "two"))[1] == first


async def test_an_unchanged_value_is_not_read_again(place: Place) -> None:
    _, etag = await place.db.put_returning(place / "a", {"x": 1})
    assert await place.db.get_if_changed(place / "a", etag) is None
    await place.db.put(place / "a/x", 2)
    changed = await place.db.get_if_changed(place / "a", etag)
    assert changed is not None
    assert changed[0] == {"x": 2}


async def test_timestamps_are_the_servers(place: Place) -> None:
    await place.db.put(place / "renewedAt", {".sv": "timestamp"})
    assert abs(await place.db.get(place / "renewedAt") - place.db.server_clock.now_ms()) < 10_000


async def test_increments_add_up(place: Place) -> None:
    await asyncio.gather(*(place.db.put(place / "n", {".sv": {"increment": 2}}) for _ in range(5)))
    assert await place.db.get(place / "n") == 10


async def test_keys_come_without_their_values(place: Place) -> None:
    await place.db.put(place / "q", {"a": {"big": "x" * 1000}, "b": 1})
    assert sorted(await place.db.keys(place / "q")) == ["a", "b"]
    assert await place.db.keys(place / "nothing") == []


async def test_keys_can_be_queried(place: Place) -> None:
    await place.db.put(place / "q", {"a": 1, "b": 2, "c": 3, "d": 4})
    assert await place.db.get(place / "q", query=Query(start_at="b", limit_to_first=2).params()) == {
        "b": 2,
        "c": 3,
    }


async def test_a_watched_node_can_be_followed(place: Place) -> None:
    await place.db.put(place / "q", {"old": 1})
    async with watching(place, place / "q") as changes:
        await followed(changes, {"old": 1}, start="nothing yet")
        assert place.db.streams.why_not_ready() is None
        await place.db.put(place / "q/new", {"createdAt": 5, "이름": "값"})
        both = {"old": 1, "new": {"createdAt": 5, "이름": "값"}}
        await followed(changes, both, start={"old": 1})
        await place.db.patch(place / "q", {"new/createdAt": 6, "old": None})
        await followed(changes, {"new": {"createdAt": 6, "이름": "값"}}, start=both)
        await place.db.delete(place / "q")
        await followed(changes, None, start=both)


async def test_a_write_above_a_watched_node_is_seen(place: Place) -> None:
    async with watching(place, place / "a/b") as changes:
        await followed(changes, None, start="nothing yet")
        await place.db.patch(place.root, {"a": {"b": {"c": 1}}})
        await followed(changes, {"c": 1})
        await place.db.patch(place.root, {"a/b/c": 2, "a/b/d": 3, "z": 1})
        await followed(changes, {"c": 2, "d": 3}, start={"c": 1})
