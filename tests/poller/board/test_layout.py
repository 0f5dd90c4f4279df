from itertools import combinations, pairwise

from eventstorming.v1 import model_pb2 as pb
from hypothesis import given, settings

from poller.board.geometry import Layout
from poller.board.layout import lay_out
from poller.board.wall import Tie, Wall, id_of, wall_of
from tests.poller.board.walls import crosses, inside, models, overlap, touches


def laid_out(model: pb.EventStormingModel) -> tuple[Wall, Layout]:
    wall = wall_of(model)
    return wall, lay_out(wall)


@settings(max_examples=60)
@given(models())
def test_every_sticker_hangs_once_inside_its_context_and_nothing_overlaps(
    model: pb.EventStormingModel,
) -> None:
    wall, layout = laid_out(model)

    assert set(layout.boxes) == {sticker.id for sticker in wall.stickers}
    assert all(box.width > 0 and box.height > 0 for box in layout.boxes.values())
    assert not any(overlap(one, other) for one, other in combinations(layout.boxes.values(), 2))
    assert not any(overlap(one, other) for (_, one), (_, other) in combinations(layout.contexts, 2))
    for context, box in layout.contexts:
        for aggregate in context.aggregates:
            assert all(inside(layout.boxes[sticker.id], box) for sticker in wall.bands[id_of(aggregate)])


@settings(max_examples=60)
@given(models())
def test_arrows_run_straight_from_start_to_end_and_cross_no_sticker(model: pb.EventStormingModel) -> None:
    wall, layout = laid_out(model)

    assert [route.arrow for route in layout.routes] == list(wall.arrows)
    aggregates = set(wall.bands)
    for route in layout.routes:
        legs = list(pairwise(route.points))
        assert all(start[0] == end[0] or start[1] == end[1] for start, end in legs)
        assert touches(layout.boxes[route.arrow.start], route.points[0])
        assert touches(layout.boxes[route.arrow.end], route.points[-1])
        crossed = {name for name, box in layout.boxes.items() if any(crosses(leg, box) for leg in legs)}
        behind = crossed if route.arrow.tie in (Tie.EMITS, Tie.RESULTS) else set()
        assert crossed <= {each for each in behind & aggregates if route.arrow.end.startswith(f"{each}.")}


@settings(max_examples=20)
@given(models())
def test_the_same_model_hangs_the_same(model: pb.EventStormingModel) -> None:
    again = pb.EventStormingModel.FromString(model.SerializeToString())

    (_, one), (_, other) = laid_out(model), laid_out(again)
    assert (one.boxes, one.routes) == (other.boxes, other.routes)


def test_lanes_run_from_actor_to_event_and_policies_hang_below_what_people_use(
    library: pb.EventStormingModel,
) -> None:
    _, layout = laid_out(library)
    lanes = ("c2.a1.m1.actor", "c2.a1.m1", "c2.a1", "c2.a1.e1")

    assert [layout.boxes[each].x for each in lanes] == sorted(layout.boxes[each].x for each in lanes)
    assert layout.boxes["c2.a1.m1"].y == layout.boxes["c2.a1.e1"].y
    assert layout.boxes["c2.a1.r1"].x == layout.boxes["c2.a1.m1"].x
    assert layout.boxes["p4"].x == layout.boxes["c2.a2.m1"].x
    assert layout.boxes["p4"].y > layout.boxes["c2.a2.m2"].y


def test_contexts_and_aggregates_hang_in_the_order_of_the_text(clinic: pb.EventStormingModel) -> None:
    contexts = list(clinic.bounded_contexts)
    for ordinal, context in zip((3, 1, 2), contexts, strict=True):
        context.ordinal = ordinal

    _, layout = laid_out(clinic)
    assert [context.message.name for context, _ in layout.contexts] == [contexts[i].name for i in (1, 2, 0)]


def test_what_hangs_moves_only_downwards_when_an_aggregate_grows(library: pb.EventStormingModel) -> None:
    wall, before = laid_out(library)
    grown = {sticker.id for name in ("c2.a1", "c2.a2") for sticker in wall.bands[name]}

    loan = library.bounded_contexts[1].aggregates[0]
    loan.events.append(pb.Event(ordinal=5, name="LoanLost"))
    loan.commands.append(pb.Command(ordinal=4, name="ReportLoss", emits=["LoanLost"], actor="Member"))

    _, after = laid_out(library)
    for name, box in before.boxes.items():
        assert after.boxes[name].x == box.x
        assert after.boxes[name].y >= box.y
        if name not in grown:
            assert after.boxes[name] == box


@settings(max_examples=40)
@given(models())
def test_policies_and_references_that_come_late_move_nothing_sideways(model: pb.EventStormingModel) -> None:
    early = pb.EventStormingModel(bounded_contexts=model.bounded_contexts)

    _, before = laid_out(early)
    _, after = laid_out(model)
    for name, box in before.boxes.items():
        assert after.boxes[name].x == box.x
        assert after.boxes[name].y >= box.y
    assert [context.path for context, _ in after.contexts] == [context.path for context, _ in before.contexts]


def test_an_empty_model_has_a_wall_too() -> None:
    _, layout = laid_out(pb.EventStormingModel())

    assert layout.width > 0
    assert layout.height > 0
