"""The server's clock, learned from answers: never wrong by more than it says."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from poller.rtdb.clock import ServerClock


class Time:
    """A monotonic clock and a server whose clock is `offset` seconds ahead of it."""

    def __init__(self, offset: float) -> None:
        self.now = 100.0
        self.offset = offset

    def ask(self, clock: ServerClock, there: float, back: float) -> None:
        sent = self.now
        date = formatdate(sent + there + self.offset, usegmt=True)
        self.now += there + back
        clock.saw_date(date, sent=sent, received=self.now)


def learned(time: Time) -> ServerClock:
    return ServerClock(lambda: time.now, lambda: 0.0)


def error_ms(clock: ServerClock, time: Time) -> float:
    return abs(clock.now_ms() - (time.now + time.offset) * 1000)


LEGS = st.floats(0, 3)


@given(st.floats(1e9, 2e9), st.lists(st.tuples(LEGS, LEGS, st.floats(0, 5)), min_size=1, max_size=20))
def test_the_truth_is_within_the_uncertainty(offset: float, asked: list[tuple[float, float, float]]) -> None:
    time = Time(offset)
    clock = learned(time)
    for there, back, pause in asked:
        time.ask(clock, there, back)
        assert clock.uncertainty_ms is not None
        assert error_ms(clock, time) <= clock.uncertainty_ms + 1
        time.now += pause


def test_many_dates_say_more_than_one() -> None:
    time = Time(1.7e9 + 0.4321)
    clock = learned(time)
    for _ in range(50):
        time.ask(clock, 0.01, 0.01)
        time.now += 0.173
    assert error_ms(clock, time) < 100


def test_a_server_whose_clock_was_set_is_believed() -> None:
    time = Time(1.7e9)
    clock = learned(time)
    time.ask(clock, 0.01, 0.01)
    time.offset += 3600
    time.ask(clock, 0.01, 0.01)
    assert error_ms(clock, time) <= 1000


def test_an_answer_without_a_usable_date_says_nothing() -> None:
    time = Time(0)
    clock = learned(time)
    clock.saw_date(None, sent=1, received=2)
    clock.saw_date("yesterday", sent=1, received=2)
    assert clock.uncertainty_ms is None
