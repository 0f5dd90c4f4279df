"""The rules we ship: what a signed-in browser may do, and that a run writes only while its lease token is the entry's."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from poller.rtdb.answers import Denied
from poller.rtdb.names import Nodes
from poller.rtdb.rest import Database

NODES = Nodes("eventstorming_generator")
ENTRY, JOB, REMOVAL = NODES.entry("j1"), NODES.job("j1"), NODES.removal("j1")
INPUTS = {"state": {"inputs": {"requestType": "fromRequirements", "requirements": "A text."}}}
NOW = {".sv": "timestamp"}
WRITER = {"uid": "eventstorming"}
ROW = f"{NODES.index}/1700000000000-j1"


def leased(token: str) -> dict[str, str]:
    return WRITER | {"lease": token}


@pytest.fixture
async def database(db: Database, rules: Callable[[Any], Any]) -> Database:
    """An administrator's view of a database with the shipped rules."""
    await rules(json.loads(files("poller.rtdb").joinpath("database.rules.json").read_text("utf-8"))["rules"])
    return db


@pytest.fixture
def browser(database: Database) -> Database:
    return database.acting_as({"uid": "ann"})


async def claimed(database: Database, token: str = "token-1", epoch: int = 1) -> None:
    await database.put(JOB, INPUTS)
    await database.put(ENTRY, {"createdAt": 1, "lease": {"token": token, "epoch": epoch}})


async def denied(write: Any) -> None:
    with pytest.raises(Denied):
        await write


# ── the browser ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_browser_creates_a_job_then_its_entry_and_asks_for_its_removal(browser: Database) -> None:
    await browser.put(JOB, INPUTS)
    await browser.put(ENTRY, {"createdAt": NOW})
    await browser.put(REMOVAL, {"isRemoveRequested": True})
    await browser.put(REMOVAL, {"isRemoveRequested": True})


@pytest.mark.parametrize(
    "path",
    [
        f"{ENTRY}/waitingJobCount",
        f"{JOB}/state/inputs/requirements",
        *(
            f"{JOB}/state/outputs/{leaf}"
            for leaf in ("isFailed", "isCompleted", "totalProgressCount", "currentProgressCount", "logs")
        ),
        f"{JOB}/state/outputs/esValue/elements",
        f"{JOB}/state/outputs/esValue/relations",
        "configs/eventstorming_generator/is_use_backend",
    ],
)
async def test_a_browser_reads_what_it_watches_and_nobody_reads_unsigned(
    database: Database, browser: Database, path: str
) -> None:
    await browser.get(path)
    await denied(database.acting_as(None).get(path))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "jobs",
        NODES.entries,
        NODES.removals,
        ENTRY,
        NODES.lease("j1"),
        JOB,
        f"{JOB}/state/inputs",
        NODES.run("j1"),
        REMOVAL,
        NODES.index,
        ROW,
    ],
)
async def test_a_browser_reads_nothing_else(browser: Database, path: str) -> None:
    await denied(browser.get(path))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (JOB, INPUTS | {"run": {"like": "other"}}),
        (JOB, {"state": {"inputs": {"requirements": "x"}, "outputs": {"isCompleted": True}}}),
        (JOB, {"state": {"inputs": {"requirements": "x"}, "subgraphs": {"a": 1}}}),
        (JOB, INPUTS | {"lastUpdated": 1}),
        (JOB, {"state": {"outputs": {"isCompleted": True}}}),
        (f"{JOB}/state/outputs/isFailed", True),
        (ENTRY, {"createdAt": NOW}),
        (REMOVAL, {"isRemoveRequested": False}),
        (REMOVAL, {"isRemoveRequested": True, "more": 1}),
        ("configs/eventstorming_generator/is_use_backend", True),
        (ROW, {"state": "completed"}),
        ("elsewhere", 1),
        ("jobs/eventstorming_generator", {"j1": INPUTS}),
    ],
)
async def test_a_browser_creates_no_more_than_that(browser: Database, path: str, value: Any) -> None:
    """An entry without its job is refused as well."""
    await denied(browser.put(path, value))


@pytest.mark.parametrize(
    "entry",
    [
        {"createdAt": NOW, "waitingJobCount": 1},
        {"createdAt": NOW, "lease": {"token": "mine", "epoch": 1}},
        {"createdAt": NOW, "assignedPodId": "me"},
        {"createdAt": 1},
        {"createdAt": 9e15},
        {"createdAt": "now"},
        {"status": "failed"},
    ],
)
async def test_an_entry_of_a_browser_has_the_time_of_its_creation_and_nothing_else(
    browser: Database, entry: Any
) -> None:
    await browser.put(JOB, INPUTS)
    await denied(browser.put(ENTRY, entry))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (JOB, INPUTS),
        (JOB, None),
        (f"{JOB}/state/inputs/requirements", "another"),
        (f"{JOB}/state/outputs/isCompleted", True),
        (f"{JOB}/state/outputs/esValue/elements/e1", {"id": "e1"}),
        (f"{JOB}/run/journal/1/key", "an answer"),
        (ENTRY, {"createdAt": NOW}),
        (ENTRY, None),
        (f"{ENTRY}/createdAt", NOW),
        (f"{ENTRY}/lease/token", "mine"),
        (f"{ENTRY}/waitingJobCount", 1),
        (REMOVAL, None),
    ],
)
async def test_a_browser_changes_nothing_that_is_there(
    database: Database, browser: Database, path: str, value: Any
) -> None:
    await claimed(database)
    await denied(browser.put(path, value))


async def test_a_job_is_watched_and_taken_away_by_any_signed_in_user(browser: Database) -> None:
    """Models are shared, and jobs of other entry points carry a made-up `ids.uid`: whoever opens one follows its job."""
    inputs = {"state": {"inputs": INPUTS["state"]["inputs"] | {"ids": {"uid": "ann", "projectId": "p"}}}}
    await browser.put(JOB, inputs)
    await browser.put(ENTRY, {"createdAt": NOW})
    bob = browser.acting_as({"uid": "bob"})
    assert await bob.get(f"{JOB}/state/outputs/isCompleted") is None
    assert await bob.get(f"{JOB}/state/inputs/requirements") == "A text."
    await bob.put(REMOVAL, {"isRemoveRequested": True})


# ── our writer ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_writes_while_the_lease_is_its_own_and_nothing_after(database: Database) -> None:
    await claimed(database)
    run = database.acting_as(leased("token-1"))
    await run.patch(JOB, {"state/outputs/isFailed": False, "run/journal/1/key": "an answer"})
    await run.put(NODES.lease("j1"), {"token": "token-1", "epoch": 1, "renewedAt": NOW})
    await claimed(database, "token-2", 2)
    await denied(run.patch(JOB, {"state/outputs/isFailed": True}))
    await denied(run.put(f"{JOB}/state/outputs/isCompleted", True))
    await denied(run.delete(JOB))
    await denied(run.put(NODES.lease("j1"), {"token": "token-1", "epoch": 2, "renewedAt": NOW}))
    await denied(run.delete(ENTRY))


async def test_a_run_writes_no_other_job(database: Database) -> None:
    await claimed(database)
    await database.put(NODES.entry("j2"), {"createdAt": 1, "lease": {"token": "token-2", "epoch": 1}})
    run = database.acting_as(leased("token-1"))
    await denied(run.patch(NODES.job("j2"), {"run/tokens": 1}))
    await denied(
        run.patch("jobs/eventstorming_generator", {"j1/state/outputs/isFailed": True, "j2/run/tokens": 1})
    )


async def test_a_row_of_the_index_goes_with_its_job_or_not_at_all(database: Database) -> None:
    await claimed(database)
    end = {f"{JOB}/state/outputs/isFailed": True, ROW: {"state": "failed"}}
    await denied(database.acting_as(leased("token-9")).patch("", end))
    assert await database.get(ROW) is None
    await database.acting_as(leased("token-1")).patch("", end)
    assert await database.get(ROW) == {"state": "failed"}


@pytest.mark.parametrize("entry", [None, {"createdAt": 1}, {"createdAt": 1, "lease": {"epoch": 1}}])
async def test_a_token_opens_no_job_whose_entry_holds_no_lease(database: Database, entry: Any) -> None:
    await claimed(database)
    await database.put(ENTRY, entry)
    await denied(database.acting_as(leased("token-1")).patch(JOB, {"state/outputs/isFailed": True}))


@pytest.mark.parametrize("entry", [None, {"createdAt": 1}, {"createdAt": 1, "lease": {"epoch": 1}}])
async def test_maintenance_needs_no_token_where_no_lease_is_held(database: Database, entry: Any) -> None:
    writer = database.acting_as(WRITER)
    await writer.put(JOB, INPUTS)
    await writer.put(ENTRY, entry)
    await writer.patch(JOB, {"state/outputs/isFailed": True, "run/endedAt": NOW})
    await writer.delete(ENTRY)
    await writer.delete(JOB)
    await writer.delete(REMOVAL)


async def test_maintenance_leaves_a_leased_job_alone(database: Database) -> None:
    await claimed(database)
    writer = database.acting_as(WRITER)
    await denied(writer.patch(JOB, {"state/outputs/isFailed": True}))
    await denied(writer.delete(JOB))


async def test_epochs_only_grow(database: Database) -> None:
    await claimed(database, epoch=3)
    writer = database.acting_as(WRITER)
    await denied(writer.put(ENTRY, {"createdAt": 1, "lease": {"token": "token-2", "epoch": 2}}))
    await denied(writer.put(ENTRY, {"createdAt": 1}))
    await writer.put(ENTRY, {"createdAt": 1, "lease": {"token": "token-2", "epoch": 4}})


async def test_our_writer_has_no_business_elsewhere(database: Database) -> None:
    writer = database.acting_as(WRITER)
    await denied(writer.get("users"))
    await denied(writer.put("users/ann", 1))
    await denied(writer.delete("jobs/eventstorming_generator"))
