"""What ended a call, as google.rpc.Status: code, reason from the closed set, and when to try again."""

from __future__ import annotations

from typing import Final

import grpc
from eventstorming.v1 import job_pb2
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

from executor.errors import (
    ExecutorError,
    InvalidInput,
    LimitReached,
    LlmMisconfigured,
    LlmUnavailable,
    NothingUsable,
)
from process.errors import LoopBlocked
from process.status import status

_PREFIX: Final = "ERROR_REASON_"
_TRY_AGAIN: Final = 5.0  # seconds, where the cause did not say


class NoFreeSlot(ExecutorError):
    """All slots are taken; another executor may have one."""


class Draining(ExecutorError):
    """This process takes no more work and hands over what runs."""


class Overtaken(ExecutorError):
    """A newer run of the same job has come."""


class Cancelled(ExecutorError):
    """The other side asked to stop, or is gone."""


_KINDS: Final[dict[type[ExecutorError], tuple[grpc.StatusCode, int]]] = {
    InvalidInput: (grpc.StatusCode.INVALID_ARGUMENT, job_pb2.ERROR_REASON_INVALID_INPUT),
    NoFreeSlot: (grpc.StatusCode.RESOURCE_EXHAUSTED, job_pb2.ERROR_REASON_NO_FREE_SLOT),
    Draining: (grpc.StatusCode.UNAVAILABLE, job_pb2.ERROR_REASON_DRAINING),
    Overtaken: (grpc.StatusCode.ABORTED, job_pb2.ERROR_REASON_OVERTAKEN),
    Cancelled: (grpc.StatusCode.CANCELLED, job_pb2.ERROR_REASON_UNSPECIFIED),
    LlmUnavailable: (grpc.StatusCode.UNAVAILABLE, job_pb2.ERROR_REASON_LLM_UNAVAILABLE),
    LlmMisconfigured: (grpc.StatusCode.FAILED_PRECONDITION, job_pb2.ERROR_REASON_LLM_MISCONFIGURED),
    LimitReached: (grpc.StatusCode.FAILED_PRECONDITION, job_pb2.ERROR_REASON_LIMIT_REACHED),
    NothingUsable: (grpc.StatusCode.FAILED_PRECONDITION, job_pb2.ERROR_REASON_NOTHING_USABLE),
}
_INTERNAL: Final = (grpc.StatusCode.INTERNAL, job_pb2.ERROR_REASON_INTERNAL)


def status_of(error: BaseException) -> status_pb2.Status:
    """The status of any error; what was not raised on purpose is INTERNAL and says nothing of itself."""
    kind = _kind(error)
    code, _ = _KINDS[kind] if kind else _INTERNAL
    ours = kind or isinstance(error, LoopBlocked)
    message = str(error) if ours else "a fault of the executor; its log has it under the job id"
    return status(code.value[0], reason_of(error), message, *_retry_of(error), **_metadata(error))


def _metadata(error: BaseException) -> dict[str, str]:
    """Which limit was reached, by the name of its setting, and how much it allowed."""
    return {"limit": error.limit, "value": f"{error.value:g}"} if isinstance(error, LimitReached) else {}


def reason_of(error: BaseException) -> str:
    """The reason from the closed set, without its prefix."""
    kind = _kind(error)
    _, reason = _KINDS[kind] if kind else _INTERNAL
    return str(job_pb2.ErrorReason.Name(reason)).removeprefix(_PREFIX)


def _kind(error: BaseException) -> type[ExecutorError] | None:
    return next((kind for kind in type(error).__mro__ if kind in _KINDS), None)


def _retry_of(error: BaseException) -> list[error_details_pb2.RetryInfo]:
    if not isinstance(error, (LlmUnavailable, NoFreeSlot, Draining)):
        return []
    asked = error.retry_after if isinstance(error, LlmUnavailable) else 0.0
    seconds = _TRY_AGAIN if asked is None else asked
    delay = duration_pb2.Duration()
    delay.FromMilliseconds(round(seconds * 1000))
    return [error_details_pb2.RetryInfo(retry_delay=delay)]
