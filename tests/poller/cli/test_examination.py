"""Everything the doctor can find wrong with a database, each with the sentence that repairs it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from devkit.rtdb.server import Emulator
from poller.cli.examination import SWITCH, examine
from poller.cli.outcome import CliError
from poller.rtdb.rest import Database
from poller.settings import Settings
from process import health
from tests.poller.lifecycle import connect

RULES: dict[str, Any] = json.loads(files("poller.rtdb").joinpath("database.rules.json").read_text("utf-8"))


@asynccontextmanager
async def database(rules: dict[str, Any] | None = None) -> AsyncIterator[tuple[Emulator, Database]]:
    """`rules` are enforced for whoever names himself, as Google's emulator does."""
    async with Emulator(faults=True) as rtdb, connect(rtdb) as owner:
        if rules is not None:
            url = f"{rtdb.url}/.settings/rules.json?ns=test"
            async with httpx.AsyncClient(
                headers={"Authorization": "Bearer owner"}, trust_env=False, verify=False
            ) as http:
                (await http.put(url, json=rules)).raise_for_status()
        yield rtdb, owner


def settings(address: str, **given: Any) -> Settings:
    return Settings(
        firebase_database_emulator_host=address, firebase_database_url="http://localhost?ns=test", **given
    )


async def said(of: Settings) -> list[str]:
    return [sentence async for sentence in examine(of)]


async def test_the_node_of_webhooks_is_looked_at_only_where_agents_may_call() -> None:
    older = {"rules": {name: rule for name, rule in RULES["rules"].items() if name != "jobWebhooks"}}
    given = {"firebase_database_lease_rules": True}
    async with database(older) as (rtdb, owner):
        await owner.put(SWITCH, True)
        without = await said(settings(rtdb.address, **given))
        refused = await wrong(settings(rtdb.address, a2a_port=5000, **given))
    assert len(without) == 4
    assert "read jobWebhooks/eventstorming_generator: publish poller/rtdb/database.rules.json" in refused


async def wrong(of: Settings) -> str:
    with pytest.raises(CliError) as found:
        await said(of)
    return str(found.value)


async def test_a_database_that_is_well_is_left_as_it_was() -> None:
    async with database() as (rtdb, owner):
        await owner.put(SWITCH, True)
        before = await owner.get("")
        sentences = await said(settings(rtdb.address))
        assert await owner.get("") == before
    assert sentences[-1] == "the web client sends its jobs here"
    assert len(sentences) == 4


async def test_lease_rules_are_recommended_where_they_are_off() -> None:
    async with database() as (rtdb, _):
        sentences = await said(settings(rtdb.address))
    assert any("publish poller/rtdb/database.rules.json" in sentence for sentence in sentences)
    assert any("set FIREBASE_DATABASE_LEASE_RULES=true" in sentence for sentence in sentences)


async def test_with_the_shipped_rules_published_the_fence_is_tried_and_holds() -> None:
    async with database(RULES) as (rtdb, owner):
        await owner.put(SWITCH, True)
        sentences = await said(settings(rtdb.address, firebase_database_lease_rules=True))
    assert "the database refuses a run whose lease is another's" in sentences


async def test_an_address_that_nobody_has_names_its_setting() -> None:
    assert "Check FIREBASE_DATABASE_EMULATOR_HOST" in await wrong(settings("127.0.0.1:1"))


async def test_a_url_where_no_database_is_says_so() -> None:
    async with health.serving(health.public(lambda: ""), 0, name="HTTP_PORT") as port:
        problem = await wrong(settings(f"127.0.0.1:{port}"))
    assert "there is no such database: check FIREBASE_DATABASE_URL" in problem


async def test_a_file_that_is_no_service_account_key_is_named(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text('{"type": "service_account", "client_email": "a@b", "private_key": "none"}')
    given = Settings(firebase_database_url="http://127.0.0.1:1", firebase_service_account_path=key)
    problem = await wrong(given)
    assert str(key) in problem
    assert "download it again" in problem


@pytest.mark.parametrize(
    ("node", "what"),
    [(None, "read requestedJobs"), ("jobIndex", "read jobIndex"), ("jobStates", "read jobStates")],
)
async def test_rules_that_know_less_than_the_shipped_ones_are_to_be_published(
    node: str | None, what: str
) -> None:
    rules = {name: rule for name, rule in RULES["rules"].items() if node and name != node}
    async with database({"rules": rules}) as (rtdb, _):
        problem = await wrong(settings(rtdb.address, firebase_database_lease_rules=True))
    assert f"does not let this account {what}" in problem
    assert "publish poller/rtdb/database.rules.json" in problem


async def test_a_node_that_can_be_read_and_not_written_is_told() -> None:
    rules = {**RULES["rules"], "jobIndex": {".read": "auth != null"}}
    async with database({"rules": rules}) as (rtdb, _):
        problem = await wrong(settings(rtdb.address, firebase_database_lease_rules=True))
    assert "does not let this account write jobIndex" in problem


async def test_lease_rules_that_are_set_but_not_published_are_found_out() -> None:
    async with database({"rules": {".read": True, ".write": True}}) as (rtdb, _):
        problem = await wrong(settings(rtdb.address, firebase_database_lease_rules=True))
    assert "FIREBASE_DATABASE_LEASE_RULES is on, but" in problem
    assert "publish poller/rtdb/database.rules.json" in problem


async def test_an_account_without_rights_is_told_which_role_it_needs() -> None:
    async with database() as (rtdb, _):
        rtdb.faults.change({"errors": -1, "error_status": 401})
        problem = await wrong(settings(rtdb.address))
    assert "FIREBASE_SERVICE_ACCOUNT_PATH" in problem


@pytest.mark.parametrize(("switch", "expected"), [(False, "set it to true"), (0, "set it to true")])
async def test_a_web_client_that_is_switched_off_is_told(switch: Any, expected: str) -> None:
    async with database() as (rtdb, owner):
        await owner.put(SWITCH, switch)
        problem = await wrong(settings(rtdb.address))
    assert SWITCH in problem
    assert expected in problem


async def test_a_switch_that_was_never_set_is_mentioned() -> None:
    async with database() as (rtdb, _):
        assert "is not set" in (await said(settings(rtdb.address)))[-1]
