"""Firebase's own SDKs for JavaScript, where npm put them (`make sdk`), and programs that use them."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
VERSIONS = ("8", "9", "12", "13")
"""The web client's own, the first with modules, the one beside the example, and the latest."""
_OLDEST_NODE = {"13": 20}
"""Versions of Node.js that can run it."""


def needs_npm(folder: str, package: str) -> None:
    if shutil.which("node") is None or not (HERE / folder / "node_modules" / package).is_dir():
        pytest.skip(f"Node.js with {package} ({folder}) is needed: make sdk")


def needs_sdk(version: str) -> None:
    needs_npm(version, "firebase")
    if _node() < _OLDEST_NODE.get(version, 0):
        pytest.skip(f"firebase {version} needs Node.js {_OLDEST_NODE[version]}")


@cache
def _node() -> int:
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return int(told.stdout.strip().removeprefix("v").partition(".")[0])


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


class Client:
    """A program with an SDK that goes on: its events as they come."""

    def __init__(self, program: str, *arguments: str) -> None:
        self.events: list[list[Any]] = []
        self._child = subprocess.Popen(
            ["node", str(HERE / program), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        self.events.extend(json.loads(line) for line in self._child.stdout)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_tab()

    def close_tab(self) -> None:
        self._child.kill()
        self._child.wait()
        self._reader.join()

    def until(self, wanted: Callable[[list[Any]], bool], *, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while not any(wanted(event) for event in list(self.events)):
            assert self._child.poll() is None, self._words()
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {self.events[-3:]}"
            time.sleep(0.02)

    def ended(self, *, seconds: float = 60.0) -> None:
        """It found what it waited for and left."""
        assert self._child.wait(seconds) == 0, self._words()
        self._reader.join()

    def _words(self) -> str:
        assert self._child.stderr is not None
        return self._child.stderr.read()
