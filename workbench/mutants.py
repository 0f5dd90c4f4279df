"""The table of `make mutants`: killed, equivalent and survived by module; what survived is named.

A mutant that changes nothing anybody could see is listed with its reason in `tests/equivalent_mutants.txt`.
"""

from __future__ import annotations

import fnmatch
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.txt"
KILLED = {"killed", "timeout", "segfault"}
TARGET = 0.9
MOST_EQUIVALENT = 0.05


def main() -> int:
    patterns = sys.argv[1:] or ["*"]
    table = counted(results(patterns), set(equivalent(EQUIVALENT.read_text("utf-8"))))
    whole: Counter[str] = sum(table.values(), Counter())
    for module, counts in sorted(table.items()):
        print(_row(module, counts))
    print(_row("all", whole))
    tried = sum(whole[kind] for kind in ("killed", "equivalent", "survived"))
    good = (
        whole["killed"] >= TARGET * (tried - whole["equivalent"])
        and whole["equivalent"] <= MOST_EQUIVALENT * tried
    )
    return 0 if good else 1


def results(patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name and status of every mutant that the last run knows."""
    mutmut = Path(sys.executable).with_name("mutmut")
    told = subprocess.run(
        [mutmut, "results", "--all", "true"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for line in told.stdout.splitlines():
        name, _, status = line.strip().partition(": ")
        if status and any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            yield name, status


def equivalent(text: str) -> Iterator[str]:
    """Names in the list: the first word of a line; the reason follows. `#` begins a comment."""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.split()[0]


def counted(found: Iterable[tuple[str, str]], known: set[str]) -> Mapping[str, Counter[str]]:
    """Counts by module; prints the names of those that survived."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for name, status in found:
        kind = "killed" if status in KILLED else "equivalent" if name in known else "survived"
        if status == "not checked":
            kind = "not tried"
        elif kind == "survived":
            print(f"  {status}: {name}   (mutmut show {name})")
        table[name.rpartition(".")[0]][kind] += 1
    return table


def _row(module: str, counts: Counter[str]) -> str:
    tried = counts["killed"] + counts["survived"]
    share = f"{counts['killed'] / tried:6.1%}" if tried else "     -"
    return (
        f"{module:<28} killed {counts['killed']:4d}  equivalent {counts['equivalent']:3d}  survived {counts['survived']:3d}"
        f"  not tried {counts['not tried']:4d}  {share}"
    )


if __name__ == "__main__":
    sys.exit(main())
