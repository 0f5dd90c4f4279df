"""The gRPC server of a program: token, TLS, health and reflection around the services it is given."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

import grpc
from google.rpc import code_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from process.errors import PortTaken
from process.settings import ProcessSettings
from process.status import status

MESSAGE_BYTES: Final = 32 * 1024 * 1024
METADATA_BYTES: Final = 64 * 1024
OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_metadata_size", METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),  # else a client's pings end in GOAWAY
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),  # a port in use is an error, not a second server
)
Services: TypeAlias = dict[str, Callable[[grpc.aio.Server], None]]
"""By full name, what adds the service to a server."""


class GrpcServer:
    """Server and health in one life: SERVING from `start` to `not_serving`. Raises PortTaken at once."""

    def __init__(
        self,
        settings: ProcessSettings,
        services: Services,
        *,
        options: Sequence[tuple[str, int]] = (),
        tokenless: Sequence[str] = (),
    ) -> None:
        """Services in `tokenless` are for callers that can send no token; health always is."""
        guards = [_TokenRequired(settings.token, tokenless)] if settings.token else []
        self._server = grpc.aio.server(interceptors=guards, options=(*OPTIONS, *options))
        self._names, self._health = tuple(services), health.aio.HealthServicer()
        for add in services.values():
            add(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if settings.grpc_reflection:
            names = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        self.port: Final = _bound(self._server, settings)
        self.stopped = False

    async def start(self) -> None:
        """Takes calls from now on."""
        await self._server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def not_serving(self) -> None:
        """For whoever watches health; calls are still answered."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace: float | None) -> None:
        """No new calls; open ones have so many seconds."""
        self.stopped = True
        await self.not_serving()
        await self._server.stop(grace)


def _bound(server: grpc.aio.Server, settings: ProcessSettings) -> int:
    host = f"[{settings.bind_host}]" if ":" in settings.bind_host else settings.bind_host
    address = f"{host}:{settings.grpc_port}"
    try:
        if not settings.grpc_tls_cert or not settings.grpc_tls_key:
            return server.add_insecure_port(address)
        pair = settings.grpc_tls_key.read_bytes(), settings.grpc_tls_cert.read_bytes()
        ca = settings.grpc_tls_ca.read_bytes() if settings.grpc_tls_ca else None
        tls = grpc.ssl_server_credentials([pair], root_certificates=ca, require_client_auth=ca is not None)
        return server.add_secure_port(address, tls)
    except (RuntimeError, OSError) as error:
        raise PortTaken(f"GRPC_PORT: cannot listen on {address}: {error}") from error


class _TokenRequired(grpc.aio.ServerInterceptor):
    """Refuses calls without `authorization: Bearer <token>`."""

    def __init__(self, token: str, tokenless: Sequence[str]) -> None:
        self._expected = f"Bearer {token}".encode()
        self._open = tuple(f"/{name}/" for name in (health.SERVICE_NAME, *tokenless))

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> Any:
        """The call itself, or one that refuses."""
        given = dict(details.invocation_metadata or ()).get("authorization", "")
        sent = given if isinstance(given, bytes) else given.encode()
        if details.method.startswith(self._open) or hmac.compare_digest(sent, self._expected):
            return await continuation(details)
        return grpc.stream_stream_rpc_method_handler(_refuse)  # fits every kind of call


async def _refuse(_: Any, context: Any) -> None:
    """Hears the first message before it answers: a client whose first write meets the end of the call would not see why."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await context.read()
    words = "Send the token as metadata: authorization: Bearer <GRPC_TOKEN>."
    await context.abort_with_status(
        rpc_status.to_status(status(code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED", words))
    )
