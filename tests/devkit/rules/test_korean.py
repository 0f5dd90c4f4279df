"""The Korean rules, one example each."""

from __future__ import annotations

import pytest

from devkit.rules.facts import Facts
from devkit.rules.korean_grammar import split_particle
from devkit.rules.reader import read


def facts(*lines: str) -> Facts:
    return read(tuple(enumerate(lines, 1)))


@pytest.mark.parametrize(
    ("sentence", "made", "actor"),
    [
        ("고객은 주문을 취소한다.", "CancelOrder OrderCancelled", "고객"),
        ("고객은 주문을 취소할 수 있다.", "CancelOrder OrderCancelled", "고객"),
        ("주문은 고객이 취소할 수 있습니다.", "CancelOrder OrderCancelled", "고객"),
        ("사서가 도서를 등록해야 한다.", "RegisterBook BookRegistered", "사서"),
        ("판매자는 상품을 보낸다.", "SendProduct ProductSent", "판매자"),
        ("고객은 메뉴를 고르고 주소를 입력해 주문한다.", "PlaceOrder OrderPlaced", "고객"),
        ("담당자는 주문의 상태를 변경한다.", "ChangeOrderStatus OrderStatusChanged", "담당자"),
        ("담당자는 예약을 취소 처리한다.", "CancelReservation ReservationCancelled", "담당자"),
        ("청구서가 발행된다.", "IssueInvoice InvoiceIssued", None),
        ("- 회원 등록", "RegisterMember MemberRegistered", None),
    ],
)
def test_a_verb_gives_a_command_an_event_and_an_actor(sentence: str, made: str, actor: str | None) -> None:
    (action,) = facts(sentence).actions

    assert f"{action.command.name} {action.event.name}" == made
    assert (action.actor.alias if action.actor else None) == actor


def test_names_are_english_and_aliases_korean() -> None:
    (action,) = facts("환자는 예약을 변경한다.").actions

    assert (action.command.name, action.command.alias) == ("ChangeReservation", "예약 변경")
    assert (action.event.name, action.event.alias) == ("ReservationChanged", "예약 변경됨")


def test_a_word_that_has_no_english_is_asked_about_and_gets_no_name() -> None:
    found = facts("정원사는 화분을 등록한다.")

    assert not found.actions
    assert [one.text for one in found.unclear] == ["화분"]


def test_consists_of_is_a_group() -> None:
    (fact,) = facts("배송지는 도로명, 도시, 우편번호로 구성된다.").members

    assert fact.group
    assert [name.name for name in fact.names] == ["Street", "City", "PostalCode"]


@pytest.mark.parametrize(
    "sentence", ["결제를 취소할 수 없다.", "주문은 취소하지 못한다.", "운영 시간은 평일 9시이다.", "개요"]
)
def test_what_describes_no_behaviour_gives_no_command(sentence: str) -> None:
    assert list(facts(sentence).every_action()) == []


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("고객은", ("고객", "은")),
        ("메뉴를", ("메뉴", "를")),
        ("휴가", ("휴가", "")),
        ("창고에서는", ("창고", "에서는")),
        ("결과", ("결과", "")),
    ],
)
def test_particles_come_off_and_words_stay_whole(word: str, parts: tuple[str, str]) -> None:
    assert split_particle(word) == parts
