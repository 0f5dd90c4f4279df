"""What is known in which state: an example's `given` holds nothing that only a later command brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from executor.graph.answers import RefusalAnswer, ScenarioAnswer, ScenariosAnswer
from executor.graph.asking import Remarks
from executor.graph.lifecycle import LifeCycle
from executor.graph.scenarios import UNKNOWN, normalised
from executor.graph.unit import CommandsUnit, ContextUnit
from executor.model import (
    Aggregate,
    Command,
    CommandKind,
    Enumeration,
    EnumerationItem,
    Event,
    Field,
    Language,
    ScenarioClause,
)

KEY = Field(name="grantId", type="Long", is_key=True)
AMOUNT = Field(name="amount", type="BigDecimal")
SIGNED_ON = Field(name="signedOn", type="Date")
REASON = Field(name="reason", type="String")
NOTE = Field(name="note", type="String")
STATUS = Field(name="status", type="GrantStatus")

GRANT = Aggregate(
    name="Grant",
    fields=(KEY, AMOUNT, SIGNED_ON, REASON, NOTE, STATUS),
    enumerations=(
        Enumeration(
            name="GrantStatus",
            items=tuple(EnumerationItem(value=value) for value in ("DRAWN_UP", "SENT", "SIGNED", "LAPSED")),
        ),
    ),
    commands=(
        Command(name="DrawUp", kind=CommandKind.CREATE, fields=(AMOUNT,), emits=("GrantDrawnUp",)),
        Command(name="Send", emits=("GrantSent",)),
        Command(name="Sign", emits=("GrantSigned",)),
        Command(name="Lapse", fields=(REASON,), emits=("GrantLapsed",)),
    ),
    events=(
        Event(name="GrantDrawnUp", state="DRAWN_UP", fields=(KEY,)),
        Event(name="GrantSent", state="SENT", fields=(KEY,)),
        Event(name="GrantSigned", state="SIGNED", fields=(KEY,)),
        Event(name="GrantLapsed", state="LAPSED", fields=(KEY,)),
    ),
)
STEPS = (("DRAWN_UP", "SENT"), ("SENT", "SIGNED"), ("SENT", "LAPSED"))
CHECK = Command(name="Check")


def unknown_in(
    status: str,
    steps: Sequence[tuple[str, str]] = STEPS,
    *,
    aggregate: Aggregate = GRANT,
    of: Command = CHECK,
) -> set[str]:
    return LifeCycle(aggregate, steps).unknown(of, (), {"status": status})


@pytest.mark.parametrize(
    ("state", "unknown"),
    [
        ("DRAWN_UP", {"signedon", "reason"}),
        ("SENT", {"signedon", "reason"}),
        ("SIGNED", {"reason"}),
        ("LAPSED", {"signedon"}),
    ],
)
def test_what_a_later_command_brings_is_unknown_before(state: str, unknown: set[str]) -> None:
    assert unknown_in(state) == unknown


def test_what_only_some_ways_to_a_state_bring_is_unknown_there() -> None:
    assert "reason" in unknown_in("SENT", (*STEPS, ("LAPSED", "SENT")))


def test_what_nothing_brings_is_known_throughout() -> None:
    assert "note" not in unknown_in("DRAWN_UP", ())


def test_the_status_that_a_command_leads_to_was_another_before() -> None:
    send = next(c for c in GRANT.commands if c.name == "Send")
    assert "status" in unknown_in("SENT", of=send)
    assert "status" not in LifeCycle(GRANT, STEPS).unknown(send, {"status"}, {"status": "SENT"})


def test_a_second_status_is_unknown_until_it_is_said() -> None:
    checked = Enumeration(name="CheckStatus", items=(EnumerationItem(value="PASSED"),))
    grant = replace(
        GRANT,
        fields=(*GRANT.fields, Field(name="check", type="CheckStatus")),
        enumerations=(*GRANT.enumerations, checked),
        events=(*GRANT.events, Event(name="GrantChecked", state="PASSED")),
    )
    life, values = LifeCycle(grant, STEPS), {"status": "SENT", "check": "PASSED"}
    assert "check" in life.unknown(CHECK, (), values)
    assert "check" not in life.unknown(CHECK, {"check"}, values)


def test_a_number_that_is_told_anew_was_one_before() -> None:
    left = Field(name="left", type="BigDecimal")
    spend = Command(name="Spend", fields=(KEY,), emits=("GrantSpent",))
    grant = replace(
        GRANT,
        fields=(*GRANT.fields, left),
        commands=(*GRANT.commands, spend),
        events=(*GRANT.events, Event(name="GrantSpent", fields=(KEY, left))),
    )
    assert "left" in unknown_in("SIGNED", aggregate=grant)
    assert "left" not in unknown_in("SIGNED", aggregate=grant, of=spend)


def test_an_example_says_of_the_time_before_what_was_known_then() -> None:
    usual = ["grantId=1", "amount=18000", "signedOn=2025-07-01", "reason=Too late", "note=-", "status=SENT"]
    answer = ScenariosAnswer(
        example=usual,
        scenarios=[
            ScenarioAnswer(title="Sent", command="Send", given=["status=DRAWN_UP"], then=["GrantSent"]),
            ScenarioAnswer(title="Signed", command="Sign", then=["GrantSigned"]),
            ScenarioAnswer(
                title="Signed twice", command="Sign", given=["signedOn=2025-06-30"], then=["GrantSigned"]
            ),
        ],
        refusals=[RefusalAnswer(title="Too late", command="Sign", given=["status=LAPSED"])],
    )
    language = Language.ENGLISH
    context = ContextUnit(
        index=0, language=language, name="Grants", alias="Grants", document=(), numbers=(), owned=frozenset()
    )
    unit = CommandsUnit(
        index=0, language=language, context=context, aggregate=GRANT, commands=GRANT.commands, ordinal=1
    )
    made = normalised(answer, unit, Remarks("scenarios", unit))

    def before(given: ScenarioClause) -> dict[str, str]:
        return {value.field: value.value for value in given.values}

    signed, twice = made.scenarios["Sign"]
    assert before(signed.given)["amount"] == "18000"
    assert before(signed.given)["signedOn"] == before(signed.given)["reason"] == UNKNOWN
    assert before(twice.given)["signedOn"] == "2025-06-30", "what is said is kept"
    (refused,) = made.refusals["Sign"]
    assert before(refused.given)["reason"] == "Too late"
    assert before(refused.given)["signedOn"] == UNKNOWN
