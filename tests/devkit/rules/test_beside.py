"""Long questions are answered in a process of their own, with the same bytes, and end with it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from devkit.rules.beside import Beside
from devkit.rules.chat_model import LONG, RulesChatModel
from devkit.rules.registry import written
from executor.errors import LlmMisconfigured
from executor.graph.answers import OutlineAnswer
from executor.graph.prompt import blocks
from executor.llm.language_model import Message
from executor.llm.providers import offline

pytestmark = pytest.mark.heavy
LIBRARY = (Path(__file__).parents[3] / "examples" / "library.en.md").read_text("utf-8")


def question(letters: int) -> str:
    lines = (LIBRARY * (letters // len(LIBRARY) + 1))[:letters].split("\n")
    return blocks(
        {"language": "English", "lines": "\n".join(f"{n}: {line}" for n, line in enumerate(lines, 1))}
    )


async def asked(beside: Beside, text: str) -> str:
    return await beside.answer("OutlineAnswer", text)


async def test_an_answer_from_beside_has_the_bytes_of_one_from_here() -> None:
    text = question(LONG)
    model = RulesChatModel()
    message = await model.ainvoke([HumanMessage(text)], response_format=OutlineAnswer)
    assert message.content == written(OutlineAnswer, text)


async def test_the_loop_goes_on_while_a_question_is_answered() -> None:
    beside, turns = Beside(), 0
    answering = asyncio.create_task(asked(beside, question(60_000)))
    while not answering.done():
        began = time.monotonic()
        await asyncio.sleep(0.02)
        assert time.monotonic() - began < 1
        turns += 1
    assert turns > 10


async def test_a_question_that_is_given_up_ends_at_once_and_the_next_one_is_answered() -> None:
    beside = Beside()
    await asked(beside, question(1000))
    long = asyncio.create_task(asked(beside, question(300_000)))
    await asyncio.sleep(0.3)
    long.cancel()
    began = time.monotonic()
    assert "contexts" in await asked(beside, question(1000))
    assert time.monotonic() - began < 20  # the long one alone would take far longer


async def test_a_process_killed_for_memory_is_the_operators_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    language_model = offline("offline:rules")
    beside = language_model._client._beside  # type: ignore[attr-defined]
    asking = asyncio.create_task(
        language_model.ask(
            [Message("system", ""), Message("user", question(300_000))], OutlineAnswer, trace={}
        )
    )
    while beside._process is None or beside._answering is None:  # noqa: ASYNC110 (it is another thread's)
        await asyncio.sleep(0.01)
    os.kill(beside._process.pid, signal.SIGKILL)
    with pytest.raises(LlmMisconfigured, match="too little memory"):
        await asking
