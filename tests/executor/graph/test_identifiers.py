"""Names become identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.graph.identifiers import camel, is_pascal, pascal, title, upper_snake, words


@pytest.mark.parametrize(
    ("name", "identifiers"),
    [
        ("place order", "PlaceOrder placeOrder PLACE_ORDER"),
        ("PlaceOrder", "PlaceOrder placeOrder PLACE_ORDER"),
        ("customer_id", "CustomerId customerId CUSTOMER_ID"),
        ("CUSTOMER_ID", "CustomerId customerId CUSTOMER_ID"),
        ("ISBN", "ISBN isbn ISBN"),
        ("member's card", "MembersCard membersCard MEMBERS_CARD"),
        ("2nd item", "Item2nd item2nd ITEM_2ND"),
        ("7", "N7 n7 N_7"),
        ("고객 주문", "GogaekJumun gogaekJumun GOGAEK_JUMUN"),
        ("Café", "Cafe cafe CAFE"),
        ("日本", "  "),
        ("<>", "  "),
    ],
)
def test_a_name_becomes_an_identifier(name: str, identifiers: str) -> None:
    assert f"{pascal(name)} {camel(name)} {upper_snake(name)}" == identifiers


@given(st.text(max_size=30))
def test_an_identifier_is_empty_or_well_formed_and_stable(name: str) -> None:
    made = pascal(name)
    assert made == "" or is_pascal(made)
    assert pascal(made) == made
    assert camel(name) == "" or camel(name).isidentifier()


def test_an_identifier_reads_as_words() -> None:
    assert words("LoanPolicyISBN") == ["Loan", "Policy", "ISBN"]
    assert title("LoanPolicy") == "Loan policy"
