"""An OpenAI-compatible chat completions server over real HTTP: scripted or embedded answers, latencies, faults, a log.

    python -m workbench.openai_server --port 0 --log calls.jsonl --p50 1 --p95 4 --seed 7 --fault 429=0.05 --fault prose=0.1

answers like the embedded language model. Faults by share of asks: 400, 429, 500, cut, timeout, truncated, types, empty, refusal,
prose, fenced, length, filter, nonjson, and content gone wrong while its form holds: names, duplicates, emptied, huge; or mutated:
anything of these, at random. What it does with a request depends on the seed, the request and how often it came,
never on the order of arrival. The log is append-only JSON lines: `ask`, then `answer`, `fault` or `gone` (client left).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import os
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from process import health
from workbench.mutations import mutated

JSON = dict[str, Any]
ALL_FORMS = frozenset({"json_schema", "tools", "json_object"})
HTTP_FAULTS = frozenset({"400", "429", "500", "cut", "timeout", "nonjson"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, as a script sees it. `nth` counts requests with the same hash from 1."""

    schema: str
    messages: Sequence[JSON]
    body: JSON
    hash: str
    nth: int

    @property
    def text(self) -> str:
        return "\n".join(str(message["content"]) for message in self.messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with one ask. `wait` is Retry-After in seconds for 429 and 500."""

    kind: str
    wait: str | None = None


Script = Callable[[Ask], "JSON | str | Fault"]


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """How the server answers."""

    script: Script
    seed: int = 0
    p50: float = 0.0
    p95: float = 0.0
    faults: Mapping[str, float] = field(default_factory=dict)
    retry_after: str | None = "1"
    forms: frozenset[str] = ALL_FORMS
    api_key: str | None = None
    models: frozenset[str] | None = None
    log: str | None = None
    hold: tuple[str, str] | None = None  # answers of this schema wait until this file exists

    def latency(self, ask: Ask) -> float:
        """Log-normal, from the seed and the request."""
        if not self.p50:
            return 0.0
        rng = random.Random(f"{self.seed}/latency/{ask.hash}/{ask.nth}")
        sigma = math.log(max(self.p95, self.p50) / self.p50) / 1.645
        return rng.lognormvariate(math.log(self.p50), sigma)

    def fault(self, ask: Ask) -> Fault | None:
        """By share, from the seed and the request."""
        draw = random.Random(f"{self.seed}/fault/{ask.hash}/{ask.nth}").random()
        for kind, share in sorted(self.faults.items()):
            if draw < share:
                return Fault(kind=kind, wait=self.retry_after if kind == "429" else None)
            draw -= share
        return None


class OpenAIServer:
    """The application; counts what it was asked."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.asks: list[Ask] = []
        self.open = 0
        self.most_open = 0
        self.answered = 0
        self.gone = 0
        self.rejected = 0
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()
        self._counts: Counter[str] = Counter()
        self._log = (
            os.open(behaviour.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if behaviour.log else None
        )

    def application(self) -> Starlette:
        """Routes with and without /v1."""
        routes = [
            Route(f"{prefix}/{path}", answer, methods=[method])
            for prefix in ("/v1", "")
            for path, answer, method in (
                ("chat/completions", self.complete, "POST"),
                ("models", self.list_models, "GET"),
            )
        ]
        return Starlette(routes=routes)

    async def list_models(self, _: Request) -> Response:
        names = sorted(self.behaviour.models or {"test-model"})
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        if problem := self._rejected(request, body):
            self.rejected += 1
            return problem
        ask = self._taken(body)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            return await self._answer(ask, request)
        except asyncio.CancelledError:
            self._gone(ask)
            raise
        finally:
            self.open -= 1

    def _taken(self, body: JSON) -> Ask:
        hashed = ask_hash(body)
        self._counts[hashed] += 1
        schema = schema_name(body)
        ask = Ask(schema=schema, messages=body["messages"], body=body, hash=hashed, nth=self._counts[hashed])
        self.asks.append(ask)
        self.arrived.set()
        chars = sum(len(str(message["content"])) for message in ask.messages)
        self._write("ask", ask, turns=len(ask.messages), prompt_chars=chars, model=body.get("model"))
        return ask

    async def _answer(self, ask: Ask, request: Request) -> Response:
        fault = self.behaviour.fault(ask)
        content = fault or self.behaviour.script(ask)
        if not await self._waited(self.behaviour.latency(ask), request) or not await self._let_go(
            ask, request
        ):
            return self._gone(ask)
        if isinstance(content, Fault):
            self._write("fault", ask, kind=content.kind)
            return await self._faulty(ask, content, request)
        self.answered += 1
        response = _completion(ask, content if isinstance(content, str) else dumps(content))
        self._write("answer", ask, tokens=_usage(ask, response))
        return response

    async def _faulty(self, ask: Ask, fault: Fault, request: Request) -> Response:
        if fault.kind in HTTP_FAULTS:
            return await self._broken(fault, ask, request)
        if fault.kind == "refusal":
            return _completion(ask, "", refusal="I cannot help with that.")
        if fault.kind == "filter":
            return _completion(ask, "", finish="content_filter")
        good = self.behaviour.script(ask)
        text = good if isinstance(good, str) else dumps(good) if isinstance(good, dict) else "{}"
        rng = random.Random(f"{self.behaviour.seed}/mutation/{ask.hash}/{ask.nth}")
        wrong = mutated(text, rng) if fault.kind == "mutated" else spoiled(fault.kind, text)
        return _completion(
            ask,
            wrong.encode("utf-8", "replace").decode(),
            finish="length" if fault.kind == "length" else "stop",
        )

    async def _broken(self, fault: Fault, ask: Ask, request: Request) -> Response:
        if fault.kind == "timeout":
            await self._waited(3600.0, request)
            return self._gone(ask)
        if fault.kind == "cut":
            return StreamingResponse(
                _cut(), media_type="application/json", headers={"content-length": "5000"}
            )
        if fault.kind == "nonjson":
            return Response("<html>gateway</html>", media_type="text/html")
        status = int(fault.kind)
        headers = {"retry-after": fault.wait} if fault.wait else {}
        return _error(
            status, "rate_limit_exceeded" if status == 429 else "server_error", "try later", headers
        )

    async def _waited(self, seconds: float, request: Request) -> bool:
        """False when the client has left meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.1))
            if await request.is_disconnected():
                return False
        return True

    async def _let_go(self, ask: Ask, request: Request) -> bool:
        """Waits while answers of its schema are held; false when the client has left meanwhile."""
        schema, gate = self.behaviour.hold or ("", "")
        while schema and schema == ask.schema and not os.path.exists(gate):  # noqa: ASYNC240 - a local stat
            if not await self._waited(0.05, request):
                return False
        return True

    def _gone(self, ask: Ask) -> Response:
        self.gone += 1
        self.left.set()
        self._write("gone", ask)
        return Response(status_code=499)

    def _rejected(self, request: Request, body: JSON) -> Response | None:
        behaviour = self.behaviour
        if behaviour.api_key and request.headers.get("authorization") != f"Bearer {behaviour.api_key}":
            return _error(401, "invalid_api_key", "Incorrect API key provided.")
        if behaviour.models is not None and body.get("model") not in behaviour.models:
            return _error(404, "model_not_found", f"The model `{body.get('model')}` does not exist")
        if problem := form_problem(body, behaviour.forms):
            return _error(400, "invalid_request_error", problem)
        return None

    def _write(self, event: str, ask: Ask, **more: Any) -> None:
        if self._log is not None:
            line = {
                "time": time.time(),
                "event": event,
                "hash": ask.hash,
                "nth": ask.nth,
                "schema": ask.schema,
                **more,
            }
            os.write(self._log, (dumps(line) + "\n").encode())


def ask_hash(body: JSON) -> str:
    """Hash of model, schema name and messages."""
    return hashlib.sha256(
        dumps([body.get("model"), schema_name(body), body["messages"]]).encode()
    ).hexdigest()


def schema_name(body: JSON) -> str:
    """Name of the schema or tool asked for; empty in json mode."""
    if body.get("tools"):
        return str(body["tools"][0]["function"]["name"])
    return str((body.get("response_format") or {}).get("json_schema", {}).get("name", ""))


def form_problem(body: JSON, forms: frozenset[str] = ALL_FORMS) -> str:
    """Why a request's form is rejected, in OpenAI's words; empty if it is not."""
    response_format = body.get("response_format") or {}
    kind = response_format.get("type")
    if kind in ("json_schema", "json_object") and kind not in forms:
        return f"Invalid parameter: 'response_format' of type '{kind}' is not supported with this model."
    if body.get("tools") and "tools" not in forms:
        return "tools are not supported with this model"
    if kind == "json_object" and "json" not in dumps(body["messages"]).lower():
        return "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    described = response_format.get("json_schema") or {}
    strict = kind == "json_schema" and described.get("strict")
    problem = next(strict_problems(described["schema"]), "") if strict else ""
    return problem and f"Invalid schema for response_format '{described.get('name')}': {problem}"


_ALLOWED = {
    *(
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "$ref",
        "$defs",
    ),
    *(
        "title",
        "description",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
    ),
    *("multipleOf", "minItems", "maxItems"),
}


def strict_problems(schema: JSON) -> Iterator[str]:
    """What OpenAI's strict structured outputs do not accept in a JSON schema."""
    if schema.get("type") != "object":
        yield "schema must be a JSON Schema of 'type: \"object\"'"
    total = 0
    for path, node, depth in _nodes(schema, (), 1):
        total += len(node.get("properties", {}))
        yield from _node_problems(path, node)
        if depth > 10:
            yield f"In context={path}, nesting is deeper than 10 levels"
    if total > 5000:
        yield "more than 5000 object properties"


def _node_problems(path: tuple[str, ...], node: JSON) -> Iterator[str]:
    for keyword in sorted(node.keys() - _ALLOWED):
        yield f"In context={path}, '{keyword}' is not permitted."
    if node.get("type") == "object" or "properties" in node:
        if node.get("additionalProperties") is not False:
            yield f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
        if missing := sorted(set(node.get("properties", {})) - set(node.get("required", []))):
            yield f"In context={path}, 'required' is required to include every key in properties. Missing '{missing[0]}'."
    if "$ref" in node and len(node) > 1:
        yield f"In context={path}, $ref cannot have other keywords."
    if node.get("type") == "array" and "items" not in node:
        yield f"In context={path}, array schema missing items."


def _nodes(node: JSON, path: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], JSON, int]]:
    yield path, node, depth
    for name, child in node.get("$defs", {}).items():
        yield from _nodes(child, (*path, "$defs", name), 1)
    for name, child in node.get("properties", {}).items():
        yield from _nodes(child, (*path, "properties", name), depth + 1)
    for index, child in enumerate(node.get("anyOf", [])):
        yield from _nodes(child, (*path, "anyOf", str(index)), depth)
    if isinstance(node.get("items"), dict):
        yield from _nodes(node["items"], (*path, "items"), depth)


def spoiled(kind: str, text: str) -> str:
    """A good answer gone wrong."""
    if kind in ("truncated", "length"):
        return text[: max(1, len(text) * 2 // 3)]
    if kind == "prose":
        return f"Of course! Here it is:\n\n{text}\n\nLet me know if you need anything else."
    if kind == "fenced":
        return f"```json\n{text}\n```"
    if kind in _CONTENTS:
        return dumps(_CONTENTS[kind](json.loads(text)))
    return ""


def _other_types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _other_types(item) for key, item in value.items()}
    return [] if isinstance(value, str) else "twelve"


def _names(value: Any) -> Any:
    """Every name means something else."""
    if isinstance(value, dict):
        wrong = {
            key
            for key in value
            if key in ("name", "aggregate", "context", "command", "event", "owner", "trigger")
        }
        return {key: f"other {item}" if key in wrong else _names(item) for key, item in value.items()}
    return [_names(item) for item in value] if isinstance(value, list) else value


def _each_list(change: Callable[[list[Any]], list[Any]]) -> Callable[[Any], Any]:
    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: changed(item) for key, item in value.items()}
        return change([changed(item) for item in value]) if isinstance(value, list) else value

    return changed


_CONTENTS: Mapping[str, Callable[[Any], Any]] = {
    "types": _other_types,
    "names": _names,
    "duplicates": _each_list(lambda items: items * 2),
    "emptied": _each_list(lambda _: []),
    "huge": lambda value: {
        key: item * 300 if isinstance(item, list) else item for key, item in value.items()
    },
}


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _completion(ask: Ask, text: str, *, refusal: str | None = None, finish: str = "stop") -> Response:
    message: JSON = {"role": "assistant", "content": None if refusal else text, "refusal": refusal}
    if ask.body.get("tools") and not refusal:
        call = {"id": "call_1", "type": "function", "function": {"name": ask.schema, "arguments": text}}
        message |= {"content": None, "tool_calls": [call]}
        finish = "tool_calls" if finish == "stop" else finish
    prompt, completion = len(ask.text) // 4, len(text) // 4
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    head = {"id": f"chatcmpl-{ask.hash[:12]}", "created": int(time.time()), "model": ask.body.get("model")}
    if ask.body.get("stream"):
        return _streamed(head, message, finish, usage)
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": usage})


def _streamed(head: JSON, message: JSON, finish: str, usage: JSON) -> Response:
    def chunk(delta: JSON, reason: str | None, used: JSON | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        body = {**head, "object": "chat.completion.chunk", "choices": [choice], "usage": used}
        return f"data: {dumps(body)}\n\n"

    async def chunks() -> AsyncIterator[str]:
        for start in range(0, len(text := message["content"] or ""), 40):
            yield chunk({"role": "assistant", "content": text[start : start + 40]}, None)
        yield chunk({}, finish, usage)
        yield "data: [DONE]\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


def _usage(ask: Ask, response: Response) -> int:
    return (
        0
        if isinstance(response, StreamingResponse)
        else int(json.loads(bytes(response.body))["usage"]["total_tokens"])
    )


async def _cut() -> AsyncIterator[bytes]:
    yield b'{"id": "chatcmpl-1", "choices": [{"index": 0, "mess'
    raise ConnectionResetError


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"error": {"message": message, "type": code, "param": None, "code": code}}
    return JSONResponse(body, status_code=status, headers=dict(headers or {}))


# ---------------------------------------------------------------- answers


def embedded() -> Script:
    """Answers like the embedded language model, whatever the form of asking."""
    from devkit.rules.registry import RULES, answer  # only a server that answers so needs it
    from executor.llm.structured import schema_text

    by_name = {schema.__name__: schema for schema in RULES}

    def script(ask: Ask) -> str:
        system, user = (str(message["content"]) for message in ask.messages[:2])
        written = (schema for schema in RULES if schema_text(schema) in system)  # json mode names no schema
        schema = by_name.get(ask.schema) or next(written)
        return answer(schema, user).model_dump_json()

    return script


# ---------------------------------------------------------------- serving


@asynccontextmanager
async def running(behaviour: Behaviour) -> AsyncIterator[tuple[OpenAIServer, str]]:
    """The server and its base URL, on a free port of the loopback."""
    server = OpenAIServer(behaviour)
    async with listening(server.application(), 0) as port:
        yield server, f"http://127.0.0.1:{port}/v1"


@asynccontextmanager
async def listening(application: Starlette, port: int, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serves on the loopback while inside; the value is the port, picked if 0."""
    listener = socket.create_server((host, port), backlog=256)
    config = uvicorn.Config(
        application, log_level="critical", lifespan="off", timeout_graceful_shutdown=0, ws="none"
    )
    http = health.Server(config)
    task = asyncio.create_task(http.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        http.leave()
        await task


async def _main(arguments: argparse.Namespace) -> None:
    faults = {kind: float(share) for kind, _, share in (fault.partition("=") for fault in arguments.fault)}
    behaviour = Behaviour(
        script=embedded(),
        seed=arguments.seed,
        p50=arguments.p50,
        p95=arguments.p95,
        faults=faults,
        retry_after=arguments.retry_after,
        forms=frozenset(arguments.forms.split(",")),
        log=arguments.log,
        hold=tuple(arguments.hold.split("=", 1)) if arguments.hold else None,
    )
    async with listening(OpenAIServer(behaviour).application(), arguments.port, arguments.host) as port:
        print(f"openai server ready port={port}", flush=True)
        await asyncio.Event().wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m workbench.openai_server", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1", help="for callers in another network namespace")
    parser.add_argument("--log", help="append-only JSON lines")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--p50", type=float, default=0.0, help="median latency in seconds")
    parser.add_argument("--p95", type=float, default=0.0)
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=SHARE")
    parser.add_argument("--retry-after", default="1")
    parser.add_argument("--hold", metavar="SCHEMA=FILE", help="its answers wait until the file exists")
    parser.add_argument("--forms", default=",".join(sorted(ALL_FORMS)), help="what the endpoint supports")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(_main(_arguments()))
    except KeyboardInterrupt:
        sys.exit(0)
