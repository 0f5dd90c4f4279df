"""What a model has is compared with what a modeller expects of its text: by names, and by words where something is said."""

from __future__ import annotations

import pytest

from executor.model import (
    Aggregate,
    BoundedContext,
    Command,
    Event,
    EventStormingModel,
    ExternalSystem,
    Field,
    OpenQuestion,
    Policy,
    ReadModel,
    Refusal,
    ScenarioClause,
)
from workbench.eval.scoring import (
    GROUPS,
    KINDS,
    TEXTS,
    Score,
    expectations,
    names_of,
    nonsense,
    score,
)

NOTHING = ScenarioClause(name="")
MODEL = EventStormingModel(
    bounded_contexts=(
        BoundedContext(
            name="Lending",
            aggregates=(
                Aggregate(
                    name="Loan",
                    commands=(
                        Command(
                            name="RenewLoan",
                            emits=("LoanRenewed",),
                            refusals=(
                                Refusal(
                                    title="A third time", given=NOTHING, when=NOTHING, told="Renewed twice."
                                ),
                            ),
                        ),
                    ),
                    events=(Event(name="LoanRenewed"),),
                    read_models=(ReadModel(name="MyLoans", columns=(Field(name="dueDate", type="Date"),)),),
                ),
            ),
        ),
    ),
    policies=(
        Policy(name="Remind", trigger="LoanRenewed", results=("Reminded",), bounded_context="Lending"),
        Policy(
            name="Fine",
            trigger="",
            results=("Fined",),
            bounded_context="Lending",
            timer="14 days later",
            condition="still open",
        ),
    ),
    external_systems=(ExternalSystem(name="MailService"),),
    open_questions=(OpenQuestion(text="Who reserves?"),),
)


def test_a_score_counts_alternatives_once_and_ignores_case() -> None:
    assert score(["PlaceOrder|CreateOrder", "ShipOrder"], ["createorder", "PayOrder"]) == Score(
        expected=2, found=2, hits=1, right=1
    )


def test_what_is_welcome_is_right_and_not_missed() -> None:
    welcome = ["PlaceOrder", "?ShipOrder"]
    assert score(welcome, ["PlaceOrder", "ShipOrder"]) == Score(expected=1, found=2, hits=1, right=2)
    assert score(welcome, ["PlaceOrder"]) == Score(expected=1, found=1, hits=1, right=1)


def test_a_policy_is_matched_by_trigger_and_result() -> None:
    assert score(["OrderPlaced|OrderCreated->Invoiced"], ["OrderCreated->Invoiced"]).recall == 1
    assert score(["OrderPlaced|->Invoiced"], ["->Invoiced"]).recall == 1
    assert score(["OrderPlaced->Invoiced"], ["->Invoiced"]).recall == 0


def test_a_column_is_matched_by_its_read_model_too() -> None:
    assert score(["Orders|OrderList.total|sum"], ["OrderList.sum"]).recall == 1
    assert score(["Orders|OrderList.total|sum"], ["Invoices.sum"]).recall == 0


@pytest.mark.parametrize(
    ("entry", "met"),
    [
        ("RenewLoan: twice", True),
        ("RenewLoan: third twice", True),
        ("RenewLoan: never|third", True),
        ("RenewLoan|ExtendLoan: TWICE", True),
        ("RenewLoan: never twice", False),
        ("ReturnLoan: twice", False),
    ],
)
def test_what_is_said_is_matched_by_all_words_of_an_alternative(entry: str, *, met: bool) -> None:
    assert score([entry], ["RenewLoan: A third time: renewed twice."]).hits == met


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("columns", ["MyLoans.dueDate"]),
        ("external_systems", ["MailService"]),
        ("policies", ["LoanRenewed->Reminded", "->Fined"]),
        ("conditions", ["->Fined: 14 days later still open"]),
        ("refusals", ["RenewLoan: A third time Renewed twice."]),
        ("open_questions", [": Who reserves?"]),
    ],
)
def test_a_model_is_read_as_expectations_are_written(kind: str, names: list[str]) -> None:
    assert names_of(MODEL, kind) == names


def test_every_kind_can_be_read() -> None:
    assert all(names_of(MODEL, kind) for kind in KINDS)


def test_a_part_of_a_name_may_have_alternatives() -> None:
    each = ["{Place,Create}{,Rush}Order|Buy*", "{Order,Purchase}{Placed,Created}->Invoice{Sent,Issued}"]

    assert (
        score(each, ["PlaceOrder", "CreateRushOrder", "BuyNow", "PlaceRush", "PlaceCreateOrder"]).right == 3
    )
    assert score(each, ["PurchaseCreated->InvoiceSent", "OrderPlaced->InvoicePaid"]).right == 1


def test_an_entry_may_say_how_a_name_begins() -> None:
    assert score(["?ListOf*"], ["ListOfOrders", "OrdersListOf"]).right == 1


def test_what_no_expectation_allows_is_nonsense() -> None:
    found = {kind: Score() for kind in KINDS} | {
        "commands": score(["PlaceOrder", "?ListOrders"], ["PlaceOrder", "ListOrders", "RunItem"]),
        "events": score(["OrderPlaced"], ["OrderPlaced"]),
        "columns": score([], ["Orders.total"]),
    }

    assert nonsense(found) == 1 / 4


@pytest.mark.parametrize("group", GROUPS)
def test_every_text_has_expectations_and_is_in_one_group(group: str) -> None:
    texts = {path.name for path in (TEXTS / group).iterdir()}
    others = {path.name for other in GROUPS if other != group for path in (TEXTS / other).iterdir()}

    assert len(texts) >= 10
    assert texts == set(expectations(group))
    assert not texts & others


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_expectations_name_kinds_that_are_scored(group: str) -> None:
    assert {kind for expected in expectations(group).values() for kind in expected} <= {"text", *KINDS}
