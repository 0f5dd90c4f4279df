"""What a sentence keeps when it must not carry what a user wrote, and how long that may take."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from process.quoting import LONGEST, LOOKED_THROUGH, unquoted

TEXT = "A Librarian lends a book. 사서가 대출을 등록한다.\nOverdue loans: étagère."
WORDS = st.text("libraryABC_-019 .\n\"'\\도서관대출é日本", max_size=60)


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("the librarian and nLibrarian_x failed: 429", "the … and … failed: 429"),
        ("I will not speak of librarians", "I will not speak of …"),
        ("books of a loanshark", "books of a …"),
        ("LIBRARIANS, LibrarianRepository, library", "…, …, …"),
        ("대출을 처리하지 못했습니다", "… 처리하지 못했습니다"),
        ("대출이 안 됨, 사서", "… 안 됨, …"),
        (
            "RateLimitError: 429 for gpt-4.1, tier_1_a, 30000",
            "RateLimitError: 429 for gpt-4.1, tier_1_a, 30000",
        ),
        (json.dumps("a\nbook\nloans: lends\nLends étagère", ensure_ascii=False), r'"a\nbook\n…: …\n… …"'),
        (json.dumps("429 대출", ensure_ascii=True), '"429 ……"'),
        ("\ud800", "\ud800"),
        ("", ""),
    ],
)
def test_a_sentence_loses_the_words_that_begin_like_one_of_the_text(sentence: str, kept: str) -> None:
    assert unquoted(sentence, TEXT.encode()) == kept


@given(WORDS, WORDS, st.sampled_from([str, repr, json.dumps, lambda s: json.dumps(s, ensure_ascii=False)]))
@example("", r"a drive's folder: C:\b0000", str)
def test_what_is_cited_word_for_word_never_comes_through(before: str, text: str, cite: object) -> None:
    assert callable(cite)
    kept = unquoted(f"429: {cite(text)}", f"{before} {text}".encode())
    assert not [word for word in re.findall(r"[가-힣]{2,}|[^\W_][\w-]{4,}", text) if word in kept]


def test_a_long_text_is_not_read_through_its_words_are_taken_as_cited() -> None:
    text = ("ab " * (LOOKED_THROUGH // 6 + 1)).encode()
    assert unquoted("Timeout: 429 after 30 s", text) == "…: 429 … 30 s"
    half = text[: len(text) // 2]
    assert unquoted("Timeout Timeout 429 again: certainly, quota", half) == "Timeout Timeout 429 again: …, …"


def test_a_long_sentence_ends_early() -> None:
    assert unquoted("429 " * LONGEST, b"") == ("429 " * LONGEST)[:LONGEST] + "…"
    assert unquoted("x y " * (LONGEST // 4), b"") == "x y " * (LONGEST // 4)


@pytest.mark.parametrize("word", ["사서가 ", "abc de "])
def test_ten_megabytes_take_a_few_milliseconds(word: str) -> None:
    text = (word * (10_000_000 // len(word.encode()))).encode()
    began = time.thread_time()
    unquoted(" ".join(f"other{n:x}words" for n in range(100)), text)
    assert time.thread_time() - began < 0.05  # a scan of its words took seconds
