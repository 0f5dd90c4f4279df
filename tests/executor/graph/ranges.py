"""Every source range inside a value, wherever it sits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from executor.model import SourceRange


def ranges_of(value: Any) -> Iterator[SourceRange]:
    if isinstance(value, SourceRange):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from ranges_of(item)
    elif is_dataclass(value):
        for member in fields(value):
            yield from ranges_of(getattr(value, member.name))
