"""The wall by time as a picture."""

from poller.board.svg import render_timeline
from poller.exports._format import Format

FORMAT = Format(
    title=("Picture by time", "시간 순서 그림"),
    file="timeline.svg",
    media_type="image/svg+xml",
    write=render_timeline,
)
