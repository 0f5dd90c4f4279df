"""The poller's settings, from the environment. A wrong one stops the start with one message that names every wrong one."""

from __future__ import annotations

import json
import re
import secrets
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from poller.addresses import Allowed
from process.settings import Port, ProcessSettings, existing_file, read

DEFAULT_ACCOUNT = Path("/app/.auth/serviceAccountKey.json")


def _host_and_port(target: str) -> str:
    host, _, port = target.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("must be host:port")
    return target


def _key_file(path: Path) -> Path:
    """A service account's key as far as it can be told from its form. Its contents are shown nowhere."""
    try:
        key = json.loads(existing_file(path).read_text("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        key = None
    wanted = ("client_email", "private_key")
    if not isinstance(key, dict) or not all(isinstance(key.get(name), str) for name in wanted):
        raise ValueError("this file is no service account's key: download it again from the console")
    return path


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("must start with https:// or http:// and name a host")
    return url.rstrip("/")


def _database_root(url: str) -> str:
    if urlsplit(url).path.strip("/"):
        raise ValueError(
            "must end with the host, without a path: the address of the database itself, not of the console; "
            "NAMESPACE says where in it the queue is"
        )
    return url


HostPort = Annotated[str, AfterValidator(_host_and_port)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class Settings(ProcessSettings):
    """Those of every program, and the poller's own."""

    firebase_database_emulator_host: HostPort | None = None
    firebase_database_url: Annotated[WebAddress, AfterValidator(_database_root)] | None = None
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
    board_url: WebAddress | None = None
    shutdown_grace_seconds: Annotated[int, Field(ge=1)] = 20

    grpc_port: Port = 50052
    mcp_http: bool = False
    a2a_port: Port = 0
    a2a_external_url: WebAddress | None = None
    a2a_push_allowed: Annotated[tuple[str, ...], NoDecode] = ()
    a2a_answer: Literal["task", "link"] = "task"

    @field_validator("a2a_port")
    @classmethod
    def _a2a_installed(cls, port: int) -> int:
        if port and not all(map(find_spec, ("a2a", "sse_starlette"))):
            raise ValueError(
                "this installation cannot speak A2A: install the extra `a2a`, or take the image that has it, or set this to 0"
            )
        return port

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
            return _key_file(path)
        return _key_file(DEFAULT_ACCOUNT) if DEFAULT_ACCOUNT.is_file() else None

    @field_validator("namespace")
    @classmethod
    def _database_key(cls, name: str) -> str:
        if not re.fullmatch(r"[^.$#\[\]/\x00-\x1f\x7f]{1,128}", name):
            raise ValueError("must be 1 to 128 characters, none of . $ # [ ] /")
        return name

    @field_validator("mcp_http")
    @classmethod
    def _mcp_installed(cls, wanted: bool) -> bool:
        if wanted and not find_spec("mcp"):
            raise ValueError(
                "this installation cannot speak MCP: install the extra `mcp`, or take the image that has it, or set this to false"
            )
        return wanted

    @field_validator("a2a_push_allowed")
    @classmethod
    def _addresses(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        Allowed.of(entries)
        return entries

    @field_validator("executor_target", "a2a_push_allowed", mode="before")
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

    @property
    def named_pod(self) -> bool:
        """Whether POD_ID was set explicitly: leases under it in our first snapshot were a dead predecessor's."""
        return "pod_id" in self.model_fields_set


def load(**given: Any) -> Settings:
    """Reads the environment; raises WrongSettings with one message for all that is wrong."""
    return read(Settings, given)
