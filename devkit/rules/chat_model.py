"""The chat model in front of the rules: finds the step by the requested schema, reads the blocks, answers with JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
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

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _result(messages, written(_step(kwargs), _question(messages)))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        schema, question = _step(kwargs), _question(messages)
        if len(question) < LONG:
            return _result(messages, written(schema, question))
        return _result(messages, await self._beside.answer(schema.__name__, question))


def _result(messages: Sequence[BaseMessage], text: str) -> ChatResult:
    """Tokens are counted as a provider would, roughly: four characters each."""
    asked, said = sum(len(str(message.content)) for message in messages) // 4, len(text) // 4
    usage = UsageMetadata(input_tokens=asked, output_tokens=said, total_tokens=asked + said)
    return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text, usage_metadata=usage))])


def _step(options: Mapping[str, Any]) -> type[BaseModel]:
    """The step's answer class: the class itself, or found by the name or title of its JSON schema."""
    wanted = options.get("response_format")
    described = wanted.get("json_schema") or {} if isinstance(wanted, Mapping) else {}
    titles = (described.get("name"), described.get("schema", {}).get("title"))
    for known in RULES:
        if known is wanted or known.__name__ in titles:
            return known
    raise ValueError("offline:rules answers only questions with one of the steps' schemas as response_format")


def _question(messages: Sequence[BaseMessage]) -> str:
    """The message with the data: the first of the user's with blocks. A repair turn restates what was asked anyway."""
    said = [str(message.content) for message in messages if isinstance(message, HumanMessage)]
    return next((text for text in said if read_blocks(text)), said[0] if said else "")
