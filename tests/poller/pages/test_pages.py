"""What the pages of the admin port answer: events that start with the present, one watch for all viewers, the wall around."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from eventstorming.v1 import job_pb2
from structlog.testing import capture_logs

from poller import admin
from poller.job import Job, JobState, LogLevel, LogLine
from poller.pages.boards import Boards
from poller.pages.jobs import JobList
from poller.pages.routes import Pages
from poller.pages.stream import EventStream
from poller.ports import JobView
from process import health
from tests.fakes import FakeQueue, FakeRun, FakeStore, eventually, small_model

WRITES = {admin.WRITE_HEADER: "1"}


class CountedQueue(FakeQueue):
    """Counts watches, and pauses between two looks so that a watch costs nothing."""

    watches = 0
    watching = 0

    def __init__(self, store: FakeStore) -> None:
        super().__init__(store)
        self.likes: dict[str, str] = {}

    async def submit(self, input: job_pb2.JobInput, *, like: str = "") -> JobView:
        view = await super().submit(input, like=like)
        if like:
            self.likes[view.job_id] = like
        return view

    async def watch(self, job_id: str) -> AsyncGenerator[JobView, None]:
        self.watches += 1
        self.watching += 1
        try:
            async for view in super().watch(job_id):
                yield view
                await asyncio.sleep(0.01)
        finally:
            self.watching -= 1


@dataclass
class Site:
    http: httpx.AsyncClient
    queue: CountedQueue
    boards: Boards

    async def submitted(self, text: str = "A customer places an order.") -> str:
        given = job_pb2.JobInput(job_id=str(uuid.uuid4()), requirements=text)
        return (await self.queue.submit(given)).job_id

    async def claimed(self, job_id: str) -> FakeRun:
        entry: Job | None = self.queue.store.jobs[job_id].entry
        assert entry is not None
        run = await self.queue.claim(entry)
        assert run is not None
        return run

    @asynccontextmanager
    async def events(self, path: str, **more: Any) -> AsyncIterator[AsyncIterator[tuple[str, str, str]]]:
        async with self.http.stream("GET", path, **more) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield _parsed(answer.aiter_lines())


async def _parsed(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, str, str]]:
    """Name, id and data of each event."""
    fields: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], fields.get("id", ""), fields.get("data", "")
            fields = {}


@asynccontextmanager
async def serving(token: str = "") -> AsyncIterator[Site]:
    queue = CountedQueue(FakeStore())
    async with Boards(queue, linger=0.2) as boards, JobList(queue, refresh=0.05) as jobs:
        routes = admin.guarded(Pages(queue, boards, jobs).routes, token)
        app = health.admin(lambda: "", lambda: "", routes)
        async with (
            health.serving(app, 0, name="ADMIN_PORT") as port,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False, timeout=20
            ) as http,
        ):
            yield Site(http, queue, boards)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as found:
        yield found


async def test_events_of_a_board_start_with_the_present_follow_and_end(site: Site) -> None:
    job_id = await site.submitted()
    async with site.events(f"/board/{job_id}/events") as events:
        name, _, data = await anext(events)
        assert (name, json.loads(data)["state"]) == ("job", "queued")

        run = await site.claimed(job_id)
        run.display.say(LogLine(level=LogLevel.INFO, message="hello\nthere"))
        await run.settlement.complete(small_model(), tokens_used=1)
        rest = [event async for event in events]

    assert rest[-1][0] == "end"
    last = json.loads([data for name, _, data in rest if name == "job"][-1])
    assert (last["state"], last["log"][0][:2]) == ("completed", ["info", "hello\nthere"])
    wall = json.loads(next(data for name, _, data in rest if name == "wall"))
    assert {sticker["kind"] for sticker in wall["board"]["stickers"]} >= {"command", "event"}
    assert wall["picture"].startswith("<svg")
    assert wall["board"]["texts"] == {"": "A customer places an order."}


async def test_who_looks_by_time_is_sent_the_other_picture_of_the_same_states(site: Site) -> None:
    job_id = await site.submitted()
    path = f"/board/{job_id}/events"
    async with site.events(path, params={"view": "time"}) as events:
        run = await site.claimed(job_id)
        run.display.preview(small_model())
        run.display.say(LogLine(level=LogLevel.INFO, message="named"))
        await anext(data async for name, _, data in events if name == "wall")
        await run.settlement.complete(small_model(aggregates=2), tokens_used=1)
        by_time = [event async for event in events if event[0] == "wall"][-1]
    async with site.events(path) as events:
        by_context = await anext(event async for event in events if event[0] == "wall")

    assert by_time[1] == by_context[1]
    one, other = json.loads(by_time[2]), json.loads(by_context[2])
    assert one["board"] == other["board"]
    assert ('class="wall timeline"' in one["picture"], 'class="wall"' in other["picture"]) == (True, True)


async def test_a_board_shows_contexts_as_soon_as_they_are_named(site: Site) -> None:
    job_id = await site.submitted()
    async with site.events(f"/board/{job_id}/events") as events:
        run = await site.claimed(job_id)
        run.display.preview(small_model())
        run.display.say(LogLine(level=LogLevel.INFO, message="named"))
        shown = json.loads(await anext(data async for name, _, data in events if name == "wall"))
        assert [area["title"] for area in shown["board"]["areas"]] == ["Ordering"]
        await run.settlement.complete(small_model(aggregates=2), tokens_used=1)
        last = [data async for name, _, data in events if name == "wall"][-1]
    assert "Order2" in last


async def test_who_comes_again_is_sent_only_what_it_has_not(site: Site) -> None:
    job_id = await site.submitted()
    await (await site.claimed(job_id)).complete(small_model(), tokens_used=1)

    async with site.events(f"/board/{job_id}/events") as events:
        first = [event async for event in events]
    wall = next(id for name, id, _ in first if name == "wall")
    async with site.events(f"/board/{job_id}/events", headers={"Last-Event-ID": wall}) as events:
        again = [name async for name, _, _ in events]
    async with site.events(f"/board/{job_id}/events", params={"have": wall}) as events:
        after_page = [name async for name, _, _ in events]

    assert [name for name, _, _ in first] == ["wall", "job", "end"]
    assert again == after_page == ["job", "end"]
    assert f'"shown":"{wall}"' in (await site.http.get(f"/board/{job_id}")).text


async def test_many_viewers_share_one_watch_that_ends_when_the_last_has_left(site: Site) -> None:
    job_id = await site.submitted()
    all_look = asyncio.Barrier(20)

    async def look() -> None:
        async with site.events(f"/board/{job_id}/events") as events:
            await anext(events)
            await all_look.wait()

    await asyncio.gather(*(look() for _ in range(20)))
    assert site.queue.watches == 1
    await eventually(lambda: site.boards.open == 0 and site.queue.watching == 0)


async def test_a_job_removed_while_somebody_looks_says_so(site: Site) -> None:
    job_id = await site.submitted()
    async with site.events(f"/board/{job_id}/events") as events:
        await anext(events)
        await site.queue.remove(job_id)
        rest = [(name, data) async for name, _, data in events]

    assert json.loads(rest[-2][1])["state"] == "removed"
    assert rest[-1][0] == "end"


@pytest.mark.parametrize("job", ["nobody", "$ref[0].name", "0" * 8 + "-0000-0000-0000-" + "0" * 12])
async def test_a_job_that_is_not_there_is_not_found(site: Site, job: str) -> None:
    for path in (f"/board/{job}", f"/board/{job}/events"):
        assert (await site.http.get(path)).status_code == 404
    page = await site.http.get(f"/board/{job}", headers={"Accept": "text/html"})
    assert (page.status_code, "<html" in page.text) == (404, True)
    assert (await site.http.post(f"/jobs/{job}/cancel", headers=WRITES)).status_code == 404


async def test_the_list_starts_whole_and_then_tells_changes(site: Site) -> None:
    first = await site.submitted()
    async with site.events("/jobs/events") as events:
        name, _, data = await anext(events)
        assert (name, [row["id"] for row in json.loads(data)["rows"]]) == ("all", [first])

        second = await site.submitted()
        name, _, data = await anext(events)
        assert (name, [row["id"] for row in json.loads(data)["rows"]]) == ("change", [second])

        await site.queue.remove(first)
        name, _, data = await anext(events)
        assert (name, json.loads(data)["gone"]) == ("change", [first])


async def test_an_operator_cancels_tries_again_and_deletes(site: Site) -> None:
    job_id = await site.submitted()

    async def did(action: str) -> int:
        return (await site.http.post(f"/jobs/{job_id}/{action}", headers=WRITES)).status_code

    assert await did("retry") == 409
    assert await did("cancel") == 200
    assert (await site.queue.get(job_id)).state is JobState.FAILED
    assert await did("retry") == 200
    assert await did("delete") == 200
    assert job_id in site.queue.store.removals


@pytest.mark.heavy
async def test_a_text_and_a_document_become_a_job(site: Site) -> None:
    read = await site.http.post("/documents", content="회원이 책을 빌린다.".encode("cp949"), headers=WRITES)
    assert read.json() == {"text": "회원이 책을 빌린다.", "form": "cp949"}
    made = await site.http.post("/jobs", json={"text": read.json()["text"]}, headers=WRITES)
    assert (await site.queue.input(made.json()["job"])).requirements == "회원이 책을 빌린다."

    refused = await site.http.post("/documents", content=b"PK\x03\x04", headers=WRITES)
    assert (refused.status_code, refused.json()["why"]) == (400, "broken")
    for body in (b"{", b"[]", b'{"text": ""}'):
        assert (await site.http.post("/jobs", content=body, headers=WRITES)).status_code == 400


async def test_a_changed_board_becomes_a_new_job_like_the_old_one_which_stays(site: Site) -> None:
    job_id = await site.submitted()
    await (await site.claimed(job_id)).complete(small_model(), tokens_used=1)

    told = {"edits": [{"kind": "event", "name": "OrderPlaced1", "alias": "An order came in"}]}
    answer = await site.http.post(f"/jobs/{job_id}/revise", json=told, headers=WRITES)
    made = answer.json()["job"]
    assert made != job_id
    assert site.queue.likes == {made: job_id}
    assert [edit.alias for edit in (await site.queue.input(made)).edits] == ["An order came in"]
    assert [edit.alias for edit in (await site.queue.input(job_id)).edits] == []
    assert (await site.http.post(f"/jobs/{job_id}/revise", json={}, headers=WRITES)).status_code == 400
    gone = "0" * 8 + "-0000-4000-8000-" + "0" * 12
    assert (await site.http.post(f"/jobs/{gone}/revise", json=told, headers=WRITES)).status_code == 404


async def test_a_board_is_taken_along_in_every_format_it_names(site: Site) -> None:
    job_id = await site.submitted()
    path = f"/jobs/{job_id}/export"
    assert (await site.http.get(f"{path}/markdown")).status_code == 409
    await (await site.claimed(job_id)).complete(small_model(), tokens_used=1)

    page = (await site.http.get(f"/board/{job_id}")).text
    named = set(re.findall(rf"{path}/(\w+)", page))
    assert named >= {"markdown", "miro", "timeline", "plantuml"}
    for name in named:
        taken = await site.http.get(f"{path}/{name}")
        assert (taken.status_code, len(taken.content) > 50) == (200, True)
        assert taken.headers["content-disposition"].startswith("attachment")
    assert "A customer places an order." in (await site.http.get(f"{path}/json")).text
    assert (await site.http.get(f"{path}/nothing")).status_code == 404


async def test_nothing_is_shown_or_changed_without_the_token_or_from_elsewhere() -> None:
    async with serving("secret") as site:
        job_id = await site.submitted()
        paths = ("/", "/jobs", "/jobs/events", f"/board/{job_id}", f"/board/{job_id}/events")

        assert {(await site.http.get(path)).status_code for path in paths} == {401}
        assert (await site.http.post(f"/jobs/{job_id}/cancel", headers=WRITES)).status_code == 401
        entered = await site.http.post("/login", data={"token": "secret", "next": "/jobs"})
        assert {"HttpOnly", "SameSite=strict"} <= set(entered.headers["set-cookie"].split("; "))
        assert (await site.http.get(f"/board/{job_id}")).status_code == 200  # the client keeps the cookie
        assert (await site.http.post(f"/jobs/{job_id}/cancel")).status_code == 403
        foreign = {**WRITES, "Origin": "https://elsewhere.example"}
        for path in (f"/jobs/{job_id}/cancel", f"/jobs/{job_id}/revise", "/jobs", "/documents"):
            assert (await site.http.post(path, content=b"{}", headers=foreign)).status_code == 403
        assert len(site.queue.store.jobs) == 1
        assert (await site.queue.get(job_id)).state is JobState.QUEUED


async def test_pages_let_only_their_own_scripts_run_and_nobody_frame_them(site: Site) -> None:
    job_id = await site.submitted("</script><script>alert(1)</script>")
    for path in ("/jobs", f"/board/{job_id}"):
        answer = await site.http.get(path)
        assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "script-src 'sha256-" in answer.text
        assert "'unsafe-eval'" not in answer.text
        assert "<script>alert" not in answer.text


async def test_a_fault_while_events_are_told_is_logged() -> None:
    @asynccontextmanager
    async def told() -> AsyncIterator[AsyncIterator[bytes]]:
        yield faulty()

    async def faulty() -> AsyncIterator[bytes]:
        yield b"event: one\n\n"
        raise ZeroDivisionError

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    sent = list[bytes]()
    with capture_logs() as logs:
        await EventStream(told)({"type": "http"}, receive, send)
    assert b"event: one\n\n" in sent
    assert [(line["event"], type(line["exc_info"])) for line in logs] == [("task.broken", ZeroDivisionError)]
