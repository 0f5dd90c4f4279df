"""The protocol's methods over the port `Jobs`: send, get, list, cancel, follow. Decides nothing about jobs.

How they are reached (JSON-RPC, REST, gRPC, the token) is in `doors`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Literal

import structlog
from a2a.server.context import ServerCallContext
from a2a.server.events.event_queue import Event
from a2a.server.request_handlers.request_handler import RequestHandler, validate_request_params
from a2a.types import (
    AgentCard,
    Artifact,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    InternalError,
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
    TaskNotFoundError,
    TaskPushNotificationConfig,
    TaskState,
    UnsupportedOperationError,
)
from a2a.utils.errors import A2AError
from a2a.utils.task import validate_page_size

from poller.a2a import incoming, outgoing
from poller.a2a.courier import Courier
from poller.a2a.posting import NotDelivered
from poller.addresses import Allowed, NotAllowed
from poller.errors import InputRejected, PollerError
from poller.job import JobState
from poller.ports import (
    Caller,
    Clock,
    JobExists,
    JobFilter,
    JobNotFound,
    Jobs,
    JobView,
    Webhook,
    Webhooks,
    WrongState,
)
from poller.requests import Violation, check_id, page_after, page_token
from process.tasks import task_group

log = structlog.get_logger(__name__)

PAGE_SIZE = 50
LONGEST_CONTEXT = 256
MOST_WEBHOOKS = 10
Answer = Literal["task", "link"]


class Tasks(RequestHandler):
    """Each method: read the request, ask the port, write the answer.

    `answer`: whether a message without a webhook is answered with its task, or, as the old worker did, at once with a link.
    """

    def __init__(
        self,
        jobs: Jobs,
        webhooks: Webhooks,
        clock: Clock,
        links: outgoing.Links,
        *,
        allowed: Allowed,
        answer: Answer = "task",
    ) -> None:
        self._jobs, self._webhooks, self._links, self._answer = jobs, webhooks, links, answer
        self._courier = Courier(jobs, webhooks, clock, self._described, allowed=allowed)

    async def run(self) -> None:
        """Tells webhooks until cancelled."""
        await self._courier.run()

    async def _described(self, view: JobView) -> Task:
        return await self._task(view, await self._context(view.job_id))

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────

    @validate_request_params
    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task | Message:
        """At once where the caller asks for that, else when the task has ended."""
        with _errors():
            view, caller = await self._submitted(params, context)
            if self._answers_with_link(caller):
                return outgoing.answered_with_link(view, caller.context, self._links.of(view.job_id))
            if not params.configuration.return_immediately:
                view = await self._ended(view)
            return await self._task(view, caller.context)

    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """The task first, then what changes about it, its artifacts, its end."""
        with _errors():
            view, caller = await self._submitted(params, context)
            if self._answers_with_link(caller):
                yield outgoing.answered_with_link(view, caller.context, self._links.of(view.job_id))
                return
            async with aclosing(self._events(view, caller.context)) as events:
                async for event in events:
                    yield event

    async def _ended(self, view: JobView) -> JobView:
        async with aclosing(self._jobs.watch(view.job_id)) as views:
            async for each in views:
                view = each
        return view

    def _answers_with_link(self, caller: Caller) -> bool:
        return self._answer == "link" and not caller.webhooks

    async def _submitted(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> tuple[JobView, Caller]:
        message = params.message
        if message.task_id:
            await self._refuse_to_go_on(message)
        if len(message.context_id) > LONGEST_CONTEXT:
            raise InvalidParamsError(f"message.context_id: must be at most {LONGEST_CONTEXT} characters long")
        given = await asyncio.to_thread(incoming.job_input, message)
        webhooks: tuple[Webhook, ...] = ()
        if params.configuration.HasField("task_push_notification_config"):
            config = params.configuration.task_push_notification_config
            webhooks = (await self._checked(config, context),)
        caller = Caller(context=message.context_id, webhooks=webhooks)
        like = next(iter(message.reference_task_ids), "")
        if like:
            _check(like)
        view = await self._jobs.submit(given, like=like, caller=caller)
        if webhooks:
            await self._keep_of_a_message_sent_again(view.job_id, webhooks)
        return view, caller

    async def _keep_of_a_message_sent_again(self, job_id: str, webhooks: tuple[Webhook, ...]) -> None:
        """It may name another address than before."""
        known = {webhook.id: webhook.url for webhook in (await self._jobs.caller(job_id)).webhooks}
        for webhook in webhooks:
            if known.get(webhook.id) != webhook.url:
                await self._webhooks.add(job_id, webhook)

    async def _refuse_to_go_on(self, message: Message) -> None:
        """A job takes one text. A change of it is a new task, which may name the earlier one."""
        _check(message.task_id)
        view = await self._jobs.get(message.task_id)
        context = await self._context(view.job_id)
        if message.context_id and message.context_id != context:
            raise InvalidParamsError(f"message.context_id: the task {view.job_id} is in another context")
        raise UnsupportedOperationError(
            f"The task {view.job_id} takes no further message. Send a new one without a task id, and name this task in "
            "reference_task_ids: what both have in common is not generated again."
        )

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task:
        """As it stands, with its artifacts once it is finished."""
        with _errors():
            _check(params.id)
            view = await self._jobs.get(params.id)
            return await self._task(view, await self._context(view.job_id))

    @validate_request_params
    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """Newest first. A page may be short and still not the last; `total_size` counts what is known to be there."""
        with _errors():
            if params.HasField("page_size"):
                validate_page_size(params.page_size)
            size = params.page_size or PAGE_SIZE
            wanted = _wanted(params)
            after = page_after(wanted, params.page_token)
            page = await self._jobs.list_jobs(wanted, size=size, after=after)
            found = await self._tasks(page.jobs, params)
            total = len(found) + bool(page.next)
            token = page_token(wanted, page.next)
            return ListTasksResponse(tasks=found, next_page_token=token, page_size=size, total_size=total)

    async def _tasks(self, views: tuple[JobView, ...], params: ListTasksRequest) -> list[Task]:
        views = tuple(view for view in views if _is_asked_for(view, params))
        async with task_group() as group:
            contexts = [group.create_task(self._context(view.job_id)) for view in views]
        found = []
        for view, context in zip(views, contexts, strict=True):
            if params.context_id in ("", context.result()):
                whole = await self._jobs.get(view.job_id) if params.include_artifacts else view
                found.append(
                    await self._task(whole, context.result())
                    if params.include_artifacts
                    else outgoing.task_of(view, context.result())
                )
        return found

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """From now on; a task that has ended has nothing more to tell."""
        with _errors():
            _check(params.id)
            view = await self._jobs.get(params.id)
            if view.state.terminal:
                raise UnsupportedOperationError(f"The task {view.job_id} has ended: get it instead.")
            async with aclosing(self._events(view, await self._context(view.job_id))) as events:
                async for event in events:
                    yield event

    async def _events(self, seen: JobView, context: str) -> AsyncGenerator[Event, None]:
        yield await self._task(seen, context)
        if seen.state.terminal:
            return
        async with aclosing(self._jobs.watch(seen.job_id)) as views:
            async for view in views:
                if view.state is JobState.COMPLETED:
                    for artifact in outgoing.artifact_events(await self._task(view, context)):
                        yield artifact
                if event := outgoing.changed(seen, view, context, now=self._jobs.now()):
                    yield event
                seen = view

    async def _context(self, job_id: str) -> str:
        return (await self._jobs.caller(job_id)).context or job_id

    async def _task(self, view: JobView, context: str) -> Task:
        return outgoing.task_of(view, context, await self._artifacts(view))

    async def _artifacts(self, view: JobView) -> list[Artifact]:
        if view.state is not JobState.COMPLETED or view.model is None:
            return []
        whole = type(view.model)()
        whole.CopyFrom(view.model)
        whole.source_text = (await self._jobs.input(view.job_id)).requirements
        return await asyncio.to_thread(outgoing.artifacts_of, view.job_id, whole, self._links.of(view.job_id))

    # ── ending ───────────────────────────────────────────────────────────────────────────────────────────────

    @validate_request_params
    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task:
        """Cancels the job: no language model is asked for it any more."""
        with _errors():
            _check(params.id)
            try:
                view = await self._jobs.cancel(params.id, by="an agent")
            except WrongState as error:
                raise TaskNotCancelableError(str(error)) from error
            return outgoing.task_of(view, await self._context(view.job_id))

    # ── push notifications ───────────────────────────────────────────────────────────────────────────────────

    @validate_request_params
    async def on_create_task_push_notification_config(
        self, params: TaskPushNotificationConfig, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """In place of one with the same id; where the caller gives none, the address makes it."""
        with _errors():
            await self._known(params.task_id)
            webhook = await self._checked(params, context)
            known = (await self._jobs.caller(params.task_id)).webhooks
            if len({each.id for each in known} | {webhook.id}) > MOST_WEBHOOKS:
                raise InvalidParamsError(
                    f"A task has at most {MOST_WEBHOOKS} push notification configurations."
                )
            await self._webhooks.add(params.task_id, webhook)
            return incoming.config(params.task_id, webhook)

    @validate_request_params
    async def on_get_task_push_notification_config(
        self, params: GetTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """One of the task's."""
        with _errors():
            await self._known(params.task_id)
            for webhook in (await self._jobs.caller(params.task_id)).webhooks:
                if params.id in (webhook.id, ""):
                    return incoming.config(params.task_id, webhook)
            raise TaskNotFoundError(f"The task has no push notification configuration {params.id[:80]}.")

    @validate_request_params
    async def on_list_task_push_notification_configs(
        self, params: ListTaskPushNotificationConfigsRequest, context: ServerCallContext
    ) -> ListTaskPushNotificationConfigsResponse:
        """All of the task's, on one page."""
        with _errors():
            await self._known(params.task_id)
            known = (await self._jobs.caller(params.task_id)).webhooks
            configs = [incoming.config(params.task_id, webhook) for webhook in known]
            return ListTaskPushNotificationConfigsResponse(configs=configs)

    @validate_request_params
    async def on_delete_task_push_notification_config(
        self, params: DeleteTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> None:
        """Also one that is not there."""
        with _errors():
            await self._known(params.task_id)
            await self._webhooks.remove(params.task_id, params.id)

    async def _known(self, task_id: str) -> None:
        _check(task_id)
        await self._jobs.get(task_id)

    async def _checked(self, config: TaskPushNotificationConfig, context: ServerCallContext) -> Webhook:
        webhook = incoming.webhook(config, old="/" in context.state.get("method", ""))
        await self._courier.check(webhook.url)
        return webhook

    async def on_get_extended_agent_card(
        self, params: GetExtendedAgentCardRequest, context: ServerCallContext
    ) -> AgentCard:
        """There is one card, for everybody."""
        raise UnsupportedOperationError("There is no extended agent card: the public one says everything.")


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


def _check(task_id: str) -> None:
    """What is no job's id names no task."""
    try:
        check_id(task_id)
    except Violation as violation:
        raise TaskNotFoundError(f"There is no task {task_id[:80]}.") from violation


@contextmanager
def _errors() -> Iterator[None]:
    """The boundary of a call: what is ours becomes an error of the protocol, the rest an internal one and a log line."""
    try:
        yield
    except A2AError:
        raise
    except (NotAllowed, NotDelivered) as error:
        raise InvalidParamsError(f"push notifications: {error}") from error
    except (Violation, InputRejected, JobExists) as error:
        raise InvalidParamsError(str(error)) from error
    except JobNotFound as error:
        raise TaskNotFoundError(str(error)) from error
    except WrongState as error:
        raise UnsupportedOperationError(str(error)) from error
    except PollerError as error:
        raise InternalError(str(error)) from error
    except Exception as error:
        log.exception("agents.failed", error=type(error).__name__)
        raise InternalError("A fault of ours; the log has it.") from error
