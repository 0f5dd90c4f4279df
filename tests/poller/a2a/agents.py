"""Another agent, with the protocol's own SDK, before a poller over the embedded database and a scripted executor."""

from __future__ import annotations

import asyncio
import random
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.types import AgentCard, Message, Part, Role, SendMessageRequest, StreamResponse, Task
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Value

from poller.__main__ import SystemClock
from poller.a2a.doors import Doors
from poller.server import serve_jobs
from poller.settings import Settings
from process import health
from tests.fakes import Conversation, scripted_executor, small_model
from tests.poller.lifecycle import Poller, World, world

TEXT = "A customer places an order.\nThe shop ships it."
BINDINGS = [
    ("JSONRPC", "1.0"),
    ("HTTP+JSON", "1.0"),
    ("GRPC", "1.0"),
    ("JSONRPC", "0.3"),
    ("HTTP+JSON", "0.3"),
    ("GRPC", "0.3"),
]


class Hasty(SystemClock):
    """Whose pauses are short."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 20)


@dataclass
class Agents:
    """A poller that other agents can call. `http` sends no token of its own."""

    url: str
    card: AgentCard
    http: httpx.AsyncClient
    poller: Poller
    world: World
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, binding: str = "JSONRPC", version: str = "1.0", **given: Any) -> Client:
        """The SDK's own, over one of the ways that the card names."""
        card = AgentCard()
        card.CopyFrom(self.card)
        del card.supported_interfaces[:]
        card.supported_interfaces.extend(
            way
            for way in self.card.supported_interfaces
            if (way.protocol_binding, way.protocol_version) == (binding, version)
        )
        patient = httpx.AsyncClient(
            trust_env=False, verify=False, timeout=60
        )  # a busy machine is no fault of ours
        self.clients.append(patient)
        config = ClientConfig(
            supported_protocol_bindings=[binding],
            grpc_channel_factory=grpc.aio.insecure_channel,
            httpx_client=patient,
            **given,
        )
        return ClientFactory(config).create(card)


@asynccontextmanager
async def agents(script: Any = None, **given: Any) -> AsyncIterator[Agents]:
    """`given` are settings of the poller."""
    scripted = scripted_executor(script) if script else scripted_executor()
    settings = Settings(
        firebase_database_emulator_host="127.0.0.1:1", grpc_port=0, a2a_port=free_port(), **given
    )
    async with world() as rtdb, scripted as executor, rtdb.poller(executor.port) as poller:
        doors = Doors(poller.queue, poller.queue.webhooks, Hasty(), settings, boards="http://boards")
        server = await serve_jobs(poller.queue, settings, beside=doors.services)
        served = health.serving(doors.app(server.port), settings.a2a_port, name="A2A_PORT")
        telling = asyncio.create_task(doors.run())
        try:
            async with served as port, httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as http:
                url = f"http://127.0.0.1:{port}"
                card = await A2ACardResolver(http, url).get_agent_card()
                there = Agents(url, card, http, poller, rtdb)
                yield there
                for client in there.clients:
                    await client.aclose()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await server.stop(None)


def free_port() -> int:
    """For who must know it before somebody listens: one that no system gives to anybody who asks for any.

    Of the system's chance: tests share theirs, in all workers.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def message(*parts: Part, **given: Any) -> SendMessageRequest:
    parts = parts or (Part(text=TEXT),)
    given = {"message_id": str(uuid.uuid4())} | given
    return SendMessageRequest(message=Message(role=Role.ROLE_USER, parts=parts, **given))


def text(words: str) -> Part:
    return Part(text=words)


def data(value: Any) -> Part:
    return Part(data=ParseDict(value, Value()))


async def sent(client: Client, request: SendMessageRequest) -> list[StreamResponse]:
    return [event async for event in client.send_message(request)]


async def task(client: Client, request: SendMessageRequest) -> Task:
    """Of an answer that is one task."""
    [answer] = await sent(client, request)
    return answer.task


async def hang(talk: Conversation) -> None:
    """Says something, and then nothing for ever."""
    await talk.progress(2)
    await talk.snapshot(small_model())
    await talk.ask("q1")
    await talk.news.wait()
    while True:
        talk.news.clear()
        await talk.news.wait()
