"""The measures by name. A measure is a function that yields figures; what it raises becomes a row, not the end."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from types import FrameType

from devkit.programs import Programs
from workbench.bench.figures import PROBLEM, SKIPPED, Figure
from workbench.bench.stand import Stand

Body = Callable[[Stand], Iterator[Figure]]

_FOREIGN = re.compile(r"^(FIREBASE_|AI_MODEL|OPENAI_|LANGSMITH_|GRPC_|TEST_|PYTHONDONTWRITEBYTECODE$)")


class Skipped(Exception):
    """Cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """`seconds`: after so long it is given up."""

    name: str
    about: str
    seconds: float
    body: Body


MEASURES: dict[str, Measure] = {}


def measure(name: str, about: str, *, seconds: float = 180.0) -> Callable[[Body], Body]:
    def registered(body: Body) -> Body:
        MEASURES[name] = Measure(name=name, about=about, seconds=seconds, body=body)
        return body

    return registered


def selected(only: str) -> list[Measure]:
    """By names or patterns, separated by commas or blanks; empty: all."""
    patterns = [pattern for pattern in re.split(r"[,\s]+", only) if pattern]
    found = [
        one
        for name, one in MEASURES.items()
        if not patterns or any(fnmatch(name, pattern) for pattern in patterns)
    ]
    if not found:
        raise SystemExit(f"no measure is called {only}; there are {', '.join(MEASURES)}")
    return found


def run(measures: list[Measure], *, quick: bool, slowed: float) -> Iterator[Figure]:
    """Each on processes of its own. Prints what it is doing on stderr."""
    for name in [name for name in os.environ if _FOREIGN.match(name)]:
        del os.environ[name]
    for number, one in enumerate(measures, 1):
        print(f"[{number}/{len(measures)}] {one.name}: {one.about} …", end="", file=sys.stderr, flush=True)
        began = time.monotonic()
        yield from _figures(one, quick=quick, slowed=slowed)
        print(f" {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _figures(one: Measure, *, quick: bool, slowed: float) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix=f"bench-{one.name}-") as folder:
        try:
            with Programs(Path(folder)) as programs, _deadline(one.seconds):
                yield from one.body(Stand(programs, Path(folder), quick=quick, slowed=slowed))
        except Skipped as reason:
            yield _row(one, SKIPPED, str(reason))
        except Exception as error:  # noqa: BLE001 (one measure's trouble is a row of the table; the others go on)
            traceback.print_exc()
            yield _row(one, PROBLEM, f"{type(error).__name__}: {error}"[:300])


def _row(one: Measure, state: str, note: str) -> Figure:
    return Figure(name=f"{one.name}.{state}", what=one.about, unit="", state=state, note=note)


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    def over(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"not done after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
