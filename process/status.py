"""google.rpc.Status with our ErrorInfo, as both programs end a call."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

DOMAIN: Final = "eventstorming.v1"


def status(code: int, reason: str, message: str, *details: Any, **metadata: str) -> status_pb2.Status:
    """`code` of google.rpc, `reason` from the closed set without its prefix; `metadata` goes with the reason."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)
    return status_pb2.Status(code=code, message=message, details=[_packed(it) for it in (info, *details)])


def _packed(detail: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
