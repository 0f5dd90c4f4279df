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
        ("고객은 상품을 주문한다.", "OrderProduct ProductOrdered", "고객"),
        ("고객가 주문을 취소한다.", "CancelOrder OrderCancelled", "고객"),
        ("회원 또는 직원이 예약을 취소한다.", "CancelReservation ReservationCancelled", "회원"),
        ("관리자 및 점주는 상품을 등록한다.", "RegisterProduct ProductRegistered", "관리자"),
        ("고객은 결제 없이 예약을 취소할 수 있다.", "CancelReservation ReservationCancelled", "고객"),
        ("상품은 관리자에 의하여 등록된다.", "RegisterProduct ProductRegistered", "관리자"),
        ("담당자는 환불 여부를 결정한다.", "DecideRefund RefundDecided", "담당자"),
        ("직원은 자리를 지정한다.", "DesignateSeat SeatDesignated", "직원"),
        ("점수가 매겨진다.", "AssignScore ScoreAssigned", None),
    ],
)
def test_a_verb_gives_a_command_an_event_and_an_actor(sentence: str, made: str, actor: str | None) -> None:
    (action,) = facts(sentence).actions

    assert f"{action.command.name} {action.event.name}" == made
    assert (action.actor.alias if action.actor else None) == actor


@pytest.mark.parametrize(
    ("sentence", "made"),
    [
        ("교장님이 식단을 승인하십니다.", "ApproveMealPlan"),
        ("운영자는 가입을 승인하셔야 합니다.", "ApproveRegistration"),
        ("선생님께서는 과제를 채점하신다.", "GradeAssignment"),
        ("강사는 과제를 채점해 주셔야 합니다.", "GradeAssignment"),
        ("운영자는 게시글을 삭제해 버릴 수 있다.", "DeletePost"),
        ("직원은 예약을 취소해 두었다.", "CancelReservation"),
        ("회원은 예약을 취소할수 있다.", "CancelReservation"),
        ("회원은 예약을 취소 할 수있다.", "CancelReservation"),
        ("회원은 예약을 변경할 수도 있습니다.", "ChangeReservation"),
        ("회원은 예약을 변경하게 된다.", "ChangeReservation"),
        ("직원은 예약을 변경하기로 했다.", "ChangeReservation"),
        ("직원은 예약을 변경하기 시작한다.", "ChangeReservation"),
        ("회원은 예약을 취소했으면 좋겠습니다.", "CancelReservation"),
        ("직원은 짐을 싣는다.", "LoadBaggage"),
        ("직원은 택시를 불러야 한다.", "CallTaxi"),
        ("직원은 짐을 실어야 한다.", "LoadBaggage"),
        ("회원이 열쇠를 돌려주지 않으면 직원은 열쇠를 바꾼다.", "ChangeKey"),
        ("간호사가 접종을 기록, 백신 재고를 차감", "RecordVaccination DeductVaccineStock"),
        ("담당자는 계약서를 작성하고 고객에게 발송", "WriteContract SendContract"),
        ("유효기간이 지난 약품은 약사가 폐기", "DiscardMedicine"),
        ("회원은 대여기간을 한 차례 연장할 수 있다.", "ExtendRentalPeriod"),
        ("기사는 짐을 안전하게 옮긴다.", "MoveBaggage"),
        ("검수 결과를 대장에 반영한다.", "UpdateRegister"),
        ("수강료는 학부모님께 청구한다.", "ChargeTuitionFee"),
        ("상품의 등록 및 삭제가 가능하여야 한다.", "RegisterProduct DeleteProduct"),
        ("직원은 혈압을 측정하여 기록한다.", "MeasureBloodPressure"),
        ("세척료를 청구한다.", "ChargeCleaningFee"),
        ("조교는 시약을 나눠 준다.", "DistributeReagent"),
        ("수강생은 시험을 본다.", "TakeExam"),
        ("반장은 의견을 팀장에게 올린다.", "SubmitOpinion"),
        ("승객은 버스에서 하차한다. 직원은 표에 서명한다.", "LeavePassenger SignTicket"),
        ("계약금은 3일 후 자동으로 반환된다.", "ReturnDeposit"),
        ("할인율은 10%를 적용한다.", "ApplyDiscountRate"),
        ("담당자는 뻐끔료를 청구한다.", "ChargeFee"),
        ("강사는 강좌를 개설한다. 그리고 그 수강생은 출석부에 등록된다.", "OpenCourse RegisterStudent"),
        ("신청이 승인되면 회원 수가 증가한다.", "ApproveApplication IncreaseMemberCount"),
        ("- 쿠폰 관리: 등록/삭제", "RegisterCoupon DeleteCoupon"),
        (
            "점주는 쿠폰 번호를 등록, 수정, 삭제한다.",
            "RegisterCouponNumber UpdateCouponNumber DeleteCouponNumber",
        ),
        ("점주는 쿠폰내역을 삭제한다. 금고로 보낸다.", "DeleteCoupon"),
        ("점주는 “주문을 승인했습니다.”라는 문자를 받는다.", "SendMessage"),
        ("- 쿠폰 등록: 이름과 기한 기반", "RegisterCoupon"),
        ("As a 점주 I want to 쿠폰을 발급하기를 so that 손님을 초대할 수 있다", "IssueCoupon"),
    ],
)
def test_forms_of_one_verb_are_read_alike(sentence: str, made: str) -> None:
    assert " ".join(one.command.name for one in facts(sentence).every_action()) == made


@pytest.mark.parametrize(
    "sentence",
    [
        "고객은 주문을 취소하지 아니한다.",
        "예약을 취소하면 안 됩니다.",
        "주문을 취소해서는 안 된다.",
        "직원은 회원 등록 못 함",
        "상품권은 환불 안 됨",
        "회원은 한도를 초과하여 대여할 수 없다.",
        "직원은 기록을 탈퇴 후 3년간 보관한다.",
        "견적을 알려 주시면 감사하겠습니다.",
        "제가 일지를 작성해 보겠습니다.",
        "채소를 상자에 담아 보내 주는 서비스",
        "바람막이는 직원이 닦는다.",
        "예약 목록을 조회한다.",
        "회원은 예약을 취소하여 환불받을 수 없다.",
        "과제가 미제출된다.",
        "채소를 상자에 담아 보낸 업체는 없다.",
        "심사는 한 번만 된다.",
        "- couponId=7인 쿠폰 등록",
        "- `coupons.py`: 쿠폰 등록",
        "쿠폰 발급은 2초 이내에 완료되어야 한다.",
        "직원은 쿠폰 등록 화면으로 이동한다.",
        "시스템은 쿠폰 형식을 지원하고 오류 메시지를 반환한다.",
        "시스템은 쿠폰 번호를 출력한다.",
        "- 쿠폰 수 + 자동 발급",
        "쿠폰 오류가 발생하면 점주에게 문자를 보낸다.",
    ],
)
def test_what_is_denied_wished_of_the_reader_or_only_describes_gives_no_command(sentence: str) -> None:
    assert list(facts(sentence).every_action()) == []


def test_what_somebody_must_do_next_is_no_reaction_and_what_others_do_is_one() -> None:
    same = facts("회원은 공구를 분실한 때에는 지체 없이 분실을 신고하여야 한다.")
    other = facts("회원님께서 환불을 신청하시면 상담원이 이를 검토한다.")

    assert [(one.actor and one.actor.alias, one.command.name) for one in same.actions] == [
        ("회원", "ReportLoss")
    ]
    assert not same.reactions
    assert [one.command.name for one in other.reactions[0].results] == ["ReviewRefund"]


def test_only_a_role_acts_and_a_look_up_on_the_way_is_none() -> None:
    (charged,) = facts("입장권은 직원이 발급한다.").actions
    (approved,) = facts("운영자는 거주지를 확인한 후 가입을 승인한다.").actions

    assert charged.actor
    assert charged.actor.alias == "직원"
    assert approved.command.name == "ApproveRegistration"


def test_notes_of_a_workshop_name_commands_with_their_roles_and_look_ups_under_a_heading() -> None:
    found = facts(
        "## 커맨드", "- 상담 신청 (고객)", "- 좌석 등록/수정 (점주, 직원)", "", "## 읽기 모델", "- 빈 좌석"
    )

    assert [(one.kind, one.command.name, one.actor and one.actor.alias) for one in found.actions] == [
        ("create", "RequestConsultation", "고객"),
        ("create", "RegisterSeat", "점주"),
        ("update", "UpdateSeat", "점주"),
        ("query", "SeatDetails", None),
    ]


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("관리자는 회원 목록을 뽑아 볼 수 있다.", "MemberList"),
        ("고객은 수리가 어디까지 진행되었는지 조회한다.", "RepairDetails"),
        ("관리자 화면에 연체자 명단이 표시된다.", "OverdueMemberList"),
        ("센터장은 월별 반환율을 보고 싶어 한다.", "ReturnRateDetails"),
        ("학생은 잔여 좌석을, 사서는 대출 현황을 조회할 수 있다.", "SeatDetails"),
        ("- 팀장: 월별 매출 통계", "SalesStatistics"),
        ("지점별 재고 현황 조회, 월별 매출 통계 조회", "StockStatus"),
        ("직원은 손님 명단이랑 예약 내역을 조회할 수 있다.", "GuestList"),
    ],
)
def test_what_somebody_sees_is_a_look_up(sentence: str, name: str) -> None:
    assert next(one.command.name for one in facts(sentence).actions if one.kind == "query") == name


def test_a_look_up_is_read_where_no_other_behaviour_is() -> None:
    found = facts(
        "비기능적 요구사항",
        "- 응답은 3초 이내에 발송한다.",
        "- 고객은 주문 상태를 화면에서 확인할 수 있어야 한다.",
    )

    assert [one.command.name for one in found.actions] == ["OrderStatus"]


def test_a_wrapped_line_goes_on_and_a_marked_one_is_a_heading() -> None:
    wrapped = facts(
        "회원은 누리집에서 도서를 예약하고 수령할 지점을 고르며, 예약이 확정되면", "알림을 발송합니다."
    )
    marked = facts("■ 주문", " - 고객은 주문을 취소한다.", "", "Ⅱ. 할 일", " - 직원은 회원을 등록한다.")

    assert [one.triggers[0].event.name for one in wrapped.reactions] == ["ReservationConfirmed"]
    assert [one.command.name for one in marked.actions] == ["CancelOrder"]
    assert [one.term.alias for one in marked.headings] == ["주문", "할 일"]


def test_names_are_english_and_aliases_korean() -> None:
    (action,) = facts("환자는 예약을 변경한다.").actions

    assert (action.command.name, action.command.alias) == ("ChangeReservation", "예약 변경")
    assert (action.event.name, action.event.alias) == ("ReservationChanged", "예약 변경됨")


@pytest.mark.parametrize("sentence", ["정원사는 꾸룩을 등록한다.", "정원사는 꾸룩 내역을 조회한다."])
def test_a_word_that_has_no_english_is_asked_about_and_gets_no_name(sentence: str) -> None:
    found = facts(sentence)

    assert not found.actions
    assert [one.text for one in found.unclear] == ["꾸룩"]


def test_consists_of_is_a_group() -> None:
    (fact,) = facts("배송지는 도로명, 도시, 우편번호로 구성된다.").members

    assert fact.group
    assert [name.name for name in fact.names] == ["Street", "City", "PostalCode"]


@pytest.mark.parametrize(
    "sentence",
    [
        "결제를 취소할 수 없다.",
        "주문은 취소하지 못한다.",
        "운영 시간은 평일 9시이다.",
        "개요",
        "직원은 진료실로 안내한다.",
        "회의를 돌린다.",
        "비용은 회비에서 처리한다.",
    ],
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
