"""google.rpc.Status with our ErrorInfo, as both programs end a call: never larger than what any receiver takes."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

DOMAIN: Final = "eventstorming.v1"
LONGEST: Final = 1_200
"""Bytes of a text. It travels twice in the metadata that ends a call, once with nine bytes for each syllable of Hangul;
a receiver that sets no limit takes 8 KiB, and reports RESOURCE_EXHAUSTED in place of anything larger."""
_DETAILS: Final = 1_500


def status(code: int, reason: str, message: str, *details: Any, **metadata: str) -> status_pb2.Status:
    """`code` of google.rpc, `reason` from the closed set without its prefix; `metadata` goes with the reason.

    Whoever has more to say than fits has logged it; details beyond what fits are left out, the last first.
    """
    info = error_details_pb2.ErrorInfo(
        reason=reason, domain=DOMAIN, metadata={name: bounded(value, 100) for name, value in metadata.items()}
    )
    packed = [_packed(detail) for detail in (info, *details)]
    while len(packed) > 1 and sum(detail.ByteSize() for detail in packed) > _DETAILS:
        packed.pop()
    return status_pb2.Status(code=code, message=bounded(message), details=packed)


def bounded(text: str, most: int = LONGEST) -> str:
    """At most so many bytes of UTF-8, cut between characters and marked with an ellipsis."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most:
        return encoded.decode()
    return encoded[: most - len("…".encode())].decode(errors="ignore").rstrip() + "…"


def _packed(detail: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
