"""The board as a draw.io drawing: a container per context, a sticker and an arrow for each of the board's."""

from collections.abc import Iterable, Iterator

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.geometry import Box
from poller.board.layout import lay_out
from poller.board.svg import COLOURS, INK
from poller.board.text import clean, escaped, one_line
from poller.board.wall import Tie, id_of, title_of, wall_of
from poller.board.words import words_for
from poller.exports._format import Format
from poller.exports._terms import terms

_DASHED = (Tie.REFERS, Tie.READS)
_CONTEXT = (
    "rounded=0;fillColor=none;strokeColor=#8a92a3;verticalAlign=top;fontStyle=1;html=0;whiteSpace=wrap;"
)


def to_drawio(model: EventStormingModel) -> str:
    """Uncompressed, so that a version control sees what changed."""
    return "\n".join(_document(model)) + "\n"


def _document(model: EventStormingModel) -> Iterator[str]:
    wall = wall_of(model)
    layout, words = lay_out(wall), words_for(model)
    yield '<mxfile host="eventstorming"><diagram id="board" name="EventStorming"><mxGraphModel><root>'
    yield '<mxCell id="0"/><mxCell id="1" parent="0"/>'
    for context, box in layout.contexts:
        yield _vertex(id_of(context), title_of(context.message), _CONTEXT, box)
    for sticker in wall.stickers:
        fill, edge = COLOURS[sticker.kind]
        style = f"fillColor={fill};strokeColor={edge};fontColor={INK};html=0;whiteSpace=wrap;"
        yield _vertex(sticker.id, sticker.title, style, layout.boxes[sticker.id], terms(sticker, words))
    for number, arrow in enumerate(wall.arrows):
        style = f"edgeStyle=orthogonalEdgeStyle;html=0;dashed={int(arrow.tie in _DASHED)};"
        ends = f'source="{arrow.start}" target="{arrow.end}"'
        label = _value(arrow.label)
        yield f'<mxCell id="e{number}" value="{label}" style="{style}" edge="1" parent="1" {ends}>'
        yield '<mxGeometry relative="1" as="geometry"/></mxCell>'
    yield "</root></mxGraphModel></diagram></mxfile>"


def _vertex(identity: str, title: str, style: str, box: Box, more: Iterable[str] = ()) -> str:
    place = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
    label = "&#10;".join(map(_value, (title, *more)))
    return (
        f'<mxCell id="{identity}" value="{label}" style="{style}" vertex="1" parent="1">'
        f'<mxGeometry {place} as="geometry"/></mxCell>'
    )


def _value(text: str) -> str:
    return escaped(one_line(clean(text)))


FORMAT = Format(
    title=("draw.io", "draw.io"),
    file="board.drawio",
    media_type="application/vnd.jgraph.mxfile",
    write=to_drawio,
)
