"""The whole embedded language model: every step answers in its form, for any text, always the same."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from devkit.rules.chat_model import RulesChatModel
from devkit.rules.reader import read
from devkit.rules.registry import RULES, answer
from executor.graph import answers
from executor.graph.prompt import blocks
from executor.llm.structured import strict_schema

EXAMPLES = Path(__file__).parents[3] / "examples"
FIELD = {"name": "status", "type": "OrderStatus", "is_key": False}
AGGREGATE = {
    "name": "Order",
    "alias": "Order",
    "fields": [{"name": "orderId", "type": "Long", "is_key": True}, FIELD],
    "enumerations": [{"name": "OrderStatus", "items": ["OPEN", "CLOSED"]}],
}
COMMAND = {
    "name": "PlaceOrder",
    "alias": "Place order",
    "actor": "",
    "emits": ["OrderPlaced"],
    "fields": [FIELD],
}
PIECES = (
    "When if once after the a Order orders placed is are by , . : ; - | # CREATE TABLE ( ) A or B one of records can be to and "
    "고객은 주문을 취소한다 하면 되면 된다 할 수 있다 중 하나이다 의 에는 , 기록된다 🚗 \n \t 12: ``` |"
)
SENTENCE_PARTS = st.sampled_from(PIECES.split(" "))
TEXTS = st.one_of(st.text(max_size=300), st.lists(SENTENCE_PARTS, max_size=60).map(" ".join))


def numbered(text: str) -> str:
    return "\n".join(f"{n}: {line}" for n, line in enumerate(text.split("\n"), 1))


def data(text: str) -> str:
    """One user message with every block a step may be given."""
    return blocks(
        {
            "language": "English",
            "lines": numbered(text),
            "contexts": [{"name": "Sales", "alias": "Sales", "description": "", "aggregates": ["Order"]}],
            "context": {
                "name": "Sales",
                "alias": "Sales",
                "description": "",
                "aggregates": [{"name": "Order", "alias": "Order"}],
            },
            "others": [{"name": "Stock", "aggregates": ["Item"]}],
            "aggregate": AGGREGATE,
            "aggregates": [{"name": "Order", "alias": "Order", "description": ""}],
            "required": {"commands": ["ShipOrder"], "events": ["OrderShipped"], "read_models": ["MyOrders"]},
            "commands": [COMMAND],
            "events": [{"name": "OrderPlaced", "alias": "", "fields": [FIELD]}],
            "read_models": [
                {"name": "MyOrders", "alias": "", "actor": "", "multiple": True, "parameters": [FIELD]}
            ],
            "model": [
                {
                    "context": "Sales",
                    "aggregate": "Order",
                    "commands": ["PlaceOrder"],
                    "events": [{"name": "OrderPlaced", "alias": ""}],
                }
            ],
            "pair": [{"name": "Order"}, {"name": "Item"}],
        }
    )


@settings(max_examples=150)
@given(TEXTS)
def test_every_step_answers_any_text(text: str) -> None:
    for schema in RULES:
        assert isinstance(answer(schema, data(text)), schema)


@pytest.mark.parametrize("schema", RULES, ids=lambda schema: schema.__name__)
def test_every_step_answers_without_data(schema: type) -> None:
    assert isinstance(answer(schema, ""), schema)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.md")), ids=lambda path: path.name)
def test_the_same_text_gets_the_same_bytes(example: Path) -> None:
    text = example.read_text("utf-8")
    first = [answer(schema, data(text)).model_dump_json() for schema in RULES]
    read.cache_clear()

    assert [answer(schema, data(text)).model_dump_json() for schema in RULES] == first


def test_four_times_the_lines_take_about_four_times_as_long() -> None:
    lines = [line for path in EXAMPLES.glob("library.*.md") for line in path.read_text("utf-8").split("\n")]

    def used(count: int) -> float:
        text = data("\n".join((lines * 30)[:count]))
        read.cache_clear()
        began = time.process_time()
        answer(answers.ContextsAnswer, text)
        return time.process_time() - began

    used(50)
    assert min(used(1000) for _ in range(3)) < 10 * min(used(250) for _ in range(3))


def test_required_names_are_kept_literally() -> None:
    named = answer(answers.NamesAnswer, data("A customer places an order. The clerk ships the order."))

    assert isinstance(named, answers.NamesAnswer)
    (order,) = named.aggregates
    ship = next(command for command in order.commands if command.name == "ShipOrder")
    assert ship.emits == ["OrderShipped"]
    assert "MyOrders" in [view.name for view in order.read_models]


def test_a_required_name_replaces_what_says_the_same() -> None:
    given = {
        "language": "English",
        "context": {"name": "Lending", "alias": "", "description": ""},
        "aggregates": [{"name": "Loan", "alias": "Loan", "description": ""}],
        "required": {"commands": ["LendCopy"], "events": ["CopyLent"], "read_models": []},
        "lines": "1: A member borrows a copy for 14 days.",
    }
    named = answer(answers.NamesAnswer, blocks(given))

    assert isinstance(named, answers.NamesAnswer)
    assert [(command.name, command.emits) for command in named.aggregates[0].commands] == [
        ("LendCopy", ["CopyLent"])
    ]


def test_required_attributes_become_fields() -> None:
    details = answer(
        answers.DetailsAnswer,
        blocks(
            {
                "language": "English",
                "aggregate": {
                    "name": "Loan",
                    "alias": "Loan",
                    "required_attributes": ["loan_id", "due_date"],
                },
                "lines": "",
            }
        ),
    )

    assert isinstance(details, answers.DetailsAnswer)
    assert {(field.name, field.type) for field in details.fields} == {("loanId", "Long"), ("dueDate", "Date")}
    assert [field.name for field in details.fields if field.is_key] == ["loanId"]


def test_a_text_without_behaviour_gives_nothing() -> None:
    text = "Opening hours\n\nThe counter is open from Monday to Thursday.\nThere is a lift."

    found = answer(answers.ContextsAnswer, blocks({"language": "English", "lines": numbered(text)}))

    assert found == answers.ContextsAnswer(contexts=[])


def test_headings_with_behaviour_below_become_contexts() -> None:
    text = (
        "# Shop\n\n## Ordering\n\nA customer places an order.\n\n## Billing\n\nThe clerk issues an invoice."
    )

    found = answer(answers.ContextsAnswer, blocks({"language": "English", "lines": numbered(text)}))

    assert isinstance(found, answers.ContextsAnswer)
    assert [context.name for context in found.contexts] == ["Ordering", "Billing"]


def test_a_line_about_two_contexts_belongs_to_both() -> None:
    text = "When an order is placed, an invoice is issued.\n\nThe weather is fine."
    contexts = [
        {"name": "Sales", "alias": "", "aggregates": ["Order"]},
        {"name": "Billing", "alias": "", "aggregates": ["Invoice"]},
    ]

    found = answer(answers.LineMapAnswer, blocks({"contexts": contexts, "lines": numbered(text)}))

    assert isinstance(found, answers.LineMapAnswer)
    assert {one.context for one in found.ranges if one.first_line == 1} == {"Sales", "Billing"}
    assert {one.context for one in found.ranges if one.last_line == 3} == {""}


def test_wireframes_are_plain_and_escaped() -> None:
    command = {**COMMAND, "alias": "<script>alert(1)</script>"}
    found = answer(
        answers.ScreensAnswer,
        blocks({"language": "English", "aggregate": AGGREGATE, "commands": [command], "read_models": []}),
    )

    assert isinstance(found, answers.ScreensAnswer)
    assert "<script" not in found.screens[0].html
    assert "<option>OPEN</option>" in found.screens[0].html


def messages() -> list[Any]:
    return [SystemMessage("Any prompt."), HumanMessage(data("A customer places an order."))]


@pytest.mark.parametrize(
    "form",
    [
        answers.NamesAnswer,
        {
            "type": "json_schema",
            "json_schema": {"name": "NamesAnswer", "schema": strict_schema(answers.NamesAnswer)},
        },
        {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": answers.NamesAnswer.model_json_schema()},
        },
    ],
    ids=["class", "name", "title"],
)
async def test_the_step_is_found_by_the_requested_form(form: Any) -> None:
    reply = await RulesChatModel().bind(response_format=form).ainvoke(messages())

    assert isinstance(reply, AIMessage)
    assert set(json.loads(str(reply.content))) == {"aggregates"}
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["total_tokens"] > 0


async def test_structured_output_is_parsed() -> None:
    parsed = await RulesChatModel().with_structured_output(answers.NamesAnswer).ainvoke(messages())

    assert isinstance(parsed, answers.NamesAnswer)


async def test_a_question_without_a_step_is_refused() -> None:
    with pytest.raises(ValueError, match="response_format"):
        await RulesChatModel().ainvoke("Hello?")


async def test_a_repair_turn_still_answers_the_question() -> None:
    turns: Sequence[Any] = [
        *messages(),
        AIMessage("{}"),
        HumanMessage("Your answer was rejected:\n- aggregates: missing"),
    ]
    reply = await RulesChatModel().bind(response_format=answers.NamesAnswer).ainvoke(list(turns))

    assert json.loads(str(reply.content))["aggregates"]


@pytest.mark.parametrize(
    "piece",
    ["A customer places an order, ", "the status of the ", "주문은 ", "상태는 접수, ", "주문", "(", "| "],
)
def test_one_endless_line_is_read_in_time(piece: str) -> None:
    began = time.process_time()

    answer(answers.ContextsAnswer, data(piece * (20_000 // len(piece))))

    assert time.process_time() - began < 2
