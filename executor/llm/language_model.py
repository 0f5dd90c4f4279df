"""The port behind the chat: one call to one language model. Values and a protocol, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from pydantic import BaseModel

from executor.errors import LlmUnavailable


class Message(NamedTuple):
    """One turn."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back: a text, or the reason why the language model declined to give one. `cut`: the text reached its greatest length.

    Of the `tokens`, `prompt` were the question's; of these, the provider had `cached`. They are `estimated` where it did not say.
    `run`: how LangSmith calls it.
    """

    text: str = ""
    declined: str = ""
    cut: bool = False
    tokens: int = 0
    prompt: int = 0
    cached: int = 0
    estimated: bool = False
    run: str = field(default="", compare=False)


class Throttled(LlmUnavailable):
    """429: it would answer if asked less."""


class LanguageModel(Protocol):
    """One language model of one provider."""

    @property
    def name(self) -> str:
        """Part of every journal key: `provider:model[:variant]`."""
        ...

    async def ask(
        self, messages: Sequence[Message], schema: type[BaseModel], *, trace: Mapping[str, str]
    ) -> Reply:
        """One call, no retry, cancelled by the caller when it takes too long. Raises LlmUnavailable (Throttled) or LlmMisconfigured when there is no answer."""
        ...
