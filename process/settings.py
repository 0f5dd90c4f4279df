"""Settings that every program has, and how any are read: environment variables become one frozen value, and every wrong one
is named at once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import structlog
from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from process.environment import trimmed
from process.errors import WrongSettings


def existing_file(path: Path) -> Path:
    """The path of a file that can be read; raises ValueError."""
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ValueError("no readable file there")
    return path


LOOPBACK, EVERYWHERE = "127.0.0.1", "::"


def sendable(secret: SecretStr) -> SecretStr:
    """A secret that a header can carry; raises ValueError."""
    if not re.fullmatch(r"[ -~]*", secret.get_secret_value()):
        raise ValueError("holds a line break or a letter that no header can carry")
    return secret


Port = Annotated[int, Field(ge=0, le=65535)]
ExistingFile = Annotated[Path, AfterValidator(existing_file)]
Credential = Annotated[SecretStr, AfterValidator(sendable)]
_KNOWN = {
    "otel_exporter_otlp_protocol": ("http/protobuf",),
    "otel_traces_sampler": tuple(
        f"{parent}{name}"
        for name in ("always_on", "always_off", "traceidratio")
        for parent in ("parentbased_", "")
    ),
}
log = structlog.get_logger("process")


class ProcessSettings(BaseSettings):
    """One attribute per variable, in lower case. A name that is not ours is ignored; an empty one counts as unset."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, validate_default=True, hide_input_in_errors=True
    )

    bind_host: Annotated[str, Field(min_length=1)] = LOOPBACK
    http_port: Port = 2024
    admin_port: Port = 2025
    grpc_port: Port
    grpc_token: Credential | None = None
    grpc_tls_cert: ExistingFile | None = None
    grpc_tls_key: ExistingFile | None = None
    grpc_tls_ca: ExistingFile | None = None
    grpc_allow_plaintext_token: bool = False
    grpc_reflection: bool = False

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["json", "console"] = Field(
        default_factory=lambda: "console" if sys.stderr.isatty() else "json"
    )
    otel_exporter_otlp_endpoint: Annotated[str, Field(pattern="^https?://[^/]")] | None = None
    otel_exporter_otlp_headers: Credential | None = None
    otel_exporter_otlp_protocol: str = "http/protobuf"
    otel_traces_sampler: str = "parentbased_always_on"
    otel_traces_sampler_arg: str = "1.0"
    _trimmed: tuple[str, ...] = PrivateAttr(())

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
        """The poller sends the token to executors, and both may be asked from elsewhere: without TLS anyone on the way reads it."""
        if info.data.get("grpc_token") and not info.data.get("grpc_tls_cert", True) and not allowed:
            raise ValueError(
                "GRPC_TOKEN would travel in plaintext: set GRPC_TLS_CERT and GRPC_TLS_KEY, "
                "or this to true where the network is trusted"
            )
        return allowed

    @field_validator("otel_exporter_otlp_protocol", "otel_traces_sampler", "otel_traces_sampler_arg")
    @classmethod
    def _understood(cls, value: str, info: ValidationInfo) -> str:
        """OpenTelemetry's own packages would only warn, and do something else. Without an endpoint they are for other programs."""
        if not info.data.get("otel_exporter_otlp_endpoint"):
            return value
        if info.field_name == "otel_traces_sampler_arg":
            if not re.fullmatch(r"0|1|0?\.\d+|1\.0+|0\.0*", value):
                raise ValueError("must be a number from 0 to 1: the part of the jobs that is traced")
        elif value not in (known := _KNOWN[str(info.field_name)]):
            raise ValueError(f"must be one of: {', '.join(known)}")
        return value

    def tell(self) -> None:
        """Says what was taken off its ends, once there is a log to say it in."""
        if self._trimmed:
            log.warning("settings.trimmed", settings=list(self._trimmed))

    @property
    def token(self) -> str:
        """GRPC_TOKEN in plain, or nothing."""
        return self.grpc_token.get_secret_value() if self.grpc_token else ""


Some = TypeVar("Some", bound=ProcessSettings)


def read(kind: type[Some], given: Mapping[str, Any]) -> Some:
    """From what is given and the environment; raises WrongSettings with one message for all that is wrong."""
    names = trimmed(os.environ, {name.upper() for name in kind.model_fields})
    try:
        settings = kind(**given)
    except ValidationError as error:
        raise WrongSettings(_message(error)) from None
    settings._trimmed = names
    return settings


def _message(error: ValidationError) -> str:
    wrong: dict[str, str] = {}
    for problem in error.errors(include_input=False, include_url=False):
        name = str(problem["loc"][0]).upper() if problem["loc"] else "settings"
        wrong.setdefault(name, problem["msg"].removeprefix("Value error, "))
    lines = [f"  {name}: {reason}" for name, reason in wrong.items()]
    return "\n".join(["Wrong settings:", *lines])
