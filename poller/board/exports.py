"""The model for other tools: canonical JSON and mermaid diagrams. The specification for people is beside this."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from eventstorming.v1.model_pb2 import EventStormingModel
from google.protobuf.json_format import MessageToJson

from poller.resolved import resolve

from .text import clean, escaped_markdown, one_line
from .wall import Area, Arrow, Band, Kind, Step, Sticker, Tie, Wall, wall_of
from .words import export_words_for

_LIST_START: Final = re.compile(r"^(\d*)([-+.)])")
_STYLES: Final[Mapping[Kind, str]] = {
    Kind.COMMAND: "fill:#8fc7ff,stroke:#5a9fe0,color:#1f2430",
    Kind.AGGREGATE: "fill:#ffe177,stroke:#dcb52f,color:#1f2430",
    Kind.EVENT: "fill:#ffab4f,stroke:#e0852a,color:#1f2430",
    Kind.POLICY: "fill:#d3b8f2,stroke:#a883d4,color:#1f2430",
    Kind.READ_MODEL: "fill:#a4dd92,stroke:#6fb45a,color:#1f2430",
    Kind.ACTOR: "fill:#fff3b0,stroke:#dcc65a,color:#1f2430",
}


def to_json(model: EventStormingModel) -> str:
    """protobuf's canonical JSON (lowerCamelCase), as any protobuf library reads it."""
    return MessageToJson(model, ensure_ascii=False) + "\n"


def to_mermaid(model: EventStormingModel) -> str:
    """Markdown with one mermaid block each for the context map and the flow of every context."""
    parts = [f"# {export_words_for(model)['title']}"]
    for title, diagram in diagrams(model):
        parts.append(f"## {escaped_markdown(title)}\n\n```mermaid\n{diagram}```")
    return "\n\n".join(parts) + "\n"


def diagrams(model: EventStormingModel) -> list[tuple[str, str]]:
    """Title and source of every diagram, the context map first."""
    wall = wall_of(resolve(model))
    flows = [(_both(area), _flow(area, wall)) for area in wall.areas]
    return [(export_words_for(model)["contextMap"], context_map(wall)), *flows]


def context_map(wall: Wall) -> str:
    """Which context reacts to which, and which refers to which."""
    lines = ["flowchart LR"]
    lines += [f'  {_node(area.id)}["{_label(_both(area))}"]' for area in wall.areas]
    drawn: dict[tuple[str, str, str], list[str]] = {}
    for start, stroke, end, label in _between_contexts(wall):
        if start != end:
            drawn.setdefault((start, stroke, end), []).append(_label(label))
    for (start, stroke, end), labels in drawn.items():
        lines.append(f'  {_node(start)} {stroke}|"{", ".join(dict.fromkeys(labels))}"| {_node(end)}')
    return "\n".join(lines) + "\n"


def _between_contexts(wall: Wall) -> Iterator[tuple[str, str, str, str]]:
    """From where a policy is triggered to each of its results; from an aggregate to the one it refers to."""
    homes = {sticker.id: area.id for area in wall.areas for sticker in area.stickers}
    titles = {sticker.id: sticker.title for sticker in wall.stickers}
    triggers = {arrow.end: arrow.start for arrow in wall.arrows if arrow.tie is Tie.TRIGGERS}
    for arrow in wall.arrows:
        if arrow.tie is Tie.RESULTS:
            yield homes[triggers[arrow.start]], "-->", homes[arrow.end], titles[arrow.start]
        elif arrow.tie is Tie.REFERS:
            yield homes[arrow.start], "-.->", homes[arrow.end], titles[arrow.end]


def _flow(area: Area, wall: Wall) -> str:
    policies = {step.sticker.id for band in area.bands for step in band.policies}
    links = [arrow for arrow in wall.arrows if policies & {arrow.start, arrow.end}]
    lines = ["flowchart LR"]
    for band in area.bands:
        lines += [*_band_nodes(band), *_band_links(band)]
    lines += _foreign(links, area, wall)
    lines += [f"  {_node(arrow.start)} --> {_node(arrow.end)}" for arrow in links]
    lines += [f"  classDef {kind} {style}" for kind, style in _STYLES.items()]
    return "\n".join(lines) + "\n"


def _band_nodes(band: Band) -> Iterator[str]:
    yield f'  subgraph {_node(band.aggregate.id)}_band["{_label(band.aggregate.title)}"]'
    for sticker in band.stickers:
        if sticker.kind is not Kind.SCREEN:
            yield f"    {_drawn(sticker, sticker.title)}"
    yield "  end"


def _drawn(sticker: Sticker, title: str) -> str:
    left, right = ("([", "])") if sticker.kind is Kind.ACTOR else ("[", "]")
    return f'{_node(sticker.id)}{left}"{_label(title)}"{right}:::{sticker.kind}'


def _band_links(band: Band) -> Iterator[str]:
    root = _node(band.aggregate.id)
    yield from _actor_links((*band.commands, *band.read_models))
    for step in band.commands:
        yield f"  {_node(step.sticker.id)} --> {root}"
    for event in dict.fromkeys(event for step in band.commands for event in step.events):
        yield f"  {root} --> {_node(event)}"
    for step in band.read_models:
        yield f"  {root} -.-> {_node(step.sticker.id)}"


def _actor_links(steps: Iterable[Step]) -> Iterator[str]:
    return (f"  {_node(step.actor.id)} --> {_node(step.sticker.id)}" for step in steps if step.actor)


def _foreign(links: Iterable[Arrow], area: Area, wall: Wall) -> Iterator[str]:
    """Events of other contexts that policies here follow or lead to."""
    ends = {end for arrow in links for end in (arrow.start, arrow.end)}
    for other in wall.areas:
        for sticker in other.stickers:
            if other is not area and sticker.id in ends:
                yield f"  {_drawn(sticker, f'{other.title}: {sticker.title}')}"


def _both(area: Area) -> str:
    return f"{area.title} ({area.name})" if area.name != area.title else area.title


def _node(name: str) -> str:
    return "n_" + name.replace(".", "_")


def _label(text: str) -> str:
    """A quoted mermaid label: entities for everything that mermaid, Markdown or HTML would read."""
    short = one_line(clean(text))
    short = short if len(short) <= 80 else short[:79] + "…"
    safe = re.sub(r"[^\w\s,.:…·'/()?+-]", lambda match: f"#{ord(match[0])};", short)
    return _LIST_START.sub(lambda match: match[1] + f"#{ord(match[2])};", safe) or " "
