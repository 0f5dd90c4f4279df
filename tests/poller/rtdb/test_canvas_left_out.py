"""What a viewer of a job need not hear of: its canvas."""

from __future__ import annotations

from typing import Any

import pytest

from poller.rtdb.stream import Change
from poller.rtdb.watching import _without_canvas


@pytest.mark.parametrize(
    ("kind", "path", "value", "left"),
    [
        ("put", ("esValue", "elements", "a"), {"id": "a"}, None),
        ("put", ("esValue",), None, None),
        ("put", ("logs", "0"), {"message": "m"}, {"message": "m"}),
        ("patch", ("esValue", "elements"), {"a": 1}, None),
        ("patch", ("logs",), {"0": 1}, {"0": 1}),
        ("snapshot", (), {"esValue": {"elements": {}}, "isFailed": False}, {"isFailed": False}),
        ("snapshot", (), {"esValue": 1}, {}),
        ("snapshot", (), None, {}),
        ("patch", (), {"esValue/elements/a": 1, "esValue": 2, "isFailed": True}, {"isFailed": True}),
        ("patch", (), {"esValue/elements/a": 1}, None),
        ("patch", (), {"logs/1": 1}, {"logs/1": 1}),
    ],
)
def test_the_canvas_is_left_out_and_nothing_else(
    kind: Any, path: tuple[str, ...], value: Any, left: Any
) -> None:
    seen = _without_canvas(Change(kind=kind, path=path, value=value))
    assert seen == (None if left is None else Change(kind=kind, path=path, value=left))
