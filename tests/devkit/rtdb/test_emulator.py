"""The REST interface of the embedded database, as a bare HTTP client meets it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from devkit.rtdb.server import Emulator
from poller.rtdb.stream import Event, EventParser

ANYONE = {"Authorization": ""}


class Stream:
    """The events of one stream, one at a time."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.aiter_bytes()
        self._parser = EventParser()
        self._ready: list[Event] = []

    async def next(self) -> tuple[str, Any]:
        async with asyncio.timeout(20):
            while not self._ready:
                self._ready += self._parser.feed(await anext(self._chunks))
        event = self._ready.pop(0)
        return event.name, json.loads(event.data) if event.name in ("put", "patch") else event.data.decode()


@asynccontextmanager
async def stream(http: httpx.AsyncClient, path: str, **options: Any) -> AsyncIterator[Stream]:
    headers = {"Accept": "text/event-stream", **options.pop("headers", {})}
    async with http.stream("GET", path, headers=headers, **options) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield Stream(response)


async def set_rules(http: httpx.AsyncClient, **rules: Any) -> None:
    answer = await http.put("/.settings/rules.json", json={"rules": rules})
    assert answer.status_code == 200


async def test_a_put_answers_with_what_is_stored(http: httpx.AsyncClient) -> None:
    answer = await http.put("/a.json", json={"x": None, "y": [1], "at": {".sv": "timestamp"}})
    assert answer.json() == (await http.get("/a.json")).json()
    assert answer.json()["y"] == [1]
    assert isinstance(answer.json()["at"], int)


async def test_print_is_silent_or_pretty(http: httpx.AsyncClient) -> None:
    silent = await http.put("/a.json", json={"x": 1}, params={"print": "silent"})
    assert (silent.status_code, silent.content) == (204, b"")
    assert (await http.get("/a.json", params={"print": "pretty"})).text == '{\n  "x": 1\n}'


async def test_a_root_path_needs_no_name(http: httpx.AsyncClient) -> None:
    await http.put("/.json", json={"a": {"b": 1}})
    assert (await http.get("/a/.json")).json() == {"b": 1}


async def test_a_patch_writes_deep_keys_and_deletes_nulls(http: httpx.AsyncClient) -> None:
    await http.put("/a.json", json={"b": {"c": 1, "d": 2}, "e": 3})
    answer = await http.patch("/a.json", json={"b/c": 9, "b/d": None, "f/g": "new", "e": None})
    assert answer.json() == {"b/c": 9, "b/d": None, "f/g": "new", "e": None}
    assert (await http.get("/a.json")).json() == {"b": {"c": 9}, "f": {"g": "new"}}


async def test_pushed_names_sort_by_time(http: httpx.AsyncClient) -> None:
    names = []
    for number in range(3):
        names.append((await http.post("/list.json", json=number)).json()["name"])
        await asyncio.sleep(0.002)
    assert names == sorted(names)
    assert list((await http.get("/list.json")).json().values()) == [0, 1, 2]


async def test_a_post_can_stand_for_another_method(http: httpx.AsyncClient) -> None:
    await http.post("/a.json", json=1, headers={"X-HTTP-Method-Override": "PUT"})
    assert (await http.get("/a.json")).json() == 1


async def test_namespaces_know_nothing_of_each_other(http: httpx.AsyncClient) -> None:
    await http.put("/a.json", json=1)
    assert (await http.get("/a.json", params={"ns": "other"})).json() is None


async def test_an_unchanged_value_is_not_sent_again(http: httpx.AsyncClient) -> None:
    await http.put("/a.json", json={"x": 1})
    tag = (await http.get("/a.json", headers={"X-Firebase-ETag": "true"})).headers["etag"]
    again = await http.get("/a.json", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    await http.put("/a/x.json", json=2)
    assert (await http.get("/a.json", headers={"If-None-Match": tag})).json() == {"x": 2}


async def test_a_conditional_write_that_comes_late_gets_the_present_value(http: httpx.AsyncClient) -> None:
    created = await http.put("/a.json", json=1, headers={"if-match": "null_etag", "X-Firebase-ETag": "true"})
    late = await http.put("/a.json", json=2, headers={"if-match": "null_etag"})
    assert (late.status_code, late.json(), late.headers["etag"]) == (412, 1, created.headers["etag"])
    assert (await http.delete("/a.json", headers={"if-match": late.headers["etag"]})).status_code == 200
    assert (await http.get("/a.json")).json() is None


async def test_a_patch_cannot_be_conditional(http: httpx.AsyncClient) -> None:
    answer = await http.patch("/a.json", json={"x": 1}, headers={"if-match": "null_etag"})
    assert answer.status_code == 400
    assert (await http.get("/a.json")).json() is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("PUT", "/a.json", b"{", 400, "Invalid data; couldn't parse JSON object, array, or value."),
        ("PUT", "/a.json", b"NaN", 400, "Invalid data; couldn't parse JSON object"),
        ("PUT", "/a.json", b"[" * 100_000, 400, "Invalid data; couldn't parse JSON object"),
        ("PUT", "/a.json", b"[" * 500 + b"1" + b"]" * 500, 400, "maximum depth of 32"),
        ("PUT", "/a.json", b"", 400, "No data supplied"),
        ("PUT", "/a.json", b'{"a.b":1}', 400, "invalid characters in your key names"),
        ("PUT", "/a.b.json", b"1", 400, "Invalid path: Invalid token in path"),
        ("PATCH", "/a.json", b"[1]", 400, "Invalid data; couldn't parse JSON object"),
        ("PATCH", "/a.json", b'{"x/y":1,"x":2}', 400, "is inside another path"),
        ("GET", "/a", None, 404, "append .json"),
        ("GET", "/a.json?limitToFirst=1", None, 400, "orderBy must be defined"),
        (
            "GET",
            "/a.json?orderBy=%22at%22",
            None,
            400,
            'Index not defined, add ".indexOn": "at", for path "/a"',
        ),
        ("GET", "/a.json?shallow=true&orderBy=%22$key%22", None, 400, "Mixing"),
        ("GET", "/a.json?auth_variable_override=x", None, 400, "auth_variable_override"),
        ("PUT", "/a.json?writeSizeLimit=huge", b"1", 400, "writeSizeLimit"),
        ("GET", "/a.json?timeout=0s", None, 400, "timeout must be positive"),
        ("GET", "/a.json?timeout=16min", None, 400, "timeout must be positive"),
        ("GET", "/a.json?timeout=soon", None, 400, "timeout must be positive"),
        ("GET", "/a.json?callback=alert(1)//", None, 400, "callback must be the name"),
        ("PUT", "/a/.priority.json", b"true", 400, "a priority is"),
        ("POST", "/a/.priority.json", b"1", 400, "Invalid token in path"),
        ("PUT", "/a/.value.json", b"1", 400, "Invalid token in path"),
        ("TRACE", "/a.json", None, 405, "not allowed"),
        ("PUT", "/.settings/rules.json", b"{ // only a comment", 400, "no JSON"),
        ("PUT", "/.settings/rules.json", b'{"rules":{".read":"auth.uid >"}}', 400, ".read"),
    ],
)
async def test_what_is_wrong_is_said(
    http: httpx.AsyncClient, method: str, path: str, body: bytes | None, status: int, sentence: str
) -> None:
    url = httpx.URL(path)
    answer = await http.request(method, url.path, params=dict(url.params), content=body)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]


async def test_a_write_of_more_than_256_megabytes_is_refused_before_it_is_read(emulator: Emulator) -> None:
    host, _, port = emulator.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"PUT /a.json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer owner\r\nContent-Length: 268435457\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.readuntil(b"}"), 20)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (
        b'"error":"Data to write exceeds the maximum size that can be modified with a single request."'
        in answer
    )


async def test_browsers_may_ask(http: httpx.AsyncClient) -> None:
    answer = await http.options("/a.json", headers={"Origin": "http://localhost", **ANYONE})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"PATCH", "HEAD"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert "x-http-method-override" in answer.headers["access-control-allow-headers"].split(", ")


async def test_a_read_can_be_a_script_that_calls_back(http: httpx.AsyncClient) -> None:
    await http.put("/a.json", json={"b": 1})
    answer = await http.get("/a.json", params={"callback": "app.gotData"})
    assert answer.text == 'app.gotData({"b":1});'
    assert answer.headers["content-type"].startswith("application/javascript")
    assert (await http.put("/a.json", json=1, params={"callback": "f"})).json() == 1


async def test_a_read_can_be_saved_as_a_file(http: httpx.AsyncClient) -> None:
    answer = await http.get("/a.json", params={"download": '주문 "a".json'})
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''%EC%A3%BC%EB%AC%B8%20%22a%22.json"
    )
    assert "content-disposition" not in (await http.get("/a.json")).headers


async def test_a_read_that_takes_longer_than_it_may_is_refused(http: httpx.AsyncClient) -> None:
    await http.patch("/.emulator/faults.json", json={"frozen": True})
    answer = await http.get("/a.json", params={"timeout": "20ms"})
    assert (answer.status_code, answer.json()) == (400, {"error": "The read did not finish in time."})
    await http.delete("/.emulator/faults.json")
    assert (await http.get("/a.json", params={"timeout": "15min"})).status_code == 200


async def test_a_head_is_a_get_without_its_body(http: httpx.AsyncClient) -> None:
    await http.put("/a.json", json="12345")
    answer = await http.head("/a.json", headers={"X-Firebase-ETag": "true"})
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "7")
    assert (
        answer.headers["etag"]
        == (await http.get("/a.json", headers={"X-Firebase-ETag": "true"})).headers["etag"]
    )
    await set_rules(http)
    assert (await http.head("/a.json", headers=ANYONE)).status_code == 401
    assert (await http.head("/.settings/rules.json")).status_code == 200


async def test_priorities_are_written_shown_and_ordered_by(http: httpx.AsyncClient) -> None:
    await http.put("/a.json", json={"b": {".value": 1, ".priority": 2}, "c": {"d": 1}})
    await http.put("/a/c/.priority.json", json=1)
    await http.patch("/a.json", json={".priority": "x"})
    assert (await http.get("/a.json")).json() == {"b": 1, "c": {"d": 1}}
    whole = {".priority": "x", "b": {".value": 1, ".priority": 2}, "c": {".priority": 1, "d": 1}}
    assert (await http.get("/a.json", params={"format": "export"})).json() == whole
    assert (await http.get("/a/c/.priority.json")).json() == 1
    by_priority = {"orderBy": '"$priority"', "limitToFirst": "1"}
    assert (await http.get("/a.json", params=by_priority)).json() == {"c": {"d": 1}}
    put = await http.put("/a/b.json", json={".value": 5, ".priority": 6}, params={"format": "export"})
    assert put.json() == {".value": 5, ".priority": 6}
    await http.put("/a/b.json", json=5)
    assert (await http.get("/a/b.json", params={"format": "export"})).json() == 5


async def test_rules_may_be_put_with_comments_and_come_back_with_them(http: httpx.AsyncClient) -> None:
    text = '{ // who may\n "rules": {".read": "auth.uid == \'ann\'" /* only she */}}'
    assert (await http.put("/.settings/rules.json", content=text)).json() == {"status": "ok"}
    assert (await http.get("/.settings/rules.json")).text == text
    assert (await http.get("/a.json", headers=ANYONE)).status_code == 401


async def test_a_query_returns_its_window(http: httpx.AsyncClient) -> None:
    await set_rules(http, jobs={".indexOn": "at"})
    await http.put("/jobs.json", json={"a": {"at": 3}, "b": {"at": 1}, "c": {"at": 2}})
    answer = await http.get("/jobs.json", params={"orderBy": '"at"', "limitToFirst": "2"})
    assert answer.json() == {"b": {"at": 1}, "c": {"at": 2}}


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────


def id_token(uid: str) -> str:
    parts = [{"alg": "none"}, {"sub": uid, "email": "a@b"}]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."
    )


@pytest.mark.parametrize(
    ("headers", "params", "status"),
    [
        ({}, {}, 200),
        ({}, {"auth_variable_override": '{"uid":"ann"}'}, 200),
        ({}, {"auth_variable_override": '{"uid":"bob"}'}, 401),
        ({}, {"auth_variable_override": "null"}, 401),
        (ANYONE, {}, 401),
        ({"Authorization": f"Bearer {id_token('ann')}"}, {}, 200),
        ({"Authorization": f"Bearer {id_token('bob')}"}, {}, 401),
        (ANYONE, {"auth": id_token("ann")}, 200),
        (ANYONE, {"access_token": "owner"}, 200),
        ({"Authorization": "Bearer expired"}, {}, 401),
    ],
)
async def test_rules_decide_unless_an_administrator_asks(
    http: httpx.AsyncClient, headers: dict[str, str], params: dict[str, str], status: int
) -> None:
    await set_rules(http, **{"$user": {".read": "auth.uid === $user", ".write": "auth.uid === $user"}})
    read = await http.get("/ann.json", headers=headers, params=params)
    written = await http.put("/ann.json", json=1, headers=headers, params=params)
    assert (read.status_code, written.status_code) == (status, status)


async def test_a_multi_path_write_is_allowed_as_a_whole_or_not_at_all(http: httpx.AsyncClient) -> None:
    await set_rules(http, free={".write": True}, closed={".write": False})
    answer = await http.patch("/.json", json={"free/x": 1, "closed/x": 1}, headers=ANYONE)
    assert (answer.status_code, answer.json()) == (401, {"error": "Permission denied"})
    assert (await http.get("/.json")).json() is None


async def test_only_administrators_see_the_rules(http: httpx.AsyncClient) -> None:
    assert (await http.get("/.settings/rules.json", headers=ANYONE)).status_code == 401
    assert (await http.get("/.settings/rules.json")).json() == {"rules": {".read": True, ".write": True}}


# ── event streams ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_stream_tells_the_value_and_then_each_change(http: httpx.AsyncClient) -> None:
    await http.put("/a.json", json={"b": {"c": "한글"}})
    async with stream(http, "/a.json") as events:
        assert await events.next() == ("put", {"path": "/", "data": {"b": {"c": "한글"}}})
        await http.put("/a/b/c.json", json=["x"])
        assert await events.next() == ("put", {"path": "/b/c", "data": ["x"]})
        await http.patch("/a/b.json", json={"c": None, "d/e": 1})
        assert await events.next() == ("patch", {"path": "/b", "data": {"c": None, "d/e": 1}})
        await http.delete("/a.json")
        assert await events.next() == ("put", {"path": "/", "data": None})


async def test_only_a_stream_that_exports_hears_of_priorities(http: httpx.AsyncClient) -> None:
    await http.put("/a.json", json={"b": {".value": 1, ".priority": 2}})
    async with (
        stream(http, "/a.json") as plain,
        stream(http, "/a.json", params={"format": "export"}) as exports,
    ):
        assert await plain.next() == ("put", {"path": "/", "data": {"b": 1}})
        assert await exports.next() == ("put", {"path": "/", "data": {"b": {".value": 1, ".priority": 2}}})
        await http.put("/a/b/.priority.json", json=3)
        await http.put("/a/c.json", json={".value": 1, ".priority": 4})
        assert await plain.next() == ("put", {"path": "/c", "data": 1})
        assert await exports.next() == ("put", {"path": "/b/.priority", "data": 3})
        assert await exports.next() == ("put", {"path": "/c", "data": {".value": 1, ".priority": 4}})


async def test_a_stream_hears_of_writes_above_it_only_if_they_change_it(http: httpx.AsyncClient) -> None:
    async with stream(http, "/a/b.json") as events:
        assert await events.next() == ("put", {"path": "/", "data": None})
        await http.put("/a.json", json={"other": 1})
        await http.put("/beside.json", json=1)
        await http.put("/.json", json={"a": {"b": 5}})
        assert await events.next() == ("put", {"path": "/", "data": 5})
        await http.patch("/.json", json={"a/b/c": 1, "a/b/d": 2, "z": 3})
        assert await events.next() == ("patch", {"path": "/", "data": {"c": 1, "d": 2}})


async def test_a_streamed_query_follows_its_window(http: httpx.AsyncClient) -> None:
    await set_rules(http, q={".indexOn": ".value"})
    await http.put("/q.json", json={"a": 1, "b": 2, "c": 3})
    async with stream(http, "/q.json", params={"orderBy": '"$value"', "limitToFirst": "2"}) as events:
        assert await events.next() == ("put", {"path": "/", "data": {"a": 1, "b": 2}})
        await http.put("/beside.json", json=1)
        await http.put("/q/c.json", json=4)
        await http.put("/q/0.json", json=0)
        changes = [await events.next(), await events.next()]
        assert ("put", {"path": "/b", "data": None}) in changes
        assert ("put", {"path": "/0", "data": 0}) in changes


async def test_quiet_streams_are_kept_alive() -> None:
    async with (
        Emulator(keep_alive=0.01) as emulator,
        httpx.AsyncClient(base_url=emulator.url) as http,
        stream(http, "/a.json") as events,
    ):
        await events.next()
        assert await events.next() == ("keep-alive", "null")
        assert await events.next() == ("keep-alive", "null")


@pytest.mark.parametrize("revoke", [set_rules, lambda http: http.put("/open.json", json=False)])
async def test_a_stream_is_cancelled_when_the_rules_no_longer_allow_it(
    http: httpx.AsyncClient, revoke: Callable[[httpx.AsyncClient], Any]
) -> None:
    await set_rules(http, **{".read": "root.child('open').val() === true"})
    await http.put("/open.json", json=True)
    async with stream(http, "/.json", headers=ANYONE) as events:
        await events.next()
        await revoke(http)
        assert await events.next() == ("cancel", "null")
        with pytest.raises(StopAsyncIteration):
            await events.next()


async def test_a_stream_that_may_not_be_read_is_refused(http: httpx.AsyncClient) -> None:
    await set_rules(http)
    answer = await http.get("/a.json", headers={"Accept": "text/event-stream", **ANYONE})
    assert (answer.status_code, answer.json()) == (401, {"error": "Permission denied"})


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_lost_reply_is_a_committed_write(http: httpx.AsyncClient) -> None:
    await http.patch("/.emulator/faults.json", json={"drop_replies": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        await http.put("/a.json", json=1)
    assert (await http.get("/a.json")).json() == 1
    assert (await http.put("/a.json", json=2)).json() == 2


async def test_a_conflict_storm_passes(http: httpx.AsyncClient) -> None:
    await http.patch("/.emulator/faults.json", json={"conflicts": 2})
    statuses = [
        (await http.put("/a.json", json=1, headers={"if-match": "null_etag"})).status_code for _ in range(3)
    ]
    assert statuses == [412, 412, 200]


async def test_errors_can_be_limited_to_a_path_and_a_method(http: httpx.AsyncClient) -> None:
    faults = {"errors": -1, "error_status": 429, "retry_after": 7, "path": "jobs", "method": "PUT"}
    await http.patch("/.emulator/faults.json", json=faults)
    answer = await http.put("/jobs/a.json", json=1)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert (await http.put("/jobsOther.json", json=1)).status_code == 200
    assert (await http.get("/jobs.json")).status_code == 200
    await http.delete("/.emulator/faults.json")
    assert (await http.put("/jobs/a.json", json=1)).status_code == 200


async def test_one_client_can_be_left_without_answers_and_news_and_still_write(
    http: httpx.AsyncClient,
) -> None:
    deaf = {"user-agent": "eventstorming (poller-1)"}
    stream = {"accept": "text/event-stream"}
    async with (
        http.stream("GET", "/a.json", headers=stream) as one,
        http.stream("GET", "/a.json", headers={**stream, **deaf}) as other,
    ):
        lines, unheard = one.aiter_lines(), other.aiter_lines()
        assert [await anext(lines) for _ in range(3)] == [await anext(unheard) for _ in range(3)]
        faults = {"frozen": True, "method": "GET,PUT", "agent": "(poller-1)"}
        await http.patch("/.emulator/faults.json", json=faults)
        waiting = [
            asyncio.ensure_future(http.put("/b.json", json=1, headers=deaf)),
            asyncio.ensure_future(anext(unheard)),
        ]
        assert (await http.patch("/.json", json={"a": 2}, headers=deaf)).status_code == 200
        assert await anext(lines) == "event: put"
        done, _ = await asyncio.wait(waiting, timeout=0.05)
        assert not done
        await http.delete("/.emulator/faults.json")
        answer, line = await asyncio.gather(*waiting)
        assert (answer.status_code, line) == (200, "event: put")


async def test_a_frozen_server_thaws(http: httpx.AsyncClient) -> None:
    await http.patch("/.emulator/faults.json", json={"frozen": True})
    waiting = asyncio.create_task(http.get("/a.json"))
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    await http.patch("/.emulator/faults.json", json={"frozen": False})
    assert (await waiting).status_code == 200


async def test_every_request_can_be_delayed(http: httpx.AsyncClient) -> None:
    await http.patch("/.emulator/faults.json", json={"delay_ms": 30})
    started = asyncio.get_running_loop().time()
    await http.get("/a.json")
    assert asyncio.get_running_loop().time() - started >= 0.03


@pytest.mark.parametrize("change", [{"nonsense": 1}, {"errors": "many"}, [1]])
async def test_an_unknown_fault_is_refused(http: httpx.AsyncClient, change: Any) -> None:
    assert (await http.patch("/.emulator/faults.json", json=change)).status_code == 400


async def test_without_the_flag_there_is_no_admin_path() -> None:
    async with Emulator() as emulator, httpx.AsyncClient(base_url=emulator.url) as http:
        assert (await http.patch("/.emulator/faults.json", json={"errors": 1})).status_code == 400


async def test_what_was_asked_is_counted(http: httpx.AsyncClient) -> None:
    await http.put("/a.json", content=b'"12345678"')
    await http.get("/a.json")
    stats = (await http.get("/.emulator/stats.json")).json()
    assert {name: stats[name] for name in ("reads", "writes", "commits", "requests")} == {
        "reads": 1,
        "writes": 1,
        "commits": 1,
        "requests": 2,
    }
    assert (stats["bytes_in"], stats["bytes_out"]) == (10, 20)
