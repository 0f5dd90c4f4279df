"""What went over the wire, as a database's own counts have it."""

from __future__ import annotations

from poller.rtdb.rest import Database


def bytes_read(database: Database) -> float:
    return _sum(database, "rtdb_bytes", direction="read")


def bytes_written(database: Database) -> float:
    return _sum(database, "rtdb_bytes", direction="written")


def requests(database: Database) -> float:
    return _sum(database, "rtdb_operations")


def reconnects(database: Database) -> float:
    return _sum(database, "rtdb_reconnects")


def _sum(database: Database, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in database.transport.metrics.registry.collect()
        for sample in family.samples
        if sample.name == f"eventstorming_{name}_total" and labels.items() <= sample.labels.items()
    )
