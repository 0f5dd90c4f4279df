"""The files of the embedded database: what was answered is there after any death, and nothing half-written is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from devkit.rtdb.log import LogUnusable, WriteLog, open_log
from devkit.rtdb.server import Emulator


def opened(path: Path, records: list[Any]) -> WriteLog:
    return open_log(path, records.append, list)


def written(path: Path, *records: Any) -> None:
    log = opened(path, [])
    for record in records:
        log.append(record)
    log.close()


def read(path: Path) -> list[Any]:
    records: list[Any] = []
    opened(path, records).close()
    return records


def test_a_tail_torn_anywhere_costs_the_last_record_only(tmp_path: Path) -> None:
    path = tmp_path / "rtdb"
    written(path, {"n": 1}, {"n": "두"})
    whole, last = path.read_bytes(), len(path.read_bytes().splitlines(keepends=True)[-1])
    for cut in range(1, last + 1):
        path.write_bytes(whole[:-cut])
        assert read(path) == [{"n": 1}]
        written(path, {"n": 3})
        assert read(path) == [{"n": 1}, {"n": 3}]


def test_a_torn_header_is_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "rtdb"
    path.write_bytes(b"eventstorming-r")
    assert read(path) == []
    written(path, {"n": 1})
    assert read(path) == [{"n": 1}]


def test_damage_in_the_middle_is_refused_and_nothing_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "rtdb"
    written(path, {"n": 1}, {"n": 2}, {"n": 3})
    damaged = path.read_bytes().replace(b'"n":2', b'"n":7')
    path.write_bytes(damaged)
    with pytest.raises(LogUnusable, match="damaged"):
        read(path)
    assert path.read_bytes() == damaged


def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my thesis")
    with pytest.raises(LogUnusable, match="not a data file"):
        read(path)
    assert path.read_text() == "my thesis"


def test_one_file_serves_one_server(tmp_path: Path) -> None:
    log = opened(tmp_path / "rtdb", [])
    with pytest.raises(LogUnusable, match="in use"):
        opened(tmp_path / "rtdb", [])
    log.close()


async def test_compaction_keeps_the_state_and_what_is_written_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "rtdb"

    def snapshot() -> Iterator[Any]:
        yield {"n": "all"}
        log.append({"n": "meanwhile"})

    log = open_log(path, lambda record: None, snapshot, compact_at=200)
    for number in range(20):
        log.append({"n": number})
    await log.synced()
    log.append({"n": "after"})
    log.close()
    assert read(path) == [{"n": "all"}, {"n": "meanwhile"}, {"n": "after"}]
    assert not path.with_name("rtdb.new").exists()


async def test_a_compaction_that_fails_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rtdb"
    log = open_log(path, lambda record: None, list, compact_at=10)
    path.with_name("rtdb.new").mkdir()
    log.append({"n": 1})
    await log.synced()
    log.append({"n": 2})
    log.close()
    assert read(path) == [{"n": 1}, {"n": 2}]


async def test_data_and_rules_are_there_again_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "rtdb"
    async with Emulator(data=path) as emulator, httpx.AsyncClient(base_url=emulator.url) as http:
        http.headers["Authorization"] = "Bearer owner"
        await http.put("/a.json?ns=one", json={"list": ["x", None, "한글"], "at": {".sv": "timestamp"}})
        await http.patch("/a.json?ns=one", json={"list/1": "y", "gone": None})
        await http.put("/b.json?ns=two", json=1.5)
        await http.put("/.settings/rules.json?ns=two", json={"rules": {"b": {".read": False}}})
        before = (await http.get("/.json?ns=one")).content
    async with Emulator(data=path) as emulator, httpx.AsyncClient(base_url=emulator.url) as http:
        assert (await http.get("/.json?ns=one")).content == before
        assert (await http.get("/b.json?ns=two")).status_code == 401


@pytest.mark.parametrize("compacts", [False, True])
async def test_priorities_and_comments_survive_a_restart(tmp_path: Path, compacts: bool) -> None:
    path, rules = tmp_path / "rtdb", '{"rules": {".read": true /* all */, ".write": "auth == null"}}'
    whole = {".priority": 1, "b": {".value": 2, ".priority": "x"}, "list": [1, {".value": 2, ".priority": 3}]}
    async with Emulator(data=path) as emulator, httpx.AsyncClient(base_url=emulator.url) as http:
        http.headers["Authorization"] = "Bearer owner"
        await http.put("/.settings/rules.json?ns=n", content=rules)
        await http.put("/a.json?ns=n", json=whole)
        await http.put("/a/.priority.json?ns=n", json=7)
        if compacts:
            assert emulator.store._log is not None
            await emulator.store._log._compact()
    async with Emulator(data=path) as emulator, httpx.AsyncClient(base_url=emulator.url) as http:
        http.headers["Authorization"] = "Bearer owner"
        assert (await http.get("/a.json?ns=n&format=export")).json() == whole | {".priority": 7}
        assert (await http.get("/.settings/rules.json?ns=n")).text == rules


async def test_the_audit_log_has_a_line_for_every_committed_write(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    async with Emulator(audit=path) as emulator, httpx.AsyncClient(base_url=emulator.url) as http:
        http.headers["Authorization"] = "Bearer owner"
        override = json.dumps({"uid": "ann"})
        await http.put("/a/b.json", json="한글", params={"ns": "n", "auth_variable_override": override})
        await http.put("/a/b.json", json=2, headers={"if-match": "wrong"})
        await http.patch("/a.json", json={"b/c": "x" * 70_000}, params={"ns": "n"})
        await http.delete("/a.json", params={"ns": "n"}, headers={"user-agent": "eventstorming (pod-7)"})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["method"], line["path"], line["ns"]) for line in lines] == [
        ("PUT", "a/b", "n"),
        ("PATCH", "a", "n"),
        ("DELETE", "a", "n"),
    ]
    assert (lines[0]["value"], lines[0]["auth"]) == ("한글", {"uid": "ann"})
    assert "value" not in lines[1]
    assert lines[2]["agent"] == "eventstorming (pod-7)"
    assert lines[1]["size"] > 70_000
    assert lines[0]["time"] <= lines[1]["time"] <= lines[2]["time"]
