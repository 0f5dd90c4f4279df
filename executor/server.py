"""The gRPC server around ExecutorService, which finds out within seconds that a poller is frozen or gone."""

from __future__ import annotations

from functools import partial
from typing import Final

from eventstorming.v1 import executor_pb2, executor_pb2_grpc

from executor.service import ExecutorService
from executor.settings import Settings
from process.server import GrpcServer

SERVICE: Final = executor_pb2.DESCRIPTOR.services_by_name["ExecutorService"].full_name
KEEPALIVE: Final = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),  # without it a frozen peer is noticed after a minute
    ("grpc.http2.max_pings_without_data", 0),
)


def grpc_server(service: ExecutorService, settings: Settings) -> GrpcServer:
    """Bound, not yet started."""
    add = partial(executor_pb2_grpc.add_ExecutorServiceServicer_to_server, service)
    return GrpcServer(settings, {SERVICE: add}, options=KEEPALIVE)
