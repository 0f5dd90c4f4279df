"""gRPC ignores an option that it does not know, and says nothing: every one of ours is a name that the library has."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import grpc
import pytest

import executor.server
import poller.executors
import process.server
from eventstorming_client import channel

OURS = {
    "executor": executor.server.KEEPALIVE,
    "server": process.server.OPTIONS,
    "link": poller.executors.OPTIONS,
    "client": channel._OPTIONS,
}


@cache
def library() -> bytes:
    (path,) = (Path(grpc.__file__).parent / "_cython").glob("cygrpc*.so")
    return path.read_bytes()


@pytest.mark.parametrize("where", OURS)
def test_every_channel_option_is_known_to_the_library(where: str) -> None:
    unknown = [name for name, _ in OURS[where] if f"{name}\0".encode() not in library()]
    assert unknown == []


def test_servers_bear_the_pings_of_our_own_clients() -> None:
    """Else a quiet stream ends in GOAWAY "too many pings" after the fourth."""
    pings = {name: value for name, value in OURS["link"] if name == "grpc.keepalive_time_ms"}
    least = dict(OURS["server"])["grpc.http2.min_ping_interval_without_data_ms"]
    assert least < pings["grpc.keepalive_time_ms"]
