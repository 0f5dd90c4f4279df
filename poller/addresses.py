"""To which addresses this program may send what a caller asked for: a tool must not be made to call the cluster's inside. Pure.

A name is judged by every address that it stands for, whoever it belongs to; whoever connects, connects to what was judged.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Self
from urllib.parse import SplitResult, urlsplit

PUBLIC = "public"
LONGEST_ADDRESS = 2048
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NEVER = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "0.0.0.0/8", "::/128")))
"""Link-local: the metadata services of the clouds, which give away credentials. And what stands for any address."""

Address = IPv4Address | IPv6Address


class NotAllowed(ValueError):
    """The message says why, for whoever named the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """`public`: any public address. `names` (`*.` at the front: whatever ends so) and `networks`: these too, public or not."""

    public: bool = True
    names: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Self:
        """From what an operator lists: `public`, names, networks (`10.0.0.0/8`), addresses. Nothing at all: public ones. Raises ValueError."""
        given = [entry.strip().lower().rstrip(".") for entry in entries]
        given = [entry for entry in given if entry]
        names, networks = [], []
        for entry in given:
            if "/" in entry or ":" in entry or entry.replace(".", "").isdigit():
                networks.append(ipaddress.ip_network(entry.strip("[]")))
            elif entry != PUBLIC:
                names.append(_name(entry))
        return cls(public=not given or PUBLIC in given, names=tuple(names), networks=tuple(networks))

    def check(self, host: str, found: Iterable[Address]) -> None:
        """Raises NotAllowed unless everything that `host` stands for is allowed."""
        named = self._is_named(host.lower().rstrip("."))
        for address in found:
            for meant in _meant(address):
                if (
                    any(meant in never for never in _NEVER if never.version == meant.version)
                    or meant.is_multicast
                ):
                    raise NotAllowed(f"{host} stands for an address that nothing is ever sent to")
                if not named and not self._allows(meant):
                    raise NotAllowed(f"{host} is not among the addresses that A2A_PUSH_ALLOWED allows")

    def _is_named(self, host: str) -> bool:
        return any(host.endswith(name[1:]) if name.startswith("*.") else host == name for name in self.names)

    def _allows(self, address: Address) -> bool:
        if any(address in network for network in self.networks if network.version == address.version):
            return True
        return self.public and address.is_global and not address.is_reserved


def _name(entry: str) -> str:
    plain = entry.removeprefix("*.")
    if not plain or not all(
        part and part.replace("-", "").replace("_", "").isalnum() for part in plain.split(".")
    ):
        raise ValueError(f"{entry!r} is no name of a host, no network and not `{PUBLIC}`")
    return entry


def _meant(address: Address) -> list[Address]:
    """The address, and those of version 4 that it carries and that a gateway or a kernel would reach instead."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    carried: list[Address] = [address]
    if address.sixtofour is not None:
        carried.append(address.sixtofour)
    if address.teredo is not None:
        carried.extend(address.teredo)
    if address in _NAT64:
        carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return carried


def web_address(url: str) -> SplitResult:
    """What can be sent to at all: raises NotAllowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAllowed("this is no address") from error
    fits = len(url) <= LONGEST_ADDRESS and url.isascii() and url.isprintable() and " " not in url
    if not fits or parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise NotAllowed(
            "an address must begin with https:// or http://, name a host, and be written in ASCII"
        )
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("an address must hold no user and no password: give them as authentication")
    return parts
