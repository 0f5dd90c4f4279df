"""The law of the graph: same input and same answers give the same questions and the same model, whoever answers first."""

from __future__ import annotations

import pytest

from executor.graph.given import GraphInput
from executor.graph.question import Answer, Question, Unusable
from executor.graph.run import Finished, generate
from executor.model import EventStormingModel
from executor.wire import model_to_proto
from tests.executor.graph.inputs import draft, requirements
from tests.executor.graph.scripted import ScriptedChat, jitter


async def run(input: GraphInput, chat: ScriptedChat) -> EventStormingModel:
    events = [event async for event in generate(input, chat)]
    assert isinstance(events[-1], Finished)
    return events[-1].model


def as_bytes(model: EventStormingModel) -> bytes:
    return model_to_proto(model).SerializeToString(deterministic=True)


@pytest.mark.parametrize("input", [requirements(), requirements(3), draft()], ids=["text", "three", "draft"])
async def test_completion_order_changes_neither_prompts_nor_model(input: GraphInput) -> None:
    chats = [ScriptedChat(delay=jitter(seed)) for seed in range(6)]
    models = [as_bytes(await run(input, chat)) for chat in chats]
    assert len({tuple(chat.answered) for chat in chats}) > 1, (
        "the orders were all the same: nothing was tested"
    )
    assert len(set(models)) == 1
    assert len({tuple(chat.prompts) for chat in chats}) == 1


class LeakingChat(ScriptedChat):
    """Lets the number of answers so far into an answer: what a node would do that looks at a clock or a counter."""

    async def ask(self, question: Question[Answer]) -> Answer | Unusable:
        answer = await super().ask(question)
        if question.step == "behaviour" and not isinstance(answer, Unusable):
            return answer.model_copy(update={"rules": [f"Only answer number {len(self.answered)}"]})
        return answer


async def test_a_leak_of_completion_order_is_caught() -> None:
    chats = [LeakingChat(delay=jitter(seed)) for seed in range(6)]
    models = [as_bytes(await run(requirements(3), chat)) for chat in chats]
    assert len(set(models)) > 1
    assert len({tuple(chat.prompts) for chat in chats}) > 1
