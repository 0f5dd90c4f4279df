"""One mutated example for each of the eighteen checks, which that check alone rejects."""

import copy
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.msaez.check import CHECKS, SHAPE, es_value_in, findings
from poller.msaez.inputs import read_inputs
from tests.poller.msaez.examples import JOB, example

OTHER = str(uuid.UUID(int=1))


def named(value, name, kind=""):
    """The element of this name."""
    elements = value["elements"].values()
    return next(e for e in elements if e["name"] == name and e["_type"].endswith(kind))


def line(value, source, target):
    ends = named(value, source)["id"], named(value, target)["id"]
    return next(r for r in value["relations"].values() if (r["from"], r["to"]) == ends)


def added(value, branch, original):
    """A copy of an element or relation under an id of its own."""
    copied = copy.deepcopy(original) | {"id": OTHER}
    for view in ("elementView", "relationView", "hexagonalView"):
        if view in copied:
            copied[view]["id"] = OTHER
    value[branch][OTHER] = copied
    return copied


def classes(value, aggregate):
    return list(named(value, aggregate, "Aggregate")["aggregateRoot"]["entities"]["elements"].values())


def element_view_has_another_id(value):
    named(value, "OrderPlaced")["elementView"]["id"] = OTHER


def class_key_is_not_its_id(value):
    entities = named(value, "Order", "Aggregate")["aggregateRoot"]["entities"]
    key = next(key for key, kind in entities["elements"].items() if kind["name"] == "OrderStatus")
    entities["elements"][OTHER] = entities["elements"].pop(key)


def event_names_another_context(value):
    named(value, "OrderPlaced")["boundedContext"]["id"] = named(value, "DeliveryManagement")["id"]


def actor_in_no_context(value):
    named(value, "Customer")["boundedContext"]["id"] = OTHER


def context_forgets_its_aggregate(value):
    named(value, "OrderManagement")["aggregates"] = []


def relation_twice(value):
    added(value, "relations", line(value, "PlaceOrder", "OrderPlaced"))


def relation_to_nowhere(value):
    copied = added(value, "relations", line(value, "Delivery", "Order"))
    for ends in (copied, copied["relationView"], copied["hexagonalView"]):
        ends["to"] = str(uuid.UUID(int=2))


def relation_view_has_other_ends(value):
    relation = line(value, "PlaceOrder", "OrderPlaced")
    relation["relationView"]["to"] = relation["from"]


def output_event_without_relation(value):
    named(value, "PlaceOrder")["outputEvents"].append("OrderCancelled")


def event_from_nowhere(value):
    event = added(value, "elements", named(value, "OrderPlaced"))
    event |= {"name": "OrderForgotten", "displayName": "Order forgotten"}
    value["elements"][OTHER] = event
    event["elementView"]["y"] += 256


def policy_without_trigger(value):
    del value["relations"][line(value, "OrderPlaced", "ScheduleDeliveryOnOrderPlaced")["id"]]


def requested_command_is_missing(value):
    command, screen = named(value, "PlaceOrder"), named(value, "PlaceOrderUI")
    for element, name in ((command, "MakeOrder"), (screen, "MakeOrderUI")):
        element |= {"name": name, "traceName": name}
    command["examples"][0]["when"][0]["name"] = "MakeOrder"


def alias_twice(value):
    named(value, "OrderCancelled")["displayName"] = named(value, "OrderPlaced")["displayName"]


def class_name_twice(value):
    extra = copy.deepcopy(next(kind for kind in classes(value, "Order") if kind["name"] == "OrderStatus"))
    extra["id"] = extra["elementView"]["id"] = OTHER
    named(value, "Order", "Aggregate")["aggregateRoot"]["entities"]["elements"][OTHER] = extra


def root_lacks_a_field(value):
    root = next(kind for kind in classes(value, "Order") if kind.get("isAggregateRoot"))
    root["fieldDescriptors"].pop()


def root_has_another_name(value):
    next(kind for kind in classes(value, "Order") if kind.get("isAggregateRoot"))["name"] = "Purchase"


def command_field_of_unknown_type(value):
    named(value, "PlaceOrder")["fieldDescriptors"][0]["className"] = "List<Dish>"


def reference_without_relation(value):
    del value["relations"][line(value, "Delivery", "Order")["id"]]


def references_both_ways(value):
    relation = added(value, "relations", line(value, "Delivery", "Order"))
    for ends in (relation, relation["relationView"], relation["hexagonalView"]):
        ends["from"], ends["to"] = ends["to"], ends["from"]


def command_without_screen(value):
    del value["elements"][named(value, "PlaceOrderUI")["id"]]


def screen_of_nothing(value):
    screen = added(value, "elements", named(value, "PlaceOrderUI"))
    screen["command"] = {"id": str(uuid.UUID(int=2))}


def example_without_a_value(value):
    del named(value, "CancelOrder")["examples"][0]["then"][0]["value"]["status"]


def example_of_another_command(value):
    named(value, "CancelOrder")["examples"][0]["then"][0] |= {"name": "OrderPlaced"}


def event_outside_its_aggregate(value):
    named(value, "OrderPlaced")["elementView"]["x"] += 60


def contexts_overlap(value):
    named(value, "OrderManagement")["elementView"]["width"] += 60


def screen_away_from_its_command(value):
    named(value, "PlaceOrderUI")["elementView"]["y"] += 250


def range_beyond_the_line(value):
    named(value, "OrderPlaced")["refs"] = [[[3, 1], [3, 999]]]


def range_backwards_in_a_class(value):
    next(kind for kind in classes(value, "Order") if kind["name"] == "OrderStatus")["refs"] = [
        [[5, 9], [5, 2]]
    ]


def port_twice(value):
    named(value, "DeliveryManagement")["portGenerated"] = 8080


def description_that_means_null(value):
    named(value, "OrderPlaced")["description"] = "@"


def key_rtdb_rejects(value):
    named(value, "OrderManagement")["preferredPlatformConf"] = {"a.b": 1}


def list_that_reads_back_empty(value):
    named(value, "OrderManagement")["members"] = [None]


MUTATIONS = [
    (1, element_view_has_another_id),
    (1, class_key_is_not_its_id),
    (2, event_names_another_context),
    (2, actor_in_no_context),
    (3, context_forgets_its_aggregate),
    (4, relation_twice),
    (4, relation_to_nowhere),
    (4, relation_view_has_other_ends),
    (5, output_event_without_relation),
    (6, event_from_nowhere),
    (7, policy_without_trigger),
    (8, requested_command_is_missing),
    (9, alias_twice),
    (9, class_name_twice),
    (10, root_lacks_a_field),
    (10, root_has_another_name),
    (11, command_field_of_unknown_type),
    (12, reference_without_relation),
    (12, references_both_ways),
    (13, command_without_screen),
    (13, screen_of_nothing),
    (14, example_without_a_value),
    (14, example_of_another_command),
    (15, event_outside_its_aggregate),
    (15, contexts_overlap),
    (15, screen_away_from_its_command),
    (16, range_beyond_the_line),
    (16, range_backwards_in_a_class),
    (17, port_twice),
    (18, description_that_means_null),
    (18, key_rtdb_rejects),
    (18, list_that_reads_back_empty),
]


def inputs_for(check):
    """Check 8 is about a draft, the others about the text of the example."""
    raw = example("inputs.fromRequirements")
    if check == 8:
        structures = [{"boundedContextName": "OrderManagement", "aggregates": [{"aggregateName": "Order"}]}]
        requests = {
            "essentialCommandNames": {"OrderManagement": ["PlaceOrder"]},
            "essentialAggregateAttributes": {"OrderManagement": {"Order": ["customer_name", "street"]}},
        }
        raw |= {
            "requestType": "fromDraft",
            "draft": {"structures": structures, "additionalRequests": requests},
        }
    return read_inputs(raw, job_id=JOB)


def test_the_contract_example_has_no_findings():
    assert findings(example("esvalue"), inputs=inputs_for(16)) == []
    assert findings(example("esvalue")) == []


@pytest.mark.parametrize(("check", "mutate"), MUTATIONS, ids=[f"{n}-{m.__name__}" for n, m in MUTATIONS])
def test_a_mutation_is_rejected_by_its_check_alone(check, mutate):
    value = example("esvalue")
    mutate(value)
    if check == 8:
        for element in value["elements"].values():  # the draft has no text the ranges could lie in
            _without_ranges(element)
    found = findings(value, inputs=inputs_for(check))
    assert {finding.check for finding in found} == {check}
    assert all(finding.sentence.endswith(".") for finding in found)


def _without_ranges(value):
    for key, child in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        if key == "refs":
            value[key] = None
        elif isinstance(child, (dict, list)):
            _without_ranges(child)


@pytest.mark.parametrize(
    "wrapped",
    [
        example("esvalue"),
        example("esvalue.encoded"),
        {"esValue": example("esvalue.encoded"), "isCompleted": True},
        {"state": {"inputs": {}, "outputs": {"esValue": example("esvalue.encoded")}}, "lastUpdated": 1},
    ],
    ids=["bare", "stored", "outputs", "job"],
)
def test_the_model_is_found_in_whatever_a_file_holds(wrapped):
    assert es_value_in(wrapped) == example("esvalue")


def test_every_check_has_a_mutation():
    assert {check for check, _ in MUTATIONS} == set(CHECKS) == set(range(1, 19))


def test_a_requested_attribute_is_looked_for_in_value_objects_too():
    raw = example("inputs.fromRequirements")
    structures = [{"boundedContextName": "OrderManagement", "aggregates": [{"aggregateName": "Order"}]}]
    wanted = {"OrderManagement": {"Order": ["postal_code", "isbn"]}}
    draft = {"structures": structures, "additionalRequests": {"essentialAggregateAttributes": wanted}}
    inputs = read_inputs(raw | {"requestType": "fromDraft", "draft": draft}, job_id=JOB)
    missing = [
        finding.sentence for finding in findings(example("esvalue"), inputs=inputs) if finding.check == 8
    ]
    assert missing == ["The requested attribute isbn of Order is missing."]


def test_a_missing_member_is_a_finding_about_form():
    value = example("esvalue")
    del named(value, "OrderPlaced")["fieldDescriptors"]
    found = [finding.sentence for finding in findings(value) if finding.check == SHAPE]
    assert found == ["Event OrderPlaced: it lacks the member fieldDescriptors."]


def test_columns_count_utf16_units():
    raw = example("inputs.fromRequirements") | {"requirements": "주문 😀"}
    inputs = read_inputs(raw, job_id=JOB)
    value = example("esvalue")
    for element in value["elements"].values():
        _without_ranges(element)
    named(value, "OrderPlaced")["refs"] = [[[1, 1], [1, 5]]]
    assert findings(value, inputs=inputs) == []
    named(value, "OrderPlaced")["refs"] = [[[1, 1], [1, 6]]]
    assert [finding.check for finding in findings(value, inputs=inputs)] == [16]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(JUNK)
def test_anything_can_be_checked(value):
    assert findings(value)


@settings(max_examples=150)
@given(st.data())
def test_an_example_damaged_anywhere_can_be_checked(data):
    value = example("esvalue")
    node = value
    for _ in range(data.draw(st.integers(1, 6))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], (dict, list)) or not node[key]:
            break
        parent, node = node, node[key]
    else:
        key = next(
            k for k in (parent if isinstance(parent, dict) else range(len(parent))) if parent[k] is node
        )
        node = parent
    node[key] = data.draw(JUNK)
    findings(value, inputs=inputs_for(16))
