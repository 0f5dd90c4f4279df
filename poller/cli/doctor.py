"""`eventstorming doctor`: looks at settings, RTDB, executor, language model and poller, and says what to do."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing

from eventstorming.v1 import executor_pb2
from rich.console import Console
from rich.markup import escape

from poller.cli import connection
from poller.cli.outcome import CliError, Exit
from poller.errors import PollerError
from process.errors import WrongSettings

_console = Console(highlight=False)


def doctor(arguments: argparse.Namespace) -> Exit:
    """Runs every check, also after one has failed; each failure is one sentence with its repair."""
    worst = Exit.DONE
    for name, check in _CHECKS.items():
        try:
            for said in check():
                _console.print(f"[green]✓[/] {name}: {escape(said)}")
        except CliError as error:
            worst = max(worst, error.exit)
            _console.print(f"[red]✗[/] {name}: {escape(str(error))}")
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
    with connection.executor() as service:
        answer = service.Check(executor_pb2.CheckRequest(), timeout=60)
    if not answer.ok:
        raise CliError(answer.problem, Exit.UNREACHABLE)
    yield f"reachable; {answer.language_model} answers"


def _jobs() -> Iterator[str]:
    if not connection.jobs_health():
        raise CliError(
            "it answers but takes no calls: it is draining; wait for its successor", Exit.UNREACHABLE
        )
    yield "reachable and serving"


_CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "settings": _settings,
    "RTDB": _database,
    "executor and language model": _executor,
    "poller": _jobs,
}
