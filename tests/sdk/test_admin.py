"""Google's own server clients on one embedded database at once: firebase-admin for Node.js by WebSocket, for Python by REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import firebase_admin
import pytest
from firebase_admin import db as admin

from devkit.rtdb.server import Emulator
from tests.sdk.sdk import Client, needs_npm


@pytest.fixture
async def rtdb(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulator]:
    needs_npm("admin", "firebase-admin")
    async with Emulator() as emulator:
        monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", emulator.address)
        yield emulator


async def test_node_and_python_share_a_list_and_a_counter(rtdb: Emulator) -> None:
    options = {"databaseURL": "https://demo.firebaseio.com"}
    app = firebase_admin.initialize_app(None, options, rtdb.address)
    try:
        told, left = await asyncio.to_thread(_both, app)
    finally:
        await asyncio.to_thread(firebase_admin.delete_app, app)
    assert told[1:-1] == [["added", str(number), {"n": number}] for number in range(20)]
    assert told[-1] == ["added", "end", True]
    assert left["counter"] == 40
    assert (left["node"]["text"], left["node"]["counted"]) == ("한글", 20)
    assert isinstance(left["node"]["at"], int)


def _both(app: firebase_admin.App) -> tuple[list[list[Any]], Any]:
    """Python adds twenty children and counts to twenty; Node.js hears of them and counts to twenty, meanwhile."""
    shared = admin.reference("shared", app)
    with Client("admin.cjs", "shared/list") as node:
        node.until(lambda event: event == ["ready"])
        for number in range(20):
            shared.child(f"list/{number}").set({"n": number})
            shared.child("counter").transaction(lambda before: (before or 0) + 1)
        shared.child("list/end").set(True)
        node.ended()
        return node.events, shared.get()
