"""Event streams: what a commit means to someone who watches one node, and the bytes that tell them."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from devkit.rtdb.backlog import Backlog
from devkit.rtdb.tree import PRIORITY, Branch, Json, Node, Path, get, is_prefix, to_json
from devkit.rtdb.window import NO_QUERY, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One committed write: the tree before and after, and what it was told to change, in order."""

    before: Node
    after: Node
    base: Path
    updates: tuple[tuple[Path, Node], ...]
    is_patch: bool
    _encoded: dict[Hashable, bytes] = field(default_factory=dict)

    def touching(self, path: Path) -> list[tuple[Path, Node]]:
        """The updates at, above or below it."""
        return [item for item in self.updates if is_prefix(item[0], path) or is_prefix(path, item[0])]

    def replaces(self, path: Path) -> bool:
        """Whether something at or above it was written, so that its whole value is news."""
        return any(is_prefix(written, path) for written, _ in self.updates)

    def encoded(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Many are told the same: it is made once."""
        if key not in self._encoded:
            self._encoded[key] = make()
        return self._encoded[key]


class Ending(StrEnum):
    """How the server ends what someone watches."""

    OVER = "end"
    """What is on its way is still delivered."""
    CUT = "cut"
    CANCEL = "cancel"
    """The rules no longer allow it."""
    REVOKE = "revoke"
    """The credential is no longer valid."""


class Observer(Protocol):
    """Who is told of commits: an event stream or a listen of an SDK. `asked` is `query.` in rules."""

    @property
    def path(self) -> Path: ...
    @property
    def auth(self) -> Json: ...
    @property
    def is_admin(self) -> bool: ...
    @property
    def asked(self) -> Mapping[str, Any]: ...
    def saw(self, commit: Commit) -> None: ...
    def end(self, how: Ending) -> None: ...


class Watcher(Backlog):
    """One open event stream. `export`: with priorities, of which others hear nothing."""

    __slots__ = ("_export", "_window", "asked", "auth", "is_admin", "path")

    def __init__(
        self, path: Path, window: Window | None, auth: Json, *, is_admin: bool, export: bool
    ) -> None:
        super().__init__()
        self.path = path
        self.auth = auth
        self.is_admin = is_admin
        self.asked = NO_QUERY if window is None else window.variables()
        self._window = window
        self._export = export

    def start(self, root: Node) -> None:
        self.add(_event("put", (), self._shown(self._view(root))))

    def saw(self, commit: Commit) -> None:
        """Queue what this commit changed for this watcher, if anything."""
        if self._window is not None:
            self._saw_window(self._view(commit.before), self._view(commit.after))
            return
        touching = [
            item for item in commit.touching(self.path) if self._export or item[0][-1:] != (PRIORITY,)
        ]
        if not touching:
            return
        if commit.replaces(self.path):
            self._replaced(commit)
        elif commit.is_patch:
            self._patched(commit, touching)
        else:
            self._put(commit, touching)

    def end(self, how: Ending) -> None:
        if how in _LAST_WORDS:
            self.add(_LAST_WORDS[how])
        self.close(abort=how is Ending.CUT)

    def _view(self, root: Node) -> Node:
        node = get(root, self.path)
        return node if self._window is None else self._window.select(node)

    def _shown(self, node: Node) -> Json:
        return to_json(node, export=self._export)

    def _replaced(self, commit: Commit) -> None:
        """Something at or above the watched node was written: its whole value is news."""
        written_here = any(path == self.path for path, _ in commit.updates)
        value = self._view(commit.after)
        if written_here or value is not self._view(commit.before):
            self._tell(commit, "put", (), lambda: self._shown(value))

    def _put(self, commit: Commit, touching: Iterable[tuple[Path, Node]]) -> None:
        for path, value in touching:
            self._tell(commit, "put", path[len(self.path) :], partial(self._shown, value))

    def _patched(self, commit: Commit, touching: Iterable[tuple[Path, Node]]) -> None:
        origin = commit.base if is_prefix(self.path, commit.base) else self.path
        self._tell(
            commit,
            "patch",
            origin[len(self.path) :],
            lambda: {"/".join(path[len(origin) :]): self._shown(value) for path, value in touching},
        )

    def _tell(self, commit: Commit, name: str, path: Path, value: Callable[[], Json]) -> None:
        key = (self.path, name, path, self._export)
        self.add(commit.encoded(key, lambda: _event(name, path, value())))

    def _saw_window(self, before: Node, after: Node) -> None:
        for key, value in changed_children(before, after).items():
            self.add(_event("put", (key,), self._shown(value)))


def changed_children(before: Node, after: Node) -> dict[str, Node]:
    """What left a window (None), entered it or changed in it."""
    old = before if isinstance(before, Branch) else Branch()
    new = after if isinstance(after, Branch) else Branch()
    left: dict[str, Node] = dict.fromkeys(old.keys() - new.keys())
    return left | {
        key: value for key, value in new.items() if old.get(key) is not value and old.get(key) != value
    }


_LAST_WORDS = {
    Ending.CANCEL: b"event: cancel\ndata: null\n\n",
    Ending.REVOKE: b"event: auth_revoked\ndata: credential is no longer valid\n\n",
}


def encode(value: Json) -> bytes:
    """What a client sent may come back here: half a surrogate pair becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _event(name: str, path: Path, value: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), encode({"path": "/" + "/".join(path), "data": value}))
