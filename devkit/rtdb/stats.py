"""What was asked of the database since it started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Stats:
    """Admin requests apart. Bytes are of bodies, events and messages, without their envelopes."""

    requests: int = 0
    reads: int = 0
    writes: int = 0
    streams: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    keep_alive_bytes: int = 0
    """Of `bytes_out`."""
    sessions: int = 0
    """SDKs that connected, long polling or not."""
    session_bytes_in: int = 0
    session_bytes_out: int = 0
