"""What can go wrong, in words a program can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

_BY_NETWORK = {
    grpc.StatusCode.UNAVAILABLE: "UNREACHABLE",
    grpc.StatusCode.DEADLINE_EXCEEDED: "DEADLINE",
}


class RequestFailed(Exception):
    """The service refused a call, or could not be reached.

    `reason` is one of `ErrorReason` without its prefix; UNREACHABLE when nothing answers, DEADLINE when nothing answered
    in time, and empty for any other trouble of the network. `retry_after` is in seconds, None when the service named no time.
    """

    def __init__(self, code: grpc.StatusCode, reason: str, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.code, self.reason, self.retry_after = code, reason, retry_after


class JobFailed(Exception):
    """The job ended without a model: failed, cancelled or removed. The message is the reason a person can read."""


class PlaintextToken(ValueError):
    """A token would travel over an open network without TLS."""


def understood(error: grpc.RpcError, target: str = "") -> RequestFailed:
    """The details of a status, if it is one of ours; else what the network's own means. `target` is who was asked."""
    status = rpc_status.from_call(error)
    code, message = error.code(), error.details() or error.code().name
    reason, retry_after = "", None
    for detail in status.details if status is not None else ():
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    if not reason and code in _BY_NETWORK:
        reason = _BY_NETWORK[code]
        message = f"nothing answers at {target or 'this address'} ({message})"
    return RequestFailed(code, reason, message, retry_after)


@contextmanager
def failures(target: str) -> Iterator[None]:
    """What gRPC raises inside, in our words."""
    try:
        yield
    except grpc.RpcError as error:
        raise understood(error, target) from error
