"""Language models of real providers behind the port, through LangChain. Imports a provider only when it is named.

Retries live in the chat, so every client is built with none of its own. What a provider raises is told apart here, once:
no answer for now, never an answer, or an answer that declines.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import IntEnum
from importlib import import_module
from importlib.metadata import entry_points, requires
from typing import Any, Final

import structlog
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel

from executor.errors import ExecutorError, LlmMisconfigured, LlmUnavailable
from executor.llm.language_model import Message, Reply, Throttled
from executor.llm.structured import schema_text, strict_schema

log = structlog.get_logger("executor.llm")

_TURNS: Final[Mapping[str, Callable[[str], BaseMessage]]] = {
    "system": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}
_EXTRAS: Final = {
    "anthropic_bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "google_anthropic_vertex": "google_vertexai",
}
"""Providers whose packages are those of another's extra."""
_NEVER = (ModelAuthenticationError, ModelPermissionDeniedError, ModelNotFoundError)
_NO_MONEY = ("insufficient_quota", "billing_hard_limit_reached")
_KEY = re.compile(r"\bsk-[\w*.-]+|(?<=Bearer )\S+")
_RETRY_DELAY = re.compile(r"retryDelay\W+([\d.]+)s")
_STOPPED = {
    "content_filter": "stopped by the provider's content filter",
    "refusal": "refused",
    **dict.fromkeys(
        ("safety", "prohibited_content", "blocklist", "spii", "recitation"),
        "stopped by the provider's content filter",
    ),
}
"""Ends of an answer, as providers name them, that mean there is none."""
_FILTERED = ("content_filter", "content_policy_violation", "content_management_policy")


_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
"""What clients raise over a body that is no completion. Anywhere else than there it is a fault of ours."""


class NoCompletion(ModelAPIError):
    """The call went well, but what came is no completion: a page, an error, no choices."""


class MissingProvider(ExecutorError):
    """A provider's package or key is missing; the message names the command or the key."""


class Form(IntEnum):
    """How the form of an answer is asked for, strongest first."""

    JSON_SCHEMA = 0
    TOOL = 1
    JSON_OBJECT = 2


class ChatCompletions:
    """OpenAI and every endpoint that speaks its chat completions; the embedded language model too."""

    def __init__(self, name: str, client: BaseChatModel, errors: tuple[type[Exception], ...] = ()) -> None:
        self.name: Final = name
        self._client = client
        self._errors = errors  # what the client may raise for want of a good answer
        self._form = Form.JSON_SCHEMA
        self._proven = False  # the form in use has brought an answer

    async def ask(
        self, messages: Sequence[Message], schema: type[BaseModel], *, trace: Mapping[str, str]
    ) -> Reply:
        """One call; while the endpoint rejects a form of asking, the next weaker one, remembered for all later calls."""
        while True:
            form = self._form
            try:
                reply = reply_of(await self._invoked(messages, schema, form, trace))
            except self._errors as error:
                if self._weaker(form, error):
                    continue
                return declined_or_raise(error, proven=self._proven)
            self._proven = True
            return reply

    async def _invoked(
        self, messages: Sequence[Message], schema: type[BaseModel], form: Form, trace: Mapping[str, str]
    ) -> AIMessage:
        """The form goes out in `extra_body`: OpenAI's client walks through a `response_format` to check its types, and
        reads the answer against it once more; with schemas like ours that took a fifth of a run's processor time.
        """
        turns = [_TURNS[role](content) for role, content in _with_form(messages, schema, form)]
        return await self._client.ainvoke(turns, config=_traced(trace), extra_body=_options(schema, form))

    def _weaker(self, form: Form, error: Exception) -> bool:
        if self._form is not form:
            return True  # another call has found out meanwhile
        if self._proven or form is Form.JSON_OBJECT or not _rejects_form(error):
            return False
        self._form = Form(form + 1)
        log.info("llm.form_rejected", language_model=self.name, form=form.name, next=self._form.name)
        return True


class AnyChatModel:
    """Every other provider LangChain knows, with the structured output its own package chooses."""

    def __init__(self, name: str, client: BaseChatModel) -> None:
        self.name: Final = name
        self._client = client
        self._proven = False

    async def ask(
        self, messages: Sequence[Message], schema: type[BaseModel], *, trace: Mapping[str, str]
    ) -> Reply:
        """One call."""
        asker = self._client.with_structured_output(_named_schema(schema), include_raw=True)
        turns = [_TURNS[role](content) for role, content in messages]
        try:
            answer: Any = await asker.ainvoke(turns, config=_traced(trace))
        except Exception as error:  # noqa: BLE001 - providers raise what they like; what is not known is raised on
            return declined_or_raise(error, proven=self._proven)
        self._proven = True
        raw = reply_of(answer["raw"])
        parsed = answer.get("parsed")
        return (
            raw if parsed is None else replace(raw, text=json.dumps(parsed, ensure_ascii=False), declined="")
        )


def openai(
    name: str, model: str, *, api_key: str | None, base_url: str | None, timeout: float
) -> ChatCompletions:
    """OpenAI, or any endpoint that speaks its protocol; an endpoint of one's own may need no key."""
    from langchain_core.outputs import ChatResult
    from langchain_openai import ChatOpenAI
    from openai import OpenAIError

    class Client(ChatOpenAI):
        def _create_chat_result(
            self, response: Any, generation_info: dict[str, Any] | None = None
        ) -> ChatResult:
            try:
                result = super()._create_chat_result(response, generation_info)
            except _UNREADABLE as error:
                raise NoCompletion(_short(error)) from error
            if not result.generations:
                raise NoCompletion("no choices")
            return result

    options: dict[str, Any] = {
        "model": model,
        "api_key": api_key or "none",
        "max_retries": 0,
        "timeout": timeout,
    }
    if base_url:
        options |= {"base_url": base_url}
    client = Client(**options, use_responses_api=False)
    return ChatCompletions(name, client, (OpenAIError, ModelError, json.JSONDecodeError))


def offline(name: str) -> ChatCompletions:
    """The embedded language model, which lives outside the executor."""
    make = entry_points(group="eventstorming.language_models")["offline"].load()
    return ChatCompletions(name, make(), (MemoryError,))


def other(name: str, provider: str, model: str, variant: str, *, timeout: float) -> AnyChatModel:
    """Any provider that `init_chat_model` knows; its key comes from the environment, as its package names it."""
    try:
        make = import_module("langchain.chat_models").init_chat_model
        client = make(
            model, model_provider=provider, max_retries=0, timeout=timeout, **_variant(provider, variant)
        )
    except ImportError as error:
        raise MissingProvider(
            f"AI_MODEL: the packages for {provider} are not installed: pip install {_packages(provider)}"
        ) from error
    except ValueError as error:  # of which pydantic's are: a key that is missing, a value that is none
        raise MissingProvider(f"AI_MODEL: {provider} cannot be set up: {_short(error)}") from error
    return AnyChatModel(name, client)


def _packages(provider: str) -> str:
    """What the provider's extra asks for, quoted for a shell."""
    extra = _EXTRAS.get(provider, provider).replace("_", "-")
    wanted = [entry.partition(";") for entry in requires("eventstorming-generator") or ()]
    found = [name.strip() for name, _, when in wanted if re.search(rf"extra == ['\"]{extra}['\"]", when)]
    return " ".join(f"'{name}'" for name in found) or f"langchain langchain-{extra}"


def reply_of(message: AIMessage) -> Reply:
    """The text, tool arguments or refusal of one message."""
    used = _usage(message)
    if refusal := message.additional_kwargs.get("refusal"):
        return replace(used, declined=f"refused: {_keyless(str(refusal))[:300]}")
    if declined := _declined(message.response_metadata):
        return replace(used, declined=declined)
    if message.tool_calls:
        return replace(used, text=json.dumps(message.tool_calls[0]["args"], ensure_ascii=False))
    if message.invalid_tool_calls:
        return replace(used, text=str(message.invalid_tool_calls[0]["args"]))
    return replace(used, text=message.text)


def declined_or_raise(error: Exception, *, proven: bool) -> Reply:
    """What the provider raised, in our words. A rejected question is an answer, once the provider has answered another."""
    text = _short(error)
    if isinstance(error, MemoryError):
        raise LlmMisconfigured(str(error)) from error
    if finished := _cut_off(error):
        return finished
    if isinstance(error, ContextOverflowError):
        return Reply(declined="the question is longer than the language model can read")
    if isinstance(error, _NEVER) or any(word in text for word in _NO_MONEY):
        raise LlmMisconfigured(_never(error, text)) from error
    if isinstance(error, ModelInvalidRequestError) or _status(error) in (400, 413, 422):
        if proven or any(word in text for word in _FILTERED):
            return Reply(declined=f"rejected: {text}")
        raise LlmMisconfigured(text) from error
    if isinstance(error, ModelRateLimitError) or _status(error) == 429:
        raise Throttled(text, retry_after=retry_after(error)) from error
    if _transient(error):
        raise LlmUnavailable(text, retry_after=retry_after(error)) from error
    raise error


def retry_after(error: Exception, now: Callable[[], float] = time.time) -> float | None:
    """Seconds the service asked for: `retry-after-ms`, `Retry-After` as seconds or as a date, or google.rpc.RetryInfo."""
    headers = _headers(error)
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        in_body = _RETRY_DELAY.search(str(error))  # where Google says it
        return _seconds(headers.get("retry-after") or (in_body[1] if in_body else None), now)
    except (TypeError, ValueError):
        return None


def _headers(error: BaseException | None) -> Mapping[str, str]:
    """Of the response that an error, or what it was raised from, carries."""
    while error is not None:
        if headers := getattr(getattr(error, "response", None), "headers", None):
            found: Mapping[str, str] = headers
            return found
        error = error.__cause__
    return {}


def _seconds(value: str | None, now: Callable[[], float]) -> float | None:
    if not value:
        return None
    if value.replace(".", "", 1).isdigit():
        return float(value)
    return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now())


def _with_form(messages: Sequence[Message], schema: type[BaseModel], form: Form) -> Sequence[Message]:
    if form is not Form.JSON_OBJECT:
        return messages
    first, *rest = messages
    request = f"{first.content}\n\nAnswer with one JSON object of this schema and nothing else:\n{schema_text(schema)}"
    return [Message(first.role, request), *rest]


def _options(schema: type[BaseModel], form: Form) -> dict[str, Any]:
    if form is Form.JSON_OBJECT:
        return {"response_format": {"type": "json_object"}}
    name = schema.__name__
    if form is Form.JSON_SCHEMA:
        described = {"name": name, "schema": strict_schema(schema), "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": described}}
    function = {"name": name, "description": "Gives the answer.", "parameters": strict_schema(schema)}
    choice = {"type": "function", "function": {"name": name}}
    return {"tools": [{"type": "function", "function": function}], "tool_choice": choice}


def _named_schema(schema: type[BaseModel]) -> dict[str, Any]:
    return {**strict_schema(schema), "title": schema.__name__, "description": "The answer."}


def _traced(trace: Mapping[str, str]) -> RunnableConfig:
    return RunnableConfig(run_name=trace.get("step", "question"), metadata=dict(trace))


def _variant(provider: str, variant: str) -> dict[str, Any]:
    """The suffix of AI_MODEL as the provider spells it."""
    if not variant:
        return {}
    if variant != "thinking":
        return {"model_kwargs": {"variant": variant}}
    if provider.startswith("google"):
        return {"thinking_budget": -1}
    return {"thinking": {"type": "enabled", "budget_tokens": 8192}, "max_tokens": 32_000}


def _declined(end: Mapping[str, Any]) -> str:
    """Why a message is no answer, from what its provider says of its end; "" if it is one."""
    if blocked := (end.get("prompt_feedback") or {}).get("block_reason"):
        return f"the provider's content filter stopped the question ({blocked})" if _told(blocked) else ""
    reason = str(end.get("finish_reason") or end.get("stop_reason") or "")
    return _STOPPED.get(reason.rsplit(".", 1)[-1].lower(), "")


def _told(reason: Any) -> bool:
    return str(reason).rsplit(".", 1)[-1] not in (
        "0",
        "BLOCK_REASON_UNSPECIFIED",
        "BLOCKED_REASON_UNSPECIFIED",
    )


def _usage(message: AIMessage) -> Reply:
    """The tokens of a reply; an estimate of the answer's alone where the provider does not say."""
    usage = message.usage_metadata
    if not usage:
        return Reply(tokens=len(message.text) // 4)
    cached = usage.get("input_token_details", {}).get("cache_read") or 0
    return _counted(usage["total_tokens"], usage["input_tokens"], cached)


def _counted(tokens: int, prompt: int, cached: int) -> Reply:
    """Within one another, whatever the provider says."""
    prompt = min(prompt, tokens)
    return Reply(tokens=tokens, prompt=prompt, cached=min(cached, prompt))


def _cut_off(error: Exception) -> Reply | None:
    """OpenAI's client raises when an answer reached its length or was filtered; it is an answer all the same."""
    kind, completion = type(error).__name__, getattr(error, "completion", None)
    usage = getattr(completion, "usage", None)
    used = _counted(getattr(usage, "total_tokens", 0), getattr(usage, "prompt_tokens", 0), 0)
    if kind == "ContentFilterFinishReasonError":
        return replace(used, declined="stopped by the provider's content filter")
    if kind != "LengthFinishReasonError" or completion is None:
        return None
    return replace(used, text=completion.choices[0].message.content or "")


def _rejects_form(error: Exception) -> bool:
    """A 400 about something else fails again in the next form, and is told apart there."""
    if isinstance(error, ContextOverflowError) or any(word in str(error) for word in _FILTERED):
        return False
    return _status(error) in (400, 404, 415, 422, 500, 501) and _names_form(str(error))


def _names_form(text: str) -> bool:
    words = (
        "response_format",
        "json_schema",
        "json schema",
        "structured",
        "tool",
        "function",
        "schema",
        "grammar",
    )
    return any(word in text.lower() for word in words)


def _transient(error: Exception) -> bool:
    status = _status(error)
    if isinstance(error, ModelError) or status is not None:
        return True
    return isinstance(error, (*_UNREADABLE, OSError)) or _from_transport(error)


def _from_transport(error: Exception) -> bool:
    packages = ("httpx", "httpcore", "openai", "aiohttp", "google.api_core", "grpc", "anthropic")
    return any(kind.__module__.startswith(packages) for kind in type(error).__mro__)


def _status(error: Exception) -> int | None:
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    return status if isinstance(status, int) else None


def _never(error: Exception, text: str) -> str:
    if isinstance(error, (ModelAuthenticationError, ModelPermissionDeniedError)):
        return "the provider rejects the key (set the provider's key, for example OPENAI_API_KEY)"
    if isinstance(error, ModelNotFoundError):
        return f"the provider does not know the model, or the address is wrong (AI_MODEL, OPENAI_BASE_URL): {text}"
    return text


def _short(error: Exception) -> str:
    return _keyless(" ".join(f"{type(error).__name__}: {error}".split()))[:500]


def _keyless(said: str) -> str:
    for secret in _secrets():
        said = said.replace(secret, "[key]")
    return _KEY.sub("[key]", said)


def _secrets() -> list[str]:
    """Keys of any provider, as its package takes them from the environment."""
    names = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS")
    return [value for name, value in os.environ.items() if name.upper().endswith(names) and len(value) >= 6]


async def traces_sent(seconds: float) -> None:
    """Waits, but not longer, until LangSmith has what was traced. In a thread that the process's end does not wait for."""
    from langchain_core.tracers.langchain import wait_for_all_tracers

    loop, sent = asyncio.get_running_loop(), asyncio.Event()

    def waiting() -> None:
        wait_for_all_tracers()
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(sent.set)

    threading.Thread(target=waiting, daemon=True, name="langsmith").start()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await sent.wait()
