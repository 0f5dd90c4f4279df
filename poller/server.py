"""The poller's gRPC server: JobService and KEDA's external scaler, with token, TLS, health and reflection around them."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

import grpc
from eventstorming.v1 import job_pb2_grpc
from google.rpc import code_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from poller import scaler, service
from poller.errors import Permanent
from poller.ports import JobQueue
from poller.service import Context, JobService, status

MESSAGE_BYTES = 32 * 1024 * 1024
OPTIONS = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5000),
]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_WITHOUT_TOKEN = ("/grpc.health.v1.", f"/{scaler.SERVICE}/")


class Settings(Protocol):
    """What this module needs of the settings."""

    @property
    def grpc_port(self) -> int: ...
    @property
    def grpc_token(self) -> Any: ...
    @property
    def grpc_tls_cert(self) -> Any: ...
    @property
    def grpc_tls_key(self) -> Any: ...
    @property
    def grpc_tls_ca(self) -> Any: ...
    @property
    def grpc_reflection(self) -> bool: ...
    @property
    def msaez_url(self) -> str | None: ...


class JobServer:
    """The listening server with its health service."""

    def __init__(self, server: grpc.aio.Server, status: health.aio.HealthServicer) -> None:
        self._server, self._status = server, status

    async def not_serving(self) -> None:
        """For whoever watches health; calls are still answered."""
        await self._status.enter_graceful_shutdown()

    async def stop(self, grace: float | None) -> None:
        """Says NOT_SERVING, then lets calls in flight end within `grace` seconds."""
        await self.not_serving()
        await self._server.stop(grace)


async def serve_jobs(
    queue: JobQueue, settings: Settings, demand: scaler.Demand | None = None
) -> tuple[JobServer, int]:
    """Listens; returns the server and its port (a free one if the setting is 0)."""
    token = settings.grpc_token.get_secret_value() if settings.grpc_token else None
    server = grpc.aio.server(options=OPTIONS, interceptors=[Token(token)] if token else [])
    job_pb2_grpc.add_JobServiceServicer_to_server(JobService(queue, msaez_url=settings.msaez_url), server)
    names = [service.SERVICE]
    if demand is not None:
        names.append(scaler.add_to(server, demand))
    status = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    if settings.grpc_reflection:
        reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = _listen(server, settings)
    await server.start()
    for name in ("", *names):
        await status.set(name, health_pb2.HealthCheckResponse.SERVING)
    return JobServer(server, status), port


def _listen(server: grpc.aio.Server, settings: Settings) -> int:
    try:
        return _add_port(server, settings, f"[::]:{settings.grpc_port}")
    except RuntimeError as error:
        raise Permanent(f"GRPC_PORT: cannot listen on {settings.grpc_port}; is it in use?") from error


def _add_port(server: grpc.aio.Server, settings: Settings, address: str) -> int:
    if settings.grpc_tls_cert is None:
        return server.add_insecure_port(address)
    ca = settings.grpc_tls_ca.read_bytes() if settings.grpc_tls_ca else None
    pair = (settings.grpc_tls_key.read_bytes(), settings.grpc_tls_cert.read_bytes())
    credentials = grpc.ssl_server_credentials(
        [pair], root_certificates=ca, require_client_auth=ca is not None
    )
    return server.add_secure_port(address, credentials)


class Token(grpc.aio.ServerInterceptor):
    """Refuses calls without the bearer token, except health checks and KEDA's, which can send none."""

    def __init__(self, token: str) -> None:
        self._wanted = f"Bearer {token}".encode()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        given = str(dict(details.invocation_metadata or ()).get("authorization", ""))
        if details.method.startswith(_WITHOUT_TOKEN) or hmac.compare_digest(given.encode(), self._wanted):
            return await continuation(details)
        return _refuse(await continuation(details))


def _refuse(handler: Handler | None) -> Handler:
    async def unauthenticated(_: Any, context: Context) -> None:
        await context.abort_with_status(
            status(
                code_pb2.UNAUTHENTICATED,
                "UNAUTHENTICATED",
                "Send the token as metadata: authorization: Bearer <GRPC_TOKEN>.",
            )
        )

    if handler is not None and handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(unauthenticated)
    return grpc.unary_unary_rpc_method_handler(unauthenticated)
