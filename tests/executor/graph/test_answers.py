"""Every answer's JSON schema lies in the subset that strict structured output allows."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from executor.graph import answers
from executor.graph.state import STEPS
from executor.llm.structured import strict_schema
from workbench.openai_server import strict_problems

SCHEMAS = [
    schema
    for name, schema in vars(answers).items()
    if isinstance(schema, type) and issubclass(schema, BaseModel) and name.endswith("Answer")
]


@pytest.mark.parametrize("answer", SCHEMAS, ids=lambda schema: schema.__name__)
def test_a_schema_is_in_the_strict_subset(answer: type[BaseModel]) -> None:
    assert list(strict_problems(strict_schema(answer))) == []


def test_there_are_schemas_for_all_steps() -> None:
    assert {f"{step.title()}Answer" for step in STEPS} <= {schema.__name__ for schema in SCHEMAS}


def test_an_answer_needs_no_more_than_its_names() -> None:
    said = answers.DraftAnswer.model_validate(
        {"aggregates": [{"name": "Loan", "commands": [{"name": "Lend", "emits": 3, "events": ["Lent"]}]}]}
    )
    assert said.aggregates[0].commands[0].events[0] == answers.EventAnswer(name="Lent")


def test_values_and_events_of_an_older_form_are_read() -> None:
    said = answers.ScenarioAnswer.model_validate(
        {
            "command": "Lend",
            "title": "t",
            "given": [{"field": "loanId", "value": "1"}],
            "then": [{"event": "Lent", "values": []}],
        }
    )
    assert (said.given, said.then) == (["loanId=1"], ["Lent"])


def test_a_policy_of_an_older_form_names_its_results() -> None:
    said = answers.PolicyAnswer.model_validate({"name": "P", "trigger": "Lent", "results": ["Noted"]})
    assert (said.commands, said.condition) == (["Noted"], "")
