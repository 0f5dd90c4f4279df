"""What calls learn of an endpoint, what is told of them, and what an answer is read as: no network, no time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from executor.llm.calls import Call, Calls
from executor.llm.course import FIRST, FROM_SCRATCH, REPAIR, Turn
from executor.llm.language_model import Message, Reply
from executor.llm.limits import Concurrency
from executor.llm.reading import CUT
from executor.metrics import Metrics
from tests.executor.llm.fakes import Fruit, ScriptedLanguageModel, question

ASKED = (Message("system", "Answer."), Message("user", "Which fruit?"))
WHOLE: dict[str, Any] = {"name": "Fig", "seeds": 9}


def calls(*, langsmith: bool = False) -> Calls:
    model = ScriptedLanguageModel()
    return Calls(
        main=model,
        light=model,
        concurrency=Concurrency(1),
        timeout=5,
        chance=lambda: 0.0,
        metrics=Metrics(),
        langsmith=langsmith,
    )


def call(ordinal: int = FIRST, *, name: str = "openai:scripted") -> Call:
    model = ScriptedLanguageModel(name=name)
    return Call(question=question(), ordinal=ordinal, messages=ASKED, key="k", model=model)


def turn(**stored: Any) -> Turn[Fruit]:
    return Turn.read(json.dumps(stored), Fruit)


MISSED = turn(answer={"name": "Fig"})


def ignored(
    own: Calls, reply: Reply | None = None, made: Call | None = None, brought: Turn[Fruit] = MISSED
) -> bool:
    """Whether the form goes in words, too, after this answer."""
    own.learn(made or call(), reply or Reply(text="{}"), brought)
    return own.messages(call()) != ASKED


def test_who_misses_the_form_gets_it_in_words_from_then_on_and_is_told_of_once() -> None:
    own = calls()
    with capture_logs() as logs:
        assert ignored(own)
        assert ignored(own)
    said = {"event": "llm.form_ignored", "log_level": "warning", "language_model": "openai:scripted"}
    assert logs == [said]
    assert "seeds" in own.messages(call())[0].content
    assert own.messages(call(name="openai:other")) == ASKED


def test_of_what_was_answered_the_most_has_it() -> None:
    own = calls()
    for _ in range(2):
        assert not ignored(own, brought=turn(answer=WHOLE))
    assert [ignored(own) for _ in range(3)] == [False, False, True]
    assert ignored(own, brought=turn(answer=WHOLE)), "an answer to the form in words tells nothing"


@pytest.mark.parametrize(
    ("reply", "made", "brought"),
    [
        (Reply(), call(REPAIR), MISSED),
        (Reply(declined="I may not."), call(), MISSED),
        (Reply(cut=True), call(), MISSED),
        (Reply(), call(), turn(text="")),
    ],
)
def test_some_answers_tell_nothing_of_the_form(reply: Reply, made: Call, brought: Turn[Fruit]) -> None:
    assert not ignored(calls(), reply, made, brought)


def test_an_answer_from_scratch_tells_as_much_as_a_first_one() -> None:
    assert ignored(calls(), made=call(FROM_SCRATCH))


def test_who_does_not_count_tokens_is_named_once() -> None:
    own = calls()
    with capture_logs() as logs:
        for name in ("openai:a", "openai:a", "openai:b"):
            own.learn(call(name=name), Reply(estimated=True), turn(answer=WHOLE))
            own.learn(call(name="openai:c"), Reply(), turn(answer=WHOLE))
    assert [(line["event"], line["language_model"]) for line in logs] == [
        ("llm.usage_estimated", "openai:a"),
        ("llm.usage_estimated", "openai:b"),
    ]


def test_a_span_tells_the_tokens_of_an_answer_and_its_name_where_it_is_traced_too() -> None:
    reply = Reply(tokens=30, prompt=20)
    spent = {"gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 10}
    assert calls().told_of(reply) == calls(langsmith=True).told_of(reply) == spent
    assert calls().told_of(replace(reply, cached=5)) == {**spent, "gen_ai.usage.cache_read.input_tokens": 5}
    named = replace(reply, run="r-1")
    assert calls().told_of(named) == spent
    assert calls(langsmith=True).told_of(named) == {**spent, "langsmith.run.id": "r-1"}


def test_a_span_names_provider_model_and_what_came_before() -> None:
    first = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "scripted",
    }
    assert (call().traced_as, call().traced(0)) == ("chat scripted", first)
    again = {**first, "eventstorming.ordinal": REPAIR, "http.request.resend_count": 2}
    assert call(REPAIR).traced(2) == again
    azure = call(name="azure_openai:gpt:4").traced(0)
    assert (azure["gen_ai.provider.name"], azure["gen_ai.request.model"]) == ("azure.ai.openai", "gpt:4")


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ({"text": "no JSON"}, "the answer is not one JSON object"),
        ({"text": "no JSON", "cut": True}, CUT),
        ({"text": "no JSON", "cut": False}, "the answer is not one JSON object"),
        ({"text": ""}, "the answer was empty"),
        ({"declined": "I may not."}, "I may not."),
        ({"text": "x", "declined": "I may not.", "cut": True}, "I may not."),
    ],
)
def test_why_there_is_no_answer(stored: dict[str, Any], why: str) -> None:
    read = turn(**stored)
    assert (list(read.complaints), read.answer, read.value) == ([why], None, None)
    assert (read.text, read.declined) == (stored.get("text", ""), stored.get("declined", ""))
    assert read.rest(Fruit) is None
    assert not read.complete(Fruit)


def test_an_answer_is_read_with_what_is_said_of_it() -> None:
    read = turn(answer=WHOLE)
    assert (read.answer, read.complaints, read.said) == (Fruit(**WHOLE), (), '{"name":"Fig","seeds":9}')
    assert read.complete(Fruit)
    assert not MISSED.complete(Fruit)
    assert MISSED.complaints
