"""What the service and the language model's side know of one another: values and protocols, no behaviour, no wire.

Neither imports the other; `__main__` joins them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from executor.graph.question import Chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One journal entry: what the language model answered to one question.

    `value` is one JSON text; `unusable` marks the last answer of a question that came to nothing; `borrowed` one that
    an earlier job has paid for.
    """

    key: str
    value: str
    tokens: int
    unusable: bool = False
    borrowed: bool = False


class Link(Protocol):
    """The run's line to whoever pays for it."""

    async def store(self, entry: Entry) -> None:
        """Returns when the entry is durable."""
        ...

    async def may_ask(self) -> None:
        """Returns when a new question may be asked: at once, after a silence has ended, or never once the run is to be handed over."""
        ...


class OwnLink:
    """`Link` of a run that nobody stores."""

    async def store(self, entry: Entry) -> None:
        """Nothing is kept."""

    async def may_ask(self) -> None:
        """At once: a caller that is gone has ended the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one run may use: seconds per step, tokens of the whole job (0: no ceiling), tokens already used."""

    step_seconds: float
    max_tokens: int = 0
    tokens_used: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """The language model does not answer a run: so long by now, or, where it is over, in all (0: since before this run).

    `answers`: durable ones before it, which names it over repeated runs.
    """

    answers: int
    seconds: float
    over: bool = False


class Silence(Protocol):
    """Whether the language model answers a run at all."""

    def lapses(self, *, told: bool) -> AsyncGenerator[Lapse, None]:
        """Silences as they show and end, in turns, for ever; `told`: an earlier run told of one, and of no end."""
        ...


class RunChat(Chat, Protocol):
    """The questions of one run."""

    @property
    def tokens_used(self) -> int:
        """Tokens of the whole job, earlier runs included."""
        ...

    @property
    def calls(self) -> tuple[int, int]:
        """Answers used in this run, and how many of them an earlier job has paid for."""
        ...

    @property
    def reduced(self) -> Sequence[str]:
        """Units of whose answer only a part could be used, because the rest broke its form."""
        ...

    @property
    def pace(self) -> float:
        """Seconds a question of this run takes from being put to being answered durably, of four the slowest; 0: none yet."""
        ...

    @property
    def tokens_by_step(self) -> Mapping[str, int]:
        """Tokens per step of every answer used in this run, recalled ones included."""
        ...

    @property
    def silence(self) -> Silence:
        """Whether the language model answers this run; its user is told of it."""
        ...

    async def at_rest(self) -> None:
        """Returns when the run cannot go on without another question and none is out: asked, or answered and not yet durable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Whether a question would be answered; `problem` says what is wrong and what to do."""

    problem: str
    latency: float


class LanguageModels(Protocol):
    """The language models of this process."""

    @property
    def name(self) -> str:
        """As set by AI_MODEL."""
        ...

    def chat(
        self, *, job_id: str, link: Link, recalled: Iterable[Entry], allowance: Allowance
    ) -> AbstractAsyncContextManager[RunChat]:
        """The questions of one run; leaving the context cancels every open call and waits for its end."""
        ...

    async def check(self) -> Diagnosis:
        """Asks a trivial question."""
        ...
