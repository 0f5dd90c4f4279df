"""Diagrams that PlantUML draws, one a file: the context map, and the flow of every context.

Nothing of a model is read as a directive, a variable, a link or markup: every such character travels as its number.
"""

import re
from collections.abc import Iterator

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.svg import COLOURS
from poller.board.wall import Kind
from poller.exports import _flow
from poller.exports._flow import Box, Diagram, Link, node
from poller.exports._format import Format


def diagrams(model: EventStormingModel) -> dict[str, str]:
    """Every diagram by the name of its file, the context map first."""
    return _flow.files(model, ".puml", _lines)


def _lines(diagram: Diagram) -> Iterator[str]:
    yield "@startuml"
    yield "!pragma layout smetana"  # the layout that PlantUML has in itself: no Graphviz is needed
    yield "left to right direction"
    for group, title, boxes in diagram.groups:
        yield f'rectangle "{_label(title)}" as {node(group)}_band {{'
        yield from (f"  {_box(box)}" for box in boxes)
        yield "}"
    yield from map(_box, diagram.boxes)
    yield from map(_link, diagram.links)
    yield "@enduml"


def _box(box: Box) -> str:
    shape = "actor" if box.kind is Kind.ACTOR else "rectangle"
    colour = f" {COLOURS[box.kind][0]}" if box.kind else ""
    return f'{shape} "{_label(box.title)}" as {node(box.id)}{colour}'


def _link(link: Link) -> str:
    label = f" : {', '.join(map(_label, link.labels))}" if link.labels else ""
    return f"{node(link.start)} {'..>' if link.dashed else '-->'} {node(link.end)}{label}"


def _label(text: str) -> str:
    return (
        re.sub(r"[^\w ,.:()?…·]|__", lambda found: "".join(map(_number, found[0])), _flow.short(text)) or " "
    )


def _number(char: str) -> str:
    return f"<U+{ord(char):04X}>"


FORMAT = Format(
    title=("PlantUML diagrams", "PlantUML 다이어그램"),
    file="plantuml.zip",
    media_type="application/zip",
    write=diagrams,
)
