"""The examples of the interface contract, fresh copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONTRACT = Path(__file__).parents[2] / "contracts" / "examples"
JOB = "1b9d6bcd-3d2a-8f41-02c7-5c1e0f7a9b34"
DRAFT_JOB = "7e57d004-2b97-0e7a-b45f-5387367791cd"


def example(name: str) -> Any:
    return json.loads((CONTRACT / f"{name}.json").read_text(encoding="utf-8"))
