"""The questions of one run: journal first, then the language model; durable before an answer is used.

Knows neither gRPC nor any provider. Ends the run (by raising) only when there is no answer or a limit is reached; an
unusable answer is a value.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import structlog
from pydantic import BaseModel

from executor.errors import LimitReached, LlmMisconfigured, LlmUnavailable
from executor.graph.question import Question, Unusable
from executor.llm.journal import Journal, key_of, value_of
from executor.llm.language_model import LanguageModel, Message, Reply, Throttled
from executor.llm.limits import Concurrency, Patience
from executor.llm.structured import Parsed, parse, partial_json, repair_request, rescued
from executor.metrics import Asked, Metrics
from executor.ports import Allowance, Entry, Link
from process.quoting import unquoted

Answer = TypeVar("Answer", bound=BaseModel)

FIRST, REPAIR, FROM_SCRATCH = range(3)  # ordinals of the calls for one question
PACE_ANSWERS = 40  # answers that say how fast it goes now

log = structlog.get_logger("executor.llm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What all runs of a process share: the language models, the bound on open calls, time-outs, chance, who counts."""

    main: LanguageModel
    light: LanguageModel
    concurrency: Concurrency
    timeout: float
    chance: Callable[[], float]
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call for one question."""

    question: Question[Any]
    ordinal: int
    messages: Sequence[Message]
    key: str
    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn(Generic[Answer]):
    """What one call brought."""

    declined: str
    text: str
    value: Any
    parsed: Parsed[Answer]

    def lost(self, schema: type[Answer]) -> bool:
        """Whether nothing of it can be used."""
        return self.parsed.answer is None and self.rescued(schema) is None

    def rescued(self, schema: type[Answer]) -> Answer | None:
        """What is valid of an answer that is not."""
        value = partial_json(self.text) if self.value is None else self.value
        return None if value is None else rescued(value, schema)


class JournaledChat:
    """`graph.question.Chat` for one run. An async context: leaving it cancels every open call and waits for its end."""

    def __init__(
        self, calls: Calls, *, job_id: str, link: Link, recalled: Iterable[Entry], allowance: Allowance
    ) -> None:
        self._calls = calls
        self._metrics = calls.metrics
        self._job_id = job_id
        self._link = link
        self._journal = Journal(link, recalled)
        self._allowance = allowance
        self._tokens = allowance.tokens_used
        self._by_step: Counter[str] = Counter()
        self._counted: set[str] = set()
        self._borrowed = 0
        self._open: dict[str, asyncio.Task[Entry]] = {}
        self._out: set[str] = set()
        self._moved = asyncio.Event()
        self._fresh: dict[str, _Turn[Any]] = {}
        self._closed = False
        self._reduced: list[str] = []
        self._took: deque[float] = deque(maxlen=PACE_ANSWERS)

    @property
    def reduced(self) -> Sequence[str]:
        """Units whose answer broke its form to the end, so that only what was valid in it is used."""
        return self._reduced

    @property
    def pace(self) -> float:
        """Seconds a question of this run takes, line, retries and journal included: of four the slowest; 0 before the first."""
        return sorted(self._took)[len(self._took) * 3 // 4] if self._took else 0.0

    @property
    def tokens_used(self) -> int:
        """Tokens of the whole job, earlier runs included."""
        return self._tokens

    @property
    def calls(self) -> tuple[int, int]:
        """Answers used in this run, and how many of them an earlier job has paid for."""
        return len(self._counted), self._borrowed

    @property
    def tokens_by_step(self) -> Mapping[str, int]:
        """Tokens per step of every answer used in this run, recalled ones included."""
        return dict(sorted(self._by_step.items()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for task in (open_calls := list(self._open.values())):
            task.cancel()
        await asyncio.gather(*open_calls, return_exceptions=True)

    async def at_rest(self) -> None:
        """Returns when the run cannot go on without another question and none is out: asked, or answered and not yet durable."""
        while self._out or all(task.done() for task in self._open.values()):
            self._moved.clear()
            await self._moved.wait()

    async def ask(self, question: Question[Answer]) -> Answer | Unusable:
        """First try, one repair turn, and one try from scratch if nothing could be read."""
        with self._timed(question.step) as outcome:
            answer = await self._answer(question)
            outcome.append("unusable" if isinstance(answer, Unusable) else "answered")
            return answer

    @contextmanager
    def _timed(self, step: str) -> Iterator[list[str]]:
        began, outcome = asyncio.get_running_loop().time(), list[str]()
        try:
            yield outcome
        finally:
            seconds = asyncio.get_running_loop().time() - began
            self._metrics.step(step, outcome[0] if outcome else "stopped", seconds)

    async def _answer(self, question: Question[Answer]) -> Answer | Unusable:
        first = await self._turn(question, FIRST, _messages(question))
        complaints = _complaints(first, question)
        if not complaints and first.parsed.answer is not None:
            return first.parsed.answer
        answer = await self._repaired(question, first, complaints)
        return answer if answer is not None else await self._from_scratch(question)

    async def _repaired(
        self, question: Question[Answer], first: _Turn[Answer], complaints: Sequence[str]
    ) -> Answer | None:
        if first.declined:
            return None  # nothing to repair
        form = question.schema if first.parsed.answer is None else None
        turns = (Message("assistant", first.text), Message("user", repair_request(complaints, form)))
        second = await self._turn(question, REPAIR, (*_messages(question), *turns))
        if (answer := second.parsed.answer or first.parsed.answer) is not None:
            return answer
        return self._rescued(question, second, first)

    def _rescued(self, question: Question[Answer], *turns: _Turn[Answer]) -> Answer | None:
        """The valid part of the first of the answers that has one."""
        found = (turn.rescued(question.schema) for turn in turns)
        answer = next((one for one in found if one is not None), None)
        if answer is not None and question.unit not in self._reduced:
            self._reduced.append(question.unit)
            log.info("llm.reduced", job=self._job_id, step=question.step, unit=question.unit)
        return answer

    async def _from_scratch(self, question: Question[Answer]) -> Answer | Unusable:
        last = await self._turn(question, FROM_SCRATCH, _messages(question))
        answer = last.parsed.answer or self._rescued(question, last)
        if answer is not None:
            return answer
        reason = last.declined or "; ".join(last.parsed.complaints[:3])
        return Unusable(reason=unquoted(reason, question.user.encode()))

    async def _turn(
        self, question: Question[Answer], ordinal: int, messages: Sequence[Message]
    ) -> _Turn[Answer]:
        model = self._language_model(question).name
        key = key_of(model, question.schema, messages, ordinal)
        asked = Asked(step=question.step, model=model)
        entry = await self._entry(
            _Call(question=question, ordinal=ordinal, messages=messages, key=key, asked=asked)
        )
        self._count(question.step, entry)
        return self._fresh.pop(key, None) or _read(entry, question.schema)

    async def _entry(self, call: _Call) -> Entry:
        """From the journal, or from a call; the same question already being asked is shared."""
        if self._closed:
            raise asyncio.CancelledError  # a node that outlived its run
        if call.key in self._journal:
            self._metrics.asked(call.asked, "recalled")
            return self._journal[call.key]
        task = self._open.get(call.key) or self._started(call.key, self._asked(call))
        return await asyncio.shield(task)

    def _started(self, key: str, call: Coroutine[Any, Any, Entry]) -> asyncio.Task[Entry]:
        task = asyncio.create_task(call)
        self._open[key] = task
        self._moved.set()
        task.add_done_callback(lambda _: self._open.pop(key))
        return task

    async def _asked(self, call: _Call) -> Entry:
        try:
            return await self._stored(call)
        finally:
            self._is_home(call)

    def _is_home(self, call: _Call) -> None:
        self._out.discard(call.key)
        self._moved.set()

    async def _stored(self, call: _Call) -> Entry:
        began = asyncio.get_running_loop().time()
        reply = await self._reply(call)
        self._tokens += reply.tokens
        value = value_of(reply)
        entry = Entry(key=call.key, value=value, tokens=reply.tokens)
        turn = self._fresh[call.key] = _read(entry, call.question.schema)
        self._tell(call, reply, turn)
        if call.ordinal == FROM_SCRATCH and turn.lost(call.question.schema):
            entry = Entry(key=call.key, value=value, tokens=reply.tokens, unusable=True)
        await self._journal.store(entry)
        self._took.append(asyncio.get_running_loop().time() - began)
        return entry

    def _tell(self, call: _Call, reply: Reply, turn: _Turn[Any]) -> None:
        self._metrics.asked(call.asked, "unusable" if turn.parsed.answer is None else "answered")
        self._metrics.spent(
            call.asked,
            prompt=reply.prompt - reply.cached,
            cached=reply.cached,
            completion=reply.tokens - reply.prompt,
        )

    async def _reply(self, call: _Call) -> Reply:
        """The only retry layer: waits out 429, 5xx and time-outs inside the step's time."""
        patience = self._patience()
        while True:
            try:
                return await self._tried(call, patience)
            except LlmUnavailable as error:
                wait = patience.next_wait(error.retry_after)
                log.info(
                    "llm.no_answer", job=self._job_id, step=call.question.step, reason=str(error), wait=wait
                )
                if wait is None:
                    raise
                self._metrics.again(call.asked, _reason(error))
            async with patience.spent():
                await asyncio.sleep(wait)

    def _patience(self) -> Patience:
        clock = asyncio.get_running_loop().time
        return Patience(self._allowance.step_seconds, chance=self._calls.chance, clock=clock)

    async def _tried(self, call: _Call, patience: Patience) -> Reply:
        await self._link.may_ask()
        async with self._calls.concurrency.place(self._job_id) as cuts:
            await self._link.may_ask()  # it may have closed while we stood in line
            self._check_tokens()
            async with patience.spent():
                return await self._called(call, min(self._calls.timeout, patience.left), cuts)

    async def _called(self, call: _Call, seconds: float, cuts: int) -> Reply:
        began = asyncio.get_running_loop().time()
        self._out.add(call.key)
        try:
            reply = await self._within(call, seconds)
        except (LlmUnavailable, LlmMisconfigured) as error:
            self._is_home(call)
            if isinstance(error, Throttled):
                self._calls.concurrency.throttled(cuts)
            self._metrics.asked(call.asked, "none")
            self._metrics.took(call.asked, asyncio.get_running_loop().time() - began)
            # Providers quote what they were asked.
            error.args = (unquoted(str(error), call.question.user.encode()),)
            if not isinstance(error, Throttled):
                self._calls.concurrency.failed(str(error))
            raise
        self._calls.concurrency.answered()
        self._metrics.took(call.asked, asyncio.get_running_loop().time() - began)
        return reply

    async def _within(self, call: _Call, seconds: float) -> Reply:
        question = call.question
        trace = {
            "job": self._job_id,
            "step": question.step,
            "unit": question.unit,
            "ordinal": str(call.ordinal),
        }
        language_model = self._language_model(question)
        try:
            async with asyncio.timeout(seconds) as patience:
                return await language_model.ask(call.messages, question.schema, trace=trace)
        except TimeoutError as error:
            if not patience.expired():
                raise
            raise LlmUnavailable(f"no answer within {seconds:.0f} s") from error

    def _language_model(self, question: Question[Any]) -> LanguageModel:
        return self._calls.light if question.light else self._calls.main

    def _check_tokens(self) -> None:
        ceiling = self._allowance.max_tokens
        if ceiling and self._tokens >= ceiling:
            raise LimitReached(
                f"the job has used {self._tokens} tokens; the ceiling is {ceiling}",
                limit="JOB_MAX_TOKENS",
                value=ceiling,
            )

    def _count(self, step: str, entry: Entry) -> None:
        if entry.key not in self._counted:
            self._counted.add(entry.key)
            self._borrowed += entry.borrowed
            self._by_step[step] += entry.tokens


def _reason(error: LlmUnavailable) -> str:
    if isinstance(error, Throttled):
        return "throttled"
    return "timeout" if isinstance(error.__cause__, TimeoutError) else "unavailable"


def _messages(question: Question[Any]) -> tuple[Message, ...]:
    return Message("system", question.system), Message("user", question.user)


def _complaints(turn: _Turn[Answer], question: Question[Answer]) -> Sequence[str]:
    answer = turn.parsed.answer
    return turn.parsed.complaints if answer is None else question.check(answer)


def _read(entry: Entry, schema: type[Answer]) -> _Turn[Answer]:
    """The same for a fresh answer as for a recalled one: both are read from the journal's value."""
    value: dict[str, Any] = json.loads(entry.value)
    if "answer" in value:
        text = json.dumps(value["answer"], ensure_ascii=False, separators=(",", ":"))
        return _Turn(declined="", text=text, value=value["answer"], parsed=parse(value["answer"], schema))
    text = value.get("text", "")
    no_json: Parsed[Answer] = Parsed(complaints=["the answer is not one JSON object"])
    return _Turn(declined=value.get("declined", ""), text=text, value=None, parsed=no_json)
