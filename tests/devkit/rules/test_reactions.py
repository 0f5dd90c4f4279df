"""What starts something without a person deciding in between: an event or time; what is so starts nothing."""

from __future__ import annotations

import pytest

from devkit.rules.facts import Facts
from devkit.rules.policies import policies
from devkit.rules.reader import read


def facts(text: str) -> Facts:
    return read(tuple(enumerate(text.split("\n"), 1)))


def reactions(text: str) -> list[str]:
    """`Event,Event -> Command,Command` of each."""
    return [
        f"{','.join(a.event.name for a in r.triggers)} -> {','.join(a.command.name for a in r.results)}"
        for r in facts(text).reactions
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Once the vet has examined the animal, the plan is updated.", "AnimalExamined -> UpdatePlan"),
        ("A member borrows a copy. This opens a loan.", "CopyBorrowed -> OpenLoan"),
        ("If the parcel was sent more than 20 days ago, the case is closed.", "ParcelSent -> CloseCase"),
        (
            "On receipt of the forecast, the forecaster either declares an alarm or closes the case.",
            "ForecastReceived -> DeclareAlarm,CloseCase",
        ),
        (
            "The clerk suspends the order, of which the buyer will be informed by letter.",
            "OrderSuspended -> InformBuyer",
        ),
        (
            "Work shall only continue following approval of the estimate.",
            "EstimateApproved -> ContinueWork",
        ),
        (
            "A clerk reviews the claim. Rejected: the applicant is informed.",
            "ClaimRejected -> InformApplicant",
        ),
        ("If the payment fails we mail the member.", "PaymentFailed -> MailMember"),
        ("순찰 대원이 순찰 종료를 누르면 순찰일지가 자동 생성된다.", "PatrolEnded -> CreatePatrolLog"),
        ("If the seat has been taken in the meantime, the order is cancelled.", "SeatTaken -> CancelOrder"),
        (
            "Upon receipt of the sample, the laboratory creates a test report.",
            "SampleReceived -> CreateTestReport",
        ),
        (
            "Following approval of the leave request, the calendar is updated.",
            "LeaveRequestApproved -> UpdateCalendar",
        ),
        (
            "On cancellation of a course, all participants are refunded.",
            "CourseCancelled -> RefundParticipant",
        ),
        ("After weighing the crate, the system assigns a dock.", "CrateWeighed -> AssignDock"),
        ("When a ticket is scanned, the gate opens automatically.", "TicketScanned -> OpenGate"),
        ("The moment the payment fails, the seat is released.", "PaymentFailed -> ReleaseSeat"),
        ("When a part is lost, the clerk should get a message.", "PartLost -> SendMessage"),
        ("When a lot is sold, the buyer receives an invoice.", "LotSold -> SendInvoice"),
        ("The guest is given a key once the room has been paid.", "RoomPaid -> GiveKey"),
        ("And once a bid is accepted, the bidder is notified.", "BidAccepted -> NotifyBidder"),
        ("When a variety runs out I want to be warned.", "VarietyRunOutDetected -> SendWarning"),
        ("Should the courier lose a parcel, the sender is refunded.", "ParcelLost -> RefundSender"),
        ("Two days before the exam, candidates are reminded by SMS.", " -> RemindCandidate"),
        ("A rejected bid leads to the closure of the lot.", "BidRejected -> CloseLot"),
        ("Booking in a pattern prints a label.", "PatternBookedIn -> PrintLabel"),
        ("Approval of the plan reserves the hall.", "PlanApproved -> ReserveHall"),
        ("The referee ends the match. After the match the score is published.", "MatchEnded -> PublishScore"),
        ("The pilot files a plan. This leads to a slot being assigned.", "PlanFiled -> AssignSlot"),
        ("The pilot files a plan. At that point a slot is assigned.", "PlanFiled -> AssignSlot"),
        ("A kiln cooled: the pots are unloaded.", "KilnCooled -> UnloadPot"),
        ("Damage found => repair job opened.", "DamageDetected -> OpenRepairJob"),
        ("What happens when a ticket is lost? A new card is printed.", "TicketLost -> PrintCard"),
        ("Parcel refused? Then the sender is called.", "ParcelRefused -> CallSender"),
        ("Once signed, a contract is archived.", "ContractSigned -> ArchiveContract"),
        ("With the credit granted, a notice is printed.", "CreditGranted -> PrintNotice"),
        ("Without an answer by Friday, the table is released.", " -> ReleaseTable"),
        ("Two weeks before the lease ends the tenant receives a letter.", " -> SendLetter"),
        ("The clerk voids the receipt and the stock is corrected.", "ReceiptVoided -> CorrectStock"),
        ("When a puppy is sold:\n- the litter book is updated", "PuppySold -> UpdateLitterBook"),
        ("A claim that isn't answered within five days gets escalated.", " -> EscalateClaim"),
        ("The editor rejects the draft and the author is notified.", "DraftRejected -> NotifyAuthor"),
        ("The recipient refuses the parcel, which is then destroyed.", "ParcelRefused -> DestroyParcel"),
        (
            "As a host I can cancel a fair, in which case all guests are refunded.",
            "FairCancelled -> RefundGuest",
        ),
        ("A clerk checks the plan. Once approved, the plan is printed.", "PlanApproved -> PrintPlan"),
        ("An approved plan is archived after ten years.", "PlanApproved -> ArchivePlan"),
        ("After 30 minutes without activity the session is closed.", " -> CloseSession"),
        ("When a crate arrives empty, it is cleaned.", "CrateArrived -> CleanCrate"),
        ("When a table is freed, the guest is called.", "TableFreed -> CallGuest"),
        ("Expired permits are revoked every night.", " -> RevokePermit"),
        (
            "When a model is discontinued, all open offers for it are withdrawn.",
            "ModelDiscontinued -> WithdrawOffer",
        ),
        ("The insurer pays the garage when the repair is finished.", "RepairFinished -> PayGarage"),
        ("An order is shipped when it has been paid.", "OrderPaid -> ShipOrder"),
        ("A receipt is emailed to the donor after each donation.", "DonationMade -> EmailReceipt"),
        (
            "When a plan is approved it is sent to the crew and a van is booked.",
            "PlanApproved -> SendPlan,BookVan",
        ),
        ("When the claim is denied, a letter is sent to the holder.", "ClaimDenied -> SendLetter"),
        (
            "When the courier scans the parcel, the recipient is told the time.",
            "ParcelScanned -> InformRecipient",
        ),
        ("The confirmation of the booking triggers an email to the guest.", "BookingConfirmed -> SendEmail"),
        ("The delivery of the parcel causes the order to be closed.", "ParcelDelivered -> CloseOrder"),
        (
            "Submission of the essay triggers the creation of a certificate.",
            "EssaySubmitted -> CreateCertificate",
        ),
        ("The approval of the loan leads to a contract being issued.", "LoanApproved -> IssueContract"),
        (
            "The clerk registers the complaint, and then the system assigns it to a case worker.",
            "ComplaintRegistered -> AssignComplaint",
        ),
        ("Handing out a tool starts the loan period.", "ToolHandedOut -> StartLoanPeriod"),
        ("Payment of the deposit confirms the booking.", "DepositPaid -> ConfirmBooking"),
        (
            "The courier signs the delivery.\nThe signature completes the delivery.",
            "DeliverySigned -> CompleteDelivery",
        ),
        ("On report of damage the system creates a repair order.", "DamageReported -> CreateRepairOrder"),
        ("Whenever a part has been replaced: inform the authority.", "PartReplaced -> InformAuthority"),
        ("An operator pays the fine.\nUpon payment the case is closed.", "FinePaid -> CloseCase"),
        ("On arrival of the seed, the warehouse books it into stock.", "SeedArrived -> BookSeed"),
        (
            "The host confirms the stay; when the stay is confirmed, a kennel is blocked.",
            "StayConfirmed -> BlockKennel",
        ),
        (
            "The owner reports the theft. In that case the card is blocked.",
            "TheftReported -> BlockCard",
        ),
        ("On returning a bicycle, the deposit is refunded.", "BicycleReturned -> RefundDeposit"),
        ("As soon as a trolley comes back, the porter is called.", "TrolleyReturned -> CallPorter"),
        ("When a leak is found, it is reported to the plumber.", "LeakDetected -> ReportLeak"),
        ("If the weight limit is exceeded, a fee is charged.", "WeightLimitExceeded -> ChargeFee"),
        (
            "The clerk registers a pump.\nAfter the pump fails the test, it is replaced.",
            "PumpFailed -> ReplacePump",
        ),
        (
            "A translator checks the text before it is printed. Once it is printed, the client is informed.",
            "TextPrinted -> InformClient",
        ),
        (
            "Given an empty cart\nWhen the shopper pays the cart\nThen a receipt is printed\nAnd the stock is reduced",
            "CartPaid -> PrintReceipt,ReduceStock",
        ),
        (
            "WHEN a voucher is redeemed, THE Kiosk_System SHALL print the receipt",
            "VoucherRedeemed -> PrintReceipt",
        ),
        (
            "- **WHEN** the porter locks the gate\n- **THEN** the system SHALL call the guard",
            "GateLocked -> CallGuard",
        ),
        ("IF the pump fails, THEN THE system SHALL close the valve", "PumpFailed -> CloseValve"),
        ("When the licence ends, all visits of that guest are cancelled.", "LicenceEnded -> CancelVisit"),
        ("The porter cleans the van. On pick-up the deposit is blocked.", "VanPickedUp -> BlockDeposit"),
        ("The menu is printed once the dish is complete.", "DishCompleted -> PrintMenu"),
        ("Guests receive a voucher after completing the survey.", "SurveyCompleted -> SendVoucher"),
        ("A week after the launch of the boat, the hull is inspected.", "BoatLaunched -> InspectHull"),
        (
            "The porter registers the trunk, which triggers a message to the guest.",
            "TrunkRegistered -> SendMessage",
        ),
        (
            "The guest signs the lease. After that, the system creates a key card.",
            "LeaseSigned -> CreateKeyCard",
        ),
        ("The guest signs the lease. The system then creates a key card.", "LeaseSigned -> CreateKeyCard"),
        ("Cancelling a trip refunds all tickets.", "TripCancelled -> RefundTicket"),
        ("After a sample has been analysed, the doctor is informed.", "SampleAnalysed -> InformDoctor"),
        ("When a guest signs up, a card is printed.", "GuestSignedUp -> PrintCard"),
        ("Jobs not approved within 14 days shall be cancelled.", " -> CancelJob"),
        ("The bill is generated on dispatch of the crate.", "CrateDispatched -> GenerateBill"),
        ("Should the crate come back, the clerk is alerted.", "CrateReturned -> AlertClerk"),
        (
            "The clerk opens the fair. If a voucher is not used within a year, it expires.",
            " -> ExpireVoucher",
        ),
        (
            "The clerk keeps a list; as soon as a crate is opened, the goods are counted.",
            "CrateOpened -> CountGoods",
        ),
        ("At the end of the month a bill is created for each tenant.", " -> CreateBill"),
        ("설치가 완료된 날부터 렌탈료가 부과된다.", "InstallationCompleted -> ChargeRentalFee"),
        ("사서가 도서를 폐기할때마다 관장에게 알림을 보낸다.", "BookDiscarded -> SendNotification"),
        ("WHEN 사서가 도서를 폐기하면, THE 시스템은 대출을 취소해야 한다.", "BookDiscarded -> CancelLoan"),
        (
            "- **Given:** 도서가 있음\n- **When:** 사서가 도서를 폐기함\n- **Then:** 대출이 취소됨",
            "BookDiscarded -> CancelLoan",
        ),
        ("책이 선정되면 구독자에게 안내 메일", "BookSelected -> SendNoticeEmail"),
        ("출석이 기록되면 보호자에게 알림을 보낸다.", "AttendanceRecorded -> SendNotification"),
        ("결제가 실패하면 예약은 자동 취소된다.", "PaymentFailed -> CancelReservation"),
        ("주문 접수 시 재고가 자동으로 차감된다.", "OrderReceived -> DeductStock"),
        ("계약이 종료되고 나면 보증금을 반환한다.", "ContractEnded -> ReturnDeposit"),
        ("예약 취소에 따라 대기자에게 자리가 배정된다.", "ReservationCancelled -> AssignSeat"),
        ("예약이 확정됨에 따라 고객에게 메시지를 보낸다.", "ReservationConfirmed -> SendMessage"),
        ("일지가 등록되는 대로 고객에게 알림을 보낸다.", "LogRegistered -> SendNotification"),
        ("주문이 취소된 때에는 결제를 취소한다.", "OrderCancelled -> CancelPayment"),
        ("주문이 취소되는 순간 재고를 늘린다.", "OrderCancelled -> IncreaseStock"),
        (
            "회원은 예약을 취소할 수 있으며, 이 경우 예약금은 환불된다.",
            "ReservationCancelled -> RefundDeposit",
        ),
        ("환자가 진료를 마치면 수납을 요청한다.", "TreatmentFinished -> RequestPayment"),
        ("매일 아침 시스템은 만료된 쿠폰을 삭제한다.", " -> DeleteCoupon"),
        ("매월 말일 이용료를 정산한다.", " -> SettleUsageFee"),
        ("권한은 계약 종료일에 자동으로 회수된다.", " -> RevokePermission"),
        ("회원은 회비를 납부한다.\n납부 기한이 지나면 연체료를 부과한다.", " -> ChargeLateFee"),
        ("회비가 두 달 넘게 밀리면 회원을 제명한다.", " -> ExpelMember"),
        ("수강생이 과제를 제출하면 강사는 이를 채점한다.", "AssignmentSubmitted -> GradeAssignment"),
        ("분실 신고를 하면 카드가 정지된다.", "LossReported -> SuspendCard"),
        ("수리가 완료되는 즉시 고객에게 알림이 발송된다.", "RepairCompleted -> SendNotification"),
        ("서류에 합격하면 면접을 예약한다.", "DocumentAccepted -> ReserveInterview"),
        ("설비 점검 결과에 따라 부품을 교체한다.", "EquipmentInspected -> ReplacePart"),
        ("Once the book is back, the shelf list is updated.", "BookReturned -> UpdateShelfList"),
        ("As soon as the deposit is in, the room is reserved.", "DepositReceived -> ReserveRoom"),
        (
            "A member cancels a lesson, and because of the cancellation the fee is refunded.",
            "LessonCancelled -> RefundFee",
        ),
        (
            "The clerk books a lesson. Deleting it removes all its photos.",
            "LessonDeleted -> RemovePhoto",
        ),
        (
            "The mechanic reports a defect. A defect in the lift blocks the lift at once.",
            "DefectReported -> BlockLift",
        ),
        (
            "The planner publishes the rota. This informs all staff.",
            "RotaPublished -> InformStaff",
        ),
        (
            "A tenant reports a leak. Someone from the office then calls the plumber.",
            "LeakReported -> CallPlumber",
        ),
        (
            "The owner requests a certificate, which we send by post.",
            "CertificateRequested -> SendCertificate",
        ),
        (
            "Can I change my tariff? Sure, change it in the app. After a change the bill is corrected.",
            "TariffChanged -> CorrectBill",
        ),
        ("The booking is confirmed with the payment of the deposit.", "DepositPaid -> ConfirmBooking"),
        (
            "The storm warning comes in. Upon a storm warning the beach is closed.",
            "StormWarningReceived -> CloseBeach",
        ),
        (
            "The clerk locks an account. It is unlocked when the fee has been paid.",
            "FeePaid -> UnlockAccount",
        ),
        ("A failed test leads to samples being destroyed.", "TestFailed -> DestroySample"),
        (
            "The office approves the plan. The approval makes the system print a permit.",
            "PlanApproved -> PrintPermit",
        ),
        ("When the level falls below 5, the valve opens.", "LevelBelowDetected -> OpenValve"),
        ("Rejection of the claim sends the claim back to the clerk.", "ClaimRejected -> SendBackClaim"),
        (
            "The deposit, less any damage, is refunded when the key is returned.",
            "KeyReturned -> RefundDeposit",
        ),
        (
            "When a lot is sold, the stand is cleared and the porter informed.",
            "LotSold -> ClearStand,InformPorter",
        ),
        ("When the cask is sold, the cellar becomes free.", "CaskSold -> MarkCellarFree"),
        ("When the meter is read off, a bill is created.", "MeterReadOff -> CreateBill"),
        ("When a lamp is sold, the warehouse gets the order.", "LampSold -> SendOrder"),
        ("Crates opened by mistake are resealed.", "CrateOpened -> ResealCrate"),
        ("Spilled drums are sealed.", "DrumSpilled -> SealDrum"),
        ("A hatch not closed by 6 pm is locked.", " -> LockHatch"),
        ("Unless the hatch is closed within an hour, it is locked.", " -> LockHatch"),
        ("A fault in the lamp switches the lamp off.", "FaultDetected -> SwitchOffLamp"),
        ("Admission of a resident creates a file.", "ResidentAdmitted -> CreateFile"),
        ("Two complaints lead to closure of the stall.", "ComplaintMade -> CloseStall"),
        (
            "The porter reports fog. Then a van is sent and the crew is informed.",
            "FogReported -> SendVan,InformCrew",
        ),
        (
            "After each sale the stall is closed, the cash is counted and the clerk informed.",
            "SaleMade -> CloseStall,CountCash,InformClerk",
        ),
        ("The board approves the loan, and with that the courier is booked.", "LoanApproved -> BookCourier"),
        ("A parcel arrives for a guest: its label is scanned.", "ParcelArrived -> ScanLabel"),
        ("If a lamp breaks down: it is replaced.", "LampBrokenDown -> ReplaceLamp"),
        ("Eggs laid are weighed.", "EggLaid -> WeighEgg"),
        (
            "As soon as the report is in, the crate is either released or seized.",
            "ReportReceived -> ReleaseCrate,SeizeCrate",
        ),
        ("송금 후에는 영수증이 발행된다.", "RemittanceMade -> IssueReceipt"),
        ("트럭이 창고에 도착하면 직원이 화물을 검사한다.", "TruckArrived -> InspectCargo"),
        ("면접일이 정해지면 지원자에게 알려준다.", "InterviewDateSet -> NotifyApplicant"),
        ("예약됨 → 좌석이 배정됨", "ReservationMade -> AssignSeat"),
        ("신고가 접수되면 직원이 현장을 확인하고 결과를 등록한다.", "ReportReceived -> RegisterResult"),
        ("계약 체결 즉시 계약금이 청구됨.", "ContractSigned -> ChargeDeposit"),
        ("결제가 완료됨과 동시에 입장권이 발행된다.", "PaymentCompleted -> IssueTicket"),
        ("수강 취소와 동시에 좌석이 해제된다.", "EnrollmentCancelled -> ReleaseSeat"),
        ("고객은 주문을 취소한다. 이에 따라 결제가 취소된다.", "OrderCancelled -> CancelPayment"),
        ("접수가 완료되면 접수번호가 부여된다.", "ReceptionCompleted -> GrantReceptionNumber"),
        ("결제를 하면 열쇠가 발급된다.", "PaymentMade -> IssueKey"),
        ("교육을 마치고 나서 수료증을 발급한다.", "TrainingFinished -> IssueCertificate"),
        ("주문 취소와 함께 재고를 늘린다.", "OrderCancelled -> IncreaseStock"),
        ("보증금이 입금되어야 열쇠가 발급된다.", "DepositMade -> IssueKey"),
        (
            "재검사가 미달이면 합격이 취소된다. 예약을 취소한 다음에는 보증금을 반환한다.",
            "ReservationCancelled -> ReturnDeposit",
        ),
        ("회원은 사물함을 신청한다.\n신청이 들어오면 사물함을 배정한다.", "LockerRequested -> AssignLocker"),
        ("정책: 반납이 완료되면 보증금을 돌려준다 (자동)", "ReturnCompleted -> ReturnDeposit"),
        ("누수 신고 → 긴급 출동 요청", "LeakReported -> RequestUrgentDispatch"),
        ("창고가 물건을 출고한다.\n출고됐다고 연락이 오면 문자를 보낸다.", "ItemReleased -> SendMessage"),
        (
            "환자가 예약을 취소한다.\n이 경우 직원이 예약금을 환불한다.",
            "ReservationCancelled -> RefundDeposit",
        ),
        ("배송 완료 처리가 되면 알림이 발송된다.", "DeliveryCompleted -> SendNotification"),
        ("정비소가 반품을 요청하면 환불을 해 준다.", "ReturnRequested -> IssueRefund"),
        ("신청이 반려되면 재심사를 요청한다.", "ApplicationRejected -> RequestRereview"),
        ("신고가 접수되면 순찰대가 출동한다.", "ReportReceived -> DispatchPatrol"),
        ("고객이 견적에 동의하면 시공팀을 배정한다.", "QuoteAgreedTo -> AssignConstructionTeam"),
        ("주문이 확정되면 피킹을 지시하니 연락할 필요가 없다.", "OrderConfirmed -> OrderPicking"),
        ("가구가 배송되면 조립팀으로 통보된다.", "FurnitureSent -> NotifyAssemblyTeam"),
        ("승객이 하차하자마자 좌석이 비워진다.", "PassengerLeft -> VacateSeat"),
        ("나흘이 지나도록 결제하지 않으면 주문이 취소된다.", " -> CancelOrder"),
        ("재고가 바닥나면 발주서가 생성된다.", "StockRunOut -> CreatePurchaseOrder"),
        ("그림이 팔리면 화가에게 대금의 70%를 보낸다.", "PaintingSold -> SendPayment"),
    ],
)
def test_an_event_starts_what_follows(text: str, expected: str) -> None:
    assert reactions(text) == [expected]


def test_each_criterion_is_a_sentence_of_its_own() -> None:
    text = "1. WHEN a job is printed, THE System SHALL charge the account\n2. WHEN a job is deleted, THE System SHALL refund the account"

    assert reactions(text) == ["JobPrinted -> ChargeAccount", "JobDeleted -> RefundAccount"]


def test_each_arrow_is_a_link() -> None:
    assert reactions("민원 접수 → 조사원 배정 → 팀장 승인 → 결과 통보") == [
        "ComplaintReceived -> AssignSurveyor",
        "SurveyorAssigned -> ApproveComplaint",
        "ComplaintApproved -> NotifyResult",
    ]
    assert len(reactions("출고 지시 -> 피킹 -> 포장 -> 송장 출력")) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The clerk records the test result.\nIf the test result is negative, the system releases the sample.",
            [],
        ),
        (
            "The clerk records the parcel.\nIf the weight of the parcel exceeds 30 kg, a surcharge is charged.",
            [],
        ),
        ("The porter checks the cart. If not clean, it is washed.", []),
        (
            "A seller sends a quote.\nThe buyer accepts the quote.\nThe quote expires if it is not accepted after 14 days.",
            [" -> ExpireQuote"],
        ),
        (
            "A guest books a room.\nA booking that is not paid within two days is cancelled.",
            [" -> CancelBooking"],
        ),
        (
            "UC-7 Assay\nPrimary actor: Chemist\n1. The chemist records the assay.\nExtensions:\n1a. The assay is invalid: the system discards the sample.",
            [],
        ),
        ("점검원은 검사 결과를 등록한다.\n검사 결과가 부적합이면 시료를 폐기한다.", []),
        ("직원은 시료를 측정한다.\n기준을 벗어나면 재검사를 의뢰한다.", []),
        (
            "시민은 고장을 신고한다.\n신고 후 3일 이내에 작업이 지시되지 않으면 팀장에게 알림을 발송하여야 한다.",
            [" -> SendNotification"],
        ),
        ("결제가 3일 이내에 완료되지 않으면 주문이 자동으로 취소된다.", [" -> CancelOrder"]),
    ],
)
def test_what_is_so_starts_nothing_but_with_time(text: str, expected: list[str]) -> None:
    """What brought it about would be a guess: one in three was right on texts of strangers."""
    assert reactions(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Every night the system closes all expired listings.", " -> CloseListing"),
        ("The subscription is renewed automatically at the end of each month.", " -> RenewSubscription"),
        (
            "The patient books an appointment.\nA reminder is sent to the patient one day before the appointment.",
            " -> SendReminder",
        ),
        ("매일 자정에 시스템은 만료된 쿠폰을 삭제한다.", " -> DeleteCoupon"),
        (
            "환자는 진료를 예약한다.\n예약 하루 전에 환자에게 문자가 발송된다.",
            " -> SendMessage",
        ),
        ("만료 7일 전에 갱신 안내 메일을 발송한다.", " -> SendRenewalNoticeEmail"),
    ],
)
def test_time_starts_what_follows(text: str, expected: str) -> None:
    assert reactions(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "The clerk files the report within 3 days.",
        "The invoice must be paid within 14 days.",
        "Members pay the fee every month.",
        "The review board approves the plan.",
        "If a guest falls ill, the host calls a doctor.",
        "A visit can be moved up to two days before the exam.",
        "A guest can extend the stay once, but not if somebody has booked the room.",
        "A guest can cancel the stay after the desk has confirmed the stay.",
        "구독 해지하면 다음 달부터 배송 안 함",
        "An order is shipped only after it has been paid.",
        "A customer may cancel the order if it has not been shipped.",
        "A repair cannot be started if the wind is strong.",
        "If the battery is low, a technician replaces the battery.",
        "A call is recorded. No call recorded: the director is paged.",
        "If the field is dry, a member may roll the field.",
        "The system assigns a locker.",
        "회원은 매월 1일에 회비를 납부하여야 한다.",
        "임차인이 임대료를 연체하였을 때 임대인은 계약을 해지할 수 있다.",
        "이용자가 예약을 취소하고자 하는 경우에는 전날까지 취소한다.",
        "회원은 회비를 미납부하면 탈퇴한다.",
        "학생은 개강 30일 전까지 수강을 신청하여야 한다.",
    ],
)
def test_a_deadline_a_permission_or_somebody_s_decision_starts_nothing(text: str) -> None:
    assert reactions(text) == []


def test_a_second_condition_is_about_what_the_first_one_was_about() -> None:
    text = "If the claim is upheld, the permit is suspended; if it is dismissed, the file is closed."

    assert reactions(text) == ["ClaimUpheld -> SuspendPermit", "ClaimDismissed -> CloseFile"]


def test_a_policy_that_time_alone_starts_has_no_trigger() -> None:
    text = "1: Every night the system closes all expired listings."
    model = [{"aggregate": "Listing", "commands": ["CloseListing -> ListingClosed"]}]
    (policy,) = policies({"lines": text, "model": model}).policies

    assert (policy.trigger, policy.timer, policy.commands) == ("", "Every night", ["CloseListing"])


def test_a_table_that_says_who_does_what_and_what_follows() -> None:
    text = """| # | Who | Does what | What follows |
|---|---|---|---|
| 1 | Learner | signs the contract (in blue) | a training record is opened |
| 2 | Learner | cancels a lesson | if it is less than 24 hours before the start, a fee is charged |
| 3 | Examiner | records the exam | passed: the licence is handed over; failed: a lesson is proposed |
| 4 | Office | Print the plan | |"""

    assert reactions(text) == [
        "ContractSigned -> OpenTrainingRecord",
        "LessonCancelled -> ChargeFee",
        "ExamRecorded -> HandOverLicence",
        "ExamRecorded -> ProposeLesson",
    ]
    assert [r.condition for r in facts(text).reactions[2:]] == ["passed", "failed"]
    assert [(a.command.name, a.actor and a.actor.name) for a in facts(text).actions[-1:]] == [
        ("PrintPlan", "Office")
    ]


def test_a_table_of_screens_names_look_ups() -> None:
    found = facts("| Role | Screen |\n|---|---|\n| Learner | Progress |").actions

    assert [(one.kind, one.command.name) for one in found] == [("query", "ProgressDetails")]
