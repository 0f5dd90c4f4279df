"""Opens the database that the settings name, with the credentials that belong to it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from poller.metrics import Metrics
from poller.rtdb.client import Database, endpoint
from poller.rtdb.credentials import (
    ApplicationDefaultCredentials,
    Credentials,
    EmulatorCredentials,
    ServiceAccountCredentials,
)
from poller.rtdb.writer import IDENTITY


class Settings(Protocol):
    """What this module needs of the settings."""

    @property
    def firebase_database_url(self) -> str | None: ...
    @property
    def firebase_database_emulator_host(self) -> str | None: ...
    @property
    def firebase_service_account_path(self) -> Path | None: ...
    @property
    def firebase_database_lease_rules(self) -> bool: ...
    @property
    def pod_id(self) -> str: ...


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
