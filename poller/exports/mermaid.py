"""Diagrams that mermaid draws, one a file: the context map, and the flow of every context."""

import re
from collections.abc import Iterator
from typing import Final

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.svg import COLOURS, INK
from poller.board.wall import Kind, Wall
from poller.exports import _flow
from poller.exports._flow import Box, Diagram, Link, node
from poller.exports._format import Format

_LIST_START: Final = re.compile(r"^(\d*)([-+.)])")


def diagrams(model: EventStormingModel) -> dict[str, str]:
    """Every diagram by the name of its file, the context map first."""
    return _flow.files(model, ".mmd", _lines)


def context_map(wall: Wall) -> str:
    """Which context reacts to which, and which refers to which."""
    return _flow.file(_flow.context_map(wall), _lines)


def _lines(diagram: Diagram) -> Iterator[str]:
    yield "flowchart LR"
    for group, title, boxes in diagram.groups:
        yield f'  subgraph {node(group)}_band["{_label(title)}"]'
        yield from (f"    {_box(box)}" for box in boxes)
        yield "  end"
    yield from (f"  {_box(box)}" for box in diagram.boxes)
    yield from (f"  {_link(link)}" for link in diagram.links)
    for kind, (fill, edge) in COLOURS.items() if diagram.groups else ():
        if kind is not Kind.SCREEN:
            yield f"  classDef {kind} fill:{fill},stroke:{edge},color:{INK}"


def _box(box: Box) -> str:
    left, right = ("([", "])") if box.kind is Kind.ACTOR else ("[", "]")
    drawn = f'{node(box.id)}{left}"{_label(box.title)}"{right}'
    return f"{drawn}:::{box.kind}" if box.kind else drawn


def _link(link: Link) -> str:
    label = f'|"{", ".join(map(_label, link.labels))}"|' if link.labels else ""
    return f"{node(link.start)} {'-.->' if link.dashed else '-->'}{label} {node(link.end)}"


def _label(text: str) -> str:
    """A quoted mermaid label: entities for everything that mermaid, Markdown or HTML would read."""
    safe = re.sub(r"[^\w\s,.:…·'/()?+-]", lambda match: f"#{ord(match[0])};", _flow.short(text))
    return _LIST_START.sub(lambda match: match[1] + f"#{ord(match[2])};", safe) or " "


FORMAT = Format(
    title=("Mermaid diagrams", "Mermaid 다이어그램"),
    file="mermaid.zip",
    media_type="application/zip",
    write=diagrams,
)
