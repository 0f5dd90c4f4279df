"""The command: seeds over all cores, the first broken promise with its timeline, and which lines were struck."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

from workbench.simulation.mutants import MUTANTS
from workbench.simulation.run import Outcome, run_seed
from workbench.simulation.world import MODULES

_CHUNK, _CHUNKS = 4, 12
"""Seeds that a process is given at once, and how often."""


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    if asked.mutants:
        return _all_mutants(asked)
    if asked.seed is not None:
        return _one(asked.seed, asked.mutant)
    began = time.monotonic()
    summary = _Summary()
    for outcome in _outcomes(range(asked.first, asked.first + asked.seeds), asked.processes, asked.mutant):
        summary.add(outcome)
        if outcome.rule and not asked.go_on:
            break
    summary.print(time.monotonic() - began)
    return 1 if summary.broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workbench.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="one only, with its timeline")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), default="none", help="which protection is off")
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="each protection off, one after another: found after how many seeds?",
    )
    parser.add_argument("--go-on", action="store_true", help="after a broken promise too")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser


def _one(seed: int, mutant: str) -> int:
    (outcome,) = _outcomes([seed], 1, mutant, keep_timeline=True)
    for at, who, what in outcome.timeline:
        print(f"{at:10.4f}  {who:<11} {what}")
    print(
        f"\nseed {seed}: {_verdict(outcome)}; {outcome.jobs} jobs, {outcome.faults} faults, {outcome.calls} calls"
    )
    return 1 if outcome.rule else 0


def _verdict(outcome: Outcome) -> str:
    return f"{outcome.rule}: {outcome.seen}" if outcome.rule else "every promise kept"


def _outcomes(
    seeds: Iterable[int], processes: int, mutant: str, *, keep_timeline: bool = False
) -> Iterator[Outcome]:
    """In processes that have everything imported at birth and end after some seeds, with all that those leave behind."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workbench.simulation.main"])
    work = partial(run_seed, keep_timeline=keep_timeline)
    with context.Pool(processes, _prepare, (mutant,), maxtasksperchild=_CHUNKS) as pool:
        yield from pool.imap(work, seeds, chunksize=_CHUNK)


def _prepare(mutant: str) -> None:
    """Of a worker: a coroutine that a killed process left in the middle complains when it is freed."""
    sys.unraisablehook = lambda _: None
    warnings.simplefilter("ignore")
    MUTANTS[mutant]()


def _all_mutants(asked: argparse.Namespace) -> int:
    missed = 0
    for name in [name for name in MUTANTS if name != "none"]:
        found = next(
            (
                o
                for o in _outcomes(range(asked.first, asked.first + asked.seeds), asked.processes, name)
                if o.rule
            ),
            None,
        )
        missed += found is None
        how = (
            f"found after {found.seed - asked.first + 1} seeds ({found.rule})"
            if found
            else f"NOT FOUND in {asked.seeds} seeds"
        )
        print(f"{name:<16} {how}", flush=True)
    return 1 if missed else 0


class _Summary:
    """Adds up what the seeds showed."""

    def __init__(self) -> None:
        self.seeds = self.faults = self.jobs = self.calls = self.hash = 0
        self.broken: list[Outcome] = []
        self.hits: Counter[tuple[str, int]] = Counter()

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.faults += outcome.faults
        self.jobs += outcome.jobs
        self.calls += outcome.calls
        self.hash = zlib.crc32(f"{outcome.hash}".encode(), self.hash)
        self.hits.update(outcome.hits)
        if outcome.rule:
            self.broken.append(outcome)
            print(f"seed {outcome.seed}: {_verdict(outcome)}", flush=True)

    def print(self, seconds: float) -> None:
        for module in MODULES:
            lines = {line for name, line in self.hits if name == module}
            strikes = sum(count for (name, _), count in self.hits.items() if name == module)
            print(f"  {module:<28} {len(lines):3d} waiting lines struck, {strikes} times")
        print(
            f"{self.seeds} seeds, {self.jobs} jobs, {self.faults} faults, {self.calls} calls: {len(self.broken)} violations; "
            f"hash {self.hash:08x}; {self.seeds / seconds:.1f} seeds a second"
        )
        if self.broken:
            print(f"the timeline: make simulate SEED={self.broken[0].seed}")
