from eventstorming.v1.model_pb2 import Event, EventStormingModel, Policy

from poller.board.wall import Kind, Tie, id_of, wall_of
from poller.msaez.esvalue import project
from tests.poller.board.conftest import bikes_model


def test_every_element_becomes_one_sticker(library: EventStormingModel) -> None:
    kinds = [sticker.kind for sticker in wall_of(library).stickers]

    assert {kind: kinds.count(kind) for kind in Kind} == {
        Kind.AGGREGATE: 5,
        Kind.COMMAND: 12,
        Kind.EVENT: 13,
        Kind.POLICY: 5,
        Kind.READ_MODEL: 2,
        Kind.ACTOR: 8,
        Kind.SCREEN: 6,
        Kind.SYSTEM: 0,
        Kind.QUESTION: 0,
    }


def test_ids_stay_when_something_is_put_before_them(library: EventStormingModel) -> None:
    before = {sticker.id: sticker.name for sticker in wall_of(library).stickers}

    contexts = list(library.bounded_contexts)
    del library.bounded_contexts[:]
    library.bounded_contexts.extend(reversed(contexts))
    contexts[0].aggregates[0].events.insert(0, Event(ordinal=9, name="CopyLost"))

    after = {sticker.id: sticker.name for sticker in wall_of(library).stickers}
    assert before.items() <= after.items()


def test_missing_and_doubled_ordinals_still_give_every_sticker_an_id_of_its_own(
    big: EventStormingModel,
) -> None:
    for context in big.bounded_contexts:
        context.ordinal = 0
        for aggregate in context.aggregates:
            aggregate.ordinal = 3

    ids = [sticker.id for sticker in wall_of(big).stickers]
    assert len(ids) == len(set(ids)) > 300


def test_a_policy_stands_in_the_same_context_on_board_and_canvas(library: EventStormingModel) -> None:
    canvas = project(
        library, job_id="1b9d6bcd-3d2a-8f41-02c7-5c1e0f7a9b34", user_id="u", project_id="p"
    ).elements
    there = {
        policy["traceName"]: canvas[policy["boundedContext"]["id"]]["traceName"]
        for policy in canvas.values()
        if policy["_type"].endswith(".Policy")
    }

    wall = wall_of(library)
    here = {
        sticker.name: aggregate.context.message.name
        for aggregate in wall.found.aggregates
        for sticker in wall.bands[id_of(aggregate)]
        if sticker.kind is Kind.POLICY
    }
    assert here == there
    assert here["ChargeLateReturn"] == "Fines"


def test_a_policy_without_trigger_or_result_hangs_nowhere(library: EventStormingModel) -> None:
    before = list(wall_of(library).stickers)
    library.policies.append(Policy(ordinal=9, name="Orphan", trigger="Nobody", results=["FinePaid"]))
    library.policies.append(Policy(ordinal=10, name="Idle", trigger="FinePaid", results=["Nothing"]))

    assert list(wall_of(library).stickers) == before
    assert list(wall_of(EventStormingModel(policies=library.policies)).stickers) == []


def test_arrows_follow_emits_triggers_results_and_references(library: EventStormingModel) -> None:
    wall = wall_of(library)
    names = {sticker.id: sticker.name for sticker in wall.stickers}
    arrows = {(arrow.tie, names[arrow.start], names[arrow.end]) for arrow in wall.arrows}

    assert {
        (Tie.EMITS, "ReturnCopy", "CopyReturnedLate"),
        (Tie.TRIGGERS, "CopyReturnedLate", "ChargeLateReturn"),
        (Tie.RESULTS, "ChargeLateReturn", "FineCharged"),
        (Tie.REFERS, "Loan", "Copy"),
        (Tie.READS, "Loan", "OverdueLoans"),
    } <= arrows


def test_policies_give_their_commands_and_tell_time_and_condition() -> None:
    wall = wall_of(bikes_model())
    names = {sticker.id: sticker.name for sticker in wall.stickers}
    arrows = {(arrow.tie, names[arrow.start], names[arrow.end]) for arrow in wall.arrows}
    policies = {sticker.name: sticker for sticker in wall.stickers if sticker.kind is Kind.POLICY}

    assert {
        (Tie.GIVES, "CountAsLost", "MarkRentalLost"),
        (Tie.TRIGGERS, "RentalStarted", "CountAsLost"),
        (Tie.GIVES, "NightlyCheck", "PutOnInspectionList"),
    } <= arrows
    assert Tie.RESULTS not in {tie for tie, _, _ in arrows}
    assert "NightlyCheck" not in {end for tie, _, end in arrows if tie is Tie.TRIGGERS}
    lost = policies["CountAsLost"]
    assert (lost.timer, lost.condition) == ("24 hours after the rental began", "it has not ended")


def test_systems_hang_where_they_give_or_are_called_and_questions_beside_what_they_are_about() -> None:
    wall = wall_of(bikes_model())
    systems = {(sticker.owner, sticker.name) for sticker in wall.stickers if sticker.kind is Kind.SYSTEM}
    assert systems == {("c1.a1.m1", "SmartLock"), ("c1.a1.m2", "SmartLock"), ("c3.a1.m2", "PaymentProvider")}
    questions = {sticker.id: sticker.owner for sticker in wall.stickers if sticker.kind is Kind.QUESTION}
    assert questions == {"q1": "c1.a1.m2", "q2": "c1.a1", "q3": "c3.a1.m1", "q4": "c2", "q5": ""}
    assert [sticker.id for sticker in wall.questions] == ["q4", "q5"]


def test_an_aggregate_shows_its_fields_as_people_call_them() -> None:
    (rental,) = (sticker for sticker in wall_of(bikes_model()).stickers if sticker.id == "c1.a1")
    assert rental.lines[:2] == (("Rental number", True), ("Rider", False))


def test_names_that_lead_nowhere_draw_no_arrow(library: EventStormingModel) -> None:
    library.policies[0].results.append("NeverHeardOf")
    library.bounded_contexts[0].aggregates[0].commands[0].emits.append("NeverHeardOf")

    wall = wall_of(library)
    ids = {sticker.id for sticker in wall.stickers}
    assert all(arrow.start in ids and arrow.end in ids for arrow in wall.arrows)
