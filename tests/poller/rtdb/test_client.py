"""What the client makes of the database's answers: values, conflicts, and errors that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from devkit.rtdb.query import Query
from devkit.rtdb.server import Emulator
from poller.errors import Conflict, Permanent, Transient
from poller.rtdb.answers import Denied
from poller.rtdb.open import endpoint
from poller.rtdb.rest import Database
from poller.rtdb.stream import Backoff
from tests.poller.rtdb.wire import bytes_read, bytes_written, requests

Connect = Callable[..., Database]
SetRules = Callable[[dict[str, Any]], Awaitable[None]]


class Tokens:
    """Hands out the next token when the present one is called stale."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    async def token(self, *, stale: str | None = None) -> str | None:
        if stale == self._tokens[0] and len(self._tokens) > 1:
            self._tokens.pop(0)
        return self._tokens[0]


async def test_a_conflict_brings_the_present_value(db: Database) -> None:
    _, etag = await db.put_returning("a", {"owner": "one"}, if_match="null_etag")
    with pytest.raises(Conflict) as conflict:
        await db.put("a", {"owner": "two"}, if_match="null_etag")
    assert (conflict.value.current, conflict.value.etag) == ({"owner": "one"}, etag)
    await db.put("a", {"owner": "two"}, if_match=etag)
    with pytest.raises(Conflict):
        await db.delete("a", if_match=etag)
    assert await db.get("a") == {"owner": "two"}


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ({"error_status": 503}, Transient, "answered 503 to GET a"),
        ({"error_status": 500}, Transient, "answered 500"),
        ({"error_status": 429, "retry_after": 7}, Transient, "answered 429"),
        ({"error_status": 404}, Permanent, "FIREBASE_DATABASE_URL"),
        ({"error_status": 403}, Permanent, "role"),
        ({"error_status": 401}, Permanent, "FIREBASE_SERVICE_ACCOUNT_PATH"),
        ({"error_status": 423}, Permanent, "423"),
    ],
)
async def test_an_error_says_what_to_do(
    db: Database, emulator: Emulator, fault: dict[str, Any], error: type[Exception], words: str
) -> None:
    emulator.faults.change({"errors": -1, **fault})
    with pytest.raises(error, match=words) as raised:
        await db.get("a")
    assert getattr(raised.value, "retry_after", None) == fault.get("retry_after")


async def test_a_refused_path_is_permanent(db: Database) -> None:
    with pytest.raises(Permanent, match=r"400 to PUT a\$b.*Invalid path"):
        await db.put("a$b", 1)


async def test_rules_that_forbid_are_told_from_bad_credentials(
    db: Database, connect: Connect, rules: SetRules
) -> None:
    await db.put("a", 1)
    await rules({".read": "auth.uid === 'ann'"})
    assert await connect().acting_as({"uid": "ann"}).get("a") == 1
    for override in ({"uid": "bob"}, None):
        with pytest.raises(Denied):
            await connect().acting_as(override).get("a")


async def test_the_writes_of_one_lease_can_be_fenced_by_the_database(db: Database, rules: SetRules) -> None:
    await rules({"jobs": {"$job": {".write": "root.child('leases/' + $job).val() === auth.lease"}}})
    await db.patch("", {"leases/j1": "token-1", "leases/j2": "token-2"})
    mine = db.acting_as({"uid": "eventstorming", "lease": "token-1"})
    await mine.patch("jobs", {"j1/progress": 1, "j1/run/answer": "x"})
    with pytest.raises(Denied):
        await mine.patch("jobs", {"j1/progress": 2, "j2/progress": 2})
    await db.put("leases/j1", "token-9")
    with pytest.raises(Denied):
        await mine.put("jobs/j1/progress", 3)
    assert await db.get("jobs") == {"j1": {"progress": 1, "run": {"answer": "x"}}}
    assert requests(db) == requests(mine) == 6


async def test_nobody_there_is_transient(connect: Connect) -> None:
    async with Emulator() as gone:
        url = gone.url
    db = connect(base_url=url)
    with pytest.raises(Transient, match="cannot be reached"):
        await db.get("a")


async def test_a_lost_reply_is_transient_and_not_repeated(db: Database, emulator: Emulator) -> None:
    emulator.faults.change({"drop_replies": 1})
    with pytest.raises(Transient):
        await db.put("count", {".sv": {"increment": 1}})
    assert await db.get("count") == 1


async def test_every_request_has_a_deadline(db: Database, emulator: Emulator) -> None:
    emulator.faults.change({"frozen": True})
    with pytest.raises(Transient, match=r"within 0\.05 s"):
        await db.put("a", 1, deadline=0.05)


async def test_a_token_refused_as_stale_is_renewed_once(connect: Connect, emulator: Emulator) -> None:
    emulator.app.admin_tokens = frozenset({"new"})
    db = connect(credentials=Tokens("old", "new"))
    await db.put("a", 1)
    assert await db.get("a") == 1
    with pytest.raises(Permanent, match="credentials are not accepted"):
        await connect(credentials=Tokens("bad")).get("a")


async def test_a_redirect_is_followed_with_method_body_and_token(db: Database, emulator: Emulator) -> None:
    async with Emulator() as other:
        emulator.faults.change({"redirect_to": other.url})
        await db.put("가 &/a", {"x": "한글"})
        assert await db.acting_as({"uid": "a&b"}).get("가 &") == {"a": {"x": "한글"}}
        assert other.store.commits == 1
    assert emulator.store.commits == 0


async def test_a_redirect_to_a_stranger_is_refused(db: Database, emulator: Emulator) -> None:
    emulator.faults.change({"redirect_to": "http://example.org"})
    with pytest.raises(Permanent, match=r"example\.org"):
        await db.get("a")


async def test_a_redirect_in_circles_ends(db: Database, emulator: Emulator) -> None:
    emulator.faults.change({"redirect_to": emulator.url})
    with pytest.raises(Transient, match="circles"):
        await db.get("a")


async def test_reads_can_be_small(db: Database) -> None:
    await db.put("q", {"a": 1, "b": 2, "c": {"d": 3}})
    assert sorted(await db.keys("q")) == ["a", "b", "c"]
    assert await db.keys("q/a") == []
    assert await db.get("q", query=Query(start_at="b", limit_to_first=1).params()) == {"b": 2}
    _, etag = await db.get_with_etag("q")
    assert await db.get_if_changed("q", etag) is None
    await db.put("q/a", 5)
    changed = await db.get_if_changed("q", etag)
    assert changed is not None
    assert changed[0]["a"] == 5


async def test_text_is_counted_and_carried_as_it_is(db: Database) -> None:
    await db.put("텍스트/키 1?x=%41&", "값 \ud800!")
    assert await db.get("텍스트") == {"키 1?x=%41&": "값 ?!"}
    assert requests(db) == 2
    assert bytes_written(db) == len('"값 ?!"'.encode())
    assert bytes_read(db) == len('{"키 1?x=%41&":"값 ?!"}'.encode())


async def test_the_servers_clock_is_learned(connect: Connect) -> None:
    db = connect(wall=lambda: 0.0)
    assert db.server_clock.now_ms() < 1000
    await db.put("time", {".sv": "timestamp"})
    assert abs(db.server_clock.now_ms() - await db.get("time")) < 2000


def test_backoff_is_a_random_share_of_a_growing_ceiling() -> None:
    backoff = Backoff(first=1, last=10)
    assert [backoff.delay(failures, lambda: 1.0) for failures in (0, 1, 3, 4, 1000)] == [1, 2, 8, 10, 10]
    assert backoff.delay(3, lambda: 0.0) == 0


@pytest.mark.parametrize(
    ("url", "emulator_host", "expected"),
    [
        ("https://x-default-rtdb.firebaseio.com/", None, ("https://x-default-rtdb.firebaseio.com", None)),
        ("https://x.asia-southeast1.firebasedatabase.app", "127.0.0.1:9000", ("http://127.0.0.1:9000", "x")),
        (None, "127.0.0.1:9000", ("http://127.0.0.1:9000", "eventstorming")),
        ("http://localhost:9000?ns=mine", None, ("http://localhost:9000", "mine")),
        ("http://localhost:9000?ns=mine", "rtdb:9000", ("http://rtdb:9000", "mine")),
        (None, "http://rtdb:9000/?ns=theirs", ("http://rtdb:9000", "theirs")),
    ],
)
def test_the_endpoint_follows_firebases_conventions(
    url: str | None, emulator_host: str | None, expected: tuple[str, str | None]
) -> None:
    assert endpoint(url, emulator_host) == expected


async def test_a_cancelled_request_lets_go_of_its_connection(db: Database, emulator: Emulator) -> None:
    emulator.faults.change({"frozen": True})
    request = asyncio.create_task(db.get("a"))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    emulator.faults.reset()
    assert await db.get("a") is None
