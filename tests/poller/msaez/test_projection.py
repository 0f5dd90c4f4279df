import random
import time

import jsonschema
import pytest
from eventstorming.v1 import model_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.msaez.check import findings
from poller.msaez.encoding import decode, encode
from poller.msaez.esvalue import EsValue, project
from poller.msaez.fields import class_of
from poller.msaez.scenarios import typed
from poller.msaez.screens import is_safe
from tests.poller.msaez.examples import JOB, example
from tests.poller.msaez.models import models, names_only, sized
from tests.poller.msaez.schemas import esvalue_schema

RELAXED = settings(max_examples=25)


def drawn(model) -> EsValue:
    return project(model, job_id=JOB, user_id="u", project_id="p")


def of(value: EsValue, kind: str):
    return [element for element in value.elements.values() if element["_type"].endswith(f".{kind}")]


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(esvalue_schema())


@RELAXED
@given(models())
def test_any_model_is_drawn_without_findings(model):
    value = drawn(model).as_json()
    assert findings(value) == []
    assert decode(encode(value)) == value


@settings(RELAXED, max_examples=8)
@given(model=models(contexts=3))
def test_any_model_fits_the_schema_by_an_independent_validator(validator, model):
    assert [error.message for error in validator.iter_errors(drawn(model).as_json())] == []


@RELAXED
@given(models(contexts=4))
def test_a_model_of_names_alone_can_be_drawn(model):
    """No command emits anything yet; apart from that nothing is wrong."""
    found = findings(drawn(names_only(model)).as_json())
    assert {finding.check for finding in found} <= {0, 5, 6}
    assert all("outputEvents" in finding.sentence for finding in found if finding.check == 0)


@given(models(contexts=3))
@RELAXED
def test_the_same_model_gives_the_same_value(model):
    again = model_pb2.EventStormingModel.FromString(model.SerializeToString())
    assert drawn(model) == drawn(again)


@pytest.mark.parametrize("seed", range(6))
def test_large_models_are_drawn_without_findings(seed):
    value = drawn(sized(8, 3, 4, seed)).as_json()
    assert len(value["elements"]) >= 300
    assert findings(value) == []


def test_an_element_of_a_large_model_costs_no_more_than_one_of_a_small_model():
    """Milliseconds are the benchmark's; what grows with the square of the model would be seven times here."""
    assert _seconds_an_element(sized(32, 3, 3)) < 3 * _seconds_an_element(sized(4, 3, 3))


def _seconds_an_element(model) -> float:
    return min(_seconds(model) for _ in range(5)) / len(drawn(model).elements)


def _seconds(model) -> float:
    start = time.process_time()
    drawn(model)
    return time.process_time() - start


def test_members_are_those_of_the_contract_example():
    """Every member of the example, of every kind; ours has some that the example leaves out."""
    ours = {element["_type"]: element for element in drawn(sized(3, 3, 3)).elements.values()}
    for element in example("esvalue")["elements"].values():
        drawn_one = ours[element["_type"]]
        assert set(element) <= set(drawn_one), element["_type"]
        for view in ("elementView", "hexagonalView"):
            assert set(element.get(view, ())) == set(drawn_one.get(view, ()))


def test_stickers_are_signed_and_contexts_belong_to_the_project():
    value = drawn(sized(2, 2, 2))
    assert {element["author"] for element in value.elements.values()} == {"u"}
    assert {context["definitionId"] for context in of(value, "BoundedContext")} == {"p"}


def test_a_name_kept_from_a_draft_stays_traceable():
    model = sized(1, 1, 1)
    model.bounded_contexts[0].aggregates[0].name = "주문 관리"
    (aggregate,) = of(drawn(model), "Aggregate")
    assert (aggregate["name"], aggregate["traceName"]) == ("JumunGwanri", "주문 관리")


def shop() -> model_pb2.EventStormingModel:
    """Two aggregates with a reference, a policy and a scenario."""
    field = model_pb2.Field
    model = model_pb2.EventStormingModel(language=model_pb2.LANGUAGE_ENGLISH)
    sales, delivery = (
        model.bounded_contexts.add(ordinal=n, name=name) for n, name in enumerate(("Sales", "Delivery"), 1)
    )
    order = sales.aggregates.add(
        ordinal=1, name="Order", fields=[field(name="orderNo", type="Long", is_key=True)]
    )
    order.events.add(ordinal=1, name="OrderPlaced", fields=[field(name="total", type="Double")])
    place = order.commands.add(ordinal=1, name="PlaceOrder", kind=1, emits=["OrderPlaced"], actor="Customer")
    place.fields.append(field(name="total", type="Double"))
    value = model_pb2.ScenarioValue(field="total", value="21.5")
    place.scenarios.add(
        title="Two dishes",
        when=model_pb2.ScenarioClause(name="PlaceOrder", values=[value]),
        then=[model_pb2.ScenarioClause(name="OrderPlaced", values=[value])],
    )
    run = delivery.aggregates.add(ordinal=1, name="Run", fields=[field(name="orderId", type="Long")])
    run.events.add(ordinal=1, name="RunScheduled")
    run.commands.add(ordinal=1, name="ScheduleRun", emits=["RunScheduled"], kind=2)
    model.references.add(from_aggregate="Run", to_aggregate="Order")
    model.policies.add(
        ordinal=1,
        name="P",
        trigger="OrderPlaced",
        results=["RunScheduled"],
        bounded_context="Sales",
        reason="why",
    )
    return model


def test_a_reference_is_a_value_object_a_field_and_a_line():
    value = drawn(shop())
    order, run = of(value, "Aggregate")
    (identity,) = (c for c in run["aggregateRoot"]["entities"]["elements"].values() if c.get("isVO") is True)
    assert identity["name"] == "OrderId"
    (key,) = identity["fieldDescriptors"]
    assert (key["name"], key["className"], key["isKey"], key["referenceClass"]) == (
        "orderNo",
        "Long",
        True,
        "Order",
    )
    fields = {field["name"]: field for field in run["aggregateRoot"]["fieldDescriptors"]}
    assert (fields["orderId"]["className"], fields["orderId"]["referenceClass"]) == ("OrderId", "Order")
    assert fields["id"]["isKey"] is True
    assert (run["id"], order["id"]) in {(line["from"], line["to"]) for line in value.relations.values()}


def test_a_policy_lives_with_its_first_result_and_names_the_context_it_came_from():
    value = drawn(shop())
    sales, delivery = of(value, "BoundedContext")
    (policy,) = of(value, "Policy")
    assert policy["boundedContext"] == {"id": delivery["id"]}
    assert policy["sourceBoundedContextId"] == sales["id"]
    assert policy["description"] == "why"


def test_a_scenario_gives_a_value_for_every_field():
    command = of(drawn(shop()), "Command")[0]
    assert command["examples"] == [
        {
            "given": [{"type": "Aggregate", "name": "Order", "value": {"orderNo": "N/A"}}],
            "when": [{"type": "Command", "name": "PlaceOrder", "value": {"total": 21.5}}],
            "then": [{"type": "Event", "name": "OrderPlaced", "value": {"total": 21.5}}],
        }
    ]
    assert command["description"] == "* Generated example scenarios\n1. Two dishes\n"


def test_methods_follow_from_what_a_command_does():
    assert [command["controllerInfo"]["method"] for command in of(drawn(shop()), "Command")] == [
        "POST",
        "PUT",
    ]


def test_every_command_has_a_screen_and_an_actor_if_it_names_one():
    value = drawn(shop())
    assert [screen["name"] for screen in of(value, "UI")] == ["PlaceOrderUI", "ScheduleRunUI"]
    assert [actor["name"] for actor in of(value, "Actor")] == ["Customer"]


def test_ports_count_from_8080():
    assert [context["portGenerated"] for context in of(drawn(shop()), "BoundedContext")] == [8080, 8081]


def test_what_cannot_be_resolved_is_left_out():
    model = shop()
    model.policies.add(ordinal=2, name="Lost", trigger="Nothing", results=["RunScheduled"])
    model.policies.add(ordinal=3, name="Inside", trigger="OrderPlaced", results=["OrderPlaced"])
    model.references.add(from_aggregate="Order", to_aggregate="Run")
    model.references.add(from_aggregate="Order", to_aggregate="Nowhere")
    assert drawn(model) == drawn(shop())


def test_the_order_of_lists_does_not_matter_where_ordinals_say_it():
    model, shuffled = sized(4, 3, 3), sized(4, 3, 3)
    contexts = list(shuffled.bounded_contexts)
    random.Random(1).shuffle(contexts)
    del shuffled.bounded_contexts[:]
    shuffled.bounded_contexts.extend(contexts)
    assert drawn(model) == drawn(shuffled)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Integer", "Integer"),
        ("주소", "Juso"),
        ("List<주소>", "List<Juso>"),
        ("List<String>", "List<String>"),
        ("List", "List"),
        ("Li", "Ri"),
        ("List<Li>", "List<Ri>"),
        ("", ""),
    ],
)
def test_a_type_is_shown_under_the_name_of_its_class(written, shown):
    assert class_of(written, {"주소": "Juso", "Li": "Ri"}) == shown


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("501", "Long", 501),
        ("21.5", "Double", 21.5),
        ("true", "Boolean", True),
        ("501", "String", "501"),
        ("9" * 30, "Long", "9" * 30),
        ("", "Long", "N/A"),
        ("@", "String", "＠"),
        ("soon", "Date", "soon"),
    ],
)
def test_example_values_are_typed_where_the_text_says_so_exactly(text, kind, value):
    assert typed(text, kind) == value


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<style>.a{color:red}</style><div class='a'>주문 once = 1</div>", True),
        ("<SCRIPT>x</SCRIPT>", False),
        ("<img src=x onerror=alert(1)>", False),
        ("<a href=' javascript:x'>", False),
        ("<style>@import 'x'</style>", False),
        ("<div style='background:url(http://x)'>", False),
        ("<iframe src=x>", False),
    ],
)
def test_html_that_could_run_or_load_anything_is_not_shown(html, safe):
    assert is_safe(html) is safe


@given(st.sampled_from(["not-a-uuid", "", "AAAAAAAA-0000-0000-0000-000000000000"]))
def test_any_job_id_gives_ids(job_id):
    value = project(shop(), job_id=job_id, user_id="u", project_id="p")
    assert findings(value.as_json()) == []
