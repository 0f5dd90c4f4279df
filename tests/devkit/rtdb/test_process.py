"""`python -m poller.rtdb.emulator` as a program: its one line, its end, and its death."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.heavy


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "poller.rtdb.emulator", "--port", "0", *options,
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        found = re.fullmatch(r"embedded RTDB listening on (127\.0\.0\.1:\d+)\n", line)
        assert found is not None, line
        yield process, f"http://{found[1]}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_with_streams_open(number: signal.Signals) -> None:
    async with running() as (process, url), httpx.AsyncClient(base_url=url) as http:
        async with http.stream("GET", "/a.json", headers={"Accept": "text/event-stream"}) as response:
            chunks = response.aiter_bytes()
            await anext(chunks)
            process.send_signal(number)
            assert [chunk async for chunk in chunks] == []
        assert await process.wait() == 0


async def test_every_answered_write_survives_kill_9(tmp_path: Path) -> None:
    data = str(tmp_path / "rtdb")
    answered: list[int] = []
    enough = asyncio.Event()

    async def write_until_killed(http: httpx.AsyncClient, start: int) -> None:
        for number in range(start, start + 10_000):
            try:
                await http.put(f"/n/{number}.json", json={"text": "x" * 300})
            except httpx.TransportError:
                return
            answered.append(number)
            if len(answered) > 50:
                enough.set()

    async with (
        running("--data", data) as (process, url),
        httpx.AsyncClient(base_url=url) as http,
        asyncio.TaskGroup() as group,
    ):
        for writer in range(4):
            group.create_task(write_until_killed(http, writer * 10_000))
        await enough.wait()
        process.kill()
    async with running("--data", data) as (_, url), httpx.AsyncClient(base_url=url) as http:
        kept = (await http.get("/n.json", params={"shallow": "true"})).json()
    assert {str(number) for number in answered} <= set(kept)


async def test_a_torn_file_does_not_get_between_it_and_its_one_line(tmp_path: Path) -> None:
    (tmp_path / "rtdb").write_bytes(b"eventstorming-rtdb 1\n1234 {torn")
    async with running("--data", str(tmp_path / "rtdb")) as (process, _):
        process.terminate()
        assert process.stdout is not None
        assert await process.stdout.read() == b""
        assert await process.wait() == 0


async def test_a_rules_file_holds_from_the_start_in_every_namespace(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text('{"rules": {"a": {".read": true}}} // nothing else')
    options = ("--rules", str(tmp_path / "rules.json"))
    async with running(*options) as (_, url), httpx.AsyncClient(base_url=url) as http:
        for namespace in ("one", "two"):
            assert (await http.get("/a.json", params={"ns": namespace})).status_code == 200
            assert (await http.put("/a.json", params={"ns": namespace}, json=1)).status_code == 401


async def test_a_rules_file_with_an_error_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text('{"rules": {".read": "newData.exists()"}}')
    code, errors = await failed("--port", "0", "--rules", str(tmp_path / "rules.json"))
    assert code == 2
    assert errors == "embedded RTDB cannot start: /.read: unknown variable 'newData'.\n"


async def test_the_help_names_every_option() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "poller.rtdb.emulator", "--help", stdout=asyncio.subprocess.PIPE
    )
    text = (await process.communicate())[0].decode()
    assert process.returncode == 0
    assert {"--host", "--port", "--data", "--rules", "--log", "--faults", "--keep-alive"} <= set(text.split())
    assert "docs/embedded-database.md" in text


async def failed(*options: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "poller.rtdb.emulator", *options, stderr=asyncio.subprocess.PIPE
    )
    errors = (await process.communicate())[1].decode()
    return process.returncode, errors


async def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    async with running() as (_, url):
        code, errors = await failed("--port", url.rpartition(":")[2])
    assert code == 2
    assert errors.startswith("embedded RTDB cannot start: ")
    assert errors.count("\n") == 1
