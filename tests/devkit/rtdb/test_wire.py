"""The SDKs' protocol on the embedded database, as a bare WebSocket meets it: order, hashes, take-over, bad input."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from devkit.rtdb.server import Emulator
from devkit.rtdb.tree import from_json
from devkit.rtdb.wire.order import node_hash, parse_window
from tests.devkit.rtdb.conftest import NAMESPACE


class Wire:
    """One bare client: `ask` gives the pushes that came before the answer, and the answer."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.hello: Any = None
        self._number = 0

    async def next(self) -> Any:
        async with asyncio.timeout(5):
            return json.loads(await self.socket.recv())

    async def ask(self, action: str, **body: Any) -> tuple[list[Any], Any]:
        self._number += 1
        await self.socket.send(json.dumps({"t": "d", "d": {"r": self._number, "a": action, "b": body}}))
        pushes = []
        while "r" not in (message := (await self.next())["d"]):
            pushes.append(message)
        return pushes, message["b"]


def _url(emulator: Emulator, **params: str) -> str:
    more = "".join(f"&{name}={value}" for name, value in params.items())
    return f"ws://{emulator.address}/.ws?v=5&ns={NAMESPACE}{more}"


@pytest.fixture
async def wire(emulator: Emulator) -> AsyncIterator[Wire]:
    async with connect(_url(emulator)) as socket:
        client = Wire(socket)
        client.hello = await client.next()
        yield client


async def test_the_greeting_names_session_host_and_time(wire: Wire, emulator: Emulator) -> None:
    greeting = wire.hello["d"]["d"]
    assert (wire.hello["d"]["t"], greeting["v"], greeting["h"]) == ("h", "5", emulator.address)
    assert greeting["s"]
    assert isinstance(greeting["ts"], int)


async def test_what_a_write_changes_is_told_before_its_answer(wire: Wire) -> None:
    assert await wire.ask("q", p="/a", h="") == (
        [{"a": "d", "b": {"p": "a", "d": None}}],
        {"s": "ok", "d": {}},
    )
    assert await wire.ask("p", p="/a/b", d=[1, 2]) == (
        [{"a": "d", "b": {"p": "a/b", "d": [1, 2]}}],
        {"s": "ok", "d": ""},
    )
    assert await wire.ask("m", p="/a", d={"c/d": 1, "b/0": None}) == (
        [{"a": "m", "b": {"p": "a", "d": {"c/d": 1, "b/0": None}}}],
        {"s": "ok", "d": ""},
    )


async def test_a_listen_that_knows_the_value_gets_no_data(wire: Wire, emulator: Emulator) -> None:
    await wire.ask("p", p="/a", d={"b": 1, "10": "x", "9": True})
    known = node_hash(emulator.store.namespace(NAMESPACE).root["a"])
    assert await wire.ask("q", p="/a", h=known) == ([], {"s": "ok", "d": {}})


async def test_a_transaction_on_a_changed_value_is_stale(wire: Wire) -> None:
    assert (await wire.ask("p", p="/n", d=1, h=""))[1]["s"] == "ok"
    assert (await wire.ask("p", p="/n", d=2, h=""))[1]["s"] == "datastale"
    assert (await wire.ask("p", p="/n", d=2, h=node_hash(1)))[1]["s"] == "ok"


async def test_what_rest_writes_a_socket_is_told(wire: Wire, http: httpx.AsyncClient) -> None:
    await wire.ask("q", p="/job", h="")
    await http.put("/job/state.json", json="done")
    assert await wire.next() == {"t": "d", "d": {"a": "d", "b": {"p": "job/state", "d": "done"}}}


async def test_a_window_stays_full_in_one_merge(wire: Wire) -> None:
    await wire.ask("p", p="/q", d={"a": 1, "b": 2, "c": 3})
    query = {"i": ".value", "l": 2, "vf": "l"}
    pushes, _ = await wire.ask("q", p="/q", q=query, t=1, h="")
    assert pushes == [{"a": "d", "b": {"p": "q", "d": {"a": 1, "b": 2}, "t": 1}}]
    pushes, _ = await wire.ask("p", p="/q/a", d=None)
    assert pushes == [{"a": "m", "b": {"p": "q", "d": {"a": None, "c": 3}, "t": 1}}]


async def test_priorities_travel_with_values_and_alone(wire: Wire, http: httpx.AsyncClient) -> None:
    await wire.ask("q", p="/a", h="")
    leaf = {".value": 1, ".priority": 2}
    assert (await wire.ask("p", p="/a/b", d=leaf))[0] == [{"a": "d", "b": {"p": "a/b", "d": leaf}}]
    assert (await wire.ask("p", p="/a/b/.priority", d="x"))[0] == [
        {"a": "d", "b": {"p": "a/b/.priority", "d": "x"}}
    ]
    assert (await wire.ask("m", p="/a", d={".priority": 5, "c": 1}))[0] == [
        {"a": "m", "b": {"p": "a", "d": {".priority": 5, "c": 1}}}
    ]
    whole = {".priority": 5, "b": {".value": 1, ".priority": "x"}, "c": 1}
    assert (await wire.ask("g", p="/a", q={}))[1] == {"s": "ok", "d": whole}
    assert (await http.get("/a.json", params={"format": "export"})).json() == whole
    assert (await wire.ask("p", p="/a", d=True, h="stale"))[1]["s"] == "datastale"
    known = node_hash(from_json(whole))
    assert (await wire.ask("p", p="/a", d=True, h=known))[1]["s"] == "ok"


async def test_a_window_by_priority_follows_a_priority_that_changes(wire: Wire) -> None:
    await wire.ask("p", p="/q", d={"a": {".value": 1, ".priority": 1}, "b": {".value": 1, ".priority": 2}})
    await wire.ask("q", p="/q", q={"l": 1, "vf": "l"}, t=1, h="")
    pushes, _ = await wire.ask("p", p="/q/b/.priority", d=0)
    assert pushes == [
        {"a": "m", "b": {"p": "q", "d": {"a": None, "b": {".value": 1, ".priority": 0}}, "t": 1}}
    ]


async def test_many_listens_are_told_of_what_concerns_them_alone(wire: Wire) -> None:
    for path in ("/a", "/a/b", "/a/b/c", "/a/x", "/z"):
        await wire.ask("q", p=path, h="")
    pushes, _ = await wire.ask("p", p="/a/b", d={"c": 1})
    assert [push["b"] for push in pushes] == [
        {"p": "a/b", "d": {"c": 1}},
        {"p": "a/b", "d": {"c": 1}},
        {"p": "a/b/c", "d": 1},
    ]
    assert len((await wire.ask("m", p="/", d={"a/x": 1, "z": 2}))[0]) == 3
    assert (await wire.ask("p", p="/y", d=1))[0] == []


async def test_a_stopped_listen_is_told_no_more(wire: Wire) -> None:
    await wire.ask("q", p="/a", q={"l": 1, "vf": "r"}, t=3, h="")
    await wire.ask("n", p="/a", q={"vf": "r", "l": 1}, t=3)
    assert (await wire.ask("p", p="/a/b", d=1))[0] == []


async def test_rules_that_change_revoke_a_listen(wire: Wire, http: httpx.AsyncClient) -> None:
    await wire.ask("q", p="/a", h="")
    await wire.ask("q", p="/b", q={"l": 1, "vf": "l"}, t=1, h="")
    await http.put("/.settings/rules.json", json={"rules": {".read": "auth != null"}})
    revoked = [await wire.next(), await wire.next()]
    assert sorted((message["d"]["b"] for message in revoked), key=str) == [
        {"p": "a"},
        {"p": "b", "q": [{"l": 1, "vf": "l"}]},
    ]


async def test_signing_out_revokes_what_nobody_may_read(wire: Wire, http: httpx.AsyncClient) -> None:
    await http.put("/.settings/rules.json", json={"rules": {".read": "auth.uid === 'anna'"}})
    assert (await wire.ask("q", p="/a", h=""))[1]["s"] == "permission_denied"
    assert (await wire.ask("auth", cred=_token("anna")))[1]["s"] == "ok"
    assert (await wire.ask("q", p="/a", h=""))[1]["s"] == "ok"
    assert (await wire.ask("unauth"))[0] == [{"a": "c", "b": {"p": "a"}}]


@pytest.mark.parametrize("credential", ["", "nonsense", "a.b.c", "👻"])
async def test_what_is_no_token_is_refused(wire: Wire, credential: str) -> None:
    assert (await wire.ask("auth", cred=credential))[1]["s"] == "invalid_token"


async def test_the_owner_may_act_as_somebody(wire: Wire, http: httpx.AsyncClient) -> None:
    await http.put("/.settings/rules.json", json={"rules": {".write": "auth.uid === 'anna'"}})
    await wire.ask("gauth", cred="owner", authvar={"uid": "ben"})
    assert (await wire.ask("p", p="/a", d=1))[1]["s"] == "permission_denied"
    await wire.ask("gauth", cred="owner")
    assert (await wire.ask("p", p="/a", d=1))[1]["s"] == "ok"


async def test_a_session_that_comes_again_ends_its_former_self_first(
    emulator: Emulator, http: httpx.AsyncClient, wire: Wire
) -> None:
    await wire.ask("o", p="/seen", d={".sv": "timestamp"})
    async with connect(_url(emulator, ls=wire.hello["d"]["d"]["s"])) as socket:
        await socket.recv()
        assert isinstance((await http.get("/seen.json")).json(), int)


# ── long polling ─────────────────────────────────────────────────────────────────────────────────────────────


async def round_trips(http: httpx.AsyncClient) -> None:
    """What was sent before has been heard."""
    for _ in range(10):
        await http.get("/.emulator/faults.json")


class Poll:
    """A browser's long polling: `ask` sends one message in pieces of `size` characters."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.id = self.password = ""
        self._segment = 0

    async def start(self) -> str:
        script = (await self.http.get("/.lp", params={"start": "t", "cb": "1", "v": "5"})).text
        self.id, self.password = (
            json.loads(part) for part in script.split("pLPCommand('start', ")[1].split(");")[0].split(", ")
        )
        return script

    async def send(self, message: Any, *, size: int = 1840) -> list[str]:
        data = base64.urlsafe_b64encode(json.dumps(message).encode()).decode().replace("=", ".")
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        answers = []
        for piece in pieces:
            params = {"seg0": str(self._segment), "ts0": str(len(pieces)), "d0": piece}
            self._segment += 1
            answers.append(self.poll(**params))
        return await asyncio.gather(*answers)

    async def poll(self, **params: str) -> str:
        return (await self.http.get("/.lp", params={"id": self.id, "pw": self.password, **params})).text


async def test_long_polling_carries_the_same_messages(http: httpx.AsyncClient) -> None:
    poll = Poll(http)
    assert 'pRTLPCB(0, [{"t":"c","d":{"t":"h",' in await poll.start()
    answers = await poll.send({"t": "d", "d": {"r": 1, "a": "p", "b": {"p": "/a", "d": "가" * 50}}}, size=60)
    assert '{"t":"d","d":{"r":1,"b":{"s":"ok","d":""}}}' in "".join(answers)
    assert (await http.get("/a.json")).json() == "가" * 50


async def test_pieces_may_come_in_any_order(http: httpx.AsyncClient) -> None:
    poll = Poll(http)
    await poll.start()
    data = base64.urlsafe_b64encode(b'{"t":"d","d":{"r":1,"a":"p","b":{"p":"/a","d":1}}}').decode()
    pieces = [data[at : at + 20] for at in range(0, len(data), 20)]
    for number in reversed(range(len(pieces))):
        params = {"seg0": str(number), "ts0": str(len(pieces)), "d0": pieces[number]}
        answer = asyncio.create_task(poll.poll(**params))
        await round_trips(http)
    assert '"s":"ok"' in await answer
    assert (await http.get("/a.json")).json() == 1


@pytest.mark.parametrize(
    "params",
    [
        {"seg0": "0", "ts0": "1", "d0": "{"},
        {"seg0": "0", "ts0": "1", "d0": "bm8"},
        {"seg0": "zero", "ts0": "1", "d0": ""},
        {"seg0": "0", "ts0": "-1", "d0": ""},
    ],
)
async def test_what_is_no_piece_ends_the_poll_with_a_reason(
    http: httpx.AsyncClient, params: dict[str, str]
) -> None:
    poll = Poll(http)
    await poll.start()
    assert '{"t":"c","d":{"t":"e","d":' in await poll.poll(**params)
    assert (await poll.poll()).startswith("pLPCommand('close'")


async def test_pieces_of_nothing_are_bounded_too(http: httpx.AsyncClient) -> None:
    poll = Poll(http)
    await poll.start()
    asked = []
    for first in range(1, 12_001, 1500):
        numbers = {f"seg{n}": str(first + n) for n in range(1500)}
        counts = {f"ts{n}": "1" for n in range(1500)}
        asked.append(asyncio.create_task(poll.poll(**numbers, **counts)))
        await http.get("/.emulator/faults.json")
    assert any("pieces" in answer for answer in await asyncio.gather(*asked))


@pytest.mark.parametrize("fault", ["frozen", "audit"])
async def test_what_holds_for_a_socket_holds_for_polls(tmp_path: Path, fault: str) -> None:
    data, audit = tmp_path / "data", tmp_path / "log"
    message = {"t": "d", "d": {"r": 1, "a": "p", "b": {"p": "/a", "d": 1}}}
    async with (
        Emulator(data=data, audit=audit, faults=True) as emulator,
        httpx.AsyncClient(base_url=emulator.url, params={"ns": NAMESPACE}) as http,
    ):
        poll = Poll(http)
        await poll.start()
        if fault == "frozen":
            await http.patch("/.emulator/faults.json", json={"frozen": True})
            asked = asyncio.create_task(poll.send(message))
            await round_trips(http)
            assert not asked.done()
            await http.delete("/.emulator/faults.json")
            assert '"s":"ok"' in (await asked)[0]
        else:
            await poll.send(message)
            await http.post("/.emulator/streams.json", json="cut")
            assert await poll.poll() == "pLPCommand('close');"
    assert json.loads(audit.read_text("utf-8"))["value"] == 1
    async with Emulator(data=data) as again:
        assert again.store.namespace(NAMESPACE).root == {"a": 1}


async def test_a_second_poll_frees_the_first(http: httpx.AsyncClient) -> None:
    poll = Poll(http)
    await poll.start()
    first = asyncio.create_task(poll.poll())
    await round_trips(http)
    second = asyncio.create_task(poll.poll())
    async with asyncio.timeout(5):
        assert await first == "pRTLPCB(1, []);"
    assert not second.done()
    await poll.poll(disconn="t")
    assert await second == "pLPCommand('close', 1);"


async def test_a_websocket_takes_over_from_long_polling(emulator: Emulator, http: httpx.AsyncClient) -> None:
    poll = Poll(http)
    await poll.start()
    await poll.send({"t": "d", "d": {"r": 1, "a": "q", "b": {"p": "/a", "h": ""}}})
    async with connect(_url(emulator, s=poll.id)) as socket:
        wire = Wire(socket)
        assert await wire.next() == {"t": "c", "d": {"t": "a", "d": {}}}
        await socket.send('{"t":"c","d":{"t":"p","d":{}}}')
        assert await wire.next() == {"t": "c", "d": {"t": "o", "d": {}}}
        await socket.send('{"t":"c","d":{"t":"a","d":{}}}')
        assert (await poll.send({"t": "c", "d": {"t": "n", "d": {}}}))[0].endswith(
            '[{"t":"c","d":{"t":"n","d":{}}}]);'
        )
        assert (await poll.poll()).startswith("pLPCommand('close', ")
        await http.put("/a.json", json=1)
        assert (await wire.next())["d"] == {"a": "d", "b": {"p": "a", "d": 1}}


async def test_polls_of_nobody_are_told_to_stop(http: httpx.AsyncClient) -> None:
    poll = Poll(http)
    await poll.start()
    poll.password = "guessed"
    assert await poll.poll() == "pLPCommand('close');"


# ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "nonsense",
        "[]",
        "null",
        "[" * 100_000,
        b"{}",
        '{"t":"d","d":{}}',
        '{"t":"d","d":{"r":"1","a":"s"}}',
        '{"t":"x","d":{}}',
        "99999",
    ],
)
async def test_what_is_no_message_ends_the_connection_with_a_reason(wire: Wire, frame: str | bytes) -> None:
    await wire.socket.send(frame)
    assert (await wire.next())["d"]["t"] == "e"
    with pytest.raises(ConnectionClosed):
        await wire.next()


async def test_a_count_that_never_completes_is_waited_for_no_longer_than_a_while() -> None:
    async with (
        Emulator(patience=0.05) as emulator,
        connect(_url(emulator)) as socket,
        connect(_url(emulator)) as other,
    ):
        client, neighbour = Wire(socket), Wire(other)
        await client.next()
        await neighbour.next()
        await socket.send("3")
        await socket.send('{"t":"d",')
        told = (await client.next())["d"]
        assert (told["t"], told["d"]) == ("e", "The rest of a message did not come within 0.05 s.")
        with pytest.raises(ConnectionClosed):
            await client.next()
        assert (await neighbour.ask("s", c={}))[1]["s"] == "ok"


async def test_a_message_that_grows_too_large_ends_the_connection(wire: Wire) -> None:
    await wire.socket.send("4096")
    for _ in range(17):
        await wire.socket.send("x" * 1024 * 1024)
    assert (await wire.next())["d"] == {"t": "e", "d": "A message has at most 16777216 characters."}


@pytest.mark.parametrize("kind", ["n", "a", "o", "h", "nonsense", 5, None])
async def test_control_messages_out_of_their_turn_change_nothing(wire: Wire, kind: Any) -> None:
    await wire.socket.send(json.dumps({"t": "c", "d": {"t": kind, "d": {}}}))
    assert await wire.ask("s", c={}) == ([], {"s": "ok", "d": {}})


@pytest.mark.heavy
async def test_a_connection_listens_to_ten_thousand_places_at_most(wire: Wire) -> None:
    for number in range(10_000):
        await wire.socket.send(
            json.dumps({"t": "d", "d": {"r": -1, "a": "q", "b": {"p": f"/{number}", "h": ""}}})
        )
        await wire.next()  # the value
        await wire.next()
    assert (await wire.ask("q", p="/more", h=""))[1]["s"] == "too_many_listens"
    assert (await wire.ask("q", p="/7", h=""))[1]["s"] == "ok"


async def test_what_is_left_for_the_end_of_a_connection_is_bounded(wire: Wire) -> None:
    text = "x" * 900_000
    said = [(await wire.ask("o", p=f"/{number}", d=text))[1]["s"] for number in range(20)]
    assert said == ["ok"] * 18 + ["too_big"] * 2
    await wire.ask("oc", p="/")
    assert (await wire.ask("o", p="/a", d=text))[1]["s"] == "ok"


async def test_a_transaction_on_a_value_that_changes_is_tried_until_it_fits(
    wire: Wire, emulator: Emulator
) -> None:
    async with connect(_url(emulator)) as socket:
        other = Wire(socket)
        await other.next()
        await wire.ask("q", p="/n", h="")
        await wire.ask("p", p="/n", d=1)
        await other.ask("p", p="/n", d=2)
        assert (await wire.next())["d"]["b"] == {"p": "n", "d": 2}
        assert await wire.ask("p", p="/n", d=9, h=node_hash(1)) == (
            [],
            {"s": "datastale", "d": "The value has changed."},
        )
        assert (await wire.ask("p", p="/n", d=9, h=node_hash(2)))[1]["s"] == "ok"


async def test_a_frame_that_is_too_large_ends_the_connection_and_no_other(
    wire: Wire, emulator: Emulator
) -> None:
    async with connect(_url(emulator)) as socket:
        await socket.recv()
        await socket.send("x" * 2 * 1024 * 1024)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert (await wire.ask("s", c={}))[1]["s"] == "ok"


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("nonsense", {}, "unknown_action"),
        ("q", {"p": "/a.b", "h": ""}, "invalid"),
        ("q", {"p": 7, "h": ""}, "invalid"),
        ("q", {"p": "/a", "q": {"l": -1}}, "invalid"),
        ("q", {"p": "/a", "q": {"i": 3, "l": 1}}, "invalid"),
        ("q", {"p": "/a", "q": {"sp": {}, "i": "x"}}, "invalid"),
        ("p", {"p": "/a", "d": {"b.c": 1}}, "invalid"),
        ("p", {"p": "/" + "a/" * 40, "d": 1}, "invalid"),
        ("m", {"p": "/a", "d": 5}, "invalid"),
        ("m", {"p": "/a", "d": {"b": 1, "b/c": 2}}, "invalid"),
        ("m", {"p": "/a", "d": {".priority/b": 1}}, "invalid"),
        ("p", {"p": "/a/.priority", "d": {"b": 1}}, "invalid"),
        ("q", {"p": "/a", "q": {"i": "b.c", "l": 1}}, "invalid"),
        ("q", {"p": "/a", "q": {"i": ".other", "l": 1}}, "invalid"),
        ("q", {"p": "/a", "q": {"i": "b", "sp": 1, "sn": 5}}, "invalid"),
        ("q", {"p": "/a", "q": 5}, "invalid"),
        ("q", {"p": "/a", "q": {"l": 1}, "t": "\ud800"}, "invalid"),
        ("p", {"p": "/a", "d": 10**400}, "invalid"),
        ("g", {"p": "/\ud800"}, "invalid"),
        ("auth", {"cred": "owner", "authvar": 5}, "invalid_token"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_the_connection_stays(
    wire: Wire, action: str, body: dict[str, Any], status: str
) -> None:
    assert (await wire.ask(action, **body))[1]["s"] == status
    assert (await wire.ask("s", c={}))[1]["s"] == "ok"


async def test_half_a_surrogate_pair_is_stored_as_a_question_mark(tmp_path: Path) -> None:
    async with Emulator(audit=tmp_path / "log") as emulator, connect(_url(emulator)) as socket:
        client = Wire(socket)
        await client.next()
        await client.ask("q", p="/a", h="")
        assert (await client.ask("p", p="/a", d="\ud83d!"))[0] == [{"a": "d", "b": {"p": "a", "d": "?!"}}]


async def test_a_message_in_pieces_may_be_cut_anywhere(wire: Wire, http: httpx.AsyncClient) -> None:
    message = json.dumps(
        {"t": "d", "d": {"r": 1, "a": "p", "b": {"p": "/a", "d": "주문"}}}, ensure_ascii=False
    )
    await wire.socket.send(str(len(message)))
    for character in message:
        await wire.socket.send(character)
    assert (await wire.next())["d"]["b"]["s"] == "ok"
    assert (await http.get("/a.json")).json() == "주문"


async def test_a_keep_alive_is_not_answered(wire: Wire) -> None:
    await wire.socket.send("0")
    assert await wire.ask("s", c={}) == ([], {"s": "ok", "d": {}})


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_frozen_database_says_nothing_until_it_thaws(wire: Wire, http: httpx.AsyncClient) -> None:
    await http.patch("/.emulator/faults.json", json={"frozen": True})
    asked = asyncio.create_task(wire.ask("s", c={}))
    await round_trips(http)
    assert not asked.done()
    await http.delete("/.emulator/faults.json")
    assert (await asked)[1]["s"] == "ok"


async def test_a_lost_reply_is_a_write_and_a_broken_connection(wire: Wire, http: httpx.AsyncClient) -> None:
    await http.patch("/.emulator/faults.json", json={"drop_replies": 1})
    with pytest.raises(ConnectionClosed):
        await wire.ask("p", p="/a", d=1)
    assert (await http.get("/a.json")).json() == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"conflicts": 1}, "datastale"), ({"errors": 1}, "unavailable"), ({"delay_ms": 1}, "ok")],
)
async def test_faults_are_answered_in_the_protocols_words(
    wire: Wire, http: httpx.AsyncClient, fault: dict[str, Any], status: str
) -> None:
    await http.patch("/.emulator/faults.json", json=fault)
    assert (await wire.ask("p", p="/a", d=1, h=""))[1]["s"] == status


async def test_what_sessions_move_is_counted(wire: Wire, http: httpx.AsyncClient) -> None:
    await wire.ask("p", p="/a", d="x" * 1000)
    await wire.ask("g", p="/a", q={})
    stats = (await http.get("/.emulator/stats.json")).json()
    assert (stats["sessions"], stats["commits"]) == (1, 1)
    assert 1000 < stats["session_bytes_in"] < 1200
    assert 1000 < stats["session_bytes_out"] < 1400


async def test_what_a_socket_writes_is_kept_and_logged(tmp_path: Path) -> None:
    data, audit = tmp_path / "data", tmp_path / "log"
    async with Emulator(data=data, audit=audit) as emulator, connect(_url(emulator)) as socket:
        client = Wire(socket)
        await client.next()
        await client.ask("auth", cred=_token("anna"))
        await client.ask("m", p="/a", d={"b": 1})
    entry = json.loads(audit.read_text("utf-8"))
    assert (entry["method"], entry["path"], entry["value"]) == ("PATCH", "a", {"b": 1})
    assert entry["auth"]["uid"] == "anna"
    async with Emulator(data=data) as again:
        assert again.store.namespace(NAMESPACE).root == {"a": {"b": 1}}


async def test_cut_streams_cut_sockets_and_revoked_ones_are_told(wire: Wire, http: httpx.AsyncClient) -> None:
    await http.post("/.emulator/streams.json", json="revoke")
    assert (await wire.next())["d"]["a"] == "ac"
    await http.post("/.emulator/streams.json", json="cut")
    with pytest.raises(ConnectionClosed):
        await wire.next()


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, ""),
        ("", "Ki0Xy0V6morg0TO3Sxi/jwugYDQ="),
        (True, "E5z61QM0lN/U2WsOnusszCTkR8M="),
        ({".value": "x", ".priority": 1}, "DyYUenjbovmkXiggnw4KsXFS+eA="),
        (
            {"b": {".value": 1, ".priority": "a"}, "a": {".value": 1, ".priority": "b"}, ".priority": 0.5},
            "rY+La0MAbroTC6kEjEw5LyUkFuI=",
        ),
    ],
)
def test_the_hash_of_a_value_is_what_an_sdk_sends(value: Any, wanted: str) -> None:
    assert node_hash(from_json(value)) == wanted


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"i": ".key", "sp": "b"}, "bc"),
        ({"i": ".key", "sp": "b", "sn": "[MAX_NAME]", "sin": False}, "c"),
        ({"i": ".value", "sp": 2, "ep": 2}, "b"),
        ({"i": ".value", "sp": 1, "sn": "[MAX_NAME]", "sin": False}, "bc"),
        ({"i": ".value", "ep": 3, "en": "[MIN_NAME]", "ein": False}, "ab"),
        ({"l": 2, "vf": "r"}, "bc"),
        ({"i": "x", "sp": None, "ep": None}, "abc"),
        ({"i": ".key", "sp": "[MIN_NAME]", "ep": "a"}, "a"),
        ({"i": ".priority", "sp": None, "ep": None}, "abc"),
        ({"sp": 0}, ""),
    ],
)
def test_windows(query: dict[str, Any], wanted: str) -> None:
    window = parse_window(query)
    assert window is not None
    chosen = window.select(from_json({"a": 1, "b": 2, "c": 3}))
    assert "".join(sorted(chosen or ())) == wanted  # type: ignore[arg-type]


def test_a_window_by_priority_ranks_nothing_numbers_and_strings() -> None:
    node = from_json(
        {
            "a": {".value": 1, ".priority": "x"},
            "b": {".value": 1, ".priority": 5},
            "c": 1,
            "d": {"e": 1, ".priority": 2},
        }
    )
    for query, wanted in [
        ({"l": 2, "vf": "l"}, "cd"),
        ({"sp": 2, "ep": 5}, "bd"),
        ({"sp": 5, "sn": "b", "sin": False}, "a"),
        ({"ep": 5, "en": "[MIN_NAME]", "ein": False}, "cd"),
    ]:
        window = parse_window(query)
        assert window is not None
        assert "".join(sorted(window.select(node))) == wanted  # type: ignore[arg-type]


def _token(uid: str) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": uid}).encode()).decode().rstrip("=")
    return f"e30.{claims}."
