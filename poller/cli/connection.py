"""Channels to our own two programs, as the command line and the demo open them; gRPC errors become sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from eventstorming.v1 import executor_pb2, executor_pb2_grpc, job_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from eventstorming_client import (
    Access,
    Client,
    PlaintextToken,
    RequestFailed,
    executor_target,
    failures,
    jobs_target,
)
from poller.cli.outcome import CliError, Exit

_EXITS = {
    grpc.StatusCode.UNAVAILABLE: Exit.UNREACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Exit.UNREACHABLE,
    grpc.StatusCode.FAILED_PRECONDITION: Exit.JOB_FAILED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exit.JOB_FAILED,
}
_AWAY = {
    "UNREACHABLE": "{said}. {hint}",
    "LLM_UNAVAILABLE": "the {program} at {address} gets no answer from its language model: {said}",
    "DRAINING": "the {program} at {address} is being stopped and takes no more work; its successor will.",
    "DATABASE_UNAVAILABLE": "the {program} at {address} cannot reach its database: {said} `eventstorming doctor` says what to do.",
}
"""What UNAVAILABLE means, by the reason; UNREACHABLE: nobody of ours has spoken."""


@contextmanager
def jobs(target: str | None = None) -> Iterator[Client]:
    """JobService at JOBS_TARGET."""
    address = target or jobs_target()
    with _plaintext_refused(address):
        client = Client(address, **_options())
    with client, sentences(address, "poller"):
        yield client


@contextmanager
def generating(source: job_pb2.JobInput) -> Iterator[Iterator[executor_pb2.GenerateResponse]]:
    """What the executor tells of a job that nobody stores."""
    address = executor_target(jobs_target())
    with _plaintext_refused(address), Client(address, **_options()) as client, sentences(address, "executor"):
        yield client.generate(source, executor=address)


def checked() -> executor_pb2.CheckResponse:
    """What the executor says of its language model."""
    ask = executor_pb2.CheckRequest()
    with _asking("executor", executor_target(jobs_target()), 60) as (channel, how):
        answer: executor_pb2.CheckResponse = executor_pb2_grpc.ExecutorServiceStub(channel).Check(ask, **how)
        return answer


def serving(*, seconds: float = 10) -> bool:
    """Whether the poller at JOBS_TARGET says that it is serving."""
    ask = health_pb2.HealthCheckRequest()
    with _asking("poller", jobs_target(), seconds) as (channel, how):
        return bool(
            health_pb2_grpc.HealthStub(channel).Check(ask, **how).status
            == health_pb2.HealthCheckResponse.SERVING
        )


@contextmanager
def _asking(program: str, address: str, seconds: float) -> Iterator[tuple[grpc.Channel, dict[str, Any]]]:
    """A channel, and how each call on it is to be made."""
    access = Access(**_options())
    with (
        _plaintext_refused(address),
        access.channel(address) as channel,
        sentences(address, program),
        failures(address),
    ):
        yield channel, {"timeout": seconds, "metadata": access.metadata}


@contextmanager
def sentences(address: str, program: str) -> Iterator[None]:
    """Turns a gRPC error into the sentence and exit code a person can act on."""
    try:
        yield
    except RequestFailed as failed:
        said = str(failed).replace("nothing answers", f"no {program} answers", 1)
        if failed.code is grpc.StatusCode.UNAVAILABLE:
            away = _AWAY.get(failed.reason, "{said}")
            said = away.format(program=program, address=address, said=said, hint=_hint())
        raise CliError(said, _EXITS.get(failed.code, Exit.WRONG_INPUT)) from failed


def _hint() -> str:
    """What makes it answer: another thing in a pod than at a desk."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "Is its pod READY? `kubectl get pods` says."
    return "Is it running? `make demo KEEP=1` starts one."


def _options() -> dict[str, Any]:
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
