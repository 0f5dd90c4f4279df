"""`python -m workbench.bench.confined GROUP MODULE …` runs a program inside a control group, for a share of a processor."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PERIOD = 100_000


class NoGroups(Exception):
    """Processor shares cannot be limited here; the message says why."""


@contextmanager
def share_of(processors: float) -> Iterator[Path]:
    """A control group that may use so many processors; version 2 or 1, whichever is there."""
    quota = int(processors * _PERIOD)
    first = (_ROOT / "cpu").is_dir()
    group = (_ROOT / "cpu" if first else _ROOT) / f"eventstorming-bench-{os.getpid()}"
    try:
        group.mkdir()
        if first:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD}")
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        raise NoGroups(f"no control group of our own: {error}") from error
    try:
        yield group
    finally:
        with suppress(OSError):
            group.rmdir()


def main() -> None:
    group, module = Path(sys.argv[1]), sys.argv[2]
    (group / "cgroup.procs").write_text(str(os.getpid()))
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
