"""Every write, whoever sends it: checked against the rules, logged, committed and told in one turn of the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devkit.rtdb.faults import Faults
from devkit.rtdb.namespace import Namespace
from devkit.rtdb.request import Caller
from devkit.rtdb.store import Store
from devkit.rtdb.tree import Json, Node, Path, patch
from devkit.rtdb.window import NO_QUERY


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write that is understood but not yet allowed."""

    base: Path
    updates: list[tuple[Path, Node]]
    is_patch: bool
    body: bytes
    value: Json


class Writes:
    """`faults` is None when faults are off; `permits` and `may_read` ask the rules, administrators excepted."""

    def __init__(self, store: Store, *, now_ms: Callable[[], int], faults: Faults | None) -> None:
        self.store = store
        self.now_ms = now_ms
        self.faults = faults

    def may_read(
        self, caller: Caller, namespace: Namespace, path: Path, asked: Mapping[str, Any] = NO_QUERY
    ) -> bool:
        return caller.is_admin or namespace.rules.may_read(
            path, namespace.root, caller.auth, self.now_ms(), asked
        )

    def permits(self, caller: Caller, namespace: Namespace, updates: list[tuple[Path, Node]]) -> bool:
        if caller.is_admin:
            return True
        after = patch(namespace.root, updates)
        paths = [path for path, _ in updates]
        return namespace.rules.may_write(paths, namespace.root, after, caller.auth, self.now_ms())

    def apply(self, caller: Caller, namespace: Namespace, write: Write, *, method: str, agent: str) -> None:
        """No await in here: commits happen one after the other, logged and told in the same order."""
        now = self.now_ms()
        self.store.log(namespace, write.updates)
        is_told = self.faults is None or not self.faults.settings.mute_streams
        namespace.commit(write.updates, base=write.base, is_patch=write.is_patch, now=now, is_told=is_told)
        self.store.audited(
            namespace,
            now=now,
            method=method,
            path="/".join(write.base),
            body=write.body,
            value=write.value,
            auth=caller.auth,
            agent=agent,
        )
