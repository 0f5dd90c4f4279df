"""Stand-ins at the chat's two ports, and one question to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from executor.graph.question import Question, accept
from executor.llm.calls import Calls
from executor.llm.chat import JournaledChat
from executor.llm.language_model import LanguageModel, Message, Reply
from executor.llm.limits import Concurrency
from executor.metrics import Metrics
from executor.ports import Allowance, Entry
from process.traces import OFF, Traces


class Fruit(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    seeds: int


GOOD = '{"name":"Fig","seeds":9}'

Step = Reply | Exception | str


class ScriptedLanguageModel:
    """Gives the next reply, or raises it; the last one for ever. `gate` holds every call back while it is clear."""

    def __init__(self, *script: Step, name: str = "openai:scripted") -> None:
        self.name = name
        self.script = list(script) or [GOOD]
        self.asked: list[Sequence[Message]] = []
        self.traces: list[Mapping[str, str]] = []
        self.cut = 0
        self.arrived = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(
        self, messages: Sequence[Message], schema: type[BaseModel], *, trace: Mapping[str, str]
    ) -> Reply:
        self.asked.append(messages)
        self.traces.append(trace)
        self.arrived.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cut += 1
            raise
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return Reply(text=step, tokens=10) if isinstance(step, str) else step


class MemoryLink:
    """Keeps what it is given, once `durable` is set; lets ask while `open` is set."""

    def __init__(self) -> None:
        self.stored: list[Entry] = []
        self.sent = asyncio.Event()
        self.durable = asyncio.Event()
        self.durable.set()
        self.open = asyncio.Event()
        self.open.set()

    async def store(self, entry: Entry) -> None:
        self.sent.set()
        await self.durable.wait()
        self.stored.append(entry)

    async def may_ask(self) -> None:
        await self.open.wait()


def chat(
    main: LanguageModel,
    link: MemoryLink,
    *,
    light: LanguageModel | None = None,
    recalled: Iterable[Entry] = (),
    job_id: str = "job",
    step_seconds: float = 5,
    timeout: float = 5,
    max_tokens: int = 0,
    tokens_used: int = 0,
    chance: Callable[[], float] = lambda: 0.0,
    concurrency: int | Concurrency = 8,
    metrics: Metrics | None = None,
    traces: Traces = OFF,
    extra: str = "",
) -> JournaledChat:
    calls = Calls(
        main=main,
        light=light or main,
        concurrency=concurrency if isinstance(concurrency, Concurrency) else Concurrency(concurrency),
        timeout=timeout,
        chance=chance,
        metrics=metrics or Metrics(),
        traces=traces,
        extra=extra,
    )
    allowance = Allowance(step_seconds=step_seconds, max_tokens=max_tokens, tokens_used=tokens_used)
    return JournaledChat(calls, job_id=job_id, link=link, recalled=recalled, allowance=allowance)


def question(
    user: str = "Which fruit?", *, check: Callable[[Any], Sequence[str]] = accept, **more: Any
) -> Question[Fruit]:
    return Question(
        step="fruit",
        unit=more.pop("unit", "fruit 1"),
        schema=Fruit,
        system="Answer.",
        user=user,
        check=check,
        **more,
    )
