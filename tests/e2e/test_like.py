"""`submit --like JOB`: an edited sentence is asked about again, everything else comes from the earlier job's journal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from devkit.programs import Programs
from executor.graph.prompt import read_blocks
from tests.e2e.pair import Pair, start_pair
from workbench.openai_server import Ask, Behaviour, OpenAIServer, embedded, running

EXAMPLE = Path(__file__).parents[2] / "examples" / "library.en.md"
SENTENCE = "The loan status is one of OPEN, OVERDUE or CLOSED."
EDITED = "The loan status is one of OPEN, OVERDUE, LOST or CLOSED."
TOUCHED = "Lending"
WHOLE_TEXT = {"OutlineAnswer", "PoliciesAnswer"}
GONE = "0" * 8 + "-0000-0000-0000-" + "0" * 12


@dataclass
class Ran:
    code: int
    out: str
    err: str


@dataclass
class World:
    pair: Pair
    server: OpenAIServer
    asked: int = 0
    jobs: dict[str, str] = field(default_factory=dict)

    def new_asks(self) -> list[Ask]:
        """What the language model was asked since the last look."""
        start, self.asked = self.asked, len(self.server.asks)
        return self.server.asks[start:]

    async def cli(self, *arguments: str) -> Ran:
        environment = {**os.environ, "JOBS_TARGET": f"127.0.0.1:{self.pair.ports['grpc']}"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "poller.cli", *arguments),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Ran(process.returncode or 0, out.decode().strip(), re.sub(r"\s+", " ", err.decode()))

    async def model(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((await self.cli("get", job_id)).out)
        return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(Behaviour(script=embedded())) as (server, url):
        with Programs(tmp_path / "log") as programs:
            settings = {"AI_MODEL": "openai:local", "OPENAI_API_KEY": "sk-local", "OPENAI_BASE_URL": url}
            yield World(start_pair(programs, executors=settings), server)


def _about(ask: Ask) -> str:
    """The context or aggregate a question is about."""
    blocks = read_blocks(str(ask.messages[1]["content"]))
    about = blocks.get("context") or blocks.get("aggregate") or {}
    return str(about.get("name", ""))


async def test_an_edited_sentence_is_asked_about_again_and_nothing_else(world: World, tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8")
    edited = tmp_path / "edited.md"
    edited.write_text(text.replace(SENTENCE, EDITED), "utf-8")
    assert edited.read_text("utf-8") != text

    first = await world.cli("submit", str(EXAMPLE), "--watch")
    assert first.code == 0, first.err
    before, asked_first = await world.model(first.out), world.new_asks()
    second = await world.cli("submit", str(edited), "--watch", "--like", first.out)
    assert second.code == 0, second.err
    after, asked_again = await world.model(second.out), world.new_asks()

    touched = next(each for each in before["boundedContexts"] if each["name"] == TOUCHED)
    theirs = {TOUCHED} | {each["name"] for each in touched["aggregates"]}
    assert not {ask.hash for ask in asked_again} & {ask.hash for ask in asked_first}
    units = [ask for ask in asked_again if ask.schema not in WHOLE_TEXT]
    assert {_about(ask) for ask in units} <= theirs
    assert {ask.schema for ask in asked_again} >= WHOLE_TEXT | {"DraftAnswer", "BehaviourAnswer"}
    saved = len(asked_first) - len(asked_again)
    assert f"Calls saved: {saved} of {len(asked_first)}; {len(asked_again)} questions were new." in second.err

    def others(model: dict[str, Any]) -> str:
        rest = [each for each in model["boundedContexts"] if each["name"] != TOUCHED]
        return json.dumps([rest, model["policies"], model["references"], model["actors"]])

    assert others(after) == others(before)
    assert after["sourceText"] == edited.read_text("utf-8")


async def test_the_same_text_again_asks_nothing_even_when_the_earlier_job_is_deleted_meanwhile(
    world: World,
) -> None:
    first = await world.cli("submit", str(EXAMPLE), "--watch")
    world.new_asks()
    second = await world.cli("submit", str(EXAMPLE), "--watch", "--like", first.out)
    assert world.new_asks() == []
    assert await world.model(second.out) == await world.model(first.out)

    assert (await world.cli("delete", first.out)).code == 0
    third = await world.cli("submit", str(EXAMPLE), "--watch", "--like", second.out)
    assert third.code == 0, third.err
    assert world.new_asks() == []


async def test_an_earlier_job_that_is_gone_is_named_and_nothing_is_submitted(world: World) -> None:
    run = await world.cli("submit", str(EXAMPLE), "--like", GONE)

    assert run.code == 2
    assert run.out == ""
    assert f"There is no job {GONE} any more whose answers could be used again." in run.err
    assert await asyncio.to_thread(world.pair.client.get, "requestedJobs") is None
