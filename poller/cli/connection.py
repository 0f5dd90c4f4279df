"""Channels to our own two programs, as the command line and the demo open them; gRPC errors become sentences."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from eventstorming.v1 import executor_pb2_grpc, job_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from poller.cli.outcome import CliError, Exit

MAX_MESSAGE = 32 * 1024 * 1024
_OPTIONS = [("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)]
_EXITS = {
    grpc.StatusCode.UNAVAILABLE: Exit.UNREACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Exit.UNREACHABLE,
    grpc.StatusCode.FAILED_PRECONDITION: Exit.JOB_FAILED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exit.JOB_FAILED,
}


@contextmanager
def jobs(target: str | None = None) -> Iterator[job_pb2_grpc.JobServiceStub]:
    """JobService at JOBS_TARGET."""
    address = target or os.environ.get("JOBS_TARGET") or "127.0.0.1:50052"
    with _channel(address) as channel, sentences(address, "poller"):
        yield job_pb2_grpc.JobServiceStub(channel)


@contextmanager
def executor(target: str | None = None) -> Iterator[executor_pb2_grpc.ExecutorServiceStub]:
    """ExecutorService at the first address of EXECUTOR_TARGET."""
    address = (target or os.environ.get("EXECUTOR_TARGET") or "127.0.0.1:50051").split(",")[0]
    with _channel(address) as channel, sentences(address, "executor"):
        yield executor_pb2_grpc.ExecutorServiceStub(channel)


def jobs_health() -> bool:
    """Whether the poller at JOBS_TARGET says that it is serving."""
    address = os.environ.get("JOBS_TARGET") or "127.0.0.1:50052"
    with _channel(address) as channel, sentences(address, "poller"):
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@contextmanager
def sentences(address: str, program: str) -> Iterator[None]:
    """Turns a gRPC error into the sentence and exit code a person can act on."""
    try:
        yield
    except grpc.RpcError as error:
        code, details = error.code(), error.details() or ""
        if code is grpc.StatusCode.UNAVAILABLE:
            details = f"no {program} answers at {address} ({details}). Is it running? `make demo KEEP=1` starts one."
        raise CliError(details or str(code), _EXITS.get(code, Exit.WRONG_INPUT)) from error


def _channel(address: str) -> grpc.Channel:
    token, ca = os.environ.get("GRPC_TOKEN"), os.environ.get("GRPC_TLS_CA")
    if token and not ca and not (is_loopback(address) or _allows_plaintext()):
        raise CliError(
            f"GRPC_TOKEN would travel to {address} in plaintext: set GRPC_TLS_CA, or GRPC_ALLOW_PLAINTEXT_TOKEN=true where the "
            "network is trusted.",
            Exit.WRONG_INPUT,
        )
    channel = (
        grpc.secure_channel(address, _credentials(ca), _OPTIONS)
        if ca
        else grpc.insecure_channel(address, _OPTIONS)
    )
    return grpc.intercept_channel(channel, _Bearer(token)) if token else channel


def is_loopback(address: str) -> bool:
    """Whether `host:port` is on this machine, by its name alone."""
    host = address.removeprefix("dns:///").rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _allows_plaintext() -> bool:
    return os.environ.get("GRPC_ALLOW_PLAINTEXT_TOKEN", "").lower() in ("1", "true", "yes", "on", "t", "y")


def _credentials(ca: str) -> grpc.ChannelCredentials:
    key, cert = os.environ.get("GRPC_TLS_KEY"), os.environ.get("GRPC_TLS_CERT")
    pair = (Path(key).read_bytes(), Path(cert).read_bytes()) if key and cert else (None, None)
    return grpc.ssl_channel_credentials(Path(ca).read_bytes(), *pair)


class _Bearer(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds the token to every call."""

    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def _add(self, continuation, details, request):  # type: ignore[no-untyped-def]  # grpc's own untyped protocol
        metadata = [*(details.metadata or ()), self._header]
        return continuation(details._replace(metadata=metadata), request)

    intercept_unary_unary = intercept_unary_stream = _add
