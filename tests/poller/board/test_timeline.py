from itertools import combinations, pairwise

from eventstorming.v1 import model_pb2 as pb
from hypothesis import given, settings

from poller.board.geometry import Layout
from poller.board.timeline import columns_of, lay_out_in_time
from poller.board.wall import Tie, Wall, id_of, wall_of
from tests.poller.board.conftest import bikes_model
from tests.poller.board.walls import crosses, inside, models, overlap, touches

CAUSES = {Tie.EMITS, Tie.TRIGGERS, Tie.GIVES, Tie.RESULTS}


def laid_out(model: pb.EventStormingModel) -> tuple[Wall, Layout]:
    wall = wall_of(model)
    return wall, lay_out_in_time(wall)


@settings(max_examples=60)
@given(models())
def test_every_sticker_hangs_once_in_the_swimlane_of_its_context_and_nothing_overlaps(
    model: pb.EventStormingModel,
) -> None:
    wall, layout = laid_out(model)

    assert set(layout.boxes) == {sticker.id for sticker in wall.stickers}
    assert not any(overlap(one, other) for one, other in combinations(layout.boxes.values(), 2))
    assert not any(overlap(one, other) for (_, one), (_, other) in combinations(layout.contexts, 2))
    assert not any(overlap(one, other) for one, other in combinations(layout.lanes, 2))
    assert len({(box.x, box.width) for _, box in layout.contexts}) <= 1
    for context, box in layout.contexts:
        assert all(
            inside(layout.boxes[sticker.id], box)
            for aggregate in context.aggregates
            for sticker in wall.bands[id_of(aggregate)]
        )


@settings(max_examples=60)
@given(models())
def test_arrows_of_causes_run_straight_and_cross_no_sticker(model: pb.EventStormingModel) -> None:
    wall, layout = laid_out(model)

    assert [route.arrow for route in layout.routes] == [each for each in wall.arrows if each.tie in CAUSES]
    for route in layout.routes:
        legs = list(pairwise(route.points))
        assert all(start[0] == end[0] or start[1] == end[1] for start, end in legs)
        assert touches(layout.boxes[route.arrow.start], route.points[0])
        assert touches(layout.boxes[route.arrow.end], route.points[-1])
        assert not any(crosses(leg, box) for leg in legs for box in layout.boxes.values())


@settings(max_examples=60)
@given(models())
def test_arrows_run_to_the_right_except_those_that_close_a_circle(model: pb.EventStormingModel) -> None:
    wall = wall_of(model)
    columns = columns_of(wall)

    after: dict[str, list[str]] = {name: [] for name in columns}
    back = []
    for arrow in wall.arrows:
        if arrow.tie in CAUSES and columns[arrow.start] < columns[arrow.end]:
            after[arrow.start].append(arrow.end)
        elif arrow.tie in CAUSES:
            back.append(arrow)
    assert min(columns.values(), default=0) >= 0
    for arrow in back:
        assert arrow.start in _reached(arrow.end, wall) | {arrow.end}


def _reached(start: str, wall: Wall) -> set[str]:
    found, ends = {start}, [start]
    while ends:
        name = ends.pop()
        fresh = {each.end for each in wall.arrows if each.start == name and each.tie in CAUSES} - found
        found |= fresh
        ends += fresh
    return found


def _member(aggregate: pb.Aggregate, ordinal: int, name: str, *emits: str) -> pb.Command:
    return aggregate.commands.add(ordinal=ordinal, name=name, emits=emits)


def story() -> pb.EventStormingModel:
    """An order is placed and shipped; shipping is prepared when it is placed, in another context."""
    model = pb.EventStormingModel()
    order = model.bounded_contexts.add(ordinal=1, name="Sales").aggregates.add(ordinal=1, name="Order")
    parcel = model.bounded_contexts.add(ordinal=2, name="Shipping").aggregates.add(ordinal=1, name="Parcel")
    for aggregate, names in ((order, ("Placed", "Changed", "Closed")), (parcel, ("Packed", "Sent"))):
        for number, name in enumerate(names, 1):
            aggregate.events.add(ordinal=number, name=f"{aggregate.name}{name}")
            _member(aggregate, number, f"{name}It", f"{aggregate.name}{name}")
    model.policies.add(
        ordinal=1, name="Pack", trigger="OrderPlaced", results=["ParcelPacked"], commands=["PackedIt"]
    )
    model.policies.add(
        ordinal=2, name="Close", trigger="ParcelSent", results=["OrderClosed"], commands=["ClosedIt"]
    )
    return model


def test_what_is_caused_hangs_right_of_its_cause_and_an_aggregates_commands_keep_their_order() -> None:
    _, layout = laid_out(story())
    told = ["c1.a1.m1", "c1.a1.e1", "p1", "c2.a1.m1", "c2.a1.e1", "c2.a1.m2", "c2.a1.e2", "p2", "c1.a1.m3"]

    xs = [layout.boxes[name].x for name in told]
    assert xs == sorted(set(xs))
    assert layout.boxes["c1.a1.m2"].x > layout.boxes["c1.a1.e1"].x
    assert layout.boxes["c1.a1.m3"].x > layout.boxes["c1.a1.e2"].x


def test_a_command_hangs_right_before_its_event_however_late_that_is() -> None:
    model = story()
    model.policies[1].ClearField("commands")
    columns = columns_of(wall_of(model))

    assert columns["c1.a1.m3"] == columns["c1.a1.e3"] - 1
    assert columns["c1.a1.e3"] > columns["p2"] > columns["c2.a1.e2"]


def test_a_cause_is_stronger_than_the_order_of_the_text() -> None:
    model = story()
    model.policies.add(
        ordinal=3, name="Again", trigger="OrderChanged", results=["OrderPlaced"], commands=["PlacedIt"]
    )
    columns = columns_of(wall_of(model))

    assert columns["c1.a1.e2"] < columns["p3"] < columns["c1.a1.m1"]


def test_a_scenario_that_starts_from_an_event_puts_it_first() -> None:
    model = story()
    sent = model.bounded_contexts[1].aggregates[0].commands[0]
    sent.scenarios.add(title="late", given=pb.ScenarioClause(name="OrderChanged"))

    columns = columns_of(wall_of(model))
    assert columns["c1.a1.e2"] < columns["c2.a1.m1"]


def test_actor_screen_and_systems_hang_with_their_command() -> None:
    wall, layout = laid_out(bikes_model())

    owned = [sticker for sticker in wall.stickers if sticker.owner in layout.boxes]
    assert len(owned) > 5
    for sticker in owned:
        box, owner = layout.boxes[sticker.id], layout.boxes[sticker.owner]
        assert owner.x <= box.x <= owner.right
        assert (box.bottom <= owner.y) == sticker.id.endswith(".actor")


def test_the_same_model_hangs_the_same_by_time(library: pb.EventStormingModel) -> None:
    again = pb.EventStormingModel.FromString(library.SerializeToString())
    (_, one), (_, other) = laid_out(library), laid_out(again)

    assert (one.boxes, one.routes) == (other.boxes, other.routes)


def test_an_empty_model_has_a_timeline_too() -> None:
    _, layout = laid_out(pb.EventStormingModel())

    assert layout.width > 0
    assert layout.height > 0
