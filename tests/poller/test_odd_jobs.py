"""Everything the contract calls odd, put into the database as its clients do and claimed by a real poller.

Each is understood, or fails with a sentence in the user's language; nothing of it holds up the queue.
"""

from __future__ import annotations

import asyncio
import copy
import re
from dataclasses import dataclass
from typing import Any

import pytest
from eventstorming.v1 import job_pb2

from poller.msaez.encoding import encode
from poller.msaez.inputs import read_inputs
from tests.fakes import Conversation, eventually, plain_script, scripted_executor
from tests.poller.lifecycle import NODES, World, inputs, new_id, world
from tests.poller.msaez.examples import DRAFT_JOB, example

NOW = {".sv": "timestamp"}
OLD = {"assignedPodId": "old-1", "claimedAt": 1.5, "lastHeartbeat": 1.5}


@dataclass(frozen=True, kw_only=True)
class Trap:
    """`fails`: a piece of the sentence the user reads; empty: the job completes. `entry` is its queue entry."""

    given: Any = None
    entry: Any = None
    fails: str = ""
    outputs: Any = None
    job_id: str = ""
    is_draft: bool = False
    """It reaches the executor as the draft of the contract's example; the model scripted here is not what that asks for."""
    dropped: bool = False
    """No job at all: everything of it goes."""


def from_draft(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = copy.deepcopy(example("inputs.fromDraft"))
    return given | changes


def attributes_as_objects() -> dict[str, Any]:
    given = from_draft()
    asked = given["draft"]["additionalRequests"]["essentialAggregateAttributes"]
    for context in asked.values():
        for aggregate, names in context.items():
            context[aggregate] = [{"fieldName": name, "refs": [[[1, 1], [1, 2]]]} for name in names]
    return given


def lists_as_maps() -> dict[str, Any]:
    given = from_draft()
    given["draft"]["structures"] = {str(2 * n): each for n, each in enumerate(given["draft"]["structures"])}
    return given


def dangling() -> dict[str, Any]:
    given = from_draft()
    aggregate = given["draft"]["structures"][0]["aggregates"][0]
    aggregate["valueObjects"] = [{"name": "X", "alias": "X", "referencedAggregate": {"name": "Nowhere"}}]
    return given


def odd_names() -> dict[str, Any]:
    context = {"boundedContextName": "A.B/#[1]$", "boundedContextAlias": "주문 😀", "aggregates": []}
    context["aggregates"] = [{"aggregateName": "Or/der.", "aggregateAlias": "주문"}]
    return from_draft(draft={"structures": [context]})


def words(text: str, **changes: Any) -> dict[str, Any]:
    return inputs("", requirements=text, **changes)


TRAPS = {
    "attribute objects": Trap(given=attributes_as_objects(), is_draft=True),
    "dangling references": Trap(given=dangling(), is_draft=True),
    "names that cannot be keys": Trap(given=odd_names()),
    "lists that were maps": Trap(given=lists_as_maps(), is_draft=True),
    "sentinels everywhere": Trap(given=encode({**words("A customer orders."), "draft": None, "more": []})),
    "sentinels in a draft": Trap(given=encode({**from_draft(), "requirements": None}), is_draft=True),
    "seconds": Trap(given=words("A customer orders."), entry={"createdAt": 1_700_000_000.25}),
    "no time before ours": Trap(given=words("A customer orders."), entry={"createdAt": 0}),
    "nulls of the old worker": Trap(
        given=words("A customer orders."),
        entry={"createdAt": NOW, "status": "pending", "assignedPodId": "@", "lastHeartbeat": "@", "recoveryCount": 1},
    ),
    "capital letters in the id": Trap(given=words("A customer orders."), job_id="ABCDEF01-2345-6789-ABCD-EF0123456789"),
    "no UUID": Trap(given=words("A customer orders."), job_id="my job", fails="."),
    "2 MB": Trap(given=words("A customer places an order.\n" * 75_000)),
    "emoji and Hangul": Trap(given=words("고객이 주문한다 😀👩‍👩‍👧.\r\n\t상점이 배송한다.", preferedLanguage="Korean")),
    "only spaces": Trap(given=words(" \n\t　"), fails="requirements are empty"),
    "only spaces, in Korean": Trap(given=words(" \n\t　", preferedLanguage="Korean"), fails="[가-힣]"),
    "sentinel instead of a text": Trap(given=words("@"), fails="requirements"),
    "a draft without structures": Trap(given=from_draft(draft={"metadatas": {}}), fails="[A-Za-z]"),
    "a draft without structures, in Korean": Trap(given=from_draft(draft="@", preferedLanguage="Korean"), fails="[가-힣]"),
    "unknown type": Trap(given=words("x", requestType="fromThinAir"), fails="fromThinAir"),
    "no type": Trap(given=words("x", requestType="@"), fails="[a-z]"),
    "inputs are a text": Trap(given="fromRequirements", fails="[a-z]"),
    "a job without inputs": Trap(given=None, outputs={"logs": ["@"]}, fails="[a-z]"),
    "half-run": Trap(given=words("x y z"), entry={"createdAt": NOW, "status": "processing", **OLD}, fails="earlier version"),
    "given up by the old worker": Trap(
        given=words("x y z", preferedLanguage="Korean"), entry={"createdAt": NOW, "status": "failed", "failedAt": 9.5}, fails="[가-힣]"
    ),
    "left by a pod that was shutting down": Trap(
        given=words("x y z"),
        entry={"createdAt": NOW, "status": "processing", "shutdownRequested": True, "acceptingNewJobs": False, **OLD},
        fails="earlier version",
    ),
    "half a canvas of the old worker": Trap(
        given=words("x y z"), outputs={"esValue": {"elements": {"e1": {"id": "e1"}}}}, fails="earlier version"
    ),
    "completed already": Trap(given=words("x y z"), outputs={"isCompleted": True}),
    "sentinels in the flags": Trap(given=words("A customer orders."), outputs={"isCompleted": "@", "isFailed": "@", "esValue": {"elements": {"@": True}, "relations": {"@": True}}}),
    "an entry without a time": Trap(given=words("x y z"), entry={"status": "pending"}, fails="[a-z]"),
    "an entry whose time is a text": Trap(given=words("x y z"), entry={"createdAt": "now"}, fails="[a-z]"),
    "an entry that is a list": Trap(given=words("x y z"), entry=["@"], fails="[a-z]"),
    "a stub": Trap(entry={"waitingJobCount": 1}, dropped=True),
    "a heartbeat of a deleted entry": Trap(entry={"lastHeartbeat": 1_700_000_000.5}, dropped=True),
    "a scalar": Trap(entry=True, dropped=True),
    "an entry without a job": Trap(entry={"createdAt": NOW}, dropped=True),
    "the job as one text, as in 2025": Trap(entry={"state": {"inputs": {"jobId": "1"}}}, dropped=True),
}  # fmt: skip


async def _set(rtdb: World, trap: Trap, job_id: str) -> None:
    given = trap.given | {"jobId": job_id} if isinstance(trap.given, dict) else trap.given
    state = {"inputs": given, "outputs": trap.outputs}
    if not trap.dropped:
        await rtdb.database.put(NODES.job(job_id), {"state": state})
    await rtdb.database.put(NODES.entry(job_id), {"createdAt": NOW} if trap.entry is None else trap.entry)


@pytest.fixture(scope="module")
def ended() -> dict[str, tuple[dict[str, Any], job_pb2.JobInput]]:
    """Outputs of every trap and the input its executor got, once the queue is empty."""
    return asyncio.run(asyncio.wait_for(_ended(), 60))


async def _ended() -> dict[str, tuple[dict[str, Any], job_pb2.JobInput]]:
    ids = {name: trap.job_id or new_id() for name, trap in TRAPS.items()}
    got: dict[str, job_pb2.JobInput] = {}

    async def script(talk: Conversation) -> None:
        got[talk.job_id] = talk.start.input
        await plain_script(talk)

    async with world() as rtdb, scripted_executor(script, slots=8) as executor:
        for name, trap in TRAPS.items():
            await _set(rtdb, trap, ids[name])
        async with rtdb.poller(executor.port):
            await eventually(lambda: _is_empty(rtdb), seconds=50)
            last = new_id()
            await rtdb.create(last)
            await rtdb.ended(last)
            assert await rtdb.database.get(NODES.entries) is None
        return {
            name: (
                (await rtdb.database.get(NODES.job(job)) or {}).get("state") or {},
                got.get(job, job_pb2.JobInput()),
            )
            for name, job in ids.items()
        }


async def _is_empty(rtdb: World) -> bool:
    return await rtdb.database.get(NODES.entries) is None


@pytest.mark.parametrize("name", [name for name, trap in TRAPS.items() if trap.fails])
def test_what_cannot_run_fails_with_a_sentence(ended: dict[str, Any], name: str) -> None:
    outputs = ended[name][0]["outputs"]
    assert outputs["isFailed"] is True
    assert outputs.get("isCompleted") is not True
    sentence = [line for line in outputs["logs"] if isinstance(line, dict)][-1]
    assert sentence["level"] == "error"
    assert re.search(TRAPS[name].fails, sentence["message"]), sentence
    assert len(sentence["message"]) > 15


@pytest.mark.parametrize(
    "name",
    [name for name, trap in TRAPS.items() if not (trap.fails or trap.dropped or trap.is_draft)],
)
def test_what_can_be_understood_is_completed(ended: dict[str, Any], name: str) -> None:
    outputs = ended[name][0]["outputs"]
    assert outputs["isCompleted"] is True, outputs.get("logs")
    assert outputs.get("isFailed") is not True


@pytest.mark.parametrize("name", [name for name, trap in TRAPS.items() if trap.is_draft])
def test_odd_drafts_reach_the_executor_as_the_plain_one_would(ended: dict[str, Any], name: str) -> None:
    given = ended[name][1]
    plain = read_inputs(from_draft(), job_id=DRAFT_JOB)
    if name == "dangling references":
        plain.draft.contexts[0].aggregates[0].ClearField("value_objects")
        plain.draft.contexts[0].aggregates[0].ClearField("references")
    assert given.draft == plain.draft
    warned = any("Nowhere" in str(line) for line in ended[name][0]["outputs"]["logs"])
    assert warned is (name == "dangling references")


@pytest.mark.parametrize("name", ["2 MB", "emoji and Hangul"])
def test_texts_reach_the_executor_as_they_were_written(ended: dict[str, Any], name: str) -> None:
    given = TRAPS[name].given["requirements"]
    assert ended[name][1].requirements == given
    assert ended[name][0]["inputs"]["requirements"] == given


@pytest.mark.parametrize("name", [name for name, trap in TRAPS.items() if trap.dropped])
def test_what_is_no_job_leaves_nothing(ended: dict[str, Any], name: str) -> None:
    assert ended[name] == ({}, job_pb2.JobInput())


async def test_rubbish_goes_also_when_the_first_try_fails_or_its_job_still_runs_here() -> None:
    async def stuck(talk: Conversation) -> None:
        await asyncio.Event().wait()

    running, stub = new_id(), new_id()
    async with world() as rtdb, scripted_executor(stuck) as executor, rtdb.poller(executor.port):
        await rtdb.create(running)
        await eventually(lambda: executor.runs)
        rtdb.rtdb.faults.change({"errors": 1, "method": "DELETE"})
        await rtdb.database.put(NODES.entry(stub), {"waitingJobCount": 2})
        await rtdb.database.put(NODES.entry(running), {"lastHeartbeat": 3.5})
        await eventually(lambda: _is_empty(rtdb))
        assert (await rtdb.outputs(running))["isFailed"] is True


async def test_a_stub_that_appears_again_goes_again() -> None:
    """As after a late write of the old worker, while we listen."""
    async with world() as rtdb, scripted_executor() as executor, rtdb.poller(executor.port):
        job = new_id()
        await rtdb.create(job)
        await rtdb.ended(job)
        for stub in ({"waitingJobCount": 2}, {"lastHeartbeat": 3.5}):
            await rtdb.database.patch(NODES.entry(job), stub)
            await eventually(lambda: _is_empty(rtdb))
        outputs = await rtdb.outputs(job)
        assert (outputs["isCompleted"], outputs["isFailed"]) == (True, False)
    assert len(executor.runs) == 1
