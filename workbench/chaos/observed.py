"""Starts one of the programs unchanged, and says on SIGUSR1 how many tasks and objects it has: `python -m workbench.chaos.observed FILE poller`."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from importlib import import_module
from pathlib import Path


def main() -> int:
    file, program = Path(sys.argv[1]), sys.argv[2]

    def tell(*_: object) -> None:
        tasks = asyncio.all_tasks(asyncio.get_running_loop())
        found = {"tasks": len(tasks), "objects": len(gc.get_objects())}
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(found), "utf-8")
        fresh.replace(file)

    signal.signal(signal.SIGUSR1, tell)
    return int(import_module(f"{program}.__main__").main())


if __name__ == "__main__":
    sys.exit(main())
