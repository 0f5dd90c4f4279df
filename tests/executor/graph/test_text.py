"""Lines, chunks and source ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.graph.text import (
    chunks,
    document,
    fitted,
    language_of,
    located,
    numbered,
    numbers_in,
    short,
    spans,
    spoken,
    units,
)
from executor.model import Language, SourceRange

texts = st.text(st.sampled_from("ab \n\t😀한\r"), max_size=200)


def at(line: int, start: int, end: int) -> SourceRange:
    return SourceRange(start_line=line, start_column=start, end_line=line, end_column=end)


def test_a_final_line_feed_begins_no_line() -> None:
    assert document("one\n\ntwo\n") == document("one\n\ntwo")
    assert len(document("one\n")) == 1


LINES = document("# Title\nA member borrows a book.\n\n  Members  return   books. 😀 Late ones pay.\nEnd")


@pytest.mark.parametrize(
    ("line", "words", "expected"),
    [
        (2, ["borrows a book"], at(2, 10, 23)),
        (4, ["return books"], at(4, 12, 25)),  # blanks and case do not count
        (4, ["nowhere", "Late ones"], at(4, 31, 39)),  # the emoji before it is two units wide
        (2, ["no such words"], at(2, 1, 24)),  # the whole line
        (4, ["Late fees"], at(4, 28, 44)),  # the sentence that is most like it
        (4, [], at(4, 3, 26)),
    ],
)
def test_a_line_speaks_of_words_or_of_something_like_them(
    line: int, words: list[str], expected: SourceRange
) -> None:
    assert located(LINES, [line], words) == (expected,)


def test_a_blank_line_speaks_of_nothing() -> None:
    assert located(LINES, [3], ["a"]) == ()


def test_a_word_is_found_where_it_first_stands_as_a_word() -> None:
    assert spoken(LINES, range(1, 6), "book") == (at(2, 20, 23),)
    assert spoken(LINES, range(1, 6), "ember") == ()
    assert spoken(LINES, range(1, 6), " ") == ()


@given(texts, st.integers(1, 50), st.text(st.sampled_from("ab 😀한."), max_size=5))
def test_a_range_lies_inside_the_text(text: str, line: int, word: str) -> None:
    lines = document(text)
    numbers = numbers_in(f"{line}, 1-3", len(lines))
    for found in (*located(lines, numbers, [word]), *spoken(lines, numbers, word)):
        assert 1 <= found.start_line == found.end_line <= len(lines)
        assert 1 <= found.start_column <= found.end_column <= units(lines[found.start_line - 1])


def test_line_numbers_are_read_as_they_are_written() -> None:
    assert numbers_in("2-4, 7", 9) == (2, 3, 4, 7)
    assert numbers_in("lines 7 – 8 and 2", 9) == (7, 8, 2)
    assert numbers_in("0-2, 99, 5-3", 9) == (1, 2)
    assert numbers_in("none", 9) == ()
    assert short(numbers_in("1-3,5", 9)) == "1-3,5"


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
