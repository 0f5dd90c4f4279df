"""What a webhook may be sent to: public addresses, unless the operator lists others; never the metadata services."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from poller.addresses import Allowed, NotAllowed, web_address

PUBLIC = ["8.8.8.8", "2606:4700:4700::1111"]
INSIDE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1", "2002:0a00:0001::1", "240.0.0.1", "198.18.0.1", "192.0.2.1",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "169.254.169.252", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1",
    "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
]  # fmt: skip


def _fits(allowed: Allowed, address: str, host: str = "hooks.example") -> bool:
    try:
        allowed.check(host, [ip_address(address)])
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("address", PUBLIC)
def test_by_default_public_addresses_are_allowed(address: str) -> None:
    assert _fits(Allowed.of([]), address)


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_allowed_only_where_the_operator_names_it(address: str) -> None:
    assert not _fits(Allowed.of([]), address)
    assert not _fits(Allowed.of(["public", "other.example"]), address)
    assert _fits(Allowed.of(["hooks.example"]), address)
    assert _fits(Allowed.of(["*.example"]), address)


@pytest.mark.parametrize("address", NEVER)
def test_nothing_is_ever_sent_to_the_metadata_services_and_to_everybody(address: str) -> None:
    everything = ["public", "hooks.example", "0.0.0.0/0", "::/0"]
    assert not _fits(Allowed.of(everything), address)


def test_a_network_allows_what_lies_in_it_and_a_list_alone_nothing_else() -> None:
    listed = Allowed.of(["10.0.0.0/8", "fd00::/8", "::1"])
    assert [_fits(listed, each) for each in ("10.9.9.9", "fd00::7", "::1", "::ffff:10.1.1.1")] == [True] * 4
    assert [_fits(listed, each) for each in ("11.0.0.1", "8.8.8.8", "192.168.0.1")] == [False] * 3


def test_every_address_that_a_name_stands_for_is_judged() -> None:
    with pytest.raises(NotAllowed):
        Allowed.of([]).check("hooks.example", [ip_address("8.8.8.8"), ip_address("10.0.0.1")])


@pytest.mark.parametrize("host", ["evil-example", "hooks.example.evil.com", "example"])
def test_a_name_that_only_looks_like_a_listed_one_is_not_it(host: str) -> None:
    assert not _fits(Allowed.of(["*.example", "hooks.example"]), "10.0.0.1", host)


@pytest.mark.parametrize("entry", ["https://hooks.example", "a b", "10.0.0.0/33", "*", "a..b"])
def test_an_entry_that_is_none_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Allowed.of([entry])


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a/", "//a/", "https://", "http://user:secret@a/", "http://a:0/", "http://a:99999/", "http://a/\r\nX: y", "http://가/", "http://a/ b"],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        web_address(url)


def test_an_address_of_the_web_is_taken() -> None:
    assert web_address("https://hooks.example:8443/a?b=c").port == 8443
