"""Text that must survive XML and fit a sticker: cleaning, escaping, measuring and wrapping. Widths are estimates, a little on the wide side."""

import re
import unicodedata
from html import escape

_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&$])")
_MARKDOWN_START = re.compile(r"^(\d*)([-+=.)])")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile(r"\s+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[_\-/.])")
_NARROW = frozenset("iIjl.,:;'|!()[]{}`tfr ")
_WIDE = frozenset("mwMW@%&")
_LONGEST = 400
_BOLD = 1.15


def clean(text: str) -> str:
    """The text without characters that XML 1.0 or HTML cannot carry; each becomes U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)


def escaped(text: str) -> str:
    """Fit for element content and quoted attributes of XML and HTML alike."""
    return escape(clean(text), quote=True)


def escaped_markdown(text: str) -> str:
    """One line of text that Markdown shows as it is."""
    return _MARKDOWN_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", one_line(clean(text))))


def one_line(text: str) -> str:
    """Every run of white space as one space."""
    return _BREAKS.sub(" ", text).strip()


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Estimated width in px at this font size."""
    return size * sum(_advance(char) for char in text) * (_BOLD if bold else 1)


def wrap(text: str, *, size: float, room: float, lines: int, bold: bool = False) -> tuple[str, ...]:
    """At most `lines` lines of at most `room` px; what does not fit ends in an ellipsis.

    Breaks at white space first, then inside long words: at CamelCase humps, then anywhere.
    """
    room = room / _BOLD if bold else room
    pieces = _pieces(one_line(clean(text))[:_LONGEST], size, room)
    wrapped: list[tuple[str, str]] = []
    start, line = "", ""
    for glue, piece in pieces:
        joined = f"{line}{glue}{piece}" if line else piece
        if not line or width(joined, size) <= room:
            line = joined
            continue
        wrapped.append((start, line))
        start, line = glue, piece
    wrapped.append((start, line))
    whole = [text for _, text in wrapped]
    if len(whole) <= lines:
        return tuple(whole)
    rest = "".join(glue + text for glue, text in wrapped[lines - 1 :]).lstrip()
    return (*whole[: lines - 1], _shortened(rest, size, room))


def _pieces(text: str, size: float, room: float) -> list[tuple[str, str]]:
    """Unbreakable pieces that each fit the room, with what joins each to the one before."""
    pieces: list[tuple[str, str]] = []
    for word in text.split(" "):
        glue = " "
        for hump in _HUMPS.split(word) if width(word, size) > room else [word]:
            for part in _fitting(hump, size, room):
                pieces.append((glue, part))
                glue = ""
    return pieces


def _fitting(word: str, size: float, room: float) -> list[str]:
    parts, part = [], ""
    for char in word:
        if part and not _joins(char) and width(part + char, size) > room:
            parts.append(part)
            part = ""
        part += char
    return [*parts, part] if part else parts


def _joins(char: str) -> bool:
    """Combining marks, variation selectors and joiners stay with what they follow."""
    return bool(unicodedata.combining(char)) or char in "\u200d\ufe0f" or "\U0001f3fb" <= char <= "\U0001f3ff"


def _shortened(line: str, size: float, room: float) -> str:
    """Cut between words, or at a hump of a name; anywhere only where there is neither."""
    whole = line
    for part in _fitting(line, size, room - width("…", size))[:1]:
        line = part
    if len(line) < len(whole) and not whole[len(line)].isspace():
        words = line.rsplit(" ", 1) if " " in line else ["".join(_HUMPS.split(line)[:-1])]
        line = words[0] or line
    return line.rstrip() + "…"


def _advance(char: str) -> float:
    if char in _NARROW:
        return 0.34
    if char in _WIDE:
        return 0.92
    if char.isascii():
        return 0.69 if char.isupper() else 0.58
    if unicodedata.combining(char):
        return 0.0
    return 0.98 if unicodedata.east_asian_width(char) in "WF" else 0.75
