"""A model looked at as a whole: which rules refuse something, and states of more than one life cycle."""

from __future__ import annotations

import pytest

from executor.model import (
    Aggregate,
    BoundedContext,
    Command,
    CommandKind,
    Enumeration,
    EnumerationItem,
    Event,
    EventStormingModel,
    Field,
    Policy,
    PolicyInput,
)
from executor.review import joined, refusing, reviewed


@pytest.mark.parametrize(
    "rule",
    [
        "A closed loan cannot be renewed.",
        "Only members borrow.",
        "At most five books.",
        "Nothing is paid to an account that nobody has checked.",
        "Nobody reviews an organisation of their own.",
        "No one books for somebody else.",
        "A second person has to approve.",
        "Both of them have to sign.",
        "A rejection must have a reason.",
        "폐기한 소장본은 빌릴 수 없다.",
        "0원인 청구서는 만들지 않는다.",
        "반려에는 사유가 있어야 한다.",
        "회원이어야 합니다.",
        "사서만 폐기한다.",
        "회원만이 빌린다.",
        "운영팀만, 정지를 푼다.",
        "연체한 회원에게는 대출이 없다.",
    ],
)
def test_a_rule_by_which_something_is_refused_is_known_by_its_words(rule: str) -> None:
    assert refusing([rule]) == (rule,)


@pytest.mark.parametrize(
    "rule",
    [
        "A member borrows copies.",
        "Each score is from 1 to 5.",
        "The mustard is yellow.",
        "맨 먼저 기다린 사람에게 먼저 제안한다.",
        "회원은 빌리지만 사서는 정리한다.",
        "다만 사서가 정한다.",
        "보증금은 5만 원이다.",
        "만기일에 알린다.",
    ],
)
def test_other_rules_need_no_refusal(rule: str) -> None:
    assert refusing([rule]) == ()


def status(name: str, *items: str) -> Enumeration:
    return Enumeration(name=name, items=tuple(EnumerationItem(value=item) for item in items))


def test_an_aggregate_may_have_two_life_cycles() -> None:
    order = Aggregate(
        name="Order",
        ordinal=1,
        enumerations=(
            status("OrderStatus", "PLACED", "SHIPPED", "LOST"),
            status("PaymentStatus", "OPEN", "PAID"),
        ),
        commands=(
            Command(name="PlaceOrder", ordinal=1, emits=("OrderPlaced",)),
            Command(name="PayOrder", ordinal=2, emits=("OrderPaid",)),
        ),
        events=(
            Event(name="OrderPlaced", ordinal=1),
            Event(name="OrderPaid", ordinal=2),
        ),
    )
    model = EventStormingModel(
        bounded_contexts=(BoundedContext(name="Sales", ordinal=1, aggregates=(order,)),)
    )
    whole = joined(model, (), ()).model
    assert [event.state for event in whole.aggregates[0].events] == ["PLACED", "PAID"]
    asked = [question.text for question in reviewed(whole, {}).open_questions]
    assert asked == [
        "Order: what leads to the state SHIPPED, LOST?",
        "Order: what leads to the state OPEN?",
    ]


def key(name: str) -> Field:
    return Field(name=name, type="Long", is_key=True)


def refers(name: str, to: str) -> Field:
    return Field(name=name, type="Long", references=to)


def money(name: str) -> Field:
    return Field(name=name, type="BigDecimal")


APPLICATION = Aggregate(
    name="Application",
    alias="Application",
    ordinal=1,
    fields=(key("applicationId"), refers("applicantId", "Organisation"), money("askedAmount")),
    events=(Event(name="Approved", fields=(key("applicationId"), money("approvedAmount"))),),
)


def supplied(*wanted: Field, kind: CommandKind = CommandKind.CREATE) -> tuple[dict[str, str], list[str]]:
    """Who is named for each parameter of a command of Grant, and what is asked."""
    grant = Aggregate(
        name="Grant",
        alias="Grant",
        ordinal=1,
        fields=(key("grantId"), *wanted),
        commands=(Command(name="DrawUp", kind=kind, fields=wanted, emits=("DrawnUp",)),),
        events=(Event(name="DrawnUp"),),
    )
    contexts = (
        BoundedContext(name="Funding", ordinal=1, aggregates=(APPLICATION,)),
        BoundedContext(name="Granting", ordinal=2, aggregates=(grant,)),
    )
    policy = Policy(
        name="OnApproved",
        trigger="Approved",
        commands=("DrawUp",),
        results=("DrawnUp",),
        bounded_context="Granting",
    )
    whole = reviewed(EventStormingModel(bounded_contexts=contexts, policies=(policy,)), {})
    inputs: tuple[PolicyInput, ...] = whole.policies[0].inputs
    return {one.parameter: one.aggregate for one in inputs}, [one.text for one in whole.open_questions]


def test_what_a_command_is_about_to_create_knows_nothing_yet() -> None:
    number = Field(name="number", type="Integer")
    assert supplied(number) == ({}, ["OnApproved: who knows number then?"])


def test_what_identifies_the_same_thing_is_known_under_another_name() -> None:
    assert supplied(refers("granteeId", "Organisation")) == ({"granteeId": "Application"}, [])


def test_one_amount_under_two_names_is_one() -> None:
    assert supplied(money("committedAmount")) == ({}, [])


def test_two_dates_are_two() -> None:
    assert supplied(Field(name="dueDate", type="Date"))[1] == ["OnApproved: who knows dueDate then?"]


def test_a_policy_knows_its_own_reason() -> None:
    assert supplied(Field(name="suspensionReason", type="String"), kind=CommandKind.UPDATE) == ({}, [])


def test_what_identifies_an_aggregate_has_its_words_everywhere() -> None:
    context = BoundedContext(name="Funding", ordinal=1, aggregates=(APPLICATION,))
    (aggregate,) = reviewed(EventStormingModel(bounded_contexts=(context,)), {}).aggregates
    assert [f.alias for f in (aggregate.fields[0], aggregate.events[0].fields[0])] == ["Application ID"] * 2
    assert aggregate.fields[2].alias == ""
