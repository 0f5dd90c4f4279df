"""A language model over real HTTP for executors under test; it answers like the embedded one and keeps a log."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from devkit.programs import Programs


def language_model(
    programs: Programs, calls: Path, *more: str, p50: float, p95: float, seed: int = 3
) -> dict[str, str]:
    """Settings of an executor that asks it. `p50` and `p95` are seconds an answer takes, `more` the server's options."""
    options = ["--log", str(calls), "--p50", str(p50), "--p95", str(p95), "--seed", str(seed), *more]
    server = programs.start("openai", "workbench.openai_server", *options)
    deadline = time.monotonic() + 60
    while not (ready := re.search(r"port=(\d+)", server.output())):
        assert time.monotonic() < deadline, server.output()
        time.sleep(0.05)
    return {
        "AI_MODEL": "openai:local",
        "OPENAI_API_KEY": "sk-local",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{ready[1]}/v1",
    }


def asked(calls: Path) -> list[dict[str, Any]]:
    """What it was asked and what became of it, in order."""
    return [json.loads(line) for line in calls.read_text("utf-8").splitlines()]
