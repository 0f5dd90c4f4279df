"""The contract's schemas, for an independent validator."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from tests.poller.msaez.examples import CONTRACT


def esvalue_schema() -> dict[str, Any]:
    return _read(files("poller.msaez").joinpath("esvalue.schema.json").read_text("utf-8"))


def inputs_schema() -> dict[str, Any]:
    return _read((CONTRACT / "inputs.schema.json").read_text("utf-8"))


def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found
