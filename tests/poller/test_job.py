"""The life of a job as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.job import Job, Lease, OldClaim, RetryPolicy, milliseconds, renumbered

LENGTH = 30_000


def job(**given: object) -> Job:
    return Job(**({"id": "a", "created_at": 1} | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stamp", "expected"), [(1736910000200, 1736910000200), (1736910000.2, 1736910000200)]
)
def test_creation_times_in_seconds_and_in_milliseconds_sort_together(stamp: float, expected: int) -> None:
    assert milliseconds(stamp) == expected


def test_a_claim_takes_the_next_epoch_and_the_place_off_the_entry() -> None:
    claimed = job(position=3, not_before=5, lease=Lease(epoch=4)).claimed(token="t", owner="me", now=100)
    assert claimed.lease == Lease(epoch=5, token="t", owner="me", renewed_at=100)
    assert (claimed.position, claimed.not_before) == (0, 0)


def test_an_entry_made_anew_starts_above_every_epoch_of_its_journal() -> None:
    assert job().claimed(token="t", owner="me", now=0, above=7).lease.epoch == 8


def test_a_release_keeps_the_epoch_alone() -> None:
    claimed = job().claimed(token="t", owner="me", now=100)
    assert claimed.lease.released() == Lease(epoch=1)


def test_a_lease_runs_out_in_the_databases_time() -> None:
    held = job(lease=Lease(epoch=1, token="t", owner="me", renewed_at=1000))
    assert not held.ready(now=1000 + LENGTH - 1, lease_length=LENGTH)
    assert held.ready(now=1000 + LENGTH, lease_length=LENGTH)


@pytest.mark.parametrize(
    ("found", "ready_at"),
    [
        (job(), 0),
        (job(not_before=500), 500),
        (job(lease=Lease(epoch=1, token="t", renewed_at=1000)), 1000 + LENGTH),
        (job(old_claim=OldClaim(owner="old", last_sign=1000)), 61_000),
        (job(old_claim=OldClaim(owner="", last_sign=1000, given_up=True)), 0),
    ],
)
def test_when_a_job_may_be_claimed(found: Job, ready_at: int) -> None:
    assert found.ready_at(lease_length=LENGTH) == ready_at


def test_only_raised_runs_burn_the_retry_budget() -> None:
    tried = job().raised().crashed(answered=False).interrupted()
    assert (tried.attempts, tried.crashes, tried.interruptions) == (1, 1, 1)


def test_three_crashes_are_poison_unless_an_answer_came_between_them() -> None:
    twice = job().crashed(answered=False).crashed(answered=False)
    assert twice.crashed(answered=False).poisoned
    assert not twice.crashed(answered=True).poisoned


@given(attempts=st.integers(1, 2), jitter=st.floats(0, 1, exclude_max=True))
def test_the_next_attempt_lies_between_now_and_the_cap(attempts: int, jitter: float) -> None:
    at = RetryPolicy(max_attempts=3).next_attempt(job(attempts=attempts), now=1000, jitter=jitter)
    assert at is not None
    assert 1000 <= at <= 1000 + 2000 * 2 ** (attempts - 1)


def test_the_next_attempt_is_never_before_the_service_asked() -> None:
    assert RetryPolicy().next_attempt(job(attempts=1), now=0, jitter=0, retry_after=20) == 20_000


def test_after_the_last_attempt_there_is_none() -> None:
    assert RetryPolicy(max_attempts=3).next_attempt(job(attempts=3), now=0, jitter=0) is None


def waiting(shown: list[int]) -> list[Job]:
    return [job(id=str(index), position=position) for index, position in enumerate(shown)]


def test_the_first_twenty_places_are_exact() -> None:
    shown = [2, *range(2, 21)]
    assert [(found.id, place) for found, place in renumbered(waiting(shown))] == [("0", 1)]


@given(st.lists(st.integers(0, 200), max_size=80))
def test_beyond_twenty_a_place_is_told_anew_only_when_off_by_more_than_a_tenth(shown: list[int]) -> None:
    told = {int(found.id) + 1: place for found, place in renumbered(waiting(shown))}
    for place, position in enumerate(shown, start=1):
        wrong = position != place if place <= 20 else not position or abs(position - place) > place / 10
        assert (place in told) == wrong
        assert told.get(place, place) == place


_STEPS = st.sampled_from(["claimed", "raised", "crashed", "interrupted"])


@given(st.lists(_STEPS, max_size=30))
def test_epochs_only_grow(steps: list[str]) -> None:
    given_arguments = {
        "claimed": {"token": "t", "owner": "me", "now": 5},
        "crashed": {"answered": False},
    }
    now = job()
    for step in steps:
        before, now = now, getattr(now, step)(**given_arguments.get(step, {}))
        assert now.lease.epoch >= before.lease.epoch
        assert (now.lease.epoch > before.lease.epoch) == (step == "claimed")
