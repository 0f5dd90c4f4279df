"""The forms of sentences: however long a line is and whatever repeats in it, each is through with it at once."""

from __future__ import annotations

import pytest

from devkit.rules import korean_terms, reader

REPEATED = ("a | b > c · ", "담당자가 신청을 ", "the clerk registers ", "a, ", "a-b ", "한다고 ", "if a, ", "a and b or ", "않으면 ", "A_B, ")  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("words", REPEATED)
def test_a_line_that_repeats_itself_is_read_at_once(words: str) -> None:
    line = words * (2000 // len(words))

    assert reader.read(((1, line),)).headings == []
    assert len(reader.read(((1, "# " + line + " end"),)).headings) == 1


def test_a_compound_of_many_words_has_a_name() -> None:
    assert korean_terms.term(("주문",) * 1500).name.startswith("Order")
