"""Finding the answer in a text: past thoughts and drafts, in whatever wrapping, and safely in any text at all."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from executor.llm.journal import value_of
from executor.llm.language_model import Reply
from executor.llm.reading import lack, object_in, remains, spoken
from executor.llm.structured import parse, rescued
from tests.executor.llm.fakes import Fruit

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(), JSON, min_size=1, max_size=4)

FIG: dict[str, Any] = {"name": "Fig", "seeds": 9}
DRAFT = '{"name":"Rejected","seeds":1,"more":"","and":[{"name":"Rejected","seeds":1}]}'
GOOD = json.dumps(FIG)
CALL = {"name": "Fruit", "arguments": FIG}


class Basket(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    fruits: list[Fruit]


@pytest.mark.parametrize(
    "text",
    [
        f"<think>Perhaps {DRAFT}?</think>{GOOD}",
        f"<think>Perhaps {DRAFT}?</think>\n```json\n{GOOD}\n```",
        f"Perhaps {DRAFT}?</think>{GOOD}",
        f"<think>One {DRAFT}</think><think>Two {DRAFT}</think>{GOOD}",
        f"<thinking>{DRAFT}</thinking> The answer: {GOOD} Bye!",
        f"[THINK]{DRAFT}[/THINK]{GOOD}",
        f"◁think▷{DRAFT}◁/think▷{GOOD}",
        f"<seed:think>{DRAFT}</seed:think>{GOOD}",
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}<|return|>",
        f"<think>{'{' * 5000}{'{x} ' * 5000}</think>{GOOD}",
        f"{'{so} ' * 5000}{GOOD}",
        f'First I thought {{"name":"Rejected","seeds":1}}, but no: {GOOD}',
        f"{GOOD} That is better than {DRAFT}.",
        f"<think>Nothing after this, and it ends with {GOOD}</think>",
        f"<think>It never ends, but says {GOOD}",
    ],
)
def test_what_follows_the_thoughts_counts_else_the_last_that_passes(text: str) -> None:
    assert object_in(text, Fruit) == FIG


@pytest.mark.parametrize(
    "text",
    [
        f"<think>Perhaps {GOOD}? No.</think>",
        f"<think>Perhaps {GOOD}? No.",
        "<think>Hm.</think>",
        "",
        f'<think>{GOOD}</think>{{"name":"Fi',
        f'Not {GOOD}, but {{"name":"Fi',
    ],
)
def test_a_draft_is_no_answer(text: str) -> None:
    assert object_in(text, Fruit) is None


def test_of_what_was_cut_off_only_what_it_ends_with_counts() -> None:
    assert object_in(f"Not {GOOD}, but bet", Fruit, cut=True) is None
    assert object_in(f"<think>{DRAFT}</think>{GOOD}\n```", Fruit, cut=True) == FIG
    assert object_in(GOOD, Fruit, cut=True) == FIG


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(CALL),
        json.dumps([CALL]),
        json.dumps({"name": "Fruit", "parameters": FIG}),
        json.dumps({"name": "Fruit", "arguments": GOOD}),
        json.dumps({"type": "function", "function": {"name": "Fruit", "arguments": GOOD}}),
        json.dumps({"tool_calls": CALL}),
        json.dumps({"Fruit": FIG}),
        json.dumps({"type": "object", "properties": FIG}),
        json.dumps(GOOD),
        f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>",
        f"[TOOL_CALLS][{json.dumps(CALL)}]",
        f"<|python_tag|>{json.dumps(CALL)}",
        f"<function=Fruit>{GOOD}</function>",
        "<tool_call><function=Fruit><parameter=name>Fig</parameter><parameter=seeds>\n9\n</parameter></function>",
        "<tool_call>Fruit\n<arg_key>name</arg_key>\n<arg_value>Fig</arg_value>\n<arg_key>seeds</arg_key>"
        "<arg_value>9</arg_value></tool_call>",
    ],
)
def test_a_call_written_as_text_and_other_wrappings_are_read(text: str) -> None:
    assert object_in(text, Fruit) == FIG


class Market(BaseModel):
    """As the steps' answers are: what is missing says nothing, what is too much is ignored."""

    fruits: list[str] = []
    rules: list[str] = []
    questions: list[str] = []


def test_of_a_form_that_little_breaks_the_last_with_the_most_members_counts() -> None:
    whole: dict[str, Any] = {"fruits": ["Fig"], "rules": [], "questions": []}
    text = json.dumps(whole)
    assert object_in(f'Not {{"fruits":["Plum"]}}: {text}. I left {{"rules":["x"]}} out.', Market) == whole
    assert object_in(json.dumps({"name": "Market", "arguments": text}), Market) == whole
    assert object_in('{"fruits":["Fig"],"more":1}', Market) == {"fruits": ["Fig"], "more": 1}


@pytest.mark.parametrize("value", [{}, {"market": {"fruit": "Fig"}}])
def test_an_object_of_another_form_is_no_answer_however_little_is_asked_of_it(value: dict[str, Any]) -> None:
    answer, complaints = parse(value, Market)
    assert answer is None
    assert complaints == ["answer: none of fruits, rules, questions is there"]


def test_an_answer_that_breaks_its_form_is_kept_for_a_repair() -> None:
    assert object_in('{"name":"Fig"}', Fruit) == {"name": "Fig"}
    assert object_in('Here: {"a":1} {"name":"Fig","seed":9}.', Fruit) == {"name": "Fig", "seed": 9}


def test_an_answer_may_speak_of_thoughts() -> None:
    fruit = {"name": "a</think>b", "seeds": 1}
    assert object_in(json.dumps(fruit), Fruit) == fruit
    assert object_in(json.dumps(fruit | {"more": 1}), Fruit) == fruit | {"more": 1}


@pytest.mark.parametrize(
    ("text", "cut", "words"),
    [
        ("", False, "the answer was empty"),
        ("<think>Hm.</think> ", False, "the answer was empty, only thoughts came"),
        ("<think>Hm", False, "the answer was empty, only thoughts came"),
        ("<think>Hm", True, "the answer was cut off before its end, only thoughts came"),
        ("Sorry", False, "the answer is not one JSON object"),
        ("Sor", True, "the answer was cut off before its end"),
        ('{"name":"Fi', False, "the answer was cut off before its end"),
    ],
)
def test_what_is_missing_is_said(text: str, cut: bool, words: str) -> None:
    assert lack(text, cut=cut) == words


def test_thoughts_are_not_said_again() -> None:
    assert spoken("<think>Hm.</think> Sorry") == "Sorry"
    assert spoken("<think>Hm.") == ""
    assert spoken("Sorry ") == "Sorry"


@given(OBJECTS)
def test_an_object_is_found_between_prose_and_fences(value: dict[str, object]) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert object_in(text, Fruit) == value
    assert object_in(f"Here you are:\n```json\n{text}\n```\nBye!", Fruit) == value
    assert object_in(f"Here you are: {text} Bye!", Fruit) == value


@given(st.text() | st.text(alphabet='{}[]":,x1 '))
def test_any_text_becomes_a_journal_value(text: str) -> None:
    value = json.loads(value_of(Reply(text=text), Fruit))
    assert set(value) in ({"answer"}, {"text"})
    assert isinstance(value.get("answer", {}), dict)


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "null", '{"a": NaN}', '{"a":' * 5000, "{" * 100_000, '{"a": %s}' % ("9" * 5000), "\ud800"],
    ids=["empty", "list", "null", "nan", "deep", "braces", "long number", "half a pair"],
)
def test_what_is_no_object_is_kept_as_text_or_read_safely(text: str) -> None:
    value_of(Reply(text=text), Fruit).encode()


def test_an_answer_cut_off_in_the_middle_keeps_what_was_whole() -> None:
    text = 'Here: {"name":"b","fruits":[{"name":"Fig","seeds":9},{"name":"Pl'
    assert object_in(text, Basket) is None, "an item was taken for the answer"
    found = rescued(remains(text), Basket)
    assert found
    assert [fruit.name for fruit in found.fruits] == ["Fig"]
    assert remains("nothing") is None


@pytest.mark.parametrize(
    "text", ['{"a":' * 100_000, '{"' * 300_000, "{" * 600_000, '{"a":1} ' * 150_000, "<think>" * 100_000]
)
def test_no_text_holds_the_others_up(text: str) -> None:
    began = time.process_time()
    object_in(text, Basket)
    assert time.process_time() - began < 1
