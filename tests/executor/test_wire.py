"""Model and messages say the same; inputs are understood or refused in the user's language."""

from __future__ import annotations

from dataclasses import fields

import pytest
from eventstorming.v1 import job_pb2, model_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from executor import model as m
from executor.errors import InvalidInput
from executor.graph.given import DraftAggregate, DraftContext, GraphInput, Named, RequiredNames
from executor.wire import graph_input, model_to_proto
from tests.executor.from_proto import model_from_proto

MIRRORED = {name: getattr(m, name) for name in model_pb2.DESCRIPTOR.message_types_by_name}

WORDS = st.text(max_size=4) | st.sampled_from(["English", "create", "Korean"])


@pytest.mark.parametrize("name", sorted(MIRRORED))
def test_every_member_of_a_message_is_a_member_of_its_value(name: str) -> None:
    message = model_pb2.DESCRIPTOR.message_types_by_name[name]
    assert {member.name for member in fields(MIRRORED[name])} == {field.name for field in message.fields}


def example() -> m.EventStormingModel:
    at = m.SourceRange(start_line=1, start_column=2, end_line=1, end_column=9)
    field = m.Field(name="id", type="Long", is_key=True, alias="번호", ranges=(at,), references="B")
    clause = m.ScenarioClause(name="Loan", values=(m.ScenarioValue(field="id", value="1"),))
    command = m.Command(
        name="create",
        ordinal=1,
        alias="English",
        kind=m.CommandKind.DELETE,
        fields=(field,),
        emits=("E",),
        scenarios=(m.Scenario(title="t", given=clause, when=clause, then=(clause,)),),
        refusals=(m.Refusal(title="no", given=clause, when=clause, told="not you", actor="A"),),
        external_systems=("Bank",),
        screen=m.Screen(html=""),
        ranges=(at,),
    )
    aggregate = m.Aggregate(
        name="Loan",
        ordinal=1,
        fields=(field,),
        value_objects=(m.ValueObject(name="V", fields=(field,), is_entity=True),),
        enumerations=(
            m.Enumeration(name="K", items=(m.EnumerationItem(value="A", alias="가", ranges=(at,)),)),
        ),
        commands=(command,),
        events=(m.Event(name="E", ordinal=1, state="A"),),
        read_models=(m.ReadModel(name="R", ordinal=1, multiple=True, columns=(field,)),),
        invariants=("always",),
    )
    return m.EventStormingModel(
        language=m.Language.KOREAN,
        bounded_contexts=(
            m.BoundedContext(
                name="C", ordinal=1, purpose="why", aggregates=(aggregate,), ranges_in_description=True
            ),
        ),
        policies=(
            m.Policy(
                name="P",
                ordinal=1,
                trigger="E",
                results=("E",),
                bounded_context="C",
                condition="if",
                timer="at night",
                commands=("create",),
                inputs=(m.PolicyInput(parameter="id", aggregate="B", by="bId"),),
            ),
        ),
        references=(
            m.AggregateReference(from_aggregate="Loan", to_aggregate="B", reason="r", fields=("bId",)),
        ),
        actors=(m.Actor(name="A", alias="a"),),
        external_systems=(m.ExternalSystem(name="Bank", ordinal=1, alias="은행", ranges=(at,)),),
        open_questions=(
            m.OpenQuestion(text="How long?", ordinal=1, about="E", bounded_context="C", ranges=(at,)),
        ),
        source_text="text",
    )


def test_a_model_survives_the_wire() -> None:
    sent = model_to_proto(example()).SerializeToString()
    assert model_from_proto(model_pb2.EventStormingModel.FromString(sent)) == example()


def test_a_missing_screen_stays_missing_and_an_empty_one_stays() -> None:
    message = model_to_proto(example())
    aggregate = message.bounded_contexts[0].aggregates[0]
    assert aggregate.commands[0].HasField("screen")
    assert not aggregate.read_models[0].HasField("screen")


@settings(max_examples=50)
@given(st.lists(WORDS, min_size=3, max_size=3))
def test_words_that_look_like_constants_stay_words(words: list[str]) -> None:
    context = m.BoundedContext(name=words[0], alias=words[1], description=words[2])
    model = m.EventStormingModel(bounded_contexts=(context,))
    assert model_from_proto(model_to_proto(model)) == model


def test_requirements_become_the_graphs_input() -> None:
    assert graph_input(job_pb2.JobInput(requirements="order 주문")) == GraphInput(
        language=m.Language.KOREAN, requirements="order 주문"
    )
    stated = job_pb2.JobInput(requirements="주문", language=model_pb2.LANGUAGE_ENGLISH)
    assert graph_input(stated).language is m.Language.ENGLISH


def test_a_draft_becomes_the_graphs_input() -> None:
    drafted = job_pb2.DraftAggregate(
        name="Loan",
        alias="대출",
        enumerations=[job_pb2.DraftType(name="Kind", alias="종류")],
        value_objects=[job_pb2.DraftType(name="Period")],
        references=["Book"],
        required_attributes=["due_date"],
    )
    context = job_pb2.DraftContext(
        name="Lending",
        requirements="text",
        aggregates=[drafted],
        required_commands=["a"],
        required_events=["b"],
        required_read_models=["c"],
    )
    assert graph_input(job_pb2.JobInput(draft=job_pb2.Draft(contexts=[context]))) == GraphInput(
        language=m.Language.ENGLISH,
        contexts=(
            DraftContext(
                name="Lending",
                requirements="text",
                aggregates=(
                    DraftAggregate(
                        name="Loan",
                        alias="대출",
                        enumerations=(Named(name="Kind", alias="종류"),),
                        value_objects=(Named(name="Period"),),
                        references=("Book",),
                        required_attributes=("due_date",),
                    ),
                ),
                required=RequiredNames(commands=("a",), events=("b",), read_models=("c",)),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (job_pb2.JobInput(), "requirements are empty"),
        (job_pb2.JobInput(requirements=" \n"), "requirements are empty"),
        (job_pb2.JobInput(draft=job_pb2.Draft()), "no bounded context"),
        (job_pb2.JobInput(language=model_pb2.LANGUAGE_KOREAN), "요구사항이 비어"),
    ],
)
def test_an_input_without_anything_to_start_from_is_refused(job: job_pb2.JobInput, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        graph_input(job)
