"""`/readyz` of a poller that runs as a process of its own: each thing that keeps it from working is said in words."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from devkit.rtdb.server import Emulator
from poller.metrics import Metrics
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.names import OUTPUTS
from poller.rtdb.rest import Database
from tests.fakes import eventually, scripted_executor
from tests.poller.lifecycle import NODES, inputs, new_id
from tests.poller.rtdb.test_credentials import TokenEndpoint, endpoint, key_file, private_key

pytestmark = pytest.mark.heavy

__all__ = ["endpoint", "key_file", "private_key"]


@dataclass
class Running:
    http: httpx.AsyncClient
    process: asyncio.subprocess.Process

    async def ready(self) -> str:
        answer = await self.http.get("/readyz")
        assert (answer.status_code == 200) == (answer.text == "ok")
        return answer.text

    async def says(self, words: str) -> None:
        """Waits until it does; a failure shows what it said instead."""
        said = ""

        async def wanted() -> bool:
            nonlocal said
            said = await self.ready()
            return re.search(words, said) is not None

        try:
            await eventually(wanted, seconds=40)
        except TimeoutError:
            assert re.search(words, said), said


@asynccontextmanager
async def running(**settings: str) -> AsyncIterator[Running]:
    """Its output is thrown away after the line that names its ports."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIREBASE_")}
    environment |= dict.fromkeys(("HTTP_PORT", "ADMIN_PORT", "GRPC_PORT"), "0") | settings
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "poller",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        while not (found := re.search(rb"admin\W+(\d+)", line := await process.stdout.readline())):
            assert line, "it ended"
        throwing = asyncio.create_task(process.stdout.read())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{int(found[1])}", timeout=20) as http:
            yield Running(http, process)
            assert process.returncode is None, "it ended"
        throwing.cancel()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def set_rules(rtdb: Emulator, *, read: bool) -> None:
    async with httpx.AsyncClient(headers={"Authorization": "Bearer owner"}) as http:
        url = f"{rtdb.url}/.settings/rules.json?ns=test"
        (await http.put(url, json={"rules": {".read": read, ".write": True}})).raise_for_status()


def client(rtdb: Emulator) -> Database:
    return Database.connect(
        base_url=rtdb.url, namespace="test", credentials=EmulatorCredentials(), metrics=Metrics()
    )


async def finished(database: Database, job: str) -> dict[str, Any]:
    async def over() -> Any:
        outputs = await database.get(NODES.leaf(job, OUTPUTS)) or {}
        return outputs if outputs.get("isCompleted") or outputs.get("isFailed") else None

    found: dict[str, Any] = await eventually(over, seconds=20)
    return found


@pytest.mark.timeout(180)
async def test_every_reason_is_said_and_goes_away_with_its_cause() -> None:
    async with Emulator(faults=True) as rtdb, scripted_executor() as executor, client(rtdb) as database:
        await executor.kill()
        rtdb.faults.change({"frozen": True})
        settings = {
            "FIREBASE_DATABASE_EMULATOR_HOST": rtdb.address,
            "FIREBASE_DATABASE_URL": "http://localhost?ns=test",
            "FIREBASE_DATABASE_LEASE_RULES": "true",
            "EXECUTOR_TARGET": f"127.0.0.1:{executor.port}",
        }
        async with running(**settings) as poller:
            await poller.says(r"not being watched \(jobStates/eventstorming_generator: connecting")
            rtdb.faults.reset()
            await poller.says(rf"no executor is ready \(127\.0\.0\.1:{executor.port}: UNAVAILABLE")
            await executor.start(executor.port)
            await poller.says("^ok$")
            await set_rules(rtdb, read=False)
            await poller.says("RTDB's rules (no longer allow watching|do not allow GET) requestedJobs/")
            await set_rules(rtdb, read=True)
            await poller.says("^ok$")
            rtdb.app.admin_tokens = frozenset({"another"})
            rtdb.app.end_streams("revoke")
            await poller.says("the access token (was revoked|is no longer accepted)")
            rtdb.app.admin_tokens = frozenset({"owner"})
            await poller.says("^ok$")
            rtdb.faults.change({"errors": -1})
            rtdb.app.end_streams("cut")
            await poller.says("RTDB answered 503")
            rtdb.faults.reset()
            await poller.says("^ok$")
            job = new_id()
            await database.put(NODES.job(job), {"state": {"inputs": inputs(job)}})
            await database.put(NODES.entry(job), {"createdAt": {".sv": "timestamp"}})
            assert (await finished(database, job))["isCompleted"] is True


@pytest.mark.timeout(180)
async def test_a_database_that_is_not_there_is_said() -> None:
    async with Emulator() as rtdb:
        address = rtdb.address
    settings = {"FIREBASE_DATABASE_EMULATOR_HOST": address, "EXECUTOR_TARGET": "127.0.0.1:1"}
    async with running(**settings) as poller:
        await poller.says("RTDB cannot be reached")


@pytest.mark.timeout(180)
async def test_a_refused_key_is_said_and_a_key_that_is_accepted_again_is_used(
    key_file: Path, endpoint: TokenEndpoint
) -> None:
    endpoint.status = 400
    async with (
        Emulator(admin_tokens=frozenset(f"token-{n}" for n in range(99))) as rtdb,
        scripted_executor() as executor,
    ):
        settings = {
            "FIREBASE_DATABASE_URL": f"{rtdb.url}?ns=test",
            "FIREBASE_SERVICE_ACCOUNT_PATH": str(key_file),
            "EXECUTOR_TARGET": f"127.0.0.1:{executor.port}",
        }
        async with running(**settings) as poller:
            await poller.says("Google refuses these credentials .*FIREBASE_SERVICE_ACCOUNT_PATH")
            endpoint.status = 200
            await poller.says("^ok$")
