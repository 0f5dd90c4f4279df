"""The README's examples of calling the service run as they are written there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import pair
from tests.e2e.pair import Pair

__all__ = ["pair"]
ROOT = Path(__file__).parents[2]


def _block(page: str, language: str, word: str) -> str:
    blocks = re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    (found,) = [block for block in blocks if word in block]
    return str(found)


def _run(command: list[str], pair: Pair) -> subprocess.CompletedProcess[str]:
    target = f"127.0.0.1:{pair.ports['grpc']}"
    env = {**os.environ, "JOBS_TARGET": target}
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=env)


@pytest.mark.parametrize("page", ["README.md", "client/README.md"])
def test_the_python_example_prints_contexts(pair: Pair, page: str) -> None:
    run = _run([sys.executable, "-c", _block(page, "python", "with Client() as jobs")], pair)
    assert run.returncode == 0, run.stderr
    assert "11 of 11" in run.stdout
    assert re.search(r"\['\w+", run.stdout.splitlines()[-1])


def test_the_grpcurl_example_submits_watches_and_gets_a_model(pair: Pair) -> None:
    if shutil.which("grpcurl") is None:
        pytest.skip("grpcurl is not installed here")
    run = _run(["bash", "-euc", _block("README.md", "sh", "grpcurl")], pair)
    assert run.returncode == 0, run.stderr
    assert "eventstorming.v1.JobService" in run.stdout
    assert '"state": "JOB_STATE_COMPLETED"' in run.stdout
    assert re.search('"bounded_?contexts"', run.stdout, re.IGNORECASE)
