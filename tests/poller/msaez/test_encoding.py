import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.msaez.encoding import decode, decode_key, encode, encode_key, is_legal_key, key_fits
from tests.poller.msaez.examples import example

TEXTS = st.text().filter(lambda text: text != "@")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner).filter(lambda found: found != [None]) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("logical", "stored"),
    [
        (None, "@"),
        ([], ["@"]),
        ({}, {"@": True}),
        ([None, 1], ["@", 1]),
        ({"a": {"b": []}}, {"a": {"b": ["@"]}}),
        ([[], {}], [["@"], {"@": True}]),
        (False, False),
        (0, 0),
        ("", ""),
    ],
)
def test_what_rtdb_cannot_store_has_a_marker(logical, stored):
    assert encode(logical) == stored
    assert decode(stored) == logical


def test_a_text_that_would_read_back_as_null_is_kept_as_its_full_width_form():
    assert encode({"name": "@"}) == {"name": "＠"}


def test_the_contract_example_is_encoded_as_the_contract_shows():
    assert encode(example("esvalue")) == example("esvalue.encoded")
    assert decode(example("esvalue.encoded")) == example("esvalue")


def test_decoding_plain_data_changes_nothing():
    assert decode(example("inputs.fromDraft")) == example("inputs.fromDraft")


@given(VALUES)
def test_decoding_undoes_encoding(value):
    assert decode(encode(value)) == value


@given(VALUES)
def test_nothing_encoded_would_be_pruned_or_rejected(value):
    def legal(stored):
        if isinstance(stored, dict):
            return bool(stored) and all(is_legal_key(k) and legal(child) for k, child in stored.items())
        if isinstance(stored, list):
            return bool(stored) and all(map(legal, stored))
        return stored is not None

    assert legal(json.loads(json.dumps(encode(value))))


@given(st.text())
def test_any_key_survives(key):
    assert decode_key(encode_key(key)) == key


@pytest.mark.parametrize("key", ["a.b", "#", "$x", "[0]", "a/b", "\n", "%2E", "%", "", "100%", "%%2"])
def test_hostile_keys_become_legal_and_come_back(key):
    assert is_legal_key(encode_key(key))
    assert decode_key(encode_key(key)) == key


def test_ordinary_keys_stay_as_they_are():
    assert [encode_key(key) for key in ("주문 관리", "rate%", "orderId")] == ["주문 관리", "rate%", "orderId"]


def test_a_key_is_too_long_after_768_bytes():
    assert key_fits("주" * 256)
    assert not key_fits("주" * 257)
    assert not is_legal_key("주" * 257)
