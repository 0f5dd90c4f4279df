"""One suite over all endpoints of the matrix in docs/language-models.md: the product's own client against each stand-in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from executor.errors import LlmMisconfigured
from executor.graph.question import Unusable
from executor.llm import providers
from executor.llm.language_model import LanguageModel, Message, Throttled
from tests.contracts.endpoints import ENDPOINTS, FIG, KEY, MODEL, Endpoint, serving
from tests.executor.llm.fakes import Fruit, MemoryLink, chat, question

DOCS = Path(__file__).parents[2] / "docs"
ASKED = (Message("system", "Answer in JSON."), Message("user", "Which fruit?"))

pytestmark = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)


def asking(url: str, key: str = KEY) -> LanguageModel:
    return providers.openai(f"openai:{MODEL}", MODEL, api_key=key, base_url=url, timeout=5)


async def test_a_question_is_answered_in_the_strongest_form_that_is_understood(endpoint: Endpoint) -> None:
    async with serving(endpoint) as (there, url), chat(asking(url), MemoryLink()) as asks:
        assert await asks.ask(question()) == Fruit(**FIG)
        assert asks.tokens_used == 27 * (1 + endpoint.misses)
    assert tuple(there.asked) == endpoint.asks + endpoint.asks[-1:] * endpoint.misses


async def test_what_is_refused_or_ignored_is_learned_after_the_first_and_told_once(
    endpoint: Endpoint,
) -> None:
    with capture_logs() as logs:
        async with serving(endpoint) as (there, url), chat(asking(url), MemoryLink()) as asks:
            answers = [await asks.ask(question(f"Which fruit? {n}")) for n in range(16)]
    assert answers == [Fruit(**FIG)] * 16
    assert len(there.asked) == 16 + len(endpoint.asks) - 1 + endpoint.misses
    assert [line["event"] for line in logs].count("llm.form_ignored") == endpoint.misses
    assert [line["event"] for line in logs].count("llm.form_rejected") == int(len(endpoint.asks) > 1)


async def test_a_draft_in_the_thoughts_is_no_answer(endpoint: Endpoint) -> None:
    async with serving(endpoint, "thinks") as (_, url), chat(asking(url), MemoryLink()) as asks:
        assert await asks.ask(question()) == Fruit(**FIG)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("ponders", "the answer was empty, only thoughts came"),
        ("empty", "the answer was empty"),
        ("cut", "the answer was cut off"),
    ],
)
async def test_what_is_missing_of_an_answer_is_said(endpoint: Endpoint, kind: str, words: str) -> None:
    async with serving(endpoint, kind) as (_, url), chat(asking(url), MemoryLink()) as asks:
        answer = await asks.ask(question())
    assert isinstance(answer, Unusable)
    assert answer.reason.startswith(words)


@pytest.mark.parametrize("kind", ["key", "model"])
async def test_a_wrong_key_or_model_ends_it_and_the_endpoint_is_quoted(endpoint: Endpoint, kind: str) -> None:
    async with serving(endpoint, kind) as (there, url):
        with pytest.raises(LlmMisconfigured) as ended:
            await asking(url).ask(ASKED, Fruit, trace={})
    said = getattr(endpoint, kind).body
    assert words_of(said) in str(ended.value)
    assert KEY not in str(ended.value)
    assert len(there.asked) == 1 or kind == "model"


async def test_too_many_requests_are_waited_out(endpoint: Endpoint) -> None:
    async with serving(endpoint, "busy") as (there, url):
        with pytest.raises(Throttled, match=re.escape(words_of(endpoint.busy.body))):
            await asking(url).ask(ASKED, Fruit, trace={})
    assert len(there.asked) == 1


async def test_a_question_that_is_too_long_is_declined(endpoint: Endpoint) -> None:
    async with serving(endpoint, "long") as (there, url):
        reply = await asking(url).ask(ASKED, Fruit, trace={})
    assert reply.declined == "the question is longer than the language model can read"
    assert len(there.asked) == 1


async def test_what_is_refused_in_every_form_is_quoted(endpoint: Endpoint) -> None:
    async with serving(endpoint, "refuses") as (there, url):
        with pytest.raises(LlmMisconfigured) as ended:
            await asking(url).ask(ASKED, Fruit, trace={})
        there.kind = "good"
        await asking(url).ask(ASKED, Fruit, trace={})
    assert there.asked[:4] == ["json_schema", "tools", "json_object", "prompt"]
    assert words_of(endpoint.refusal("prompt").body) in str(ended.value)


@pytest.mark.parametrize("page", ["language-models.md", "language-models.ko.md"])
def test_the_matrix_has_a_line_for_it(endpoint: Endpoint, page: str) -> None:
    assert re.search(rf"^\| (\[)?{endpoint.name}\b", (DOCS / page).read_text("utf-8"), re.MULTILINE)


def words_of(body: object) -> str:
    """The sentence of an error's body."""
    while not isinstance(body, str):
        if isinstance(body, list):
            body = body[0]
        elif isinstance(body, dict):
            body = next(body[key] for key in ("error", "message", "detail", "msg") if body.get(key))
        else:
            raise TypeError(body)
    return body
