"""What both languages say alike, several sentences each."""

from __future__ import annotations

import pytest

from devkit.rules.facts import Facts
from devkit.rules.reader import read


def facts(sentence: str) -> Facts:
    return read(((1, sentence),))


LOOK_UPS = {
    "A customer can look up the current status of an order by its number.": ("OrderStatus", False),
    "Members can list their current loans.": ("LoanList", True),
    "Anyone can search books by title.": ("BookList", True),
    "The agent wants to view the contract.": ("ContractDetails", False),
    "고객은 주문 상태를 조회할 수 있다.": ("OrderStatus", False),
    "회원은 대출 목록을 확인할 수 있다.": ("LoanList", True),
    "누구나 도서를 검색할 수 있다.": ("BookList", True),
}
REACTIONS = {
    ("OrderPlaced", "DeliveryScheduled"): (
        "When an order is placed, a delivery is scheduled.",
        "A delivery is scheduled as soon as an order is placed.",
        "Once the customer has placed the order, a delivery is scheduled automatically.",
        "Whenever an order is placed a delivery is scheduled.",
    ),
    ("OrderReceived", "DeliveryAssigned"): (
        "주문이 접수되면 배달이 배정된다.",
        "주문이 접수되면, 배달을 자동으로 배정한다.",
        "주문이 접수된 경우 배달이 배정된다.",
        "주문이 접수된 후 배달이 배정된다.",
    ),
}
FIELDS = {
    ("CustomerName", "TotalPrice", "Status"): (
        "An order records the customer name, the total price and its status.",
        "For each order the customer name, the total price and the status are recorded.",
        "The customer name, the total price and the status are recorded for each order.",
    ),
    ("Name", "Amount", "Status"): (
        "주문에는 이름, 금액, 상태가 기록된다.",
        "주문은 이름과 금액, 상태를 가진다.",
        "주문마다 이름, 금액 및 상태를 저장한다.",
    ),
}
CHOICES = {
    ("CopyStatus", "AVAILABLE", "ON_LOAN", "RETIRED"): (
        "The copy status is one of AVAILABLE, ON_LOAN or RETIRED.",
        "Each copy is AVAILABLE, ON_LOAN or RETIRED.",
        "Copy status: AVAILABLE, ON_LOAN, RETIRED",
    ),
    ("OrderStatus", "RECEIVED", "IN_TRANSIT", "CANCELLED"): (
        "주문 상태는 접수, 배송중, 취소 중 하나이다.",
        "주문 상태: 접수, 배송중, 취소",
        "주문 상태는 접수, 배송중, 취소로 구분된다.",
    ),
}
Example = tuple[tuple[str, ...], str]


def examples(of: dict[tuple[str, ...], tuple[str, ...]]) -> list[Example]:
    return [(expected, sentence) for expected, sentences in of.items() for sentence in sentences]


@pytest.mark.parametrize(("sentence", "expected"), LOOK_UPS.items())
def test_a_look_up_is_a_read_model(sentence: str, expected: tuple[str, bool]) -> None:
    (action,) = facts(sentence).actions

    assert (action.kind, action.command.name, action.command.plural) == ("query", *expected)


@pytest.mark.parametrize(("expected", "sentence"), examples(REACTIONS))
def test_a_condition_joins_cause_and_effect(expected: tuple[str, ...], sentence: str) -> None:
    (reaction,) = facts(sentence).reactions

    assert tuple(action.event.name for action in (*reaction.triggers, *reaction.results)) == expected
    assert len(reaction.triggers) == 1


@pytest.mark.parametrize(("expected", "sentence"), examples(FIELDS))
def test_lists_are_fields(expected: tuple[str, ...], sentence: str) -> None:
    (fact,) = facts(sentence).members

    assert fact.owner.name == "Order"
    assert tuple(name.name for name in fact.names) == expected


@pytest.mark.parametrize(("expected", "sentence"), examples(CHOICES))
def test_one_of_is_an_enumeration(expected: tuple[str, ...], sentence: str) -> None:
    (fact,) = facts(sentence).choices

    assert (fact.name.name, *fact.values) == expected
