"""Twelve endpoints that speak OpenAI's chat completions, each with its own oddities, as stand-ins over HTTP.

What each does is what its documentation, its source or its users' reports say (docs/language-models.md). A stand-in answers
`Which fruit?` with a fig. One that does not heed a form answers in another form until the schema stands in the question.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workbench.openai_server import listening

JSON = dict[str, Any]
Form = Literal["json_schema", "tools", "json_object", "prompt"]
KEY = "sk-right-key"
MODEL = "fruit-model"
FIG = {"name": "Fig", "seeds": 9}
DRAFT = {"name": "Rejected", "seeds": 1}
THOUGHTS = f"Perhaps {{this}}: {json.dumps(DRAFT)}. No, that is wrong { {'a': 1} }."
OTHER_FORM = {"fruit": {"kind": "Fig"}, "number_of_seeds": "nine"}


_ADDRESSES = itertools.count()


@dataclass(frozen=True, slots=True)
class Said:
    """One answer over HTTP: status and body; a text goes out as text."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        if isinstance(self.body, str):
            return Response(self.body, self.status, headers=dict(self.headers), media_type="text/plain")
        return JSONResponse(self.body, self.status, headers=dict(self.headers))


def openai_error(status: int, message: str, code: str | None = None, **more: Any) -> Said:
    return Said(
        status,
        {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code, **more}},
    )


WRONG_KEY = openai_error(401, "Incorrect API key provided.", "invalid_api_key")
NO_MODEL = openai_error(404, f"The model `{MODEL}` does not exist", "model_not_found")
BUSY = openai_error(429, "Rate limit reached", "rate_limit_exceeded")
TOO_LONG = openai_error(400, "maximum context length is 9 tokens", "context_length_exceeded")


def flat_error(status: int, message: str, kind: str = "BadRequestError") -> Said:
    return Said(status, {"object": "error", "message": message, "type": kind, "param": None, "code": status})


def google_error(status: int, name: str, message: str) -> Said:
    return Said(status, [{"error": {"code": status, "message": message, "status": name}}])


def mistral_refusal(form: Form) -> Said:
    member = "tools" if form == "tools" else "response_format"
    detail = [{"type": "extra_forbidden", "loc": ["body", member], "msg": "Extra inputs are not permitted"}]
    return Said(
        422,
        {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error", "code": None},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How one kind of endpoint behaves on the wire. `heeds`: forms it keeps to; `ignores`: accepts without keeping to them;
    the rest it refuses."""

    name: str
    heeds: frozenset[Form] = frozenset({"json_schema", "tools", "json_object"})
    ignores: frozenset[Form] = frozenset()
    refusal: Callable[[Form], Said] = lambda form: openai_error(400, f"'{form}' is not supported.")
    key: Said = WRONG_KEY
    model: Said = NO_MODEL
    busy: Said = BUSY
    long: Said = TOO_LONG
    thoughts: Literal["reasoning_content", "reasoning", "inside", "parts"] = "inside"
    tags: tuple[str, str] = ("<think>", "</think>")
    arguments: Literal["text", "object"] = "text"
    cut: str = "length"
    asks: tuple[Form, ...] = ("json_schema",)
    """The forms that one question is asked in, the last of them for good."""

    @property
    def misses(self) -> int:
        """Answers that break the form before it is learned that it is not heeded."""
        return int(self.asks[-1] in self.ignores)


ENDPOINTS = [
    Endpoint(name="OpenAI"),
    Endpoint(
        name="Azure",
        key=Said(
            401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}
        ),
        model=Said(
            404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}
        ),
        busy=Said(429, {"error": {"code": "429", "message": "Rate limit is exceeded. Try again in 7 s."}}),
    ),
    Endpoint(
        name="vLLM",
        key=Said(401, {"error": "Unauthorized"}),
        model=flat_error(404, f"The model `{MODEL}` does not exist.", "NotFoundError"),
        busy=flat_error(429, "Too many requests", "RateLimitError"),
        long=flat_error(400, "This model's maximum context length is 9 tokens. You requested 20."),
        refusal=lambda _: flat_error(400, "The provided JSON schema contains features not supported"),
        thoughts="reasoning",
    ),
    Endpoint(
        name="SGLang",
        key=Said(401, {"error": "Unauthorized"}),
        model=flat_error(404, f"Model '{MODEL}' not found"),
        busy=flat_error(429, "The server is overloaded", "RateLimitError"),
        long=flat_error(400, "The input (20 tokens) is longer than the model's context length (9 tokens)."),
        tags=("◁think▷", "◁/think▷"),
    ),
    Endpoint(
        name="Ollama",
        ignores=frozenset({"json_schema"}),
        heeds=frozenset({"tools", "json_object"}),
        key=Said(401, {"error": "unauthorized"}),
        model=openai_error(404, f'model "{MODEL}" not found, try pulling it first', type="api_error"),
        busy=Said(429, {"error": {"message": "too many concurrent requests", "type": "api_error"}}),
        thoughts="reasoning",
    ),
    Endpoint(
        name="LM Studio",
        heeds=frozenset({"json_schema"}),
        refusal=lambda _: Said(400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}),
        key=Said(401, {"error": "Invalid API token"}),
        model=Said(404, {"error": f"Model '{MODEL}' not found"}),
        busy=Said(429, {"error": "Too many requests"}),
        long=Said(
            400,
            {
                "error": "The number of tokens to keep from the initial prompt is greater than the context length"
            },
        ),
        thoughts="reasoning_content",
    ),
    Endpoint(
        name="TGI",
        heeds=frozenset({"tools"}),
        refusal=lambda _: Said(
            422, "Failed to deserialize the JSON body: response_format: unknown variant `json_schema`"
        ),
        key=Said(401, {"error": "Unauthorized"}),
        model=Said(404, {"error": f"Model {MODEL} is not served here", "error_type": "not_found"}),
        busy=Said(429, {"error": "Model is overloaded", "error_type": "overloaded"}),
        long=Said(
            422,
            {
                "error": "Input validation error: `inputs` must have less than 9 tokens. Given: 20",
                "error_type": "validation",
            },
        ),
        arguments="object",
        asks=("json_schema", "tools"),
    ),
    Endpoint(
        name="LiteLLM",
        heeds=frozenset(),
        refusal=lambda form: openai_error(
            400, f"litellm.UnsupportedParamsError: does not support parameters: ['{form}']", "400"
        ),
        key=openai_error(
            401, "Authentication Error, Invalid proxy server token passed", "401", type="auth_error"
        ),
        model=openai_error(400, f"Invalid model name passed in model={MODEL}", "400"),
        busy=openai_error(429, "litellm.RateLimitError: try again", "429", type="throttling_error"),
        long=openai_error(400, "litellm.ContextWindowExceededError: too long", "400"),
        thoughts="reasoning_content",
        asks=("json_schema", "tools", "json_object", "prompt"),
    ),
    Endpoint(
        name="OpenRouter",
        heeds=frozenset({"json_object"}),
        refusal=lambda _: Said(
            404,
            {
                "error": {
                    "message": "No endpoints found that can handle the requested parameters.",
                    "code": 404,
                }
            },
        ),
        key=Said(200, {"error": {"message": "No auth credentials found", "code": 401}}),
        model=Said(400, {"error": {"message": f"{MODEL} is not a valid model ID", "code": 400}}),
        busy=Said(200, {"error": {"message": "Provider returned error", "code": 429}}),
        long=Said(200, {"error": {"message": "maximum context length is 9 tokens", "code": 400}}),
        thoughts="reasoning",
        asks=("json_schema", "tools", "json_object"),
    ),
    Endpoint(
        name="Mistral",
        heeds=frozenset({"json_object"}),
        refusal=mistral_refusal,
        key=Said(401, {"detail": "Unauthorized"}),
        model=Said(
            400,
            {
                "object": "error",
                "message": f"Invalid model: {MODEL}",
                "type": "invalid_model",
                "code": "1500",
            },
        ),
        busy=Said(
            429, {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"}
        ),
        long=Said(
            400,
            {
                "object": "error",
                "message": "Prompt contains 20 tokens, too large for model with 9 maximum context length",
            },
        ),
        thoughts="parts",
        cut="model_length",
        asks=("json_schema", "tools", "json_object"),
    ),
    Endpoint(
        name="Gemini",
        key=google_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        model=google_error(404, "NOT_FOUND", f"models/{MODEL} is not found for API version v1main"),
        busy=google_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for requests per minute"),
        long=google_error(
            400, "INVALID_ARGUMENT", "The input token count exceeds the maximum number of tokens allowed (9)."
        ),
        refusal=lambda _: google_error(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
        heeds=frozenset({"tools", "json_object"}),
        asks=("json_schema", "tools"),
    ),
    Endpoint(
        name="Claude",
        heeds=frozenset(),
        ignores=frozenset({"json_schema", "json_object"}),
        key=openai_error(401, "invalid x-api-key", "authentication_error", type="authentication_error"),
        model=openai_error(404, f"model: {MODEL}", "not_found_error", type="not_found_error"),
        busy=openai_error(
            429, "Number of requests has exceeded", "rate_limit_error", type="rate_limit_error"
        ),
        long=openai_error(400, "prompt is too long: 20 tokens > 9 maximum", "invalid_request_error"),
    ),
]


@dataclass(slots=True)
class StandIn:
    """One endpoint, serving. `kind` says what it does with a question: a part of the endpoint by name, or good, thinks (with
    a draft in the thoughts), ponders (thoughts alone), cut, empty, refuses (every form)."""

    endpoint: Endpoint
    kind: str = "good"
    asked: list[Form] = field(default_factory=list)
    bodies: list[JSON] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        form = form_of(body)
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        self.asked.append(form)
        if self.kind in ("key", "model", "busy", "long"):
            said: Said = getattr(self.endpoint, self.kind)
            return said.response()
        if self.kind == "refuses" or form not in self.endpoint.heeds | self.endpoint.ignores | {"prompt"}:
            return self.endpoint.refusal(form).response()
        return JSONResponse(self._completion(body, form))

    def _completion(self, body: JSON, form: Form) -> JSON:
        heeded = form in self.endpoint.heeds or '"seeds"' in json.dumps(body["messages"]).replace("\\", "")
        text = json.dumps(FIG if heeded else OTHER_FORM)
        message, finish = self._message(text, form)
        usage = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return {"id": "1", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}

    def _message(self, text: str, form: Form) -> tuple[JSON, str]:
        if self.kind == "empty":
            return {"role": "assistant", "content": None}, "stop"
        if self.kind == "cut":
            return {"role": "assistant", "content": text[:12]}, self.endpoint.cut
        if self.kind in ("thinks", "ponders"):
            return {"role": "assistant", **self._thinking("" if self.kind == "ponders" else text)}, "stop"
        if form == "tools":
            arguments = json.loads(text) if self.endpoint.arguments == "object" else text
            call = {"id": "1", "type": "function", "function": {"name": "Fruit", "arguments": arguments}}
            return {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
        return {"role": "assistant", "content": text}, "stop"

    def _thinking(self, text: str) -> JSON:
        match self.endpoint.thoughts:
            case "inside":
                begin, end = self.endpoint.tags
                return {"content": f"{begin}{THOUGHTS}{end}{text}"}
            case "parts":
                thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHTS}]}
                return {"content": [thinking, *([{"type": "text", "text": text}] if text else ())]}
            case member:
                return {"content": text or None, member: THOUGHTS}


def form_of(body: JSON) -> Form:
    """In which form a request asks."""
    if body.get("tools"):
        return "tools"
    kind: Form = (body.get("response_format") or {}).get("type", "prompt")
    return kind


@asynccontextmanager
async def serving(endpoint: Endpoint, kind: str = "good") -> AsyncIterator[tuple[StandIn, str]]:
    """The stand-in and its base URL."""
    stand_in = StandIn(endpoint, kind)
    of_its_own = next(_ADDRESSES)  # LangChain keeps the connections of an address, whoever listens there next
    routes = [Route(f"/{of_its_own}/chat/completions", stand_in.complete, methods=["POST"])]
    async with listening(Starlette(routes=routes), 0) as port:
        yield stand_in, f"http://127.0.0.1:{port}/{of_its_own}"
