"""The chat model in front of the rules: finds the step by the requested schema, reads the blocks, answers with JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import BaseModel, PrivateAttr

from devkit.rules.beside import Beside
from devkit.rules.registry import RULES, written
from executor.graph.prompt import read_blocks

LONG: Final = 12_000
"""Letters of a question that is answered beside the event loop; a shorter one takes less than the way there."""


class RulesChatModel(BaseChatModel):
    """`offline:rules`. Needs no key and no network; the same question gets the same bytes."""

    _beside: Beside = PrivateAttr(default_factory=Beside)

    @property
    def _llm_type(self) -> str:
        return "offline-rules"

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """The parsed answer; with `include_raw` also the message, as providers' models give it."""
        bound = self.bind(response_format=schema)

        def parsed(message: AIMessage) -> dict[str, Any] | BaseModel:
            value = json.loads(str(message.content))
            read = (
                schema.model_validate(value)
                if isinstance(schema, type) and issubclass(schema, BaseModel)
                else value
            )
            return {"raw": message, "parsed": read, "parsing_error": None} if include_raw else read

        return bound | RunnableLambda(parsed)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        schema, question = _asked(messages, kwargs)
        return _result(messages, written(schema, question))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        schema, question = _asked(messages, kwargs)
        if len(question) < LONG:
            return _result(messages, written(schema, question))
        return _result(messages, await self._beside.answer(schema.__name__, question))


def _asked(messages: Sequence[BaseMessage], options: Mapping[str, Any]) -> tuple[type[BaseModel], str]:
    schema = _schema(options)
    if schema is None:
        raise ValueError(
            "offline:rules answers only questions with one of the steps' schemas as response_format"
        )
    return schema, _question(messages)


def _result(messages: Sequence[BaseMessage], text: str) -> ChatResult:
    message = AIMessage(content=text, usage_metadata=_usage(messages, text))
    return ChatResult(generations=[ChatGeneration(message=message)])


def _schema(options: Mapping[str, Any]) -> type[BaseModel] | None:
    """The step's answer class: the class itself, or found by the title, name or members of its JSON schema."""
    given = {**options, **(options.get("extra_body") or {})}
    wanted = given.get("response_format") or given.get("schema")
    if isinstance(wanted, type):
        return wanted if wanted in RULES else None
    if not isinstance(wanted, Mapping):
        return None
    inner = wanted.get("json_schema") or wanted
    schema = inner.get("schema") or inner
    titles = {wanted.get("title"), inner.get("name"), inner.get("title"), schema.get("title")}
    by_title = [known for known in RULES if known.__name__ in titles]
    by_members = [known for known in RULES if set(known.model_fields) == set(schema.get("properties") or ())]
    return next(iter([*by_title, *by_members]), None)


def _question(messages: Sequence[BaseMessage]) -> str:
    """The message with the data: the first of the user's with blocks. A repair turn restates what was asked anyway."""
    said = [str(message.content) for message in messages if isinstance(message, HumanMessage)]
    return next((text for text in said if read_blocks(text)), said[0] if said else "")


def _usage(messages: Sequence[BaseMessage], text: str) -> UsageMetadata:
    """Tokens as a provider would count them, roughly: four characters each."""
    asked = sum(len(str(message.content)) for message in messages) // 4
    return UsageMetadata(
        input_tokens=asked, output_tokens=len(text) // 4, total_tokens=asked + len(text) // 4
    )
