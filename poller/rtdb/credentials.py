"""Where access tokens come from: nowhere (embedded database), a service account file, or the environment's own.

firebase-admin is imported by the first token, in a worker thread, so a demo never pays for it.
"""

from __future__ import annotations

import asyncio
import codecs
import functools
import json
import re
import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog

from poller.errors import Permanent, PollerError, Transient

log = structlog.get_logger(__name__)

REFRESH_BEFORE_SECONDS = 300.0
RETRY_REFRESH_SECONDS = 15.0
_ENDPOINT_TIMEOUT_SECONDS = 10.0


class Credentials(Protocol):
    """Where access tokens come from."""

    async def token(self, *, stale: str | None = None) -> str | None:
        """A bearer token, None to send none. `stale` is one that the database just refused: never return it again."""
        ...


class EmulatorCredentials:
    """What emulators take for an administrator."""

    async def token(self, *, stale: str | None = None) -> str | None:
        return "owner"


class GoogleCredentials:
    """Tokens of a Google credential, renewed five minutes early and behind the scenes while the old one still works.

    `load` runs in a worker thread and returns a `google.auth` credential.
    """

    def __init__(self, load: Callable[[], Any], *, now: Callable[[], float] = time.time) -> None:
        self._load = load
        self._now = now
        self._credential: Any = None
        self._token: str | None = None
        self._expires = 0.0
        self._renew_at = 0.0
        self._renewal: asyncio.Task[None] | None = None

    async def token(self, *, stale: str | None = None) -> str | None:
        if stale is not None and stale == self._token:
            self._token, self._renew_at = None, 0.0
        works = self._token is not None and self._now() < self._expires
        if self._now() >= self._renew_at:
            renewal = self._renewing()
            if not works:
                await asyncio.shield(renewal)
        return self._token

    def _renewing(self) -> asyncio.Task[None]:
        """The renewal under way. It outlives whoever waits for it: the next caller finds its token."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(_seen)
        return self._renewal

    async def _renew(self) -> None:
        try:
            await asyncio.to_thread(self._refresh)
        except PollerError as error:
            if self._token is None or self._now() >= self._expires:
                raise
            self._renew_at = self._now() + RETRY_REFRESH_SECONDS
            log.warning(
                "rtdb.token_renewal_failed", error=str(error), valid_for=round(self._expires - self._now())
            )
        else:
            self._renew_at = self._expires - REFRESH_BEFORE_SECONDS
            log.info("rtdb.token_renewed", valid_for=round(self._expires - self._now()))

    def _refresh(self) -> None:
        """In a worker thread: google-auth is synchronous."""
        from google.auth import exceptions
        from google.auth.transport.requests import Request

        try:
            if self._credential is None:
                self._credential = self._load()
            self._credential.refresh(functools.partial(Request(), timeout=_ENDPOINT_TIMEOUT_SECONDS))
        except exceptions.GoogleAuthError as error:
            raise _explained(error) from error
        self._token = self._credential.token
        self._expires = self._credential.expiry.replace(tzinfo=UTC).timestamp()


class ServiceAccountCredentials(GoogleCredentials):
    """The service account key file that the operators mount."""

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        super().__init__(functools.partial(_service_account, path), now=now)


class ApplicationDefaultCredentials(GoogleCredentials):
    """Whatever the machine offers: workload identity, `gcloud auth application-default login`, …"""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        super().__init__(_application_default, now=now)


def _seen(renewal: asyncio.Task[None]) -> None:
    """Whoever waited has the error; nobody may have waited."""
    if not renewal.cancelled():
        renewal.exception()


def _service_account(path: Path) -> Any:
    from firebase_admin import credentials

    try:
        return credentials.Certificate(key_in(path)).get_credential()
    except OSError as error:
        raise Permanent(f"The service account key cannot be read: {error.strerror} ({path}).") from error
    except ValueError as error:
        repair = str(error) if isinstance(error, _Doubled) else "download it again from the console"
        raise Permanent(f"{path} is not a service account key: {repair}.") from error


class _Doubled(ValueError):
    """The escapes of a key are escaped."""


def key_in(path: Path) -> Any:
    """The JSON of a service account key, whatever editor saved it. Raises OSError and ValueError."""
    raw = path.read_bytes()
    if marked := raw.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        log.warning("rtdb.key_file_marked", path=str(path))
    text = raw.decode("utf-16" if marked and raw[0] != codecs.BOM_UTF8[0] else "utf-8-sig")
    if re.search(r'\\"private_key\\"|BEGIN [A-Z ]*PRIVATE KEY-----\\\\n', text):
        raise _Doubled(
            "its escapes are doubled (\\\\n instead of \\n), as when JSON is quoted once more; make the secret from the file as it "
            "was downloaded"
        )
    if not isinstance(key := json.loads(text), dict):
        raise ValueError("no JSON object")
    return key


def _application_default() -> Any:
    from firebase_admin import credentials

    return credentials.ApplicationDefault().get_credential()


def _explained(error: Any) -> PollerError:
    if getattr(error, "retryable", False) or type(error).__name__ == "TransportError":
        return Transient(f"The token service does not answer ({_cause(error)}).")
    return Permanent(
        f"Google refuses these credentials ({type(error).__name__}): check FIREBASE_SERVICE_ACCOUNT_PATH, "
        "that the key was not revoked, and the clock of this machine."
    )


def _cause(error: BaseException) -> str:
    """The host that was asked, where it is known, and the innermost reason: requests and urllib3 wrap it four times."""
    host = ""
    while inner := error.__cause__ or error.__context__:
        url = getattr(getattr(error, "request", None), "url", "")
        host, error = urlsplit(url).netloc or host, inner
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{host}: {reason}" if host else str(reason)
