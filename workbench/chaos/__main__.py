"""`make chaos`: one run from a seed, and the auditor's table. Exit code 1 when a promise was broken."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from workbench.chaos.mutant import MUTANTS
from workbench.chaos.plan import FAULTS
from workbench.chaos.report import table
from workbench.chaos.run import run


def main() -> int:
    options = _options()
    folder = Path(options.keep or tempfile.mkdtemp(prefix="chaos-"))
    verdict = run(
        seed=options.seed,
        jobs=options.jobs,
        minutes=options.minutes,
        pollers=options.pollers,
        executors=options.executors,
        folder=folder,
        every=options.every,
        mutant=options.mutant,
        only=options.only,
    )
    what = f", pollers without their {options.mutant}" if options.mutant else ""
    print(
        f"\nseed {options.seed}, {options.jobs} jobs, {options.minutes:g} minutes{what}; logs in {folder}\n"
    )
    print(table(verdict))
    return 0 if verdict.good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workbench.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same plan (1)")
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=3.0, help="how long jobs come and things break (3)")
    parser.add_argument("--pollers", type=int, default=2)
    parser.add_argument("--executors", type=int, default=2)
    parser.add_argument("--every", type=float, default=6.0, help="seconds between two faults, about (6)")
    parser.add_argument(
        "--mutant",
        choices=sorted(MUTANTS),
        default="",
        help="switch this off in the pollers: it must be noticed",
    )
    parser.add_argument(
        "--only", nargs="+", choices=sorted(FAULTS), default=[], metavar="FAULT", help="nothing but these"
    )
    parser.add_argument("--keep", metavar="FOLDER", help="where the logs go (default: a temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
