"""The schemas every step is held to, and what is valid of an answer that is not."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from executor.graph import answers
from executor.llm.structured import parse, repair_request, rescued, schema_text, strict_schema
from tests.executor.llm.fakes import Fruit
from workbench.openai_server import strict_problems

STEPS = sorted(
    (kind for _, kind in inspect.getmembers(answers, inspect.isclass) if issubclass(kind, answers.Strict)),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("schema", STEPS, ids=lambda kind: kind.__name__)
def test_every_steps_schema_is_in_the_strict_subset(schema: type[BaseModel]) -> None:
    assert list(strict_problems(strict_schema(schema))) == []
    assert json.loads(schema_text(schema)) == strict_schema(schema)


def test_complaints_name_the_place() -> None:
    answer, complaints = parse({"name": "Fig", "seeds": None}, Fruit)
    assert answer is None
    assert complaints == ["seeds: Input should be a valid integer"]


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
