"""The board's sample models are the exports' too."""

import pytest
from eventstorming.v1.model_pb2 import EventStormingModel

from tests.poller.board.conftest import big, bikes_model, clinic, hostile, library, pilates_model

__all__ = ["big", "bikes", "clinic", "hostile", "library", "pilates"]


@pytest.fixture
def bikes() -> EventStormingModel:
    return bikes_model()


@pytest.fixture
def pilates() -> EventStormingModel:
    return pilates_model()
