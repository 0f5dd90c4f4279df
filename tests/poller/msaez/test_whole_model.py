"""What newer models hold, on the canvas: where the contract has a member for it, else in a description, else nowhere."""

import hashlib
import json

import pytest

from poller.msaez.check import findings
from poller.msaez.esvalue import EsValue, project
from poller.resolved import Crossing, resolve
from tests.poller.board.conftest import bikes_model, pilates_model
from tests.poller.msaez.examples import JOB
from tests.poller.msaez.models import sized


def drawn(model) -> EsValue:
    return project(model, job_id=JOB, user_id="u", project_id="p")


def named(value: EsValue, kind: str, name: str):
    (found,) = (e for e in value.elements.values() if e["_type"].endswith(f".{kind}") and e["name"] == name)
    return found


@pytest.mark.parametrize(
    ("seed", "digest"),
    [(0, "3f96fd2cea5d6dca"), (1, "6bd4628646f0cc04"), (2, "0d72debf5280528c"), (3, "e9afebf775c0e5b4")],
)
def test_a_model_of_an_older_executor_is_drawn_as_the_older_poller_drew_it(seed, digest):
    """The digests are those of the build before the model got its new members, plurals apart, which are English since."""
    told = json.dumps(drawn(sized(3, 2, 4, seed)).as_json(), sort_keys=True)
    assert hashlib.sha256(told.encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize("model", [bikes_model(), pilates_model()], ids=["en", "ko"])
def test_a_model_with_everything_breaks_no_rule(model):
    assert findings(drawn(model).as_json()) == []


def test_roles_keep_their_names_and_share_the_class_of_their_target():
    rental = named(drawn(bikes_model()), "Aggregate", "Rental")
    fields = {field["name"]: field for field in rental["aggregateRoot"]["fieldDescriptors"]}
    roles = [fields["riderId"], fields["guarantorId"]]
    assert [(f["className"], f["referenceClass"], f["isOverrideField"]) for f in roles] == [
        ("RiderId", "Rider", True)
    ] * 2
    classes = [c["name"] for c in rental["aggregateRoot"]["entities"]["elements"].values()]
    assert sorted(classes) == ["BicycleId", "Leg", "Money", "Rental", "RentalStatus", "RiderId"]
    assert "rentalRiderId" not in fields


def test_a_reference_that_names_no_field_gets_one_as_before():
    model = bikes_model()
    for field in model.bounded_contexts[1].aggregates[1].fields:
        field.references = ""
    del model.references[2].fields[:]
    repair = named(drawn(model), "Aggregate", "Repair")
    (field,) = (f for f in repair["aggregateRoot"]["fieldDescriptors"] if f["referenceClass"])
    assert (field["name"], field["className"]) == ("bicycleId", "BicycleId")


def test_a_list_of_identities_stays_a_list_and_one_in_a_value_object_is_of_the_targets_class():
    model = bikes_model()
    rental = model.bounded_contexts[0].aggregates[0]
    rental.fields[3].type = "List<String>"
    rental.value_objects[0].fields.add(name="spareId", type="String", references="Bicycle")
    rental.value_objects[0].fields.add(name="stationId", type="String", references="Station")
    classes = named(drawn(model), "Aggregate", "Rental")["aggregateRoot"]["entities"]["elements"].values()
    types = {
        f["name"]: (f["className"], f.get("referenceClass"))
        for kind in classes
        if kind["name"] in ("Rental", "Leg")
        for f in kind["fieldDescriptors"]
    }
    assert types["bicycleId"] == ("List<BicycleId>", "Bicycle")
    assert types["spareId"] == ("BicycleId", "Bicycle")
    assert types["stationId"] == ("String", None)
    assert findings(drawn(model).as_json()) == []


def test_an_entity_inside_an_aggregate_is_a_general_class_with_its_own_key():
    rental = named(drawn(bikes_model()), "Aggregate", "Rental")
    (leg,) = (e for e in rental["aggregateRoot"]["entities"]["elements"].values() if e["name"] == "Leg")
    assert (leg["_type"], leg["isVO"], leg["isAggregateRoot"]) == (
        "org.uengine.uml.model.Class",
        False,
        False,
    )
    assert [f["name"] for f in leg["fieldDescriptors"] if f["isKey"]] == ["legId"]


def test_aliases_of_fields_are_shown():
    rental = named(drawn(pilates_model()), "Aggregate", "Reservation")
    shown = {f["name"]: f["displayName"] for f in rental["aggregateRoot"]["fieldDescriptors"]}
    assert shown["reservedAt"] == "예약 시각"


def test_a_read_model_shows_its_columns_after_its_key_and_asks_for_nothing_where_nothing_is_asked():
    view = named(drawn(bikes_model()), "View", "MyRentals")
    assert [(f["name"], f["className"], f["isKey"]) for f in view["fieldDescriptors"]] == [
        ("id", "Long", True),
        ("startedAt", "Date", False),
        ("fromStation", "String", False),
        ("price", "BigDecimal", False),
    ]
    assert view["queryParameters"] == []


def test_a_column_of_a_type_that_only_another_aggregate_has_is_text():
    model = bikes_model()
    model.bounded_contexts[0].aggregates[0].read_models[0].columns.add(
        name="kinds", type="List<BicycleStatus>"
    )
    model.bounded_contexts[0].aggregates[0].read_models[0].columns.add(name="id", type="Long")
    value = drawn(model)
    assert named(value, "View", "MyRentals")["fieldDescriptors"][-1]["className"] == "List<String>"
    assert findings(value.as_json()) == []


def test_a_command_tells_refusals_systems_and_what_has_no_place_in_its_description():
    value = drawn(bikes_model())
    assert named(value, "Command", "RentBicycle")["description"] == (
        "Begins as soon as the lock has opened.\n\n"
        "* Generated example scenarios\n1. A rider without debts takes a bicycle\n\n"
        "* When it is refused\n"
        "1. A third bicycle is refused (“You have two bicycles already. Please return one first.”)\n"
        "2. A rider who owes more than 20 euros gets none (“Please pay your open rides first: 24.00 euros.”)\n\n"
        "* Calls: Smart lock"
    )
    lost = named(value, "Command", "MarkRentalLost")["description"]
    assert (
        lost
        == "* Set off by a policy: Count as lost: 24 hours after the rental began (condition: it has not ended)"
    )
    assert named(value, "Command", "BlockRider")["description"] == (
        "* Set off by a policy: Block debtors: whenever: Payment failed"
    )
    assert named(value, "Command", "EndRental")["description"] == (
        "* Open question: May a bicycle be left outside a station, and what does that cost?"
    )


def test_a_policy_tells_its_condition_and_only_one_between_aggregates_has_a_sticker():
    value = drawn(pilates_model())
    policies = {e["name"] for e in value.elements.values() if e["_type"].endswith(".Policy")}
    assert policies == {
        "DeductOnReservation",
        "DeductLateCancel",
        "FillFreePlace",
        "ReservePromoted",
        "ReleaseSeats",
    }
    assert named(value, "Policy", "FillFreePlace")["description"] == (
        "먼저 기다린 사람이 먼저 온다. (조건: 대기자가 있다)"
    )
    assert named(value, "Command", "MarkAbsent")["description"] == (
        "* 폴리시로 실행: 결석 처리: 수업이 끝나고 1시간 뒤 (조건: 출석 처리가 없다)"
    )


def test_every_policy_of_a_model_stands_somewhere_and_knows_its_command():
    found = resolve(bikes_model())
    policies = [policy for aggregate in found.aggregates for policy in aggregate.policies]
    assert {policy.name for policy in policies} == {policy.name for policy in found.model.policies}
    assert all(policy.commands for policy in policies)
    assert {policy.name for policy in policies if not isinstance(policy, Crossing)} == {
        "CountAsLost",
        "NightlyCheck",
        "BlockDebtors",
    }


def test_an_actor_may_be_a_system_of_others():
    value = drawn(bikes_model())
    assert named(value, "Actor", "SmartLock")["displayName"] == "Smart lock"


def test_a_question_is_about_the_first_element_of_its_name_else_its_context_else_everything():
    asked = {q.message.text[:12]: q.about and q.about.path for q in resolve(bikes_model()).questions}
    assert asked == {
        "May a bicycl": "context/1/aggregate/1/command/2",
        "Is a half ho": "context/1/aggregate/1",
        "Does the gua": "context/3/aggregate/1/command/1",
        "Who may see ": "context/2",
        "In which lan": None,
    }
