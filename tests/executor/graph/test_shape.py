"""The shape of the graph, read off the order of questions: the longest chain, and that no unit waits for a slower one."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from executor.graph.given import GraphInput
from executor.graph.question import Answer, Question, Unusable
from executor.graph.run import generate
from tests.executor.graph.inputs import draft, requirements
from tests.executor.graph.scripted import Asked, ScriptedChat
from tests.virtual import virtual


class SteppingChat(ScriptedChat):
    """Answers in rounds: one round answers everything that is open, once nothing new comes. Rounds = longest chain."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[asyncio.Future[None]] = []

    async def ask(self, question: Question[Answer]) -> Answer | Unusable:
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.open.append(gate)
        await gate
        return await super().ask(question)


async def rounds_of(input: GraphInput) -> int:
    chat = SteppingChat()

    async def drain() -> None:
        async for _ in generate(input, chat):
            pass

    run = asyncio.create_task(drain())
    for count in itertools.count():
        for _ in range(200):
            await asyncio.sleep(0)
        if run.done():
            await run
            return count
        gates, chat.open = chat.open, []
        assert gates, "the run waits for nothing"
        for gate in gates:
            gate.set_result(None)
    raise AssertionError


@pytest.mark.parametrize("contexts", [1, 2, 3, 8])
async def test_the_longest_chain_from_requirements_is_four_whatever_the_contexts(contexts: int) -> None:
    assert await rounds_of(requirements(contexts)) == 4


async def test_the_longest_chain_from_a_draft_is_three() -> None:
    assert await rounds_of(draft()) == 3


def _slow(unit: str) -> ScriptedChat:
    def delay(question: Asked) -> float:
        return 0.3 if question.unit == unit else 0.0

    return ScriptedChat(delay=delay)


async def _order(chat: ScriptedChat) -> list[str]:
    async for _ in generate(requirements(3), chat):
        pass
    return chat.answered


async def test_a_slow_behaviour_holds_up_no_other_aggregate() -> None:
    answered = await _order(_slow("behaviour 1.1"))
    for unit in ("scenarios 1.2.1", "screens 3.2", "policies 1"):
        assert answered.index(unit) < answered.index("behaviour 1.1")


@virtual
async def test_leaving_the_run_early_stops_its_questions() -> None:
    chat = ScriptedChat(delay=lambda _: 0.05)
    run = generate(requirements(3), chat)
    async for _ in run:
        if len(chat.answered) >= 1:
            break
    await run.aclose()
    await asyncio.sleep(0)
    before = len(chat.asked)
    await asyncio.sleep(0.15)
    assert len(chat.asked) == before
