"""Answers written by hand: which question each of them fits, how long the longest chain of them takes, and a desk to write them at."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventstorming.v1 import model_pb2

from tests.fakes import eventually
from workbench.bench.figures import Baseline, Figure
from workbench.bench.measures.strong import DEPENDS_BEFORE, Call, kept, longest
from workbench.strong.hand import Desk, application
from workbench.strong.recorded import Answered, Recordings, Unknown, digest, said, unit_of


def asked(form: str, user: str, *more: str) -> dict[str, Any]:
    spoken = [("system", "Answer."), ("user", user), *(("user", turn) for turn in more)]
    return {
        "model": "m",
        "messages": [{"role": role, "content": content} for role, content in spoken],
        "response_format": {"type": "json_schema", "json_schema": {"name": form, "schema": {}}},
    }


def answered(body: Mapping[str, Any], answer: str) -> Answered:
    form = body["response_format"]["json_schema"]["name"]
    messages = body["messages"]
    return Answered(
        form=form, hash=digest(dict(body)), turns=len(messages), user=said(messages), answer=answer
    )


def about(aggregate: str, *lines: str) -> str:
    name = json.dumps({"name": aggregate})
    return "\n".join([f"<<<aggregate\n{name}\n>>>aggregate", *lines])


def test_the_same_words_have_their_answer() -> None:
    one, other = asked("Screens", about("Loan", "a")), asked("Screens", about("Loan", "b"))
    known = Recordings([answered(one, "1"), answered(other, "2")])
    assert [known.to(body).answer for body in (one, other)] == ["1", "2"]


def test_other_words_about_the_same_unit_have_the_answer_worded_most_like_it() -> None:
    known = Recordings(
        [
            answered(asked("Screens", about("Loan", "a", "b", "c")), "near"),
            answered(asked("Screens", about("Loan", "x", "y", "z")), "far"),
            answered(asked("Screens", about("Book", "a", "b", "d")), "another unit"),
            answered(asked("Scenarios", about("Loan", "a", "b", "d")), "another form"),
            answered(asked("Screens", about("Loan", "a", "b", "d"), "Repair it."), "a repair"),
        ]
    )
    assert known.to(asked("Screens", about("Loan", "a", "b", "d"))).answer == "near"


def test_a_question_nobody_has_answered_is_shown() -> None:
    known = Recordings([answered(asked("Screens", about("Loan", "a")), "1")])
    with pytest.raises(Unknown, match=r"Screens of grants\.en, unit 'Fine'(.|\n)*a rare word"):
        known.to(asked("Screens", about("Fine", "a rare word")))
    with pytest.raises(Unknown, match=r"carshare\.ko"):
        known.to(asked("Screens", about("Loan", "대여")))


def test_a_unit_is_named_by_its_blocks() -> None:
    context = '<<<context\n{"name":"Lending"}\n>>>context\n'
    assert [unit_of(text) for text in (context + about("Loan"), about("Loan"), "none")] == [
        "Lending/Loan",
        "Loan",
        "",
    ]


def call(form: str, unit: str, seconds: float) -> Call:
    return Call(form=form, unit=unit, seconds=seconds, prompt=0, answer=0)


def test_the_longest_path_waits_for_what_a_question_depends_on_and_for_nothing_else() -> None:
    start = [call("ContextsAnswer", "", 1), call("LineMapAnswer", "", 2)]
    drafts = [call("DraftAnswer", "A", 4), call("DraftAnswer", "B", 1)]
    details = [call("NamesAnswer", "A", 1), call("DetailsAnswer", "B/b", 5)]
    behaviour = [call("BehaviourAnswer", "a", 3), call("BehaviourAnswer", "b", 1)]
    screens = [call("ScreensAnswer", "b", 4)]
    assert longest([*start, *drafts, *details, *behaviour, *screens], DEPENDS_BEFORE) == 1 + 2 + 1 + 5 + 1 + 4
    assert longest([*start, *drafts, *details, *behaviour], DEPENDS_BEFORE) == 1 + 2 + 1 + 5 + 3


def test_all_that_a_model_keeps_is_counted() -> None:
    model = model_pb2.EventStormingModel()
    aggregate = model.bounded_contexts.add().aggregates.add()
    aggregate.fields.add(name="loanId")
    aggregate.value_objects.add(name="Period").fields.add(name="start")
    command = aggregate.commands.add(name="Lend")
    command.fields.add(name="bookId")
    command.scenarios.add(title="lent")
    command.refusals.add(title="refused")
    aggregate.events.add(name="Lent").fields.add(name="loanId")
    aggregate.read_models.add(name="Loans").columns.add(name="due")
    model.policies.add(name="Remind")
    expected = {"commands": 1, "events": 1, "fields": 5, "scenarios": 2, "policies": 1, "read_models": 1}
    assert dict(kept(model)) == expected


def test_a_figure_that_must_not_sink_misses_when_it_does() -> None:
    def figure(count: float) -> Figure:
        base = Baseline(name="before", samples=[41])
        return Figure(name="a", what="", unit="", samples=[count], baseline=base, limits={"no_less": 1.0})

    assert [figure(count).verdict for count in (40, 41, 42)] == ["misses", "holds", "holds"]


async def _answering(folder: Path, body: dict[str, Any]) -> list[str]:
    """Two who ask the same; what is said to each of them. The answer is written once the question lies there."""
    transport = httpx.ASGITransport(application(Desk(folder, look_seconds=0.01)))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        waiting = asyncio.create_task(client.post("/v1/chat/completions", json=body))
        await eventually((folder / "001.question.json").exists)
        assert not waiting.done()
        (folder / "001.answer.json").write_text('{"screens":[]}\n', "utf-8")
        replies = [await waiting, await client.post("/v1/chat/completions", json=body)]
    return [reply.json()["choices"][0]["message"]["content"] for reply in replies]


def test_a_question_lies_on_the_desk_until_it_is_answered_and_is_answered_again_at_once(
    tmp_path: Path,
) -> None:
    body = asked("Screens", about("Loan"))
    assert asyncio.run(_answering(tmp_path, body)) == ['{"screens":[]}'] * 2
    (question,) = tmp_path.glob("*.question.json")
    assert json.loads(question.read_text("utf-8")) == body
