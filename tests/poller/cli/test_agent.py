"""A coding agent over the Model Context Protocol: its SDK's own client, over stdio, on embedded programs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from tests.fakes import eventually

pytestmark = pytest.mark.heavy

TEXT = "# Loans\nA member borrows a book.\nWhen a book is returned, the next reader is notified.\n"


@asynccontextmanager
async def _agent(folder: Path, *arguments: str, **environment: str) -> AsyncIterator[Client]:
    """Started in an empty folder."""
    command = ["-m", "poller.cli", "mcp", *arguments]
    server = StdioServerParameters(command=sys.executable, args=command, cwd=folder, env=environment)
    async with Client(server) as client:
        yield client


async def test_a_model_from_a_text_is_made_read_listed_and_checked(tmp_path: Path) -> None:
    reported: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        reported.append((done, total))

    async with _agent(tmp_path, "--demo") as agent:
        tools = {tool.name for tool in (await agent.list_tools()).tools}
        made = await agent.call_tool(
            "generate_event_storming", {"requirements": TEXT}, progress_callback=progress
        )
        found: Any = made.structured_content
        board = (await agent.read_resource(f"eventstorming://jobs/{found['job_id']}/board.svg")).contents[0]
        canvas = await agent.call_tool("get_model", {"job_id": found["job_id"], "format": "msaez"})
        listed: Any = (await agent.call_tool("list_jobs", {})).structured_content
        nothing = await agent.call_tool("validate", {"es_value": _parsed(canvas)})
        broken = await agent.call_tool("validate", {"es_value": {"elements": {}, "relations": {}}})
    assert tools == {"generate_event_storming", "get_model", "list_jobs", "validate"}
    assert not made.is_error
    assert "BorrowBook" in found["model"]
    assert board.mime_type == "image/svg+xml"
    assert board.text.startswith("<svg")
    assert reported == sorted(reported)
    assert reported[-1] == (11.0, 11.0)
    assert [one["job_id"] for one in listed["result"]] == [found["job_id"]]
    assert nothing.structured_content == {"result": []}
    assert broken.structured_content != {"result": []}


async def test_a_call_that_the_agent_cancels_cancels_its_job(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def progress(*_: object) -> None:
        begun.set()

    long = "\n".join(f"A clerk registers a thing number {number}." for number in range(4000))
    async with _agent(tmp_path, "--demo") as agent:
        call = asyncio.create_task(
            agent.call_tool("generate_event_storming", {"requirements": long}, progress_callback=progress)
        )
        await asyncio.wait_for(begun.wait(), 60)
        call.cancel()

        async def failed() -> bool:
            listed: Any = (await agent.call_tool("list_jobs", {})).structured_content
            return any("its MCP client" in one["failure"] for one in listed["result"])

        assert await eventually(failed)


async def test_what_is_refused_or_out_of_reach_is_said_in_words(tmp_path: Path) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    async with _agent(tmp_path, JOBS_TARGET="127.0.0.1:1") as agent:
        away = await agent.call_tool("list_jobs", {})
    async with _agent(tmp_path, "--demo") as agent:
        missing = await agent.call_tool("get_model", {"job_id": unknown})
        blank = await agent.call_tool("generate_event_storming", {"requirements": " \n"})
        with pytest.raises(MCPError, match="There is no job"):
            await agent.read_resource(f"eventstorming://jobs/{unknown}/model.json")
    assert [one.is_error for one in (away, missing, blank)] == [True, True, True]
    assert "Is it running?" in _said(away)
    assert "There is no job" in _said(missing)
    assert "requirements" in _said(blank)


def test_the_page_for_agents_has_an_example_that_runs(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "agents.md").read_text("utf-8")
    example = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "BorrowBook" in ran.stdout, ran.stderr


def _said(result: Any) -> str:
    return str(result.content[0].text)


def _parsed(result: Any) -> Any:
    return json.loads(_said(result))
