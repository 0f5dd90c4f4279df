"""One run of the bench as a file: the figures, and where and when they were measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.bench.figures import Figure, read_figure

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    about: Mapping[str, Any]
    figures: Sequence[Figure]

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = {"about": dict(self.about), "figures": [figure.as_json() for figure in self.figures]}
        path.write_text(json.dumps(stored, ensure_ascii=False, indent=1) + "\n", "utf-8")


def record(figures: Sequence[Figure], *, quick: bool, slowed: float) -> Record:
    about = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 2),
        "quick": quick,
        "slowed": slowed,
    }
    return Record(about=about, figures=list(figures))


def read(path: Path) -> Record:
    stored = json.loads(path.read_text("utf-8"))
    return Record(about=stored["about"], figures=[read_figure(figure) for figure in stored["figures"]])


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
