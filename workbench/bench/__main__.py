"""`make bench`, `make bench-compare`, `make bench-selftest`.

python -m workbench.bench [--only NAMES] [--out FILE] [--quick] [--list] [--slowed SECONDS]
python -m workbench.bench compare OLD NEW
python -m workbench.bench selftest
python -m workbench.bench costs FILE
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workbench.bench import measures  # noqa: F401 (registers them)
from workbench.bench.figures import PROBLEM, Figure
from workbench.bench.measure import MEASURES, run, selected
from workbench.bench.page import page
from workbench.bench.record import Record, read, record
from workbench.bench.table import table


def main() -> int:
    options = _options()
    if options.command == "compare":
        return _compare(options.files)
    if options.command == "costs":
        return _costs(options.files)
    if options.command == "selftest":
        return _selftest(options)
    if options.list:
        print("\n".join(f"{one.name:<14} {one.about}" for one in MEASURES.values()))
        return 0
    made = _run(options.only, options, Path(options.out) if options.out else None)
    print(table(made.figures))
    return 1 if any(figure.verdict == PROBLEM for figure in made.figures) else 0


def _run(only: str, options: argparse.Namespace, out: Path | None, *, slowed: float | None = None) -> Record:
    """A record is written after each measure: what was measured survives what breaks later."""
    figures: list[Figure] = []
    slow = options.slowed if slowed is None else slowed
    made = record(figures, quick=options.quick, slowed=slow)
    for figure in run(selected(only), quick=options.quick, slowed=slow):
        figures.append(figure)
        made = record(figures, quick=options.quick, slowed=slow)
        if out is not None:
            made.write(out)
            out.with_suffix(".html").write_text(page(made), "utf-8")
    return made


def _compare(files: list[str]) -> int:
    from workbench.bench.compare import comparison, words

    if len(files) != 2:
        raise SystemExit("compare needs two files: the old and the new one")
    changes = comparison(*(read(Path(file)) for file in files))
    print(words(changes))
    return 1 if any(change.verdict == "worse" for change in changes) else 0


def _costs(files: list[str]) -> int:
    from workbench.bench.costs import Missing, costs

    try:
        print(costs(read(Path(*files))))
    except Missing as missing:
        raise SystemExit(str(missing)) from missing
    return 0


def _selftest(options: argparse.Namespace) -> int:
    """Two runs of one version must agree, a slowed one must be called worse."""
    from workbench.bench.compare import comparison, words

    first = _run("pickup", options, None)
    second = _run("pickup", options, None)
    slow = _run("pickup", options, None, slowed=0.05)
    same, worse = comparison(first, second), comparison(first, slow)
    print("The same version twice:\n" + words(same))
    print("\nThe dispatcher slowed by 50 ms:\n" + words(worse))
    agree = all(change.verdict == "noise" for change in same)
    noticed = [change.name for change in worse if change.verdict == "worse"]
    good = agree and "pickup.alone" in noticed
    print(
        f"\n{'good' if good else 'NOT GOOD'}: twice the same {'agrees' if agree else 'differs'}; slowed: worse in {noticed}"
    )
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workbench.bench", description=__doc__.split("\n")[0])
    parser.add_argument("command", nargs="?", choices=("run", "compare", "selftest", "costs"), default="run")
    parser.add_argument(
        "files", nargs="*", help="for compare: the old record and the new one; for costs: the record"
    )
    parser.add_argument("--only", default="", help="names or patterns of measures, separated by commas")
    parser.add_argument("--out", help="the record, JSON; a page with plots goes beside it")
    parser.add_argument("--quick", action="store_true", help="few samples: does it still work?")
    parser.add_argument(
        "--slowed", type=float, default=0.0, metavar="SECONDS", help="slow the dispatcher down"
    )
    parser.add_argument("--list", action="store_true", help="name the measures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
