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


SENTENCES: Final[dict[str, str]] = {
    Refusal.TOO_LARGE: f"{{f}} is too large: at most {LARGEST_DOCUMENT >> 20} MiB, and 4 MiB of text.",
    Refusal.UNKNOWN: "{f} is no text that can be read: use md, txt, docx or pdf.",
    Refusal.BROKEN: "{f} cannot be read: it is broken or has a password.",
    Refusal.EMPTY: "{f} has no text in it; a scan has only pictures.",
    Refusal.TOO_MUCH: "{f} took more time or memory than a document gets.",
    Refusal.NO_READER: "{f} needs the extra `documents`: pip install 'eventstorming-generator[documents]'.",
}
READ_AS: Final = "{f} was read as {e}. Look whether the text is right."
FORMS: Final = {"cp949": "CP949 (Korean Windows)", "cp1252": "Windows-1252"}
"""What people call a form; others by their name in capitals."""


class Unreadable(Permanent):
    """The document gives no text; `why` for a page that says it in its own words."""

    def __init__(self, why: Refusal, *, file: str = "The document") -> None:
        super().__init__(SENTENCES[why].format(f=file))
        self.why = why


@dataclass(frozen=True, slots=True)
class Read:
    """The text, lines separated by a line feed, and as what it was read: `utf-8`, `cp949`, `docx` …"""

    text: str
    form: str

    def told(self, file: str) -> str:
        """What whoever brought it should know."""
        return READ_AS.format(f=file, e=FORMS.get(self.form, self.form.upper()))


class Documents:
    """Reads one at a time: each may take as much memory as the poller has to spare."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._one = asyncio.Semaphore(1)

    async def read(self, content: bytes, *, file: str = "The document") -> Read:
        """Raises Unreadable, with the name of the file in its sentence."""
        told = await self._told(content)
        if "refused" in told:
            raise Unreadable(Refusal(told["refused"]), file=file)
        return Read(told["text"], told["form"])

    async def _told(self, content: bytes) -> dict[str, str]:
        """What the process says; for one that was ended in the middle of its work, that."""
        if len(content) > LARGEST_DOCUMENT:
            return {"refused": Refusal.TOO_LARGE}
        async with self._one:
            answer = await _asked(content, self._seconds)
        try:
            told: dict[str, str] = json.loads(answer)
        except ValueError:
            return {"refused": Refusal.TOO_MUCH}
        return told


async def _asked(content: bytes, seconds: float) -> bytes:
    """Its answer; nothing if it takes too long."""
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
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer
