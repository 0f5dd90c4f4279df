"""Lines, chunks and source ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.graph.text import chunks, document, fitted, language_of, located, numbered, spans, units
from executor.model import Language, SourceRange

texts = st.text(st.sampled_from("ab \n\t😀한\r"), max_size=200)


def at(line: int, start: int, end: int) -> SourceRange:
    return SourceRange(start_line=line, start_column=start, end_line=line, end_column=end)


LINES = document("# Title\nA member borrows a book.\n\n  Members  return   books. 😀 Late ones pay.\nEnd")


@pytest.mark.parametrize(
    ("line", "quote", "expected"),
    [
        (2, "borrows a book", at(2, 10, 23)),
        (4, "return books", at(4, 12, 25)),  # blanks and case do not count
        (4, "Late ones", at(4, 31, 39)),  # the emoji before it is two units wide
        (5, "BORROWS", at(2, 10, 16)),  # found nearby
        (2, "no such words", at(2, 1, 24)),  # the whole line
        (4, "nowhere", at(4, 3, 44)),  # the whole line without its indentation
        (2, "", at(2, 1, 24)),
        (3, "nowhere", None),  # a blank line
        (99, "nowhere", None),
        (-5, "Title", at(1, 3, 7)),
    ],
)
def test_a_quote_becomes_a_range(line: int, quote: str, expected: SourceRange | None) -> None:
    assert located(LINES, line, quote) == expected


def test_a_quote_too_far_away_gives_the_whole_line() -> None:
    lines = document("needle\n" * 1 + "hay\n" * 6 + "straw")
    assert located(lines, 6, "needle") == at(1, 1, 6)
    assert located(lines, 7, "needle") == at(7, 1, 3)


@given(texts, st.integers(-2, 50), st.text(st.sampled_from("ab 😀한"), max_size=5))
def test_a_range_lies_inside_the_text(text: str, line: int, quote: str) -> None:
    lines = document(text)
    found = located(lines, line, quote)
    if found:
        assert 1 <= found.start_line == found.end_line <= len(lines)
        assert 1 <= found.start_column <= found.end_column <= units(lines[found.start_line - 1])


@given(texts, st.integers(1, 40))
def test_chunks_are_all_lines_in_order_and_no_larger_than_allowed(text: str, limit: int) -> None:
    lines = document(text)
    found = chunks(lines, limit)
    assert [n for chunk in found for n in chunk] == list(range(1, len(lines) + 1))
    for chunk in found:
        assert len(chunk) == 1 or sum(units(lines[n - 1]) + 1 for n in chunk) <= limit


def test_units_count_as_a_browser_counts() -> None:
    assert units("a한😀") == len("a한😀".encode("utf-16-le")) // 2 == 4


def test_what_does_not_fit_goes_in_order_of_mention() -> None:
    lines = document("one\ntwo loan\nthree\nfour loan")
    assert fitted(lines, (1, 2, 3, 4), ["Loan"], limit=1000) == (1, 2, 3, 4)
    assert fitted(lines, (1, 2, 3, 4), ["Loan"], limit=36) == (2, 4)
    assert numbered(lines, (2, 4)) == "2: two loan\n4: four loan"


def test_spans_read_like_a_person_writes_them() -> None:
    assert spans([1, 2, 3, 5, 8, 9]) == "1–3, 5, 8–9"
    assert spans([]) == ""


def test_one_hangul_syllable_makes_the_text_korean() -> None:
    assert language_of("order 주문") is Language.KOREAN
    assert language_of("order") is Language.ENGLISH
