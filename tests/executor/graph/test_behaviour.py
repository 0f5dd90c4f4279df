"""What behaviour is told of an aggregate, and what becomes of its answers."""

from __future__ import annotations

from typing import Any

from executor.graph.given import GraphInput
from executor.graph.prompt import read_blocks
from executor.graph.run import Finished, generate
from executor.model import Aggregate
from tests.executor.graph.scripted import RULES, ScriptedChat


async def loan(draft: dict[str, Any]) -> tuple[dict[str, Any], Aggregate]:
    """What behaviour is told of a loan that was drafted with this, and the loan in the end."""

    def drafted(data: dict[str, Any]) -> dict[str, Any]:
        rule = RULES["draft"]
        assert callable(rule)
        answer = rule(data)
        answer["aggregates"][0].update(draft)
        return answer

    chat = ScriptedChat(rules={"draft": drafted})
    events = [event async for event in generate(GraphInput(requirements="Lending: Loan is made."), chat)]
    last = events[-1]
    assert isinstance(last, Finished)
    (asked,) = (question for question in chat.asked if question.step == "behaviour")
    return read_blocks(asked.user)["aggregate"], last.model.aggregates[0]


async def test_fields_that_follow_from_enumerations_and_parts_are_told_under_the_names_they_get() -> None:
    told, made = await loan({})
    assert told["fields"] == ["loanPeriod: LoanPeriod", "loanLines: List<LoanLine>", "status: LoanStatus"]
    assert set(told["fields"]) <= {f"{field.name}: {field.type}" for field in made.fields}


async def test_an_event_carries_the_status_of_its_own_life_cycle() -> None:
    def status(name: str, *items: str) -> dict[str, Any]:
        return {"name": name, "alias": name, "items": [{"value": item, "alias": item} for item in items]}

    def command(name: str, event: str, state: str) -> dict[str, Any]:
        return {"name": name, "events": [{"name": event, "alias": event, "state": state}]}

    told, made = await loan(
        {
            "enumerations": [status("LoanStatus", "OPEN", "CLOSED"), status("FineStatus", "DUE", "PAID")],
            "commands": [
                command("OpenLoan", "LoanOpened", "OPEN"),
                command("PayFine", "FinePaid", "PAID"),
            ],
        }
    )
    assert told["fields"][-2:] == ["status: LoanStatus", "fineStatus: FineStatus"]
    carried = {event.name: {f.type for f in event.fields} for event in made.events}
    assert "LoanStatus" in carried["LoanOpened"]
    assert "FineStatus" not in carried["LoanOpened"]
    assert "FineStatus" in carried["FinePaid"]
    assert "LoanStatus" not in carried["FinePaid"]
