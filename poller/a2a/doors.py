"""How the protocol is reached: its card, JSON-RPC and REST on a port of their own, gRPC beside JobService; 1.x and 0.3 clients alike."""

from __future__ import annotations

import logging
import socket
from functools import partial
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import a2a.types.a2a_pb2_grpc as grpc_1_0
import grpc
from a2a.compat.v0_3 import a2a_v0_3_pb2_grpc as grpc_0_3
from a2a.compat.v0_3.grpc_handler import CompatGrpcHandler
from a2a.server.context import ServerCallContext
from a2a.server.request_handlers.grpc_handler import DefaultGrpcServerCallContextBuilder, GrpcHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.routes.common import DefaultServerCallContextBuilder
from a2a.types import AgentCard, InvalidRequestError, VersionNotSupportedError
from a2a.utils.constants import PROTOCOL_VERSION_1_0, VERSION_HEADER
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poller import admin
from poller.a2a.card import agent_card
from poller.a2a.configs import PushConfigs
from poller.a2a.courier import Courier
from poller.a2a.outgoing import Links
from poller.a2a.streams import as_of_0_3, lively
from poller.a2a.tasks import Tasks
from poller.a2a.views import TaskViews
from poller.addresses import Allowed
from poller.ports import Clock, Jobs, Webhooks
from poller.settings import Settings
from process.server import MESSAGE_BYTES, Services
from process.settings import EVERYWHERE

CARD_SECONDS = 300

CARDS = ("/.well-known/agent-card.json", "/.well-known/agent.json")
"""Where the protocol looks for the card, and where it did before."""


class Doors:
    """One set of tasks behind all of them."""

    def __init__(
        self, jobs: Jobs, webhooks: Webhooks, clock: Clock, settings: Settings, *, boards: str | None
    ) -> None:
        self._settings = settings
        links = Links(msaez=settings.msaez_url, boards=boards)
        allowed = Allowed.of(settings.a2a_push_allowed)
        views, configs = TaskViews(jobs, links), PushConfigs(jobs, webhooks, allowed)
        self._tasks = Tasks(jobs, views, configs, answer=settings.a2a_answer)
        self._courier = Courier(jobs, webhooks, clock, views.described, allowed=allowed)
        # It quotes what agents send; what goes wrong on our side is logged in `boundary`.
        logging.getLogger("a2a").setLevel(logging.CRITICAL)

    async def run(self) -> None:
        """Tells webhooks until cancelled."""
        await self._courier.run()

    @property
    def services(self) -> Services:
        """Those of 1.0 and 0.3, for the poller's gRPC server, whose token guards them."""
        add, add_0_3 = grpc_1_0.add_A2AServiceServicer_to_server, grpc_0_3.add_A2AServiceServicer_to_server
        return {
            "lf.a2a.v1.A2AService": partial(add, GrpcHandler(self._tasks, _New())),
            "a2a.v1.A2AService": partial(add_0_3, CompatGrpcHandler(self._tasks, _Old())),
        }

    def app(self, grpc_port: int) -> Starlette:
        """HTTP: the card for everybody, the rest behind the token."""
        who = self._card(grpc_port)
        cards = [
            route
            for path in CARDS
            for route in create_agent_card_routes(
                who, card_url=path, cache_control=f"public, max-age={CARD_SECONDS}"
            )
        ]
        old = create_rest_routes(self._tasks, _OldHttp(), enable_v0_3_compat=True)
        calls = lively(
            [
                *create_jsonrpc_routes(self._tasks, "/", enable_v0_3_compat=True),
                *as_of_0_3(old),
                *create_rest_routes(self._tasks),
            ]
        )
        walled = Mount("/", _Bounded(admin.for_programs(Router(calls), self._settings.token)))
        return Starlette(routes=[*cards, walled])

    def _card(self, grpc_port: int) -> AgentCard:
        """gRPC is on the same host, unless HTTP is told to be reached by TLS, which ends before us."""
        settings = self._settings
        url = settings.a2a_external_url or f"http://{_reached_as(settings.bind_host)}:{settings.a2a_port}"
        return agent_card(
            url=url,
            grpc=f"{_host(url)}:{grpc_port}" if url.startswith("http:") else "",
            token=bool(settings.token),
            version=version("eventstorming-generator"),
            pushes=True,
        )


def _reached_as(host: str) -> str:
    """The name under which others reach what is bound to `host`."""
    if host in (EVERYWHERE, "0.0.0.0"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _host(url: str) -> str:
    name = urlsplit(url).hostname or ""
    return f"[{name}]" if ":" in name else name


class _New(DefaultGrpcServerCallContextBuilder):
    """Refuses a version that is not ours, as the SDK does over HTTP; none named is ours here."""

    def build(self, context: grpc.aio.ServicerContext[Any, Any]) -> ServerCallContext:
        asked = dict(context.invocation_metadata() or ()).get(VERSION_HEADER.lower(), "")
        if str(asked).partition(".")[0] not in ("", PROTOCOL_VERSION_1_0.partition(".")[0]):
            raise VersionNotSupportedError(f"A2A {str(asked)[:20]} is not spoken by this service.")
        return super().build(context)


class _Old(DefaultGrpcServerCallContextBuilder):
    """Says that a call is one of 0.3, as the SDK's JSON-RPC does by the name of its method."""

    def build(self, context: grpc.aio.ServicerContext[Any, Any]) -> ServerCallContext:
        built = super().build(context)
        built.state["method"] = "grpc/0.3"
        return built


class _OldHttp(DefaultServerCallContextBuilder):
    """As above, over HTTP."""

    def build(self, request: Request) -> ServerCallContext:
        built = super().build(request)
        built.state["method"] = "rest/0.3"
        return built


class _Bounded:
    """Takes no body that is not JSON, or longer than a message of gRPC may be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken, kind = 0, Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        if kind and not kind.endswith("json"):
            refusal = PlainTextResponse("Send JSON: Content-Type: application/json.", status_code=415)
            await refusal(scope, receive, send)
            return

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MESSAGE_BYTES:
                raise InvalidRequestError(f"A request must be at most {MESSAGE_BYTES >> 20} MiB long.")
            return message

        await self._app(scope, bounded, send)
