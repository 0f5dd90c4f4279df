from itertools import combinations
from math import ceil

import pytest
from eventstorming.v1 import model_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.msaez.esvalue import project
from poller.msaez.layout import Box, boxes
from poller.msaez.rules_geometry import Rectangle
from poller.resolved import resolve
from tests.poller.msaez.examples import JOB
from tests.poller.msaez.models import aggregates, growth, models, sized
from workbench.viewer import svg

RELAXED = settings(max_examples=25)


def boxes_of(model: model_pb2.EventStormingModel) -> dict[str, Box]:
    return boxes(resolve(model))


def rectangle(box: Box) -> Rectangle:
    return Rectangle(
        box.x - box.width / 2, box.y - box.height / 2, box.x + box.width / 2, box.y + box.height / 2
    )


def bare(contexts: int, aggregates_each: int = 1, events: int = 1) -> model_pb2.EventStormingModel:
    model = model_pb2.EventStormingModel()
    for c in range(1, contexts + 1):
        context = model.bounded_contexts.add(ordinal=c, name=f"C{c}")
        for a in range(1, aggregates_each + 1):
            aggregate = context.aggregates.add(ordinal=a, name=f"A{c}x{a}")
            aggregate.commands.add(ordinal=1, name=f"Do{c}x{a}")
            for e in range(1, events + 1):
                aggregate.events.add(ordinal=e, name=f"Done{c}x{a}x{e}")
    return model


def test_contexts_start_where_the_canvas_starts_and_wrap_after_three():
    places = boxes_of(bare(4))
    centres = [(places[f"context/{n}"].x, places[f"context/{n}"].y) for n in range(1, 5)]
    assert centres == [(600, 450), (1185, 450), (1770, 450), (600, 1065)]


def test_an_aggregate_has_commands_left_and_events_right():
    places = boxes_of(bare(1))
    home = "context/1/aggregate/1"
    assert places[home] == Box(665, 480, 130, 400)
    assert places[f"{home}/command/1"] == Box(571, 280, 100, 115)
    assert places[f"{home}/event/1"] == Box(759, 280, 100, 115)
    assert (places[f"{home}/command/1/ui"].x, places[f"{home}/command/1/actor"].x) == (490, 409)


def test_a_further_aggregate_widens_its_context_and_pushes_the_next_one():
    places = boxes_of(bare(2, aggregates_each=2))
    assert places["context/1"].width == 560 + 525
    assert places["context/1/aggregate/2"].x - places["context/1/aggregate/1"].x == 505
    assert places["context/2/aggregate/1"].x == 665 + 525 + 585


def test_room_for_one_policy_per_event_is_reserved():
    places = boxes_of(bare(1, events=4))  # one command and four policies: five slots
    assert places["context/1/aggregate/1"].height == 400 + 129
    assert places["context/1"].height == 590 + 129


@RELAXED
@given(models())
def test_stickers_do_not_cover_each_other_and_stay_in_their_context(model):
    places = {path: rectangle(box) for path, box in boxes_of(model).items()}
    stickers = [path for path in places if path.split("/")[-2] in ("command", "event", "view", "policy")]
    for one, other in combinations(stickers, 2):
        assert not places[one].overlaps(places[other])
    for path, place in places.items():
        if path.startswith("context/") and "/" in path.removeprefix("context/"):
            context = places["/".join(path.split("/")[:2])]
            assert context.left < place.left
            assert place.right < context.right
            assert context.top < place.top
            assert place.bottom < context.bottom


@RELAXED
@given(models(contexts=6), st.integers(0, 999))
def test_a_growing_model_loses_nothing_and_moves_only_what_it_must(model, seed):
    before = {}
    for snapshot in growth(model, seed):
        after = boxes_of(snapshot)
        assert before.keys() <= after.keys()
        assert_only_allowed_moves(before, after)
        before = after


@RELAXED
@given(models(contexts=3, aggregates=2, each=2), st.integers(0, 999))
def test_what_a_growing_model_has_shown_keeps_its_id(model, seed):
    shown = set()
    for snapshot in growth(model, seed):
        value = project(snapshot, job_id=JOB, user_id="u", project_id="p")
        ids = set(value.elements) | set(value.relations)
        assert shown <= ids
        shown = ids


def assert_only_allowed_moves(before: dict[str, Box], after: dict[str, Box]) -> None:
    """Taller aggregates and their contexts change in place; what lies in rows below moves down, as a whole."""
    taller = {path for path in before if "aggregate" in path and after[path].height > before[path].height}
    contexts = {"/".join(path.split("/")[:2]) for path in taller}
    for path, old in before.items():
        new = after[path]
        if new != old and path not in taller | contexts:
            assert (old.x, old.width, old.height) == (new.x, new.width, new.height)
            assert new.y > old.y
            assert any(row(before, home(before, path)) > row(before, context) for context in contexts)


def home(places: dict[str, Box], path: str) -> str:
    """The context something is drawn in."""
    place = rectangle(places[path])
    contexts = (other for other in places if other.count("/") == 1 and other.startswith("context"))
    return next(context for context in contexts if rectangle(places[context]).overlaps(place))


def row(places: dict[str, Box], context: str) -> int:
    return ceil(rectangle(places[context]).top)


@pytest.mark.parametrize("extra", [1, 3])
def test_more_policies_than_reserved_grow_the_aggregate_and_move_the_rows_below(extra):
    model = bare(4, events=3)
    triggers = [event.name for context, a in aggregates(model) if context.ordinal > 1 for event in a.events]
    for ordinal in range(1, 4):
        model.policies.add(
            ordinal=ordinal, name=f"P{ordinal}", trigger=triggers[ordinal], results=["Done1x1x1"]
        )
    before = boxes_of(model)
    for ordinal in range(4, 4 + extra):
        model.policies.add(
            ordinal=ordinal, name=f"P{ordinal}", trigger=triggers[ordinal], results=["Done1x1x1"]
        )
    after = boxes_of(model)
    moved = {path for path in before if after[path] != before[path]}
    assert {"context/1", "context/1/aggregate/1", "context/4", "context/4/aggregate/1"} <= moved
    assert not any(
        path.startswith(("context/2", "context/3", "policy", "context/1/aggregate/1/")) for path in moved
    )
    assert after["context/4"].y - before["context/4"].y == 129 * extra


def test_the_layout_of_a_large_model_has_every_sticker():
    model = sized(8, 4, 4)
    value = project(model, job_id=JOB, user_id="u", project_id="p")
    assert len(boxes_of(model)) >= len(value.elements)


def test_the_viewer_draws_every_sticker_and_line():
    value = project(sized(3, 2, 3), job_id=JOB, user_id="u", project_id="p")
    drawing = svg(value.as_json())
    assert drawing.count("<rect") == len(value.elements)
    assert drawing.count("<line") == len(value.relations)
