"""A look at a job while its run here ends."""

from types import SimpleNamespace
from typing import Any

from poller.job import JobState
from poller.rtdb.names import Nodes
from poller.rtdb.queue_copy import QueueCopy
from poller.rtdb.reader import JobReader
from poller.rtdb.stream import Change
from tests.fakes import small_model

JOB = "00000000-0000-0000-0000-000000000001"


async def test_a_run_that_ends_during_a_look_leaves_its_model_to_it() -> None:
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


class Tree:
    """A database as nested values; `read` keeps every path that was asked for."""

    def __init__(self, **values: Any) -> None:
        self.root: dict[str, Any] = {}
        self.read: list[str] = []
        for path, value in values.items():
            self.put(path, value)

    def put(self, path: str, value: Any) -> None:
        node = self.root
        *parents, last = path.split("/")
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = value

    async def get(self, path: str) -> Any:
        self.read.append(path)
        node: Any = self.root
        for part in path.split("/"):
            node = node.get(part) if isinstance(node, dict) else None
        return node

    async def keys(self, path: str) -> list[str]:
        found = await self.get(path)
        return list(found) if isinstance(found, dict) else []


NODES = Nodes("queue")
ENTRY = {"createdAt": 1_700_000_000_000, "attempts": 2, "waitingJobCount": 3}


def reading(tree: Tree, copy: QueueCopy | None = None, runs: Any = None) -> JobReader:
    writer: Any = SimpleNamespace(database=tree, nodes=NODES)
    return JobReader(writer, copy or QueueCopy(), runs or {}, owner="poller")


async def test_a_look_reads_what_it_shows_and_neither_canvas_nor_journal() -> None:
    tree = Tree()
    tree.put(NODES.entry(JOB), ENTRY)
    outputs = {
        "currentProgressCount": 4,
        "totalProgressCount": 11,
        "logs": {"0": {"level": "info", "message": "m"}},
    }
    tree.put(
        f"{NODES.job(JOB)}/state", {"inputs": {}, "outputs": outputs | {"esValue": {"elements": {"a": 1}}}}
    )
    tree.put(NODES.run(JOB), {"startedAt": 5, "journal": {"1": {"k": "v"}}, "model": "{}"})
    view = await reading(tree).view(JOB)
    assert (view.state, view.current_progress, view.total_progress) == (JobState.QUEUED, 4, 11)
    assert ([line.message for line in view.log], view.started_at, view.attempts) == (["m"], 5, 2)
    assert view.model is not None
    shown = ("isCompleted", "isFailed", "currentProgressCount", "totalProgressCount", "logs")
    ran = ("createdAt", "startedAt", "endedAt", "failure", "cancelled", "model")
    assert sorted(tree.read) == sorted(
        [
            NODES.entry(JOB),
            *(f"{NODES.job(JOB)}/state/outputs/{name}" for name in shown),
            *(f"{NODES.run(JOB)}/{name}" for name in ran),
        ]
    )


async def test_a_model_that_is_known_here_is_not_read() -> None:
    tree = Tree()
    tree.put(NODES.run(JOB), {"model": "{}", "startedAt": 5})
    runs: Any = {JOB: SimpleNamespace(display=SimpleNamespace(model=small_model()))}
    view = await reading(tree, runs=runs).view(JOB)
    assert (view.model, view.started_at) == (small_model(), 5)
    assert f"{NODES.run(JOB)}/model" not in tree.read
    runs[JOB].display.model = None
    view = await reading(tree, runs=runs).view(JOB)
    assert view.model is not None
    assert view.model != small_model()


async def test_nothing_is_a_removed_job_and_inputs_alone_are_one_that_waits() -> None:
    tree = Tree()
    assert await reading(tree).node(JOB, None) is None
    assert (await reading(tree).view(JOB)).state is JobState.REMOVED
    tree.put(f"{NODES.job(JOB)}/state", {"inputs": {}})
    assert await reading(tree).node(JOB, None) == {"state": {"outputs": {}}, "run": {}}
    assert (await reading(tree).view(JOB)).state is JobState.QUEUED


async def test_something_of_ours_alone_is_a_job() -> None:
    tree = Tree()
    tree.put(NODES.run(JOB), {"endedAt": 5})
    assert await reading(tree).node(JOB, None) == {"state": {"outputs": None}, "run": {"endedAt": 5}}


async def test_an_entry_comes_from_the_copy_while_that_is_live_and_else_from_the_database() -> None:
    tree, copy = Tree(), QueueCopy()
    tree.put(NODES.entry(JOB), ENTRY)
    reader = reading(tree, copy)
    read = await reader.entry(JOB)
    assert read is not None
    assert (read.id, read.attempts, read.position) == (JOB, 2, 3)
    assert tree.read == [NODES.entry(JOB)]
    with copy.listening():
        copy.entries_changed(Change(kind="snapshot", path=(), value={}))
        copy.removals_changed(Change(kind="snapshot", path=(), value=None))
        assert await reader.entry(JOB) is None
        copy.entries_changed(Change(kind="put", path=(JOB,), value=ENTRY | {"attempts": 7}))
        told = await reader.entry(JOB)
        assert told is not None
        assert told.attempts == 7
    assert tree.read == [NODES.entry(JOB)]
    tree.put(NODES.entry(JOB), "rubbish")
    assert await reader.entry(JOB) is None


async def test_a_job_rests_while_it_waits_or_its_lease_is_ours() -> None:
    copy = QueueCopy()
    reader = reading(Tree(), copy)

    def lease(owner: str) -> dict[str, Any]:
        return ENTRY | {"lease": {"token": "t", "epoch": 1, "owner": owner, "renewedAt": 1}}

    with copy.listening():
        copy.removals_changed(Change(kind="snapshot", path=(), value=None))
        for entry, rests in ((ENTRY, True), (lease("poller"), True), (lease("another"), False)):
            copy.entries_changed(Change(kind="snapshot", path=(), value={JOB: entry}))
            assert reader.rests(JOB) is rests
        copy.entries_changed(Change(kind="snapshot", path=(), value={JOB: ENTRY}))
        assert not reader.rests("another job")
    assert not reader.rests(JOB), "nobody tells the copy any more"
