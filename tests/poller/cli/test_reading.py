"""What `submit` and `generate` read: texts in any encoding, docx and pdf, by the readers of the jobs page and in its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from poller.cli.files import read_input
from poller.cli.outcome import CliError
from poller.pages.words import WORDS
from tests.poller.documents.test_documents import ENGLISH, KOREAN, pdf, word

PAGE = WORDS["en"]


def requirements(path: Path) -> str:
    return read_input(path, draft=False, language=None).requirements


def test_a_text_in_utf8_stays_as_it_is_and_nothing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "text.md"
    path.write_bytes(b"\xef\xbb\xbf" + f"\n{KOREAN}\r\n".encode())
    assert requirements(path) == f"\n{KOREAN}\r\n"
    assert capsys.readouterr().err == ""


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "content", "text", "form"),
    [
        ("a.txt", KOREAN.encode("cp949"), KOREAN.rstrip("\n"), PAGE["cp949"]),
        ("a.txt", ENGLISH.encode("utf-16-le"), ENGLISH.rstrip("\n"), "UTF-16"),
        ("a.docx", word(("Normal", "A member borrows a book.")), "A member borrows a book.", "DOCX"),
        ("a.pdf", pdf("A member borrows a book."), "A member borrows a book.", "PDF"),
    ],
)
def test_anything_else_is_read_by_its_reader_and_the_form_is_told(
    name: str, content: bytes, text: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert requirements(tmp_path / name) == text
    assert capsys.readouterr().err == PAGE["readAs"].format(f=name, e=form) + "\n"


@pytest.mark.heavy
def test_what_is_no_text_is_refused_in_the_words_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(CliError) as refused:
        requirements(tmp_path / "a.docx")
    assert str(refused.value) == PAGE["broken"].format(f="a.docx")


@pytest.mark.heavy
def test_without_the_readers_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docx.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "a.docx").write_bytes(word(("Normal", ENGLISH)))
    with pytest.raises(CliError, match=r"pip install 'eventstorming-generator\[documents\]'"):
        requirements(tmp_path / "a.docx")
