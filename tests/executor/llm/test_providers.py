"""Providers over real HTTP: what comes back, what is declined, what is no answer, and which form an endpoint knows."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import metadata
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.load import dumpd
from langgraph.graph import START, StateGraph
from pydantic import BaseModel, ConfigDict
from pydantic.errors import PydanticInvalidForJsonSchema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from executor.errors import LimitReached, LlmMisconfigured, LlmUnavailable
from executor.llm import providers
from executor.llm.failures import retry_after
from executor.llm.language_model import Message, Reply, Throttled
from executor.llm.language_models import ProcessLanguageModels
from executor.metrics import Metrics
from executor.ports import Allowance
from executor.settings import PROVIDERS
from tests.executor.llm.fakes import Fruit, MemoryLink, chat, question
from workbench.openai_server import Ask, Behaviour, Fault, listening, running, strict_problems

FIG = {"name": "Fig", "seeds": 9}
ADDRESSES = itertools.count()
"""LangChain keeps the connections of an address, whoever listens there next."""
ASKED = (Message("system", "Answer in json."), Message("user", "Which fruit?"))


def _fig(_: Ask) -> dict[str, Any]:
    return FIG


def _openai(url: str, key: str = "key", model: str = "test-model", timeout: float = 5) -> providers.ChatModel:
    return providers.openai(f"openai:{model}", model, api_key=key, base_url=url, timeout=timeout)


async def _reply(url: str, **more: Any) -> Reply:
    return await _openai(url, **more).ask(ASKED, Fruit, trace={"step": "fruit"})


async def test_the_strict_schema_goes_out_and_the_answer_and_its_tokens_come_back() -> None:
    async with running(Behaviour(script=_fig)) as (server, url):
        reply = await _reply(url)
    described = server.asks[0].body["response_format"]["json_schema"]
    assert (described["name"], described["strict"]) == ("Fruit", True)
    assert list(strict_problems(described["schema"])) == []
    assert [message["role"] for message in server.asks[0].messages] == ["system", "user"]
    assert reply.text == '{"name":"Fig","seeds":9}'
    assert reply.tokens > 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("429", Throttled),
        ("500", LlmUnavailable),
        ("cut", LlmUnavailable),
        ("nonjson", LlmUnavailable),
        ("timeout", LlmUnavailable),
    ],
)
async def test_no_answer_is_told_as_such_after_one_call(kind: str, expected: type[Exception]) -> None:
    script = lambda _: Fault(kind=kind, wait="7")  # noqa: E731
    async with running(Behaviour(script=script)) as (server, url):
        with pytest.raises(expected) as ended:
            await _reply(url, timeout=0.3 if kind == "timeout" else 30)
    assert len(server.asks) == 1
    assert getattr(ended.value, "retry_after", None) == (7.0 if kind in ("429", "500") else None)


BODIES: dict[str, Any] = {
    "a page": "<html>Come back later",
    "nothing": "",
    "half": '{"choices":',
    "null": "null",
    "a list": [],
    "an error": {"error": {"code": 429, "message": "overloaded"}},
    "no choices": {"id": "1"},
    "null for choices": {"choices": None},
    "no choice": {"choices": []},
    "no message": {"choices": [{}]},
    "a number for content": {"choices": [{"message": {"role": "assistant", "content": 5}}]},
}


@asynccontextmanager
async def answering(body: Any, status: int = 200) -> AsyncIterator[tuple[list[Request], str]]:
    """A server that answers every question with this body."""
    asked = list[Request]()

    async def answer(request: Request) -> Response:
        await request.body()
        asked.append(request)
        text = body if isinstance(body, str) else json.dumps(body)
        return Response(text, status, media_type="text/html" if "<" in text else "application/json")

    async with listening(Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])]), 0) as port:
        yield asked, f"http://127.0.0.1:{port}/{next(ADDRESSES)}"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_success_without_a_completion_is_no_answer(body: Any) -> None:
    async with answering(body) as (asked, url):
        with pytest.raises(LlmUnavailable):
            await _reply(url)
    assert len(asked) == 1


def completion(text: str = '{"name":"Fig","seeds":9}', **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text} | more.pop("message", {})
    choice = {"index": 0, "message": message, "finish_reason": "stop"} | more.pop("choice", {})
    return {"choices": [choice], "usage": {"prompt_tokens": 20, "completion_tokens": 7}, **more}


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ({"error": {"code": 401, "message": "No auth"}}, LlmMisconfigured, "401: No auth"),
        (
            {"error": {"code": "402", "message": "Insufficient credits"}},
            LlmMisconfigured,
            "402: Insufficient",
        ),
        ({"error": {"code": 403, "message": "Not for you"}}, LlmMisconfigured, "403: Not for you"),
        ({"error": "Unauthorized"}, LlmMisconfigured, "401: Unauthorized"),
        ({"message": "Unauthorized", "request_id": "7"}, LlmMisconfigured, "401: Unauthorized"),
        ({"error": {"type": "insufficient_quota", "message": "No more"}}, LlmMisconfigured, "402: No more"),
        (
            {"object": "error", "code": 404, "message": "No such model"},
            LlmMisconfigured,
            "404: No such model",
        ),
        (completion(choice={"error": {"code": 402, "message": "Pay"}}), LlmMisconfigured, "402: Pay"),
        (completion(error={"code": 401, "message": "Expired"}), LlmMisconfigured, "401: Expired"),
        ({"error": {"code": 429, "message": "Slowly"}}, Throttled, "429: Slowly"),
        ({"error": {"code": 502, "message": "Down"}}, LlmUnavailable, "502: Down"),
        (completion(choice={"error": {"code": 502, "message": "Died"}}), LlmUnavailable, "502: Died"),
        ({"error": "Out of luck"}, LlmUnavailable, "Out of luck"),
        ({"detail": "Out of luck"}, LlmUnavailable, "Out of luck"),
    ],
)
async def test_a_success_that_carries_an_error_is_one_and_is_quoted(
    body: Any, error: type[Exception], words: str
) -> None:
    async with answering(body) as (asked, url):
        with pytest.raises(error, match=re.escape(words)):
            await _reply(url)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"error": "what is top_k?"}, "400: what is top_k?"),
        (422, {"detail": "what is top_k?"}, "422: what is top_k?"),
        (400, "what is top_k?", "400: what is top_k?"),
        (400, [{"error": {"code": 400, "message": "what is top_k?"}}], "400: what is top_k?"),
        (
            422,
            {"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs"}]},
            "422: Extra inputs (body; top_k)",
        ),
        (
            400,
            {"error": {"message": "Provider", "metadata": {"raw": "what is top_k?"}}},
            "Provider (what is top_k?)",
        ),
        (400, {"problem": "what is top_k?"}, '400: {"problem": "what is top_k?"}'),
    ],
)
async def test_what_no_form_helps_is_final_and_quoted(status: int, body: Any, words: str) -> None:
    async with answering(body, status) as (asked, url):
        with pytest.raises(LlmMisconfigured, match=re.escape(words)):
            await _reply(url)
    assert len(asked) == 4


@pytest.mark.parametrize("status", [401, 402, 403, 404])
async def test_who_is_not_let_in_is_told_at_once(status: int) -> None:
    async with answering({"detail": "Not for sk-secret-123"}, status) as (asked, url):
        with pytest.raises(LlmMisconfigured, match=rf"{status}: Not for \[key\]"):
            await _reply(url)
    assert len(asked) == 1


async def test_a_quota_that_is_used_up_is_no_matter_of_patience() -> None:
    body = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    async with answering(body, 429) as (_, url):
        with pytest.raises(LlmMisconfigured, match="402: You exceeded"):
            await _reply(url)


@pytest.mark.parametrize(
    "message",
    [
        {"role": None},
        {"content": [{"type": "text", "text": '{"name":"Fig",'}, {"type": "text", "text": '"seeds":9}'}]},
        {"content": FIG},
        {"content": None, "function_call": {"name": "Fruit", "arguments": '{"name":"Fig","seeds":9}'}},
        {"content": None, "tool_calls": {"function": {"name": "Fruit", "arguments": FIG}}},
        {"content": "", "tool_calls": [{"name": "Fruit", "arguments": FIG}]},
        {"content": "", "tool_calls": [{"function": {"name": "Fruit", "parameters": FIG}}]},
        {"content": "I call:", "tool_calls": [{"function": None}, {"function": {"arguments": FIG}}]},
        {"content": "", "reasoning_content": '{"name":"Fig","seeds":9}'},
        {"content": None, "reasoning": 'So:\n```json\n{"name":"Fig","seeds":9}\n```'},
    ],
)
async def test_an_answer_is_read_wherever_it_stands(message: dict[str, Any]) -> None:
    body = completion(message=message)
    if message.get("role", "") is None:
        del body["choices"][0]["message"]["role"]
    async with answering(body) as (asked, url), chat(_openai(url), MemoryLink()) as asking:
        assert await asking.ask(question()) == Fruit(name="Fig", seeds=9)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 20.5, "completion_tokens": 7.0, "total_tokens": 27.5}, 28),
        ({"prompt_tokens": "20", "completion_tokens": "7"}, 27),
        ({"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": -1}, 27),
        ({"prompt_tokens": None, "completion_tokens": None, "total_tokens": 27}, 27),
        ({"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 2**70}, 27),
        ({"prompt_tokens": 20, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 99}}, 27),
        ({"prompt_tokens": -20, "completion_tokens": -7, "total_tokens": -27}, None),
        ({"prompt_tokens": 2**64, "completion_tokens": 2**64, "total_tokens": 2**65}, None),
        ({"prompt_tokens": "many", "total_tokens": []}, None),
        ({"total_tokens": 0}, None),
        ({}, None),
        (None, None),
        ("27", None),
        ([27], None),
    ],
)
async def test_a_wrong_usage_is_read_as_far_as_it_goes_else_estimated_and_told_once(
    usage: Any, tokens: int | None
) -> None:
    estimate = (len("Answer.Which fruit?") + len('{"name":"Fig","seeds":9}')) // 4 + 1
    body = completion(usage=usage)
    with capture_logs() as logs:
        async with answering(body) as (_, url), chat(_openai(url), MemoryLink()) as asking:
            await asking.ask(question())
            assert asking.tokens_used == (tokens or estimate)
            await asking.ask(question("Which pear?"))
    assert [line["event"] for line in logs] == ([] if tokens else ["llm.usage_estimated"])


@pytest.mark.parametrize("usage", [None, {"total_tokens": -5}, {"total_tokens": 2**80}])
async def test_the_token_ceiling_holds_where_no_tokens_are_told(usage: Any) -> None:
    async with (
        answering(completion(usage=usage)) as (asked, url),
        chat(_openai(url), MemoryLink(), max_tokens=20) as asking,
    ):
        await asking.ask(question())
        await asking.ask(question("Which pear?"))
        with pytest.raises(LimitReached):
            await asking.ask(question("Which plum?"))
    assert len(asked) == 2


async def test_extra_parameters_and_headers_go_out_and_stay_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"chat_template_kwargs": {"enable_thinking": False}, "max_tokens": 9}
    monkeypatch.setenv("LLM_EXTRA_HEADERS", '{"X-Gate": "hush-hush", "Authorization": "Basic abc"}')
    headers = {"X-Gate": "hush-hush", "Authorization": "Basic abc"}
    model = lambda url: providers.openai(  # noqa: E731
        "openai:m", "m", api_key="sk-1", base_url=url, timeout=5, extra_body=extra, extra_headers=headers
    )
    async with answering({"error": "not with hush-hush"}, 403) as (asked, url):
        with pytest.raises(LlmMisconfigured, match=r"not with \[key\]"):
            await model(url).ask(ASKED, Fruit, trace={})
        assert "hush" not in repr(model(url)._client)
        assert "hush" not in json.dumps(dumpd(model(url)._client))
    body = await asked[0].json()
    assert (body["chat_template_kwargs"], body["max_tokens"]) == (extra["chat_template_kwargs"], 9)
    assert body["response_format"]["type"] == "json_schema"
    assert (asked[0].headers["x-gate"], asked[0].headers["authorization"]) == ("hush-hush", "Basic abc")


async def test_a_graph_whose_messages_are_watched_asks_as_any_other() -> None:
    """As LangGraph Studio watches: LangChain would stream by a way of its own, without what an endpoint needs."""
    async with answering(completion()) as (asked, url):
        model = providers.openai(
            "openai:m", "m", api_key="sk-1", base_url=url, timeout=5, extra_body={"top_k": 1}, extra_headers={"X-Gate": "a"}
        )  # fmt: skip

        async def ask(_: dict[str, Any]) -> dict[str, Any]:
            return {"answer": (await model.ask(ASKED, Fruit, trace={})).text}

        whole: Any = StateGraph(dict).add_node("ask", ask).add_edge(START, "ask").compile()
        assert [part async for part in whole.astream({}, stream_mode=["messages", "values"])]
    body = await asked[0].json()
    assert (body["top_k"], asked[0].headers["x-gate"]) == (1, "a")
    assert not body["stream"]


class Unsendable(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [object()]})

    name: str


class Formless(BaseModel):
    asked: Callable[[], None]


@pytest.mark.parametrize(
    ("messages", "schema", "error"),
    [
        ((Message("system", 5),), Fruit, ValueError),  # type: ignore[arg-type]
        ((Message("nobody", "x"),), Fruit, KeyError),  # type: ignore[arg-type]
        (ASKED, Formless, PydanticInvalidForJsonSchema),
        (ASKED, Unsendable, TypeError),
    ],
    ids=["content", "role", "form", "body"],
)
async def test_a_fault_of_ours_on_the_way_to_the_provider_is_raised_as_it_is(
    messages: Sequence[Message], schema: type[BaseModel], error: type[Exception]
) -> None:
    async with running(Behaviour(script=_fig)) as (server, url):
        with pytest.raises(error):
            await _openai(url).ask(messages, schema, trace={})
    assert server.asks == []


async def test_nobody_there_is_no_answer() -> None:
    with pytest.raises(LlmUnavailable):
        await _reply("http://127.0.0.1:9/v1")


@pytest.mark.parametrize(("kind", "words"), [("refusal", "refused"), ("filter", "content filter")])
async def test_a_declined_answer_is_an_answer(kind: str, words: str) -> None:
    async with running(Behaviour(script=lambda _: Fault(kind=kind))) as (_, url):
        reply = await _reply(url)
    assert words in reply.declined


async def test_an_answer_cut_at_its_length_keeps_its_text_and_tokens() -> None:
    fault = {"length": 1.0}
    async with running(Behaviour(script=_fig, faults=fault)) as (_, url):
        reply = await _reply(url)
    assert reply.text == '{"name":"Fig","s'
    assert reply.tokens > 0


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"api_key": "another"}, "rejects the key"),
        ({"models": frozenset({"gpt-x"})}, "does not know the model"),
    ],
)
async def test_a_wrong_key_or_model_is_named_without_the_key(behaviour: dict[str, Any], words: str) -> None:
    async with running(Behaviour(script=_fig, **behaviour)) as (_, url):
        with pytest.raises(LlmMisconfigured, match=words) as ended:
            await _reply(url, key="sk-secret-123")
    assert "secret" not in str(ended.value)


@pytest.mark.parametrize("forms", [{"json_schema"}, {"tools"}, {"json_object"}, {"tools", "json_object"}])
async def test_the_form_an_endpoint_knows_is_found_once_and_remembered(forms: set[str]) -> None:
    async with running(Behaviour(script=_fig, forms=frozenset(forms))) as (server, url):
        model = _openai(url)
        replies = [await model.ask(ASKED, Fruit, trace={}) for _ in range(3)]
    assert {reply.text.replace(" ", "") for reply in replies} == {'{"name":"Fig","seeds":9}'}
    assert len(server.asks) == 3
    assert server.rejected == _weaker_forms_tried(forms)


def _weaker_forms_tried(forms: set[str]) -> int:
    return min(("json_schema", "tools", "json_object").index(form) for form in forms)


async def test_json_mode_puts_the_schema_into_the_question() -> None:
    async with running(Behaviour(script=_fig, forms=frozenset({"json_object"}))) as (server, url):
        await _reply(url)
    assert '"additionalProperties":false' in server.asks[0].messages[0]["content"]


async def test_many_first_calls_at_once_find_the_form_together() -> None:
    async with running(Behaviour(script=_fig, forms=frozenset({"json_object"}))) as (_, url):
        model = _openai(url)
        replies = await asyncio.gather(*(model.ask(ASKED, Fruit, trace={}) for _ in range(8)))
    assert {reply.text for reply in replies} == {'{"name":"Fig","seeds":9}'}


async def test_a_rejected_question_ends_the_run_only_if_none_was_ever_answered() -> None:
    rejects = lambda ask: Fault(kind="400") if "bad" in ask.text else FIG  # noqa: E731
    bad = (ASKED[0], Message("user", "bad"))
    async with running(Behaviour(script=rejects)) as (_, url):
        model = _openai(url)
        with pytest.raises(LlmMisconfigured):
            await model.ask(bad, Fruit, trace={})
        await model.ask(ASKED, Fruit, trace={})
        assert "rejected" in (await model.ask(bad, Fruit, trace={})).declined


async def test_a_cancelled_call_is_closed_at_the_provider() -> None:
    async with running(Behaviour(script=lambda _: Fault(kind="timeout"))) as (server, url):
        call = asyncio.create_task(_reply(url))
        await server.arrived.wait()
        call.cancel()
        await asyncio.wait([call])
        async with asyncio.timeout(30):
            await server.left.wait()


@pytest.mark.parametrize("kind", ["truncated", "types", "empty", "prose", "fenced", "length"])
async def test_every_spoiled_first_answer_is_repaired_or_read(kind: str) -> None:
    class Once(Behaviour):
        def fault(self, ask: Ask) -> Fault | None:
            return Fault(kind=kind) if len(server.asks) == 1 else None

    async with running(Once(script=_fig)) as (server, url), chat(_openai(url), MemoryLink()) as asking:
        assert await asking.ask(question()) == Fruit(name="Fig", seeds=9)
    assert len(server.asks) == (1 if kind in ("prose", "fenced") else 2)


async def test_throttled_calls_lower_the_bound_and_all_are_answered() -> None:
    class Strict(Behaviour):
        def fault(self, ask: Ask) -> Fault | None:
            return Fault(kind="429", wait="0.05") if server.open > 4 else None

    behaviour = Strict(script=_fig, p50=0.02, p95=0.03)
    async with running(behaviour) as (server, url):
        models = ProcessLanguageModels(
            _openai(url), _openai(url), concurrency=16, timeout=5, metrics=Metrics()
        )
        allowance = Allowance(step_seconds=20)
        async with models.chat(job_id="j", link=MemoryLink(), recalled=[], allowance=allowance) as asking:
            answers = await asyncio.gather(*(asking.ask(question(str(n))) for n in range(60)))
        assert answers == [Fruit(name="Fig", seeds=9)] * 60
        assert models.concurrency.allowed < 16


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, ""),
        ({"key": "sk-wrong"}, "rejects the key"),
        ({"model": "gpt-nil"}, "does not know the model"),
        ({"path": "/elsewhere"}, "the address is wrong"),
        ({"port": 9}, "Connection error. (127.0.0.1:9: Connect"),
    ],
    ids=["nothing", "key", "model", "path", "port"],
)
async def test_check_says_what_is_wrong(wrong: dict[str, Any], words: str) -> None:
    served = Behaviour(script=_fig, api_key="sk-right", models=frozenset({"test-model"}))
    async with running(served) as (_, url):
        address = f"http://127.0.0.1:{wrong['port']}/v1" if "port" in wrong else url + wrong.get("path", "")
        model = _openai(address, model=wrong.get("model", "test-model"), key=wrong.get("key", "sk-right"))
        problem = (
            await ProcessLanguageModels(model, model, concurrency=1, timeout=5, metrics=Metrics()).check()
        ).problem
    assert words in problem
    assert bool(problem) is bool(wrong)
    assert "sk-" not in problem


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 60.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_spellings(headers: dict[str, str], expected: float | None) -> None:
    error = Exception()
    error.response = SimpleNamespace(headers=headers)  # type: ignore[attr-defined]
    assert retry_after(error, now=lambda: 0.0) == expected


@pytest.mark.parametrize(
    ("provider", "package"),
    [
        ("cohere", r"'langchain-cohere>=0\.6' 'langchain<2,>=1\.4'"),
        ("bedrock_converse", r"'langchain-aws<2,>=1\.9' 'langchain<2,>=1\.4'"),
    ],
)
def test_a_provider_that_is_not_installed_names_the_command(provider: str, package: str) -> None:
    with pytest.raises(providers.MissingProvider, match=rf"pip install {package}$"):
        providers.other(f"{provider}:model", provider, "model", "", timeout=1)


def test_every_provider_that_can_be_named_has_an_extra() -> None:
    extras = {
        extra.replace("-", "_") for extra in metadata("eventstorming-generator").get_all("Provides-Extra")
    }
    shared = {"anthropic_bedrock", "bedrock_converse", "google_anthropic_vertex"}
    assert PROVIDERS - shared - {"openai", "offline"} <= extras
