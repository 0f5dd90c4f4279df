"""Settings of the poller: environment variables become one frozen value, and every wrong one is named at once."""

from __future__ import annotations

import re
import secrets
import socket
import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from poller.errors import Permanent

DEFAULT_ACCOUNT = Path("/app/.auth/serviceAccountKey.json")


class WrongSettings(Permanent):
    """The process must not start; the message names every wrong variable and no secret."""


def _host_and_port(target: str) -> str:
    host, _, port = target.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("must be host:port")
    return target


def _existing_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("no such file")
    return path


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("must start with https:// or http:// and name a host")
    return url.rstrip("/")


HostPort = Annotated[str, AfterValidator(_host_and_port)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
ExistingFile = Annotated[Path, AfterValidator(_existing_file)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """One attribute per variable, in lower case. A name that is not ours is ignored; an empty one counts as unset."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, validate_default=True, hide_input_in_errors=True
    )

    firebase_database_emulator_host: HostPort | None = None
    firebase_database_url: WebAddress | None = None
    firebase_service_account_path: Path | None = None
    firebase_database_lease_rules: bool = False

    namespace: str = "eventstorming_generator"
    pod_id: str = Field(default_factory=lambda: f"{socket.gethostname()}-{secrets.token_hex(3)}")
    executor_target: Annotated[tuple[HostPort, ...], NoDecode] = ("127.0.0.1:50051",)

    job_timeout_seconds: Annotated[int, Field(ge=1)] = 3600
    step_timeout_seconds: Annotated[int, Field(ge=1)] = 300
    job_max_tokens: Annotated[int, Field(ge=0)] = 0
    lease_seconds: Annotated[int, Field(ge=25)] = 30
    max_attempts: Annotated[int, Field(ge=1)] = 3
    retention_failed_days: Annotated[int, Field(ge=0)] = 30
    retention_completed_days: Annotated[int, Field(ge=0)] = 0
    msaez_url: WebAddress | None = None
    shutdown_grace_seconds: Annotated[int, Field(ge=1)] = 20

    http_port: Port = 2024
    admin_port: Port = 2025
    grpc_port: Port = 50052
    grpc_token: SecretStr | None = None
    grpc_tls_cert: ExistingFile | None = None
    grpc_tls_key: ExistingFile | None = None
    grpc_tls_ca: ExistingFile | None = None
    grpc_allow_plaintext_token: bool = False
    grpc_reflection: bool = False

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["json", "console"] = Field(
        default_factory=lambda: "console" if sys.stderr.isatty() else "json"
    )

    @field_validator("firebase_database_url")
    @classmethod
    def _some_database(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is None and not info.data.get("firebase_database_emulator_host"):
            raise ValueError("must be set (or FIREBASE_DATABASE_EMULATOR_HOST for the embedded database)")
        return url

    @field_validator("firebase_service_account_path")
    @classmethod
    def _account(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        """Set and missing stops the start; unset and the default missing means application default credentials."""
        if info.data.get("firebase_database_emulator_host"):
            return None
        if path is not None:
            return _existing_file(path)
        return DEFAULT_ACCOUNT if DEFAULT_ACCOUNT.is_file() else None

    @field_validator("namespace")
    @classmethod
    def _database_key(cls, name: str) -> str:
        if not re.fullmatch(r"[^.$#\[\]/\x00-\x1f\x7f]{1,128}", name):
            raise ValueError("must be 1 to 128 characters, none of . $ # [ ] /")
        return name

    @field_validator("executor_target", mode="before")
    @classmethod
    def _several(cls, targets: Any) -> Any:
        if not isinstance(targets, str):
            return targets
        return tuple(part.strip() for part in targets.split(",") if part.strip())

    @field_validator("executor_target")
    @classmethod
    def _at_least_one(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        if not targets:
            raise ValueError("must name at least one host:port")
        return targets

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, level: Any) -> Any:
        return level.upper() if isinstance(level, str) else level

    @field_validator("grpc_tls_key")
    @classmethod
    def _pair(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if "grpc_tls_cert" in info.data and (key is None) != (info.data["grpc_tls_cert"] is None):
            raise ValueError("GRPC_TLS_CERT and GRPC_TLS_KEY belong together")
        return key

    @field_validator("grpc_allow_plaintext_token")
    @classmethod
    def _no_token_in_plaintext(cls, allowed: bool, info: ValidationInfo) -> bool:
        """We listen on every interface, and send the token to executors: without TLS anyone on the way reads it."""
        if info.data.get("grpc_token") and not info.data.get("grpc_tls_cert", True) and not allowed:
            raise ValueError(
                "GRPC_TOKEN would travel in plaintext: set GRPC_TLS_CERT and GRPC_TLS_KEY, "
                "or this to true where the network is trusted"
            )
        return allowed

    # ── derived ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def named_pod(self) -> bool:
        """Whether POD_ID was set explicitly: leases under it in our first snapshot were a dead predecessor's."""
        return "pod_id" in self.model_fields_set


def load(**given: Any) -> Settings:
    """Reads the environment; raises WrongSettings with one message for all that is wrong."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongSettings(_message(error)) from None


def _message(error: ValidationError) -> str:
    wrong: dict[str, str] = {}
    for problem in error.errors(include_input=False, include_url=False):
        name = str(problem["loc"][0]).upper() if problem["loc"] else "settings"
        wrong.setdefault(name, problem["msg"].removeprefix("Value error, "))
    lines = [f"  {name}: {reason}" for name, reason in wrong.items()]
    return "\n".join(["Wrong settings:", *lines])
