"""English plurals of names."""

from __future__ import annotations

import pytest

from process import plurals
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
        ("status", "statuses"),
        ("address", "addresses"),
        ("bonus", "bonuses"),
        ("house", "houses"),
        ("warehouse", "warehouses"),
        ("invoice", "invoices"),
        ("purchase", "purchases"),
        ("database", "databases"),
        ("response", "responses"),
        ("size", "sizes"),
        ("batch", "batches"),
        ("box", "boxes"),
        ("class", "classes"),
        ("category", "categories"),
        ("day", "days"),
        ("movie", "movies"),
        ("photo", "photos"),
        ("shelf", "shelves"),
        ("archive", "archives"),
        ("salesperson", "salespeople"),
        ("grandchild", "grandchildren"),
        ("bookshelf", "bookshelves"),
        ("analysis", "analyses"),
        ("clause", "clauses"),
        ("species", "species"),
        ("series", "series"),
        ("stock", "stock"),
        ("human", "humans"),
    ],
)
def test_a_noun_in_the_singular_and_the_plural(one: str, many: str) -> None:
    assert plurals.many(one) == many
    assert plurals.singular(many) == one
    assert plurals.singular(one) == one
    assert plurals.many(many) == many
