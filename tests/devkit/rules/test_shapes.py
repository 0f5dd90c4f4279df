"""What the rules make of the shapes that texts come in: rows, headings, labels, and words that nobody knows."""

from __future__ import annotations

import pytest

from devkit.rules.analysis import analyse
from devkit.rules.asked import lines as lines_of
from devkit.rules.facts import Facts
from devkit.rules.outline import outline
from devkit.rules.reader import read
from executor.graph.answers import OutlineAnswer
from executor.graph.text import document, numbered


def shown(text: str) -> str:
    lines = document(text)
    return numbered(lines, range(1, len(lines) + 1))


def facts(text: str) -> Facts:
    return read(lines_of({"lines": shown(text)}))


def outlined(text: str) -> OutlineAnswer:
    return outline({"lines": shown(text), "language": "Korean"})


def commands(text: str) -> list[str]:
    actions = facts(text).every_action()
    return list(dict.fromkeys(action.command.name for action in actions if action.kind != "query"))


def events(text: str) -> list[str]:
    return [action.event.name for action in facts(text).every_action()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("고객이 주문 한다.", ["PlaceOrder"]),
        ("고객이 주문한다.", ["PlaceOrder"]),
        ("회원 등록, 수정, 삭제 기능 제공", ["RegisterMember", "UpdateMember", "DeleteMember"]),
        ("관리자에 의해 회원이 등록된다.", ["RegisterMember"]),
        ("고객은 결제하지 않고 주문을 취소한다.", ["CancelOrder"]),
        ("고객과 점주는 주문을 취소할 수 있다.", ["CancelOrder"]),
        ("주문과 결제 내역은 고객에게 문자로 발송한다.", ["SendOrder", "SendPayment"]),
        ("고객은 바우처를 사용한다.", ["UseVoucher"]),
        ("외부 시스템을 통해 결제 기관과 통신한다.", []),
        ("두 시스템을 통합한다.", []),
        ("계약해지", []),
        ("As a reader, I want to place a hold so that I can collect the magazine.", ["PlaceHold"]),
        ("Customers order books.", ["OrderBook"]),
        ("Customer orders are shipped.", ["ShipCustomerOrder"]),
        ("The clerk closes the ticket after two attempts to call the guest.", ["CloseTicket"]),
        ("The code is sent to the guest.", ["SendCode"]),
        ("This document is signed by the tenant.", ["SignDocument"]),
        ("제3조 (환불)", []),
        (
            "제2조(예약) ① 회원은 예약을 신청한다. ② 회사는 예약을 승인한다.",
            ["RequestReservation", "ApproveReservation"],
        ),
        ("- 예약: 고객이 방을 예약한다.", ["ReserveRoom"]),
        ("User Story: As a guest I want to book a room.", ["BookRoom"]),
        ("SFR-001 관리자는 회원을 등록한다.", ["RegisterMember"]),
        ("REQ_004 - The clerk removes a member.", ["RemoveMember"]),
        ("```yaml\nA clerk: removes a member.\n```\nA clerk adds a book.", ["AddBook"]),
    ],
)
def test_a_text_gives_these_commands_and_no_other(text: str, expected: list[str]) -> None:
    assert commands(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'ID,Requirement,Priority\n1,A guest books a room.,High\n2,"The clerk confirms, then prints the booking.",Low',
            ["BookRoom", "ConfirmBooking", "PrintBooking"],
        ),
        (
            'Issue key,Issue Type,Summary,Description\nCL-1,Story,Book a room,"As a guest\nI want to book a room\nso that I can sleep."\n'
            'CL-2,Story,Clean,"The maid cleans the room."\nCL-3,Bug,Red button,"The button is red."',
            ["BookRoom", "CleanRoom"],
        ),
        (
            "| ID | 요구사항 | 내용 |\n|---|---|---|\n| SFR-001 | 예약 | 고객은 방을 예약한다.<br>직원은 예약을 승인한다. |\n"
            "| SFR-002 | 환불 | 고객은 환불을 요청한다. |",
            ["ReserveRoom", "ApproveReservation", "RequestRefund"],
        ),
        (
            "<table><tr><th>ID</th><th>What</th></tr>\n<tr><td>FR-1</td><td>A guest books a room.<br/>The clerk confirms the booking.</td></tr></table>",
            ["BookRoom", "ConfirmBooking"],
        ),
    ],
)
def test_rows_are_read_one_by_one(text: str, expected: list[str]) -> None:
    assert commands(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "| Use case 4 | Lend a kayak |\n|---|---|\n| Actors | Warden |\n| Pre-conditions | The kayak is cleaned |\n"
            "| Flow | A1\\. The warden lends a kayak |\n| | to the guest |\n| | A2\\. The guest signs the contract |\n"
            "| Exceptions | E1\\. The warden deletes a photo |\n| | E2\\. The warden bans the guest |",
            ["LendKayak", "SignContract"],
        ),
        (
            "**Berth List Shows:**\n- The owner changes a colour\n\n**Add Berth Flow:**\n- Name\n\n**Actions:**\n- Close a berth",
            ["CloseBerth"],
        ),
        ("Layout: The clerk closes a berth.\nThe clerk opens a berth.", ["OpenBerth"]),
        ("# Harbour diagram\n## Berths\nThe clerk opens a berth.", ["OpenBerth"]),
        (
            "- **Given:** a berth is free\n- **When:** a boat arrives\n- **Then:** the berth is closed",
            ["ArriveBoat", "CloseBerth"],
        ),
        ("**User Story:** As a skipper, I want to book a berth.", ["BookBerth"]),
        (
            "A skipper can [book a berth](docs/berths.md).\n![The clerk opens a berth.](a/b.png)",
            ["BookBerth"],
        ),
    ],
)
def test_such_shapes_give_these_commands(text: str, expected: list[str]) -> None:
    assert commands(text) == expected


def test_a_bullet_of_a_list_that_is_shown_with_gaps_is_no_heading() -> None:
    assert [
        one.place.line
        for one in read(((3, "- 도서 대출"), (6, ""), (7, "- 도서 반납"), (9, ""), (10, "끝"))).headings
    ] == []


def test_names_of_use_cases_say_what_is_done() -> None:
    text = (
        "- **Cancel a Ride** - The rider cancels it before it begins.\n"
        "- **Return Helmets** - within two hours\n"
        "- **Lock Station**: The warden locks the station by hand.\n"
        "- **View Rides** - all of today\n"
        "- **Night Tariff** - from ten o'clock"
    )

    assert commands(text) == ["CancelRide", "ReturnHelmet", "LockStation"]


ORDERS = "고객은 주문을 등록한다.\n고객은 주문을 취소한다."
RECEIPTS = "# 결제\n고객은 영수증을 등록한다.\n직원은 영수증을 취소한다."


def test_headings_name_contexts() -> None:
    names = [context.name for context in outlined(f"# 배송\n{ORDERS}\n{RECEIPTS}").contexts]

    assert names == ["Delivery", "Payment"]


@pytest.mark.parametrize(
    "heading",
    [
        "# 기능적 요구사항",
        "# 기능적요구사항",
        "기능적 요구 사항",
        "# 서비스 시나리오",
        "# Use Case 3:",
        "# Use Case 3: Pay an invoice",
        "## Reader Persona",
        "GO",
        "# Where to look",
        "# Taking it down",
        "# From Marlo",
        "# Basic flow",
        "# 현황 확인",
        "# Scenario: a late parcel",
        "# Porter can open lockers",
        "# Hatch Hilda, Sunday 08:15",
        "# 필수 기능 (Must Have)",
        "# 정상 처리",
        "# ADDED Requirements",
    ],
)
def test_such_a_heading_names_none(heading: str) -> None:
    first = outlined(f"{heading}\n{ORDERS}\n{RECEIPTS}").contexts[0]

    assert first.name == "OrderManagement"


@pytest.mark.parametrize(
    "heading",
    [
        "비기능적 요구사항",
        "비기능적요구사항",
        "비 기능적 요구 사항",
        "구현",
        "분석/설계",
        "Non-functional requirements",
        "클라우드 배포",
        "테스트2. 결제",
        "# 유사 서비스 분석",
        "MSA 아키텍처",
        "Out-Of-Scope",
        "1. PROBLEM STATEMENT",
        "# Sequence Diagrams",
        "# Training Plan",
        "UI Design",
    ],
)
def test_lines_below_what_is_no_behaviour_are_told_as_such(heading: str) -> None:
    text = f"# 주문\n고객은 주문을 취소한다.\n# {heading}\n결제가 취소되면 환불을 요청한다.\nA clerk registers a member."
    found = outlined(text)

    assert [aggregate.name for context in found.contexts for aggregate in context.aggregates] == ["Order"]
    assert found.silent == "3,4,5"
    assert not facts(text).reactions
    assert commands(text) == ["CancelOrder"]


def test_a_word_that_nobody_knows_is_asked_about_and_not_transcribed() -> None:
    found = outlined("고객은 주문을 취소한다.\n관리자는 뭉게구름을 등록한다.")

    assert [aggregate.name for context in found.contexts for aggregate in context.aggregates] == ["Order"]
    assert [("뭉게구름" in question.text, question.lines) for question in found.questions] == [(True, "2")]


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("A user runs an item.", "ItemRun"),
        ("A clerk hides an item.", "ItemHidden"),
        ("A clerk cuts an item.", "ItemCut"),
        ("A clerk sends an item.", "ItemSent"),
        ("A clerk splits an invoice.", "InvoiceSplit"),
        ("The shop fulfils an order.", "OrderFulfilled"),
        ("A coach enrols a player.", "PlayerEnrolled"),
        ("An author overwrites a draft.", "DraftOverwritten"),
        ("A buyer resells a ticket.", "TicketResold"),
        ("The reader places a magazine on hold.", "MagazinePlacedOnHold"),
    ],
)
def test_an_event_is_in_the_past_tense_of_the_dictionary(text: str, event: str) -> None:
    assert events(text) == [event]


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("canvas", "canvases"),
        ("alias", "aliases"),
        ("diagnosis", "diagnoses"),
        ("lens", "lenses"),
        ("quiz", "quizzes"),
        ("cache", "caches"),
        ("hero", "heroes"),
        ("knife", "knives"),
        ("vertex", "vertices"),
        ("menu", "menus"),
        ("species", "species"),
    ],
)
def test_one_and_many_are_one_aggregate(one: str, many: str) -> None:
    found = analyse(facts(f"A clerk registers a {one}. A clerk deletes {many}."))

    assert [(a.term.name, [c.command.name for c in a.commands]) for a in found.found.values()] == [
        (one.capitalize(), [f"Register{one.capitalize()}", f"Delete{one.capitalize()}"])
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The samples of the last 90 days can be called up by anyone.", ["SampleList"]),
        ("Lane occupancy by club is on the office screen.", ["LaneOccupancyDetails"]),
        ("I want to check with its number whether a certificate is valid.", ["CertificateStatus"]),
        ("What do you want to see on the screen?\n\nThe foreman: All open jobs.", ["JobList"]),
        ("# Where to look\n\nThe manager has a list of open orders.", ["OrderList"]),
        (
            "# 화면\n- 고객: 배송지랑 정산 내역을 볼 수 있으면 됨. 글씨 크게!\n- 점장: 지금 매장에 있는 고객 명단을 한눈에",
            ["ShippingAddressDetails", "SettlementHistory", "CustomerList"],
        ),
    ],
)
def test_what_somebody_wants_to_see_is_a_look_up(text: str, expected: list[str]) -> None:
    actions = facts(text).every_action()

    assert [action.command.name for action in actions if action.kind == "query"] == expected
    assert not facts(text).unclear


def test_a_title_in_two_languages_is_named_as_its_author_does() -> None:
    names = [context.name for context in outlined(f"# 배송 (Dispatch)\n{ORDERS}\n{RECEIPTS}").contexts]

    assert names == ["Dispatch", "Payment"]


def test_an_area_under_several_headings_has_its_aggregates_once() -> None:
    text = f"# 배송\n{ORDERS}\n{RECEIPTS}\n# 배송\n고객은 주문을 확정한다."

    assert [[one.name for one in context.aggregates] for context in outlined(text).contexts] == [
        ["Order"],
        ["Receipt"],
    ]
