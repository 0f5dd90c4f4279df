"""A text as a language model is shown it: what is markup, label or code comes off, and every character knows where it stood.

Code is blank, and so are images and tables of contents; of a link its words stay. A line break in HTML, a clause's title and a
label end a line of their own, of the same number; a row of a CSV file is the row of a table. Nothing is added but the borders of
cells. What a text means is not decided here.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

_SPEAKING = "sql ddl mysql psql postgresql plsql tsql oracle sqlite text txt plain plaintext md markdown gherkin feature csv"
_CODE_THAT_SPEAKS = frozenset(("", *_SPEAKING.split()))
_FENCE = re.compile(r"\s*(?:>\s*)?(`{3,}|~{3,})\s*([\w+#.-]*)")
_BREAK = re.compile(r"<(?:br|/p|/li|/div|/tr|/h[1-6])\s*/?>", re.IGNORECASE)
_TAG = re.compile(
    r"<!--.*?-->|</?(?:p|li|ul|ol|div|span|b|i|u|em|strong|a|code|pre|sup|sub|small|font|img|table|thead|tbody|tr|td|th|h[1-6]|details"
    r"|summary|center|kbd|hr|blockquote)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_CELL_BORDERS = (
    (
        re.compile(r"^\s*</t[dh]>|<t[dh](?:\s[^<>]*)?>\s*$", re.IGNORECASE),
        "",
    ),  # a cell that goes on in other lines
    (re.compile(r"</t[dh]>\s*<t[dh](?:\s[^<>]*)?>", re.IGNORECASE), " | "),
    (re.compile(r"<t[dh](?:\s[^<>]*)?>", re.IGNORECASE), "| "),
    (re.compile(r"</t[dh]>", re.IGNORECASE), " |"),
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});", re.IGNORECASE)
_CONTENTS = re.compile(
    r"^\s*(?:(?:[-*+]|\d{1,3}(?:\.\d{1,3})*[.)]?)\s+)*\[[^\]\n]{1,200}\]\(#[^()\n]{0,300}\)\s*$"
)
_IMAGE = re.compile(
    r"(?:\[)?!\[[^\]\n]{0,200}\]\((?:[^()\n]|\([^()\n]{0,99}\)){0,500}\)(?:\]\([^()\n]{0,500}\))?"
)
_LINK = re.compile(r"\[(?P<said>[^\[\]\n]{1,200})\]\([^()\n]{0,500}\)")
_ESCAPED = re.compile(r"\\(?P<said>[.)_*#+\[\]-])")
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200d\u2060\ufeff]")
_CLUSTER = re.compile(r"[\u1100-\u115f][\u1160-\u11a7][\u11a8-\u11ff]?|\w[\u0300-\u036f]+")
_CIRCLED = re.compile(r"(?<=\S)\s+(?=[①-⑳]\s)")
_MARK = r"(?P<mark>\s*(?:>\s*)*(?:#{1,6}\s+|[-*+•·▪◦‣○●–]\s+|\d{1,3}[.)]\s+)*)"
_KNOWN = (
    r"(?:N?FR|NF|REQ|R|F|UC|US|BR|AC|SFR|PER|SER|SIR|DAR|TER|QUR|INR|COR|PMR|PSR|ECR|CSR|STORY|EPIC|ISSUE)"
)
_ID = (
    rf"(?:\[[A-Z]{{1,8}}[-_ ]?(?:[A-Z]{{1,6}}[-_])?\d+(?:[.-]\d+)*\]\s*[-–:.]?\s*"
    rf"|\({_KNOWN}[-_ ]?(?:[A-Z]{{1,6}}[-_])?\d+(?:[.-]\d+)*\)\s*[-–:.]?\s*"
    rf"|[A-Z]{{1,8}}[-_ ]?(?:[A-Z]{{1,6}}[-_])?\d+(?:[.-]\d+)*(?:\s*:\s+|\s+[-–—]\s+|[.)]\s+)"
    rf"|{_KNOWN}[-_ ]?(?:[A-Z]{{1,6}}[-_])?\d+(?:[.-]\d+)*\s+"
    r"|[A-Z]{2,8}[-_]\d{3,}\s+|(?:[A-Z]|\d{1,3})(?:\.\d{1,3})+\s+)"
)
_STORY = re.compile(
    r"(?:\*\*)?(?:(?:user\s+)?stor(?:y|ies)|requirement|유스케이스|요구사항|사용자\s*스토리)\s*#?\d*(?:\*\*)?\s*[:：](?:\*\*)?\s*(?=[^\s*])",
    re.IGNORECASE,
)
_IDENTIFIED = re.compile(
    rf"{_MARK}(?P<off>{_ID}|(\*\*|__)\[?[A-Z]{{1,8}}[-_ ]?(?:[A-Z]{{1,6}}[-_])?\d+(?:[.-]\d+)*\]?\s*[:.]?\3[:.]?\s+)(?=\S)"
)
_AFTER = re.compile(rf"\s*[\[(]{_KNOWN}[-_ ]?(?:[A-Z]{{1,6}}[-_])?\d+(?:[.-]\d+)*[\])](?=[.!]?\s*$)")
_CLAUSE = re.compile(
    rf"{_MARK}(?P<off>제\s?\d+\s?(?:조의\s?\d+|[조항장절])(?=[\s(（\[【]|$)\s*|§\s?\d+(?:\.\d+)*\s+"
    r"|(?:Article|Section|Clause)\s\d+(?:\.\d+)*\s*(?:[.:–-]\s*|(?=[(\[])))"
    r"(?:[(（\[【](?P<title>[^)）\]】]{1,40})[)）\]】]\s*)?(?=\S|$)"
)
_TITLED = re.compile(
    rf"{_MARK}(?P<title>(?![^:：]*(?:https?|[,.(|<]))[^:：\n]{{1,24}}?)\s*[:：]\s+(?=(?P<rest>\S.*))"
)
_KOREAN_SENTENCE = re.compile(r"(?:다|요|음|함|됨|임)[.!]?\s*$")
_ENGLISH_SENTENCE = re.compile(
    r"(?:As an? |I |The |An? |When |If |After |Once |Each |Every |\w+ (?:can|may|must|shall|should|will) )"
)
_TOUCHED = re.compile(
    r"\]\(|\\|[<&\u00ad\u0300-\u036f\u1100-\u11ff\u200b-\u200d\u2060\ufeff:：①-⑳§]|^\W*(?:\d{1,3}[.)]\s+)?(?:제\s?\d|[A-Z]{1,8}[-_ ]?\d|[A-Z]+[-_][A-Z]+[-_]\d|[\[(]|(?:[A-Z]|\d+)\.\d|Article|Section|Clause|REQ|\*\*)|\d[\])]\W*$"
)


class Line(str):
    """A line as it is read. `raw` is the line as it stands."""

    raw: str
    _spans: tuple[tuple[int, int], ...]

    def __new__(cls, read: str, raw: str, spans: Sequence[tuple[int, int]]) -> Line:
        """`spans`: for each character of what is read, where it stands in `raw`."""
        line = super().__new__(cls, read)
        line.raw, line._spans = raw, tuple(spans)
        return line

    def __reduce__(self) -> tuple[object, ...]:
        return Line, (str(self), self.raw, self._spans)

    def stands(self, start: int, end: int) -> tuple[int, int]:
        """Where characters start to end (exclusive) stand in `raw`."""
        return self._spans[start][0], self._spans[end - 1][1]


def read(text: str) -> tuple[str, ...]:
    """The lines of a text as they are read; only "\\n" ends them. One that reads as it stands is a plain string."""
    raw = text.removesuffix("\n").split("\n")
    rows = _rows(raw)
    code = _code(raw)
    return tuple(Line("", line, ()) if n in code else _line(line, rows.get(n)) for n, line in enumerate(raw))


def raw_of(line: str) -> str:
    """The line as it stands in the text."""
    return line.raw if isinstance(line, Line) else line


def _line(raw: str, row: Sequence[tuple[int, int, bool]] | None) -> str:
    if row is None and not _TOUCHED.search(raw):
        return raw
    piece = _Piece(raw, [(i, i + 1) for i in range(len(raw))])
    if row is not None:
        piece = _cells(piece, row)
    for change in (_unlinked, _decoded, _composed, _unlabelled):
        piece = change(piece)
    return raw if piece.text == raw else Line(piece.text, raw, piece.at)


class _Piece:
    """Text under way, and where each of its characters came from."""

    def __init__(self, text: str, at: Sequence[tuple[int, int]]) -> None:
        self.text, self.at = text, list(at)

    def replaced(self, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str]) -> _Piece:
        """Every match replaced; what is put there stands where the match stood."""
        text, at, last = [], [], 0
        for found in pattern.finditer(self.text):
            new, (start, end) = by(found), found.span()
            text += [self.text[last:start], new]
            where = (self.at[start][0], self.at[end - 1][1]) if end > start else (0, 0)
            at += [*self.at[last:start], *([where] * len(new))]
            last = end
        return _Piece("".join((*text, self.text[last:])), [*at, *self.at[last:]])

    def without(self, start: int, end: int) -> _Piece:
        return _Piece(self.text[:start] + self.text[end:], [*self.at[:start], *self.at[end:]])

    def lines(self) -> Iterator[_Piece]:
        begin = 0
        for line in self.text.split("\n"):
            yield _Piece(line, self.at[begin : begin + len(line)])
            begin += len(line) + 1


# ---------------------------------------------------------------- characters, links, tags


def _unlinked(piece: _Piece) -> _Piece:
    for pattern in (_CONTENTS, _IMAGE, _ESCAPED, _LINK):
        piece = piece.replaced(pattern, lambda found: found.groupdict().get("said", ""))
    return piece


def _composed(piece: _Piece) -> _Piece:
    return piece.replaced(_UNSEEN, lambda _: "").replaced(
        _CLUSTER, lambda found: unicodedata.normalize("NFC", found[0])
    )


def _decoded(piece: _Piece) -> _Piece:
    table = piece.text.lstrip().startswith("|")
    for pattern, border in _CELL_BORDERS:
        piece = piece.replaced(pattern, lambda _, border=border: border)  # type: ignore[misc]
    piece = piece.replaced(_BREAK, lambda _: "\n").replaced(_TAG, lambda _: "")
    piece = piece.replaced(
        _ENTITY, lambda found: html.unescape(found[0]).replace("\xa0", " ").replace("\n", " ")
    )
    if table and "\n" in piece.text:
        first = piece.text.index("\n")
        tail = len(piece.text.rstrip().rstrip("|").rstrip())
        if tail > first:
            return _Piece(piece.text[:tail], piece.at[:tail])
    return piece


# ---------------------------------------------------------------- ids, clauses, labels


def _unlabelled(piece: _Piece) -> _Piece:
    piece = piece.replaced(_CIRCLED, lambda _: "\n") if "|" not in piece.text[:1] else piece
    text: list[str] = []
    at: list[tuple[int, int]] = []
    for line in piece.lines():
        made = line if line.text.lstrip().startswith("|") else _own(line)
        if text:
            text.append("\n")
            at.append(made.at[0] if made.at else (0, 0))
        text.append(made.text)
        at += made.at
    return _Piece("".join(text), at)


def _own(line: _Piece) -> _Piece:
    """A line without its id; a clause's title or a label before a sentence becomes a line above it."""
    for _ in range(2):
        if found := _IDENTIFIED.match(line.text):
            line = line.without(*found.span("off"))
    if (found := _AFTER.search(line.text)) and found.start():
        line = line.without(*found.span())
    if (found := _STORY.search(line.text)) and not re.search(r"\w", line.text[: found.start()]):
        line = line.without(*found.span())
    if found := _CLAUSE.match(line.text):
        if not found["title"] and found.end() == len(line.text):
            return line
        return _split(line, found)
    found = _TITLED.match(line.text)
    if found and "#" not in found["mark"] and _is_sentence(found["rest"]):
        return _split(line, found)
    return line


def _split(line: _Piece, found: re.Match[str]) -> _Piece:
    mark, title = found["mark"], found["title"]
    if not title:
        return line.without(found.start("off"), found.end("off"))
    start, end = found.span("title")
    rest = line.text[found.end() :]
    head = _Piece(mark + title, [*line.at[: len(mark)], *line.at[start:end]])
    if not rest:
        return head
    border = line.at[end - 1 : end]
    return _Piece(
        f"{head.text}\n{mark}{rest}", [*head.at, *border, *line.at[: len(mark)], *line.at[found.end() :]]
    )


def _is_sentence(rest: str) -> bool:
    if re.search("[가-힣]", rest):
        return bool(_KOREAN_SENTENCE.search(rest)) and len(rest.split()) > 2
    return bool(_ENGLISH_SENTENCE.match(rest)) and len(rest.split()) > 3


# ---------------------------------------------------------------- code, rows


def _code(raw: Sequence[str]) -> set[int]:
    """Lines inside fences of code that is no requirement, the fences too. A fence that nothing closes is none."""
    found: set[int] = set()
    opened: tuple[int, str, str] | None = None
    for n, line in enumerate(raw):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        if opened is None:
            opened = (n, fence[1], fence[2].lower())
        elif fence[1][0] == opened[1][0] and len(fence[1]) >= len(opened[1]) and not fence[2]:
            if opened[2] not in _CODE_THAT_SPEAKS:
                found |= set(range(opened[0], n + 1))
            opened = None
    return found


_TWICE = re.compile('""')
_Cell = tuple[int, int, bool]
"""Where a part of a cell lies in its line, and whether the cell has parts in other lines."""


def _rows(raw: Sequence[str]) -> dict[int, list[_Cell]]:
    """The cells of each line, where the text is a CSV file: a header, and rows of as many cells. Else nothing."""
    first = next((line for line in raw if line.strip()), "")
    separator = next((s for s in "\t;," if first.count(s) > 1 and f"{s} " not in first), "")
    names = [name.strip(' "\r') for name in first.split(separator)] if separator else []
    if not names or any(not name or len(name.split()) > 4 or name[-1] in ".!?" for name in names):
        return {}
    counts: list[int] = []
    cells: dict[int, list[_Cell]] = {}
    quoted, count = False, 0
    for n, line in enumerate(raw):
        if not line.strip() and not quoted:
            continue
        found, quoted = _cells_of(line, separator, quoted)
        cells[n] = found
        count += len(found) - bool(count)
        if not quoted:
            counts.append(count)
            count = 0
    return cells if len(counts) > 1 and not quoted and set(counts) == {len(names)} else {}


def _cells_of(line: str, separator: str, quoted: bool) -> tuple[list[_Cell], bool]:
    found: list[_Cell] = []
    begin, goes_on = 0, quoted
    for i, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            found.append((begin, i, goes_on))
            begin, goes_on = i + 1, False
    return [*found, (begin, len(line), goes_on or quoted)], quoted


def _cells(piece: _Piece, row: Sequence[_Cell]) -> _Piece:
    """Whole cells as a row of a table, the parts of longer ones as lines of their own."""
    text: list[str] = []
    at: list[tuple[int, int]] = []

    def add(new: str, where: Sequence[tuple[int, int]]) -> None:
        text.append(new)
        at.extend(where)

    whole = False
    for start, end, parted in row:
        while start < end and piece.text[start] in ' "\r':
            start += 1
        while end > start and piece.text[end - 1] in ' "\r':
            end -= 1
        border = piece.at[start : start + 1] or piece.at[-1:] or [(0, 0)]
        ending = piece.at[end - 1 : end] if end > start else border
        if parted or not whole:
            add("\n" if text else "", border if text else [])
        if not parted:
            add("| " if not whole else "", border * 2 if not whole else [])
        add(piece.text[start:end], piece.at[start:end])
        if not parted:
            add(" | ", ending * 3)
        whole = not parted
    return _Piece("".join(text).rstrip(), at).replaced(_TWICE, lambda _: '"')
