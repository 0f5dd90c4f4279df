"""One message in several frames: SDKs cut at 16,384 UTF-16 units and send the number of pieces first."""

from __future__ import annotations

MAX_FRAME_BYTES = 1024 * 1024
MAX_MESSAGE_CHARACTERS = 16 * 1024 * 1024
"""As Google limits what an SDK writes at once."""
_MAX_PIECES = 4096
_COUNT_LENGTH = 6


class Malformed(Exception):
    """What came is no message of the protocol; the text says why."""


class Frames:
    """`message` takes frames and gives a message when one is whole."""

    def __init__(self) -> None:
        self._missing = 0
        self._pieces: list[str] = []
        self._size = 0

    @property
    def is_waiting(self) -> bool:
        """A message has begun and is not whole."""
        return self._missing > 0

    def message(self, frame: str) -> str | None:
        if self._missing:
            return self._piece(frame)
        if len(frame) <= _COUNT_LENGTH and frame.isascii() and frame.isdecimal():
            self._missing = int(frame)
            if self._missing > _MAX_PIECES:
                raise Malformed(f"A message has at most {_MAX_PIECES} frames.")
            return None
        return frame

    def _piece(self, frame: str) -> str | None:
        self._pieces.append(frame)
        self._size += len(frame)
        if self._size > MAX_MESSAGE_CHARACTERS:
            raise Malformed(f"A message has at most {MAX_MESSAGE_CHARACTERS} characters.")
        self._missing -= 1
        if self._missing:
            return None
        whole = "".join(self._pieces)
        self._pieces, self._size = [], 0
        return whole
