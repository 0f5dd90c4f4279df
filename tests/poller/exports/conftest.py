"""The board's sample models are the exports' too."""

from tests.poller.board.conftest import big, clinic, hostile, library

__all__ = ["big", "clinic", "hostile", "library"]
