"""The source text as the steps see it: numbered lines, chunks at line borders, and from line and quote to a range."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from executor.graph.reading import Line, raw_of, read
from executor.model import Language, SourceRange

CHUNK_UNITS = 25_000  # UTF-16 code units of text in one question about a chunk
PROMPT_UNITS = 120_000  # the most text that one question about a context or an aggregate carries
POLICY_UNITS = 60_000  # the most text that one question about policies carries
_SENTENCE = re.compile(r".+?(?:[.!?。](?=\s)|$)\s*", re.MULTILINE)

Document = tuple[str, ...]
"""A text as its lines, as they are read; line n is document[n - 1]."""


def document(text: str) -> Document:
    """The lines of a text. Only "\\n" separates: every other character counts in a column."""
    return read(text)


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def language_of(text: str) -> Language:
    """Korean if the text has a Hangul syllable, composed or not, else English."""
    return Language.KOREAN if re.search("[가-힣\u1100-\u11ff]", text) else Language.ENGLISH


def chunks(lines: Document, limit: int = CHUNK_UNITS) -> tuple[tuple[int, ...], ...]:
    """Line numbers in chunks of at most `limit` units; a longer single line is a chunk of its own."""
    found: list[list[int]] = []
    used = limit
    for number, line in enumerate(lines, 1):
        size = units(line) + 1
        if used + size > limit:
            found.append([])
            used = 0
        found[-1].append(number)
        used += size
    return tuple(tuple(chunk) for chunk in found)


def numbered(lines: Document, numbers: Iterable[int]) -> str:
    """The lines with their numbers, as prompts show them; blank ones say nothing."""
    return "\n".join(
        f"{n}: {said}" for n in numbers for line in lines[n - 1].split("\n") if (said := line.rstrip())
    )


def numbers_in(said: str, last: int) -> tuple[int, ...]:
    """The line numbers that an answer names ("2-4,7"), as said, each once; those outside the text are left out."""
    found: dict[int, None] = {}
    for first, _, end in re.findall(r"(\d{1,9})(\s*[-–~]\s*(\d{1,9}))?", said):
        found.update(dict.fromkeys(range(max(int(first), 1), min(int(end or first), last) + 1)))
    return tuple(found)


def verbatim(lines: Document, numbers: Iterable[int]) -> str:
    """The lines as they stand in the text."""
    return "\n".join(raw_of(lines[n - 1]) for n in numbers)


def fitted(
    lines: Document, numbers: Sequence[int], words: Iterable[str] = (), limit: int = PROMPT_UNITS
) -> tuple[int, ...]:
    """As many of the lines as fit: those that mention one of the words first, then from the top; in text order."""
    wanted = [word.casefold() for word in words if word.strip()]
    ranked = sorted(numbers, key=lambda n: (not _mentions(lines[n - 1], wanted), n))
    kept: list[int] = []
    left = limit
    for n in ranked if _size(lines, numbers) > limit else numbers:
        size = units(lines[n - 1]) + 8
        if size <= left:
            kept.append(n)
            left -= size
    return tuple(sorted(kept))


def _size(lines: Document, numbers: Iterable[int]) -> int:
    return sum(units(lines[n - 1]) + 8 for n in numbers)


def _mentions(line: str, words: Sequence[str]) -> bool:
    folded = line.casefold()
    return any(word in folded for word in words)


def located(lines: Document, numbers: Iterable[int], words: Sequence[str]) -> tuple[SourceRange, ...]:
    """Where the lines speak of something: in each line the words themselves, else the sentence that is most like them."""
    return tuple(_speaking(lines[n - 1], n, words) for n in numbers if lines[n - 1].strip())


def spoken(lines: Document, numbers: Iterable[int], word: str) -> tuple[SourceRange, ...]:
    """The first place where the word stands; empty if it stands nowhere."""
    first = word.split()[0].casefold() if len(word.strip()) > 1 else ""
    for n in numbers if first else ():
        if first in lines[n - 1].casefold() and (span := _found(lines[n - 1], word)):
            return (_range(lines[n - 1], n, *span),)
    return ()


def _speaking(line: str, number: int, words: Sequence[str]) -> SourceRange:
    for word in words:
        if span := _found(line, word):
            return _range(line, number, *span)
    wanted = {pair for word in words for pair in _pairs(word)}
    spans = [m.span() for m in _SENTENCE.finditer(line) if m[0].strip()]
    start, end = max(spans, key=lambda span: len(wanted & _pairs(line[slice(*span)])))
    inner = _trimmed(line[start:end])
    return _range(line, number, start + inner[0], start + inner[1])


def _pairs(text: str) -> set[str]:
    """Pairs of neighbouring letters: how alike two texts are, in any language."""
    plain = re.sub(r"[\W_]+", "", text).casefold()
    return {plain[i : i + 2] for i in range(len(plain) - 1)}


def _found(line: str, quote: str) -> tuple[int, int] | None:
    """Start and end (exclusive) of the quote: literally, else regardless of case and amount of blanks."""
    wanted = quote.split()
    if not wanted:
        return None
    edge = r"\b" if re.match(r"[A-Za-z0-9]", wanted[0]) else ""
    match = re.search(edge + r"\s+".join(map(re.escape, wanted)), line, re.IGNORECASE)
    return match.span() if match else None


def _trimmed(line: str) -> tuple[int, int]:
    stripped = line.strip()
    start = line.find(stripped)
    return start, start + len(stripped)


def _range(line: str, number: int, start: int, end: int) -> SourceRange:
    if isinstance(line, Line):
        (start, end), line = line.stands(start, end), line.raw
    return SourceRange(
        start_line=number, start_column=units(line[:start]) + 1, end_line=number, end_column=units(line[:end])
    )


def spans(numbers: Sequence[int]) -> str:
    """Line numbers for a person: 3, 7–9."""
    found: list[list[int]] = []
    for n in numbers:
        if found and found[-1][-1] == n - 1:
            found[-1][1:] = [n]
        else:
            found.append([n])
    return ", ".join("–".join(str(n) for n in span) for span in found)


def short(numbers: Iterable[int]) -> str:
    """Line numbers as prompts and answers write them: 3,7-9."""
    return spans(list(numbers)).replace("–", "-").replace(" ", "")
