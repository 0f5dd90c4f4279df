"""The stickers as CSV, a row each, as Miro's import and any spreadsheet read it. No cell is a formula there."""

import csv
import io

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.text import clean, one_line
from poller.board.trace import trace
from poller.board.wall import Kind, id_of, title_of, wall_of
from poller.board.words import export_words_for
from poller.exports._format import Format

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def to_csv(model: EventStormingModel) -> str:
    """Title first: Miro makes the first column the text of a sticker. With a mark of its encoding, for Excel."""
    wall, words = wall_of(model), export_words_for(model)
    traced = trace(wall)
    sheet = io.StringIO()
    rows = csv.writer(sheet, lineterminator="\r\n")
    rows.writerow([words[key] for key in ("name", "what", "context", "aggregate", "source")])
    for aggregate in wall.found.aggregates:
        where = [title_of(aggregate.context.message), title_of(aggregate.message)]
        for sticker in wall.bands[id_of(aggregate)]:
            if sticker.kind is not Kind.SCREEN:
                row = [sticker.title, words[sticker.kind], *where, " / ".join(traced.quotes(sticker))]
                rows.writerow(map(_cell, row))
    areas = {id_of(context): title_of(context.message) for context in wall.found.contexts}
    for sticker in wall.questions:
        where = [areas.get(sticker.owner, ""), ""]
        rows.writerow(
            map(_cell, [sticker.title, words[sticker.kind], *where, " / ".join(traced.quotes(sticker))])
        )
    return "\ufeff" + sheet.getvalue()


def _cell(text: str) -> str:
    """A text that a spreadsheet would calculate begins with an apostrophe, which it does not show."""
    flat = one_line(clean(text)).strip()
    return f"'{flat}" if flat.startswith(_FORMULA) else flat


FORMAT = Format(
    title=("CSV for Miro", "Miro용 CSV"), file="stickers.csv", media_type="text/csv", write=to_csv
)
