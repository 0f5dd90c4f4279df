"""One namespace: its tree, its rules, who watches it. Every write goes through `commit`, in one place and order."""

from __future__ import annotations

from collections.abc import Iterable

from devkit.rtdb.rules import OPEN, Rules
from devkit.rtdb.tree import Node, Path, patch
from devkit.rtdb.watch import Commit, Ending, Observer


class Namespace:
    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Node = None
        self.rules = Rules(OPEN)
        self._watchers: set[Observer] = set()

    def apply(self, updates: Iterable[tuple[Path, Node]]) -> None:
        """Change the tree and tell nobody: replay of the log."""
        self.root = patch(self.root, updates)

    def commit(
        self, updates: list[tuple[Path, Node]], *, base: Path, is_patch: bool, now: int, is_told: bool = True
    ) -> None:
        before = self.root
        self.apply(updates)
        if not is_told:
            return
        commit = Commit(before=before, after=self.root, base=base, updates=tuple(updates), is_patch=is_patch)
        for watcher in list(self._watchers):
            if self._may_watch(watcher, now):
                watcher.saw(commit)
            else:
                watcher.end(Ending.CANCEL)

    def watch(self, watcher: Observer) -> None:
        self._watchers.add(watcher)

    @property
    def watcher_count(self) -> int:
        return len(self._watchers)

    def forget(self, watcher: Observer) -> None:
        self._watchers.discard(watcher)

    def set_rules(self, rules: Rules, now: int) -> None:
        """Whoever may no longer watch is told so, as the real service does."""
        self.rules = rules
        for watcher in list(self._watchers):
            if not self._may_watch(watcher, now):
                watcher.end(Ending.CANCEL)

    def end_watches(self, how: Ending) -> int:
        watchers = list(self._watchers)
        for watcher in watchers:
            watcher.end(how)
        return len(watchers)

    def _may_watch(self, watcher: Observer, now: int) -> bool:
        return watcher.is_admin or self.rules.may_read(
            watcher.path, self.root, watcher.auth, now, watcher.asked
        )
