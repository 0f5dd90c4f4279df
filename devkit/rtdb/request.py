"""One HTTP request as the database sees it: which namespace, which path, as whom, under which condition."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from devkit.rtdb.tree import Invalid, Json, Path, parse_path

MAX_BODY_BYTES = 256 * 1024 * 1024
MAX_READ_SECONDS = 900


class Refused(Exception):
    """The answer is an error: a status and the sentence for `{"error": …}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """`auth` is what rules see; an administrator is not asked by rules at all."""

    auth: Json
    is_admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    namespace: str
    target: str
    """The path without its slashes and `.json`, as the client sent it."""
    params: Mapping[str, str]
    headers: Mapping[str, str]
    client: tuple[str, int]

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any], default_namespace: str) -> Request:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        params = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        override = headers.get("x-http-method-override") or params.get("x-http-method-override")
        target, method = scope["path"], scope.get("method", "GET")
        return cls(
            method=override.upper() if override and method == "POST" else method,
            namespace=params.get("ns") or _namespace(headers.get("host", "")) or default_namespace,
            target=target.strip("/"),
            params=params,
            headers=headers,
            client=scope["client"],
        )

    @property
    def path(self) -> Path:
        if not self.target.endswith(".json"):
            raise Refused(404, "append .json to your request URI to use the REST API.")
        try:
            return parse_path(self.target.removesuffix(".json"))
        except Invalid as error:
            raise Refused(400, str(error)) from error

    @property
    def agent(self) -> str:
        """Which program asks, as it calls itself."""
        return self.headers.get("user-agent", "")

    @property
    def wants_stream(self) -> bool:
        return self.method == "GET" and "text/event-stream" in self.headers.get("accept", "")

    @property
    def wants_priorities(self) -> bool:
        return self.params.get("format") == "export"

    @property
    def seconds(self) -> float:
        """How long a read may take."""
        text = self.params.get("timeout", f"{MAX_READ_SECONDS}s")
        match = re.fullmatch(r"([0-9]{1,9})(ms|s|min)", text)
        seconds = float(match[1]) * {"ms": 0.001, "s": 1, "min": 60}[match[2]] if match else 0.0
        if not 0 < seconds <= MAX_READ_SECONDS:
            raise Refused(400, "timeout must be positive and at most 15min, such as 3ms, 3s or 3min.")
        return seconds

    @property
    def wants_etag(self) -> bool:
        return self.headers.get("x-firebase-etag", "").lower() == "true"

    def caller(self, admin_tokens: frozenset[str]) -> Caller:
        override = self.params.get("auth_variable_override")
        return caller_of(self._token(), admin_tokens, _override(override) if override is not None else _NONE)

    def _token(self) -> str | None:
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return token.strip()
        return self.params.get("access_token") or self.params.get("auth")


_NONE = object()


def caller_of(token: str | None, admin_tokens: frozenset[str], override: Json = _NONE) -> Caller:
    """`override`: an administrator acts as this `auth`."""
    if token is None:
        return Caller(auth=None, is_admin=False)
    if token not in admin_tokens:
        return Caller(auth=_claims(token), is_admin=False)
    return Caller(auth=None, is_admin=True) if override is _NONE else Caller(auth=override, is_admin=False)


def parse_body(body: bytes) -> Json:
    """What the client sent, or the database's sentence about why it cannot be stored."""
    if not body.strip():
        raise Refused(400, "Error: No data supplied.")
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        sentence = "Invalid data; couldn't parse JSON object, array, or value."
        raise Refused(
            400, f"{sentence} Perhaps you're using invalid characters in your key names."
        ) from error


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _namespace(host: str) -> str:
    """`name.firebaseio.com` and `name.localhost` carry the namespace; an address or a plain name does not."""
    name, dot, rest = host.partition(".")
    return name if dot and not rest.replace(".", "").partition(":")[0].isdecimal() else ""


def _claims(token: str) -> Json:
    """An ID token of the emulator suite: its signature is not checked, as there."""
    parts = token.split(".")
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        uid = payload.get("user_id") or payload["sub"]
    except (IndexError, KeyError, AttributeError, ValueError, binascii.Error) as error:
        raise Refused(401, "Unauthorized request.") from error
    return {"uid": uid, "token": payload, "provider": payload.get("provider_id")}


def _override(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Refused(400, "auth_variable_override must be valid JSON.") from error
    if value is not None and not isinstance(value, dict):
        raise Refused(400, "auth_variable_override must be an object or null.")
    return value
