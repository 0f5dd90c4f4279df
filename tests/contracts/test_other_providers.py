"""Gemini and Claude through their own packages, against their protocols over real HTTP: answers, tokens, errors, waits.

Runs where the extras are installed (`pip install -e '.[google_genai,anthropic]'`), skipped elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from executor.errors import LlmMisconfigured, LlmUnavailable
from executor.graph.question import Unusable
from executor.llm import providers
from executor.llm.language_model import LanguageModel, Message, Throttled
from executor.llm.language_models import ProcessLanguageModels
from executor.metrics import Metrics
from tests.executor.llm.fakes import Fruit, MemoryLink, chat, question
from workbench.openai_server import listening

JSON = dict[str, Any]
Answer = Callable[[str], Response]
FIG = {"name": "Fig", "seeds": 9}
ASKED = (Message("system", "Answer."), Message("user", "Which fruit?"))


def _gemini(candidate: JSON) -> JSON:
    usage = {"promptTokenCount": 20, "candidatesTokenCount": 7, "totalTokenCount": 27}
    return {"candidates": [{"index": 0, **candidate}], "usageMetadata": usage, "modelVersion": "gemini-test"}


def _claude(content: list[JSON], reason: str) -> JSON:
    usage = {"input_tokens": 20, "output_tokens": 7}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test"}
    return {**head, "content": content, "stop_reason": reason, "stop_sequence": None, "usage": usage}


def _google_error(status: int, name: str, message: str, **more: Any) -> Response:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}] if more else []
    body = {"error": {"code": status, "status": name, "message": message, "details": details}}
    return JSONResponse(body, status_code=status)


def _claude_error(status: int, name: str, message: str, **headers: str) -> Response:
    body = {"type": "error", "error": {"type": name, "message": message}}
    return JSONResponse(body, status_code=status, headers=headers)


@dataclass(slots=True, kw_only=True)
class Provider:
    """How one provider answers on the wire."""

    package: str
    name: str
    model: str
    settings: Callable[[str], dict[str, str]]
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)


def _plain(body: str) -> Response:
    return Response(body, media_type="text/html" if body[0] == "<" else "application/json")


def _text(text: str) -> JSON:
    return {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}


def _tool(value: Any) -> list[JSON]:
    return [{"type": "tool_use", "id": "toolu_1", "name": "Fruit", "input": value}]


GEMINI = Provider(
    package="langchain_google_genai",
    name="google_genai",
    model="gemini-2.5-flash",
    settings=lambda url: {"GOOGLE_API_KEY": "AIza-secret", "GOOGLE_GEMINI_BASE_URL": url},
    answers={
        "good": lambda: JSONResponse(_gemini(_text(json.dumps(FIG)))),
        "broken": lambda: JSONResponse(_gemini(_text('{"name":"Fi'))),
        "refusal": lambda: JSONResponse(_gemini({"finishReason": "SAFETY"})),
        "blocked": lambda: JSONResponse(
            {
                "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
                "usageMetadata": {"promptTokenCount": 20},
            }
        ),
        "429": lambda: _google_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", wait=7),
        "500": lambda: _google_error(500, "INTERNAL", "An internal error has occurred"),
        "503": lambda: _google_error(503, "UNAVAILABLE", "The model is overloaded"),
        "key": lambda: _google_error(
            400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."
        ),
        "model": lambda: _google_error(404, "NOT_FOUND", "models/gemini-nil is not found"),
        "long": lambda: _google_error(
            400, "INVALID_ARGUMENT", "The input token count exceeds the maximum number of tokens allowed (9)."
        ),
    },
)
CLAUDE = Provider(
    package="langchain_anthropic",
    name="anthropic",
    model="claude-sonnet-4-5",
    settings=lambda url: {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": url},
    answers={
        "good": lambda: JSONResponse(_claude(_tool(FIG), "tool_use")),
        "broken": lambda: JSONResponse(_claude(_tool({"name": "Fi"}), "max_tokens")),
        "refusal": lambda: JSONResponse(_claude([], "refusal")),
        "blocked": lambda: JSONResponse(_claude([{"type": "text", "text": "No."}], "refusal")),
        "429": lambda: _claude_error(429, "rate_limit_error", "Too many", **{"retry-after": "7"}),
        "500": lambda: _claude_error(500, "api_error", "Internal server error"),
        "503": lambda: _claude_error(529, "overloaded_error", "Overloaded"),
        "key": lambda: _claude_error(401, "authentication_error", "invalid x-api-key"),
        "model": lambda: _claude_error(404, "not_found_error", "model: claude-nil"),
        "long": lambda: _claude_error(
            400, "invalid_request_error", "prompt is too long: 300000 tokens > 200000 maximum"
        ),
    },
)

pytestmark = pytest.mark.parametrize(
    "provider",
    [
        pytest.param(
            one,
            id=one.name,
            marks=pytest.mark.skipif(not find_spec(one.package), reason=f"without {one.package}"),
        )
        for one in (GEMINI, CLAUDE)
    ],
)


@dataclass(slots=True)
class Served:
    """A language model of the provider, and what reached its server."""

    language_model: LanguageModel
    bodies: list[JSON] = field(default_factory=list)
    script: list[str] = field(default_factory=lambda: ["good"])


@asynccontextmanager
async def served(provider: Provider, monkeypatch: pytest.MonkeyPatch, *script: str) -> AsyncIterator[Served]:
    bodies: list[JSON] = []
    left = list(script)

    async def answer(request: Request) -> Response:
        bodies.append(await request.json())
        kind = left.pop(0) if len(left) > 1 else left[0]
        return provider.answers[kind]() if kind in provider.answers else _plain(kind)

    application = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    async with listening(application, 0) as port:
        for name, value in provider.settings(f"http://127.0.0.1:{port}").items():
            monkeypatch.setenv(name, value)
        name = f"{provider.name}:{provider.model}"
        made = providers.other(name, provider.name, provider.model, "", timeout=10)
        yield Served(made, bodies, left)


async def test_an_answer_has_its_form_and_its_tokens(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(provider, monkeypatch, "good") as there:
        reply = await there.language_model.ask(ASKED, Fruit, trace={})
    assert json.loads(reply.text) == FIG
    assert reply.tokens == 27
    sent = json.dumps(there.bodies[0])
    assert "seeds" in sent, "the schema did not travel"
    assert "Answer." in sent, "the constant part did not travel"


@pytest.mark.parametrize(
    ("kind", "expected"), [("429", Throttled), ("500", LlmUnavailable), ("503", LlmUnavailable)]
)
async def test_no_answer_is_one_call_and_transient(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, kind: str, expected: type[Exception]
) -> None:
    async with served(provider, monkeypatch, kind) as there:
        with pytest.raises(expected) as ended:
            await there.language_model.ask(ASKED, Fruit, trace={})
    assert len(there.bodies) == 1, "a second retry layer"
    assert getattr(ended.value, "retry_after", None) == (7.0 if kind == "429" else None)


@pytest.mark.parametrize("body", ["<html>Come back later", '{"half":'])
async def test_a_success_whose_body_is_no_answer_is_none(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    async with served(provider, monkeypatch, body) as there:
        with pytest.raises(LlmUnavailable):
            await there.language_model.ask(ASKED, Fruit, trace={})


@pytest.mark.parametrize("kind", ["key", "model"])
async def test_a_wrong_key_or_model_is_said_at_once(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    async with served(provider, monkeypatch, kind) as there:
        with pytest.raises(LlmMisconfigured) as ended:
            await there.language_model.ask(ASKED, Fruit, trace={})
        models = ProcessLanguageModels(
            there.language_model, there.language_model, concurrency=1, timeout=5, metrics=Metrics()
        )
        assert (await models.check()).problem
    assert "secret" not in str(ended.value)


@pytest.mark.parametrize("kind", ["refusal", "blocked", "long"])
async def test_a_declined_answer_is_an_answer(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    async with served(provider, monkeypatch, kind) as there:
        reply = await there.language_model.ask(ASKED, Fruit, trace={})
    assert reply.declined


async def test_a_broken_answer_is_repaired(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        served(provider, monkeypatch, "broken", "good") as there,
        chat(there.language_model, MemoryLink()) as asking,
    ):
        assert await asking.ask(question()) == Fruit(**FIG)
    assert len(there.bodies) == 2


async def test_what_stays_broken_is_unusable(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        served(provider, monkeypatch, "broken") as there,
        chat(there.language_model, MemoryLink()) as asking,
    ):
        assert isinstance(await asking.ask(question()), Unusable)
