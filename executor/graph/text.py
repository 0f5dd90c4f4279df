"""The source text as the steps see it: numbered lines, chunks at line borders, and from line and quote to a range."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from executor.model import Language, SourceRange

CHUNK_UNITS = 25_000  # UTF-16 code units of text in one question about a chunk
PROMPT_UNITS = 120_000  # the most text that one question about a context or an aggregate carries
NEARBY_LINES = 5  # a quote may be found this far from the line that was named

Document = tuple[str, ...]
"""A text as its lines; line n is document[n - 1]."""


def document(text: str) -> Document:
    """The lines of a text. Only "\\n" separates: every other character counts in a column."""
    return tuple(text.split("\n"))


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def language_of(text: str) -> Language:
    """Korean if the text has a Hangul syllable, else English."""
    return Language.KOREAN if re.search("[가-힣]", text) else Language.ENGLISH


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
    """The lines with their numbers, as prompts show them."""
    return "\n".join(f"{n}: {lines[n - 1].rstrip()}" for n in numbers)


def verbatim(lines: Document, numbers: Iterable[int]) -> str:
    """The lines as they are."""
    return "\n".join(lines[n - 1] for n in numbers)


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


def located(lines: Document, line: int, quote: str) -> SourceRange | None:
    """Where the quote is: in the named line, else up to five lines around it, nearest first; else the whole line.

    None when the named line does not exist or is blank and the quote is nowhere near.
    """
    if not lines:
        return None
    named = min(max(line, 1), len(lines))
    wanted = quote.strip()
    for number in _around(named, len(lines)):
        span = _found(lines[number - 1], wanted)
        if span:
            return _range(lines[number - 1], number, *span)
    whole = _trimmed(lines[named - 1])
    return _range(lines[named - 1], named, *whole) if whole and line == named else None


def _around(line: int, last: int) -> list[int]:
    near = [line, *(n for d in range(1, NEARBY_LINES + 1) for n in (line - d, line + d))]
    return [n for n in near if 1 <= n <= last]


def _found(line: str, quote: str) -> tuple[int, int] | None:
    """Start and end (exclusive) of the quote: literally, else regardless of case and amount of blanks."""
    if not quote:
        return None
    at = line.find(quote)
    if at >= 0:
        return at, at + len(quote)
    loose = r"\s+".join(re.escape(word) for word in quote.split())
    match = re.search(loose, line, re.IGNORECASE)
    return match.span() if match else None


def _trimmed(line: str) -> tuple[int, int] | None:
    stripped = line.strip()
    start = line.find(stripped)
    return (start, start + len(stripped)) if stripped else None


def _range(line: str, number: int, start: int, end: int) -> SourceRange:
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
