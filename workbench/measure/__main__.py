"""`python -m workbench.measure pickup|traffic|idle|away`: the poller as a process of its own, over the embedded database as
another, with an executor that plays a script in this one. Prints a table; `--json FILE` keeps the figures as well.

pickup   a slot becomes free: how long until the next job starts, with 1 and with 1,000 waiting (medians, their ratio)
traffic  bytes the poller reads and writes while 100 jobs complete, with 100, 1,000 and 4,000 waiting
idle     bytes in a minute without work, with nothing and with 1,000 jobs waiting for a slot
away     the poller's memory, once a minute, while the database is gone for 30 minutes with 1,000 jobs waiting
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from workbench.measure import ground


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workbench.measure", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        choices=[*ground.MEASUREMENTS, []],
        help="all but `away` without one",
    )
    parser.add_argument("--minutes", type=float, default=30, help="how long the database is away (30)")
    parser.add_argument("--seconds", type=float, default=60, help="how long idle traffic is counted (60)")
    parser.add_argument("--samples", type=int, default=60, help="pickups for each median (60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name in options.what or ("pickup", "traffic", "idle"):
        with tempfile.TemporaryDirectory() as folder:
            figures[name] = asyncio.run(ground.MEASUREMENTS[name](Path(folder), options))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
