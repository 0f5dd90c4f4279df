"""What `doctor` looks at in the database: reached, allowed, fenced, switched on. Changes nothing: it only deletes what is not there."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from typing import Protocol

from poller.cli.outcome import CliError, Exit, Remark
from poller.errors import Permanent, PollerError, Transient
from poller.metrics import Metrics
from poller.rtdb.answers import Denied
from poller.rtdb.names import Nodes
from poller.rtdb.open import Settings as Access
from poller.rtdb.open import open_database
from poller.rtdb.rest import Database
from poller.rtdb.writer import IDENTITY

SWITCH = "configs/eventstorming_generator/is_use_backend"
RULES = "publish poller/rtdb/database.rules.json (firebase deploy --only database)"
_SECONDS = 10.0


class Settings(Access, Protocol):
    """What this module needs of the settings."""

    @property
    def namespace(self) -> str:
        """Of the queue."""

    @property
    def a2a_port(self) -> int:
        """0: nobody is told by webhook, so those rules are not needed."""


async def examine(settings: Settings) -> AsyncGenerator[str, None]:
    """One sentence for each thing that is well; raises at the first that is not, with the sentence that repairs it."""
    nodes = Nodes(settings.namespace)
    async with open_database(settings, Metrics()) as database:
        yield await _reached(database, nodes, settings)
        yield await _allowed(database, nodes, settings)
        yield await _fenced(database, nodes, settings)
        yield await _switched_on(database)


async def _reached(database: Database, nodes: Nodes, settings: Settings) -> str:
    emulator = settings.firebase_database_emulator_host
    try:
        waiting = await database.keys(nodes.entries, deadline=_SECONDS)
    except Transient as error:
        name = "FIREBASE_DATABASE_EMULATOR_HOST" if emulator else "FIREBASE_DATABASE_URL"
        raise CliError(
            f"{str(error).rstrip('.')}. Check {name} and the network.", Exit.UNREACHABLE
        ) from error
    except Denied as error:
        raise _denied("read", nodes.entries, settings) from error
    except PollerError as error:
        raise CliError(str(error), Exit.UNREACHABLE) from error
    return f"reachable, {len(waiting)} jobs in the queue"


async def _allowed(database: Database, nodes: Nodes, settings: Settings) -> str:
    webhooks = (nodes.owed,) if settings.a2a_port else ()
    for node in (nodes.entries, nodes.jobs, nodes.removals, nodes.index, *webhooks):
        try:
            await database.keys(node, deadline=_SECONDS)
        except Permanent as error:
            raise _denied("read", node, settings) from error
        try:
            await database.delete(f"{node}/{uuid.uuid4()}", deadline=_SECONDS)
        except Permanent as error:
            raise _denied("write", node, settings) from error
    return "this account may read and write the queue, the jobs, their index and the removals"


def _denied(what: str, node: str, settings: Settings) -> CliError:
    if settings.firebase_database_lease_rules:
        return CliError(
            f"RTDB does not let this account {what} {node}: {RULES} of this version.", Exit.UNREACHABLE
        )
    account = settings.firebase_service_account_path or "the account of this machine"
    return CliError(
        f"RTDB does not let this account {what} {node}: give {account} the role Firebase Realtime Database Admin, "
        "or a key of the database's own project.",
        Exit.UNREACHABLE,
    )


async def _fenced(database: Database, nodes: Nodes, settings: Settings) -> str:
    """A write under a lease that nobody holds must be refused."""
    if not settings.firebase_database_lease_rules:
        return (
            "lease rules are not used. With more than one poller they are worth it: the database itself then refuses "
            f"what an overtaken run still writes. To have them, {RULES} and set FIREBASE_DATABASE_LEASE_RULES=true"
        )
    overtaken = database.acting_as(IDENTITY | {"lease": "doctor"})
    try:
        await overtaken.delete(f"{nodes.jobs}/{uuid.uuid4()}/run", deadline=_SECONDS)
    except Denied:
        return "the database refuses a run whose lease is another's"
    raise CliError(
        f"FIREBASE_DATABASE_LEASE_RULES is on, but the database took a write under a lease that nobody holds: {RULES}."
    )


async def _switched_on(database: Database) -> str:
    switch = await database.get(SWITCH, deadline=_SECONDS)
    if switch is None:
        return Remark(f"{SWITCH} is not set: the web client sends no jobs until it is true")
    if not switch:
        raise CliError(f"{SWITCH} is off: the web client sends no jobs; set it to true.")
    return "the web client sends its jobs here"
