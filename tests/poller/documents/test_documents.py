"""Documents become text in a process of their own, or are refused with the reason; what is hostile harms nobody."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from poller import documents
from poller.documents import Documents, Refusal, Unreadable

pytestmark = pytest.mark.heavy

KOREAN = "회원이 책을 대출한다.\n사서가 새 책을 등록한다.\n"
ENGLISH = "A member borrows a book.\nA librarian registers “new” books.\n"


async def refused(content: bytes, *, seconds: float = documents.SECONDS) -> Refusal:
    with pytest.raises(Unreadable) as raised:
        await Documents(seconds=seconds).read(content)
    return raised.value.why


@pytest.mark.parametrize(
    ("text", "encoding", "form"),
    [
        (KOREAN, "utf-8", "utf-8"),
        (KOREAN, "utf-8-sig", "utf-8"),
        (KOREAN, "cp949", "cp949"),
        (KOREAN, "utf-16", "utf-16"),
        (KOREAN, "utf-16-le", "utf-16"),
        (ENGLISH, "utf-16-be", "utf-16"),
        (ENGLISH, "cp1252", "cp1252"),
    ],
)
async def test_a_text_is_read_in_its_encoding_which_is_told(text: str, encoding: str, form: str) -> None:
    found = await Documents().read(text.replace("\n", "\r\n").encode(encoding))
    assert (found.text, found.form) == (text.rstrip("\n"), form)


def word(*paragraphs: tuple[str, str], table: list[list[str]] | None = None) -> bytes:
    from docx import Document

    made = Document()
    for style, text in paragraphs:
        made.add_paragraph(text, style=style)
    if table:
        grid = made.add_table(rows=len(table), cols=len(table[0]))
        for row, texts in zip(grid.rows, table, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
    packed = io.BytesIO()
    made.save(packed)
    return packed.getvalue()


async def test_a_word_document_is_read_in_its_order_with_headings_lists_and_tables() -> None:
    content = word(
        ("Heading 2", "도서관"), ("Normal", KOREAN), ("List Bullet", "five days"), table=[["Role", "May"]]
    )
    found = await Documents().read(content)
    assert found.form == "docx"
    assert found.text.split("\n") == ["## 도서관", *KOREAN.split("\n"), "- five days", "Role | May"]


def pdf(text: str = "A member borrows a book.") -> bytes:
    """The smallest that shows a text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(parts) + 1, table)
    return bytes(out)


async def test_a_pdf_is_read() -> None:
    found = await Documents().read(pdf())
    assert (found.form, found.text) == ("pdf", "A member borrows a book.")


def bomb(size: int) -> bytes:
    """A Word document of few bytes that unpacks to `size` of them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * size)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", Refusal.EMPTY),
        (b" \r\n ", Refusal.EMPTY),
        (bytes(range(256)) * 4, Refusal.UNKNOWN),
        (b"\xff\xfe\x00", Refusal.BROKEN),
        (b"%PDF-1.7 and nothing else", Refusal.BROKEN),
        (pdf(""), Refusal.EMPTY),
        (b"PK\x03\x04 and nothing else", Refusal.BROKEN),
        (b"x" * (documents.LARGEST_DOCUMENT + 1), Refusal.TOO_LARGE),
        (b"x" * (5 << 20), Refusal.TOO_LARGE),
    ],
    ids=lambda value: value.value if isinstance(value, Refusal) else f"{len(value)} bytes",
)
async def test_what_gives_no_text_is_refused_with_the_reason(content: bytes, why: Refusal) -> None:
    assert await refused(content) is why


@pytest.mark.parametrize(("size", "why"), [(100, Refusal.BROKEN), (65 << 20, Refusal.TOO_MUCH)])
async def test_a_word_document_is_unpacked_to_what_fits_a_process(size: int, why: Refusal) -> None:
    assert await refused(bomb(size)) is why


async def test_a_zip_that_is_no_word_document_is_unknown() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    assert await refused(packed.getvalue()) is Refusal.UNKNOWN


async def test_a_reader_that_does_not_come_back_is_ended() -> None:
    assert await refused(KOREAN.encode(), seconds=0.001) is Refusal.TOO_MUCH


async def test_the_process_that_reads_has_no_secret_and_little_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "poller" / "documents"
    package.mkdir(parents=True)
    (package / "reader.py").write_text(SPY, "utf-8")
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}")
    monkeypatch.setenv("OPENAI_API_KEY", "a secret")
    monkeypatch.setenv("GRPC_TOKEN", "another")
    told = json.loads((await Documents().read(b"x")).text)
    assert set(told["environment"]) <= {"PATH", "PYTHONPATH", "LANG", "LC_CTYPE"}
    assert told["parent"] == os.getpid() != told["own"]


SPY = """
import json, os
told = {"environment": sorted(os.environ), "parent": os.getppid(), "own": os.getpid()}
print(json.dumps({"text": json.dumps(told), "form": "spy"}))
"""


def test_the_limits_of_the_process_hold(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom poller.documents.reader import bounded\nbounded()\n"
        "try:\n    bytearray(200 << 20)\nexcept MemoryError:\n    print('memory')\n"
        f"try:\n    Path({str(tmp_path / 'written')!r}).write_text('x')\nexcept OSError:\n    print('files')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.split() == ["memory", "files"]
