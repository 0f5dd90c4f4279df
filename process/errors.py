"""What the programs' errors have in common. Imports nothing that could do anything: the pure modules stand on it."""

from __future__ import annotations

from typing import ClassVar


class ProgramError(Exception):
    """Raised on purpose, with a message of our own."""

    quotes_user: ClassVar[bool] = False
    """The message may repeat what a user wrote: it is told to them, and to no log."""
    goes_first: ClassVar[bool] = False
    """Of several errors at once, this is the one to act on."""


class WrongSettings(ProgramError):
    """The process must not start; the message names every wrong variable and no secret."""


class PortTaken(ProgramError):
    """Another program listens there; the message names the setting."""


class LoopBlocked(ProgramError):
    """Code of one job kept the event loop, and so everybody else, from going on: it is ended where it is."""
