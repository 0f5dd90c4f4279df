"""Coding agents on the port inside the cluster: the same tools over HTTP, behind the token, with the SDK's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from httpx2 import AsyncClient
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from poller import settings
from poller.mcp.local import served
from process import health
from process.errors import WrongSettings
from tests.fakes import eventually, scripted_executor
from tests.poller.a2a.agents import hang
from tests.poller.lifecycle import Poller, new_id, world

TEXT = "A customer places an order.\nThe shop ships it."


@asynccontextmanager
async def _port(script: Any = None, token: str = "") -> AsyncIterator[tuple[str, Poller]]:
    scripted = scripted_executor(script) if script else scripted_executor()
    async with (
        world() as rtdb,
        scripted as executor,
        rtdb.poller(executor.port) as poller,
        served(poller.queue, token) as routes,
        health.serving(health.admin(lambda: "", lambda: "", routes), 0, name="ADMIN_PORT") as port,
    ):
        yield f"http://127.0.0.1:{port}/mcp", poller


@asynccontextmanager
async def _agent(url: str, **headers: str) -> AsyncIterator[Client]:
    async with (
        AsyncClient(headers=headers, trust_env=False, verify=False, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


async def test_a_model_is_made_read_and_listed_behind_the_token() -> None:
    reported: list[float] = []

    async def report(done: float, total: float | None, message: str | None) -> None:
        reported.append(done)

    progress: Any = report

    async with _port(token="s3cret") as (url, _), _agent(url, Authorization="Bearer s3cret") as agent:
        made = await agent.call_tool(
            "generate_event_storming", {"requirements": TEXT}, progress_callback=progress
        )
        found: Any = made.structured_content
        board: Any = (
            await agent.read_resource(f"eventstorming://jobs/{found['job_id']}/board.svg")
        ).contents[0]
        canvas = await agent.call_tool("get_model", {"job_id": found["job_id"], "format": "msaez"})
        listed: Any = (await agent.call_tool("list_jobs", {})).structured_content
        missing = await agent.call_tool("get_model", {"job_id": new_id()})
        blank = await agent.call_tool("generate_event_storming", {"requirements": " \n"})
        with pytest.raises(MCPError, match="There is no job"):
            await agent.read_resource(f"eventstorming://jobs/{new_id()}/model.json")
    assert "PlaceOrder" in found["model"]
    assert board.text.startswith("<svg")
    assert '"elements"' in _said(canvas)
    assert reported == sorted(reported)
    assert reported[-1] == 11.0
    assert [one["job_id"] for one in listed["result"]] == [found["job_id"]]
    assert (missing.is_error, blank.is_error) == (True, True)
    assert "There is no job" in _said(missing)
    assert "requirements" in _said(blank)


async def test_a_call_that_the_agent_cancels_cancels_its_job() -> None:
    begun = asyncio.Event()

    async def report(*_: object) -> None:
        begun.set()

    progress: Any = report

    async with _port(hang) as (url, _), _agent(url) as agent:
        call = asyncio.create_task(
            agent.call_tool("generate_event_storming", {"requirements": TEXT}, progress_callback=progress)
        )
        await asyncio.wait_for(begun.wait(), 30)
        call.cancel()

        async def failed() -> bool:
            listed: Any = (await agent.call_tool("list_jobs", {})).structured_content
            return any("its MCP client" in one["failure"] for one in listed["result"])

        assert await eventually(failed, seconds=30)


async def test_nobody_gets_in_without_the_token_and_no_web_page_without_one() -> None:
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        async with _port(token="s3cret") as (url, _):
            refused = [await http.post(url, json={}), await http.get(url)]
        async with _port() as (url, _):
            page = await http.post(url, json={}, headers={"Origin": "https://evil.example"})
    assert [each.status_code for each in refused] == [401, 401]
    assert page.status_code == 403


def test_without_the_package_the_start_stops_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    with pytest.raises(
        WrongSettings, match="MCP_HTTP: this installation cannot speak MCP: install the extra `mcp`"
    ):
        settings.load(mcp_http=True, firebase_database_emulator_host="127.0.0.1:1")


def _said(result: Any) -> str:
    return str(result.content[0].text)
