"""How many calls may be open at once, and how long a question may wait."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from executor.llm.limits import Concurrency, Patience


async def _hold(
    limit: Concurrency, order: list[int], n: int, release: asyncio.Event, job: str = "job"
) -> None:
    async with limit.place(job):
        order.append(n)
        await release.wait()


async def test_never_more_than_allowed_and_first_come_first_served() -> None:
    limit, order, release = Concurrency(2), list[int](), asyncio.Event()
    tasks = [asyncio.create_task(_hold(limit, order, n, release)) for n in range(6)]
    await asyncio.sleep(0)
    assert (order, limit.open) == ([0, 1], 2)
    release.set()
    await asyncio.gather(*tasks)
    assert (order, limit.open) == ([0, 1, 2, 3, 4, 5], 0)


async def test_a_job_with_many_questions_holds_up_no_other() -> None:
    limit, order = Concurrency(2), list[int]()
    gates = [asyncio.Event() for _ in range(7)]
    jobs = ["long"] * 5 + ["short"] * 2
    tasks = [asyncio.create_task(_hold(limit, order, n, gates[n], job)) for n, job in enumerate(jobs)]
    for gate in gates:
        await asyncio.sleep(0.01)
        gate.set()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 5, 2, 3, 4, 6]


async def test_a_place_given_to_a_cancelled_waiter_goes_to_the_next() -> None:
    limit, order, release = Concurrency(1), list[int](), asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(limit.place("job"))
        first, second = (asyncio.create_task(_hold(limit, order, n, release)) for n in (1, 2))
        await asyncio.sleep(0)
    first.cancel()  # its place is reserved already
    release.set()
    await asyncio.gather(first, second, return_exceptions=True)
    assert (order, limit.open) == ([2], 0)


async def test_a_cancelled_waiter_leaves_the_line() -> None:
    limit, order, release = Concurrency(1), list[int](), asyncio.Event()
    async with limit.place("job"):
        waiting = asyncio.create_task(_hold(limit, order, 1, release))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    async with limit.place("job"):
        assert limit.open == 1


async def test_throttling_halves_once_per_round_and_answers_raise_it_again() -> None:
    limit = Concurrency(16)
    async with limit.place("job") as one, limit.place("job") as two:
        limit.throttled(one)
        limit.throttled(two)
    assert limit.allowed == 8
    async with limit.place("job") as later:
        limit.throttled(later)
    assert limit.allowed == 4
    for _ in range(1000):
        limit.answered()
    assert limit.allowed == 16


async def test_one_call_is_always_allowed() -> None:
    limit = Concurrency(2)
    for _ in range(9):
        async with limit.place("job") as cuts:
            limit.throttled(cuts)
    assert limit.allowed == 1


def test_waits_double_with_full_jitter_up_to_a_bound() -> None:
    patience = Patience(1e9, chance=lambda: 1.0, clock=lambda: 0.0)
    assert [patience.next_wait(None) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert Patience(9, chance=lambda: 0.5, clock=lambda: 0.0).next_wait(None) == 0.5


@pytest.mark.parametrize(("spent", "asked", "expected"), [(0, 4.0, 4.0), (0, 10.0, None), (7, 4.0, None)])
async def test_a_wait_must_fit_into_what_is_left(spent: float, asked: float, expected: float | None) -> None:
    times = iter([0.0, spent])
    patience = Patience(10, chance=lambda: 1.0, clock=lambda: next(times))
    async with patience.spent():
        pass
    assert patience.next_wait(asked) == expected
