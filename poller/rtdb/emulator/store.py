"""All namespaces of one server, and the files behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from poller.rtdb.emulator.log import AuditLog, WriteLog, open_log
from poller.rtdb.emulator.namespace import Namespace
from poller.rtdb.emulator.rules import OPEN, Rules
from poller.rtdb.tree import Json, from_json, parse_path, to_json
from poller.rtdb.tree import Path as TreePath


class Store:
    def __init__(self, *, data: Path | None = None, audit: Path | None = None) -> None:
        self._namespaces: dict[str, Namespace] = {}
        self._log: WriteLog | None = open_log(data, self._replay, self._snapshot) if data else None
        self._audit = AuditLog(audit) if audit else None
        self.commits = 0

    def namespace(self, name: str) -> Namespace:
        if name not in self._namespaces:
            self._namespaces[name] = Namespace(name)
        return self._namespaces[name]

    def namespaces(self) -> Iterable[Namespace]:
        return list(self._namespaces.values())

    def written(self, namespace: Namespace, updates: Iterable[tuple[TreePath, Json]]) -> None:
        """Log what was committed; call it in the same step as the commit, before anything is awaited."""
        self.commits += 1
        if self._log is not None:
            changes = [["/".join(path), to_json(node)] for path, node in updates]
            self._log.append({"ns": namespace.name, "set": changes})

    def set_rules(self, namespace: Namespace, rules: Rules, now: int) -> None:
        namespace.set_rules(rules, now)
        if self._log is not None:
            self._log.append({"ns": namespace.name, "rules": rules.source})

    def audited(
        self, namespace: Namespace, *, now: int, method: str, path: str, body: bytes, value: Json, auth: Json
    ) -> None:
        if self._audit is not None:
            self._audit.write(
                now=now, namespace=namespace.name, method=method, path=path, body=body, value=value, auth=auth
            )

    async def durable(self) -> None:
        """Returns when every write so far would survive a loss of power."""
        if self._log is not None:
            await self._log.synced()

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
        if self._audit is not None:
            self._audit.close()

    def _replay(self, record: Mapping[str, Json]) -> None:
        namespace = self.namespace(record["ns"])
        if "rules" in record:
            namespace.rules = Rules(record["rules"])
        namespace.apply((parse_path(path), from_json(value)) for path, value in record.get("set", ()))

    def _snapshot(self) -> Iterator[Json]:
        """Taken now, read later from another thread: the trees never change, only which one is current does."""
        return iter([record for namespace in self.namespaces() for record in _records(namespace)])


def _records(namespace: Namespace) -> Iterator[Json]:
    if namespace.rules.source != OPEN:
        yield {"ns": namespace.name, "rules": namespace.rules.source}
    yield {"ns": namespace.name, "set": [["", to_json(namespace.root)]]}
