"""What a language model is shown of a line, and where it stands in the text."""

from __future__ import annotations

import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.errors import NothingUsable
from executor.graph.given import GraphInput
from executor.graph.prompt import read_blocks
from executor.graph.reading import raw_of, read
from executor.graph.run import generate
from executor.graph.text import document, language_of, located, numbered, units
from executor.model import Language, SourceRange
from tests.executor.graph.scripted import ScriptedChat

Shown = tuple[int, str, int, int]
"""The number of a line, what is shown of it, its first and its last column in the text."""

TENDER = "\n".join(
    (
        "# 2. 기능적 요구사항",
        "SFR-001 회원을 등록한다.",
        "- [F-02] 회원은 탈퇴를 신청한다.",
        "FR04 The clerk registers a member.",
        "REQ_004 - The clerk removes a member.",
        "제3조 (환불)",
        "제2조(예약) ① 회원은 예약을 신청한다. ② 회사는 예약을 승인한다.",
        "- 예약: 고객이 방을 예약한다.",
        "User Story: As a guest I want to book a room.",
        "```yaml\nreplicas: 2\n```",
        "```bash\nkubectl apply -f .\n```",
        '```json\n{"a": 1}\n```',
        "```java\nclass A {}\n```",
        "```sql\nCREATE TABLE room (id INT);\n```",
        "```\nA guest cancels a booking.\n```",
        "| SFR-002 | 환불 | 회원은 환불을 신청한다.<br>회사는 요금을 환불한다. |",
        "<tr><td>FR-1</td><td>A &amp; B <b>order</b> a book.<br/>They pay.</td></tr>",
        unicodedata.normalize("NFD", "회원이 도서를 대출한다."),
        "A mem\u00adber returns a book.",
        "As a member,\nI want to extend a loan\nso that I can read on.",
    )
)
OF_THE_TENDER: list[Shown] = [
    (1, "# 2. 기능적 요구사항", 1, 13),
    (2, "회원을 등록한다.", 9, 17),
    (3, "- 회원은 탈퇴를 신청한다.", 1, 22),
    (4, "The clerk registers a member.", 6, 34),
    (5, "The clerk removes a member.", 11, 37),
    (6, "환불", 6, 7),
    (7, "예약", 5, 6),
    (7, "① 회원은 예약을 신청한다.", 9, 23),
    (7, "② 회사는 예약을 승인한다.", 25, 39),
    (8, "- 예약", 1, 4),
    (8, "- 고객이 방을 예약한다.", 1, 18),
    (9, "As a guest I want to book a room.", 13, 45),
    (22, "```sql", 1, 6),
    (23, "CREATE TABLE room (id INT);", 1, 27),
    (24, "```", 1, 3),
    (25, "```", 1, 3),
    (26, "A guest cancels a booking.", 1, 26),
    (27, "```", 1, 3),
    (28, "| SFR-002 | 환불 | 회원은 환불을 신청한다.", 1, 30),
    (28, "회사는 요금을 환불한다.", 35, 47),
    (29, "| FR-1 | A & B order a book.", 5, 51),
    (29, "They pay. |", 57, 70),
    (30, "회원이 도서를 대출한다.", 1, 27),
    (31, "A member returns a book.", 1, 25),
    (32, "As a member,", 1, 12),
    (33, "I want to extend a loan", 1, 23),
    (34, "so that I can read on.", 1, 22),
]
EXPORT = """\
Issue key,Issue Type,Summary,Description,Status
CL-1,Story,Book a room,"As a guest
I want to book a room
so that I can sleep.

- When a room is booked, a confirmation is sent.",Open
CL-2,Bug,Red button,"The button is red, not green.",Done
CL-3,Story,객실 청소,"객실이 청소되면 상태를 변경한다.
직원은 객실을 점검한다.",Open
"""
OF_THE_EXPORT: list[Shown] = [
    (1, "| Issue key | Issue Type | Summary | Description | Status |", 1, 47),
    (2, "| CL-1 | Story | Book a room |", 1, 22),
    (2, "As a guest", 25, 34),
    (3, "I want to book a room", 1, 21),
    (4, "so that I can sleep.", 1, 20),
    (6, "- When a room is booked, a confirmation is sent.", 1, 48),
    (6, "| Open |", 51, 54),
    (7, "| CL-2 | Bug | Red button | The button is red, not green. | Done |", 1, 56),
    (8, "| CL-3 | Story | 객실 청소 |", 1, 16),
    (8, "객실이 청소되면 상태를 변경한다.", 19, 36),
    (9, "직원은 객실을 점검한다.", 1, 13),
    (9, "| Open |", 16, 19),
]


def shown(text: str) -> list[str]:
    lines = document(text)
    return numbered(lines, range(1, len(lines) + 1)).split("\n")


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize(("text", "expected"), [(TENDER, OF_THE_TENDER), (EXPORT, OF_THE_EXPORT)])
async def test_a_question_has_these_lines_and_each_is_found_in_the_text(
    text: str, expected: list[Shown], end: str
) -> None:
    text = text.replace("\n", end)
    chat = ScriptedChat(rules={"outline": lambda _: {"contexts": []}})
    with pytest.raises(NothingUsable):
        async for _ in generate(GraphInput(requirements=text), chat):
            pass
    lines = document(text)

    assert read_blocks(chat.asked[0].user)["lines"].split("\n") == [
        f"{n}: {said}" for n, said, *_ in expected
    ]
    assert [located(lines, [n], [said]) for n, said, *_ in expected] == [
        (SourceRange(start_line=n, start_column=first, end_line=n, end_column=last),)
        for n, _, first, last in expected
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SFR-001 회원을 등록한다.", ["1: 회원을 등록한다."]),
        ("- [F-02] 회원을 등록한다.", ["1: - 회원을 등록한다."]),
        ("FR04 The clerk registers a member.", ["1: The clerk registers a member."]),
        ("REQ_004 - The clerk registers a member.", ["1: The clerk registers a member."]),
        ("**FR-1:** The clerk registers a member.", ["1: The clerk registers a member."]),
        ("US-12: Register a member", ["1: Register a member"]),
        ("NF-REQ-3. It is fast.", ["1: It is fast."]),
        ("2.1 A member reserves a desk.", ["1: A member reserves a desk."]),
        ("B.4.3 A member reserves a desk.", ["1: A member reserves a desk."]),
        ("제3조 (환불)", ["1: 환불"]),
        ("제3조(환불) 회사는 요금을 환불한다.", ["1: 환불", "1: 회사는 요금을 환불한다."]),
        (
            "제2조(예약) ① 회원은 예약을 신청한다. ② 회사는 예약을 승인한다.",
            ["1: 예약", "1: ① 회원은 예약을 신청한다.", "1: ② 회사는 예약을 승인한다."],
        ),
        ("제5조의2 회사는 요금을 환불한다.", ["1: 회사는 요금을 환불한다."]),
        ("Section 4.2 (Fees)", ["1: Fees"]),
        ("- 예약: 고객이 방을 예약한다.", ["1: - 예약", "1: - 고객이 방을 예약한다."]),
        ("Booking: A guest books a room.", ["1: Booking", "1: A guest books a room."]),
        ("User Story: As a guest I want to book a room.", ["1: As a guest I want to book a room."]),
        ("User Story 3: 방 예약", ["1: 방 예약"]),
        ("회원을 등록한다. (SFR-001)", ["1: 회원을 등록한다."]),
        ("- The clerk registers a member [FR-12].", ["1: - The clerk registers a member."]),
        ("SFR-001\t회원을 등록한다.", ["1: 회원을 등록한다."]),
        ("(SFR-001) 회원을 등록한다.", ["1: 회원을 등록한다."]),
        ("1) SFR-001 회원을 등록한다.", ["1: 1) 회원을 등록한다."]),
        ("2. [F-02] A member pays.", ["1: 2. A member pays."]),
        ("제3조【환불】 회사는 요금을 환불한다.", ["1: 환불", "1: 회사는 요금을 환불한다."]),
        ("**User Story:** As a guest I want to book a room.", ["1: As a guest I want to book a room."]),
        ("**User Story**: As a guest I want to book a room.", ["1: As a guest I want to book a room."]),
        ("A guest [books](x.md) a room ([b](#c)).", ["1: A guest books a room (b)."]),
        ('1. [Rooms](#rooms)\n  - [Guests](#guests "Go")\n![Map](a(b).png)\n[![x](y)](z)\nA', ["5: A"]),
        ("A1\\. A guest books a room.", ["1: A guest books a room."]),
        ("Story: As a guest I want to book a room.", ["1: As a guest I want to book a room."]),
        ("A guest books a&#8203; room.", ["1: A guest books a room."]),
    ],
)
def test_ids_clause_numbers_and_labels_come_off(text: str, expected: list[str]) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "A4 paper is ordered by the clerk.",
        "COVID-19 patients are isolated.",
        "B2B customers pay by invoice.",
        "제3조에 따라 요금을 환불한다.",
        "Section 5 of this agreement applies to guests.",
        "The status is one of: OPEN, CLOSED.",
        "상태: 접수, 완료, 취소",
        "회원 정보: 이름, 이메일, 전화번호",
        "Fields: title, author and price",
        "See https://example.org: it explains everything.",
        "Open at 10:30 every day.",
        "The flat [three rooms] (see below) is let.",
        "Stored in C:\\rooms for all guests.",
        "A List<Order> is kept if stock < 5 & price > 3.",
        "# Booking: rooms",
        "The form asks for the age (18).",
        "(FR-12)",
        "- 1. A guest books a room.",
    ],
)
def test_what_only_looks_like_an_id_a_label_or_a_tag_stays(text: str) -> None:
    assert shown(text) == [f"1: {text}"]


@pytest.mark.parametrize(
    "language", ["sh", "bash", "yaml", "json", "java", "python", "js", "dockerfile", "http"]
)
def test_code_is_no_requirement(language: str) -> None:
    assert shown(f"A\n```{language}\nkubectl get pods\n```\nB") == ["1: A", "5: B"]


@pytest.mark.parametrize("language", ["", "sql", "text"])
def test_sql_and_bare_fences_are(language: str) -> None:
    assert "3: CREATE TABLE a (id INT);" in shown(f"A\n```{language}\nCREATE TABLE a (id INT);\n```\nB")


def test_a_fence_that_nothing_closes_hides_nothing() -> None:
    assert "3: A member borrows a book." in shown("A\n```json\nA member borrows a book.")


def test_a_break_ends_a_line_and_columns_are_kept() -> None:
    lines = document("| 1 | A &amp; B <b>order</b> a book.<br/>They pay &quot;it&quot;. |")

    assert numbered(lines, [1]) == '1: | 1 | A & B order a book.\n1: They pay "it".'
    (found,) = located(lines, [1], ["order a book"])
    assert found == SourceRange(start_line=1, start_column=20, end_line=1, end_column=35)
    (found,) = located(lines, [1], ['"it"'])
    assert found == SourceRange(start_line=1, start_column=51, end_line=1, end_column=64)


def test_a_table_in_tags_is_read_as_a_table() -> None:
    text = (
        "<table>\n<tr><th>ID</th><th>What</th></tr>\n"
        '<tr><td class="id">FR-1</td> <td>A <b>clerk</b> registers a member.</td></tr>\n'
        "  <tr>\n    <td>FR-2</td>\n    <td>\n      A member pays.\n    </td>\n  </tr>\n</table>"
    )

    assert shown(text) == [
        "2: | ID | What |",
        "3: | FR-1 | A clerk registers a member. |",
        "5:     | FR-2 |",
        "7:       A member pays.",
    ]
    (found,) = located(document(text), [3], ["clerk registers"])
    assert (found.start_column, found.end_column) == (39, 57)


def test_decomposed_letters_and_soft_hyphens_read_as_composed_ones() -> None:
    text = unicodedata.normalize("NFD", "회원이 도서를 대출한다.")

    assert shown(text) == ["1: 회원이 도서를 대출한다."]
    assert language_of(text) is Language.KOREAN
    assert raw_of(document(text)[0]) == text
    assert shown("A mem\u00adber bor\u200brows a book.") == ["1: A member borrows a book."]
    (found,) = located(document("A mem\u00adber pays."), [1], ["member"])
    assert (found.start_column, found.end_column) == (3, 9)


def test_a_file_of_separated_values_is_read_by_row() -> None:
    text = (
        'Key,Type,Summary,Description,Status\nM-1,Story,Quote,"A customer requests a ""quote"".\nIt has a date, too.",Open\n'
        "M-2,Bug,Colour,The button is red.,Done\n"
    )

    assert shown(text) == [
        "1: | Key | Type | Summary | Description | Status |",
        "2: | M-1 | Story | Quote |",
        '2: A customer requests a "quote".',
        "3: It has a date, too.",
        "3: | Open |",
        "4: | M-2 | Bug | Colour | The button is red. | Done |",
    ]
    (found,) = located(document(text), [4], ["The button"])
    assert (found.start_column, found.end_column) == (16, 25)


@pytest.mark.parametrize(
    "text", ["A, B, C\nA guest books a room, pays, and leaves.", "Red, green, blue.\n1,2,3"]
)
def test_prose_with_commas_is_no_such_file(text: str) -> None:
    assert shown(text) == [f"{n}: {line}" for n, line in enumerate(text.split("\n"), 1)]


@given(st.text(st.sampled_from('ab 가|,"\n<br>&amp;:1.-[]제조()①`~\u1100\u1161\u00ad'), max_size=120))
def test_whatever_is_read_stands_in_the_text(text: str) -> None:
    lines = read(text)

    assert [raw_of(line) for line in lines] == text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        for found in located(lines, [number], line.split()[:2]):
            assert 1 <= found.start_column <= found.end_column <= units(raw_of(line))


def test_a_line_survives_being_stored() -> None:
    line = document("- [F-02] A member pays.")[0]

    assert pickle.loads(pickle.dumps(line)) == line
    assert raw_of(pickle.loads(pickle.dumps(line))) == "- [F-02] A member pays."
