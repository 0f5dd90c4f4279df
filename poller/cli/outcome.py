"""How a command ends."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the shell is told."""

    DONE = 0
    JOB_FAILED = 1
    WRONG_INPUT = 2
    UNREACHABLE = 3


class Remark(str):
    """A sentence of an examination about what is not wrong but may not be meant."""


class CliError(Exception):
    """A sentence for the person at the terminal, and the exit code that belongs to it."""

    def __init__(self, message: str, exit: Exit = Exit.WRONG_INPUT) -> None:
        super().__init__(message)
        self.exit = exit
