"""Messages into jobs."""

from __future__ import annotations

import asyncio

from a2a.server.context import ServerCallContext
from a2a.types import InvalidParamsError, Message, SendMessageRequest, UnsupportedOperationError

from poller.a2a import incoming
from poller.a2a.boundary import check_task
from poller.a2a.configs import PushConfigs
from poller.a2a.views import TaskViews
from poller.ports import Caller, Jobs, JobView

LONGEST_CONTEXT = 256


class Submissions:
    """A message that starts a task is a new job."""

    def __init__(self, jobs: Jobs, views: TaskViews, configs: PushConfigs) -> None:
        self._jobs, self._views, self._configs = jobs, views, configs

    async def submitted(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> tuple[JobView, Caller]:
        """The job that it is from now on; the same one where it is sent again."""
        message = params.message
        if message.task_id:
            await self._refuse_to_go_on(message)
        if len(message.context_id) > LONGEST_CONTEXT:
            raise InvalidParamsError(f"message.context_id: must be at most {LONGEST_CONTEXT} characters long")
        given = await asyncio.to_thread(incoming.job_input, message)
        configured = params.configuration
        webhooks = (
            [await self._configs.checked(configured.task_push_notification_config, context)]
            if configured.HasField("task_push_notification_config")
            else []
        )
        caller = Caller(context=message.context_id, webhooks=tuple(webhooks))
        like = next(iter(message.reference_task_ids), "")
        if like:
            check_task(like)
        view = await self._jobs.submit(given, like=like, caller=caller)
        for webhook in webhooks:
            await self._configs.keep(view.job_id, webhook)
        return view, caller

    async def _refuse_to_go_on(self, message: Message) -> None:
        """A job takes one text. A change of it is a new task, which may name the earlier one."""
        check_task(message.task_id)
        view = await self._jobs.get(message.task_id)
        context = await self._views.context(view.job_id)
        if message.context_id and message.context_id != context:
            raise InvalidParamsError(f"message.context_id: the task {view.job_id} is in another context")
        raise UnsupportedOperationError(
            f"The task {view.job_id} takes no further message. Send a new one without a task id, and name this task in "
            "reference_task_ids: what both have in common is not generated again."
        )
