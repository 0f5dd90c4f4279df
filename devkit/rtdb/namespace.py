"""One namespace: its tree, its rules, who watches it. Every write goes through `commit`, in one place and order."""

from __future__ import annotations

from collections.abc import Iterable

from devkit.rtdb.query import Query
from devkit.rtdb.rules import OPEN, Rules
from devkit.rtdb.tree import Json, Node, Path, patch
from devkit.rtdb.watch import CANCEL, Commit, Watcher


class Namespace:
    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Node = None
        self.rules = Rules(OPEN)
        self._watchers: set[Watcher] = set()

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
                watcher.end(last_words=CANCEL)

    def watch(self, path: Path, query: Query | None, auth: Json, *, is_admin: bool) -> Watcher:
        watcher = Watcher(path, query, auth, is_admin=is_admin)
        watcher.start(self.root)
        self._watchers.add(watcher)
        return watcher

    @property
    def watcher_count(self) -> int:
        return len(self._watchers)

    def forget(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)

    def set_rules(self, rules: Rules, now: int) -> None:
        """Whoever may no longer watch is told so, as the real service does."""
        self.rules = rules
        for watcher in self._watchers:
            if not self._may_watch(watcher, now):
                watcher.end(last_words=CANCEL)

    def end_watches(self, *, last_words: bytes = b"", abort: bool = False) -> int:
        for watcher in self._watchers:
            watcher.end(last_words=last_words, abort=abort)
        return len(self._watchers)

    def _may_watch(self, watcher: Watcher, now: int) -> bool:
        return watcher.is_admin or self.rules.may_read(watcher.path, self.root, watcher.auth, now)
