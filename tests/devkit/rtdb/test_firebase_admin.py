"""Google's own client against the embedded database: what works there must work here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import firebase_admin
import pytest
from firebase_admin import db as admin
from firebase_admin import exceptions

from devkit.rtdb.server import Emulator


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[firebase_admin.App]:
    """Short keep-alives: `listen` of firebase-admin closes only when something arrives."""
    async with Emulator(keep_alive=0.1) as emulator:
        monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", emulator.address)
        app = firebase_admin.initialize_app(
            None, {"databaseURL": "https://demo.firebaseio.com"}, emulator.address
        )
        yield app
        await asyncio.to_thread(firebase_admin.delete_app, app)


async def test_values_transactions_and_conditions(app: firebase_admin.App) -> None:
    def use() -> None:
        ref = admin.reference("jobs", app)
        pushed = ref.push({"n": 1})
        assert pushed.transaction(lambda now: now | {"n": now["n"] + 1}) == {"n": 2}
        value, etag = pushed.get(etag=True)
        assert pushed.get_if_changed(etag) == (False, None, None)
        assert pushed.set_if_unchanged("wrong", 5)[:2] == (False, value)
        ref.update({f"{pushed.key}/n": None, "other/deep": "한글"})
        assert ref.get() == {"other": {"deep": "한글"}}
        ref.delete()
        assert ref.get(shallow=True) is None

    await asyncio.to_thread(use)


async def test_queries_and_rules(app: firebase_admin.App) -> None:
    def use() -> None:
        root = admin.reference("", app)
        rules = {"jobs": {".indexOn": "at", ".read": "auth.uid === 'ann'"}}
        root._client.request("put", "/.settings/rules.json", json={"rules": rules})
        jobs = admin.reference("jobs", app)
        jobs.set({"a": {"at": 3}, "b": {"at": 1}, "c": {"at": 2}})
        assert list(jobs.order_by_child("at").limit_to_first(2).get()) == ["b", "c"]
        with pytest.raises(exceptions.InvalidArgumentError, match="Index not defined"):
            jobs.order_by_child("other").get()
        options = {
            "databaseURL": "https://demo.firebaseio.com",
            "databaseAuthVariableOverride": {"uid": "bob"},
        }
        bob = firebase_admin.initialize_app(None, options, "bob")
        with pytest.raises(exceptions.UnauthenticatedError, match="Permission denied"):
            admin.reference("jobs", bob).get()
        firebase_admin.delete_app(bob)

    await asyncio.to_thread(use)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # its thread dies when closed
async def test_listening(app: firebase_admin.App) -> None:
    events: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    ref = admin.reference("jobs", app)
    listening = await asyncio.to_thread(
        ref.listen, lambda event: loop.call_soon_threadsafe(events.put_nowait, event)
    )
    async with asyncio.timeout(20):
        assert (await events.get()).data is None
        await asyncio.to_thread(ref.child("a").set, "한글")
        event = await events.get()
    assert (event.event_type, event.path, event.data) == ("put", "/a", "한글")
    await asyncio.to_thread(listening.close)
