"""Whoever does not read, or asks for too much, costs the embedded database a bounded amount of memory, and the others nothing."""

from __future__ import annotations

import base64
import json
import os
import re
import socket as sockets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devkit.programs import Program, Programs
from devkit.rtdb.backlog import MAX_BACKLOG_BYTES
from tests.fakes import eventually

pytestmark = pytest.mark.heavy

MIB = 1024 * 1024


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Program]:
    with Programs(tmp_path) as programs:
        yield programs.start("rtdb", "poller.rtdb.emulator", "--port", "0", "--faults")


def most_memory(program: Program) -> int:
    """Bytes resident, at most so far."""
    status = Path(f"/proc/{program.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def deaf(port: int) -> sockets.socket:
    """Listens to /a on a WebSocket, and reads nothing ever."""
    made = sockets.create_connection(("127.0.0.1", port))
    made.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    key = base64.b64encode(os.urandom(16)).decode()
    made.sendall(
        f"GET /.ws?v=5&ns=test HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += made.recv(1)
    made.sendall(frame(json.dumps({"t": "d", "d": {"r": 1, "a": "q", "b": {"p": "/a", "h": ""}}}).encode()))
    return made


def frame(payload: bytes) -> bytes:
    """One short text frame of a client, masked with zeros."""
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


async def test_clients_that_never_read_are_cut_off_and_the_others_hear_everything(database: Program) -> None:
    port = database.ports()["rtdb"]
    silent = [deaf(port) for _ in range(10)]
    namespace = {"ns": "test", "print": "silent"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", params=namespace, timeout=60) as http:
        await eventually(lambda: watch(http, len(silent)))
        before = most_memory(database)
        heard: list[int] = []
        async with http.stream("GET", "/b.json", headers={"Accept": "text/event-stream"}) as other:
            for number in range(100):
                await http.put("/a.json", json=f"{number}" + "x" * MIB)
                await http.put("/b.json", json=number)
            async for line in other.aiter_lines():
                heard += [json.loads(line[6:])["data"]] if line.startswith("data: {") else []
                if heard[-1:] == [99]:
                    break
        assert heard == [None, *range(100)]
        await eventually(lambda: watch(http, 0))
    assert most_memory(database) - before < MAX_BACKLOG_BYTES + len(silent) * 4 * MIB
    for one in silent:
        one.close()


async def watch(http: httpx.AsyncClient, count: int) -> bool:
    stats = (await http.get("/.emulator/stats.json", params={"print": "pretty"})).json()
    return bool(stats["watchers"] == count)


async def test_a_message_that_never_ends_takes_no_more_than_it_may(database: Program) -> None:
    port = database.ports()["rtdb"]
    before = most_memory(database)
    for _ in range(5):
        made = deaf(port)
        made.sendall(frame(b"4096"))
        piece = bytes([0x81, 0xFF]) + MIB.to_bytes(8, "big") + b"\0" * 4 + b"x" * MIB
        made.sendall(piece * 40)
        answer = b""
        while b"at most 16777216 characters" not in answer:
            answer += made.recv(4096)
        made.close()
    assert most_memory(database) - before < 80 * MIB
