"""Documents that people have: their text, read by a process of its own that holds no secret and can take no more than its share.

Text in whatever encoding it has; Word and PDF by the readers of the extra `documents`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from poller.errors import Permanent

LARGEST_DOCUMENT: Final = 10 * 1024 * 1024
"""Bytes of a file."""
SECONDS: Final = 20.0
_PASSED_ON: Final = ("PATH", "PYTHONPATH", "LANG", "SYSTEMROOT")


class Refusal(StrEnum):
    """Why a document gives no text."""

    TOO_LARGE = "tooLarge"
    """More than `LARGEST_DOCUMENT` bytes, or more text than a job may have."""
    UNKNOWN = "unknown"
    """Neither text nor of a kind that is read."""
    BROKEN = "broken"
    """It has a kind, but cannot be read as that, or not without a password."""
    EMPTY = "empty"
    """No text in it, like a scan."""
    TOO_MUCH = "tooMuch"
    """Reading it took more time or memory than it gets."""
    NO_READER = "noReader"
    """The extra `documents` is not installed."""


_SENTENCES: Final = {
    Refusal.TOO_LARGE: f"The document is too large: at most {LARGEST_DOCUMENT >> 20} MiB, and 4 MiB of text.",
    Refusal.UNKNOWN: "This is no text that can be read: use md, txt, docx or pdf.",
    Refusal.BROKEN: "The document cannot be read: it is broken or has a password.",
    Refusal.EMPTY: "There is no text in the document; a scan has only pictures.",
    Refusal.TOO_MUCH: "Reading the document took more time or memory than it gets.",
    Refusal.NO_READER: "docx and pdf need the extra `documents`: pip install 'eventstorming-generator[documents]'.",
}


class Unreadable(Permanent):
    """The document gives no text; `why` for a page that says it in its own words."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(_SENTENCES[why])
        self.why = why


@dataclass(frozen=True, slots=True)
class Read:
    """The text, lines separated by a line feed, and as what it was read: `utf-8`, `cp949`, `docx` …"""

    text: str
    form: str


class Documents:
    """Reads one at a time: each may take as much memory as the poller has to spare."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._one = asyncio.Semaphore(1)

    async def read(self, content: bytes) -> Read:
        """Raises Unreadable."""
        if len(content) > LARGEST_DOCUMENT:
            raise Unreadable(Refusal.TOO_LARGE)
        async with self._one:
            answer = await _asked(content, self._seconds)
        try:
            told = json.loads(answer)
        except ValueError as error:  # it was ended in the middle of its work
            raise Unreadable(Refusal.TOO_MUCH) from error
        if "refused" in told:
            raise Unreadable(Refusal(told["refused"]))
        return Read(told["text"], told["form"])


async def _asked(content: bytes, seconds: float) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "poller.documents.reader",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        cwd="/",
    )
    try:
        async with asyncio.timeout(seconds):
            answer, _ = await process.communicate(content)
    except TimeoutError as error:
        raise Unreadable(Refusal.TOO_MUCH) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer
