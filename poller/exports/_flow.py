"""What a diagram shows, whoever draws it: the context map, and the flow of one context. No syntax of any tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.text import clean, one_line
from poller.board.wall import Kind, Sticker, Wall, id_of, title_of, wall_of
from poller.exports._names import file_names
from poller.resolved import Aggregate, Context

_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Box:
    """`kind` None: a bounded context."""

    id: str
    title: str
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class Link:
    """Between the ids of two boxes."""

    start: str
    end: str
    dashed: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """`groups`: boxes that belong together, by id and title; `boxes` stand alone."""

    groups: Sequence[tuple[str, str, Sequence[Box]]] = ()
    boxes: Sequence[Box]
    links: Sequence[Link]


Lines = Callable[[Diagram], Iterator[str]]
"""A diagram as a tool reads it."""


def files(model: EventStormingModel, ending: str, lines: Lines) -> dict[str, str]:
    """Every diagram of a model by the name of its file, the context map first."""
    return {name: file(found, lines) for name, found in diagrams(wall_of(model), ending).items()}


def diagrams(wall: Wall, ending: str) -> Mapping[str, Diagram]:
    """The same before a tool's lines are made of them."""
    names = file_names(wall.found.contexts, ending, taken=["context-map"])
    flows = {name: _flow(context, wall) for name, context in names.items()}
    return {f"context-map{ending}": context_map(wall), **flows}


def file(diagram: Diagram, lines: Lines) -> str:
    """One diagram as a file of lines."""
    return "\n".join(lines(diagram)) + "\n"


def node(name: str) -> str:
    """A box's id as every tool takes it."""
    return "n_" + name.replace(".", "_")


def short(text: str) -> str:
    """A label: one line, and not a long one."""
    line = one_line(clean(text))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def context_map(wall: Wall) -> Diagram:
    """Which context reacts to which, and which refers to which."""
    drawn: dict[tuple[str, str, bool], dict[str, None]] = {}
    for start, end, dashed, label in _between_contexts(wall):
        if start is not end:
            drawn.setdefault((id_of(start), id_of(end), dashed), {})[label] = None
    return Diagram(
        boxes=[Box(id_of(context), _both(context), None) for context in wall.found.contexts],
        links=[Link(start, end, dashed, tuple(labels)) for (start, end, dashed), labels in drawn.items()],
    )


def _between_contexts(wall: Wall) -> Iterator[tuple[Context, Context, bool, str]]:
    """From where a policy is triggered to each of its results; from an aggregate to the one it refers to."""
    for aggregate in wall.found.aggregates:
        for policy in aggregate.crossing:
            for event in policy.results:
                start, end = policy.trigger.aggregate.context, event.aggregate.context
                yield start, end, False, title_of(policy.message)
        for reference in aggregate.references:
            yield aggregate.context, reference.target.context, True, title_of(reference.target.message)


def _flow(context: Context, wall: Wall) -> Diagram:
    policies = {id_of(policy) for aggregate in context.aggregates for policy in aggregate.policies}
    across = [Link(it.start, it.end) for it in wall.arrows if policies & {it.start, it.end}]
    groups = [
        (id_of(aggregate), title_of(aggregate.message), list(_band(aggregate, wall)))
        for aggregate in context.aggregates
    ]
    inside = [link for aggregate in context.aggregates for link in _band_links(aggregate, wall)]
    return Diagram(groups=groups, boxes=list(_foreign(across, context, wall)), links=[*inside, *across])


def _band(aggregate: Aggregate, wall: Wall) -> Iterator[Box]:
    for sticker in wall.bands[id_of(aggregate)]:
        if sticker.kind is not Kind.SCREEN:
            yield Box(sticker.id, _guarded(sticker), sticker.kind)


def _guarded(sticker: Sticker) -> str:
    """A policy with its time and, as UML writes a guard, its condition."""
    timer = f" ({one_line(sticker.timer)})" if sticker.timer else ""
    condition = f" [{one_line(sticker.condition)}]" if sticker.condition else ""
    return f"{sticker.title}{timer}{condition}"


def _band_links(aggregate: Aggregate, wall: Wall) -> Iterator[Link]:
    root = id_of(aggregate)
    for sticker in wall.bands[root]:
        if sticker.id.endswith(".actor"):
            yield Link(sticker.id, sticker.owner)
        elif sticker.kind is Kind.SYSTEM:
            yield Link(sticker.owner, sticker.id)
        elif sticker.kind is Kind.QUESTION:
            yield Link(sticker.id, sticker.owner, True)
    for command in aggregate.commands:
        yield Link(id_of(command), root)
    for event in dict.fromkeys(id_of(event) for command in aggregate.commands for event in command.emits):
        yield Link(root, event)
    for view in aggregate.read_models:
        yield Link(root, id_of(view), True)


def _foreign(links: Sequence[Link], context: Context, wall: Wall) -> Iterator[Box]:
    """Events of other contexts that policies here follow or lead to."""
    ends = {end for link in links for end in (link.start, link.end)}
    for aggregate in wall.found.aggregates:
        for sticker in wall.bands[id_of(aggregate)]:
            if aggregate.context is not context and sticker.id in ends:
                yield Box(sticker.id, f"{title_of(aggregate.context.message)}: {sticker.title}", sticker.kind)


def _both(context: Context) -> str:
    title, name = title_of(context.message), context.message.name
    return f"{title} ({name})" if name != title else title
