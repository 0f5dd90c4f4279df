"""Channels to our own two programs, as the command line and the demo open them; gRPC errors become sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from eventstorming.v1 import executor_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from eventstorming_client import Client, PlaintextToken, RequestFailed, open_channel
from poller.cli.outcome import CliError, Exit

_EXITS = {
    grpc.StatusCode.UNAVAILABLE: Exit.UNREACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Exit.UNREACHABLE,
    grpc.StatusCode.FAILED_PRECONDITION: Exit.JOB_FAILED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exit.JOB_FAILED,
}


@contextmanager
def jobs(target: str | None = None) -> Iterator[Client]:
    """JobService at JOBS_TARGET."""
    address = target or os.environ.get("JOBS_TARGET") or "127.0.0.1:50052"
    with _plaintext_refused(address):
        client = Client(address, **_access())
    with client, sentences(address, "poller"):
        yield client


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
    except (grpc.RpcError, RequestFailed) as error:
        code, details = _said(error)
        if code is grpc.StatusCode.UNAVAILABLE:
            details = f"no {program} answers at {address} ({details}). Is it running? `make demo KEEP=1` starts one."
        raise CliError(details or str(code), _EXITS.get(code, Exit.WRONG_INPUT)) from error


def _said(error: grpc.RpcError | RequestFailed) -> tuple[grpc.StatusCode, str]:
    if isinstance(error, RequestFailed):
        return error.code, str(error)
    return error.code(), error.details() or ""


def _channel(address: str) -> grpc.Channel:
    with _plaintext_refused(address):
        return open_channel(address, **_access())


def _access() -> dict[str, Any]:
    """Token and TLS as the environment names them."""
    return {
        "token": os.environ.get("GRPC_TOKEN") or "",
        "tls_ca": os.environ.get("GRPC_TLS_CA") or None,
        "tls_cert": os.environ.get("GRPC_TLS_CERT") or None,
        "tls_key": os.environ.get("GRPC_TLS_KEY") or None,
        "allow_plaintext_token": _allows_plaintext(),
    }


@contextmanager
def _plaintext_refused(address: str) -> Iterator[None]:
    try:
        yield
    except PlaintextToken as error:
        raise CliError(
            f"GRPC_TOKEN would travel to {address} in plaintext: set GRPC_TLS_CA, or GRPC_ALLOW_PLAINTEXT_TOKEN=true where the "
            "network is trusted.",
            Exit.WRONG_INPUT,
        ) from error


def _allows_plaintext() -> bool:
    return os.environ.get("GRPC_ALLOW_PLAINTEXT_TOKEN", "").lower() in ("1", "true", "yes", "on", "t", "y")
