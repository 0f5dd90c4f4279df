"""The English rules, one example each."""

from __future__ import annotations

import pytest

from devkit.rules.facts import Facts
from devkit.rules.reader import read


def facts(*lines: str) -> Facts:
    return read(tuple(enumerate(lines, 1)))


def commands(*lines: str) -> list[tuple[str, str]]:
    return [(a.command.name, a.event.name) for a in facts(*lines).every_action() if a.kind != "query"]


@pytest.mark.parametrize(
    ("sentence", "command", "event"),
    [
        ("A customer places an order.", "PlaceOrder", "OrderPlaced"),
        ("Customers pay invoices.", "PayInvoice", "InvoicePaid"),
        ("The clerk sends the parcel to the customer.", "SendParcel", "ParcelSent"),
        ("A mechanic withdraws parts from stock.", "WithdrawPart", "PartWithdrawn"),
        ("An order is shipped by the warehouse.", "ShipOrder", "OrderShipped"),
        ("The request must be approved.", "ApproveRequest", "RequestApproved"),
        ("The claim has been rejected.", "RejectClaim", "ClaimRejected"),
        ("The manager may reopen a closed ticket.", "ReopenTicket", "TicketReopened"),
        ("As a tenant, I want to report a defect so that it gets fixed.", "ReportDefect", "DefectReported"),
        ("The system allows guests to extend their stay.", "ExtendStay", "StayExtended"),
        ("The gardener needs to fumigate the greenhouse.", "FumigateGreenhouse", "GreenhouseFumigated"),
        ("The courier picks up the parcel.", "PickUpParcel", "ParcelPickedUp"),
        ("- Register a new vehicle", "RegisterVehicle", "VehicleRegistered"),
        ("A shopper adds an item to the cart.", "AddItemToCart", "ItemAdded"),
        ("The operator changes the status of the machine.", "ChangeMachineStatus", "MachineStatusChanged"),
        ("The chef marks the dish as sold out.", "MarkDishSoldOut", "DishMarkedSoldOut"),
        ("The receptionist checks the guests in.", "CheckInGuest", "GuestCheckedIn"),
        ("The clerk calls them and picks the key up for a guest.", "PickUpKey", "KeyPickedUp"),
        ("Accounts pays the proceeds to the seller.", "PayProceeds", "ProceedsPaid"),
        ("The porter hands them their room key.", "HandRoomKey", "RoomKeyHanded"),
        ("It must be possible to cancel a subscription.", "CancelSubscription", "SubscriptionCancelled"),
        ("There must be a way for managers to export plans.", "ExportPlan", "PlanExported"),
        ("The guest has the option to upgrade the room.", "UpgradeRoom", "RoomUpgraded"),
        ("A member who has been suspended may appeal the verdict.", "AppealVerdict", "VerdictAppealed"),
        ("The clerk sends a reminder 14 days later.", "SendReminder", "ReminderSent"),
    ],
)
def test_a_verb_gives_an_imperative_command_and_a_past_event(sentence: str, command: str, event: str) -> None:
    assert commands(sentence)[:1] == [(command, event)]


def test_verbs_in_a_row_share_subject_and_object() -> None:
    found = facts("The editor creates, updates and deletes articles.").actions

    assert [action.command.name for action in found] == ["CreateArticle", "UpdateArticle", "DeleteArticle"]
    assert {action.actor.name for action in found if action.actor} == {"Editor"}


@pytest.mark.parametrize(
    "sentence",
    [
        "A member returns the copy and the librarian closes the loan.",
        "A member returns the copy, and then the librarian closes the loan.",
        "A member returns the copy that the branch owns, and the head librarian closes the loan.",
    ],
)
def test_who_does_the_next_thing_is_no_object_of_the_first(sentence: str) -> None:
    returned, closed = facts(sentence).every_action()

    assert (returned.command.name, closed.command.name) == ("ReturnCopy", "CloseLoan")
    assert returned.place.quote.startswith("member returns the copy")
    assert "librarian" not in returned.place.quote


def test_it_means_the_thing_spoken_of_before() -> None:
    assert commands("A buyer creates an offer.", "The seller accepts it.")[-1] == (
        "AcceptOffer",
        "OfferAccepted",
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "A paid order cannot be cancelled.",
        "The counter is open from Monday to Thursday.",
        "An order consists of lines.",
        "🎉 🎉 🎉",
        "",
    ],
)
def test_what_describes_no_behaviour_gives_no_command(sentence: str) -> None:
    assert commands(sentence) == []


def test_a_title_is_a_heading_not_a_sentence() -> None:
    assert commands("Insurance claims", "", "A customer reports a claim.") == [
        ("ReportClaim", "ClaimReported")
    ]


def test_a_trailing_if_is_a_condition_not_a_cause() -> None:
    found = facts("A customer can cancel an order if it has not been shipped.")

    assert found.reactions == []
    assert [action.command.name for action in found.actions] == ["CancelOrder"]


def test_bullets_under_a_colon_are_fields_with_their_own_lines() -> None:
    (fact,) = facts("A booking has:", "- arrival date", "- departure date").members

    assert [name.name for name in fact.names] == ["ArrivalDate", "DepartureDate"]


def test_consists_of_is_a_group() -> None:
    (fact,) = facts("The delivery address consists of street, city and postal code.").members

    assert fact.group
    assert fact.owner.name == "DeliveryAddress"


def test_a_table_gives_fields_types_and_keys() -> None:
    (table,) = facts(
        "CREATE TABLE IF NOT EXISTS shop.orders (",
        "  order_id BIGINT PRIMARY KEY, -- the key",
        "  total DECIMAL(10, 2),",
        "  status VARCHAR(9) CHECK (status IN ('OPEN', 'CLOSED')),",
        "  customer_id BIGINT REFERENCES customers (id)",
        ");",
    ).tables

    assert table.term.name == "Order"
    assert [(c.name, c.type, c.key) for c in table.columns] == [
        ("order_id", "Long", True),
        ("total", "BigDecimal", False),
        ("status", "String", False),
        ("customer_id", "Long", False),
    ]
    assert table.columns[2].choices == ("OPEN", "CLOSED")
    assert table.references == ("Customer",)


def test_a_quote_is_a_piece_of_its_line() -> None:
    lines = ("A rider completes the delivery and", "the clerk who is on duty archives the delivery slip.")

    for action in facts(*lines).actions:
        assert action.place.quote in lines[action.place.line - 1]


def test_what_comes_after_a_time_goes_on() -> None:
    said = commands("The crew shall lock the pump before work begins and release it afterwards.")

    assert said == [("LockPump", "PumpLocked"), ("ReleasePump", "PumpReleased")]


def test_who_gives_an_address_and_a_photo_fills_in_a_form() -> None:
    assert commands("A resident gives the address, the items and a photo.") == []


def test_what_was_found_is_what_the_next_pronoun_means() -> None:
    (found,) = facts("If damaged goods are found, the crew reports them.").reactions

    assert [one.thing.name for one in found.results] == ["Goods"]


@pytest.mark.parametrize(
    "sentence",
    [
        "The bridge was built by a baron.",
        "While the machine is running, the dough is warm.",
        "Before a shipment leaves the depot, it is cold.",
        "Parcels that have been returned are in the store.",
    ],
)
def test_what_was_or_is_so_is_no_behaviour(sentence: str) -> None:
    assert commands(sentence) == []


def test_a_title_over_numbered_steps_is_no_step() -> None:
    assert commands("Run the sale", "", "1. The auctioneer opens the lot.") == [("OpenLot", "LotOpened")]


def test_which_things_there_are_is_a_look_up() -> None:
    (seen,) = facts("As a cook I want to see which dishes have been ordered.").actions

    assert (seen.kind, seen.command.name) == ("query", "DishList")


def test_i_am_not_who_acted_before() -> None:
    _, approved = facts("The teacher proposes a course. I approve it.").actions

    assert (approved.command.name, approved.actor) == ("ApproveCourse", None)


@pytest.mark.parametrize(
    "sentence",
    [
        "The registrar must be provided with a list of all late orders.",
        "The portal shall provide clerks with an overview of late orders.",
        "The portal provides an overview of orders.",
        "The porter needs a weekly list of orders.",
        "The porter sees a map of orders.",
        "Each porter sees the orders of the day.",
        "The porter gets a monthly statement of the orders.",
        "The porter keeps an eye on the orders.",
        "The porter can print a list of orders.",
        "The porter must be able to conduct an order search.",
    ],
)
def test_who_is_given_a_list_looks_it_up(sentence: str) -> None:
    (seen,) = facts(sentence).actions

    assert (seen.kind, seen.command.name) == ("query", "OrderList")


def test_a_list_of_persons_is_named_after_them() -> None:
    (seen,) = facts("As a coach I want to see which players are injured.").actions

    assert (seen.kind, seen.command.name) == ("query", "PlayerList")


def test_what_is_shown_when_something_happened_is_no_look_up() -> None:
    assert facts("When a desk is booked, the desk is shown as taken.").actions == []


@pytest.mark.parametrize("verb", ["get", "access", "compare", "read"])
def test_what_somebody_has_or_thinks_about_is_no_look_up(verb: str) -> None:
    assert facts(f"A guest can {verb} the discount.").actions == []


@pytest.mark.parametrize("title", ["## Screens", "== Pages people look at =="])
def test_what_stands_under_a_title_of_pages_is_looked_up(title: str) -> None:
    seen = facts(title, "* Upcoming matches", "* Player profile").actions

    assert [(one.kind, one.command.name) for one in seen] == [
        ("query", "MatchList"),
        ("query", "PlayerProfileDetails"),
    ]
