"""What a step asks and what it gets back. The step knows this port; llm/chat is behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

Answer = TypeVar("Answer", bound=BaseModel)


def accept(_: object) -> Sequence[str]:
    """The check of a question that has none."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[Answer]):
    """One question to the language model.

    `system` is the constant part (a cacheable prefix), `user` the job's part: blocks between markers (graph.prompt).
    `check` returns the validator's complaints about a parsed answer, in words a language model can act on; none = accepted.
    `unit` names what it is about, for logs and traces only: it is no part of the journal key.
    """

    step: str
    unit: str
    schema: type[Answer]
    system: str
    user: str
    check: Callable[[Answer], Sequence[str]] = accept
    light: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """The language model answered, but nothing can be made of it. A value for the step, not an exception."""

    reason: str


class Chat(Protocol):
    """Asks the journal first, then the language model; one repair turn; durable before it returns."""

    async def ask(self, question: Question[Answer]) -> Answer | Unusable:
        """The accepted answer; or the last parsed one although `check` still complains (the step reduces it to what is
        valid); or Unusable when none could be parsed. Raises only what ends the run (executor.errors)."""
        ...
