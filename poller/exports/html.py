"""The board as one page that asks nobody for anything."""

from poller.board.html import render_html
from poller.exports._format import Format

FORMAT = Format(title=("Board", "보드"), file="board.html", media_type="text/html", write=render_html)
