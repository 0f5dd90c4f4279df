"""A look at a job while its run here ends."""

from types import SimpleNamespace
from typing import Any

from poller.job import JobState
from poller.rtdb.names import Nodes
from poller.rtdb.queue_copy import QueueCopy
from poller.rtdb.reader import JobReader
from tests.fakes import small_model

JOB = "00000000-0000-0000-0000-000000000001"


async def test_a_run_that_ends_during_a_look_leaves_its_model_to_it():
    runs = {JOB: SimpleNamespace(display=SimpleNamespace(model=small_model()))}

    class EndingRun:
        """A database in which the job is completed, and whose first answer finds the run gone."""

        async def get(self, path: str) -> Any:
            runs.clear()
            return {"isCompleted": True, "currentProgressCount": 11}.get(path.rpartition("/")[2])

        async def keys(self, path: str) -> list[str]:
            return []

    writer: Any = SimpleNamespace(database=EndingRun(), nodes=Nodes("queue"))
    reader = JobReader(writer, QueueCopy(), runs, owner="poller")  # type: ignore[arg-type]
    view = await reader.view(JOB)
    assert view.state is JobState.COMPLETED
    assert view.model == small_model()
