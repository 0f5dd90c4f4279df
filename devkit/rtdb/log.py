"""The two files an embedded database may write: its durable log, and an audit log for other tools to read.

The durable log is append-only: one line per commit with a checksum. A line is written before anyone hears of the
commit, so a killed process loses nothing that was seen; it is synced before the write is answered, so a machine
that loses power loses nothing that was answered. A torn last line is cut off at start.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import structlog

from devkit.rtdb.tree import Json

log = structlog.get_logger(__name__)

_HEADER = b"eventstorming-rtdb 1\n"
_COMPACT_AT_LEAST = 16 * 1024 * 1024


class LogUnusable(Exception):
    """The data file is not ours, damaged in the middle, or in use; the message says which."""


class WriteLog:
    """Use `open_log` to make one. `snapshot` yields the records that rebuild the present state."""

    def __init__(
        self, path: Path, file: IO[bytes], snapshot: Callable[[], Iterable[Json]], *, compact_at: int
    ) -> None:
        self._path = path
        self._file = file
        self._snapshot = snapshot
        self._written = self._durable = file.tell()
        self._compact_at_least = compact_at
        self._compact_at = max(compact_at, 2 * self._written)
        self._syncing = asyncio.Lock()

    def append(self, record: Json) -> None:
        """All of it or nothing: on a full disk the part that went out is taken back."""
        line = _line(record)
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file.fileno(), line[written:])
        except OSError:
            self._file.truncate(self._written)
            raise
        self._written += len(line)

    async def synced(self) -> None:
        """Returns once everything appended so far is on the disk; callers that wait together share one sync."""
        target = self._written
        async with self._syncing:
            if self._durable < target:
                reached = self._written
                await asyncio.to_thread(os.fsync, self._file.fileno())
                self._durable = reached
            if self._written > self._compact_at:
                await self._try_compact()

    def close(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()

    async def _try_compact(self) -> None:
        """What was written is safe in the old file whatever happens to the new one."""
        try:
            await self._compact()
        except OSError as error:
            self._compact_at = 2 * self._written
            log.warning("rtdb.log_compaction_failed", error=str(error))

    async def _compact(self) -> None:
        """Write the present state to a new file while new commits go on into the old one, then change over."""
        records, start = self._snapshot(), self._written
        fresh = self._path.with_name(self._path.name + ".new")
        await asyncio.to_thread(_write_records, fresh, records)
        file = fresh.open("r+b")
        _lock(file, fresh)
        file.seek(0, os.SEEK_END)
        with self._path.open("rb") as old:
            old.seek(start)
            file.write(old.read())
        file.flush()
        os.fsync(file.fileno())
        fresh.replace(self._path)
        _sync_directory(self._path.parent)
        before, self._file = self._file, file
        before.close()
        log.info("rtdb.log_compacted", before=self._written, after=file.tell())
        self._written = self._durable = file.tell()
        self._compact_at = max(self._compact_at_least, 4 * self._written)


def open_log(
    path: Path,
    apply: Callable[[Json], None],
    snapshot: Callable[[], Iterable[Json]],
    *,
    compact_at: int = _COMPACT_AT_LEAST,
) -> WriteLog:
    """Replays every record into `apply`, cuts a torn tail, and goes on at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+b", buffering=0)
    _lock(file, path)
    file.seek(0)
    content = file.read()
    good = _replay(content, path, apply) if content else 0
    if good < len(content):
        log.warning("rtdb.log_tail_cut", bytes=len(content) - good)
        file.truncate(good)
    if good == 0:
        os.write(file.fileno(), _HEADER)
        _sync_directory(path.parent)
    os.fsync(file.fileno())
    file.seek(0, os.SEEK_END)
    return WriteLog(path, file, snapshot, compact_at=compact_at)


def _replay(content: bytes, path: Path, apply: Callable[[Json], None]) -> int:
    """Applies the good lines; returns where they end. Bad bytes are a torn tail only if nothing good follows."""
    if not content.startswith(_HEADER):
        if _HEADER.startswith(content):
            return 0
        raise LogUnusable(f"{path} is not a data file of the embedded database.")
    good = len(_HEADER)
    for end, record in _records(content, good):
        if record is None:
            _refuse_damage(content, end, path)
            break
        apply(record)
        good = end
    return good


def _records(content: bytes, start: int) -> Iterator[tuple[int, Json | None]]:
    """Each line's end and record, None for a line that fails its checksum or has no end."""
    while start < len(content):
        stop = content.find(b"\n", start)
        end = len(content) if stop < 0 else stop + 1
        yield end, _record(content[start:end])
        start = end


def _record(line: bytes) -> Json | None:
    checksum, _, body = line.partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(body):
        return None
    return json.loads(body)


def _refuse_damage(content: bytes, start: int, path: Path) -> None:
    if any(record is not None for _, record in _records(content, start)):
        raise LogUnusable(
            f"{path} is damaged before byte {start}, with good data after it. Restore it from a copy."
        )


def _line(record: Json) -> bytes:
    body = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return b"%08x %s" % (zlib.crc32(body), body)


def _write_records(path: Path, records: Iterable[Json]) -> None:
    with path.open("wb") as file:
        file.write(_HEADER)
        for record in records:
            file.write(_line(record))
        file.flush()
        os.fsync(file.fileno())


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LogUnusable(f"{path} is in use by another embedded database.") from error


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class AuditLog:
    """One JSON line per committed write, for benches and chaos tests: when, where, what, as whom and from which program."""

    MAX_VALUE_BYTES = 64 * 1024

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8", errors="replace")

    def write(
        self,
        *,
        now: int,
        namespace: str,
        method: str,
        path: str,
        body: bytes,
        value: Json,
        auth: Json,
        agent: str,
    ) -> None:
        entry = {
            "time": now,
            "ns": namespace,
            "method": method,
            "path": path,
            "size": len(body),
            "auth": auth,
            "agent": agent,
        }
        if len(body) <= self.MAX_VALUE_BYTES:
            entry["value"] = value
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
