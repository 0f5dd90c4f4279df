"""Every answer's JSON schema lies in the subset that strict structured output allows."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from executor.graph import answers
from workbench.openai_server import strict_problems

SCHEMAS = [
    schema
    for name, schema in vars(answers).items()
    if isinstance(schema, type) and issubclass(schema, BaseModel) and name.endswith("Answer")
]


@pytest.mark.parametrize("answer", SCHEMAS, ids=lambda schema: schema.__name__)
def test_a_schema_is_in_the_strict_subset(answer: type[BaseModel]) -> None:
    assert list(strict_problems(answer.model_json_schema())) == []


def test_there_are_schemas_for_all_steps() -> None:
    assert len(SCHEMAS) >= 11
