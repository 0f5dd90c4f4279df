"""All namespaces of one server, and the files behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from devkit.rtdb.log import AuditLog, WriteLog, open_log
from devkit.rtdb.namespace import Namespace
from devkit.rtdb.rules import OPEN, Rules
from devkit.rtdb.tree import Json, Node, from_json, parse_path, to_json
from devkit.rtdb.tree import Path as TreePath


class Store:
    """`rules` hold in each namespace that has none of its own."""

    def __init__(
        self, *, data: Path | None = None, audit: Path | None = None, rules: Rules | None = None
    ) -> None:
        self._rules = rules or Rules(OPEN)
        self._namespaces: dict[str, Namespace] = {}
        self._log: WriteLog | None = open_log(data, self._replay, self._snapshot) if data else None
        self._audit = AuditLog(audit) if audit else None
        self.commits = 0

    def namespace(self, name: str) -> Namespace:
        if name not in self._namespaces:
            self._namespaces[name] = Namespace(name, self._rules)
        return self._namespaces[name]

    def namespaces(self) -> Iterable[Namespace]:
        return list(self._namespaces.values())

    def log(self, namespace: Namespace, updates: Iterable[tuple[TreePath, Node]]) -> None:
        """Call it right before the commit, with nothing awaited in between."""
        self.commits += 1
        if self._log is not None:
            changes = [["/".join(path), to_json(node, export=True)] for path, node in updates]
            self._log.append({"ns": namespace.name, "set": changes})

    def set_rules(self, namespace: Namespace, rules: Rules, now: int) -> None:
        if self._log is not None:
            self._log.append({"ns": namespace.name, "rules": rules.source})
        namespace.set_rules(rules, now)

    def audited(
        self,
        namespace: Namespace,
        *,
        now: int,
        method: str,
        path: str,
        body: bytes,
        value: Json,
        auth: Json,
        agent: str,
    ) -> None:
        if self._audit is not None:
            self._audit.write(
                now=now,
                namespace=namespace.name,
                method=method,
                path=path,
                body=body,
                value=value,
                auth=auth,
                agent=agent,
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
        """Taken now, turned into records later and in another thread: trees are never changed in place."""
        present = [(space.name, space.root, self._own_rules(space)) for space in self.namespaces()]
        return (record for name, root, rules in present for record in _records(name, root, rules))

    def _own_rules(self, namespace: Namespace) -> Rules | None:
        return None if namespace.rules is self._rules else namespace.rules


def _records(name: str, root: Node, rules: Rules | None) -> Iterator[Json]:
    if rules is not None:
        yield {"ns": name, "rules": rules.source}
    yield {"ns": name, "set": [["", to_json(root, export=True)]]}
