"""`eventstorming doctor`: looks at settings, RTDB, executor, language model and poller, and says what to do."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable

from eventstorming.v1 import executor_pb2
from rich.console import Console

from poller.cli import connection
from poller.cli.outcome import CliError, Exit
from poller.errors import Permanent, PollerError

_console = Console(highlight=False)


def doctor(arguments: argparse.Namespace) -> Exit:
    """Runs every check, also after one has failed; each failure is one sentence with its repair."""
    worst = Exit.DONE
    for name, check in _CHECKS.items():
        try:
            said = check()
        except CliError as error:
            worst = max(worst, error.exit)
            _console.print(f"[red]✗[/] {name}: {error}")
        else:
            _console.print(f"[green]✓[/] {name}: {said}")
    return worst


def _settings() -> str:
    from poller.settings import load

    try:
        settings = load()
    except Permanent as error:
        raise CliError(str(error)) from error
    return f"namespace {settings.namespace}"


def _database() -> str:
    try:
        return asyncio.run(_read_queue())
    except PollerError as error:
        raise CliError(str(error), Exit.UNREACHABLE) from error


async def _read_queue() -> str:
    from poller.rtdb.open import open_database
    from poller.settings import load

    settings = load()
    async with open_database(settings) as database:
        waiting = await database.keys(f"requestedJobs/{settings.namespace}")
        switch = await database.get("configs/eventstorming_generator/is_use_backend")
    if switch is False:
        raise CliError(
            "configs/eventstorming_generator/is_use_backend is false: the web client sends no jobs; set it to true"
        )
    return f"reachable, {len(waiting)} jobs in the queue"


def _executor() -> str:
    with connection.executor() as service:
        answer = service.Check(executor_pb2.CheckRequest(), timeout=60)
    if not answer.ok:
        raise CliError(answer.problem, Exit.UNREACHABLE)
    return f"reachable; {answer.language_model} answers"


def _jobs() -> str:
    if not connection.jobs_health():
        raise CliError(
            "it answers but takes no calls: it is draining; wait for its successor", Exit.UNREACHABLE
        )
    return "reachable and serving"


_CHECKS: dict[str, Callable[[], str]] = {
    "settings": _settings,
    "RTDB": _database,
    "executor and language model": _executor,
    "poller": _jobs,
}
