"""Two rich sample models, English and Korean, whose source ranges are found from quotes."""

import re
from collections.abc import Iterable

import pytest
from eventstorming.v1.model_pb2 import (
    COMMAND_KIND_CREATE,
    COMMAND_KIND_DELETE,
    COMMAND_KIND_UPDATE,
    LANGUAGE_ENGLISH,
    LANGUAGE_KOREAN,
    Actor,
    Aggregate,
    AggregateReference,
    BoundedContext,
    Command,
    Enumeration,
    EnumerationItem,
    Event,
    EventStormingModel,
    Field,
    Policy,
    ReadModel,
    Scenario,
    ScenarioClause,
    ScenarioValue,
    Screen,
    SourceRange,
    ValueObject,
)

LIBRARY = """The city library lends books to its members. 📚
A librarian registers each copy with its ISBN, title and shelf.
A member borrows an available copy; nobody may hold more than five copies at once.
Every loan is due after 14 days. The member may extend it once, unless another member waits for the title.
When a copy comes back late, a fine of 20 cents per day is charged to the member.
A member reserves a title that is lent out. As soon as a copy returns, the next member in the queue is told and has three days to fetch it.
The desk sees at any time which loans are overdue.
Members pay their fines by card or at the desk. Who owes more than 10 euros may not borrow.
Opening hours are printed on the door.

The café in the foyer is run by somebody else.
"""

CLINIC = """동네 의원의 예약과 진료를 관리한다. 🏥
환자는 원하는 의사와 시간을 골라 진료를 예약한다.
같은 시간에 한 의사에게 두 건의 예약을 잡을 수 없다.
환자는 진료 하루 전까지 예약을 취소할 수 있다.
환자가 도착하면 접수 직원이 접수하고 대기 순번을 매긴다.
의사는 진료를 마치고 진단과 처방을 기록한다. 처방이 나오면 진료비가 청구된다.
환자는 카드나 현금으로 진료비를 수납한다.
대기실 화면은 지금 순번과 예상 대기 시간을 보여 준다.
주차장은 건물 지하에 있다.
"""


def at(text: str, *quotes: str) -> list[SourceRange]:
    """Where the quotes stand: 1-based, inclusive, UTF-16 columns."""
    return [_at(text, quote) for quote in quotes]


def _at(text: str, quote: str) -> SourceRange:
    start = text.index(quote)
    line = text.count("\n", 0, start) + 1
    begin = text.rfind("\n", 0, start) + 1
    first = len(text[begin:start].encode("utf-16-le")) // 2 + 1
    last = first + len(quote.encode("utf-16-le")) // 2 - 1
    return SourceRange(start_line=line, start_column=first, end_line=line, end_column=last)


def fields(*specs: str) -> list[Field]:
    """`name:Type=Alias`, a leading `*` for a key."""
    parts = [re.fullmatch(r"(\*?)(\w+):([^=]+)(?:=(.*))?", spec) for spec in specs]
    return [
        Field(name=part[2], type=part[3], is_key=bool(part[1]), alias=part[4] or "") for part in parts if part
    ]


def clause(name: str, **values: str) -> ScenarioClause:
    return ScenarioClause(
        name=name, values=[ScenarioValue(field=field, value=value) for field, value in values.items()]
    )


def form(title: str, labels: Iterable[str], button: str) -> Screen:
    """A small wireframe such as the executor draws."""
    rows = "".join(f'<label>{label}<input type="text"></label>' for label in labels)
    return Screen(
        html="<style>.card{font-family:sans-serif;padding:16px;max-width:320px}label{display:block;margin:8px 0}"
        "input{display:block;width:100%;padding:6px}button{margin-top:10px;padding:8px 14px}</style>"
        f'<div class="card"><h3>{title}</h3>{rows}<button>{button}</button></div>'
    )


@pytest.fixture
def library() -> EventStormingModel:
    """Four contexts in English, 40 stickers and more, two sentences that became none."""
    return library_model()


@pytest.fixture
def clinic() -> EventStormingModel:
    """Three contexts in Korean."""
    return clinic_model()


def library_model() -> EventStormingModel:
    return EventStormingModel(
        language=LANGUAGE_ENGLISH,
        source_text=LIBRARY,
        actors=[Actor(name="Member", alias="Member"), Actor(name="Librarian", alias="Librarian")],
        bounded_contexts=[_catalog(), _lending(), _reservation(), _fines()],
        policies=[
            Policy(
                ordinal=1,
                name="ChargeLateReturn",
                alias="Charge late return",
                reason="A late return costs 20 cents per day.",
                trigger="CopyReturnedLate",
                results=["FineCharged"],
                bounded_context="Fines",
                ranges=at(LIBRARY, "When a copy comes back late, a fine of 20 cents per day is charged"),
            ),
            Policy(
                ordinal=2,
                name="TellNextInQueue",
                alias="Tell the next in the queue",
                reason="The next member is told as soon as a copy returns.",
                trigger="CopyReturned",
                results=["ReservationReady"],
                bounded_context="Reservation",
                ranges=at(LIBRARY, "As soon as a copy returns, the next member in the queue is told"),
            ),
            Policy(
                ordinal=3,
                name="MarkCopyLent",
                alias="Mark copy as lent",
                reason="A lent copy is not available.",
                trigger="CopyBorrowed",
                results=["CopyMarkedLent"],
                bounded_context="Catalog",
            ),
            Policy(
                ordinal=4,
                name="BlockDebtor",
                alias="Block debtor",
                reason="Who owes more than 10 euros may not borrow.",
                trigger="FineCharged",
                results=["MemberBlocked"],
                bounded_context="Lending",
                ranges=at(LIBRARY, "Who owes more than 10 euros may not borrow."),
            ),
            Policy(
                ordinal=5,
                name="HoldForNext",
                alias="Hold for the next member",
                reason="A returned copy is kept for who waits.",
                trigger="CopyReturned",
                results=["CopyHeld", "MemberUnblocked"],
                bounded_context="Catalog",
            ),
        ],
        references=[
            AggregateReference(from_aggregate="Loan", to_aggregate="Copy", reason="A loan is of one copy."),
            AggregateReference(from_aggregate="Loan", to_aggregate="Membership", reason="Who borrows."),
            AggregateReference(from_aggregate="Reservation", to_aggregate="Membership", reason="Who waits."),
            AggregateReference(from_aggregate="Fine", to_aggregate="Loan", reason="The late loan."),
        ],
    )


def _catalog() -> BoundedContext:
    return BoundedContext(
        ordinal=1,
        name="Catalog",
        alias="Catalogue",
        description="A librarian registers each copy with its ISBN, title and shelf.",
        aggregates=[
            Aggregate(
                ordinal=1,
                name="Copy",
                alias="Book copy",
                description="One physical copy of a title, where it stands and whether it may be borrowed.",
                fields=fields(
                    "*copyId:String=Copy number",
                    "isbn:Isbn",
                    "title:String",
                    "shelf:String",
                    "status:CopyStatus",
                ),
                value_objects=[ValueObject(name="Isbn", alias="ISBN", fields=fields("code:String"))],
                enumerations=[
                    Enumeration(
                        name="CopyStatus",
                        alias="Copy status",
                        items=[EnumerationItem(value=value) for value in ("AVAILABLE", "LENT", "HELD")],
                    )
                ],
                invariants=["A copy has exactly one ISBN.", "A lent copy is not available."],
                ranges=at(LIBRARY, "each copy with its ISBN, title and shelf"),
                commands=[
                    Command(
                        ordinal=1,
                        name="RegisterCopy",
                        alias="Register copy",
                        description="A librarian enters a new copy.",
                        kind=COMMAND_KIND_CREATE,
                        actor="Librarian",
                        fields=fields("isbn:Isbn", "title:String", "shelf:String"),
                        emits=["CopyRegistered"],
                        screen=form("Register copy", ("ISBN", "Title", "Shelf"), "Register"),
                        ranges=at(LIBRARY, "A librarian registers each copy"),
                    ),
                    Command(
                        ordinal=2,
                        name="MarkLent",
                        alias="Mark lent",
                        kind=COMMAND_KIND_UPDATE,
                        emits=["CopyMarkedLent"],
                    ),
                    Command(
                        ordinal=3,
                        name="HoldCopy",
                        alias="Hold copy",
                        kind=COMMAND_KIND_UPDATE,
                        emits=["CopyHeld"],
                    ),
                ],
                events=[
                    Event(
                        ordinal=1,
                        name="CopyRegistered",
                        alias="Copy registered",
                        fields=fields("copyId:String"),
                    ),
                    Event(ordinal=2, name="CopyMarkedLent", alias="Copy marked as lent"),
                    Event(ordinal=3, name="CopyHeld", alias="Copy held"),
                ],
                read_models=[
                    ReadModel(
                        ordinal=1,
                        name="SearchTitles",
                        alias="Search titles",
                        actor="Member",
                        parameters=fields("title:String"),
                        multiple=True,
                        screen=form("Search titles", ("Title",), "Search"),
                    )
                ],
            )
        ],
    )


def _lending() -> BoundedContext:
    return BoundedContext(
        ordinal=2,
        name="Lending",
        alias="Lending",
        description="A member borrows an available copy.",
        aggregates=[
            Aggregate(
                ordinal=1,
                name="Loan",
                alias="Loan",
                description="One copy in the hands of one member until its due date.",
                fields=fields(
                    "*loanId:Long",
                    "copyId:String",
                    "memberId:Long",
                    "dueOn:Date",
                    "extended:Boolean",
                    "period:LoanPeriod",
                ),
                value_objects=[
                    ValueObject(name="LoanPeriod", alias="Loan period", fields=fields("from:Date", "to:Date"))
                ],
                invariants=[
                    "A member holds at most five copies at once.",
                    "A loan may be extended once, unless another member waits for the title.",
                ],
                ranges=at(LIBRARY, "Every loan is due after 14 days."),
                commands=[
                    Command(
                        ordinal=1,
                        name="BorrowCopy",
                        alias="Borrow a copy",
                        description="A member takes an available copy home.",
                        kind=COMMAND_KIND_CREATE,
                        actor="Member",
                        fields=fields("copyId:String", "memberId:Long"),
                        emits=["CopyBorrowed"],
                        screen=form("Borrow a copy", ("Copy number", "Member card"), "Borrow"),
                        ranges=at(LIBRARY, "A member borrows an available copy"),
                        scenarios=[
                            Scenario(
                                title="An available copy is lent for 14 days",
                                given=clause("Loan", loanId="N/A", copyId="N/A"),
                                when=clause("BorrowCopy", copyId="C-17", memberId="42"),
                                then=[clause("CopyBorrowed", loanId="9001", dueOn="2026-03-15")],
                            ),
                            Scenario(
                                title="A sixth copy is refused",
                                given=clause("Loan", memberId="42"),
                                when=clause("BorrowCopy", copyId="C-18", memberId="42"),
                                then=[clause("BorrowingRefused", memberId="42")],
                            ),
                        ],
                    ),
                    Command(
                        ordinal=2,
                        name="ExtendLoan",
                        alias="Extend loan",
                        kind=COMMAND_KIND_UPDATE,
                        actor="Member",
                        fields=fields("loanId:Long"),
                        emits=["LoanExtended"],
                        screen=form("Extend loan", ("Loan",), "Extend"),
                        ranges=at(LIBRARY, "The member may extend it once"),
                    ),
                    Command(
                        ordinal=3,
                        name="ReturnCopy",
                        alias="Return copy",
                        kind=COMMAND_KIND_DELETE,
                        actor="Librarian",
                        fields=fields("copyId:String"),
                        emits=["CopyReturned", "CopyReturnedLate"],
                        ranges=at(LIBRARY, "When a copy comes back late"),
                    ),
                ],
                events=[
                    Event(
                        ordinal=1,
                        name="CopyBorrowed",
                        alias="Copy borrowed",
                        fields=fields("loanId:Long", "dueOn:Date"),
                        ranges=at(LIBRARY, "borrows an available copy"),
                    ),
                    Event(ordinal=2, name="LoanExtended", alias="Loan extended"),
                    Event(
                        ordinal=3,
                        name="CopyReturned",
                        alias="Copy returned",
                        ranges=at(LIBRARY, "a copy returns"),
                    ),
                    Event(ordinal=4, name="CopyReturnedLate", alias="Copy returned late"),
                ],
                read_models=[
                    ReadModel(
                        ordinal=1,
                        name="OverdueLoans",
                        alias="Overdue loans",
                        description="Which loans are overdue.",
                        actor="Librarian",
                        multiple=True,
                        ranges=at(LIBRARY, "The desk sees at any time which loans are overdue."),
                    )
                ],
            ),
            Aggregate(
                ordinal=2,
                name="Membership",
                alias="Membership",
                fields=fields("*memberId:Long", "name:String", "blocked:Boolean"),
                invariants=["Who owes more than 10 euros may not borrow."],
                commands=[
                    Command(ordinal=1, name="BlockMember", alias="Block member", emits=["MemberBlocked"]),
                    Command(
                        ordinal=2, name="UnblockMember", alias="Unblock member", emits=["MemberUnblocked"]
                    ),
                ],
                events=[
                    Event(ordinal=1, name="MemberBlocked", alias="Member blocked"),
                    Event(ordinal=2, name="MemberUnblocked", alias="Member unblocked"),
                ],
            ),
        ],
    )


def _reservation() -> BoundedContext:
    text = "A member reserves a title that is lent out."
    return BoundedContext(
        ordinal=3,
        name="Reservation",
        alias="Reservations",
        description=text,
        aggregates=[
            Aggregate(
                ordinal=1,
                name="Reservation",
                alias="Reservation",
                fields=fields("*reservationId:Long", "title:String", "position:Integer"),
                invariants=["A ready copy waits three days."],
                ranges=at(LIBRARY, "has three days to fetch it"),
                commands=[
                    Command(
                        ordinal=1,
                        name="ReserveTitle",
                        alias="Reserve a title",
                        kind=COMMAND_KIND_CREATE,
                        actor="Member",
                        emits=["TitleReserved"],
                        screen=form("Reserve", ("Title",), "Reserve"),
                        ranges=at(LIBRARY, text),
                    ),
                    Command(
                        ordinal=2, name="CallNextMember", alias="Call next member", emits=["ReservationReady"]
                    ),
                ],
                events=[
                    Event(ordinal=1, name="TitleReserved", alias="Title reserved"),
                    Event(ordinal=2, name="ReservationReady", alias="Reservation ready"),
                ],
            )
        ],
    )


def _fines() -> BoundedContext:
    return BoundedContext(
        ordinal=4,
        name="Fines",
        alias="Fines",
        description="Members pay their fines by card or at the desk.",
        aggregates=[
            Aggregate(
                ordinal=1,
                name="Fine",
                alias="Fine",
                fields=fields("*fineId:Long", "amount:Money", "paidBy:PaymentMethod"),
                value_objects=[ValueObject(name="Money", fields=fields("cents:Integer", "currency:String"))],
                enumerations=[
                    Enumeration(
                        name="PaymentMethod",
                        items=[EnumerationItem(value="CARD"), EnumerationItem(value="DESK")],
                    )
                ],
                invariants=["A fine is 20 cents per day late."],
                ranges=at(LIBRARY, "a fine of 20 cents per day"),
                commands=[
                    Command(ordinal=1, name="ChargeFine", alias="Charge fine", emits=["FineCharged"]),
                    Command(
                        ordinal=2,
                        name="PayFine",
                        alias="Pay fine",
                        actor="Member",
                        kind=COMMAND_KIND_UPDATE,
                        emits=["FinePaid"],
                        screen=form("Pay fine", ("Amount",), "Pay"),
                        ranges=at(LIBRARY, "Members pay their fines by card or at the desk."),
                    ),
                ],
                events=[
                    Event(
                        ordinal=1,
                        name="FineCharged",
                        alias="Fine charged",
                        ranges=at(LIBRARY, "is charged to the member"),
                    ),
                    Event(ordinal=2, name="FinePaid", alias="Fine paid"),
                ],
            )
        ],
    )


def clinic_model() -> EventStormingModel:
    return EventStormingModel(
        language=LANGUAGE_KOREAN,
        source_text=CLINIC,
        actors=[
            Actor(name="Patient", alias="환자"),
            Actor(name="Doctor", alias="의사"),
            Actor(name="Receptionist", alias="접수 직원"),
        ],
        bounded_contexts=[_booking(), _treatment(), _billing()],
        policies=[
            Policy(
                ordinal=1,
                name="BillAfterPrescription",
                alias="처방 후 진료비 청구",
                reason="처방이 나오면 진료비가 청구된다.",
                trigger="TreatmentCompleted",
                results=["FeeBilled"],
                bounded_context="Billing",
                ranges=at(CLINIC, "처방이 나오면 진료비가 청구된다."),
            ),
            Policy(
                ordinal=2,
                name="OpenVisitOnCheckIn",
                alias="접수하면 진료 대기 시작",
                reason="환자가 도착하면 대기 순번을 매긴다.",
                trigger="PatientCheckedIn",
                results=["QueueNumberIssued"],
                bounded_context="Treatment",
            ),
        ],
        references=[
            AggregateReference(from_aggregate="Visit", to_aggregate="Appointment", reason="예약된 진료")
        ],
    )


def _booking() -> BoundedContext:
    return BoundedContext(
        ordinal=1,
        name="Booking",
        alias="진료 예약",
        description="환자는 원하는 의사와 시간을 골라 진료를 예약한다.",
        aggregates=[
            Aggregate(
                ordinal=1,
                name="Appointment",
                alias="예약",
                description="환자와 의사가 만나기로 한 시간.",
                fields=fields(
                    "*appointmentId:Long=예약 번호",
                    "doctorId:Long=의사",
                    "startsAt:Date=시작 시각",
                    "status:AppointmentStatus=상태",
                ),
                enumerations=[
                    Enumeration(
                        name="AppointmentStatus",
                        alias="예약 상태",
                        items=[EnumerationItem(value="BOOKED"), EnumerationItem(value="CANCELLED")],
                    )
                ],
                invariants=["같은 시간에 한 의사에게 두 건의 예약을 잡을 수 없다."],
                ranges=at(CLINIC, "같은 시간에 한 의사에게 두 건의 예약을 잡을 수 없다."),
                commands=[
                    Command(
                        ordinal=1,
                        name="BookAppointment",
                        alias="진료 예약하기",
                        description="환자가 의사와 시간을 고른다.",
                        kind=COMMAND_KIND_CREATE,
                        actor="Patient",
                        fields=fields("doctorId:Long=의사", "startsAt:Date=시작 시각"),
                        emits=["AppointmentBooked"],
                        screen=form("진료 예약", ("의사", "날짜와 시간"), "예약하기"),
                        ranges=at(CLINIC, "환자는 원하는 의사와 시간을 골라 진료를 예약한다."),
                        scenarios=[
                            Scenario(
                                title="비어 있는 시간에 예약한다",
                                given=clause("Appointment", appointmentId="N/A"),
                                when=clause("BookAppointment", doctorId="7", startsAt="2026-03-02 10:00"),
                                then=[clause("AppointmentBooked", appointmentId="1001")],
                            )
                        ],
                    ),
                    Command(
                        ordinal=2,
                        name="CancelAppointment",
                        alias="예약 취소하기",
                        kind=COMMAND_KIND_DELETE,
                        actor="Patient",
                        emits=["AppointmentCancelled"],
                        ranges=at(CLINIC, "환자는 진료 하루 전까지 예약을 취소할 수 있다."),
                    ),
                    Command(
                        ordinal=3,
                        name="CheckIn",
                        alias="도착 접수하기",
                        actor="Receptionist",
                        emits=["PatientCheckedIn"],
                        ranges=at(CLINIC, "접수 직원이 접수하고"),
                    ),
                ],
                events=[
                    Event(ordinal=1, name="AppointmentBooked", alias="진료가 예약됨"),
                    Event(ordinal=2, name="AppointmentCancelled", alias="예약이 취소됨"),
                    Event(ordinal=3, name="PatientCheckedIn", alias="환자가 접수됨"),
                ],
            )
        ],
    )


def _treatment() -> BoundedContext:
    return BoundedContext(
        ordinal=2,
        name="Treatment",
        alias="진료",
        description="의사는 진료를 마치고 진단과 처방을 기록한다.",
        aggregates=[
            Aggregate(
                ordinal=1,
                name="Visit",
                alias="진료 방문",
                fields=fields(
                    "*visitId:Long=방문 번호", "queueNumber:Integer=대기 순번", "diagnosis:String=진단"
                ),
                commands=[
                    Command(
                        ordinal=1,
                        name="IssueQueueNumber",
                        alias="대기 순번 매기기",
                        emits=["QueueNumberIssued"],
                    ),
                    Command(
                        ordinal=2,
                        name="CompleteTreatment",
                        alias="진료 마치기",
                        actor="Doctor",
                        emits=["TreatmentCompleted"],
                        screen=form("진료 기록", ("진단", "처방"), "저장"),
                        ranges=at(CLINIC, "의사는 진료를 마치고 진단과 처방을 기록한다."),
                    ),
                ],
                events=[
                    Event(
                        ordinal=1,
                        name="QueueNumberIssued",
                        alias="대기 순번이 매겨짐",
                        ranges=at(CLINIC, "대기 순번을 매긴다"),
                    ),
                    Event(ordinal=2, name="TreatmentCompleted", alias="진료가 완료됨"),
                ],
                read_models=[
                    ReadModel(
                        ordinal=1,
                        name="WaitingRoomBoard",
                        alias="대기실 현황",
                        actor="Patient",
                        multiple=True,
                        ranges=at(CLINIC, "대기실 화면은 지금 순번과 예상 대기 시간을 보여 준다."),
                    )
                ],
            )
        ],
    )


def _billing() -> BoundedContext:
    return BoundedContext(
        ordinal=3,
        name="Billing",
        alias="수납",
        description="환자는 카드나 현금으로 진료비를 수납한다.",
        aggregates=[
            Aggregate(
                ordinal=1,
                name="Fee",
                alias="진료비",
                fields=fields("*feeId:Long=청구 번호", "amount:BigDecimal=금액"),
                commands=[
                    Command(ordinal=1, name="BillFee", alias="진료비 청구하기", emits=["FeeBilled"]),
                    Command(
                        ordinal=2,
                        name="PayFee",
                        alias="진료비 수납하기",
                        actor="Patient",
                        emits=["FeePaid"],
                        ranges=at(CLINIC, "환자는 카드나 현금으로 진료비를 수납한다."),
                    ),
                ],
                events=[
                    Event(ordinal=1, name="FeeBilled", alias="진료비가 청구됨"),
                    Event(ordinal=2, name="FeePaid", alias="진료비가 수납됨"),
                ],
            )
        ],
    )


HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!-- <script> </script x",
    "\"quotes\" & 'apostrophes' ]]> <!-- -->",
    "\u202eright to left \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "x" * 10_000,
    "가나다라" * 2_500,
    "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 30,
    "\x00\x07\x1b\ufffe line\u2028separator \u0085",
    "```\n# heading | cell | `tick` [link](javascript:alert(1)) $x$ **bold**",
    '"]; end; click x "javascript:alert(1)"; %%{init: {}}%%',
    "{{template}} ${expression} \\u003c \\",
    " ",
)


@pytest.fixture
def big() -> EventStormingModel:
    """Eight contexts, more than 300 stickers."""
    return grown_model(contexts=8, aggregates=3, commands=4)


@pytest.fixture
def hostile() -> EventStormingModel:
    """Every name, alias and sentence is an attack or an accident."""
    return hostile_model()


def hostile_model() -> EventStormingModel:
    model = grown_model(contexts=2, aggregates=2, commands=3)
    texts = iter(HOSTILE * 100)
    for context in model.bounded_contexts:
        context.alias, context.description = next(texts), next(texts)
        for aggregate in context.aggregates:
            aggregate.alias, aggregate.description = next(texts), next(texts)
            aggregate.invariants.append(next(texts))
            for field in aggregate.fields:
                field.alias = next(texts)
            for element in (*aggregate.commands, *aggregate.events, *aggregate.read_models):
                element.alias, element.description = next(texts), next(texts)
            for command in aggregate.commands:
                command.actor = next(texts)
                command.screen.html = next(texts)
                command.scenarios.append(
                    Scenario(title=next(texts), given=clause(next(texts), **{"x y": next(texts)}))
                )
    for policy in model.policies:
        policy.alias, policy.reason, policy.name = next(texts), next(texts), next(texts)
    model.source_text = "\n".join(HOSTILE)
    return model


def grown_model(*, contexts: int, aggregates: int, commands: int) -> EventStormingModel:
    """A regular model of any size: one event per command, a read model per aggregate, policies round about."""
    model = EventStormingModel(
        language=LANGUAGE_ENGLISH,
        source_text="\n".join(
            f"Sentence {number} tells of context {number}." for number in range(1, contexts + 1)
        ),
        actors=[Actor(name="Clerk", alias="Clerk")],
        bounded_contexts=[_grown_context(number, aggregates, commands) for number in range(1, contexts + 1)],
    )
    owners = [(a.name, a.events) for c in model.bounded_contexts for a in c.aggregates]
    for number, (name, events) in enumerate(owners, 1):
        following = owners[number % len(owners)]
        if following[0] == name or not events or not following[1]:
            continue
        model.policies.append(
            Policy(
                ordinal=number,
                name=f"React{number}",
                alias=f"React to {name}",
                trigger=events[-1].name,
                results=[following[1][0].name],
            )
        )
        if number % 2:
            model.references.append(AggregateReference(from_aggregate=following[0], to_aggregate=name))
    return model


def _grown_context(number: int, aggregates: int, commands: int) -> BoundedContext:
    return BoundedContext(
        ordinal=number,
        name=f"Context{number}",
        alias=f"Context number {number}",
        description=f"Sentence {number} tells of context {number}.",
        aggregates=[_grown_aggregate(number, index, commands) for index in range(1, aggregates + 1)],
    )


def _grown_aggregate(context: int, number: int, commands: int) -> Aggregate:
    tag = f"{context}x{number}"
    here = [SourceRange(start_line=context, start_column=1, end_line=context, end_column=10)]
    return Aggregate(
        ordinal=number,
        name=f"Order{tag}",
        alias=f"Order {tag}",
        fields=fields("*orderId:Long", "name:String"),
        ranges=here,
        commands=[
            Command(
                ordinal=index,
                name=f"PlaceOrder{tag}x{index}",
                alias=f"Place order {index}",
                actor="Clerk" if index % 2 else "",
                emits=[f"OrderPlaced{tag}x{index}"],
                screen=form("Order", ("Name",), "Place") if index % 3 == 1 else None,
            )
            for index in range(1, commands + 1)
        ],
        events=[
            Event(ordinal=index, name=f"OrderPlaced{tag}x{index}", alias=f"Order {index} placed")
            for index in range(1, commands + 1)
        ],
        read_models=[ReadModel(ordinal=1, name=f"Orders{tag}", alias=f"Orders of {tag}", actor="Clerk")],
    )
