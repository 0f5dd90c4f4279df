"""The questions of one run: journal first, then the language model; durable before an answer is used.

Knows neither gRPC nor any provider. Ends the run (by raising) only when there is no answer or a limit is reached; an
unusable answer is a value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog
from pydantic import BaseModel

from executor.graph.question import Question, Unusable
from executor.llm.calls import Call, Caller, Calls, Out
from executor.llm.course import FROM_SCRATCH, Messages, Outcome, Turn, course
from executor.llm.journal import key_of, value_of
from executor.llm.language_model import Reply
from executor.llm.silence import Silence
from executor.llm.tally import Tally
from executor.ports import Allowance, Entry, Link
from process.traces import OUTCOME

Answer = TypeVar("Answer", bound=BaseModel)

log = structlog.get_logger("executor.llm")


class JournaledChat(Tally):
    """`graph.question.Chat` for one run. An async context: leaving it cancels every open call and waits for its end."""

    def __init__(
        self, calls: Calls, *, job_id: str, link: Link, recalled: Iterable[Entry], allowance: Allowance
    ) -> None:
        super().__init__(allowance.tokens_used)
        self._calls = calls
        self._job_id = job_id
        self._out = Out()
        self._journal = {entry.key: entry for entry in recalled}
        self.silence = Silence(asyncio.get_running_loop().time, answers=len(self._journal))
        self._caller = Caller(
            calls,
            job_id=job_id,
            link=link,
            allowance=allowance,
            tally=self,
            out=self._out,
            silence=self.silence,
        )
        self._link = link
        self._open: dict[str, asyncio.Task[Entry]] = {}
        self._fresh: dict[str, Turn[Any]] = {}
        self._closed = False

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
            await self._out.change()

    async def ask(self, question: Question[Answer]) -> Answer | Unusable:
        """First try, one repair turn, and one try from scratch if nothing could be read."""
        began, outcome = asyncio.get_running_loop().time(), "stopped"
        unit = {"eventstorming.unit": question.unit}
        with self._calls.traces.part(f"step {question.step}", unit) as span:
            try:
                answer, reduced = await self._outcome(question)
                outcome = "unusable" if isinstance(answer, Unusable) else "answered"
            finally:
                seconds = asyncio.get_running_loop().time() - began
                self._calls.metrics.step(question.step, outcome, seconds)
                span.tell({OUTCOME: outcome})
        if reduced and question.unit not in self.reduced:
            self.reduced.append(question.unit)
            log.info("llm.reduced", job=self._job_id, step=question.step, unit=question.unit)
        return answer

    async def _outcome(self, question: Question[Answer]) -> Outcome[Answer]:
        following = course(question)
        call = next(following)
        while True:
            turn = await self._turn(question, *call)
            try:
                call = following.send(turn)
            except StopIteration as end:
                outcome: Outcome[Answer] = end.value
                return outcome

    async def _turn(self, question: Question[Answer], ordinal: int, messages: Messages) -> Turn[Answer]:
        model = self._calls.light if question.light else self._calls.main
        key = key_of(f"{model.name}{self._calls.extra}", question.schema, messages, ordinal)
        call = Call(question=question, ordinal=ordinal, messages=messages, key=key, model=model)
        entry = await self._entry(call)
        self._use(question.step, entry)
        return self._fresh.pop(key, None) or Turn.read(entry.value, question.schema)

    async def _entry(self, call: Call) -> Entry:
        """From the journal, or from a call; the same question already being asked is shared."""
        if self._closed:
            raise asyncio.CancelledError  # a node that outlived its run
        if call.key in self._journal:
            self._calls.metrics.asked(call.asked, "recalled")
            return self._journal[call.key]
        task = self._open.get(call.key)
        if task is None:
            task = self._open[call.key] = asyncio.create_task(self._asked(call))
            task.add_done_callback(lambda _: self._open.pop(call.key))
            self._out.moved.set()
        return await asyncio.shield(task)

    async def _asked(self, call: Call) -> Entry:
        try:
            return await self._stored(call)
        finally:
            self._out.home(call.key)

    async def _stored(self, call: Call) -> Entry:
        began = asyncio.get_running_loop().time()
        reply = await self._caller.reply(call)
        self.tokens_used += reply.tokens
        schema, value = call.question.schema, value_of(reply, call.question.schema)
        turn = self._fresh[call.key] = Turn.read(value, schema)
        self._tell(call, reply, turn)
        lost = call.ordinal == FROM_SCRATCH and turn.answer is None and turn.rest(schema) is None
        entry = Entry(key=call.key, value=value, tokens=reply.tokens, unusable=lost)
        await self._link.store(entry)
        self._journal[call.key] = entry  # durable before it is known
        self.silence.answers = len(self._journal)
        if not self.silence.fell_after(began):
            self._took.append(asyncio.get_running_loop().time() - began)
        return entry

    def _tell(self, call: Call, reply: Reply, turn: Turn[Any]) -> None:
        self._calls.learn(call, reply, turn)
        self._calls.metrics.asked(call.asked, "unusable" if turn.answer is None else "answered")
        self._calls.metrics.spent(
            call.asked,
            prompt=reply.prompt - reply.cached,
            cached=reply.cached,
            completion=reply.tokens - reply.prompt,
        )
