"""What the rules do not understand becomes no sticker; what they do, one of the right name."""

from __future__ import annotations

import re

import pytest

from devkit.rules.analysis import analyse
from devkit.rules.asked import lines as lines_of
from devkit.rules.behaviour import work_out
from devkit.rules.draft import draft
from devkit.rules.facts import Facts
from devkit.rules.loose_ends import timer_of
from devkit.rules.outline import outline
from devkit.rules.policies import policies
from devkit.rules.reader import read
from executor.errors import NothingUsable
from executor.graph.text import document, numbered
from executor.llm.providers import offline
from workbench.eval.running import model_of


def facts(text: str) -> Facts:
    return read(tuple(enumerate(text.split("\n"), 1)))


def commands(text: str) -> list[str]:
    return [action.command.name for action in facts(text).every_action() if action.kind != "query"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("고객은 도서를 구매 한다.", ["PurchaseBook"]),
        ("The council has criticised this practice.", []),
        ("We are looking into electricity.", []),
        ("Never mix donors.", []),
        ("The oven (by Friday) is cleaned.", ["CleanOven"]),
        ("Change your mind? Refresh every 5 min is enough.", []),
        ("Should a published be corrected, a note is issued.", ["IssueNote"]),
        ("The closing leads in turn to a message to the captain.", ["SendMessage"]),
        ("The boss can quite draw up the plan.", ["DrawUpPlan"]),
        ("직원이 수령 확인을 누른다.", ["CheckReceipt"]),
        ("담당이 전량인지 일부인지는 정한다. 판은 2년만 보관한다.", []),
        ("누수 공사 끝나고 재논의.", []),
        ("폐기는 실장의 승인을 받아 담당자가 시행한다.", []),
        ("The plant sends the hotel a delivery note.", ["SendDeliveryNote"]),
        ("When somebody cancels, the seat is released. Nothing leaves the building.", ["ReleaseSeat"]),
        ("Nobody sells, moves or rubs a locked wheel.", []),
        ("The keeper certifies that destruction has been carried out.", []),
        ("The team is told, as they must call the school.", ["InformTeam"]),
        ("The holder confirms the option, failing which the option shall be struck out.", ["ConfirmOption"]),
        ("A reading above that value leads to repetition of the test.", []),
        ("Every adopted tree is inspected once a year.", ["InspectTree"]),
        ("The system creates the aliquots w/ labels.", ["CreateAliquot"]),
        ("The registry opens the count on 1 October.", ["OpenCount"]),
        ("The clerk sends the letter of rejection.", ["SendRejectionLetter"]),
        ("Report the disease right away.", ["ReportDisease"]),
        ("When the list is in, the kitchen gets its numbers.", []),
        ("점주가 사진 보고 환불을 정한다.", ["SetRefund"]),
        ("본 절차는 책임을 정한다.", []),
        ("임대, 정기권 상실 등 부정사용이 적발되면 정기권을 정지한다.", ["DetectUse", "SuspendSeasonPass"]),
        ("검수가 끝나면 영업일 2일 이내에 보증금을 환급한다.", ["FinishInspection", "RefundDeposit"]),
        ("운영팀장은 경고 횟수와 무관하게 부스를 정지한다.", ["SuspendBooth"]),
        ("온도 기록은 2년 보관한다. 반출은 1차 범위에서 뺐습니다.", []),
        ("제7조에 따라 회원은 이를 신고한다.", []),
        ("Having been approved, the badge makes its way to the porter.", []),
        ("All others are placed on the list. The clerk reports sick.", []),
        ("The amount minus the fee is credited.", ["CreditAmount"]),
        ("The thesis is uploaded plus a summary.", ["UploadThesis"]),
        ("The application replaces paper and adds a logbook.", ["AddLogbook"]),
        ("승인이 떨어지면 차액을 예치금에서 뺀다.", ["DeductDifference"]),
        ("직원이 견적서를 뽑아 드립니다.", ["PrintQuote"]),
        ("담당자가 반려할 때는 사유를 적어야 한다.", []),
        ("직원이 주문을 확정하든지 거절하든지 한다.", ["ConfirmOrder", "RejectOrder"]),
        ("직원은 대체 기기를 빌려드린다.", ["LendReplacementDevice"]),
        ("정산: 이용 내역을 마감한다.", ["CloseUsage"]),
        (
            "에어컨이 고장 나면 직원이 구매를 요청한다.\n\n고치고 나면 기사가 점검을 보고한다.",
            ["RequestPurchase", "ReportInspection"],
        ),
        ("The porter takes care of the cart and makes use of the lift.", []),
        ("Gloves are excluded from return.", []),
        ("The forester can submit an order comprising one or more order lines.", ["SubmitOrder"]),
        ("Today the engineer reviews the drawing on paper.", []),
        ("The agreement replaces all rules.", []),
        ("Damaged parts must be scrapped.", ["ScrapPart"]),
        ("Nobody who has not signed in may enter the vault.", []),
        ("관리자가 차량을 등록하는 기능을 제공하여야 한다.", ["RegisterVehicle"]),
        ("도서 등록, 수정, 삭제 기능 제공", ["RegisterBook", "UpdateBook", "DeleteBook"]),
        ("관리자는 도서를 등록/수정/삭제한다.", ["RegisterBook", "UpdateBook", "DeleteBook"]),
        ("관리자는 재고량를 수정한다.", ["UpdateStockLevel"]),
        ("견적서와 계약 내역은 고객에게 문자로 발송한다.", ["SendQuote", "SendContract"]),
        ("관리자는 회원을 등록해야만 한다.", ["RegisterMember"]),
        ("관리자는 게시글을 삭제하기만 한다.", ["DeletePost"]),
        ("회원은 계약해지 후 환불을 요청한다.", ["TerminateContract", "RequestRefund"]),
        ("운전자로서 나는 주차면을 예약하고 싶다. 그래야 헤매지 않는다.", ["ReserveParkingSpace"]),
        ("처방전이 작성된다. 약이 조제된다.", ["WritePrescription", "PrepareMedicine"]),
        ("A user runs a job.", ["RunJob"]),
        ("Users can register.", ["RegisterUser"]),
        ("Develop a ticketing system for tenants to report defects.", ["ReportDefect"]),
        ("Set up a portal to archive badges.", ["ArchiveBadge"]),
        ("As a rower I want to receive alerts.", ["SendAlert"]),
        ("When a bid is placed, the bid is registered.", ["PlaceBid"]),
        ('When I click the "Save" button, the trip is archived.', ["ArchiveTrip"]),
        ("I should be notified.", ["SendNotification"]),
        (
            "The system shall provide a function for the manager to register a vehicle.",
            ["RegisterVehicle"],
        ),
        ("The reader places a magazine on hold.", ["PlaceMagazineOnHold"]),
        ("Members are obliged to pay the monthly fee.", ["PayFee"]),
        ("As a member I want to apply for a plot so that I can grow vegetables.", ["ApplyForPlot"]),
        ("Customer orders expire after a week.", ["ExpireCustomerOrder"]),
        ("The keeper registers species.", ["RegisterSpecies"]),
        ("A member may reserve a desk or a meeting room.", ["ReserveDesk", "ReserveMeetingRoom"]),
        ("The clerk must be able to book a van and to cancel it.", ["BookVan", "CancelVan"]),
        ("Smiths apply for a stall.", ["ApplyForStall"]),
        ("Guests enrol online and pay a deposit.", ["PayDeposit"]),
        ("The pupil submits a plan stating the period.", ["SubmitPlan"]),
        ("The cook counts the goods and the clothes.", ["CountGoods", "CountClothes"]),
        ("The rest of the fee is refunded.", ["RefundFee"]),
        ("The price is lowered and the new price is recorded.", ["LowerPrice"]),
        ("We then charge the card.", ["ChargeCard"]),
        ("The permit is declared void by the office.", ["DeclarePermitVoid"]),
        ("The claim is treated as withdrawn.", ["WithdrawClaim"]),
        ("The boat is taken out of service.", ["TakeBoatOutOfService"]),
        ("The librarian marks the copy as on loan.", ["MarkCopyOnLoan"]),
        ("The clerk flags a claim as under review.", ["FlagClaimUnderReview"]),
        ("The software has to let the holder know.", ["InformHolder"]),
        ("Make sure the gate is shut.", ["ShutGate"]),
        ("The owner gets his money back.", ["ReturnMoney"]),
        ("Put the parcel back and ring the customer.", ["PutBackParcel", "RingCustomer"]),
        ("A project with plants, germs or animals is forwarded.", ["ForwardProject"]),
        ("A list of overdue loans is sent to the clerk.", ["SendLoanList"]),
        ("A slot is a quarter of an hour in which a truck can be unloaded.", []),
        ("Batch: a quantity of paint mixed in one go.", []),
        ("Last year we lost three keys.", []),
        ("I lost my key.", []),
        ("# The clerk closes the file and the desk.", ["CloseFile", "CloseDesk"]),
        ("You are charged the premium.", ["ChargePremium"]),
        ("The weather office is asked for the radar track.", ["RequestRadarTrack"]),
        ("The price is high and goes up.", []),
        ("The lawyer drops the case.", ["DropCase"]),
        ("현재는 손으로 쓰는데, 앞으로는 시스템이 접수증을 발급해야 한다.", ["IssueReceiptSlip"]),
        ("세 번 연체하면 회원 자격을 정지하기로 했다.", ["SuspendMembership"]),
        ("It used to be a call; now the driver confirms the load.", ["ConfirmLoad"]),
        ("It was agreed that the treasurer refunds the fee.", ["RefundFee"]),
        ("Either party may terminate the lease.", ["TerminateLease"]),
        ("I am tired of paper.", []),
        ("We remind you after two weeks.", ["SendReminder"]),
        ("The set is entered in the register.", ["EnterSet"]),
        ("An owner shall enter each lift with serial number and load.", ["EnterLift"]),
        ("Ingrid hands costumes out.", ["HandOutCostume"]),
        ("The report is signed in the log book.", ["SignReport"]),
        ("The clerk checks the slot or proposes a different slot.", ["CheckSlot", "ProposeSlot"]),
        ("The helper puts the articles on sale.", ["PutArticleOnSale"]),
        ("The judge refuses the plea stating a reason.", ["RefusePlea"]),
        ("The porter puts a guest on the waiting list.", ["PutGuestOnWaitingList"]),
        ("After the visit the gate is locked until the fine has been paid.", ["LockGate"]),
        ("Once a year we count all bottles.", ["CountBottle"]),
        ("The portal shall offer a way for tenants to report a leak.", ["ReportLeak"]),
        ("회원은 신청서를 내고 수수료를 낸다.", ["SubmitApplication", "PayFee"]),
        ("총무는 면담 날짜를 잡는다.", ["ScheduleInterviewDate"]),
        ("회원은 사진과 함께 누수를 신고한다.", ["ReportLeak"]),
        ("회원은 수량과 희망일을 적어 대여를 신청한다.", ["RequestRental"]),
        ("시스템은 재고차감한다.", ["DeductStock"]),
        ("'대여'란 장비를 빌려 가는 것을 말한다.", []),
        ("거점은 물건을 보관하고 수리하는 곳", []),
        (
            "Before that the driver checks the tyres and enters the values: pressure, depth.",
            ["CheckTyre", "EnterValue"],
        ),
        (
            "If it snows more than 5 cm the warden closes the road, and then the crew has to be told.",
            ["CloseRoad", "InformCrew"],
        ),
        ("The one who leaves confirms the handover.", []),
        ("Approved without changes.", []),
        ("The guard calls us.", []),
        ("Upon that, the gate,", []),
        ("Upon the sale,", []),
        ("That is so. When this is done, the clerk is told.", ["InformClerk"]),
        ("As a clerk, I want to scan the papers once the exam is over.", ["ScanPaper"]),
        ("You request a door code, which we send by post.", ["RequestDoorCode", "SendDoorCode"]),
    ],
)
def test_a_sentence_gives_these_commands(text: str, expected: list[str]) -> None:
    assert commands(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("As a member\nI want to apply for a plot\nso that I can grow vegetables.", ["ApplyForPlot"]),
        (
            "- **As a** member,\n- **I want to** cancel a booking\n- **so that** others can book.",
            ["CancelBooking"],
        ),
        ("운전자로서,\n나는 주차면을 예약하고 싶다.", ["ReserveParkingSpace"]),
    ],
)
def test_a_story_on_several_lines_is_one_sentence(text: str, expected: list[str]) -> None:
    (action,) = facts(text).actions

    assert [action.command.name] == expected
    assert action.actor


@pytest.mark.parametrize(
    ("text", "cause", "effect"),
    [
        ("주문이 취소면 결제를 취소한다.", "OrderCancelled", "CancelPayment"),
        ("계약종료시 보증금을 환불한다.", "ContractEnded", "RefundDeposit"),
        ("재고가 부족하다면 발주를 생성한다.", "LowStockDetected", "CreatePurchaseOrder"),
        ("온도가 기준을 초과하면 경보를 보낸다.", "TemperatureExceeded", "SendAlarm"),
        (
            "The librarian hands out the book, at which time the hold is completed.",
            "BookHandedOut",
            "CompleteHold",
        ),
        (
            "Upon termination of the membership the access card shall be deactivated.",
            "MembershipTerminated",
            "DeactivateAccessCard",
        ),
        ("When a lease is terminated, the plot becomes vacant.", "LeaseTerminated", "MarkPlotVacant"),
        ("If an item is expired -> discard the item", "ItemExpired", "DiscardItem"),
        ("Order placed -> reserve stock", "OrderPlaced", "ReserveStock"),
        ("Given lease ended, then the deposit is refunded.", "LeaseEnded", "RefundDeposit"),
        (
            "WHEN a lane opens, THE Lane_Manager SHALL automatically close the gate.",
            "LaneOpened",
            "CloseGate",
        ),
        ("On receipt of the payment, the ticket is issued.", "PaymentReceived", "IssueTicket"),
        ("In the event that the flight is delayed, a voucher is issued.", "FlightDelayed", "IssueVoucher"),
        ("Should a booking be cancelled, the slot is released.", "BookingCancelled", "ReleaseSlot"),
        ("Where a loan is terminated, the account shall be closed.", "LoanTerminated", "CloseAccount"),
        ("Whenever a claim is rejected, the claimant gets a letter.", "ClaimRejected", "SendLetter"),
        ("After payment the seat is confirmed.", "PaymentMade", "ConfirmSeat"),
        ("The hotel charges a fee if the guest cancels the booking.", "BookingCancelled", "ChargeFee"),
        (
            "Given an order is placed, when payment is received then the order is confirmed.",
            "PaymentReceived",
            "ConfirmOrder",
        ),
        ("결제 완료 후 자동으로 영수증을 발급한다.", "PaymentCompleted", "IssueReceipt"),
        ("주문 취소 → 결제 취소", "OrderCancelled", "CancelPayment"),
        ("입금 확인 시 주문을 확정한다.", "DepositConfirmed", "ConfirmOrder"),
        ("주문이 들어오면 재고를 차감한다.", "OrderReceived", "DeductStock"),
    ],
)
def test_a_condition_that_names_an_event_starts_a_policy(text: str, cause: str, effect: str) -> None:
    (reaction,) = facts(text).reactions

    assert [one.event.name for one in reaction.triggers] == [cause]
    assert [one.command.name for one in reaction.results] == [effect]


@pytest.mark.parametrize(
    "text",
    [
        "서버에 과부하가 걸린다.",
        "시스템은 주문을 받지 않고 안내를 표시한다.",
        "외부 시스템과 통합 연계를 통해 표준 API로 통신한다.",
        "문의에 대해 규정을 준수한다.",
        "A service uses Spring Boot and its own H2 database.",
        "Priya sends the price list to the vendor.",
        "Maria thinks stamps should expire after a year.",
        "Can a member cancel a booking?",
        "When a slot is saved, THE Slot_Manager SHALL validate that it is free.",
        "When a slot is saved, the change is recorded in the audit trail.",
        "When a guest tries to book a closed lane, the system rejects the booking.",
        "The booking system denies access.",
        "A duplicate entry must be rejected with a clear error.",
        "The database shall be backed up by the provider.",
        "Implement a loyalty programme.",
        "The portal replaces paper forms.",
        "The visitor clicks the red button.",
        "Calculate the number of days.",
        "The points are capped at 500.",
        "These terms apply to all purchases.",
        "The courier returns to the station.",
        "The oven is still broken.",
        "On request of the insurer, the folder is blue.",
        "Four farms hire from us.",
        "A sheet that the porter sends is blue.",
        "The colour is printed on the lid.",
        "As a host I want to list my flat.",
        "We will check your certificate.",
        "## Submission\nLate bids are returned.",
        "Scenario: the steward declines",
        "Postconditions: The stall is cleaned.",
        "The system shows a message.",
        "제안사는 보고서를 제출하여야 한다.",
        "개인정보는 암호화하여 저장하고 데이터를 백업한다.",
        "지금까지 출고 전표를 손으로 옮겨 적어 왔다.",
        "담당자가 장부를 통째로 잃어버린 뒤에야 백지에서 다시 시작했습니다.",
        "옆 도서관은 반납함을 밤에도 연다고 한다.",
        "벌금을 매길지 말지는 아직 정하지 못했다.",
        "택시 배차는 제외한다.",
        "최 과장은 장비 목록을 보내기로 함.",
        "이 대리: 목록은 내일까지 공유",
        "Q. 접수를 취소하면 어떻게 되나요",
        "문의: info@example.com",
        "I hear that the other club fines its members.",
        "It is not yet decided whether the owner is informed.",
        "Selling tickets abroad is out of scope.",
        "So far we have answered every complaint by hand.",
        "The contractor shall train two administrators.",
        "Out of scope:\n- The clerk refunds the deposit.",
        "## What we do not know yet\n- The clerk refunds the deposit.",
        "## Later\n- The clerk refunds the deposit.",
        "## 이번에 안 하는 것\n- 담당자가 보증금을 환불한다.",
    ],
)
def test_what_is_no_behaviour_gives_nothing(text: str) -> None:
    assert commands(text) == []


@pytest.mark.parametrize(
    "title", ["Can I change it later?", "Definitions", "Agenda", "Not in stock?", "1. Background check"]
)
def test_under_a_title_that_may_speak_of_behaviour_it_is_read(title: str) -> None:
    assert commands(f"## {title}\n- The clerk refunds the deposit.") == ["RefundDeposit"]


@pytest.mark.parametrize(
    ("before", "sentence", "event"),
    [
        (
            "A customer uploads a print file.",
            "When the file is uploaded, a job is scheduled.",
            "PrintFileUploaded",
        ),
        ("고객은 상품을 결제한다.", "결제가 완료되면 영수증을 발급한다.", "ProductPaid"),
    ],
)
def test_a_cause_is_what_was_done_before(before: str, sentence: str, event: str) -> None:
    (reaction,) = facts(f"{before}\n{sentence}").reactions

    assert [one.event.name for one in reaction.triggers] == [event]


def test_what_does_not_happen_is_no_cause() -> None:
    found = facts("If no payment arrives within 14 days, the order is cancelled.")

    assert not any(reaction.triggers for reaction in found.reactions)
    assert [action.command.name for action in found.every_action()] == ["CancelOrder"]


def test_a_thing_does_nothing() -> None:
    assert commands("A clerk opens the station. The station loses the power.") == ["OpenStation"]


def test_the_object_of_an_unknown_word_is_not_the_one_before() -> None:
    assert commands("회원은 도서를 예약한다. 꾸룩을 신청하고, 담당자는 이를 승인한다.") == ["ReserveBook"]


@pytest.mark.parametrize(
    ("text", "aggregate", "trigger", "command"),
    [
        (
            "1: A clerk registers a parcel.\n2: A courier delivers the parcel.\n3: When a parcel is delivered, the sender is notified.",
            "Parcel",
            "ParcelDelivered",
            "NotifySender",
        ),
        (
            "1: A seller withdraws an offer.\n2: When the price is changed, the offer is withdrawn.",
            "Offer",
            "OfferPriceChanged",
            "WithdrawOffer",
        ),
    ],
)
def test_who_is_told_and_an_attribute_that_changes_are_at_home_where_their_sentence_is(
    text: str, aggregate: str, trigger: str, command: str
) -> None:
    context = {"name": "Trade", "purpose": "Trade.", "aggregates": [{"name": aggregate}]}
    (drafted,) = draft({"lines": text, "context": context}).aggregates
    emitted = [f"{c.name} -> {c.events[0].name}" for c in drafted.commands]
    (policy,) = policies({"lines": text, "model": [{"aggregate": aggregate, "commands": emitted}]}).policies

    assert (policy.trigger, policy.commands) == (trigger, [command])


def test_a_condition_that_nobody_understands_is_no_object_and_no_event() -> None:
    found = facts("서버에 과부하가 걸리면 알림을 발송한다.")

    assert not found.reactions
    assert [action.command.name for action in found.actions] == ["SendNotification"]


def test_an_agent_acts_and_several_subjects_are_not_one() -> None:
    (charged,) = facts("간호사에 의해 진료비가 청구된다.").actions
    (reserved,) = facts("회원과 직원은 도서를 예약한다.").actions
    (shared,) = facts("Three members may share a boat.").actions
    (cancelled,) = facts("Nobody may cancel a paid order.").actions

    assert charged.actor
    assert charged.actor.name == "Nurse"
    assert reserved.actor
    assert reserved.actor.name == "Member"
    assert shared.actor
    assert shared.actor.name == "Member"
    assert cancelled.actor is None


@pytest.mark.parametrize(
    "heading",
    [
        "비기능적 요구사항",
        "비 기능적 요구사항",
        "## 비기능 요구사항",
        "Non-functional requirements",
        "## Implementation",
        "## 구현",
        "# 3.4 보안 요구사항",
    ],
)
def test_lines_under_such_a_heading_give_no_sticker(heading: str) -> None:
    text = f"# 주문\n고객은 주문을 취소한다.\n\n{heading}\n1. 관리자는 회원을 등록한다.\n2. A clerk registers a member."

    assert commands(text) == ["CancelOrder"]


@pytest.mark.parametrize(
    "text",
    [
        "Action items: A clerk registers a member.",
        "제9조 (관할법원) 관리자는 회원을 등록한다.",
        "1. Liability\nA clerk registers a member.\n2. Orders\nA customer cancels an order.",
        "| ID | Kind | What |\n| 1 | Security | A clerk registers a member. |",
    ],
)
def test_lines_with_such_a_label_give_none_and_the_next_number_ends_it(text: str) -> None:
    lines = numbered(document(text), range(1, text.count("\n") + 2))
    found = read(lines_of({"lines": lines}))

    assert {action.command.name for action in found.every_action()} <= {"CancelOrder"}
    assert bool(found.actions) == ("Orders" in text)


@pytest.mark.parametrize(
    "heading",
    [
        "기능적 요구사항",
        "기능적 요구 사항",
        "서비스 시나리오",
        "분석/설계",
        "구현",
        "Use Case 3: Pay",
        "Reader Persona",
        "GO",
    ],
)
def test_such_a_heading_names_no_context(heading: str) -> None:
    (found,) = facts(f"# {heading}\n고객은 주문을 취소한다.").headings

    assert found.generic


@pytest.mark.parametrize(
    "text",
    [
        "Der Kunde bestellt ein Buch und bezahlt die Rechnung. Die Bestellung wird an das Lager geschickt.",
        "El cliente compra un libro y paga la factura. La biblioteca envía una carta para los clientes.",
        "お客様は本を注文します。図書館員は本を登録します。",
        "Клиент заказывает книгу и платит счёт.",
        "Le client commande un livre et paie la facture.",
        "Il cliente ordina un libro e paga la fattura.",
        "De klant bestelt een boek en betaalt de rekening.",
        "O cliente compra um livro e paga a fatura. Quando o livro está disponível, os clientes recebem uma carta.",
        "Klient zamawia książkę i płaci rachunek.",
        "Müşteri bir kitap sipariş eder ve öder.",
        "Khách hàng đặt hàng và thanh toán hóa đơn.",
        "客户下订单并付款。",
        "يطلب العميل كتابًا.",
        "ลูกค้าสั่งซื้อหนังสือ",
    ],
)
def test_another_language_is_said_in_one_sentence_that_names_the_two(text: str) -> None:
    (question,) = outline({"lines": f"1: {text}", "language": "English"}).questions

    assert "English" in question.text
    assert "Korean" in question.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Der Kunde bestellt ein Buch und bezahlt die Rechnung.",
            "The text seems to be written neither in English nor in Korean",
        ),
        ("Le client commande un livre et paie la facture. (주문)", "영어(English)도 한국어(Korean)도"),
    ],
)
async def test_a_job_in_another_language_ends_with_that_sentence(text: str, said: str) -> None:
    with pytest.raises(NothingUsable) as told:
        await model_of(text, offline("offline:rules"))

    assert said in str(told.value)
    assert not re.search("behaviour|동작", str(told.value))


@pytest.mark.parametrize(
    "text",
    ["A user runs a job.", "Clerks register résumés.", "고객은 Café 메뉴를 주문한다.", "Members book desks."],
)
def test_a_foreign_word_makes_no_other_language(text: str) -> None:
    assert outline({"lines": f"1: {text}", "language": "English"}).contexts


def test_what_the_whole_text_is_about_gives_no_command_of_its_own() -> None:
    assert (
        commands("# Town museum\n\nThe town museum shows paintings.\nThe town museum lends a painting.") == []
    )


def test_of_unknown_words_before_a_known_one_the_known_one_is_named() -> None:
    assert commands("직원은 뭉게구름 계약을 체결한다.") == ["SignContract"]


def test_a_sentence_on_two_lines_belongs_to_both() -> None:
    (action,) = facts("회원으로서\n나는 보증금을 결제하고 싶다").actions

    assert {action.place.line, *action.place.beside} == {1, 2}


def test_a_use_case_s_title_is_nothing_that_is_done() -> None:
    assert commands("UC-3 Examine a horse\nPrimary actor: Vet\n1. The vet examines the horse.") == [
        "ExamineHorse"
    ]
    assert commands("Test a bridge\nPrimary actor: Engineer\n1. The engineer loads the bridge.") == [
        "LoadBridge"
    ]


def test_who_is_sent_something_is_not_sent() -> None:
    assert commands("The office sends the driver a permit.") == ["SendPermit"]


def test_an_actor_before_an_arrow_or_a_colon_does_what_follows() -> None:
    found = facts("- 구매담당자: 부품 발주\n- Clerk -> Close the case").actions

    assert [(one.actor.name if one.actor else "", one.command.name) for one in found] == [
        ("PurchaseManager", "OrderPart"),
        ("Clerk", "CloseCase"),
    ]


def test_an_attribute_s_values_keep_their_korean_name_where_only_english_is_asked() -> None:
    text = "1: 사본 상태는 이용가능, 대출중 중 하나이다.\n2: 사서는 사본을 등록한다."
    aggregate = {
        "name": "Copy",
        "alias": "사본",
        "enumerations": ["CopyStatus"],
        "commands": ["RegisterCopy -> CopyRegistered"],
    }
    fields = work_out({"lines": text, "language": "Korean", "aggregate": aggregate}).fields

    assert {field.alias for field in fields if field.name == "status"} == {"사본 상태"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It is not yet decided whether the owner is informed.", "English"),
        ("벌금을 매길지 말지는 아직 정하지 못했다.", "Korean"),
    ],
)
def test_what_is_undecided_is_a_question(text: str, language: str) -> None:
    found = outline({"lines": f"1: {text}", "language": language})

    assert [question.text.endswith(text) for question in found.questions] == [True]
    assert not found.contexts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The diver attaches a photo. The office registers wrecks and closes wrecks.", ["Wreck"]),
        (
            "The office registers wrecks and closes wrecks. When a wreck is closed, the diver is sent home.",
            ["Wreck"],
        ),
        ("The clerk raises the humidity. The clerk opens crates and seals crates.", ["Crate"]),
        ("The clerk opens crates and seals crates. The check ends.", ["Crate"]),
        ("The clerk opens crates and seals crates. Half is paid.", ["Crate"]),
        ("The clerk registers a member and opens a crate. The clerk seals the crate.", ["Member", "Crate"]),
        ("The keeper photographs birds. The keeper takes a photo.", ["Bird"]),
        ("담당자는 상자를 열고 상자를 봉인한다. 담당자는 여권을 받는다.", ["Box"]),
    ],
)
def test_what_is_only_called_sent_along_measured_or_ended_is_no_aggregate(
    text: str, expected: list[str]
) -> None:
    found = analyse(facts(text)).found.values()

    assert [one.term.name for one in found] == expected


def test_a_job_that_runs_is_a_time() -> None:
    (reaction,) = facts("When the nightly purge job runs, old drafts are deleted.").reactions

    assert (reaction.triggers, timer_of(reaction.text)) == ((), "the nightly purge job runs")


@pytest.mark.parametrize("time", ["학기마다", "연말마다", "분기마다"])
def test_a_time_that_comes_again_is_a_timer(time: str) -> None:
    assert timer_of(f"{time} 조교는 비품을 점검한다.") == time


LIBRARY = """The librarian registers a book.
A member borrows the book.
When a book is borrowed, a receipt is printed.
A member returns the book.
The librarian repairs the book.
A member reserves the book.
The librarian issues a card.
A member renews the card.
The librarian blocks the card.
The librarian closes the account.
The reader signs the guestbook.
The curtains are folded."""


def test_what_nobody_does_to_something_named_once_is_asked_about() -> None:
    asked = outline({"lines": numbered(document(LIBRARY), range(1, 13)), "language": "English"}).questions

    assert commands(LIBRARY)[-1] == "SignGuestbook"
    assert [(one.text.rpartition("? ")[2], one.lines) for one in asked] == [("Curtains are folded.", "12")]
    assert commands("The curtains are folded.") == ["FoldCurtain"], "in a short text everything is said once"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The clerk opens the files. The manager signs them.", ["OpenFile", "SignFile"]),
        ("The clerk opens the file. The manager signs it.", ["OpenFile", "SignFile"]),
        ("The clerk opens the file. The manager signs them.", ["OpenFile"]),
        ("The clerk opens the file. Everybody is informed.", ["OpenFile"]),
        ("The reader ought to be reminded.", ["RemindReader"]),
        ("회원은 상품을 주문한다. 관리자는 확인하고 승인한다.", ["OrderProduct"]),
        ("직원은 서류를 검토하고 승인한다.", ["ReviewDocument", "ApproveDocument"]),
        ("수강생이 과제를 제출하면 강사는 이를 채점한다.", ["SubmitAssignment", "GradeAssignment"]),
        ("예약은 무효로 하며 예약 기회를 부여한다.", ["GrantReservationOpportunity"]),
    ],
)
def test_what_is_left_out_is_what_the_same_sentence_names(text: str, expected: list[str]) -> None:
    assert commands(text) == expected


def test_whoever_says_it_in_an_interview_is_no_part_of_what_he_says() -> None:
    said = (
        "**원장** 처방전이 와요.\n**기획팀** 그래서요?\n**원장** 고마워요.\n**원장** 손님이 물건을 반품해요."
    )

    assert commands(said) == ["ReturnItem"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**When** the clerk closes the case\n\n" * 3, ["CloseCase"]),
        ("**Clerk:** Close the case.\n" * 3, ["CloseCase"]),
    ],
)
def test_a_step_s_word_and_who_acts_are_no_speaker(text: str, expected: list[str]) -> None:
    assert list(dict.fromkeys(commands(text))) == expected
    assert {one.actor.name for one in facts(text).every_action() if one.actor} == {"Clerk"}


def test_a_context_without_a_heading_has_an_aggregate_with_three_commands() -> None:
    of = {"lines": numbered(document(LIBRARY), range(1, 13)), "language": "English"}

    assert [one.name for one in outline(of).contexts] == ["BookManagement", "CardManagement"]
