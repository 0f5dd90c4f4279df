"""Objects in a text become headings and bullets; everything else stays."""

from __future__ import annotations

import time

import pytest

from poller.a2a.markdown import readable

PLAIN = ["", "A member borrows a book.", "a {b} c", "{}}{", "[1, 2]", "{'a': 1}", "}{ {", '{"a": ']


@pytest.mark.parametrize("text", PLAIN)
def test_a_text_without_an_object_stays_as_it_is(text: str) -> None:
    assert readable(text) == text


def test_an_object_becomes_headings_and_bullets_in_its_place() -> None:
    text = (
        'Build this:\n{"service": "Library", "max": 3, "open": true, "rules": ["one book", "two weeks"], '
        '"actors": [{"name": "Member", "can": ["borrow"]}, {"name": "Clerk"}], "loan": {"days": 14, "fee": {"won": 500}}}\nSoon.'
    )
    assert readable(text).split("\n") == [
        "Build this:",
        "- service: Library",
        "- max: 3",
        "- open: true",
        "## rules",
        "- one book",
        "- two weeks",
        "## actors",
        "- name: Member",
        "  - can:",
        "    - borrow",
        "- name: Clerk",
        "## loan",
        "- days: 14",
        "### fee",
        "- won: 500",
        "Soon.",
    ]


def test_korean_names_and_several_objects_are_kept_in_order() -> None:
    assert (
        readable('가 {"회원": "책을 빌린다"} 나 {"사서": null} 다')
        == "가 - 회원: 책을 빌린다 나 - 사서: null 다"
    )


@pytest.mark.parametrize("hostile", ['{"a":' * 200_000, "{" * 1_000_000, '{"a":[' * 100_000])
def test_a_text_of_braces_is_given_up_soon(hostile: str) -> None:
    before = time.process_time()
    assert readable(hostile) == hostile
    assert time.process_time() - before < 2
