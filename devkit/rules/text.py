"""Lines of a text as passages: what is a heading, a bullet, a table row; which lines a wrapped sentence spans. No language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from devkit.rules.facts import Place

_LABEL = r"(?:[A-Z]{1,5}[-_ ]?\d+(?:\.\d+)*|\d+(?:\.\d+)*|[a-zA-Z가-힣]|[ivx]{1,4}|[Ⅰ-Ⅻ])"
_PREFIX = re.compile(
    rf"^\s*(?:>\s*)*(?:--+\s+|#\s+(?=(?:\S+\s+){{4,}}\S+\.$)|[-*+•·▪◦‣○●■□◆◇▷–—▶]\s+|\[[ xX]\]\s*|\(?{_LABEL}[.):]\s+|[①-⑳]\s*)*"
)
_HEADING = re.compile(
    r"^\s*(#{1,6}|={1,6}(?=\s?[^=\s].*=$))(?!\s*(?:[^\s#]\S*\s+){4,}\S+\.$)\s*(.*?)\s*[#=]*\s*$"
)
_SECTION = re.compile(r"\s*[■□◆◇Ⅰ-Ⅻ]")
_FENCE = re.compile(r"^\s*(```|~~~)")
_RULE = re.compile(r"^\s*[-=_*|:+\s]{3,}$")
_SENTENCE_END = re.compile(
    r"(?<=;)\s+(?=(?:the|an?|this|it|they|then|if|when|after|once|each|every|all|no|as soon as|whenever|upon|following|as an?|(?:\w+ ){1,2}(?:is|are|may|can|must|gets?|receives?))\b)|(?<=[.!?。])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bNo\.)(?<!\betc\.)[\"”')\]]*\s+(?=\S)"
)
_STORY_BEGINS = re.compile(r"(?:as an?|i (?:want|would|need|can)|so that)\b(?!.*[.!?]$)", re.IGNORECASE)
_STORY_GOES_ON = re.compile(r"(?:i (?:want|would|need|can)|so that|in order to)\b", re.IGNORECASE)
_STEP = re.compile(r"(?:given|when|then|and|but)\b(?!.*[.!?:]$)", re.IGNORECASE)
_FIRST_STEP = re.compile(r"(?:given|when)\b", re.IGNORECASE)
_WHEN = re.compile(r"when\b", re.IGNORECASE)

_ROW = re.compile(
    r'^[A-Z][A-Z0-9]+-\d+,(?=\S)(?:(?:Bug|Spike|버그|결함|스파이크),.*|[^,".]{0,30}(?<!다),)*"?'
)
"""The short cells of an export of issues, before what one says."""
_ROW_END = re.compile(r'(?:(?<=[.다])|")(?:,[^,"]{0,25})+$')

_SHOUTED = re.compile(
    r"\b(?:WHEN|WHENEVER|WHILE|WHERE|IF|THEN|ONCE|UPON|AFTER|BEFORE|UNTIL|UNLESS|GIVEN|AND|OR|BUT|NOT|THE|AN?|SHALL|MUST|SHOULD|WILL|MAY|CAN|CANNOT)\b"
)
"""Small words in capitals: `WHEN the stock is low, THE system SHALL ...`"""
_KEYWORD = re.compile(
    r"^(given|when|then|and|but|as an?|i want(?: to)?|so that)\s*[:：]\s*(?=\S)", re.IGNORECASE
)
"""Of a step or a story: `Given: ...`"""
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the prompt: its number, its text, and the text without bullets and marks."""

    number: int
    text: str
    body: str
    bullet: bool


@dataclass(frozen=True)
class Sentence:
    """A sentence, and where each of its pieces lies: (offset in the sentence, line, length)."""

    text: str
    pieces: tuple[tuple[int, int, int], ...]
    bullet: bool

    def place(self, start: int, end: int) -> Place:
        """Where the words from start to end are, cut to the line on which they begin."""
        offset, line, length = self._piece(start)
        quote = self.text[start : min(end, offset + length)].strip(" ,;:")
        beside = tuple(dict.fromkeys(other for _, other, _ in self.pieces if other != line))
        return Place(line, quote or self.text[offset : offset + length].strip(), beside)

    @cached_property
    def whole(self) -> Place:
        return self.place(0, len(self.text))

    def _piece(self, start: int) -> tuple[int, int, int]:
        before = [piece for piece in self.pieces if piece[0] <= start]
        return before[-1] if before else self.pieces[0]


def heading(text: str) -> tuple[int, str] | None:
    """Level and title of a Markdown heading."""
    found = _HEADING.match(text)
    return (len(found[1]), found[2].strip(" *_`:")) if found and found[2] else None


def deeper(line: Line, than: Line) -> bool:
    """Whether a line is indented more than another."""
    numbered = than.text.lstrip()[:1].isdigit() and not line.text.lstrip()[:1].isdigit()
    return numbered or len(line.text) - len(line.text.lstrip()) > len(than.text) - len(than.text.lstrip())


def is_beside(line: Line, other: Line) -> bool:
    """Whether two are bullets of one list."""
    return line.bullet and other.bullet and not deeper(other, line) and not deeper(line, other)


def is_fence(text: str) -> bool:
    return bool(_FENCE.match(text))


def is_ruler(text: str) -> bool:
    """A line of dashes, of a table or alone."""
    return bool(_RULE.match(text))


def cells(text: str) -> list[str]:
    """The cells of a table row, or nothing."""
    stripped = text.strip()
    if not stripped.startswith("|") or stripped.count("|") < 2:
        return []
    return [cell.strip() for cell in stripped.strip("|").split("|")]


def rejoined(lines: Sequence[Line]) -> list[Line]:
    """Rows whose cell is wrapped: `| Flow | 1. The clerk files |` and `| | the case |` are one."""
    found: list[Line] = []
    for line in lines:
        row, before = cells(line.text), cells(found[-1].text) if found else []
        wrapped = len(row) == len(before) == 2 and not row[0] and re.match(r"[\"'(a-z가-힣]", row[1])
        if wrapped and before[1][-1:] not in ".:;!?다":
            found[-1] = line_of(found[-1].number, f"| {before[0]} | {before[1]} {row[1]} |")
        else:
            found.append(line)
    return found


def sentences(lines: Sequence[Line]) -> Iterator[Sentence]:
    """The sentences of a run of lines; a line that goes on in lower case is wrapped text."""
    for group in _wrapped(lines):
        yield from _sentences(group)


def line_of(number: int, text: str) -> Line:
    """A line, its body freed from bullet, label, emphasis marks."""
    plain = text.replace("**", "").replace("__", "").replace("`", "").replace("\t", " ")
    plain = _SHOUTED.sub(lambda said: said[0].lower(), plain) if _is_lower(plain) else plain
    cell = _ROW_END.sub("", _ROW.sub("", plain, count=1))
    prefix = _PREFIX.match(cell)
    body = _KEYWORD.sub(r"\1 ", cell[prefix.end() :] if prefix else cell, count=1)
    return Line(number, text, body.strip(), len(body) < len(plain.lstrip()) and not _SECTION.match(plain))


def _is_lower(text: str) -> bool:
    """Whether most of a line is in small letters, unlike a statement of SQL."""
    return 2 * sum(map(str.isupper, text)) < sum(map(str.isalpha, text))


def _wrapped(lines: Sequence[Line]) -> Iterator[list[Line]]:
    group: list[Line] = []
    for line in lines:
        if group and not goes_on(group[-1], line):
            yield group
            group = []
        if line.body:
            group.append(line)
    if group:
        yield group


def goes_on(before: Line, line: Line) -> bool:
    """Whether a line is the next part of the sentence before it: wrapped text, a story on several lines."""
    if not line.body or line.number != before.number + 1:
        return False
    if before.body.rstrip(",").endswith("로서") or (
        (_STORY_BEGINS.match(before.body) and _STORY_GOES_ON.match(line.body))
        or (_STEP.match(before.body) and _STEP.match(line.body) and _is_next(before, line))
    ):
        return True
    if line.bullet or line.text.startswith("**"):
        return False
    begun = before.body[-1:] not in ".:;!?。다요음함됨임기|" and len(before.body) > 30
    return begun and (line.body[:1].islower() or "가" <= line.body[:1] <= "힣")


def _is_next(before: Line, line: Line) -> bool:
    """Whether a step of a scenario belongs to the sentence of the one before; a second `When` begins one of its own."""
    begins = _FIRST_STEP.match(line.body)
    return not begins or bool(_WHEN.match(line.body) and not _WHEN.match(before.body))


def _sentences(group: Sequence[Line]) -> Iterator[Sentence]:
    joined = " ".join(line.body for line in group)
    starts, offset = [], 0
    for line in group:
        starts.append((offset, line.number, len(line.body)))
        offset += len(line.body) + 1
    begin = 0
    for end in _ends(joined):
        if text := joined[begin:end].rstrip():
            yield Sentence(text, _pieces(starts, begin, begin + len(text)), group[0].bullet)
        begin = end


def _ends(joined: str) -> Iterator[int]:
    """Where sentences end; what goes on for longer than any sentence is cut at a blank."""
    begin = 0
    for end in [*(found.end() for found in _SENTENCE_END.finditer(joined)), len(joined)]:
        while end - begin > _LONGEST:
            blank = joined.rfind(" ", begin + 1, begin + _LONGEST)
            begin = blank + 1 if blank > 0 else begin + _LONGEST
            yield begin
        yield end
        begin = end


def _pieces(starts: Sequence[tuple[int, int, int]], begin: int, end: int) -> tuple[tuple[int, int, int], ...]:
    within = [(at, line, length) for at, line, length in starts if at < end and at + length > begin]
    return tuple(
        (max(at - begin, 0), line, min(at + length, end) - max(at, begin)) for at, line, length in within
    )
