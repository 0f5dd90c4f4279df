"""What the chat relies on, of every language model: the embedded one, OpenAI's protocol in each form, a real provider.

A real provider takes part when TEST_AI_MODEL is set (`openai:...`, with TEST_OPENAI_API_KEY and TEST_OPENAI_BASE_URL).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from executor.errors import LlmUnavailable
from executor.graph.answers import MergeAnswer, OutlineAnswer
from executor.graph.prompt import blocks, constant
from executor.graph.question import Question, Unusable
from executor.llm import providers
from executor.llm.language_model import LanguageModel, Message
from executor.llm.language_models import ProcessLanguageModels
from executor.metrics import Metrics
from tests.executor.llm.fakes import MemoryLink, chat
from workbench.openai_server import ALL_FORMS, Behaviour, embedded, running

REAL = os.environ.get("TEST_AI_MODEL", "")
FORMS = {"strict schema": ALL_FORMS, "tools": {"tools", "json_object"}, "json mode": {"json_object"}}
LINES = (
    "1: A member borrows a book.\n2: A member returns the book.\n3: The clerk pays an invoice to a supplier."
)


@pytest.fixture(params=["embedded", *FORMS, *([REAL] if REAL else [])])
async def language_model(request: pytest.FixtureRequest) -> AsyncIterator[LanguageModel]:
    if request.param == "embedded":
        yield providers.offline("offline:rules")
    elif request.param == REAL:
        key, url = os.environ.get("TEST_OPENAI_API_KEY"), os.environ.get("TEST_OPENAI_BASE_URL")
        yield providers.openai(REAL, REAL.removeprefix("openai:"), api_key=key, base_url=url, timeout=120)
    else:
        async with running(Behaviour(script=embedded(), forms=frozenset(FORMS[request.param]))) as (_, url):
            yield providers.openai("openai:test-model", "test-model", api_key=None, base_url=url, timeout=30)


OUTLINE = Question(
    step="outline",
    unit="outline 1",
    schema=OutlineAnswer,
    system=constant("outline"),
    user=blocks({"language": "English", "lines": LINES}),
)


async def test_a_steps_question_gets_an_answer_of_its_schema(language_model: LanguageModel) -> None:
    link = MemoryLink()
    async with chat(language_model, link, step_seconds=240, timeout=120) as asking:
        answer = await asking.ask(OUTLINE)
    assert not isinstance(answer, Unusable)
    assert answer.contexts
    assert asking.tokens_used > 0


async def test_the_journal_alone_gives_the_same_answer(language_model: LanguageModel) -> None:
    link = MemoryLink()
    async with chat(language_model, link, step_seconds=240, timeout=120) as asking:
        answer = await asking.ask(OUTLINE)
    asked = len(link.stored)
    async with chat(language_model, link, recalled=link.stored, job_id="another") as asking:
        assert await asking.ask(OUTLINE) == answer
    assert len(link.stored) == asked


async def test_questions_at_once_get_their_own_answers(language_model: LanguageModel) -> None:
    pairs = [("Lending", "Catalogue"), ("Billing", "Purchasing"), ("Sales", "Marketing")]
    async with chat(language_model, MemoryLink(), step_seconds=240, timeout=120) as asking:
        answers = await asyncio.gather(*(asking.ask(_merge(*pair)) for pair in pairs))
    for pair, answer in zip(pairs, answers, strict=True):
        assert not isinstance(answer, Unusable)
        assert {name for context in answer.contexts for name in context.replaces} == set(pair)


async def test_check_finds_nothing_wrong(language_model: LanguageModel) -> None:
    models = ProcessLanguageModels(
        language_model, language_model, concurrency=1, timeout=60, metrics=Metrics()
    )
    assert (await models.check()).problem == ""


async def test_a_call_can_be_cancelled(language_model: LanguageModel) -> None:
    call = asyncio.create_task(
        language_model.ask(
            [Message("system", OUTLINE.system), Message("user", OUTLINE.user)], OutlineAnswer, trace={}
        )
    )
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises((asyncio.CancelledError, LlmUnavailable)):
        await call


def _merge(first: str, second: str) -> Question[MergeAnswer]:
    found = [
        {"name": n, "alias": n, "purpose": f"Does {n}.", "aggregates": [f"{n}Record"]}
        for n in (first, second)
    ]
    return Question(
        step="merge",
        unit=f"merge {first} {second}",
        schema=MergeAnswer,
        system=constant("merge"),
        user=blocks({"language": "English", "contexts": found}),
    )
