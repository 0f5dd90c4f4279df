"""Who gets to the protocol, and what the card says about it."""

from __future__ import annotations

from typing import Any

import grpc
import httpx
import pytest
from a2a.types import GetTaskRequest
from a2a.types.a2a_pb2_grpc import A2AServiceStub

from tests.poller.a2a.agents import agents
from tests.poller.lifecycle import new_id

TOKEN = {"grpc_token": "s3cret", "grpc_allow_plaintext_token": True}
BEARER = {"Authorization": "Bearer s3cret", "A2A-Version": "1.0"}


def _call(method: str = "GetTask", **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {"id": new_id()}}


async def test_the_card_is_for_everybody_and_says_that_a_token_is_needed() -> None:
    async with agents(**TOKEN) as there:
        card = (await there.http.get(f"{there.url}/.well-known/agent-card.json")).json()
        kept = await there.http.get(f"{there.url}/.well-known/agent-card.json")
        before = (await there.http.get(f"{there.url}/.well-known/agent.json")).json()
    assert card == before
    assert kept.headers["cache-control"] == "public, max-age=300"
    assert card["securitySchemes"]["bearer"]["httpAuthSecurityScheme"]["scheme"] == "Bearer"
    assert [skill["id"] for skill in card["skills"]] == ["event_storming_generation"]
    assert card["capabilities"]["streaming"]
    assert card["url"] == f"{there.url}/"
    assert {way["protocolBinding"] for way in card["supportedInterfaces"]} == {"JSONRPC", "HTTP+JSON", "GRPC"}


@pytest.mark.parametrize(
    ("address", "has_grpc"), [("https://agents.example", False), ("http://agents.test:5000", True)]
)
async def test_the_card_names_the_address_that_others_know(address: str, has_grpc: bool) -> None:
    async with agents(a2a_external_url=address) as there:
        ways = {way.protocol_binding: way.url for way in there.card.supported_interfaces}
    assert (ways["JSONRPC"], ways["HTTP+JSON"]) == (f"{address}/", address)
    assert ("GRPC" in ways) is has_grpc
    assert ways.get("GRPC", "agents.test:").startswith("agents.test:")


async def test_a_version_that_is_not_spoken_is_refused_over_grpc_too() -> None:
    async with agents() as there:
        way = next(each.url for each in there.card.supported_interfaces if each.protocol_binding == "GRPC")
        async with grpc.aio.insecure_channel(way) as channel:
            stub: Any = A2AServiceStub(channel)  # type: ignore[no-untyped-call]  # grpc's generated code
            for version, code in (("9.0", "FAILED_PRECONDITION"), ("1.7", "NOT_FOUND"), ("", "NOT_FOUND")):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await stub.GetTask(GetTaskRequest(id=new_id()), metadata=(("a2a-version", version),))
                assert caught.value.code().name == code


async def test_with_a_token_nothing_else_answers_without_it() -> None:
    async with agents(**TOKEN) as there:
        way = next(each.url for each in there.card.supported_interfaces if each.protocol_binding == "GRPC")
        refused = [
            await there.http.post(f"{there.url}/", json=_call()),
            await there.http.post(f"{there.url}/", json=_call(), headers={"Authorization": "Bearer other"}),
            await there.http.get(f"{there.url}/tasks"),
            await there.http.post(f"{there.url}/message:send", json={}),
        ]
        taken = await there.http.post(f"{there.url}/", json=_call(), headers=BEARER)
        async with grpc.aio.insecure_channel(way) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await A2AServiceStub(channel).GetTask(GetTaskRequest(id=new_id()))  # type: ignore[no-untyped-call]  # grpc's generated code
    assert [each.status_code for each in refused] == [401] * 4
    assert taken.json()["error"]["code"] == -32001
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_without_a_token_no_web_page_gets_in() -> None:
    headers = {"A2A-Version": "1.0"}
    async with agents() as there:
        plain = await there.http.post(f"{there.url}/", json=_call(), headers=headers)
        page = await there.http.post(
            f"{there.url}/", json=_call(), headers=headers | {"Origin": "https://evil.example"}
        )
        foreign = await there.http.post(
            f"{there.url}/", json=_call(), headers=headers | {"Host": "evil.example"}
        )
    assert plain.json()["error"]["code"] == -32001
    assert [page.status_code, foreign.status_code] == [403, 403]


async def test_what_is_no_call_of_the_protocol_is_answered_in_its_words() -> None:
    headers = {"A2A-Version": "1.0", "Content-Type": "application/json"}

    async def code(there: Any, content: bytes, **more: str) -> int:
        answer: httpx.Response = await there.http.post(
            f"{there.url}/", content=content, headers=headers | more
        )
        return int(answer.json()["error"]["code"])

    async with agents() as there:
        codes = {
            "no JSON": await code(there, b"{"),
            "no call": await code(there, b"[]"),
            "unknown method": await code(there, b'{"jsonrpc": "2.0", "id": 1, "method": "Nothing"}'),
            "another version": await code(
                there,
                b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {}}',
                **{"A2A-Version": "9.0"},
            ),
            "no message": await code(
                there, b'{"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {}}'
            ),
        }
        wide = b'{"jsonrpc": "2.0", "id": 1, "method": "' + b"x" * (33 << 20) + b'"}'
        codes["too long"] = await code(there, wide)
        rest = await there.http.post(f"{there.url}/message:send", content=wide, headers=headers)
        form = await there.http.post(f"{there.url}/", data={"jsonrpc": "2.0"})
    assert codes == {
        "no JSON": -32700,
        "no call": -32600,
        "unknown method": -32601,
        "another version": -32009,
        "no message": -32602,
        "too long": -32600,
    }
    assert (rest.status_code, form.status_code) == (400, 415)
