"""Models of any shape, and what boxes and lines have to do with each other."""

from eventstorming.v1 import model_pb2 as pb
from hypothesis import strategies as st

from poller.board.geometry import Box

SIZES = st.lists(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 7), st.integers(0, 2)), max_size=4), max_size=6
)


@st.composite
def models(draw: st.DrawFn) -> pb.EventStormingModel:
    """Up to 300 stickers and more, with links to and from anywhere, some to nowhere."""
    model = pb.EventStormingModel(
        bounded_contexts=[
            pb.BoundedContext(
                ordinal=c,
                name=f"C{c}",
                aggregates=[draw(aggregates(f"{c}x{a}", a, size)) for a, size in enumerate(sizes, 1)],
            )
            for c, sizes in enumerate(draw(SIZES), 1)
        ]
    )
    owners = [each for context in model.bounded_contexts for each in context.aggregates]
    names = st.sampled_from([event.name for each in owners for event in each.events] + ["Nowhere"])
    for number in range(1, draw(st.integers(0, 30)) + 1):
        model.policies.append(
            pb.Policy(
                ordinal=number,
                name=f"P{number}",
                trigger=draw(names),
                results=draw(st.lists(names, max_size=3)),
                bounded_context=f"C{draw(st.integers(1, 7))}",
            )
        )
    if owners:
        pick = st.sampled_from([each.name for each in owners])
        for _ in range(draw(st.integers(0, 12))):
            model.references.append(pb.AggregateReference(from_aggregate=draw(pick), to_aggregate=draw(pick)))
    return model


@st.composite
def aggregates(draw: st.DrawFn, tag: str, ordinal: int, size: tuple[int, int, int]) -> pb.Aggregate:
    commands, events, read_models = size
    emitted = st.lists(st.sampled_from([f"E{tag}x{n}" for n in range(1, events + 1)] or ["Gone"]), max_size=4)
    return pb.Aggregate(
        ordinal=ordinal,
        name=f"A{tag}",
        commands=[
            pb.Command(
                ordinal=n,
                name=f"M{tag}x{n}",
                actor=draw(st.sampled_from(["", "Clerk"])),
                emits=draw(emitted),
                screen=draw(st.sampled_from([None, pb.Screen(html="<p>")])),
            )
            for n in range(1, commands + 1)
        ],
        events=[pb.Event(ordinal=n, name=f"E{tag}x{n}") for n in range(1, events + 1)],
        read_models=[
            pb.ReadModel(ordinal=n, name=f"R{tag}x{n}", actor="Clerk") for n in range(1, read_models + 1)
        ],
    )


def overlap(one: Box, other: Box) -> bool:
    across = one.x < other.right and other.x < one.right
    return across and one.y < other.bottom and other.y < one.bottom


def inside(box: Box, area: Box) -> bool:
    return area.x <= box.x and box.right <= area.right and area.y <= box.y and box.bottom <= area.bottom


def touches(box: Box, point: tuple[float, float]) -> bool:
    return box.x - 1 <= point[0] <= box.right + 1 and box.y - 1 <= point[1] <= box.bottom + 1


def crosses(leg: tuple[tuple[float, float], tuple[float, float]], box: Box) -> bool:
    (x1, y1), (x2, y2) = leg
    return (
        max(x1, x2) > box.x and min(x1, x2) < box.right and max(y1, y2) > box.y and min(y1, y2) < box.bottom
    )
