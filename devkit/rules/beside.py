"""A process beside the event loop that answers long questions, one at a time: the loop goes on, and a question that is no
longer wanted, or never ends, ends with the process.

Run as a module it is that process: lines of JSON in (the answer's class, the question), answers out, until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

POLITE: Final = 10
"""Niceness: who shares the processor with it goes first."""


class Beside:
    """Started by the first question and used for all that follow; ended with whoever owns it."""

    def __init__(self) -> None:
        self._line = ThreadPoolExecutor(1, thread_name_prefix="rules")
        self._process: subprocess.Popen[str] | None = None
        self._answering: object = None

    async def answer(self, name: str, user: str) -> str:
        """The answer as JSON. Waits for its turn; cancelled in the middle of it, ends the process. Raises MemoryError."""
        asked = object()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._line, self._asked, asked, name, user
            )
        except asyncio.CancelledError:
            if self._answering is asked and self._process is not None:
                self._process.kill()
            raise

    def _asked(self, asked: object, name: str, user: str) -> str:
        process = self._process = self._process or subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._answering = asked
        try:
            return _told(process, json.dumps([name, user]))
        except (BrokenPipeError, EOFError) as error:
            self._process = None
            raise _ended(process.wait(), len(user)) from error
        finally:
            self._answering = None


def _told(process: subprocess.Popen[str], question: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(question + "\n")
    process.stdin.flush()
    if not (line := process.stdout.readline()).endswith("\n"):
        raise EOFError
    return line.rstrip("\n")


def _ended(code: int, letters: int) -> Exception:
    if code == -signal.SIGKILL:
        return MemoryError(
            f"the embedded rules were killed at a question of {letters:,} letters: too little memory"
        )
    return RuntimeError(f"the embedded rules ended at a question of {letters:,} letters (exit code {code})")


def main() -> None:
    """Until the input ends. Ctrl-C at a terminal is for the program that asks."""
    from devkit.rules.registry import RULES, written

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(POLITE)
    schemas = {schema.__name__: schema for schema in RULES}
    for line in sys.stdin:
        name, user = json.loads(line)
        print(written(schemas[name], user), flush=True)


if __name__ == "__main__":
    main()
