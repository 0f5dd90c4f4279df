"""The language models of this process, and the chats of its runs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

from executor.errors import LlmMisconfigured, LlmUnavailable
from executor.graph.answers import MergeAnswer
from executor.graph.prompt import blocks
from executor.llm.calls import Calls
from executor.llm.chat import JournaledChat
from executor.llm.language_model import LanguageModel, Message
from executor.llm.limits import Concurrency
from executor.metrics import Metrics
from executor.ports import Allowance, Diagnosis, Entry, Link
from process.traces import OFF, Traces

_TRIVIAL = (
    Message("system", "Which of these bounded contexts are one? Answer in JSON, as the schema says."),
    Message("user", blocks({"language": "English", "contexts": [{"name": "Billing"}, {"name": "Delivery"}]})),
)
"""One of the graph's own questions, the smallest, so that the form of asking is checked with the key and the name."""


class ProcessLanguageModels:
    """Main and light language model, with one bound on open calls over all runs."""

    def __init__(
        self,
        main: LanguageModel,
        light: LanguageModel,
        *,
        concurrency: int,
        timeout: float,
        chance: Callable[[], float] = random.random,
        metrics: Metrics,
        extra: str = "",
        traces: Traces = OFF,
        langsmith: bool = False,
    ) -> None:
        self.concurrency = Concurrency(concurrency)
        self._calls = Calls(
            main=main,
            light=light,
            concurrency=self.concurrency,
            timeout=timeout,
            chance=chance,
            metrics=metrics,
            extra=extra,
            traces=traces,
            langsmith=langsmith,
        )

    @property
    def name(self) -> str:
        """As set by AI_MODEL."""
        return self._calls.main.name

    def chat(
        self, *, job_id: str, link: Link, recalled: Iterable[Entry], allowance: Allowance
    ) -> JournaledChat:
        """The questions of one run."""
        return JournaledChat(self._calls, job_id=job_id, link=link, recalled=recalled, allowance=allowance)

    async def check(self) -> Diagnosis:
        """One trivial question to each language model; the first problem found."""
        began = time.monotonic()
        problem = await self._problem_of(self._calls.main)
        if not problem and self._calls.light is not self._calls.main:
            problem = await self._problem_of(self._calls.light)
        return Diagnosis(problem=problem, latency=time.monotonic() - began)

    async def _problem_of(self, language_model: LanguageModel) -> str:
        try:
            reply = await language_model.ask(_TRIVIAL, MergeAnswer, trace={"step": "check"})
        except (LlmUnavailable, LlmMisconfigured) as error:
            return f"{language_model.name}: {error}"
        return f"{language_model.name}: {reply.declined}" if reply.declined else ""
