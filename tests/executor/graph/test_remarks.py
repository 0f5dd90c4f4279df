"""What a step, a join, a review or a repair leaves out or changes, it tells: every sentence of theirs is provoked here, in both
languages, so that none of them can go or come without this test."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import executor
from executor.graph import joins
from executor.graph.asking import Remarks
from executor.graph.given import DraftAggregate, DraftContext, GraphInput, RequiredNames
from executor.graph.question import Answer, Question, Unusable
from executor.graph.run import generate
from executor.graph.unit import whole_job
from executor.model import (
    Aggregate,
    BoundedContext,
    Command,
    Enumeration,
    Event,
    EventStormingModel,
    Language,
    Note,
    Policy,
    ReadModel,
)
from executor.repair import repaired
from executor.review import joined
from tests.executor.graph.inputs import draft, requirements
from tests.executor.graph.scripted import RULES, ScriptedChat

ROOT = Path(executor.__file__).parent
SOURCES = [*sorted((ROOT / "graph").glob("*.py")), ROOT / "review.py", ROOT / "repair.py"]
LANGUAGES = pytest.mark.parametrize("language", list(Language), ids=str)


# ---------------------------------------------------------------- the sentences, read off the code


def sentences(language: Language) -> Iterator[tuple[str, str]]:
    """Where each stands, and a pattern of it."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (said := _said(node)):
                english, korean = said
                pattern = _pattern(korean if language is Language.KOREAN else english)
                yield f"{path.stem}:{pattern[:60]}", pattern


def _said(call: ast.Call) -> list[ast.expr] | None:
    """The sentence in both languages, where a call tells one."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("tell", "warn"):
        return call.args
    if name == "say":
        return call.args[1:]
    if name == "_note":
        (picked,) = call.args[1:]
        return picked.args if isinstance(picked, ast.Call) else None
    return None


def _pattern(sentence: ast.expr) -> str:
    parts = sentence.values if isinstance(sentence, ast.JoinedStr) else [sentence]
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in parts)


# ---------------------------------------------------------------- what provokes them


def changed(step: str, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> dict[str, Any]:
    """The usual answer of a step after a change, which sees the question too."""
    rule = RULES[step]
    assert callable(rule)

    def answer(data: dict[str, Any]) -> dict[str, Any]:
        said = rule(data)
        change(said, data)
        return said

    return {step: answer}


class OnceUnusable(ScriptedChat):
    """Nothing can be made of the answer to the first question of a step."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self._step = step

    async def ask(self, question: Question[Answer]) -> Answer | Unusable:
        if question.step == self._step:
            self._step = ""
            return Unusable(reason="refused")
        return await super().ask(question)


async def notes(input: GraphInput, chat: ScriptedChat) -> list[str]:
    return [event.message async for event in generate(input, chat) if isinstance(event, Note)]


def _long(input: GraphInput) -> GraphInput:
    filler = "Nothing of this matters here at all, and there is a lot of it to be read. " * 10
    context = replace(input.contexts[0], requirements="\n".join([filler] * 250))
    return replace(input, contexts=(context,))


def _odd_draft(said: dict[str, Any], data: dict[str, Any]) -> None:
    first = said["aggregates"][0]
    first["read_models"] += [{"name": f"View{n}Of{first['name']}", "shows": ["note"]} for n in range(61)]
    said["aggregates"] += [{"name": "Stranger", "commands": [{"name": "DoStranger", "events": ["Done"]}]}]


def _odd_behaviour(said: dict[str, Any], data: dict[str, Any]) -> None:
    said["fields"] = said["fields"][:1]
    for view in said["read_models"]:
        view["by"] = ["nothing known"]


def _odd_scenarios(said: dict[str, Any], data: dict[str, Any]) -> None:
    said["example"] += ["weather=fine"]


def _odd_screens(said: dict[str, Any], data: dict[str, Any]) -> None:
    said["screens"] += [{"owner": "Unknown", "rows": ["[Go]"]}]


def _odd_policies(said: dict[str, Any], data: dict[str, Any]) -> None:
    said["policies"] += [
        {"name": "Turning", "alias": "turning", "trigger": "LoanClosed", "commands": ["CloseLoan"]},
        {"name": "Lost", "alias": "lost", "trigger": "LoanClosed", "commands": ["Evaporate"]},
    ]


def _nowhere(said: dict[str, Any], data: dict[str, Any]) -> None:
    said["contexts"] += [{"name": "Nowhere", "alias": "nowhere", "owns": "", "sees": ""}]


def _empty(said: dict[str, Any], data: dict[str, Any]) -> None:
    said["contexts"] += [{"name": "Empty", "alias": "empty", "owns": "5"}]


def _nothing_in(context: str) -> dict[str, Any]:
    rule = RULES["draft"]
    assert callable(rule)
    return {"draft": lambda data: {"aggregates": []} if data["context"]["name"] == context else rule(data)}


def _in_language(input: GraphInput, language: Language) -> GraphInput:
    return replace(input, language=language)


async def _of_graph(language: Language) -> list[str]:
    asked, read = draft(language), _in_language(requirements(), language)
    plain = DraftContext(name="Empty", requirements="Nothing is done here.")
    names = DraftContext(
        name="Desk",
        requirements="Desk: Loan is kept.\nNobody reads this line.",
        aggregates=(DraftAggregate(name="Loan", required_attributes=("rate",)),),
        required=RequiredNames(commands=("LendAgain",), read_models=("Sums",)),
    )
    two_chunks = "\n".join(["Lending: Loan is made.", *["x " * 450] * 30, "Catalog: Book is added."])
    found: list[str] = []
    for step in ("behaviour", "draft", "policies", "scenarios", "screens"):
        found += await notes(read, OnceUnusable(step))
    found += await notes(_in_language(GraphInput(requirements=two_chunks), language), OnceUnusable("outline"))
    found += await notes(_in_language(GraphInput(requirements=two_chunks), language), ScriptedChat())
    silent = "\n".join(["Lending: Loan is made.", *["x " * 450] * 30, "Nothing at all."])
    found += await notes(_in_language(GraphInput(requirements=silent), language), ScriptedChat())
    found += await notes(asked, ScriptedChat())
    found += await notes(_long(asked), ScriptedChat())
    for rules in (
        changed("draft", _odd_draft),
        changed("behaviour", _odd_behaviour),
        changed("scenarios", _odd_scenarios),
        changed("screens", _odd_screens),
        changed("policies", _odd_policies),
        changed("outline", _nowhere),
        changed("outline", _empty) | _nothing_in("Empty"),
    ):
        found += await notes(read, ScriptedChat(rules=rules))
    wanted = GraphInput(language=language, contexts=(names, plain))
    found += await notes(
        wanted,
        ScriptedChat(rules=changed("draft", lambda said, _: said["aggregates"][0]["commands"].clear())),
    )
    found += await notes(wanted, ScriptedChat(rules=changed("behaviour", _odd_behaviour)))
    found += await notes(wanted, ScriptedChat(rules=_nothing_in("Empty")))
    found += await notes(asked, ScriptedChat(rules=changed("draft", _odd_draft)))
    return found


def _of_review(language: Language) -> list[str]:
    view = ReadModel(name="Loans", alias="loans", actor="Administrator")
    one = Aggregate(name="Loan", read_models=(view,), commands=(Command(name="Lend", actor="Admin"),))
    other = Aggregate(name="Book", read_models=(replace(view, actor="Admin"),))
    model = EventStormingModel(
        language=language, bounded_contexts=(BoundedContext(name="Lending", aggregates=(one, other)),)
    )
    return [note.message for note in joined(model, ("Administrator",), ()).notes]


def _of_repair(language: Language) -> list[str]:
    loan = Aggregate(
        name="Loan",
        enumerations=(Enumeration(name="Kind"),),
        commands=(Command(name="Lend"),),
        events=(Event(name="LoanOverdue"),),
    )
    model = EventStormingModel(
        language=language,
        bounded_contexts=(BoundedContext(name="ui", aggregates=(loan,)),),
        policies=(Policy(name="Odd", trigger="Unknown", results=("LoanOverdue",), bounded_context="ui"),),
    )
    return [note.message for note in repaired(model).notes]


async def told(language: Language) -> list[str]:
    return [*await _of_graph(language), *_of_review(language), *_of_repair(language)]


@LANGUAGES
async def test_every_sentence_about_what_was_left_out_or_changed_is_told(language: Language) -> None:
    messages = await told(language)
    silent = [
        where
        for where, pattern in sentences(language)
        if not any(re.fullmatch(pattern, message, re.DOTALL) for message in messages)
    ]
    assert silent == []


def test_the_sentences_are_read_off_the_code() -> None:
    found = [pattern for _, pattern in sentences(Language.ENGLISH)]
    assert len(found) > 30
    assert any("one\\ role" in pattern for pattern in found)


def test_lines_without_a_sticker_are_told_in_time_that_grows_with_the_text_and_no_faster() -> None:
    """Of a megabyte there are tens of thousands, and whoever looks for them keeps the event loop."""
    count = 20_000
    remarks = Remarks("finish", whole_job(requirements().language))
    began = time.process_time()
    joins._remark_untraced("", ("A line.",) * count, frozenset(), frozenset(range(1, count, 2)), remarks)
    assert time.process_time() - began < 1
    assert len(remarks.notes) == 2
