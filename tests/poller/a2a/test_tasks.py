"""A task is a job: sent, followed, got, listed, cancelled by the SDK's own client, over every way there is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from a2a.types import (
    CancelTaskRequest,
    ContentTypeNotSupportedError,
    GetTaskRequest,
    InvalidParamsError,
    ListTasksRequest,
    Part,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
    TaskNotCancelableError,
    TaskNotFoundError,
    TaskState,
    UnsupportedOperationError,
)
from google.protobuf.json_format import MessageToDict

from tests.fakes import eventually
from tests.poller.a2a.agents import BINDINGS, TEXT, agents, data, hang, message, sent, task, text
from tests.poller.lifecycle import new_id

WAYS = pytest.mark.parametrize(("binding", "version"), BINDINGS)


def _states(events: list[StreamResponse]) -> list[int]:
    """The task's, without those of its artifacts."""
    stated = [
        event.task.status if event.HasField("task") else event.status_update.status
        for event in events
        if not event.HasField("artifact_update")
    ]
    return [status.state for status in stated]


@WAYS
async def test_a_text_is_followed_to_its_model_and_the_task_is_the_job(binding: str, version: str) -> None:
    async with agents() as there, there.client(binding, version) as client:
        events = await sent(client, message())
        named = {event.artifact_update.artifact.name for event in events} - {""}
        task_id = events[0].task.id
        found = await client.get_task(GetTaskRequest(id=task_id))
        job = await there.poller.queue.get(task_id)
        given = await there.poller.queue.input(task_id)
    states = _states(events)
    assert states[0] == TaskState.TASK_STATE_SUBMITTED
    assert states[-1] == TaskState.TASK_STATE_COMPLETED
    assert states == sorted(states)
    assert named == {"model.json", "model.md", "board"}
    assert events[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
    assert (found.id, found.status.state) == (job.job_id, TaskState.TASK_STATE_COMPLETED)
    assert (given.requirements, given.user_id) == (TEXT, f"temp-uid-{task_id}")
    model, markdown, board = found.artifacts
    typed: Any = MessageToDict(model.parts[0].data)
    assert typed["boundedContexts"][0]["name"] == "Ordering"
    assert typed["sourceText"] == TEXT
    assert "Ordering" in markdown.parts[0].text
    assert board.parts[0].url == f"http://boards/board/{task_id}"


@WAYS
async def test_a_task_that_goes_on_is_subscribed_to_and_cancelled_and_its_job_with_it(
    binding: str, version: str
) -> None:
    async with agents(hang) as there, there.client(binding, version) as client:
        async with there.client(binding, version, polling=True, streaming=False) as hasty:
            begun = await task(hasty, message())
        subscribed = client.subscribe(SubscribeToTaskRequest(id=begun.id))
        first = await anext(subscribed)
        await eventually(lambda: _is_running(there, begun.id))
        cancelled = await client.cancel_task(CancelTaskRequest(id=begun.id))
        rest = [event async for event in subscribed]
        found = await client.get_task(GetTaskRequest(id=begun.id))
        with pytest.raises(TaskNotCancelableError):
            await client.cancel_task(CancelTaskRequest(id=begun.id))
        with pytest.raises(UnsupportedOperationError):
            await _all(client.subscribe(SubscribeToTaskRequest(id=begun.id)))
        async with there.client() as newest:
            listed = await newest.list_tasks(ListTasksRequest(status=TaskState.TASK_STATE_CANCELED))
        job = await there.poller.queue.get(begun.id)
    assert [each.id for each in listed.tasks] == [begun.id]
    assert begun.status.state in (TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING)
    assert first.task.id == begun.id
    assert rest[-1].status_update.status.state == TaskState.TASK_STATE_CANCELED
    assert cancelled.status.state == found.status.state == TaskState.TASK_STATE_CANCELED
    assert job.failure == "Cancelled by an agent."


async def _is_running(there: Any, task_id: str) -> bool:
    return bool((await there.poller.queue.get(task_id)).current_progress == 2)


async def _all(events: Any) -> list[StreamResponse]:
    return [event async for event in events]


@WAYS
@pytest.mark.parametrize("streaming", [False, True])
async def test_what_is_wrong_is_an_error_in_the_protocols_words(
    binding: str, version: str, streaming: bool
) -> None:
    unknown = new_id()
    refused = {
        "blank": (message(text(" \n")), InvalidParamsError),
        "ten megabytes": (message(text("A clerk registers a thing. " * 400_000)), InvalidParamsError),
        "a picture": (message(Part(raw=b"\x89PNG", media_type="image/png")), ContentTypeNotSupportedError),
        "a further message": (message(task_id=unknown), TaskNotFoundError),
        "no draft": (message(data({"draft": {"structures": []}})), InvalidParamsError),
        "no JSON": (message(Part(raw=b"{", media_type="application/json")), ContentTypeNotSupportedError),
        "a pit": (
            message(Part(raw=b"[" * 900 + b"]" * 900, media_type="application/json")),
            ContentTypeNotSupportedError,
        ),
    }
    async with agents() as there, there.client(binding, version, streaming=streaming) as client:
        for request, kind in refused.values():
            with pytest.raises(kind):
                await sent(client, request)
        for task_id in (unknown, "seven"):
            with pytest.raises(TaskNotFoundError):
                await client.get_task(GetTaskRequest(id=task_id))
        with pytest.raises(TaskNotFoundError):
            await client.cancel_task(CancelTaskRequest(id=unknown))
        jobs = await there.world.database.get("requestedJobs")
    assert jobs is None


async def test_an_answer_is_waited_for_unless_the_caller_would_rather_not() -> None:
    async with agents() as there, there.client(streaming=False) as client:
        ended = await task(client, message())
        async with there.client(streaming=False, polling=True) as hasty:
            begun = await task(hasty, message())
    assert ended.status.state == TaskState.TASK_STATE_COMPLETED
    assert len(ended.artifacts) == 3
    assert begun.status.state == TaskState.TASK_STATE_SUBMITTED


async def test_a_message_that_is_sent_again_is_the_same_task() -> None:
    request, other = message(), message()
    async with agents() as there, there.client(streaming=False) as client:
        first, again, apart = [await task(client, each) for each in (request, request, other)]
        loose = [await task(client, message(message_id="1")) for _ in range(2)]
    assert first.id == again.id
    assert len({first.id, apart.id, *(each.id for each in loose)}) == 4


async def test_a_draft_is_data_in_the_form_that_the_web_client_sends() -> None:
    structure = {"boundedContextName": "Loans", "aggregates": [{"aggregateName": "Loan"}]}
    async with agents() as there, there.client(streaming=False) as client:
        of_draft = await task(client, message(data({"structures": [structure]})))
        given = await there.poller.queue.input(of_draft.id)
    assert [context.name for context in given.draft.contexts] == ["Loans"]
    assert given.draft.contexts[0].aggregates[0].name == "Loan"
    assert given.project_id == f"temp-project-id-{of_draft.id}"


async def test_a_context_is_kept_and_tasks_are_listed_by_it_and_by_state() -> None:
    async with agents() as there, there.client(streaming=False) as client:
        mine = await task(client, message(context_id="a talk"))
        other = await task(client, message())
        listed = await client.list_tasks(ListTasksRequest())
        of_talk = await client.list_tasks(ListTasksRequest(context_id="a talk", include_artifacts=True))
        failed = await client.list_tasks(ListTasksRequest(status=TaskState.TASK_STATE_FAILED))
        first = await client.list_tasks(ListTasksRequest(page_size=1))
        second = await client.list_tasks(ListTasksRequest(page_size=1, page_token=first.next_page_token))
        with pytest.raises(InvalidParamsError):
            await client.list_tasks(ListTasksRequest(status=TaskState.TASK_STATE_INPUT_REQUIRED))
        with pytest.raises(InvalidParamsError):
            await client.list_tasks(ListTasksRequest(page_size=101))
        got = await client.get_task(GetTaskRequest(id=mine.id))
    assert (mine.context_id, got.context_id, other.context_id) == ("a talk", "a talk", other.id)
    assert _ids(listed.tasks) == {mine.id, other.id}
    assert not any(each.artifacts for each in listed.tasks)
    assert _ids(of_talk.tasks) == {mine.id}
    assert of_talk.tasks[0].artifacts
    assert not failed.tasks
    assert _ids([*first.tasks, *second.tasks]) == {mine.id, other.id}
    assert not second.next_page_token


def _ids(tasks: Any) -> set[str]:
    found: list[Task] = list(tasks)
    return {each.id for each in found}


async def test_a_task_takes_no_further_message_but_a_new_one_may_refer_to_it() -> None:
    async with agents() as there, there.client(streaming=False) as client:
        first = await task(client, message())
        with pytest.raises(UnsupportedOperationError, match="reference_task_ids"):
            await task(client, message(task_id=first.id))
        with pytest.raises(InvalidParamsError):
            await task(client, message(task_id=first.id, context_id="another"))
        with pytest.raises(TaskNotFoundError):
            await task(client, message(reference_task_ids=[new_id()]))
        like = await task(client, message(text(f"{TEXT}\nMore."), reference_task_ids=[first.id]))
        stored = await there.world.database.get(f"jobs/eventstorming_generator/{like.id}/run/like")
    assert stored == first.id


async def test_a_client_that_leaves_in_mid_stream_leaves_the_job_as_it_is() -> None:
    async with agents(hang) as there:
        async with there.client() as client:
            events: Any = client.send_message(message())
            task_id = (await anext(events)).task.id
            await events.aclose()
        async with there.client() as again:
            seen = await anext(again.subscribe(SubscribeToTaskRequest(id=task_id)))
        job = await there.poller.queue.get(task_id)
    assert seen.task.id == task_id
    assert not job.state.terminal


async def test_with_the_old_answer_a_message_is_answered_at_once_with_the_link() -> None:
    async with agents(hang, a2a_answer="link", msaez_url="https://msaez") as there:
        async with there.client(streaming=False) as client:
            answered = await asyncio.wait_for(task(client, message()), 5)
            now = await client.get_task(GetTaskRequest(id=answered.id))
        async with there.client() as client:
            [streamed] = await asyncio.wait_for(sent(client, message()), 5)
    link = f"https://msaez/#/storming/{answered.id.replace('-', '')}?jobId={answered.id}"
    assert answered.status.state == streamed.task.status.state == TaskState.TASK_STATE_COMPLETED
    assert answered.status.message.parts[0].text == link
    assert answered.artifacts[0].parts[0].url == link
    assert now.status.state != TaskState.TASK_STATE_COMPLETED


async def test_a_number_that_is_none_and_a_page_of_nothing_are_refused() -> None:
    nothing = Part()
    nothing.data.number_value = float("nan")
    async with agents() as there, there.client("GRPC", streaming=False) as client:
        with pytest.raises(ContentTypeNotSupportedError):
            await task(client, message(nothing))
        with pytest.raises(InvalidParamsError, match="page_token"):
            await client.list_tasks(ListTasksRequest(page_token="\u2603"))
        begun = [(await task(client, message())).id for _ in range(3)]
        first = await client.list_tasks(ListTasksRequest(page_size=2))
        rest = await client.list_tasks(ListTasksRequest(page_size=2, page_token=first.next_page_token))
    assert {each.id for each in (*first.tasks, *rest.tasks)} == set(begun)
