"""What each change of the queue means; the same in every process, whatever its hash seed."""

from __future__ import annotations

import pytest

from poller.rtdb.queue_copy import QueueCopy
from poller.rtdb.stream import Change

NAMES = [f"job-{number:02d}" for number in range(30)]
ENTRIES = {name: {"createdAt": 1} for name in NAMES}


@pytest.mark.parametrize(
    "change",
    [
        Change(kind="snapshot", value=ENTRIES),
        Change(kind="patch", value=ENTRIES),
        Change(kind="put", value=ENTRIES),
    ],
    ids=lambda change: change.kind,
)
def test_what_has_changed_is_told_in_the_order_of_the_names(change: Change) -> None:
    copy = QueueCopy()
    found, changed = copy.entries_changed(change)
    assert changed == NAMES
    assert list(found.jobs) == NAMES
    assert list(copy.removals_changed(change).removals) == NAMES
