"""Another agent and its webhook while the poller is killed: one task, one end, told once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import Client, ClientConfig, create_client
from a2a.types import GetTaskRequest, SubscribeToTaskRequest, Task, TaskPushNotificationConfig, TaskState

from devkit.programs import Programs
from tests.e2e.pair import Pair, start_pair
from tests.fakes import eventually
from tests.poller.a2a.agents import free_port, message, text
from tests.poller.a2a.receiver import Receiver, receiver

pytestmark = pytest.mark.heavy

TEXT = (Path(__file__).parents[2] / "examples" / "library.en.md").read_text("utf-8")
OWED = "jobWebhooks/eventstorming_generator"


@pytest.mark.timeout(300)
async def test_a_killed_poller_loses_no_task_and_tells_its_end_once(
    programs: Programs, tmp_path: Path
) -> None:
    port, refused = free_port(), 3
    async with receiver(lambda before: (500 if before < refused else 204, "")) as ours:
        pair = start_pair(
            programs,
            executors={"AI_MODEL": "offline:rules"},
            A2A_PORT=str(port),
            A2A_PUSH_ALLOWED="127.0.0.1",
            POD_ID="poller-0",
        )
        pair.slow_down()
        task_id = await _begun(port, ours)
        await _again(pair)
        ended = await _to_its_end(port, task_id)
        await eventually(lambda: len(ours.ends) >= refused - 1, seconds=60)
        await _again(pair)  # in the middle of telling
        [told] = await ours.ended(seconds=90)
        await eventually(lambda: _owed(pair, None), seconds=30)
        await _again(pair)  # after it was told
        await asyncio.sleep(6)  # longer than it waits between two looks at what is owed
    assert ended.status.state == TaskState.TASK_STATE_COMPLETED
    assert {artifact.name for artifact in ended.artifacts} >= {"model.json", "model.md"}
    assert [end.status for end in ours.ends].count(204) == 1
    assert {end.fields["webhook-id"] for end in ours.ends} == {told.fields["webhook-id"]}
    assert told.value["task"]["id"] == task_id


async def _client(port: int) -> Client:
    patient = httpx.AsyncClient(trust_env=False, timeout=60)
    return await create_client(f"http://127.0.0.1:{port}", ClientConfig(httpx_client=patient))


async def _begun(port: int, ours: Receiver) -> str:
    """Followed until it works; then the client is left hanging."""
    client = await _client(port)
    request = message(text(TEXT))
    webhook = TaskPushNotificationConfig(url=ours.url, token="t0ken")
    request.configuration.task_push_notification_config.CopyFrom(webhook)
    events: Any = client.send_message(request)
    task_id = ""
    async for event in events:
        task_id = task_id or event.task.id
        if event.status_update.status.state == TaskState.TASK_STATE_WORKING:
            await events.aclose()
            return str(task_id)
    raise AssertionError("it has ended before it worked")


async def _to_its_end(port: int, task_id: str) -> Task:
    client = await _client(port)
    events = [event async for event in client.subscribe(SubscribeToTaskRequest(id=task_id))]
    last = events[-1].status_update.status
    assert last.state == TaskState.TASK_STATE_COMPLETED, last.message
    return await client.get_task(GetTaskRequest(id=task_id))


async def _again(pair: Pair) -> None:
    """By kill -9, under the same name."""
    pair.kill_poller()
    await asyncio.to_thread(pair.poller.ports)


async def _owed(pair: Pair, what: Any) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        found = await http.get(f"http://127.0.0.1:{pair.rtdb}/{OWED}.json", params={"ns": "eventstorming"})
    return bool(found.json() == what)
