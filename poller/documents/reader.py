"""The process that reads one document: bytes on standard input, JSON on standard output. Trusts nothing that it reads.

Its own limits: no more memory, time, files or processes than here. Run by `poller.documents` alone.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

MEMORY: Final = 144 * 1024 * 1024
ADDRESSES: Final = 768 * 1024 * 1024
CPU_SECONDS: Final = 15
LARGEST_UNPACKED: Final = 64 * 1024 * 1024
LARGEST_TEXT: Final = 4 * 1024 * 1024
"""Bytes of UTF-8; what a job may have."""
MOST_FILES: Final = 2000
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1f]")
_HANGUL: Final = re.compile("[가-힣]")
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class _Refused(Exception):
    """Its text is one of `poller.documents.Refusal`."""


def bounded() -> None:
    """From here on this process can take no more. The kernel ends it before the poller if memory runs out."""
    for what, limit in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_AS, ADDRESSES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("1000")


def read(content: bytes) -> dict[str, str]:
    """The text and what it was, or why there is none."""
    try:
        form, text = _read(content)
        text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").encode("utf-8", "replace").decode()
        if not text.strip():
            raise _Refused("empty")
        if len(text.encode()) > LARGEST_TEXT:
            raise _Refused("tooLarge")
    except _Refused as why:
        return {"refused": str(why)}
    except MemoryError:
        return {"refused": "tooMuch"}
    except ImportError:
        return {"refused": "noReader"}
    return {"text": text, "form": form}


def _read(content: bytes) -> tuple[str, str]:
    if content.startswith(b"%PDF-"):
        return "pdf", _by_reader(_pdf, content)
    if content.startswith(b"PK\x03\x04"):
        return "docx", _by_reader(_docx, content)
    return _decoded(content)


def _decoded(content: bytes) -> tuple[str, str]:
    """By its mark, else whatever all of it is valid in and looks like text."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            text = _valid(content[len(mark) :] if encoding == "utf-8" else content, encoding)
            if text is None:
                raise _Refused("broken")
            return encoding, text
    for encoding in ("utf-8", _wide(content), "cp949", "cp1252"):
        text = _valid(content, encoding) if encoding else None
        if text is not None and (encoding != "cp949" or _HANGUL.search(text)):
            return encoding.removesuffix("-le").removesuffix("-be"), text
    raise _Refused("unknown")


def _wide(content: bytes) -> str:
    """UTF-16 without a mark: the blanks and line ends of any script have a zero beside them, always on the same side."""
    if len(content) % 2:
        return ""
    zeros = content[0::2].count(0), content[1::2].count(0)
    if max(zeros) * 20 < len(content) // 2 or min(zeros) * 3 > max(zeros):
        return ""
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _valid(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if _CONTROLS.search(text) else text


def _by_reader(reader: Callable[[bytes], Iterator[str]], content: bytes) -> str:
    """Readers raise what they like about a document that is not what it says it is."""
    parts, size = [], 0
    try:
        for part in reader(content):
            size += len(part)
            if size > LARGEST_TEXT:
                raise _Refused("tooLarge")
            parts.append(part)
    except (_Refused, MemoryError, ImportError):
        raise
    except Exception as error:
        raise _Refused("broken") from error
    return "\n".join(parts)


def _docx(content: bytes) -> Iterator[str]:
    """Paragraphs and tables in their order; headings and lists as Markdown has them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = archive.infolist()
        if len(files) > MOST_FILES or sum(file.file_size for file in files) > LARGEST_UNPACKED:
            raise _Refused("tooMuch")
        if "word/document.xml" not in archive.namelist():
            raise _Refused("unknown")
    from docx import Document
    from docx.table import Table

    for block in Document(io.BytesIO(content)).iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                yield " | ".join(cell.text.replace("\n", " ") for cell in row.cells)
        else:
            yield _paragraph(block)


def _paragraph(block: Any) -> str:
    style = str(block.style.name if block.style is not None else "")
    if heading := re.fullmatch(r"Heading (\d)|Title", style):
        return f"{'#' * int(heading[1] or 1)} {block.text}"
    return f"- {block.text}" if style.startswith("List") else str(block.text)


def _pdf(content: bytes) -> Iterator[str]:
    from pypdf import PdfReader

    for page in PdfReader(io.BytesIO(content)).pages:
        yield page.extract_text()


if __name__ == "__main__":
    bounded()
    json.dump(read(sys.stdin.buffer.read()), sys.stdout)
