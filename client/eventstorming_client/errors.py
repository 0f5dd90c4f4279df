"""What can go wrong, in words a program can act on."""

from __future__ import annotations

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


class RequestFailed(Exception):
    """The service refused a call, or could not be reached.

    `reason` is one of `ErrorReason` without its prefix, empty when the error came from the network; `retry_after` is
    in seconds, None when the service named no time.
    """

    def __init__(self, code: grpc.StatusCode, reason: str, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.code, self.reason, self.retry_after = code, reason, retry_after


class JobFailed(Exception):
    """The job ended without a model: failed, cancelled or removed. The message is the reason a person can read."""


class PlaintextToken(ValueError):
    """A token would travel over an open network without TLS."""


def understood(error: grpc.RpcError) -> RequestFailed:
    """The details of a status, if it is one of ours."""
    status = rpc_status.from_call(error)
    reason, retry_after = "", None
    for detail in status.details if status is not None else ():
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
            reason = info.reason
        elif detail.Is(retry.DESCRIPTOR):
            detail.Unpack(retry)
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    code = error.code()
    return RequestFailed(code, reason, error.details() or code.name, retry_after)
