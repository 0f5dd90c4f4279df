"""The simulation keeps its own promises: a seed is a run, the product passes, and protections that are off are found."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_a_seed_makes_the_same_run_again_whatever_the_hash_seed():
    one, other = (simulate("--seed", "12", hash_seed=hash_seed).stdout for hash_seed in ("1", "2"))
    assert one == other
    assert "every promise kept" in one


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
        ("early-slots", 60),
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
