"""The poller's end of a stream: how answers of earlier runs are handed over. What goes over it is in `test_attempt`."""

from __future__ import annotations

import pytest
from eventstorming.v1 import executor_pb2

from poller.link import recalls


@pytest.mark.parametrize("sizes", [[], [10], [300_000] * 5, [2_000_000, 10]])
def test_a_recall_is_split_below_the_size_of_a_message_and_marks_its_end(sizes: list[int]) -> None:
    answers = [executor_pb2.JournalEntry(key=str(n), value="x" * size) for n, size in enumerate(sizes)]
    frames = recalls(answers)
    assert [entry for frame in frames for entry in frame.entries] == answers
    assert [frame.last for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert all(len(frame.entries) == 1 or frame.ByteSize() < 1 << 20 for frame in frames)


def test_a_recall_frame_carries_half_a_megabyte_and_not_a_byte_more() -> None:
    answers = [executor_pb2.JournalEntry(value="x" * size) for size in (262_144,) * 4 + (1,)]
    assert [len(frame.entries) for frame in recalls(answers)] == [2, 2, 1]
