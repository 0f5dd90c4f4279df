"""Push notification configurations: which webhooks are told of a task."""

from __future__ import annotations

from a2a.server.context import ServerCallContext
from a2a.types import InvalidParamsError, TaskNotFoundError, TaskPushNotificationConfig

from poller.a2a import incoming
from poller.a2a.boundary import check_task
from poller.a2a.posting import judged
from poller.addresses import Allowed
from poller.ports import Jobs, Webhook, Webhooks

MOST_WEBHOOKS = 10


class PushConfigs:
    """Of tasks that exist: the others raise JobNotFound, TaskNotFoundError."""

    def __init__(self, jobs: Jobs, webhooks: Webhooks, allowed: Allowed) -> None:
        self._jobs, self._webhooks, self._allowed = jobs, webhooks, allowed

    async def checked(self, config: TaskPushNotificationConfig, context: ServerCallContext) -> Webhook:
        """Raises Violation; NotAllowed, NotDelivered: it cannot be sent to."""
        webhook = incoming.webhook(config, old="/" in context.state.get("method", ""))
        await judged(webhook.url, self._allowed)
        return webhook

    async def add(
        self, config: TaskPushNotificationConfig, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """In place of one with the same id; where the caller gives none, the address makes it."""
        task_id = config.task_id
        await self._known(task_id)
        webhook = await self.checked(config, context)
        known = (await self._jobs.caller(task_id)).webhooks
        if len({each.id for each in known} | {webhook.id}) > MOST_WEBHOOKS:
            raise InvalidParamsError(f"A task has at most {MOST_WEBHOOKS} push notification configurations.")
        await self._webhooks.add(task_id, webhook)
        return incoming.config(task_id, webhook)

    async def keep(self, task_id: str, webhook: Webhook) -> None:
        """Of a message that was sent again: it may name another address than before."""
        known = {each.id: each.url for each in (await self._jobs.caller(task_id)).webhooks}
        if known.get(webhook.id) != webhook.url:
            await self._webhooks.add(task_id, webhook)

    async def of(self, task_id: str) -> list[TaskPushNotificationConfig]:
        """All of a task's."""
        await self._known(task_id)
        known = (await self._jobs.caller(task_id)).webhooks
        return [incoming.config(task_id, webhook) for webhook in known]

    async def get(self, task_id: str, config_id: str) -> TaskPushNotificationConfig:
        """One of a task's; "": the first."""
        for config in await self.of(task_id):
            if config_id in (config.id, ""):
                return config
        raise TaskNotFoundError(f"The task has no push notification configuration {config_id[:80]}.")

    async def remove(self, task_id: str, config_id: str) -> None:
        """Also one that is not there."""
        await self._known(task_id)
        await self._webhooks.remove(task_id, config_id)

    async def _known(self, task_id: str) -> None:
        check_task(task_id)
        await self._jobs.get(task_id)
