"""Where the programs are and how they are spoken to: message size, keep-alive, retries of what may be repeated, token and TLS."""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import dataclass
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


def jobs_target() -> str:
    """JOBS_TARGET, or where a poller of this machine listens."""
    return os.environ.get("JOBS_TARGET") or "127.0.0.1:50052"


def executor_target(jobs: str) -> str:
    """The first address of EXECUTOR_TARGET; without one, beside the poller: on its host, or as the chart names its service."""
    if given := os.environ.get("EXECUTOR_TARGET"):
        return given.split(",")[0].strip()
    host, _, _ = jobs.rpartition(":")
    name, dot, domain = host.partition(".")
    beside = f"{name.removesuffix('-jobs')}-executor{dot}{domain}" if name.endswith("-jobs") else host
    return f"{beside}:50051"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Token and TLS. With `tls_ca` it is TLS, with certificate and key mutual."""

    token: str = ""
    tls_ca: str | Path | None = None
    tls_cert: str | Path | None = None
    tls_key: str | Path | None = None
    allow_plaintext_token: bool = False

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def channel(self, target: str) -> grpc.Channel:
        """Opens nothing yet. Raises PlaintextToken, OSError."""
        credentials = self._credentials(target)
        if credentials is None:
            return grpc.insecure_channel(target, _OPTIONS)
        return grpc.secure_channel(target, credentials, _OPTIONS)

    def async_channel(self, target: str) -> grpc.aio.Channel:
        """The same for an event loop."""
        credentials = self._credentials(target)
        if credentials is None:
            return grpc.aio.insecure_channel(target, options=_OPTIONS)
        return grpc.aio.secure_channel(target, credentials, options=_OPTIONS)

    def _credentials(self, target: str) -> grpc.ChannelCredentials | None:
        if self.tls_ca:
            files = (self.tls_ca, self.tls_key, self.tls_cert)
            ca, key, certificate = (Path(file).read_bytes() if file else None for file in files)
            pair = (key, certificate) if key and certificate else (None, None)
            return grpc.ssl_channel_credentials(ca, *pair)
        if self.token and not (self.allow_plaintext_token or is_loopback(target)):
            raise PlaintextToken(f"The token would travel to {target} in plaintext.")
        return None


def is_loopback(target: str) -> bool:
    """Whether `host:port` is on this machine, by its name alone."""
    host = target.removeprefix("dns:///").rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
