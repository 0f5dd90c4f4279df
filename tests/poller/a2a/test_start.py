"""A2A is paid for by who uses it: without A2A_PORT nothing of it is imported, with it the running poller serves it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.programs import Programs
from poller import settings
from process.errors import WrongSettings
from tests.e2e.pair import start_pair
from tests.poller.a2a.agents import free_port

EXAMPLES = Path(__file__).parents[3] / "docs" / "agents.md"


@pytest.mark.heavy
def test_without_a_port_nothing_of_it_is_imported() -> None:
    asked = "import sys, poller.__main__; print([name for name in sys.modules if name.partition('.')[0] in ('a2a', 'sse_starlette', 'mcp')])"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_port_without_the_package_stops_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    with pytest.raises(
        WrongSettings, match="A2A_PORT: this installation cannot speak A2A: install the extra `a2a`"
    ):
        settings.load(a2a_port=5000, firebase_database_emulator_host="127.0.0.1:1")
    assert settings.load(firebase_database_emulator_host="127.0.0.1:1").a2a_port == 0


@pytest.mark.heavy
def test_the_examples_of_the_page_run_as_written(programs: Programs, tmp_path: Path) -> None:
    page = EXAMPLES.read_text("utf-8").partition("## Other agents")[2]
    curl = next(block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "curl" in block)
    [python] = [
        block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "create_client" in block
    ]
    port = free_port()
    start_pair(programs, executors={"AI_MODEL": "offline:rules"}, A2A_PORT=str(port))
    given = {"A2A_URL": f"http://127.0.0.1:{port}", "PATH": os.environ["PATH"]}
    asked, followed = [
        subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, check=False)
        for command in (["bash", "-c", curl], [sys.executable, "-c", python])
    ]
    assert '"TASK_STATE_COMPLETED"' in asked.stdout, asked.stderr
    assert "BorrowBook" in followed.stdout, followed.stderr


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    with Programs(tmp_path / "log") as running:
        yield running
