"""Policies: what leads back to itself needs a time or a condition between."""

from __future__ import annotations

from typing import Any

import pytest

from executor.graph.answers import PolicyAnswer
from executor.graph.policies import Known
from executor.graph.run import Finished, generate
from executor.model import Aggregate, BoundedContext, Command, Event, EventStormingModel, Note
from tests.executor.graph.inputs import requirements
from tests.executor.graph.scripted import ScriptedChat
from tests.executor.invariants import findings


async def told(*policies: dict[str, Any]) -> tuple[EventStormingModel, list[str], list[str]]:
    """The model with these policies, what the user is told, and what was complained of."""
    chat = ScriptedChat(rules={"policies": lambda _: {"policies": list(policies)}})
    events = [event async for event in generate(requirements(), chat)]
    last = events[-1]
    assert isinstance(last, Finished)
    complaints = [each for unit, said in chat.complaints if unit.startswith("policies") for each in said]
    return last.model, [e.message for e in events if isinstance(e, Note)], complaints


def policy(trigger: str, command: str, **more: str) -> dict[str, Any]:
    return {
        "name": f"{command}Policy",
        "alias": "reminder",
        "trigger": trigger,
        "commands": [command],
        **more,
    }


@pytest.mark.parametrize("between", [{"timer": "a week later"}, {"condition": "It is still open."}])
async def test_what_follows_itself_after_a_time_or_under_a_condition_is_a_policy(
    between: dict[str, str],
) -> None:
    model, notes, complaints = await told(policy("LoanClosed", "CloseLoan", **between))
    (kept,) = model.policies
    assert (kept.trigger, kept.results, kept.commands) == ("LoanClosed", ("LoanClosed",), ("CloseLoan",))
    assert findings(model) == ()
    assert complaints == []
    assert not any("left out" in note and "reminder" in note for note in notes)


async def test_what_follows_itself_at_once_is_asked_again_and_then_left_out_with_a_word() -> None:
    model, notes, complaints = await told(policy("LoanClosed", "CloseLoan"))
    assert model.policies == ()
    assert complaints == [
        '"CloseLoanPolicy" gives "CloseLoan", which emits its own trigger: name the time or the condition between.'
    ]
    assert [note for note in notes if "reminder" in note] == [
        '"reminder": CloseLoan would lead to itself at once and for ever, so it was left out.'
    ]


async def test_the_other_commands_of_such_a_policy_stay() -> None:
    said = policy("LoanClosed", "CloseLoan")
    model, notes, _ = await told({**said, "commands": ["CloseLoan", "CloseHold"]})
    assert [p.commands for p in model.policies] == [("CloseHold",)]
    assert sum("would lead to itself" in note for note in notes) == 1


@pytest.mark.parametrize("timer", ["", "the next day"])
async def test_two_that_lead_back_and_forth_need_a_time_between(timer: str) -> None:
    model, _, _ = await told(
        policy("LoanClosed", "CloseHold", timer=timer), policy("HoldClosed", "CloseLoan", timer="")
    )
    assert len(model.policies) == (2 if timer else 1)


def test_of_several_events_the_one_that_the_policy_speaks_of_follows() -> None:
    record = Command(name="RecordOutcome", emits=("ApplicationApproved", "ApplicationDeferred"))
    events = tuple(Event(name=name) for name in record.emits)
    application = Aggregate(name="Application", commands=(record,), events=events)
    context = BoundedContext(name="Funding", ordinal=1, aggregates=(application,))
    known = Known.of(EventStormingModel(bounded_contexts=(context,)))

    def result(name: str, given: str = "RecordOutcome", trigger: str = "") -> str:
        return known.result(given, PolicyAnswer(name=name, trigger=trigger, commands=[given]))

    assert result("NoteDeferral") == "ApplicationDeferred"
    assert result("Note", trigger="DeferralRecorded") == "ApplicationDeferred"
    assert result("NoteIt") == "ApplicationApproved", "the first, where nothing speaks of either"
    assert result("NoteIt", given="ApplicationDeferred") == "ApplicationDeferred"
