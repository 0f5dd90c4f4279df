"""Reading an answer out of a text, and the schemas every step is held to."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from executor.graph import answers
from executor.llm.journal import value_of
from executor.llm.language_model import Reply
from executor.llm.structured import (
    json_in,
    parse,
    partial_json,
    repair_request,
    rescued,
    schema_text,
    strict_schema,
)
from tests.executor.llm.fakes import Fruit
from workbench.openai_server import strict_problems

STEPS = sorted(
    (kind for _, kind in inspect.getmembers(answers, inspect.isclass) if issubclass(kind, answers.Strict)),
    key=lambda kind: kind.__name__,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(), JSON, min_size=1, max_size=4)


@pytest.mark.parametrize("schema", STEPS, ids=lambda kind: kind.__name__)
def test_every_steps_schema_is_in_the_strict_subset(schema: type[BaseModel]) -> None:
    assert list(strict_problems(strict_schema(schema))) == []
    assert json.loads(schema_text(schema)) == strict_schema(schema)


@given(OBJECTS)
def test_an_object_is_found_between_prose_and_fences(value: dict[str, object]) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert json_in(text) == value
    assert json_in(f"Here you are:\n```json\n{text}\n```\nBye!") == value
    assert json_in(f"Here you are: {text} Bye!") == value


@given(st.text() | st.text(alphabet='{}[]":,x1 '))
def test_any_text_becomes_a_journal_value(text: str) -> None:
    value = json.loads(value_of(Reply(text=text)))
    assert set(value) in ({"answer"}, {"text"})
    assert isinstance(value.get("answer", {}), dict)


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "null", '{"a": NaN}', '{"a":' * 5000, "{" * 100_000, '{"a": %s}' % ("9" * 5000), "\ud800"],
    ids=["empty", "list", "null", "nan", "deep", "braces", "long number", "half a pair"],
)
def test_what_is_no_object_is_kept_as_text_or_read_safely(text: str) -> None:
    value_of(Reply(text=text)).encode()


def test_complaints_name_the_place() -> None:
    parsed = parse({"name": "Fig", "seeds": None}, Fruit)
    assert parsed.answer is None
    assert parsed.complaints == ["seeds: Input should be a valid integer"]


def test_a_repair_request_shows_the_schema_only_when_the_form_was_missed() -> None:
    assert schema_text(Fruit) in repair_request(["no JSON"], Fruit)
    assert schema_text(Fruit) not in repair_request(["not sweet"], None)


def test_a_repair_request_stays_short() -> None:
    assert "and 80 more" in repair_request([f"complaint {n}" for n in range(100)], None)


class Basket(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    fruits: list[Fruit]


@pytest.mark.parametrize(
    ("fruits", "kept"),
    [
        ([{"name": "Fig", "seeds": 9}, {"name": "Plum"}], ["Fig"]),
        ([{"name": None, "seeds": 1}, {"name": "Fig", "seeds": 9}, 7, {"seeds": []}], ["Fig"]),
        ([{"name": "Fig", "seeds": 9, "skin": 1}], ["Fig"]),
        ([{"name": "Plum"}], None),
    ],
)
def test_what_is_valid_of_an_answer_is_rescued(fruits: list[Any], kept: list[str] | None) -> None:
    found = rescued({"name": "b", "fruits": fruits, "note": "added"}, Basket)
    assert (found and [fruit.name for fruit in found.fruits]) == kept


def test_what_is_wrong_outside_of_any_list_cannot_be_rescued() -> None:
    assert rescued({"name": 1, "fruits": []}, Basket) is None
    assert rescued({"name": "Fig"}, Fruit) is None


def test_an_answer_cut_off_in_the_middle_keeps_what_was_whole() -> None:
    text = 'Here: {"name":"b","fruits":[{"name":"Fig","seeds":9},{"name":"Pl'
    assert json_in(text) is None, "an item was taken for the answer"
    found = rescued(partial_json(text), Basket)
    assert found
    assert [fruit.name for fruit in found.fruits] == ["Fig"]
    assert partial_json("nothing") is None
