"""What time it is at the database, learned from its answers. The local wall clock is only the first guess."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

_DRIFT = 1e-4
"""Two clocks may part by this much, seconds per second."""


class ServerClock:
    """Keeps the interval in which (server time minus monotonic time) must lie; each answer narrows it.

    A `Date` header says the second in which the answer was made, somewhere between request and reply; many of them
    together say much more than one. When an answer contradicts the interval, the server's clock was set: start over.
    """

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self._clock = clock
        self._low = self._high = wall() - clock()
        self._learned_at: float | None = None
        self._date: tuple[str, float] = ("", 0.0)  # the last header and its second: many answers share one

    def now_ms(self) -> float:
        """Milliseconds since the epoch, by the database's clock."""
        return (self._clock() + (self._low + self._high) / 2) * 1000

    @property
    def uncertainty_ms(self) -> float | None:
        """Half the width of the interval; None while nothing has been learned."""
        return None if self._learned_at is None else (self._high - self._low) * 500

    def saw_date(self, header: str | None, *, sent: float, received: float) -> None:
        """`sent` and `received` are readings of the monotonic clock."""
        if header is None:
            return
        if header != self._date[0]:
            try:
                self._date = header, parsedate_to_datetime(header).timestamp()
            except ValueError:
                return
        second = self._date[1]
        self._narrow(second - received, second + 1 - sent)

    def _narrow(self, low: float, high: float) -> None:
        now = self._clock()
        if self._learned_at is not None:
            drift = (now - self._learned_at) * _DRIFT
            narrowed = max(low, self._low - drift), min(high, self._high + drift)
            if narrowed[0] <= narrowed[1]:
                low, high = narrowed
        self._low, self._high, self._learned_at = low, high, now
