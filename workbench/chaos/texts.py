"""Small requirements in both languages. A job's mark is in every line, so that each of its questions tells whose it is."""

from __future__ import annotations

from typing import Any

from workbench.bench.texts import mark

_ENGLISH = (
    """{mark} library

A member borrows a {mark} book from the library.
A {mark} loan records the member name, the book title and the due date.
A member returns the {mark} book.
When a {mark} book is returned, the {mark} loan is closed.
A member can look up the current {mark} loans.
""",
    """{mark} kitchen

A customer places a {mark} order for a table.
The {mark} order records the table number and the price.
The cook accepts or rejects a {mark} order.
When a {mark} order is accepted, a {mark} ticket is printed.
A waiter can look up the open {mark} orders.
""",
)
_KOREAN = (
    """{mark} 도서관

회원이 {mark} 도서를 대출한다.
{mark} 대출에는 회원 이름과 도서 제목과 반납 기한을 기록한다.
회원이 {mark} 도서를 반납한다.
{mark} 도서가 반납되면 {mark} 대출을 종료한다.
회원은 현재 {mark} 대출 목록을 조회할 수 있다.
""",
    """{mark} 의원

환자는 {mark} 예약을 등록한다.
{mark} 예약에는 환자 이름과 예약 일시를 기록한다.
접수 담당자는 {mark} 예약을 확정하거나 취소한다.
{mark} 예약이 취소되면 {mark} 진료를 취소한다.
접수 담당자는 오늘의 {mark} 예약 목록을 조회한다.
""",
)
SLOW_LETTERS = "fk"
"""Jobs whose mark begins so take long: they are there when leases run out."""


def draft(number: int, language: str) -> dict[str, Any]:
    """Two contexts with their aggregates decided, in the web client's form."""
    word = mark(number)
    korean = language == "Korean"
    book, loan = ("도서", "대출") if korean else ("Book", "Loan")
    reference = {"name": f"{word}Book", "alias": f"{word} {book}"}
    return {
        "structures": [
            _context(
                f"{word}Catalog", f"{word}Book", f"{word} {book}", {"name": f"{word}Isbn", "alias": "ISBN"}
            ),
            _context(
                f"{word}Lending",
                f"{word}Loan",
                f"{word} {loan}",
                {"name": f"{word}BookReference", "alias": f"{word} {book}", "referencedAggregate": reference},
            ),
        ],
        "metadatas": {
            "boundedContextRequirements": {
                f"{word}Catalog": _LINES[language][0].format(mark=word),
                f"{word}Lending": _LINES[language][1].format(mark=word),
            }
        },
    }


_LINES = {
    "English": (
        "A librarian registers a {mark} book with title and author.",
        "A member borrows a {mark} book. A member returns a {mark} book.",
    ),
    "Korean": (
        "사서는 {mark} 도서를 제목과 저자로 등록한다.",
        "회원이 {mark} 도서를 대출한다. 회원이 {mark} 도서를 반납한다.",
    ),
}


def _context(name: str, aggregate: str, alias: str, value_object: Any) -> dict[str, Any]:
    decided = {"aggregateName": aggregate, "aggregateAlias": alias, "valueObjects": [value_object]}
    return {"boundedContextName": name, "boundedContextAlias": name, "aggregates": [decided]}


def text(number: int, language: str) -> str:
    texts = _KOREAN if language == "Korean" else _ENGLISH
    return texts[number // 2 % len(texts)].format(mark=mark(number))
