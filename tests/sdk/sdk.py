"""Firebase's own SDKs for JavaScript, where npm put them (`make sdk`), and programs that use them."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
VERSIONS = ("8", "9", "12")
"""The web client's own, the first with modules, and a late one."""


def needs_sdk(version: str) -> None:
    if shutil.which("node") is None or not (HERE / version / "node_modules" / "firebase").is_dir():
        pytest.skip(f"Node.js with firebase {version} is needed: make sdk")


async def told(program: str, *arguments: str) -> list[Any]:
    """Every line that the program said, until it ends well."""
    node = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / program),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await node.communicate()
    finally:
        if node.returncode is None:
            node.kill()
    assert node.returncode == 0, f"{out.decode()}{errors.decode()}"
    return [json.loads(line) for line in out.decode().splitlines()]
