"""A client in another language, made from the .proto files alone, submits, follows and gets a model."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import pair
from tests.e2e.pair import Pair
from tests.e2e.test_pair import TEXT

__all__ = ["pair"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example with its packages, beside copies of the .proto files."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed here")
    example = tmp_path / "examples/node"
    shutil.copytree(ROOT / "examples/node", example, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(
        ROOT / "proto", tmp_path / "proto", ignore=shutil.ignore_patterns("*.py", "*.pyi", "__pycache__")
    )
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline"]
    installed = subprocess.run(command, cwd=example, capture_output=True, text=True, timeout=100, check=False)
    if installed.returncode and any(
        word in installed.stderr for word in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT")
    ):
        pytest.skip("npm reaches no registry from here")
    assert installed.returncode == 0, installed.stderr
    return example


@pytest.mark.timeout(200)
def test_node_submits_watches_and_prints_the_model(pair: Pair, folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "library.md"
    text.write_text(TEXT, "utf-8")
    run = subprocess.run(
        ["node", "generate.js", str(text)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "JOBS_TARGET": f"127.0.0.1:{pair.ports['grpc']}"},
    )
    assert run.returncode == 0, run.stderr
    assert "Book" in run.stdout
    assert run.stderr.splitlines()[-1].startswith("JOB_STATE_COMPLETED")
