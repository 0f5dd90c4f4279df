"""What clients rely on cannot be changed unnoticed: proto/ is compared with the baseline of the last release."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parents[2]
BUF = Path(sys.executable).parent / "buf"
JOB = "eventstorming/v1/job.proto"


def _breaking(proto: Path) -> subprocess.CompletedProcess[str]:
    command = [BUF, "breaking", "--against", "baseline.binpb"]
    return subprocess.run(command, cwd=proto, capture_output=True, text=True, timeout=60, check=False)


def test_nothing_is_broken_and_make_check_looks() -> None:
    found = _breaking(ROOT / "proto")
    assert found.returncode == 0, found.stdout
    assert "buf breaking --against baseline.binpb" in (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("uint32 current_progress = 4;", "uint32 progress = 4;"),
        ("uint32 current_progress = 4;", "uint32 current_progress = 44;"),
        ("uint32 position = 3;", "string position = 3;"),
        ("rpc CancelJob(CancelJobRequest) returns (CancelJobResponse);", ""),
        ("JOB_STATE_FAILED = 4;", "JOB_STATE_BROKEN = 4;"),
    ],
)
def test_a_change_that_breaks_a_client_is_found(tmp_path: Path, before: str, after: str) -> None:
    proto = tmp_path / "proto"
    shutil.copytree(ROOT / "proto", proto)
    text = (proto / JOB).read_text("utf-8")
    assert before in text
    (proto / JOB).write_text(text.replace(before, after, 1), "utf-8")
    found = _breaking(proto)
    assert found.returncode != 0
    assert "job.proto" in found.stdout
