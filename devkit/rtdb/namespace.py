"""One namespace: its tree, its rules, who watches it. Every write goes through `commit`, in one place and order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from devkit.rtdb.rules import Rules
from devkit.rtdb.tree import Node, Path, patch
from devkit.rtdb.watch import Commit, Ending, Observer


class _Place:
    """Who watches one path, and the places below it. Watchers are kept in the order in which they came."""

    __slots__ = ("below", "watchers")

    def __init__(self) -> None:
        self.watchers: dict[Observer, None] = {}
        self.below: dict[str, _Place] = {}

    def all(self) -> Iterator[Observer]:
        yield from self.watchers
        for place in self.below.values():
            yield from place.all()

    def first(self, path: Path) -> Observer | None:
        if path:
            return self.below[path[0]].first(path[1:]) if path[0] in self.below else None
        return next(iter(self.watchers), None)

    def concerned(self, path: Path) -> Iterator[Observer]:
        """Who watches something at, above or below it."""
        if not path:
            yield from self.all()
            return
        yield from self.watchers
        if path[0] in self.below:
            yield from self.below[path[0]].concerned(path[1:])

    def add(self, watcher: Observer, path: Path) -> None:
        if path:
            self.below.setdefault(path[0], _Place()).add(watcher, path[1:])
        else:
            self.watchers[watcher] = None

    def remove(self, watcher: Observer, path: Path) -> bool:
        """Whether nothing is left here."""
        if not path:
            self.watchers.pop(watcher, None)
        elif path[0] in self.below and self.below[path[0]].remove(watcher, path[1:]):
            del self.below[path[0]]
        return not self.watchers and not self.below


class Namespace:
    def __init__(self, name: str, rules: Rules) -> None:
        self.name = name
        self.root: Node = None
        self.rules = rules
        self._places = _Place()
        self._unsure: dict[Observer, None] = {}
        """Those whose right to read may change with the data: asked again at every commit."""

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
        self._end_the_forbidden(self._unsure, now)
        concerned = (watcher for path, _ in updates for watcher in self._places.concerned(path))
        for watcher in dict.fromkeys(concerned):
            watcher.saw(commit)

    def shared(self, path: Path) -> Path:
        """The same path as those have who watch there already: a thousand of them hold it once."""
        watcher = self._places.first(path)
        return path if watcher is None else watcher.path

    def watch(self, watcher: Observer) -> None:
        self._places.add(watcher, watcher.path)
        self._note_doubt(watcher)

    @property
    def watchers(self) -> list[Observer]:
        return list(self._places.all())

    def forget(self, watcher: Observer) -> None:
        self._unsure.pop(watcher, None)
        self._places.remove(watcher, watcher.path)

    def set_rules(self, rules: Rules, now: int) -> None:
        """Whoever may no longer watch is told so, as the real service does."""
        self.rules = rules
        self._unsure.clear()
        for watcher in self.watchers:
            self._note_doubt(watcher)
        self._end_the_forbidden(self.watchers, now)

    def end_watches(self, how: Ending) -> int:
        watchers = self.watchers
        for watcher in watchers:
            watcher.end(how)
        return len(watchers)

    def _note_doubt(self, watcher: Observer) -> None:
        if self.rules.reading_may_change(watcher.path):
            self._unsure[watcher] = None

    def _end_the_forbidden(self, watchers: Iterable[Observer], now: int) -> None:
        for watcher in list(watchers):
            if not watcher.is_admin and not self.rules.may_read(
                watcher.path, self.root, watcher.auth, now, watcher.asked
            ):
                watcher.end(Ending.CANCEL)
