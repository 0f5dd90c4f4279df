"""Reads a numbered text into facts: headings, table definitions, lists under a line, sentences in English or Korean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from devkit.rules import ddl, text
from devkit.rules.english import English
from devkit.rules.facts import Facts, Heading, Place, Term
from devkit.rules.korean import Korean
from devkit.rules.lexicon import words
from devkit.rules.text import Line, Sentence

_HANGUL = re.compile(r"[가-힣]")
_CONTINUES = re.compile(
    r"(?:\b(?:can|may|must|should|shall|to|will|able to)|수 있다|할 수 있는 일)$", re.IGNORECASE
)
_ITEM_END = re.compile(r"\s+[-–—:]\s+.*$|\s*[:(].*$")


@lru_cache(maxsize=32)
def read(numbered: tuple[tuple[int, str], ...]) -> Facts:
    """The facts of a text; the same text is read once."""
    return _Reader().read(numbered)


class _Reader:
    def __init__(self) -> None:
        self._facts = Facts()
        self._english = English(self._facts)
        self._korean = Korean(self._facts)
        self._actor: Term | None = None

    def read(self, numbered: Sequence[tuple[int, str]]) -> Facts:
        self._facts.tables, taken = ddl.tables(numbered)
        lines = [
            line
            for line in text.lines_of(numbered)
            if line.number not in taken and not text.is_fence(line.text)
        ]
        block: list[Line] = []
        for position, line in enumerate(lines):
            if self._is_heading(lines, position):
                self._block(block)
                block = []
                self._heading(line)
            else:
                block.append(line)
        self._block(block)
        return self._facts

    def _language(self, sample: str) -> English | Korean:
        return self._korean if _HANGUL.search(sample) else self._english

    def _is_heading(self, lines: Sequence[Line], position: int) -> bool:
        line = lines[position]
        if text.heading(line.text):
            return True
        body = line.body
        if (
            not body
            or len(body) > 60
            or body[-1] in ".!?:;,。|"
            or text.cells(line.text)
            or not _title_like(line)
        ):
            return False
        before = lines[position - 1] if position else None
        after = lines[position + 1] if position + 1 < len(lines) else None
        alone = before is None or not before.body or bool(text.heading(before.text))
        if not alone or after is None or (line.bullet and after.bullet and not text.deeper(after, line)):
            return False
        return not self._language(body).has_verb(body)

    def _heading(self, line: Line) -> None:
        level, title = text.heading(line.text) or (7, line.body)
        title = text.lines_of([(line.number, title)])[0].body or title
        reader = self._language(title)
        term = reader.heading(title)
        generic = _is_generic(title)
        self._actor = term if reader.is_actor(title) else None
        self._facts.headings.append(
            Heading(place=Place(line.number, title), level=level, term=term, generic=generic)
        )

    def _block(self, lines: list[Line]) -> None:
        """Sentences; a line that ends with a colon is read together with the bullets below it."""
        plain: list[Line] = []
        i = 0
        while i < len(lines):
            line = lines[i]
            items = _items(lines, i + 1) if line.body.endswith((":", "：")) else []
            if items:
                self._sentences(plain)
                plain = []
                self._list(line, items)
                i += len(items) + 1
                continue
            row = text.cells(line.text)
            if row and not text.is_ruler(line.text):
                self._row(line, row)
            elif not text.is_ruler(line.text):
                plain.append(line)
            i += 1
        self._sentences(plain)

    def _sentences(self, lines: Sequence[Line]) -> None:
        for sentence in text.sentences(lines):
            self._language(sentence.text).sentence(sentence, self._actor)

    def _row(self, line: Line, row: Sequence[str]) -> None:
        for cell in row:
            if len(cell.split()) > 2:
                self._sentences([Line(line.number, cell, cell, True)])

    def _list(self, intro: Line, items: Sequence[Line]) -> None:
        head = intro.body.rstrip(":： ")
        reader = self._language(head)
        if _CONTINUES.search(head):
            for item in items:
                reader.sentence(_joined(Line(intro.number, head, head, True), [item], " "), self._actor)
        elif any(reader.has_verb(item.body) for item in items):
            self._labelled(intro, head, reader, items)
        else:
            reader.sentence(_joined(Line(intro.number, head, head, True), items, ", "), self._actor)

    def _labelled(self, intro: Line, head: str, reader: English | Korean, items: Sequence[Line]) -> None:
        before = self._actor
        if reader.is_actor(head):
            self._actor = reader.heading(head)
        else:
            self._sentences([intro])
        for item in items:
            self._sentences([item])
        self._actor = before


def _title_like(line: Line) -> bool:
    """Headings begin with a capital or Hangul and are a few words."""
    first = line.body[0]
    return (first.isupper() or bool(_HANGUL.match(first)) or first.isdigit()) and len(line.body.split()) <= 8


def _is_generic(title: str) -> bool:
    generic = words("english_words.txt", "generic_heading") | words("korean_words.txt", "generic_heading")
    parts = re.findall(r"[\w-]+", title.lower())
    return all(part in generic or part.isdigit() or part in ("and", "of", "the", "및") for part in parts)


def _items(lines: Sequence[Line], start: int) -> list[Line]:
    found: list[Line] = []
    for line in lines[start:]:
        if not line.bullet or not line.body:
            break
        found.append(line)
    return found


def _joined(intro: Line, items: Sequence[Line], separator: str) -> Sentence:
    """One sentence from a line and its bullets; each piece keeps its own line."""
    joined, pieces = intro.body, [(0, intro.number, len(intro.body))]
    for number, item in enumerate(items):
        body = item.body.rstrip(".;,") if separator == " " else _ITEM_END.sub("", item.body).rstrip(".;,")
        joined += (" " if number == 0 else separator) + body
        pieces.append((len(joined) - len(body), item.number, len(body)))
    return Sentence(joined, tuple(pieces), True)
