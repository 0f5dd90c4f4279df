"""Channels: message size, keep-alive, retries of what may be repeated, token and TLS."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import grpc

from eventstorming_client.errors import PlaintextToken

MESSAGE_BYTES = 32 * 1024 * 1024
METADATA_BYTES = 64 * 1024

_RETRIES = {
    "maxAttempts": 5,
    "initialBackoff": "0.3s",
    "maxBackoff": "3s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_REPEATABLE = ("SubmitJob", "GetJob", "ListJobs")
_SERVICE = "eventstorming.v1.JobService"
_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.max_metadata_size", METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # A frozen poller is noticed: pings every 20 s, answered within 5.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    (
        "grpc.service_config",
        json.dumps(
            {
                "methodConfig": [
                    {
                        "name": [{"service": _SERVICE, "method": method} for method in _REPEATABLE],
                        "retryPolicy": _RETRIES,
                    }
                ]
            }
        ),
    ),
]


def open_channel(
    target: str,
    *,
    token: str = "",
    tls_ca: str | Path | None = None,
    tls_cert: str | Path | None = None,
    tls_key: str | Path | None = None,
    allow_plaintext_token: bool = False,
) -> grpc.Channel:
    """Opens nothing yet. With `tls_ca` it is TLS, with certificate and key mutual. Raises PlaintextToken, OSError."""
    if token and not tls_ca and not (allow_plaintext_token or is_loopback(target)):
        raise PlaintextToken(f"The token would travel to {target} in plaintext.")
    if tls_ca:
        pair = (
            (Path(tls_key).read_bytes(), Path(tls_cert).read_bytes())
            if tls_key and tls_cert
            else (None, None)
        )
        credentials = grpc.ssl_channel_credentials(Path(tls_ca).read_bytes(), *pair)
        channel = grpc.secure_channel(target, credentials, _OPTIONS)
    else:
        channel = grpc.insecure_channel(target, _OPTIONS)
    return grpc.intercept_channel(channel, _Bearer(token)) if token else channel


def is_loopback(target: str) -> bool:
    """Whether `host:port` is on this machine, by its name alone."""
    host = target.removeprefix("dns:///").rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Bearer(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds the token to every call."""

    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def _add(self, continuation, details, request):  # type: ignore[no-untyped-def]  # grpc's own untyped protocol
        metadata = [*(details.metadata or ()), self._header]
        return continuation(details._replace(metadata=metadata), request)

    intercept_unary_unary = intercept_unary_stream = _add
