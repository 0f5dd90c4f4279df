"""`eventstorming mcp`: JobService for coding agents, over the Model Context Protocol on stdin and stdout.

The database behind it stays the only place where a job is. stdout belongs to the protocol: nothing prints there.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import entry_points
from itertools import islice

from eventstorming_client import Client
from poller.cli import connection, files
from poller.cli.outcome import CliError, Exit
from poller.mcp.tools import Listed, Refused, Step, listed, server, step_of


def serve(arguments: argparse.Namespace) -> Exit:
    """Until stdin ends; with `--demo` on embedded programs of its own."""
    with ExitStack() as stack:
        target = stack.enter_context(_embedded()) if arguments.demo else None
        client = stack.enter_context(connection.jobs(target))
        server(Remote(client)).run("stdio")
    return Exit.DONE


def _embedded() -> AbstractContextManager[str]:
    """Database, executor and poller of its own; the value is where JobService is."""
    start: Callable[[], AbstractContextManager[str]] = entry_points(group="eventstorming.commands")[
        "embedded"
    ].load()
    return start()


class Remote:
    """Implements `Work` over JobService."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def submit(self, requirements: str, *, like: str) -> str:
        given = files.text_input(requirements, project="mcp")
        with _refusals():
            return (await asyncio.to_thread(self._client.submit, given, like=like)).id

    async def follow(self, job_id: str) -> AsyncGenerator[Step, None]:
        events = self._client.job(job_id).watch()
        with _refusals():
            while (event := await asyncio.to_thread(next, events, None)) is not None:
                yield step_of(event.job)

    async def cancel(self, job_id: str) -> None:
        with _refusals():
            await asyncio.to_thread(self._client.job(job_id).cancel, by="its MCP client")

    async def written(self, job_id: str, form: str) -> str:
        def document() -> str:
            return files.document(files.fetch(self._client.job(job_id)), form).text

        with _refusals():
            return await asyncio.to_thread(document)

    async def newest(self, limit: int) -> Sequence[Listed]:
        with _refusals():
            found = await asyncio.to_thread(lambda: list(islice(self._client.list(), limit)))
        return [listed(job) for job in found]


@contextmanager
def _refusals() -> Iterator[None]:
    """Refusals and outages in the words of the command line."""
    try:
        with connection.sentences("JOBS_TARGET", "poller"):
            yield
    except CliError as error:
        raise Refused(str(error)) from error
