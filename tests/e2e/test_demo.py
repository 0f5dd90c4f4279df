"""What a new user sees: one command, a board, and no process that stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from poller.msaez.check import findings


def _demo(out: Path, *more: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "poller.cli", "demo", "--out", str(out), *more]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        preexec_fn=_hears_ctrl_c,  # noqa: PLW1509 (this process has no other thread that could hold a lock)
    )


def _hears_ctrl_c() -> None:
    """A suite that a shell has put in the background ignores it, and its children would too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _alive(mark: str) -> list[str]:
    """Processes that carry the mark in their environment (Linux)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes() and folder.name != str(os.getpid()):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.timeout(180)
def test_the_demo_ends_with_a_valid_board_and_leaves_nothing_behind(tmp_path: Path) -> None:
    mark = f"mark-{uuid.uuid4()}"
    run = _demo(tmp_path / "out", DEMO_MARK=mark, FIREBASE_DATABASE_URL="https://never.example", NAMESPACE="")
    said, _ = run.communicate(timeout=150)

    assert run.returncode == 0, said
    assert "Done in" in said
    es_value = json.loads((tmp_path / "out/esvalue.json").read_text("utf-8"))
    assert findings(es_value, inputs=None) == []
    model = json.loads((tmp_path / "out/model.json").read_text("utf-8"))
    names = [context["name"] for context in model["boundedContexts"]]
    board = (tmp_path / "out/board.html").read_text("utf-8")
    assert len(names) >= 2
    assert all(name in board for name in names)
    assert _alive(mark) == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize("children", [1, 2, 3])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, children: int) -> None:
    mark = f"mark-{uuid.uuid4()}"
    run = _demo(tmp_path / "out", DEMO_MARK=mark)
    deadline = time.monotonic() + 60
    while len(_alive(mark)) < 1 + children and time.monotonic() < deadline:
        time.sleep(0.001)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)

    assert run.returncode != 0
    assert _alive(mark) == []
