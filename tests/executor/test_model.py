"""Invariants: one broken example per rule, which repair makes whole; repair says what it did and leaves whole models alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.model import (
    Actor,
    Aggregate,
    AggregateReference,
    BoundedContext,
    Command,
    Enumeration,
    Event,
    EventStormingModel,
    Field,
    Language,
    OpenQuestion,
    Policy,
    ReadModel,
    Refusal,
    Scenario,
    ScenarioClause,
    ScenarioValue,
    Screen,
    SourceRange,
    ValueObject,
    traced_lines,
)
from executor.repair import Required, repaired
from executor.tenses import imperative, past_tense
from tests.executor.invariants import Rule, findings

KEY = Field(name="id", type="Long", is_key=True)
KEPT = Field(name="bookId", type="Long", references="Book")
SCREEN = Screen(html="<p>x</p>")
SCENARIO = Scenario(
    title="works",
    given=ScenarioClause(
        name="Loan", values=(ScenarioValue(field="id", value="1"), ScenarioValue(field="bookId", value="2"))
    ),
    when=ScenarioClause(name="MakeLoan"),
    then=(ScenarioClause(name="LoanMade"),),
)
LOAN = Aggregate(
    name="Loan",
    ordinal=1,
    fields=(KEY, KEPT),
    commands=(
        Command(
            name="MakeLoan",
            ordinal=1,
            alias="make",
            actor="Clerk",
            emits=("LoanMade",),
            scenarios=(SCENARIO,),
            screen=SCREEN,
        ),
    ),
    events=(Event(name="LoanMade", ordinal=1, alias="made"),),
    read_models=(ReadModel(name="Loans", ordinal=1, alias="all", screen=SCREEN),),
)
BOOK = Aggregate(
    name="Book",
    ordinal=1,
    fields=(KEY,),
    commands=(Command(name="AddBook", ordinal=1, emits=("BookAdded",), screen=SCREEN),),
    events=(Event(name="BookAdded", ordinal=1),),
)
POLICY = Policy(
    name="Follow", ordinal=1, trigger="LoanMade", results=("BookAdded",), bounded_context="Lending"
)
WHOLE = EventStormingModel(
    bounded_contexts=(
        BoundedContext(name="Lending", ordinal=1, aggregates=(LOAN,)),
        BoundedContext(name="Catalog", ordinal=2, aggregates=(BOOK,)),
    ),
    policies=(POLICY,),
    references=(AggregateReference(from_aggregate="Loan", to_aggregate="Book", fields=("bookId",)),),
    actors=(Actor(name="Clerk"),),
)


def with_loan(**changes: object) -> EventStormingModel:
    loan = replace(LOAN, **changes)  # type: ignore[arg-type]  # the members are named by the caller
    contexts = (replace(WHOLE.bounded_contexts[0], aggregates=(loan,)), WHOLE.bounded_contexts[1])
    return replace(WHOLE, bounded_contexts=contexts)


def with_command(**changes: object) -> EventStormingModel:
    return with_loan(commands=(replace(LOAN.commands[0], **changes),))  # type: ignore[arg-type]  # as above


BACKWARDS = SourceRange(start_line=2, start_column=1, end_line=1, end_column=1)
BROKEN = [
    (Rule.NAMED, with_loan(read_models=(replace(LOAN.read_models[0], name=" "),))),
    (Rule.RESERVED, replace(WHOLE, bounded_contexts=(replace(WHOLE.bounded_contexts[0], name="ui"), WHOLE.bounded_contexts[1]), policies=())),
    (Rule.UNIQUE_NAME, with_command(name="addbook", scenarios=())),
    (Rule.UNIQUE_ALIAS, with_command(alias="ma de")),
    (Rule.ORDINAL, with_command(ordinal=0)),
    (Rule.KEY, with_loan(fields=(Field(name="id", type="Long"), KEPT))),
    (Rule.TYPE_CONTENT, with_loan(enumerations=(Enumeration(name="Kind"),))),
    (Rule.TYPE_CONTENT, with_loan(value_objects=(ValueObject(name="Period"),))),
    (Rule.FIELD_NAMES, with_command(fields=(Field(name="a", type="Long"), Field(name="A", type="Long")), scenarios=())),
    (Rule.FIELD_TYPE, with_command(fields=(Field(name="a", type="Kind"),), scenarios=())),
    (Rule.EMITS, with_command(emits=("LoanMade", "BookAdded"))),
    (Rule.EVENT_SOURCE, with_loan(events=(*LOAN.events, Event(name="LoanOverdue", ordinal=2)))),
    (Rule.POLICY, replace(WHOLE, policies=(replace(POLICY, results=("LoanMade",)),))),
    (Rule.POLICY, replace(WHOLE, policies=(replace(POLICY, trigger="Unknown"),))),
    (Rule.POLICY_TWICE, replace(WHOLE, policies=(POLICY, replace(POLICY, name="Again", alias="", ordinal=2)))),
    (Rule.POLICY_CONTEXT, replace(WHOLE, policies=(replace(POLICY, bounded_context="Nowhere"),))),
    (Rule.REFERENCE, replace(WHOLE, references=(AggregateReference(from_aggregate="Loan", to_aggregate="Loan"),))),
    (Rule.REFERENCE, replace(WHOLE, references=(*WHOLE.references, AggregateReference(from_aggregate="Book", to_aggregate="Loan")))),
    (Rule.REFERENCE, with_loan(fields=(KEY, replace(KEPT, references="Nothing")))),
    (Rule.STATE, with_loan(events=(replace(LOAN.events[0], state="OPEN"),))),
    (Rule.SYSTEM, with_command(external_systems=("Bank",))),
    (Rule.QUESTION, replace(WHOLE, open_questions=(OpenQuestion(text="Who?", ordinal=1, about="Nobody"),))),
    (Rule.REFUSAL, with_command(refusals=(Refusal(title="no", given=SCENARIO.when, when=SCENARIO.when, told=""),))),
    (Rule.ACTOR, replace(WHOLE, actors=())),
    (Rule.SCENARIO, with_command(fields=(KEY,))),
]  # fmt: skip


def test_a_whole_model_has_no_findings_and_is_left_alone() -> None:
    assert findings(WHOLE) == ()
    result = repaired(WHOLE)
    assert (result.model, result.notes) == (WHOLE, ())


@pytest.mark.parametrize(
    ("rule", "model"), BROKEN, ids=[f"{rule.name}-{i}" for i, (rule, _) in enumerate(BROKEN)]
)
def test_a_broken_rule_is_found_alone_and_repaired(rule: Rule, model: EventStormingModel) -> None:
    assert {finding.rule for finding in findings(model)} == {rule}
    fixed = repaired(model).model
    assert findings(fixed, finished=False) == ()
    assert repaired(fixed).model == fixed


@pytest.mark.parametrize(
    ("rule", "model"),
    [
        (Rule.EMPTY, EventStormingModel()),
        (Rule.SCREEN, with_command(screen=None)),
        (Rule.RANGE, with_loan(ranges=(BACKWARDS,))),
    ],
)
def test_what_repair_cannot_invent_is_found(rule: Rule, model: EventStormingModel) -> None:
    assert {finding.rule for finding in findings(model)} == {rule}


def test_what_was_asked_for_must_be_there() -> None:
    wanted = Required(commands=frozenset({"MakeLoan", "Missing"}))
    attributes = (("Loan", "ID"), ("Loan", "due_date"), ("Ghost", "x"))
    missing = {finding.element for finding in findings(WHOLE, wanted, attributes)}
    assert missing == {"Missing", "Loan.due_date", "Ghost.x"}


def test_a_requested_name_is_kept_and_the_other_gives_way() -> None:
    first = replace(BOOK, read_models=(ReadModel(name="MakeLoan", ordinal=1, screen=SCREEN),))
    contexts = (
        replace(WHOLE.bounded_contexts[0], aggregates=(first,)),
        replace(WHOLE.bounded_contexts[1], aggregates=(LOAN,)),
    )
    model = replace(WHOLE, bounded_contexts=contexts)
    plain = repaired(model).model.aggregates
    asked = repaired(model, Required(commands=frozenset({"MakeLoan"}))).model.aggregates
    assert (plain[0].read_models[0].name, plain[1].commands[0].name) == ("MakeLoan", "MakeLoanLoan")
    assert (asked[0].read_models[0].name, asked[1].commands[0].name) == ("BookMakeLoan", "MakeLoan")


def test_renamed_events_are_renamed_everywhere() -> None:
    twin = replace(LOAN, name="Hold", ordinal=2)
    contexts = (replace(WHOLE.bounded_contexts[0], aggregates=(LOAN, twin)), WHOLE.bounded_contexts[1])
    fixed = repaired(replace(WHOLE, bounded_contexts=contexts)).model
    hold = fixed.aggregates[1]
    assert (hold.commands[0].name, hold.commands[0].emits) == ("MakeLoanHold", ("LoanMadeHold",))
    assert hold.commands[0].alias == "make (Hold)"
    assert findings(fixed, finished=False) == ()


@pytest.mark.parametrize(
    ("language", "word"), [(Language.ENGLISH, "was added"), (Language.KOREAN, "추가했습니다")]
)
def test_repair_says_what_it_did_in_the_users_language(language: Language, word: str) -> None:
    model = replace(with_loan(commands=()), language=language)
    result = repaired(model)
    assert result.model.aggregates[0].commands[0].name == "MakeLoan"
    assert any(word in note.message for note in result.notes)


@pytest.mark.parametrize(
    ("command", "event"),
    [
        ("PlaceOrder", "OrderPlaced"),
        ("CancelOrder", "OrderCancelled"),
        ("PayFee", "FeePaid"),
        ("NotifyMember", "MemberNotified"),
        ("ShipParcel", "ParcelShipped"),
        ("ReturnBook", "BookReturned"),
        ("EditProfile", "ProfileEdited"),
        ("ExpireLoan", "LoanExpired"),
        ("ScheduleVisit", "VisitScheduled"),
    ],
)
def test_commands_and_events_know_each_others_tense(command: str, event: str) -> None:
    assert past_tense(command) == event
    assert imperative(event) == command


def test_an_event_that_nobody_does_is_recorded() -> None:
    assert imperative("LoanOverdue") == "RecordLoanOverdue"


def test_traced_lines_belong_to_the_model_or_to_one_context() -> None:
    at = SourceRange(start_line=2, start_column=1, end_line=4, end_column=1)
    model = replace(with_loan(ranges=(at,)), policies=(replace(POLICY, ranges=(replace(at, end_line=7),)),))
    assert traced_lines(model) == {2, 3, 4, 5, 6, 7}
    assert traced_lines(model, model.bounded_contexts[1]) == set()


NAMES = st.sampled_from(["", "ui", "Loan", "loan", "Book", "MakeLoan", "LoanMade", "LoanOverdue", "주문"])
FIELDS = st.lists(
    st.builds(Field, name=NAMES, type=NAMES, is_key=st.booleans(), references=NAMES), max_size=3
).map(tuple)
COMMANDS = st.lists(
    st.builds(
        Command,
        name=NAMES,
        alias=NAMES,
        actor=NAMES,
        fields=FIELDS,
        emits=st.lists(NAMES, max_size=2).map(tuple),
        external_systems=st.lists(NAMES, max_size=1).map(tuple),
    ),
    max_size=3,
).map(tuple)
AGGREGATES = st.builds(
    Aggregate,
    name=NAMES,
    fields=FIELDS,
    commands=COMMANDS,
    events=st.lists(st.builds(Event, name=NAMES, alias=NAMES, fields=FIELDS, state=NAMES), max_size=3).map(
        tuple
    ),
    read_models=st.lists(st.builds(ReadModel, name=NAMES, alias=NAMES, parameters=FIELDS), max_size=2).map(
        tuple
    ),
    value_objects=st.lists(st.builds(ValueObject, name=NAMES, fields=FIELDS), max_size=2).map(tuple),
)
CONTEXTS = st.builds(BoundedContext, name=NAMES, aggregates=st.lists(AGGREGATES, max_size=3).map(tuple))
POLICIES = st.builds(
    Policy,
    name=NAMES,
    alias=NAMES,
    trigger=NAMES,
    results=st.lists(NAMES, max_size=2).map(tuple),
    commands=st.lists(NAMES, max_size=2).map(tuple),
    condition=NAMES,
    timer=NAMES,
    bounded_context=NAMES,
)
REFERENCES = st.builds(AggregateReference, from_aggregate=NAMES, to_aggregate=NAMES)
MODELS = st.builds(
    EventStormingModel,
    bounded_contexts=st.lists(CONTEXTS, min_size=1, max_size=3).map(tuple),
    policies=st.lists(POLICIES, max_size=3).map(tuple),
    references=st.lists(REFERENCES, max_size=3).map(tuple),
    open_questions=st.lists(
        st.builds(OpenQuestion, text=NAMES, about=NAMES, bounded_context=NAMES), max_size=2
    ).map(tuple),
)


@settings(max_examples=200)
@given(MODELS)
def test_repair_makes_any_model_whole_and_repairs_once(model: EventStormingModel) -> None:
    fixed = repaired(model).model
    assert findings(fixed, finished=False) == ()
    assert repaired(fixed).model == fixed
