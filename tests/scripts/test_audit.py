"""`make audit` where holes are found, where none is, and where nobody can say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.audit import LOCKS, Outcome, main

pytestmark = pytest.mark.heavy

NOT_THERE = "ERROR:pip_audit._cli:anyio: Dependency not found on PyPI and could not be audited: anyio (4.0)"
HOLES = "Found 1 known vulnerability in 1 package\nName  Version ID\nanyio 4.0 PYSEC-1"


def _tool(folder: Path, said: dict[str, tuple[int, str]]) -> list[str]:
    """A stand-in for pip-audit: ends and speaks by lock, well by default."""
    program = folder / "tool.py"
    program.write_text(
        "import sys\n"
        "lock = sys.argv[-1].rpartition('/')[2].removesuffix('.txt')\n"
        f"code, text = {said!r}.get(lock, (0, 'No known vulnerabilities found'))\n"
        "print(text, file=sys.stderr)\nsys.exit(code)\n"
    )
    return [sys.executable, str(program)]


def test_no_known_hole_in_any_lock_is_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_tool(tmp_path, {})) == Outcome.CLEAN
    said = capsys.readouterr().out
    assert all(f"requirements/{lock}.txt" in said for lock in LOCKS)


def test_a_hole_in_one_lock_fails_and_the_others_are_still_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_tool(tmp_path, {LOCKS[0]: (1, HOLES)})) == Outcome.HOLES
    said = capsys.readouterr().out
    assert "PYSEC-1" in said
    assert f"requirements/{LOCKS[-1]}.txt" in said
    assert "Nothing was compared" not in said


@pytest.mark.parametrize("reason", [NOT_THERE, "ERROR:pip_audit._cli:Could not connect to the feed"])
def test_a_lookup_that_does_not_answer_is_said_and_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reason: str
) -> None:
    assert main(_tool(tmp_path, {LOCKS[1]: (1, reason)})) == Outcome.NOT_COMPARED
    said = capsys.readouterr().out
    assert reason in said
    assert "Nothing was compared: the package index gives no list of known holes here." in said
    assert LOCKS[2] not in said
