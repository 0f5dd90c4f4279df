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
from devkit.rules.draft import draft
from devkit.rules.english import _said
from devkit.rules.reader import read
from devkit.rules.registry import RULES, answer
from executor.graph import answers
from executor.graph.prompt import blocks
from executor.llm.structured import strict_schema

EXAMPLES = Path(__file__).parents[3] / "examples"
AGGREGATE = {
    "name": "Order",
    "alias": "Order",
    "fields": ["orderId: Long (key)", "status: OrderStatus"],
    "enumerations": {"OrderStatus": {"OPEN": "open", "CLOSED": "closed"}},
    "references": ["customerId: Customer"],
    "parts": ["Address (Address)"],
    "required_attributes": ["due_date"],
    "commands": ["PlaceOrder (Place order) by Customer -> OrderPlaced | OrderRefused"],
    "read_models": ["MyOrders (My orders) by Customer: orderId, status"],
    "rules": ["An order cannot be empty."],
}
COMMAND = {
    "name": "PlaceOrder",
    "alias": "Place order",
    "actor": "",
    "emits": {"OrderPlaced": []},
    "fields": ["status"],
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
            "contexts": [{"name": "Sales", "alias": "Sales", "purpose": "", "aggregates": ["Order"]}],
            "context": {
                "name": "Sales",
                "alias": "Sales",
                "purpose": "",
                "aggregates": [{"name": "Order", "alias": "Order"}],
                "seen": "",
            },
            "others": [{"name": "Stock", "aggregates": [{"name": "Item", "alias": "Item"}]}],
            "roles": ["Customer"],
            "systems": [{"name": "CardProvider", "alias": "card provider"}],
            "required": {"commands": ["ShipOrder"], "events": ["OrderShipped"], "read_models": ["MyOrders"]},
            "aggregate": AGGREGATE,
            "commands": [COMMAND],
            "read_models": [
                {
                    "name": "MyOrders",
                    "alias": "",
                    "actor": "",
                    "many": True,
                    "parameters": [],
                    "columns": ["status"],
                }
            ],
            "model": [
                {"context": "Sales", "aggregate": "Order", "commands": ["PlaceOrder (Place) -> OrderPlaced"]},
                {"context": "Stock", "aggregate": "Item", "commands": ["ReserveItem -> ItemReserved"]},
            ],
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
        answer(answers.OutlineAnswer, text)
        return time.process_time() - began

    used(50)
    assert min(used(1000) for _ in range(3)) < 10 * min(used(250) for _ in range(3))


def test_required_names_are_kept_literally() -> None:
    drafted = answer(answers.DraftAnswer, data("A customer places an order. The clerk ships the order."))

    assert isinstance(drafted, answers.DraftAnswer)
    (order,) = drafted.aggregates
    ship = next(command for command in order.commands if command.name == "ShipOrder")
    assert [event.name for event in ship.events] == ["OrderShipped"]
    assert "MyOrders" in [view.name for view in order.read_models]


def test_a_required_name_replaces_what_says_the_same() -> None:
    given = {
        "language": "English",
        "context": {
            "name": "Lending",
            "alias": "",
            "purpose": "",
            "aggregates": [{"name": "Loan", "alias": "Loan"}],
        },
        "required": {"commands": ["LendCopy"], "events": ["CopyLent"], "read_models": []},
        "lines": "1: A member borrows a copy for 14 days.",
    }
    drafted = answer(answers.DraftAnswer, blocks(given))

    assert isinstance(drafted, answers.DraftAnswer)
    (command,) = drafted.aggregates[0].commands
    assert (command.name, [event.name for event in command.events]) == ("LendCopy", ["CopyLent"])


def test_required_attributes_become_fields() -> None:
    aggregate = {"name": "Loan", "alias": "Loan", "required_attributes": ["loan_id", "due_date"]}
    found = answer(
        answers.BehaviourAnswer, blocks({"language": "English", "aggregate": aggregate, "lines": ""})
    )

    assert isinstance(found, answers.BehaviourAnswer)
    assert {(field.name, field.type) for field in found.fields} == {("loanId", "Long"), ("dueDate", "Date")}
    assert found.key == "loanId"


def test_what_is_described_for_a_command_is_read() -> None:
    found = answer(
        answers.BehaviourAnswer,
        blocks({"language": "English", "aggregate": AGGREGATE, "lines": "1: A customer places an order."}),
    )

    assert isinstance(found, answers.BehaviourAnswer)
    assert [(c.name, c.kind) for c in found.commands] == [("PlaceOrder", "create")]
    assert [part.name for part in found.parts] == ["Address"]
    assert all(set(event.adds) <= {"status"} for event in found.events)


def test_every_rule_gets_a_refusal_at_the_command_it_speaks_of() -> None:
    rules = ["A loan cannot be renewed twice.", "Only members may borrow."]
    commands = [{"name": name, "alias": "", "emits": {}} for name in ("BorrowCopy", "RenewLoan")]
    found = answer(
        answers.ScenariosAnswer,
        blocks({"language": "English", "aggregate": {"name": "Loan", "rules": rules}, "commands": commands}),
    )

    assert isinstance(found, answers.ScenariosAnswer)
    assert [(r.rule, r.command) for r in found.refusals] == [(1, "RenewLoan"), (2, "BorrowCopy")]


@pytest.mark.parametrize(
    ("line", "timer", "condition"),
    [
        (
            "When an order is placed, an item is reserved if the customer is known.",
            "",
            "if the customer is known",
        ),
        ("When an order is placed, an item is reserved after 14 days.", "after 14 days", ""),
    ],
)
def test_a_reaction_has_the_condition_and_the_time_of_its_sentence(
    line: str, timer: str, condition: str
) -> None:
    found = answer(answers.PoliciesAnswer, data(line))

    assert isinstance(found, answers.PoliciesAnswer)
    (policy,) = found.policies
    assert (policy.trigger, policy.commands) == ("OrderPlaced", ["ReserveItem"])
    assert (policy.timer, policy.condition) == (timer, condition)


@pytest.mark.parametrize(
    ("line", "system", "asked"),
    [
        ("A customer pays through the card provider, etc.", "CardProvider", "etc."),
        ("고객은 PG 결제대행사로 결제하고 적절한 기간 안에 취소한다.", "ExternalSystem", "적절한"),
    ],
)
def test_an_outline_names_systems_of_others_and_what_is_left_open(line: str, system: str, asked: str) -> None:
    found = answer(answers.OutlineAnswer, blocks({"language": "English", "lines": f"1: {line}"}))

    assert isinstance(found, answers.OutlineAnswer)
    assert [(s.name, s.lines) for s in found.external_systems] == [(system, "1")]
    assert [(asked in q.text, q.lines) for q in found.questions] == [(True, "1")]


def test_a_text_without_behaviour_gives_nothing() -> None:
    text = "Opening hours\n\nThe counter is open from Monday to Thursday.\nThere is a lift."

    found = answer(answers.OutlineAnswer, blocks({"language": "English", "lines": numbered(text)}))

    assert isinstance(found, answers.OutlineAnswer)
    assert found.contexts == []


def test_headings_with_behaviour_below_become_contexts() -> None:
    text = (
        "# Shop\n\n## Ordering\n\nA customer places an order.\n\n## Billing\n\nThe clerk issues an invoice."
    )

    found = answer(answers.OutlineAnswer, blocks({"language": "English", "lines": numbered(text)}))

    assert isinstance(found, answers.OutlineAnswer)
    assert [context.name for context in found.contexts] == ["Ordering", "Billing"]


def test_a_lesser_aggregate_without_a_section_joins_the_nearest_context() -> None:
    text = (
        "# Shop\n\nA clerk issues a badge.\n\n## Ordering\n\nA customer places an order.\nA clerk cancels the order.\n\n"
        "## Billing\n\nThe clerk issues an invoice.\nThe clerk sends the invoice."
    )

    found = answer(answers.OutlineAnswer, blocks({"language": "English", "lines": numbered(text)}))

    assert isinstance(found, answers.OutlineAnswer)
    assert {c.name: [a.name for a in c.aggregates] for c in found.contexts} == {
        "Ordering": ["Order", "Badge"],
        "Billing": ["Invoice"],
    }


def test_the_same_sentence_is_read_once_in_whatever_questions_it_stands() -> None:
    text = data("A customer places an order.\nThe clerk ships the order.")
    answer(answers.OutlineAnswer, text)
    read.cache_clear()
    before = _said.cache_info().misses

    for schema in RULES:
        answer(schema, text)

    assert _said.cache_info().misses == before


def test_of_two_contexts_the_one_that_acts_owns_the_line_and_the_other_sees_it() -> None:
    text = "# Shop\n\n## Sales\n\nA customer places an order.\nA clerk cancels the order.\n\n## Billing\n\nA clerk sends the invoice.\nWhen an order is placed, an invoice is issued."

    found = answer(answers.OutlineAnswer, blocks({"language": "English", "lines": numbered(text)}))

    assert isinstance(found, answers.OutlineAnswer)
    assert {c.name: (c.owns, c.sees) for c in found.contexts} == {
        "Sales": ("3,5,6", "11"),
        "Billing": ("8,10,11", ""),
    }


def test_a_sketch_has_a_row_for_every_field_and_column() -> None:
    found = answer(answers.ScreensAnswer, data(""))

    assert isinstance(found, answers.ScreensAnswer)
    form, view = found.screens
    assert (form.owner, form.rows) == ("PlaceOrder", ["status=Status 1"])
    assert (view.owner, view.rows) == ("MyOrders", ["| Status 1 |"])


def messages() -> list[Any]:
    return [SystemMessage("Any prompt."), HumanMessage(data("A customer places an order."))]


@pytest.mark.parametrize(
    "form",
    [
        answers.DraftAnswer,
        {
            "type": "json_schema",
            "json_schema": {"name": "DraftAnswer", "schema": strict_schema(answers.DraftAnswer)},
        },
        {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": answers.DraftAnswer.model_json_schema()},
        },
    ],
    ids=["class", "name", "title"],
)
async def test_the_step_is_found_by_the_requested_form(form: Any) -> None:
    reply = await RulesChatModel().bind(response_format=form).ainvoke(messages())

    assert isinstance(reply, AIMessage)
    assert set(json.loads(str(reply.content))) == {"aggregates", "calls", "questions"}
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["total_tokens"] > 0


async def test_a_question_without_a_step_is_refused() -> None:
    with pytest.raises(ValueError, match="response_format"):
        await RulesChatModel().ainvoke("Hello?")


async def test_a_repair_turn_still_answers_the_question() -> None:
    turns: Sequence[Any] = [
        *messages(),
        AIMessage("{}"),
        HumanMessage("Your answer was rejected:\n- aggregates: missing"),
    ]
    reply = await RulesChatModel().bind(response_format=answers.DraftAnswer).ainvoke(list(turns))

    assert json.loads(str(reply.content))["aggregates"]


@pytest.mark.parametrize(
    "piece",
    ["A customer places an order, ", "the status of the ", "주문은 ", "상태는 접수, ", "주문", "(", "| "],
)
def test_one_endless_line_is_read_in_time(piece: str) -> None:
    began = time.process_time()

    answer(answers.OutlineAnswer, data(piece * (20_000 // len(piece))))

    assert time.process_time() - began < 2


def test_what_no_aggregate_of_a_draft_names_is_done_to_one_of_them_however_many_questions_are_asked() -> None:
    names, lines = ("Loan", "Fine", "Room"), "1: A clerk renews the loan.\n2: A member reserves a copy."

    def drafted(*own: str) -> list[str]:
        context = {"name": "Lending", "aggregates": [{"name": name} for name in own]}
        beside = {"name": "Lending", "aggregates": [{"name": name} for name in names if name not in own]}
        found = draft({"lines": lines, "context": context, "others": [beside]})
        return [f"{command.name} {a.name}" for a in found.aggregates for command in a.commands]

    assert drafted("Fine", "Loan") == ["CreateFine Fine", "RenewLoan Loan", "ReserveCopy Loan"]
    assert drafted("Room") == ["CreateRoom Room"]
