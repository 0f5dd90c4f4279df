"""Event streams: what a commit means to someone who watches one node, and the bytes that tell them."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from devkit.rtdb.query import Query
from devkit.rtdb.tree import Branch, Json, Node, Path, get, is_prefix, to_json

MAX_BACKLOG_BYTES = 64 * 1024 * 1024
"""A reader who is this far behind is cut off, and gets a fresh snapshot when it comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One committed write: the tree before and after, and what it was told to change, in order."""

    before: Node
    after: Node
    base: Path
    updates: tuple[tuple[Path, Node], ...]
    is_patch: bool


class Watcher:
    """One open stream. Events wait here as bytes until the connection has taken them."""

    def __init__(self, path: Path, query: Query | None, auth: Json, *, is_admin: bool) -> None:
        self.path = path
        self.auth = auth
        self.is_admin = is_admin
        self._query = query
        self._backlog: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self.ended = False
        self.aborted = False

    def start(self, root: Node) -> None:
        self._send(_event("put", (), to_json(self._view(root))))

    def saw(self, commit: Commit) -> None:
        """Queue what this commit changed for this watcher, if anything."""
        if self._query is not None:
            self._saw_window(self._view(commit.before), self._view(commit.after))
            return
        touching = [
            item for item in commit.updates if is_prefix(item[0], self.path) or is_prefix(self.path, item[0])
        ]
        if not touching:
            return
        if any(len(path) <= len(self.path) for path, _ in touching):
            self._replaced(commit)
        elif commit.is_patch:
            self._patched(commit.base, touching)
        else:
            self._put(touching)

    def end(self, *, last_words: bytes = b"", abort: bool = False) -> None:
        if last_words:
            self._send(last_words)
        self.ended = True
        self.aborted = self.aborted or abort
        self._wake.set()

    async def next(self, keep_alive: float) -> bytes | None:
        """The next bytes to send; a keep-alive after `keep_alive` quiet seconds; None when the stream is over."""
        while not self._backlog and not self.ended:
            self._wake.clear()
            try:
                async with asyncio.timeout(keep_alive):
                    await self._wake.wait()
            except TimeoutError:
                return KEEP_ALIVE
        if self.aborted or not self._backlog:
            return None
        event = self._backlog.popleft()
        self._bytes -= len(event)
        return event

    def _view(self, root: Node) -> Node:
        node = get(root, self.path)
        return node if self._query is None else self._query.select(node)

    def _replaced(self, commit: Commit) -> None:
        """Something at or above the watched node was written: its whole value is news."""
        written_here = any(path == self.path for path, _ in commit.updates)
        value = self._view(commit.after)
        if written_here or value is not self._view(commit.before):
            self._send(_event("put", (), to_json(value)))

    def _put(self, touching: Iterable[tuple[Path, Node]]) -> None:
        for path, value in touching:
            self._send(_event("put", path[len(self.path) :], to_json(value)))

    def _patched(self, base: Path, touching: Iterable[tuple[Path, Node]]) -> None:
        origin = base if is_prefix(self.path, base) else self.path
        changes = {"/".join(path[len(origin) :]): to_json(value) for path, value in touching}
        self._send(_event("patch", origin[len(self.path) :], changes))

    def _saw_window(self, before: Node, after: Node) -> None:
        old = before if isinstance(before, Branch) else Branch()
        new = after if isinstance(after, Branch) else Branch()
        for key in old.keys() - new.keys():
            self._send(_event("put", (key,), None))
        for key, value in new.items():
            if old.get(key) is not value and old.get(key) != value:
                self._send(_event("put", (key,), to_json(value)))

    def _send(self, event: bytes) -> None:
        if self.ended:
            return
        self._backlog.append(event)
        self._bytes += len(event)
        if self._bytes > MAX_BACKLOG_BYTES:
            self.end(abort=True)
        self._wake.set()


KEEP_ALIVE = b"event: keep-alive\ndata: null\n\n"
CANCEL = b"event: cancel\ndata: null\n\n"
AUTH_REVOKED = b"event: auth_revoked\ndata: credential is no longer valid\n\n"


def encode(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _event(name: str, path: Path, value: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), encode({"path": "/" + "/".join(path), "data": value}))
