"""One call of the language model for a run: when it may be made, within the run's time and tokens, and again where none was
answered. Knows no journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from executor.errors import LimitReached, LlmMisconfigured, LlmUnavailable
from executor.graph.question import Question
from executor.llm.course import REPAIR, Turn
from executor.llm.language_model import LanguageModel, Message, Reply, Throttled
from executor.llm.limits import Concurrency, Patience
from executor.llm.silence import Silence
from executor.llm.structured import spelled_out
from executor.llm.tally import Tally
from executor.metrics import Asked, Metrics
from executor.ports import Allowance, Link
from process.outages import FIRST_SECONDS
from process.quoting import unquoted
from process.traces import OFF, Attributes, Traces

log = structlog.get_logger("executor.llm")

_PROVIDERS: Final = {
    "azure_ai": "azure.ai.inference",
    "azure_openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}
"""As OpenTelemetry calls them, where that is not our name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call for one question."""

    question: Question[Any]
    ordinal: int
    messages: Sequence[Message]
    key: str
    model: LanguageModel

    @property
    def asked(self) -> Asked:
        """As it is counted."""
        return Asked(step=self.question.step, model=self.model.name)

    @property
    def traced_as(self) -> str:
        """Name of its span."""
        return f"chat {self.model.name.partition(':')[2]}"

    def traced(self, resent: int) -> Attributes:
        """By OpenTelemetry's conventions for generative AI. `resent`: calls before this one that brought no answer."""
        provider, _, model = self.model.name.partition(":")
        about: dict[str, str | int] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _PROVIDERS.get(provider, provider),
            "gen_ai.request.model": model,
        }
        if self.ordinal:
            about["eventstorming.ordinal"] = self.ordinal
        if resent:
            about["http.request.resend_count"] = resent
        return about


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What all runs of a process share: the language models, the bound on open calls, time-outs, chance, who counts.

    `extra` is what every request carries besides (LLM_EXTRA_BODY), a part of the journal's keys; `langsmith`: calls are traced there, too.
    """

    main: LanguageModel
    light: LanguageModel
    concurrency: Concurrency
    timeout: float
    chance: Callable[[], float]
    metrics: Metrics
    extra: str = ""
    traces: Traces = OFF
    langsmith: bool = False
    _heed: Counter[str] = field(default_factory=Counter)
    _told: set[str] = field(default_factory=set)

    def messages(self, call: Call) -> Sequence[Message]:
        """With the form in words, once it is known that the endpoint does not heed it otherwise."""
        return spelled_out(call.messages, call.question.schema) if self._unheeded(call) else call.messages

    def learn(self, call: Call, reply: Reply, turn: Turn[Any]) -> None:
        """Whether the endpoint heeds the form (of what it answered, the most have it), and whether it counts its tokens."""
        model = call.model.name
        if reply.estimated and model not in self._told:
            self._told.add(model)
            log.warning("llm.usage_estimated", language_model=model)
        if call.ordinal == REPAIR or reply.declined or reply.cut or not turn.said or self._unheeded(call):
            return
        self._heed[model] += 1 if turn.complete(call.question.schema) else -1
        if self._unheeded(call):
            log.warning("llm.form_ignored", language_model=model)

    def told_of(self, reply: Reply) -> Attributes:
        """What a span says of an answer: nothing that stands in it."""
        about: dict[str, str | int] = {
            "gen_ai.usage.input_tokens": reply.prompt,
            "gen_ai.usage.output_tokens": reply.tokens - reply.prompt,
        }
        if reply.cached:
            about["gen_ai.usage.cache_read.input_tokens"] = reply.cached
        if self.langsmith and reply.run:
            about["langsmith.run.id"] = reply.run
        return about

    def _unheeded(self, call: Call) -> bool:
        return self._heed[call.model.name] < 0


class Out(set[str]):
    """The questions of a run, by key, that are out: asked, or answered and not yet durable."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = asyncio.Event()

    def home(self, key: str) -> None:
        """It has its answer, or has none."""
        self.discard(key)
        self.moved.set()

    async def change(self) -> None:
        """Returns after the next."""
        self.moved.clear()
        await self.moved.wait()


class Caller:
    """The calls of one run."""

    def __init__(
        self,
        calls: Calls,
        *,
        job_id: str,
        link: Link,
        allowance: Allowance,
        tally: Tally,
        out: Out,
        silence: Silence,
    ) -> None:
        self._calls = calls
        self._job_id = job_id
        self._link = link
        self._allowance = allowance
        self._tally = tally
        self._out = out
        self._silence = silence

    async def reply(self, call: Call) -> Reply:
        """The only retry layer: waits out 429, 5xx and time-outs inside the step's time."""
        try:
            return await self._retried(call)
        finally:
            self._silence.done(call.key)

    async def _retried(self, call: Call) -> Reply:
        clock = asyncio.get_running_loop().time
        patience = Patience(self._allowance.step_seconds, chance=self._calls.chance, clock=clock)
        resent = 0
        while True:
            try:
                return await self._tried(call, patience, resent)
            except LlmUnavailable as error:
                wait = patience.next_wait(error.retry_after)
                level = logging.WARNING if wait is None or patience.gone >= FIRST_SECONDS else logging.INFO
                log.log(
                    level,
                    "llm.no_answer",
                    job=self._job_id,
                    step=call.question.step,
                    reason=str(error),
                    wait=wait,
                )
                if wait is None:
                    raise
                self._calls.metrics.again(call.asked, _reason(error))
            async with patience.spent():
                await asyncio.sleep(wait)
            resent += 1

    async def _tried(self, call: Call, patience: Patience, resent: int) -> Reply:
        await self._link.may_ask()
        async with self._calls.concurrency.place(self._job_id) as cuts:
            await self._link.may_ask()  # it may have closed while we stood in line
            self._check_tokens()
            async with patience.spent():
                return await self._called(call, min(self._calls.timeout, patience.left), cuts, resent)

    def _check_tokens(self) -> None:
        ceiling, used = self._allowance.max_tokens, self._tally.tokens_used
        if ceiling and used >= ceiling:
            said = f"the job has used {used} tokens; the ceiling is {ceiling}"
            raise LimitReached(said, limit="JOB_MAX_TOKENS", value=ceiling)

    async def _called(self, call: Call, seconds: float, cuts: int, resent: int) -> Reply:
        clock = asyncio.get_running_loop().time
        began, calls = clock(), self._calls
        self._out.add(call.key)
        self._silence.asked(call.key)
        try:
            reply = await self._traced(call, seconds, resent)
        except (LlmUnavailable, LlmMisconfigured) as error:
            self._out.home(call.key)
            if isinstance(error, Throttled):
                calls.concurrency.throttled(cuts)
            calls.metrics.asked(call.asked, "none")
            calls.metrics.took(call.asked, clock() - began)
            # Providers quote what they were asked.
            error.args = (unquoted(str(error), call.question.user.encode()),)
            if not isinstance(error, Throttled):
                calls.concurrency.failed(str(error))
            raise
        calls.concurrency.answered()
        calls.metrics.took(call.asked, clock() - began)
        self._silence.answered(clock() - began)
        return reply

    async def _traced(self, call: Call, seconds: float, resent: int) -> Reply:
        with self._calls.traces.part(call.traced_as, call.traced(resent), outward=True) as span:
            try:
                reply = await self._within(call, seconds)
            except LlmUnavailable as error:
                span.failed(_reason(error))
                raise
            except LlmMisconfigured:
                span.failed("misconfigured")
                raise
            span.tell(self._calls.told_of(reply))
            return reply

    async def _within(self, call: Call, seconds: float) -> Reply:
        question = call.question
        trace = {
            "job": self._job_id,
            "step": question.step,
            "unit": question.unit,
            "ordinal": str(call.ordinal),
        }
        try:
            async with asyncio.timeout(seconds) as patience:
                return await call.model.ask(self._calls.messages(call), question.schema, trace=trace)
        except TimeoutError as error:
            if not patience.expired():
                raise
            raise LlmUnavailable(f"no answer within {seconds:.0f} s") from error


def _reason(error: LlmUnavailable) -> str:
    if isinstance(error, Throttled):
        return "throttled"
    return "timeout" if isinstance(error.__cause__, TimeoutError) else "unavailable"
