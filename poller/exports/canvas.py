"""The board as JSON Canvas 1.0 (jsoncanvas.org), which Obsidian and others open: a group per context, a card per sticker."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.geometry import Box
from poller.board.layout import lay_out
from poller.board.svg import COLOURS
from poller.board.text import escaped_markdown
from poller.board.wall import Sticker, id_of, title_of, wall_of
from poller.board.words import words_for
from poller.exports._format import Format
from poller.exports._terms import terms

_ROOM: Final = 8


def to_canvas(model: EventStormingModel) -> str:
    """Where the board has them; edges for its arrows."""
    wall = wall_of(model)
    layout, words = lay_out(wall), words_for(model)
    groups = [
        {"id": id_of(context), "type": "group", "label": title_of(context.message), **_place(box)}
        for context, box in layout.contexts
    ]
    cards = [
        {
            "id": sticker.id,
            "type": "text",
            "text": "\n".join(_text(sticker, words)),
            "color": COLOURS[sticker.kind][0],
            **_place(layout.boxes[sticker.id]),
        }
        for sticker in wall.stickers
    ]
    edges = [
        {
            "id": f"e{number}",
            "fromNode": arrow.start,
            "toNode": arrow.end,
            **({"label": arrow.label} if arrow.label else {}),
        }
        for number, arrow in enumerate(wall.arrows)
    ]
    return json.dumps({"nodes": [*groups, *cards], "edges": edges}, ensure_ascii=False, indent=1) + "\n"


def _text(sticker: Sticker, words: Mapping[str, str]) -> Iterator[str]:
    yield f"**{escaped_markdown(sticker.title)}**"
    yield words[sticker.kind]
    yield from map(escaped_markdown, terms(sticker, words))


def _place(box: Box) -> dict[str, Any]:
    """Whole pixels, which is all that the format knows."""
    return {
        "x": round(box.x),
        "y": round(box.y),
        "width": round(box.width) + _ROOM,
        "height": round(box.height) + _ROOM,
    }


FORMAT = Format(
    title=("JSON Canvas (Obsidian)", "JSON Canvas(Obsidian)"),
    file="board.canvas",
    media_type="application/json",
    write=to_canvas,
)
