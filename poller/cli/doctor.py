"""`eventstorming doctor`: looks at settings, RTDB, executor, language model and poller, and says what to do."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import aclosing
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from rich.console import Console
from rich.markup import escape

from poller.cli import connection, show
from poller.cli.outcome import CliError, Exit, Remark
from poller.errors import PollerError
from process.errors import WrongSettings

_console = Console(highlight=False)
_SECONDS = 5.0
_MARKS = {"ok": "[green]✓[/]", "remark": "[yellow]![/]", "wrong": "[red]✗[/]"}


def doctor(arguments: argparse.Namespace) -> Exit:
    """Runs every check, also after one has failed; each failure is one sentence with its repair."""
    worst, told = Exit.DONE, []
    for name, check in _CHECKS.items():
        try:
            for said in check():
                told.append((name, "remark" if isinstance(said, Remark) else "ok", said))
        except CliError as error:
            worst = max(worst, error.exit)
            told.append((name, "wrong", str(error)))
        while told and not arguments.json:
            where, how, said = told.pop(0)
            _console.print(f"{_MARKS[how]} {where}: {escape(said)}", soft_wrap=True)
    if arguments.json:
        show.as_json([dict(zip(("check", "result", "said"), it, strict=True)) for it in told], indent=1)
    return worst


def _settings() -> Iterator[str]:
    from poller.settings import load

    try:
        yield f"namespace {load().namespace}"
    except WrongSettings as error:
        raise CliError(str(error)) from error


def _database() -> Iterator[str]:
    found: list[str] = []
    problem = asyncio.run(_examined(found))
    yield from found
    if problem:
        raise problem


async def _examined(found: list[str]) -> CliError | None:
    from poller.cli.examination import examine
    from poller.settings import load

    try:
        async with aclosing(examine(load())) as sentences:
            async for sentence in sentences:
                found.append(sentence)
    except CliError as problem:
        return problem
    except WrongSettings:
        return CliError("not looked at: the settings are wrong")
    except PollerError as error:
        return CliError(str(error), Exit.UNREACHABLE)
    return None


def _executor() -> Iterator[str]:
    answer = connection.checked()
    if not answer.ok:
        raise CliError(
            f"the executor is there, its language model is not: {answer.problem}", Exit.UNREACHABLE
        )
    yield f"reachable; {answer.language_model} answers"
    here = os.environ.get("AI_MODEL", "")
    if here and here not in (answer.language_model, answer.language_model.removeprefix("openai:")):
        yield Remark(f"AI_MODEL is {here} in this shell, but that executor was started with another")


def _jobs() -> Iterator[str]:
    if not connection.serving():
        raise CliError(
            "it answers but takes no calls: it is draining; wait for its successor", Exit.UNREACHABLE
        )
    yield "reachable and serving"


def _agents() -> Iterator[str]:
    """Only where A2A is on: whether the card is where other agents are told to look for it."""
    from poller.settings import load

    try:
        settings = load()
    except WrongSettings:
        return
    if not settings.a2a_port:
        return
    url = settings.a2a_external_url or f"http://127.0.0.1:{settings.a2a_port}"
    try:
        with urlopen(f"{url}/.well-known/agent-card.json", timeout=_SECONDS) as answer:
            card = json.load(answer)
    except (OSError, ValueError) as error:
        raise CliError(
            f"there is no agent card at {url} ({error}). Check A2A_PORT of the poller, A2A_EXTERNAL_URL and the network.",
            Exit.UNREACHABLE,
        ) from error
    yield f"the agent card is at {url}, for version {card.get('version', '?')}"


def _coding_agents() -> Iterator[str]:
    """Only where MCP is on: whether the poller on this machine serves it, and takes this token."""
    from poller.settings import load

    try:
        settings = load()
    except WrongSettings:
        return
    if not settings.mcp_http:
        return
    url = f"http://127.0.0.1:{settings.admin_port}/mcp"
    try:
        _asked(url, settings.token)
    except OSError as error:
        raise CliError(
            f"MCP is not served at {url} ({error}). Check MCP_HTTP, ADMIN_PORT and GRPC_TOKEN of the poller.",
            Exit.UNREACHABLE,
        ) from error
    yield f"served at {url}"


def _asked(url: str, token: str) -> None:
    """Raises OSError. Being told that this is no whole call is what is hoped for: a call would leave a session behind."""
    try:
        with urlopen(Request(url, headers={"Authorization": f"Bearer {token}"}), timeout=_SECONDS):
            pass
    except HTTPError as error:
        if error.code != HTTPStatus.NOT_ACCEPTABLE:
            raise


_CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "settings": _settings,
    "RTDB": _database,
    "executor and language model": _executor,
    "poller": _jobs,
    "other agents": _agents,
    "coding agents": _coding_agents,
}
