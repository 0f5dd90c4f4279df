"""English word forms, as a dictionary has them."""

from __future__ import annotations

import pytest

from executor import tenses
from executor.tenses import imperative, past_tense, same_verb


@pytest.mark.parametrize(
    ("command", "event"),
    [
        ("RunItem", "ItemRun"),
        ("HideItem", "ItemHidden"),
        ("CutItem", "ItemCut"),
        ("SendItem", "ItemSent"),
        ("SplitInvoice", "InvoiceSplit"),
        ("FulfillOrder", "OrderFulfilled"),
        ("EnrollPlayer", "PlayerEnrolled"),
        ("OverwriteDraft", "DraftOverwritten"),
        ("ResellTicket", "TicketResold"),
        ("RebuildIndex", "IndexRebuilt"),
        ("UndoTransfer", "TransferUndone"),
        ("WithholdTax", "TaxWithheld"),
        ("ResubmitClaim", "ClaimResubmitted"),
        ("UnplugDevice", "DeviceUnplugged"),
        ("RenderPage", "PageRendered"),
        ("RefineQuery", "QueryRefined"),
        ("RelayMessage", "MessageRelayed"),
        ("InviteGuest", "GuestInvited"),
        ("CompleteTask", "TaskCompleted"),
        ("RestoreBackup", "BackupRestored"),
        ("MonitorPatient", "PatientMonitored"),
        ("ArrangeTour", "TourArranged"),
        ("AddCopy", "CopyAdded"),
        ("CallTaxi", "TaxiCalled"),
        ("AgreeTerms", "TermsAgreed"),
        ("CarryParcel", "ParcelCarried"),
        ("PickUpParcel", "ParcelPickedUp"),
        ("LogOut", "LoggedOut"),
    ],
)
def test_the_past_of_a_command_and_back(command: str, event: str) -> None:
    assert past_tense(command) == event
    assert imperative(event) == command
    assert same_verb(command, event)


@pytest.mark.parametrize(
    ("command", "event"), [("FulfilOrder", "OrderFulfilled"), ("EnrolPlayer", "PlayerEnrolled")]
)
def test_british_spelling_has_the_same_past(command: str, event: str) -> None:
    assert past_tense(command) == event
    assert same_verb(command, event)


@pytest.mark.parametrize("event", ["LoanOverdue", "StockLow", "OrderSpeed", "MoneyNeed"])
def test_what_is_no_participle_has_no_verb(event: str) -> None:
    assert imperative(event) == f"Record{event}"


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("write", ("writes", "wrote", "written", "writing")),
        ("plan", ("plans", "planned", "planned", "planning")),
        ("carry", ("carries", "carried", "carried", "carrying")),
        ("tie", ("ties", "tied", "tied", "tying")),
        ("agree", ("agrees", "agreed", "agreed", "agreeing")),
        ("wash", ("washes", "washed", "washed", "washing")),
        ("panic", ("panics", "panicked", "panicked", "panicking")),
    ],
)
def test_the_forms_of_a_verb(verb: str, forms: tuple[str, str, str, str]) -> None:
    made = (tenses.third_person(verb), tenses.simple_past(verb), tenses.participle(verb), tenses.gerund(verb))
    assert made == forms
