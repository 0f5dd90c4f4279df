"""Firebase's SDKs in Node.js on the embedded database: everything a client may ask, answered as by the real one."""

from __future__ import annotations

import httpx
import pytest

from devkit.rtdb.server import Emulator
from tests.sdk.sdk import VERSIONS, needs_sdk, told

RULES = {
    "rules": {
        "$any": {".read": True, ".write": True},
        "queue": {".read": True, ".write": True, ".indexOn": "at"},
        "closed": {".read": "auth.uid === 'anna'", ".write": "auth.uid === 'anna'"},
        "leased": {".write": "auth.token.lease === newData.val() + ''"},
    }
}

SAID = [
    ["connected", True],
    ["set", {"list": [1, 2], "text": "주문을 접수한다 🙂", "whole": 3}],
    ["update", {"text": "주문을 접수한다 🙂", "whole": 4}],
    ["transaction", [True, 1]],
    ["increment", 6],
    ["timestamp", "number"],
    [
        "window",
        [
            ["child_added", "c"],
            ["child_added", "b"],
            ["child_removed", "c"],
            ["child_added", "a"],
            ["child_removed", "a"],
            ["child_added", "c"],
            ["child_changed", "b"],
        ],
    ],
    ["bounds", ["b"]],
    [
        "priorities",
        [
            ["b", "a", "d", "moved b"],
            {
                "c": 3,
                "a": {".value": 1, ".priority": 0.5},
                "b": {".value": 2, ".priority": 9},
                "d": {"deep": True, ".priority": "last"},
            },
        ],
    ],
    ["lowest", ["c", "a"]],
    ["long", True],
    ["race", [True, 6]],
    ["onDisconnect", None],
    ["again", "gone"],
    ["denied write", "PERMISSION_DENIED"],
    ["denied read", "PERMISSION_DENIED"],
    ["own write", "ok"],
    ["claims", "ok"],
    ["wrong claims", "PERMISSION_DENIED"],
]


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_sdk_reads_writes_watches_and_leaves(version: str) -> None:
    needs_sdk(version)
    async with Emulator() as rtdb:
        await _set_rules(rtdb)
        said = await told("protocol.cjs", version, rtdb.address)
    assert said == SAID


async def _set_rules(rtdb: Emulator) -> None:
    async with httpx.AsyncClient(base_url=rtdb.url, headers={"Authorization": "Bearer owner"}) as http:
        answer = await http.put("/.settings/rules.json?ns=test", json=RULES)
        assert answer.status_code == 200, answer.text
