from eventstorming.v1 import model_pb2
from google.protobuf.json_format import MessageToDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poller.board.html import render_html
from poller.msaez.check import findings
from poller.msaez.esvalue import project
from poller.resolved import Resolved, resolve
from tests.poller.msaez.examples import JOB
from tests.poller.msaez.models import models, sized

RELAXED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def nodes(found: Resolved):
    for context in found.contexts:
        yield context
        for aggregate in context.aggregates:
            yield aggregate
            yield from (*aggregate.commands, *aggregate.events, *aggregate.read_models, *aggregate.policies)


@RELAXED
@given(models(contexts=4))
def test_every_element_knows_where_it_is_in_the_json(model):
    text = MessageToDict(model)
    for node in nodes(resolve(model)):
        part = text
        for step in node.place:
            part = part[step]
        assert part["name"] == node.message.name


def test_elements_are_in_the_order_of_their_ordinals_whatever_the_order_of_the_lists():
    model = sized(3, 2, 3)
    for context, ordinal in zip(model.bounded_contexts, (3, 1, 2), strict=True):
        context.ordinal = ordinal
    assert [context.path for context in resolve(model).contexts] == ["context/1", "context/2", "context/3"]


@RELAXED
@given(models(contexts=3), st.integers(0, 2))
def test_missing_and_doubled_ordinals_give_every_element_a_path_and_the_canvas_no_fault(model, ordinal):
    for context in model.bounded_contexts:
        context.ordinal = ordinal
        for aggregate in context.aggregates:
            aggregate.ordinal = ordinal
            for element in (*aggregate.commands, *aggregate.events, *aggregate.read_models):
                element.ordinal = ordinal

    paths = [node.path for node in nodes(resolve(model))]
    assert len(set(paths)) == len(paths)
    assert findings(project(model, job_id=JOB, user_id="u", project_id="p").as_json()) == []


def test_what_leads_nowhere_is_left_out():
    model = sized(2, 1, 2)
    events = [aggregate.events[0].name for c in model.bounded_contexts for aggregate in c.aggregates]
    del model.policies[:], model.references[:]
    for trigger, results in (("Nowhere", events[:1]), (events[0], ["Nowhere"]), (events[0], events[:1])):
        model.policies.add(ordinal=1, name="P", trigger=trigger, results=results)
    model.references.add(from_aggregate=model.bounded_contexts[0].aggregates[0].name, to_aggregate="Nowhere")

    assert [a.policies + a.references for a in resolve(model).aggregates] == [[], []]


JUNK = st.text(max_size=3) | st.sampled_from(["@", "List<", "List<List<>>", "ui", "\x00", "A" * 300])


@RELAXED
@given(models(contexts=2), st.data())
def test_a_model_that_nobody_repaired_is_drawn_all_the_same(model, data):
    for node in list(nodes(resolve(model))):
        node.message.name, node.message.alias = data.draw(JUNK), data.draw(JUNK)
        for field in getattr(node.message, "fields", ()):
            field.name, field.type, field.is_key = data.draw(JUNK), data.draw(JUNK), False
        for kind in (*getattr(node.message, "value_objects", ()), *getattr(node.message, "enumerations", ())):
            kind.name = data.draw(JUNK)
            kind.ClearField("items" if isinstance(kind, model_pb2.Enumeration) else "fields")

    findings(project(model, job_id=JOB, user_id="u", project_id="p").as_json())
    assert render_html(model).startswith("<!doctype html>")
