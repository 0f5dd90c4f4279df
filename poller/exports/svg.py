"""The wall as a picture."""

from poller.board.svg import render_svg
from poller.exports._format import Format

FORMAT = Format(title=("Picture", "그림"), file="board.svg", media_type="image/svg+xml", write=render_svg)
