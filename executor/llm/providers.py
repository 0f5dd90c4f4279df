"""Language models of real providers behind the port, through LangChain. Imports a provider only when it is named.

Retries live in the chat, so every client is built with none of its own, and asks for whole answers. What a provider raises is told
apart in `failures`, what it answers is read in `completions`; here it is asked, in the strongest form that it understands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import entry_points, requires
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

import structlog
from langchain_core.exceptions import ModelError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.utils.uuid import uuid7
from pydantic import BaseModel

from executor.errors import ExecutorError, LlmMisconfigured
from executor.llm.completions import message_of, reply_of
from executor.llm.failures import NoCompletion, Refused, meaning, quoted
from executor.llm.language_model import Message, Reply
from executor.llm.structured import spelled_out, strict_schema
from process.quoting import unquoted
from process.threads import finished

log = structlog.get_logger("executor.llm")

_TURNS: Final[Mapping[str, Callable[[str], BaseMessage]]] = {
    "system": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}
_PLAIN: Final = {"max_retries": 0, "disable_streaming": True}
"""Of every client: it would stream, by a way of its own, where somebody watches a graph's messages, as LangGraph Studio does."""
_EXTRAS: Final = {
    "anthropic_bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "google_anthropic_vertex": "google_vertexai",
}
"""Providers whose packages are those of another's extra."""


class MissingProvider(ExecutorError):
    """A provider's package or key is missing; the message names the command or the key."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way of asking for the form of an answer. `spelled`: the schema stands in the question, too."""

    name: str
    bound: Callable[[BaseChatModel, type[BaseModel]], Runnable[Any, Any]]
    spelled: bool = False


def _json_schema(client: BaseChatModel, schema: type[BaseModel]) -> Runnable[Any, Any]:
    described = {"name": schema.__name__, "schema": strict_schema(schema), "strict": True}
    return client.bind(response_format={"type": "json_schema", "json_schema": described})


def _tools(client: BaseChatModel, schema: type[BaseModel]) -> Runnable[Any, Any]:
    name = schema.__name__
    function = {"name": name, "description": "Gives the answer.", "parameters": strict_schema(schema)}
    choice = {"type": "function", "function": {"name": name}}
    return client.bind(tools=[{"type": "function", "function": function}], tool_choice=choice)


def _json_object(client: BaseChatModel, _: type[BaseModel]) -> Runnable[Any, Any]:
    return client.bind(response_format={"type": "json_object"})


def _packages_own(client: BaseChatModel, schema: type[BaseModel]) -> Runnable[Any, Any]:
    """As the provider's own package does it."""
    named = {**strict_schema(schema), "title": schema.__name__, "description": "The answer."}
    asked: Any = client.with_structured_output(named, include_raw=True)
    raw: Runnable[Any, Any] = asked | itemgetter("raw")
    return raw


_IN_WORDS: Final = Form("prompt", lambda client, _: client, spelled=True)
_OPENAI: Final = (
    Form("json_schema", _json_schema),
    Form("tools", _tools),
    Form("json_object", _json_object, spelled=True),
    _IN_WORDS,
)
_OTHER: Final = (Form("structured", _packages_own), _IN_WORDS)
"""Strongest first."""


class ChatModel:
    """A chat model of LangChain's behind the port."""

    def __init__(
        self, name: str, client: BaseChatModel, forms: Sequence[Form], errors: tuple[type[Exception], ...]
    ) -> None:
        self.name: Final = name
        self._client = client
        self._forms = forms
        self._errors = errors  # what the client may raise for want of a good answer
        self._at = 0  # which form is in use
        self._proven = False  # it has brought an answer

    async def ask(
        self, messages: Sequence[Message], schema: type[BaseModel], *, trace: Mapping[str, str]
    ) -> Reply:
        """One call; where it is not understood, one more in each weaker form. The form that is answered is kept."""
        at, reason = self._at, ""
        while True:
            form, run = self._forms[at], uuid7()
            config = RunnableConfig(run_name=trace.get("step", "question"), metadata=dict(trace), run_id=run)
            asked = spelled_out(messages, schema) if form.spelled else messages
            turns = [_TURNS[role](content) for role, content in asked]
            try:
                message = await form.bound(self._client, schema).ainvoke(turns, config=config)
            except self._errors as error:
                if not isinstance(told := meaning(error), Refused):
                    return self._ended(told, error)
                at = max(at + 1, self._at)  # another call may have found out meanwhile
                if at == len(self._forms) or (self._proven and not told.of_form):
                    return self._ended(self._rejected(told), error)
                reason = unquoted(told.said, messages[-1].content.encode())
            else:
                self._keep(at, reason)
                reply = reply_of(message, sum(len(turn.content.encode()) for turn in messages))
                return replace(reply, run=str(run))

    def _keep(self, at: int, reason: str) -> None:
        self._proven = True
        if at > self._at:
            before, self._at = self._forms[self._at].name, at
            after = self._forms[at].name
            log.info("llm.form_rejected", language_model=self.name, form=before, next=after, reason=reason)

    def _rejected(self, refused: Refused) -> Reply | ExecutorError:
        """What no form helps. It is the question's fault where others have been answered."""
        if self._proven and isinstance(refused.otherwise, LlmMisconfigured):
            return Reply(declined=f"rejected: {refused.said}")
        return refused.otherwise

    @staticmethod
    def _ended(told: Reply | ExecutorError | None, error: Exception) -> Reply:
        if isinstance(told, Reply):
            return told
        if told is None:
            raise error
        raise told from error


def openai(
    name: str,
    model: str,
    *,
    api_key: str | None,
    base_url: str | None,
    timeout: float,
    extra_body: Mapping[str, Any] = MappingProxyType({}),
    extra_headers: Mapping[str, str] = MappingProxyType({}),
) -> ChatModel:
    """OpenAI, or any endpoint that speaks its protocol; an endpoint of one's own may need no key."""
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_openai import ChatOpenAI
    from openai import OpenAIError

    class Client(ChatOpenAI):
        """Posts as it is what it is asked: the types of OpenAI's client cost a fifth of a run's processor time, and neither
        they nor LangChain's reading bear what other endpoints answer. Headers are secrets: no trace has them."""

        async def _agenerate(
            self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **more: Any
        ) -> ChatResult:
            asked = {**self._get_request_payload(messages, stop=stop, **more), **extra_body}
            headers = dict(extra_headers)
            try:
                body = await self.root_async_client.post(
                    "/chat/completions", body=asked, cast_to=object, options={"headers": headers}
                )
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise NoCompletion(f"the answer is no JSON: {error}") from error
            return ChatResult(generations=[ChatGeneration(message=message_of(body))])

    options: dict[str, Any] = {
        "model": model,
        "api_key": api_key or "none",
        "timeout": timeout,
        **_PLAIN,
    }
    if base_url:
        options |= {"base_url": base_url}
    client = Client(**options, use_responses_api=False)
    return ChatModel(name, client, _OPENAI, (OpenAIError, ModelError))


def offline(name: str) -> ChatModel:
    """The embedded language model, which lives outside the executor."""
    make = entry_points(group="eventstorming.language_models")["offline"].load()
    return ChatModel(name, make(), _OPENAI, (MemoryError,))


def other(name: str, provider: str, model: str, variant: str, *, timeout: float) -> ChatModel:
    """Any provider that `init_chat_model` knows; its key comes from the environment, as its package names it."""
    try:
        make = import_module("langchain.chat_models").init_chat_model
        client = make(
            model, model_provider=provider, timeout=timeout, **_PLAIN, **_variant(provider, variant)
        )
    except ImportError as error:
        raise MissingProvider(
            f"AI_MODEL: the packages for {provider} are not installed: pip install {_packages(provider)}"
        ) from error
    except ValueError as error:  # of which pydantic's are: a key that is missing, a value that is none
        raise MissingProvider(f"AI_MODEL: {provider} cannot be set up: {quoted(error)}") from error
    # Providers raise what they like; what is not known is raised on.
    return ChatModel(name, client, _OTHER, (Exception,))


def _packages(provider: str) -> str:
    """What the provider's extra asks for, quoted for a shell."""
    extra = _EXTRAS.get(provider, provider).replace("_", "-")
    wanted = [entry.partition(";") for entry in requires("eventstorming-generator") or ()]
    found = [name.strip() for name, _, when in wanted if re.search(rf"extra == ['\"]{extra}['\"]", when)]
    return " ".join(f"'{name}'" for name in found) or f"langchain langchain-{extra}"


def _variant(provider: str, variant: str) -> dict[str, Any]:
    """The suffix of AI_MODEL as the provider spells it."""
    if not variant:
        return {}
    if variant != "thinking":
        return {"model_kwargs": {"variant": variant}}
    if provider.startswith("google"):
        return {"thinking_budget": -1}
    return {"thinking": {"type": "enabled", "budget_tokens": 8192}, "max_tokens": 32_000}


async def traces_sent(seconds: float) -> None:
    """Waits, but not longer, until LangSmith has what was traced."""
    from langchain_core.tracers.langchain import wait_for_all_tracers

    await finished(wait_for_all_tracers, seconds, name="langsmith")
