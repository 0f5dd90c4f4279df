"""The protocol's methods over the port `Jobs`: send, get, list, cancel, follow. Decides nothing about jobs.

How they are reached (JSON-RPC, REST, gRPC, the token) is in `doors`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from a2a.server.context import ServerCallContext
from a2a.server.events.event_queue import Event
from a2a.server.request_handlers.request_handler import RequestHandler, validate_request_params
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    InvalidParamsError,
    ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskNotCancelableError,
    TaskPushNotificationConfig,
    TaskState,
    UnsupportedOperationError,
)
from a2a.utils.task import validate_page_size

from poller.a2a import outgoing
from poller.a2a.boundary import check_task, errors
from poller.a2a.configs import PushConfigs
from poller.a2a.sending import Submissions
from poller.a2a.views import TaskViews
from poller.ports import Caller, JobFilter, Jobs, JobView, WrongState
from poller.requests import page_after, page_token

PAGE_SIZE = 50
Answer = Literal["task", "link"]


class Tasks(RequestHandler):
    """Each method: read the request, ask the port, write the answer.

    `answer`: whether a message without a webhook is answered with its task, or, as the old worker did, at once with a link.
    """

    def __init__(
        self, jobs: Jobs, views: TaskViews, configs: PushConfigs, *, answer: Answer = "task"
    ) -> None:
        self._jobs, self._views, self._configs = jobs, views, configs
        self._submissions = Submissions(jobs, views, configs)
        self._answer = answer

    @validate_request_params
    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task | Message:
        """At once where the caller asks for that, else when the task has ended."""
        with errors():
            view, caller = await self._submissions.submitted(params, context)
            if _wants_link(caller, self._answer):
                return self._views.linked(view, caller.context)
            if not params.configuration.return_immediately:
                async with aclosing(self._jobs.watch(view.job_id)) as views:
                    async for each in views:
                        view = each
            return await self._views.task(view, caller.context)

    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """The task first, then what changes about it, its artifacts, its end."""
        with errors():
            view, caller = await self._submissions.submitted(params, context)
            if _wants_link(caller, self._answer):
                yield self._views.linked(view, caller.context)
                return
            async with aclosing(self._views.events(view, caller.context)) as events:
                async for event in events:
                    yield event

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task:
        """As it stands, with its artifacts once it is finished."""
        with errors():
            check_task(params.id)
            return await self._views.described(await self._jobs.get(params.id))

    @validate_request_params
    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """Newest first. A page may be short and still not the last; `total_size` counts what is known to be there."""
        with errors():
            if params.HasField("page_size"):
                validate_page_size(params.page_size)
            size = params.page_size or PAGE_SIZE
            wanted = _wanted(params)
            after = page_after(wanted, params.page_token)
            page = await self._jobs.list_jobs(wanted, size=size, after=after)
            views = [view for view in page.jobs if _is_asked_for(view, params)]
            found = await self._views.listed(
                views, context=params.context_id, artifacts=params.include_artifacts
            )
            total = len(found) + bool(page.next)
            token = page_token(wanted, page.next)
            return ListTasksResponse(tasks=found, next_page_token=token, page_size=size, total_size=total)

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """From now on; a task that has ended has nothing more to tell."""
        with errors():
            check_task(params.id)
            view = await self._jobs.get(params.id)
            if view.state.terminal:
                raise UnsupportedOperationError(f"The task {view.job_id} has ended: get it instead.")
            async with aclosing(self._views.events(view, await self._views.context(view.job_id))) as events:
                async for event in events:
                    yield event

    @validate_request_params
    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task:
        """Cancels the job: no language model is asked for it any more."""
        with errors():
            check_task(params.id)
            try:
                view = await self._jobs.cancel(params.id, by="an agent")
            except WrongState as error:
                raise TaskNotCancelableError(str(error)) from error
            return outgoing.task_of(view, await self._views.context(view.job_id))

    @validate_request_params
    async def on_create_task_push_notification_config(
        self, params: TaskPushNotificationConfig, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """In place of one with the same id; where the caller gives none, the address makes it."""
        with errors():
            return await self._configs.add(params, context)

    @validate_request_params
    async def on_get_task_push_notification_config(
        self, params: GetTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """One of the task's."""
        with errors():
            return await self._configs.get(params.task_id, params.id)

    @validate_request_params
    async def on_list_task_push_notification_configs(
        self, params: ListTaskPushNotificationConfigsRequest, context: ServerCallContext
    ) -> ListTaskPushNotificationConfigsResponse:
        """All of the task's, on one page."""
        with errors():
            return ListTaskPushNotificationConfigsResponse(configs=await self._configs.of(params.task_id))

    @validate_request_params
    async def on_delete_task_push_notification_config(
        self, params: DeleteTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> None:
        """Also one that is not there."""
        with errors():
            await self._configs.remove(params.task_id, params.id)

    async def on_get_extended_agent_card(
        self, params: GetExtendedAgentCardRequest, context: ServerCallContext
    ) -> AgentCard:
        """There is one card, for everybody."""
        raise UnsupportedOperationError("There is no extended agent card: the public one says everything.")


def _wants_link(caller: Caller, answer: Answer) -> bool:
    return answer == "link" and not caller.webhooks


def _wanted(params: ListTasksRequest) -> JobFilter:
    if params.status == TaskState.TASK_STATE_UNSPECIFIED:
        return JobFilter()
    state = outgoing.JOB_STATES.get(params.status)
    if state is None:
        raise InvalidParamsError(f"status: no task is ever {TaskState.Name(params.status)} here")
    return JobFilter(states=frozenset([state]))


def _is_asked_for(view: JobView, params: ListTasksRequest) -> bool:
    if params.status and outgoing.state_of(view) != params.status:
        return False
    since = params.status_timestamp_after.ToMilliseconds()
    return max(view.created_at, view.started_at, view.ended_at) >= since
