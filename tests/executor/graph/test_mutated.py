"""Every answer mutated at random, through the chat with its repair turns: each job ends with a model without findings or with
a reason, nothing raises, nothing hangs, nothing invalid is shown, and the journal alone gives the same end again.

HOSTILE_JOBS=3000 runs so many jobs instead of 300.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from pydantic import BaseModel

from executor.errors import LlmUnavailable, NothingUsable
from executor.graph import answers
from executor.graph.given import GraphInput
from executor.graph.prompt import read_blocks
from executor.graph.run import Finished, Snapshot, generate
from executor.llm.language_model import Message, Reply, Throttled
from executor.model import EventStormingModel, Language
from tests.executor.graph.inputs import asked_for, draft, requirements
from tests.executor.graph.scripted import RULES
from tests.executor.invariants import findings
from tests.executor.llm.fakes import MemoryLink, chat
from workbench.mutations import mutated

JOBS = int(os.environ.get("HOSTILE_JOBS", "300"))
BATCHES = 10
STEPS: dict[type[BaseModel], str] = {getattr(answers, f"{step.title()}Answer"): step for step in RULES}
INPUTS = (requirements(), requirements(3), draft(), draft(Language.KOREAN))


class Hostile:
    """Answers by rules, each answer mutated; what it does depends on the seed and the question alone."""

    name = "openai:hostile"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.asked = 0

    async def ask(
        self, messages: Sequence[Message], schema: type[BaseModel], *, trace: Mapping[str, str]
    ) -> Reply:
        self.asked += 1
        await asyncio.sleep(0)
        rng = random.Random(f"{self._seed}/{trace['ordinal']}/{messages[1].content}")
        if rng.random() < 0.05:
            return Reply(declined="refused: no", tokens=1)
        rule = RULES[STEPS[schema]]
        assert callable(rule)
        return Reply(text=mutated(json.dumps(rule(read_blocks(messages[1].content))), rng), tokens=1)


async def _ended(input: GraphInput, hostile: Hostile, link: MemoryLink) -> list[EventStormingModel] | str:
    """Every model that was shown, or why there is none."""
    try:
        async with chat(hostile, link, recalled=tuple(link.stored)) as asking:
            return [e.model async for e in generate(input, asking) if isinstance(e, Snapshot | Finished)]
    except NothingUsable as reason:
        return str(reason)


async def _job(seed: int) -> str:
    input, link = INPUTS[seed % len(INPUTS)], MemoryLink()
    async with asyncio.timeout(60):
        ended = await _ended(input, Hostile(seed), link)
    if isinstance(ended, str):
        assert len(ended) > 20
        return "failed"
    for model in ended:
        assert findings(model, finished=False) == ()
    assert findings(ended[-1], *asked_for(input, ended[-1])) == ()
    if seed % 20 == 0:
        again = Hostile(seed)
        assert (await _ended(input, again, link))[-1] == ended[-1]
        assert again.asked == 0
    return "completed"


@pytest.mark.heavy
@pytest.mark.parametrize("batch", range(BATCHES))
async def test_mutated_answers_end_in_a_valid_model_or_a_reason(batch: int) -> None:
    ends = Counter([await _job(seed) for seed in range(batch, JOBS, BATCHES)])
    assert ends.total() == len(range(batch, JOBS, BATCHES))
    assert ends["completed"] > ends["failed"], "almost nothing survives: the answers are not used"


@pytest.mark.parametrize("error", [Throttled("429"), LlmUnavailable("500")])
@pytest.mark.parametrize("input", [requirements(), draft()], ids=["text", "draft"])
async def test_a_language_model_that_never_answers_ends_the_run_and_shows_nothing(
    input: GraphInput, error: LlmUnavailable
) -> None:
    class Away(Hostile):
        async def ask(self, *_: object, **__: object) -> Reply:  # type: ignore[override]
            raise error

    link = MemoryLink()
    shown = []
    with pytest.raises(LlmUnavailable):
        async with chat(Away(0), link, step_seconds=0.2) as asking:
            shown += [
                event async for event in generate(input, asking) if isinstance(event, Snapshot | Finished)
            ]
    assert shown == []
    assert link.stored == []
