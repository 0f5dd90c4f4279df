"""The simulation keeps its own promises: a seed is a run, the product passes, and protections that are off are found."""

import asyncio
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.simulation.loop import Loop

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parents[3]


def simulate(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: PLW1510 (the test looks at the code)
        [sys.executable, "-m", "workbench.simulation", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        env={"PATH": "", "PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{ROOT}:{ROOT}/proto:{ROOT}/client"},
    )


def test_the_product_keeps_its_promises():
    told = simulate("--seeds", "40")
    assert "0 violations" in told.stdout, told.stdout + told.stderr
    assert told.returncode == 0


@pytest.mark.parametrize("seed", [6168, 7242, 45179, 70772, 72652])
def test_nobody_answers_for_what_came_after_a_drain_a_death_or_a_sleep(seed: int):
    """An answer 0.1 s after the drain gave it up; what the network held back of a poller that was killed, the last flag too, or
    for longer than it holds what is broken off: of one that slept, and gave up right after it had sent; a run that was cancelled
    elsewhere while its poller could write and not read."""
    told = simulate("--seed", str(seed))
    assert "every promise kept" in told.stdout, told.stdout + told.stderr


def test_a_job_that_another_poller_has_taken_is_not_inherited():
    assert "every promise kept" in simulate("--seed", "73543").stdout


def test_a_seed_makes_the_same_run_whatever_the_hash_seed_and_the_seeds_before_it():
    one, other = (
        simulate("--first", "50060", "--seeds", "12", "--processes", processes, hash_seed=hash_seed).stdout
        for processes, hash_seed in (("1", "0"), ("2", "1"))
    )
    assert re.search(r" 0 violations; hash [0-9a-f]{8}; ", one)
    assert without_speed(one) == without_speed(other)


def without_speed(told: str) -> str:
    return told.rpartition("; ")[0]


def test_the_tasks_of_a_group_hear_of_its_end_in_one_order():
    kept: list[asyncio.Task[None]] = []  # so that each has an address of its own

    async def wait(number: int, heard: list[int]) -> None:
        try:
            await asyncio.sleep(1)
        finally:
            heard.append(number)

    async def broken(heard: list[int]) -> None:
        async with asyncio.TaskGroup() as group:
            kept.extend(group.create_task(wait(number, heard)) for number in range(50))
            await asyncio.sleep(0)
            raise ValueError

    orders: list[list[int]] = [[], [], []]
    for heard in orders:
        with pytest.raises(ExceptionGroup):
            Loop(random.Random(1)).run_until_complete(broken(heard))
    assert sorted(orders[0]) == list(range(50))
    assert orders[0] == orders[1] == orders[2]


@pytest.mark.parametrize(
    ("mutant", "first"),
    [
        ("journal", 1),
        ("ack", 1),
        ("in-flight", 1),
        ("second-look", 1),
        ("spinning", 1),
        ("doubt", 90),
        ("own-streams", 15),
        ("last-look", 255),
        ("kept-token", 50),
        ("early-slots", 30),
        ("pulse", 367),
        ("margin", 55),
        ("silence", 1),
    ],
)
def test_a_protection_that_is_off_is_found(mutant, first):
    """`first`: near a seed that finds it."""
    told = simulate("--first", str(first), "--seeds", "60", "--mutant", mutant)
    assert "make simulate SEED=" in told.stdout, told.stdout + told.stderr
    assert told.returncode == 1


def test_a_run_has_jobs_and_faults_enough_and_tells_them():
    told = simulate("--seed", "3").stdout
    jobs, faults = map(int, re.search(r"(\d+) jobs, (\d+) faults", told).groups())
    assert jobs >= 5
    assert faults >= 3
    assert told.count("✗") >= 3
