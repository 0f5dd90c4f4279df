"""The shipped schemas, for an independent validator."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        files("poller.msaez").joinpath(f"schema/{name}.json").read_text("utf-8")
    )
    return found
