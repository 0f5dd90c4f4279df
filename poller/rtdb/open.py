"""Opens the database that the settings name, with the credentials that belong to it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, quote, urlsplit

from poller.metrics import Metrics
from poller.rtdb.credentials import (
    ApplicationDefaultCredentials,
    Credentials,
    EmulatorCredentials,
    ServiceAccountCredentials,
)
from poller.rtdb.rest import Database
from poller.rtdb.writer import IDENTITY


class Settings(Protocol):
    """What this module needs of the settings."""

    @property
    def firebase_database_url(self) -> str | None:
        """None with an emulator alone."""

    @property
    def firebase_database_emulator_host(self) -> str | None:
        """`host:port`; wins."""

    @property
    def firebase_service_account_path(self) -> Path | None:
        """None: the default credentials of the environment."""

    @property
    def firebase_database_lease_rules(self) -> bool:
        """Whether the database checks leases: its rules are installed."""

    @property
    def pod_id(self) -> str:
        """What the database's own log knows us by."""


def open_database(settings: Settings, metrics: Metrics) -> Database:
    """To be entered with `async with`."""
    base_url, namespace = endpoint(settings.firebase_database_url, settings.firebase_database_emulator_host)
    database = Database.connect(
        base_url=base_url,
        namespace=namespace,
        credentials=_credentials(settings),
        metrics=metrics,
        agent=f"eventstorming ({quote(settings.pod_id)})",
    )
    return database.acting_as(IDENTITY) if settings.firebase_database_lease_rules else database


def _credentials(settings: Settings) -> Credentials:
    if settings.firebase_database_emulator_host:
        return EmulatorCredentials()
    account = settings.firebase_service_account_path
    return ServiceAccountCredentials(account) if account else ApplicationDefaultCredentials()


def endpoint(database_url: str | None, emulator_host: str | None) -> tuple[str, str | None]:
    """Base URL and namespace from Firebase's two settings: an emulator wins, and needs the name as `?ns=`."""
    url = urlsplit(database_url or "")
    named = parse_qs(url.query).get("ns", [None])[0]
    if not emulator_host:
        return f"{url.scheme}://{url.netloc}", named
    host = urlsplit(emulator_host if "://" in emulator_host else f"http://{emulator_host}")
    of_emulator = parse_qs(host.query).get("ns", [None])[0]
    of_host = url.netloc.partition(".")[0] if "." in url.netloc and not named else None
    return f"{host.scheme}://{host.netloc}", of_emulator or named or of_host or "eventstorming"
