import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.resolved.names import Register, camel, class_name, field_name, pascal, plural, romanised


@pytest.mark.parametrize(
    ("text", "pascal_case", "camel_case", "plural_form"),
    [
        ("PlaceOrderUI", "PlaceOrderUi", "placeOrderUi", "placeOrderUis"),
        ("Delivery", "Delivery", "delivery", "deliveries"),
        ("OrderStatus", "OrderStatus", "orderStatus", "orderStatuses"),
        ("DeliveryAddress", "DeliveryAddress", "deliveryAddress", "deliveryAddresses"),
        ("book_id", "BookId", "bookId", "bookIds"),
        ("ISBN", "Isbn", "isbn", "isbns"),
        ("isbn13", "Isbn13", "isbn13", "isbn13s"),
        ("OrderPlaced", "OrderPlaced", "orderPlaced", "orderPlaceds"),
        ("Day", "Day", "day", "days"),
        ("Quiz", "Quiz", "quiz", "quizzes"),
        ("CurrentLoans", "CurrentLoans", "currentLoans", "currentLoans"),
        ("HeldBooks", "HeldBooks", "heldBooks", "heldBooks"),
        ("", "", "", ""),
    ],
)
def test_cases(text, pascal_case, camel_case, plural_form):
    assert (pascal(text), camel(text), plural(text)) == (pascal_case, camel_case, plural_form)


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("Order", "Order"),
        ("book_loan", "book_loan"),
        ("Book Loan", "BookLoan"),
        ("주문 관리", "JumunGwanri"),
        ("한밤치킨", "Hanbamchikin"),
        ("2nd try", "_2ndTry"),
        ("Café", "Cafe"),
        ("日本", "Thing"),
        ("@", "Thing"),
    ],
)
def test_any_text_becomes_a_class_name(text, identifier):
    assert class_name(text, otherwise="Thing") == identifier


def test_korean_is_romanised_syllable_by_syllable():
    assert romanised("주문하기 닭 값") == "jumunhagi dak gap"


@given(st.text())
def test_identifiers_are_always_legal(text):
    legal = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
    assert legal.match(class_name(text, otherwise="Thing"))
    assert legal.match(field_name(text))


@given(st.lists(st.sampled_from(["Order", "order", "Order2", "O rder", "주문"]), max_size=12))
def test_a_register_never_gives_a_name_twice(names):
    register = Register()
    given_out = ["".join(register.take(name).split()).casefold() for name in names]
    assert len(set(given_out)) == len(given_out)
