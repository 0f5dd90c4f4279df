"""The gRPC server around ExecutorService: options, TLS, token, health, reflection."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import grpc
from eventstorming.v1 import executor_pb2, executor_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from executor.service import ExecutorService
from executor.settings import Settings, SettingsError
from executor.status import Unauthenticated, status_of

MESSAGE_BYTES: Final = 32 * 1024 * 1024
OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),  # without it a frozen peer is noticed after a minute
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),  # else the poller's pings end in GOAWAY
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.so_reuseport", 0),  # a port in use is an error, not a second server
)
SERVICE: Final = executor_pb2.DESCRIPTOR.services_by_name["ExecutorService"].full_name
_HEALTH: Final = f"/{health.SERVICE_NAME}/"


class TokenRequired(grpc.aio.ServerInterceptor):
    """Every call but health needs `authorization: Bearer <token>`."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> Any:
        """The call itself, or one that refuses."""
        given = dict(details.invocation_metadata or ()).get("authorization", "")
        sent = given if isinstance(given, bytes) else given.encode()
        if details.method.startswith(_HEALTH) or hmac.compare_digest(sent, self._expected):
            return await continuation(details)
        return grpc.stream_stream_rpc_method_handler(_refuse)  # fits every kind of call


async def _refuse(_: Any, context: Any) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await (
                context.read()
            )  # a client whose first write meets the end of the call would not see the status
    error = Unauthenticated("a bearer token is needed: metadata authorization")
    await context.abort_with_status(rpc_status.to_status(status_of(error)))


class GrpcServer:
    """Server and health in one life: SERVING from start to `not_serving`."""

    def __init__(self, service: ExecutorService, settings: Settings) -> None:
        token = settings.grpc_token.get_secret_value() if settings.grpc_token else ""
        self._server = grpc.aio.server(interceptors=[TokenRequired(token)] if token else [], options=OPTIONS)
        self._health = health.aio.HealthServicer()
        executor_pb2_grpc.add_ExecutorServiceServicer_to_server(service, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if settings.grpc_reflection:
            reflection.enable_server_reflection(
                (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
            )
        self.port = _bound(self._server, settings)
        self.stopped = False

    async def start(self) -> None:
        """Takes calls from now on."""
        await self._server.start()
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def not_serving(self) -> None:
        """For whoever watches health; calls are still answered."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace: float) -> None:
        """No new calls; open ones have so many seconds."""
        self.stopped = True
        await self._server.stop(grace)


def _bound(server: grpc.aio.Server, settings: Settings) -> int:
    address = f"[::]:{settings.grpc_port}"
    try:
        if not settings.grpc_tls_cert or not settings.grpc_tls_key:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, _credentials(settings))
    except (RuntimeError, OSError) as error:
        raise SettingsError(f"GRPC_PORT: cannot listen on {settings.grpc_port}: {error}") from error


def _credentials(settings: Settings) -> grpc.ServerCredentials:
    key, cert, authority = (
        Path(path).read_bytes() if path else None
        for path in (settings.grpc_tls_key, settings.grpc_tls_cert, settings.grpc_tls_ca)
    )
    assert key is not None
    assert cert is not None
    return grpc.ssl_server_credentials([(key, cert)], authority, require_client_auth=authority is not None)
