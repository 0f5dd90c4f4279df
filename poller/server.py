"""The poller's gRPC server: JobService, and KEDA's external scaler, which can send no token."""

from __future__ import annotations

from functools import partial

from eventstorming.v1 import job_pb2_grpc
from externalscaler import externalscaler_pb2_grpc

from poller import scaler, service
from poller.ports import Jobs
from poller.settings import Settings
from process.server import GrpcServer, Services


async def serve_jobs(
    jobs: Jobs,
    settings: Settings,
    demand: scaler.Demand | None = None,
    *,
    boards: str | None = None,
    beside: Services | None = None,
) -> GrpcServer:
    """Listens on the server's `port`, a free one if the setting is 0. `boards` is where the pages are, for BOARD_URL unset;
    `beside` are more services, behind the same token."""
    servicer = service.JobService(jobs, msaez_url=settings.msaez_url, board_url=settings.board_url or boards)
    services: Services = {service.SERVICE: partial(job_pb2_grpc.add_JobServiceServicer_to_server, servicer)}
    if demand is not None:
        add = externalscaler_pb2_grpc.add_ExternalScalerServicer_to_server
        services[scaler.SERVICE] = partial(add, scaler.Scaler(demand))
    services |= beside or {}
    server = GrpcServer(settings, services, tokenless=[scaler.SERVICE])
    await server.start()
    return server
