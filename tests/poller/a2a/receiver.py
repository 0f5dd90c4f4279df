"""Somebody who is told: keeps what comes, and answers as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fakes import eventually


@dataclass
class Told:
    """One POST."""

    path: str
    fields: dict[str, str]
    body: bytes
    status: int

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    @property
    def state(self) -> str:
        """The task's, in both forms of the protocol."""
        held = self.value.get("task") or self.value.get("statusUpdate") or self.value
        return str(held["status"]["state"])

    @property
    def ends(self) -> bool:
        return self.state in ("TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_CANCELED", "completed")


@dataclass
class Receiver:
    """`answer` says the status, and where a redirect leads, for a number of ends told before; 0: no answer at all."""

    answer: Callable[[int], tuple[int, str]] = lambda _: (204, "")
    port: int = 0
    told: list[Told] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ends(self) -> list[Told]:
        return [each for each in self.told if each.ends]

    async def ended(self, number: int = 1, *, seconds: float = 30) -> list[Told]:
        """Ends that were acknowledged."""

        def good() -> list[Told]:
            return [each for each in self.ends if each.status == 204]

        await eventually(lambda: len(good()) >= number, seconds=seconds)
        return good()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(fields["content-length"]))
        told = Told(first.split(" ")[1], fields, body, 0)
        status, location = self.answer(len(self.ends)) if told.ends else (204, "")
        told.status = status
        self.told.append(told)
        if status:
            leads = f"Location: {location}\r\n" if location else ""
            writer.write(f"HTTP/1.1 {status} x\r\n{leads}Content-Length: 0\r\n\r\n".encode())
        writer.close()


@asynccontextmanager
async def receiver(answer: Callable[[int], tuple[int, str]] | None = None) -> AsyncIterator[Receiver]:
    there = Receiver(answer) if answer else Receiver()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    there.port = server.sockets[0].getsockname()[1]
    async with server:
        yield there
