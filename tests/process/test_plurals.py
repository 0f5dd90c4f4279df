"""English plurals of names."""

from __future__ import annotations

import pytest

from process.plurals import plural


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Quiz", "Quizzes"),
        ("quiz", "quizzes"),
        ("LoanItem", "LoanItems"),
        ("Delivery", "Deliveries"),
        ("Day", "Days"),
        ("Box", "Boxes"),
        ("Branch", "Branches"),
        ("OrderStatus", "OrderStatuses"),
        ("PostalAddress", "PostalAddresses"),
        ("Diagnosis", "Diagnoses"),
        ("ContactPerson", "ContactPeople"),
        ("BookShelf", "BookShelves"),
        ("ISBN", "ISBNs"),
        ("", ""),
    ],
)
def test_plurals(name: str, expected: str) -> None:
    assert plural(name) == expected


@pytest.mark.parametrize(
    "name", ["CurrentLoans", "heldBooks", "Quizzes", "News", "Series", "People", "Staff"]
)
def test_a_plural_stays(name: str) -> None:
    assert plural(name) == name
