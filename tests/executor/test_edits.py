"""What a person changed on a board, made again on the model of a new run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2

from executor.edits import Edit, Kind, edited
from executor.errors import NothingUsable
from executor.model import EventStormingModel
from executor.pipeline import run_graph
from tests.executor.from_proto import model_from_proto
from tests.executor.graph.inputs import TEXT
from tests.executor.invariants import findings
from tests.executor.test_pipeline import TimedChat


async def generated(*edits: job_pb2.Edit) -> tuple[list[EventStormingModel], list[str]]:
    """Every model that was shown, the last one last, and the log."""
    job = job_pb2.JobInput(requirements=TEXT, edits=edits)
    events: list[Any] = [event async for event in run_graph(job, TimedChat(0))]
    shown = [e.message() if hasattr(e, "message") else e for e in events]
    models = [e.model for e in shown if isinstance(e, wire.ModelSnapshot | wire.Completed)]
    return [model_from_proto(m) for m in models], [e.line.message for e in events if isinstance(e, wire.Log)]


@pytest.fixture(scope="module")
def model() -> EventStormingModel:
    return asyncio.run(generated())[0][-1]


def commands(model: EventStormingModel) -> dict[str, Any]:
    return {c.name: c for a in model.aggregates for c in a.commands}


def events(model: EventStormingModel) -> dict[str, Any]:
    return {e.name: e for a in model.aggregates for e in a.events}


async def test_every_model_that_is_shown_has_the_edits_and_the_last_is_valid(
    model: EventStormingModel,
) -> None:
    command = next(c for c in commands(model).values() if c.scenarios)
    event = command.emits[0]
    models, log = await generated(
        job_pb2.Edit(
            kind=job_pb2.ELEMENT_KIND_COMMAND, name=command.name, alias="Do it", code_name="DoTheThing"
        ),
        job_pb2.Edit(kind=job_pb2.ELEMENT_KIND_EVENT, name=event, code_name="ThingWasDone"),
    )
    named = [shown for shown in models if commands(shown)]
    assert len(named) > 1
    assert not any({command.name, event} & {*commands(shown), *events(shown)} for shown in named)
    last = commands(models[-1])["DoTheThing"]
    assert (last.alias, last.emits[0]) == ("Do it", "ThingWasDone")
    assert {s.when.name for s in last.scenarios} == {"DoTheThing"}
    assert "ThingWasDone" in {clause.name for s in last.scenarios for clause in s.then}
    assert findings(models[-1]) == ()
    assert not any("change" in line for line in log)


async def test_renaming_keeps_everything_else(model: EventStormingModel) -> None:
    aggregate = model.aggregates[0]
    whole = edited(model, [Edit(kind=Kind.AGGREGATE, name=aggregate.name, code_name="Renamed")]).model
    assert [len(a.commands) for a in whole.aggregates] == [len(a.commands) for a in model.aggregates]
    assert [sum(len(c.scenarios) for c in a.commands) for a in whole.aggregates] == [
        sum(len(c.scenarios) for c in a.commands) for a in model.aggregates
    ]
    assert len(whole.references) == len(model.references) > 0
    assert len(whole.policies) == len(model.policies) > 0
    assert len(whole.open_questions) == len(model.open_questions)
    assert findings(whole) == ()


@pytest.mark.parametrize("kind", [Kind.COMMAND, Kind.EVENT, Kind.AGGREGATE, Kind.READ_MODEL, Kind.POLICY])
async def test_what_is_deleted_is_gone_stays_gone_and_moves_nothing_else(
    model: EventStormingModel, kind: Kind
) -> None:
    found: dict[Kind, list[str]] = {
        Kind.COMMAND: [*commands(model)],
        Kind.EVENT: [*events(model)],
        Kind.AGGREGATE: [a.name for a in model.aggregates],
        Kind.READ_MODEL: [r.name for a in model.aggregates for r in a.read_models],
        Kind.POLICY: [p.name for p in model.policies],
    }
    assert found[kind]
    for name in found[kind]:
        whole = edited(model, [Edit(kind=kind, name=name, removed=True)])
        left = {*commands(whole.model), *events(whole.model), *(a.name for a in whole.model.aggregates)}
        left |= {r.name for a in whole.model.aggregates for r in a.read_models}
        left |= {p.name for p in whole.model.policies}
        assert name not in left
        assert left <= {name for names in found.values() for name in names}
        assert findings(whole.model) == ()
        before = {a.name: a.ordinal for a in model.aggregates}
        assert all(before[a.name] == a.ordinal for a in whole.model.aggregates)


async def test_an_answered_question_is_gone_and_one_that_nobody_asks_is_no_news(
    model: EventStormingModel,
) -> None:
    asked = model.open_questions[0].text
    answered = [Edit(kind=Kind.QUESTION, name=name, removed=True) for name in (asked, "Nobody asks this?")]
    whole = edited(model, answered)
    assert asked not in {q.text for q in whole.model.open_questions}
    assert whole.notes == ()


async def test_an_edit_that_finds_nothing_says_so_in_the_users_language(model: EventStormingModel) -> None:
    whole = edited(model, [Edit(kind=Kind.COMMAND, name="Gone", alias="Away")])
    assert 'command "Gone" found nothing' in whole.notes[0].message
    assert whole.model == model


async def test_edits_are_made_in_their_order(model: EventStormingModel) -> None:
    name = next(iter(commands(model)))
    whole = edited(
        model,
        [
            Edit(kind=Kind.COMMAND, name=name, code_name="Second"),
            Edit(kind=Kind.COMMAND, name="Second", alias="A third"),
        ],
    )
    assert commands(whole.model)["Second"].alias == "A third"


async def test_edits_that_delete_everything_end_the_job_and_say_why(model: EventStormingModel) -> None:
    every = [
        job_pb2.Edit(kind=job_pb2.ELEMENT_KIND_AGGREGATE, name=a.name, removed=True) for a in model.aggregates
    ]
    with pytest.raises(NothingUsable, match="every aggregate"):
        await generated(*every)
