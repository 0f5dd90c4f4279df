"""The board as one page that asks nobody for anything; its menu has the formats that are one text of moderate length."""

from eventstorming.v1.model_pb2 import LANGUAGE_KOREAN, EventStormingModel

from poller.board.html import Along, render_html
from poller.exports import markdown, miro
from poller.exports._format import Format


def to_html(model: EventStormingModel) -> str:
    """With a specification and rows for Miro to take along."""
    korean = model.language == LANGUAGE_KOREAN
    along = [
        Along(
            label=form.title[korean], file=form.file, media_type=form.media_type, text=str(form.write(model))
        )
        for form in (markdown.FORMAT, miro.FORMAT)
    ]
    return render_html(model, along=along)


FORMAT = Format(title=("Board", "보드"), file="board.html", media_type="text/html", write=to_html)
