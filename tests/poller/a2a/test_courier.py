"""Whom a caller names is told how the job ended, once it acknowledges never again, and nobody else is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import pytest
from a2a.client import Client
from a2a.types import (
    AuthenticationInfo,
    DeleteTaskPushNotificationConfigRequest,
    GetTaskPushNotificationConfigRequest,
    InvalidParamsError,
    ListTaskPushNotificationConfigsRequest,
    SendMessageRequest,
    Task,
    TaskNotFoundError,
    TaskPushNotificationConfig,
)
from eventstorming.v1 import job_pb2

from poller.a2a.courier import MOST_ATTEMPTS, Courier, pause
from poller.a2a.outgoing import task_of
from poller.a2a.posting import NotDelivered, Post, post
from poller.addresses import Allowed, NotAllowed
from poller.ports import Caller, JobView, Webhook
from poller.rtdb.names import Nodes
from tests.fakes import FakeClock, FakeQueue, FakeStore, eventually
from tests.poller.a2a.agents import BINDINGS, Agents, agents, hang, message, task
from tests.poller.a2a.receiver import Receiver, receiver
from tests.poller.lifecycle import NAMESPACE, new_id

HERE = {"a2a_push_allowed": ("127.0.0.0/8",)}
NODES = Nodes(NAMESPACE)


def with_webhook(there: Receiver, **given: Any) -> SendMessageRequest:
    request = message()
    request.configuration.task_push_notification_config.CopyFrom(
        TaskPushNotificationConfig(url=there.url, **given)
    )
    return request


def patient(there: Agents, binding: str = "JSONRPC", version: str = "1.0") -> Client:
    return there.client(binding, version, streaming=False, polling=True)


async def test_the_end_is_told_once_signed_and_with_the_callers_own_secrets() -> None:
    secrets = {
        "token": "t0ken",
        "authentication": AuthenticationInfo(scheme="Bearer", credentials="cr3dentials"),
    }
    async with receiver() as ours, agents(**HERE) as there, patient(there) as client:
        begun = await task(client, with_webhook(ours, **secrets))
        [end] = await ours.ended()
        await eventually(lambda: _nothing_is_owed(there))
        stored = (await there.poller.queue.caller(begun.id)).webhooks
        view = await there.poller.queue.get(begun.id)
    held = end.value["task"]
    assert (held["id"], end.state) == (begun.id, "TASK_STATE_COMPLETED")
    assert {artifact["name"] for artifact in held["artifacts"]} == {"model.json", "model.md", "board"}
    assert end.fields["x-a2a-notification-token"] == "t0ken"
    assert end.fields["authorization"] == "Bearer cr3dentials"
    assert end.fields["webhook-id"] == f"{begun.id}.{view.ended_at}"
    signed = f"{end.fields['webhook-id']}.{end.fields['webhook-timestamp']}.".encode() + end.body
    expected = base64.b64encode(hmac.new(b"t0ken", signed, hashlib.sha256).digest()).decode()
    assert end.fields["webhook-signature"] == f"v1,{expected}"
    assert [webhook.told for webhook in stored] == [view.ended_at]
    assert len(ours.ends) == 1


async def _nothing_is_owed(there: Agents) -> bool:
    return await there.world.database.get(NODES.owed) is None


async def test_whoever_fails_is_told_again_under_the_same_id_until_it_acknowledges() -> None:
    answers = [(500, ""), (0, ""), (302, "/else"), (404, "")]
    async with (
        receiver(lambda before: answers[before] if before < len(answers) else (204, "")) as ours,
        agents(**HERE) as there,
        patient(there) as client,
    ):
        await task(client, with_webhook(ours))
        await ours.ended()
        await eventually(lambda: _nothing_is_owed(there))
    assert len(ours.ends) == 5
    assert len({end.fields["webhook-id"] for end in ours.ends}) == 1
    assert len({end.body for end in ours.ends}) == 1


async def test_two_configurations_are_two_and_one_that_never_answers_delays_no_other() -> None:
    async with (
        receiver(lambda _: (500, "")) as bad,
        receiver() as good,
        agents(**HERE) as there,
        patient(there) as client,
    ):
        begun = await task(client, with_webhook(bad))
        config = TaskPushNotificationConfig(task_id=begun.id, url=good.url)
        await client.create_task_push_notification_config(config)
        await good.ended()
        before = len(bad.ends)
        await eventually(lambda: len(bad.ends) > before)
        owed = await there.world.database.get(NODES.owed)
    assert begun.id in owed
    assert len(good.ends) == 1


async def test_a_configuration_that_comes_after_the_end_is_told_of_it() -> None:
    async with receiver() as ours, agents(**HERE) as there, there.client(streaming=False) as client:
        ended = await task(client, message())
        config = TaskPushNotificationConfig(task_id=ended.id, url=ours.url)
        await client.create_task_push_notification_config(config)
        [end] = await ours.ended()
    assert end.value["task"]["id"] == ended.id


async def test_progress_is_told_and_a_cancelled_task_too() -> None:
    async with receiver() as ours, agents(hang, **HERE) as there, patient(there) as client:
        begun = await task(client, with_webhook(ours))
        await eventually(lambda: len(ours.told) >= 1)
        await there.poller.queue.cancel(begun.id, by="Kim")
        [end] = await ours.ended()
    assert ours.told[0].value["statusUpdate"]["taskId"] == begun.id
    assert end.state == "TASK_STATE_CANCELED"


@pytest.mark.parametrize(
    ("binding", "version"),
    [way for way in BINDINGS if way != ("HTTP+JSON", "0.3")],  # whose client cannot list
)
async def test_configurations_are_kept_listed_and_deleted_and_go_with_their_job(
    binding: str, version: str
) -> None:
    async with receiver() as ours, agents(hang, **HERE) as there, patient(there, binding, version) as client:
        begun = await task(client, message())
        config = TaskPushNotificationConfig(task_id=begun.id, url=ours.url, token="t0ken")
        named = [
            TaskPushNotificationConfig(task_id=begun.id, id=each, url=ours.url) for each in ("a", "b.$#[]")
        ]
        made = await client.create_task_push_notification_config(config)
        for each in (*named, config):
            await client.create_task_push_notification_config(each)
        listing = ListTaskPushNotificationConfigsRequest(task_id=begun.id)
        listed = (await client.list_task_push_notification_configs(listing)).configs
        one = GetTaskPushNotificationConfigRequest(task_id=begun.id, id="b.$#[]")
        if binding != "HTTP+JSON":  # such an id fits in no path
            got = await client.get_task_push_notification_config(one)
            assert got.url == ours.url
        gone = DeleteTaskPushNotificationConfigRequest(task_id=begun.id, id="a")
        if (binding, version) != ("GRPC", "0.3"):
            await client.delete_task_push_notification_config(gone)
            kept = {webhook.id for webhook in (await there.poller.queue.caller(begun.id)).webhooks}
            assert kept == {made.id, "b.$#[]"}
        with pytest.raises(TaskNotFoundError):
            await client.list_task_push_notification_configs(
                ListTaskPushNotificationConfigsRequest(task_id=new_id())
            )
        await there.poller.queue.delete(begun.id)
        await there.world.gone(begun.id)
        await eventually(lambda: _nothing_is_owed(there))
    assert (made.token, bool(made.id)) == ("t0ken", True)
    assert {each.id for each in listed} == {made.id, "a", "b.$#[]"}


async def test_a_client_of_0_3_is_told_in_its_form() -> None:
    async with receiver() as ours, agents(**HERE) as there, patient(there, "JSONRPC", "0.3") as client:
        begun = await task(client, with_webhook(ours))
        [end] = await ours.ended()
    assert (end.value["kind"], end.value["id"], end.state) == ("task", begun.id, "completed")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "http://169.254.169.254/", "http://[::ffff:10.0.0.1]/", "ftp://a/", "http://no.invalid/"],
)  # fmt: skip
async def test_a_foreign_address_is_refused_and_no_job_begins(url: str) -> None:
    request = message()
    request.configuration.task_push_notification_config.url = url
    async with agents() as there, patient(there) as client:
        with pytest.raises(InvalidParamsError, match="push notifications"):
            await task(client, request)
        jobs = await there.world.database.get("jobs")
    assert jobs is None


async def test_who_never_acknowledges_is_given_up_after_about_three_quarters_of_an_hour() -> None:
    poller, clock = FakeQueue(FakeStore()), FakeClock()
    async with receiver(lambda _: (500, "")) as ours:
        caller = Caller(webhooks=(Webhook(id="ours", url=ours.url),))
        given = job_pb2.JobInput(requirements="A customer places an order.")
        view = await poller.submit(given, caller=caller)
        await poller.cancel(view.job_id, by="Kim")
        telling = asyncio.create_task(
            Courier(poller, poller.webhooks, clock, _described, allowed=Allowed.of(["127.0.0.1"])).run()
        )

        async def given_up() -> bool:
            await clock.advance(20)
            return not poller.store.owed

        await eventually(given_up)
        telling.cancel()
        [webhook] = (await poller.caller(view.job_id)).webhooks
    assert len(ours.ends) == MOST_ATTEMPTS
    assert 40 * 60 < sum(pause(attempt, 0.5) for attempt in range(2, MOST_ATTEMPTS + 1)) < 50 * 60
    assert webhook.told


async def _described(view: JobView) -> Task:
    return task_of(view, "")


# ── where a POST may lead ────────────────────────────────────────────────────────────────────────────────────


def _post(url: str) -> Post:
    return Post(
        url=url, body=b'{"status": {"state": "completed"}}', headers={}, secrets={"Authorization": "Bearer s"}
    )


async def test_a_redirect_leads_nowhere_that_is_not_allowed() -> None:
    async with receiver(lambda _: (307, "http://169.254.169.254/latest/meta-data")) as evil:
        with pytest.raises(NotAllowed):
            await post(_post(evil.url), Allowed.of(["127.0.0.1"]))
    async with receiver() as inside, receiver(lambda _: (308, inside.url)) as evil:
        with pytest.raises(NotAllowed):
            await post(_post(evil.url.replace("127.0.0.1", "localhost")), Allowed.of(["localhost"]))
    assert not inside.told


async def test_a_redirect_to_another_host_takes_no_secret_along() -> None:
    async with receiver() as other, receiver(lambda _: (307, other.url)) as ours:
        await post(_post(ours.url), Allowed.of(["127.0.0.1"]))
    assert "authorization" in ours.told[0].fields
    assert "authorization" not in other.told[0].fields


async def test_redirects_without_end_and_silence_are_given_up() -> None:
    async with receiver(lambda _: (307, "/hook")) as ours:
        with pytest.raises(NotDelivered, match="too often"):
            await post(_post(ours.url), Allowed.of(["127.0.0.1"]))
    assert len(ours.told) == 4
    async with receiver(lambda _: (0, "")) as ours:
        with pytest.raises(NotDelivered, match="not reached"):
            await post(_post(ours.url), Allowed.of(["127.0.0.1"]))
