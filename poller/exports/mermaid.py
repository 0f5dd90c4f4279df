"""Diagrams that mermaid draws, one a file: the context map, and the flow of every context."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.svg import COLOURS, INK
from poller.board.text import clean, one_line
from poller.board.wall import Arrow, Kind, Sticker, Wall, id_of, title_of, wall_of
from poller.exports._format import Format
from poller.exports._names import file_names
from poller.resolved import Aggregate, Context

_LIST_START: Final = re.compile(r"^(\d*)([-+.)])")


def diagrams(model: EventStormingModel) -> dict[str, str]:
    """Every diagram by the name of its file, the context map first."""
    wall = wall_of(model)
    names = file_names(wall.found.contexts, ".mmd", taken=["context-map"])
    flows = {name: _flow(context, wall) for name, context in names.items()}
    return {"context-map.mmd": context_map(wall), **flows}


def context_map(wall: Wall) -> str:
    """Which context reacts to which, and which refers to which."""
    lines = ["flowchart LR"]
    lines += [f'  {_node(id_of(context))}["{_label(_both(context))}"]' for context in wall.found.contexts]
    drawn: dict[tuple[str, str, str], dict[str, None]] = {}
    for start, stroke, end, label in _between_contexts(wall):
        if start is not end:
            drawn.setdefault((_node(id_of(start)), stroke, _node(id_of(end))), {})[_label(label)] = None
    lines += [
        f'  {start} {stroke}|"{", ".join(labels)}"| {end}' for (start, stroke, end), labels in drawn.items()
    ]
    return "\n".join(lines) + "\n"


def _between_contexts(wall: Wall) -> Iterator[tuple[Context, str, Context, str]]:
    """From where a policy is triggered to each of its results; from an aggregate to the one it refers to."""
    for aggregate in wall.found.aggregates:
        for policy in aggregate.crossing:
            for event in policy.results:
                start, end = policy.trigger.aggregate.context, event.aggregate.context
                yield start, "-->", end, title_of(policy.message)
        for reference in aggregate.references:
            yield aggregate.context, "-.->", reference.target.context, title_of(reference.target.message)


def _flow(context: Context, wall: Wall) -> str:
    policies = {id_of(policy) for aggregate in context.aggregates for policy in aggregate.policies}
    links = [arrow for arrow in wall.arrows if policies & {arrow.start, arrow.end}]
    lines = ["flowchart LR"]
    for aggregate in context.aggregates:
        lines += _band_nodes(aggregate, wall)
        lines += _band_links(aggregate, wall)
    lines += _foreign(links, context, wall)
    lines += [f"  {_node(arrow.start)} --> {_node(arrow.end)}" for arrow in links]
    lines += [
        f"  classDef {kind} fill:{fill},stroke:{edge},color:{INK}"
        for kind, (fill, edge) in COLOURS.items()
        if kind is not Kind.SCREEN
    ]
    return "\n".join(lines) + "\n"


def _band_nodes(aggregate: Aggregate, wall: Wall) -> Iterator[str]:
    root = id_of(aggregate)
    yield f'  subgraph {_node(root)}_band["{_label(title_of(aggregate.message))}"]'
    for sticker in wall.bands[root]:
        if sticker.kind is not Kind.SCREEN:
            yield f"    {_drawn(sticker, sticker.title)}"
    yield "  end"


def _drawn(sticker: Sticker, title: str) -> str:
    left, right = ("([", "])") if sticker.kind is Kind.ACTOR else ("[", "]")
    return f'{_node(sticker.id)}{left}"{_label(title)}"{right}:::{sticker.kind}'


def _band_links(aggregate: Aggregate, wall: Wall) -> Iterator[str]:
    root = _node(id_of(aggregate))
    for sticker in wall.bands[id_of(aggregate)]:
        if sticker.kind is Kind.ACTOR:
            yield f"  {_node(sticker.id)} --> {_node(sticker.owner)}"
    for command in aggregate.commands:
        yield f"  {_node(id_of(command))} --> {root}"
    for event in dict.fromkeys(id_of(event) for command in aggregate.commands for event in command.emits):
        yield f"  {root} --> {_node(event)}"
    for view in aggregate.read_models:
        yield f"  {root} -.-> {_node(id_of(view))}"


def _foreign(links: Iterable[Arrow], context: Context, wall: Wall) -> Iterator[str]:
    """Events of other contexts that policies here follow or lead to."""
    ends = {end for arrow in links for end in (arrow.start, arrow.end)}
    for aggregate in wall.found.aggregates:
        for sticker in wall.bands[id_of(aggregate)]:
            if aggregate.context is not context and sticker.id in ends:
                yield f"  {_drawn(sticker, f'{title_of(aggregate.context.message)}: {sticker.title}')}"


def _both(context: Context) -> str:
    title, name = title_of(context.message), context.message.name
    return f"{title} ({name})" if name != title else title


def _node(name: str) -> str:
    return "n_" + name.replace(".", "_")


def _label(text: str) -> str:
    """A quoted mermaid label: entities for everything that mermaid, Markdown or HTML would read."""
    short = one_line(clean(text))
    short = short if len(short) <= 80 else short[:79] + "…"
    safe = re.sub(r"[^\w\s,.:…·'/()?+-]", lambda match: f"#{ord(match[0])};", short)
    return _LIST_START.sub(lambda match: match[1] + f"#{ord(match[2])};", safe) or " "


FORMAT = Format(
    title=("Mermaid diagrams", "Mermaid 다이어그램"),
    file="mermaid.zip",
    media_type="application/zip",
    write=diagrams,
)
