"""The pages of the poller's admin port in a real browser, with the real programs behind them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventstorming.v1 import job_pb2, job_pb2_grpc
from playwright.async_api import FilePayload, Page

from devkit.programs import Programs
from executor.graph.answers import PoliciesAnswer
from poller import admin
from poller.job import JobState
from poller.pages import Pages
from poller.ports import JobFilter, JobNotFound, JobPage, JobView
from process import health
from tests.browser.axe import grave
from tests.browser.window import Window, window
from tests.e2e.language_model import asked, language_model
from tests.e2e.pair import Pair, start_pair
from tests.fakes import FakeQueue, FakeStore
from tests.poller.board.conftest import HOSTILE

EXAMPLE = Path(__file__).parents[2] / "examples" / "library.en.md"
KOREAN_EXAMPLE = EXAMPLE.with_name("library.ko.md")
TOKEN = "a-token-for-this-test"
STICKERS = "document.querySelectorAll('.sticker').length"


@pytest.fixture
def answers_after() -> float:
    """Seconds that the language model takes for an answer, in the median."""
    return 0.3


@pytest.fixture
def pair(tmp_path: Path, answers_after: float) -> Iterator[Pair]:
    """An executor whose language model takes its time (policies: until `policies` lies in `tmp_path`), and a poller that wants a token."""
    with Programs(tmp_path / "log") as running:
        hold = ("--hold", f"{PoliciesAnswer.__name__}={tmp_path / 'policies'}")
        calls = tmp_path / "calls.jsonl"
        settings = language_model(running, calls, *hold, p50=answers_after, p95=2 * answers_after)
        yield start_pair(running, executors=settings, GRPC_TOKEN=TOKEN, GRPC_ALLOW_PLAINTEXT_TOKEN="true")


def _submitted(pair: Pair, text: str) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{pair.ports['grpc']}") as channel:
        request = job_pb2.SubmitJobRequest(
            input=job_pb2.JobInput(requirements=text, user_id="u", project_id="p")
        )
        metadata = (("authorization", f"Bearer {TOKEN}"),)
        return str(job_pb2_grpc.JobServiceStub(channel).SubmitJob(request, metadata=metadata).job.job_id)


async def _signed_in(shown: Window, pair: Pair) -> Page:
    page = shown.page
    await page.goto(f"http://127.0.0.1:{pair.ports['admin']}/jobs")
    await page.fill("input[type=password]", TOKEN)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#rows")
    return page


async def test_a_board_grows_while_its_job_runs(pair: Pair, tmp_path: Path) -> None:
    async with window() as shown:
        page = await _signed_in(shown, pair)
        job_id = _submitted(pair, EXAMPLE.read_text("utf-8"))
        row = page.locator(f'.row[data-id="{job_id}"]')
        await row.wait_for()
        await row.locator('a[data-action="board"]').click()
        await shown.until(f"{STICKERS} > 0")
        first = await shown.js(STICKERS)
        await page.locator(".sticker.command").first.click()
        chosen = await shown.texts("#panel h2")
        await shown.picture("live-growing")
        await page.keyboard.press("v")
        await shown.until("document.querySelector('svg.timeline') !== null")
        assert await shown.texts("#panel h2") == chosen
        (tmp_path / "policies").touch()
        await shown.until("document.documentElement.dataset.ended === 'true'")
        assert await shown.js(STICKERS) > first
        assert await shown.texts("#panel h2") == chosen
        assert await shown.texts("#state") == ["Completed"]
        await shown.until("document.querySelector('svg.timeline .sticker.policy') !== null")
        await page.keyboard.press("v")
        await shown.until("document.querySelector('svg.timeline') === null")
        assert await shown.js(STICKERS) > first
        await page.keyboard.press("l")
        said = await shown.texts("#log li span")
        assert any(line.startswith("The model is complete") for line in said)
        assert len(said) == len(set(said))
        await shown.picture("live-ended")
        await page.get_by_text("← Jobs").click()
        await row.wait_for()
        assert shown.complaints == []


async def test_a_board_shows_that_the_language_model_does_not_answer_and_that_it_does_again(
    pair: Pair, tmp_path: Path
) -> None:
    async with window() as shown:
        page = await _signed_in(shown, pair)
        row = page.locator(f'.row[data-id="{_submitted(pair, EXAMPLE.read_text("utf-8"))}"]')
        await row.locator('a[data-action="board"]').click()
        await shown.until(
            "document.getElementById('last')?.textContent.startsWith('The language model has not answered since ')"
        )
        assert await shown.js("document.getElementById('last').classList.contains('warning')")
        await shown.picture("live-silent")
        (tmp_path / "policies").touch()
        await shown.until("document.documentElement.dataset.ended === 'true'")
        await page.keyboard.press("l")
        said = await shown.texts("#log li span")
        assert any(line.startswith("The language model answers again, after ") for line in said)
        assert shown.complaints == []


@pytest.mark.parametrize("answers_after", [0.02])
async def test_a_document_becomes_a_board_whose_changes_ask_only_what_they_touch(
    pair: Pair, tmp_path: Path
) -> None:
    (tmp_path / "policies").touch()
    calls = tmp_path / "calls.jsonl"
    text = KOREAN_EXAMPLE.read_text("utf-8")
    async with window(width=1440, height=900, locale="ko-KR") as shown:
        page = await _signed_in(shown, pair)
        await page.locator("#new").click()
        document = FilePayload(name="도서관.txt", mimeType="text/plain", buffer=text.encode("cp949"))
        await page.locator("#file").set_input_files(document)
        await page.locator("#read", has_text="CP949").wait_for()
        assert await page.locator("#text").input_value() == text.strip("\n")
        await shown.picture("new-board")
        assert await grave(shown, tmp_path) == []
        await page.locator("#start").click()
        first = await _ended(shown)
        in_all = len(asked(calls))
        assert in_all > 5

        renamed = page.locator(".sticker.command").first
        name = await renamed.get_attribute("data-id")
        await renamed.click()
        await page.locator(".edit input").first.fill("책을 손에 넣기")
        await page.locator(".edit button").first.click()
        await shown.picture("changes")
        assert await grave(shown, tmp_path) == []
        await page.locator("#changes-run").click()
        second = await _ended(shown, other_than=first)
        assert len(asked(calls)) == in_all
        await page.locator(f'.sticker[data-id="{name}"]').click()
        assert await shown.texts("#panel h2") == ["책을 손에 넣기"]

        questions = await page.locator(".sticker.question").count()
        asked_first = page.locator(".sticker.question").first
        await asked_first.dispatch_event("click")
        question = (await shown.texts("#panel h2"))[0]
        await page.locator(".edit textarea").fill("14일입니다.")
        await page.locator(".edit button").first.click()
        await page.locator("#changes-run").click()
        await _ended(shown, other_than=second)
        again = len(asked(calls)) - in_all
        print(f"{in_all} questions for the text, {again} more after an answer, of {questions} open ones")
        assert 0 < again < in_all / 2
        left = await shown.js(
            "[...document.querySelectorAll('.sticker.question title')].map((each) => each.textContent)"
        )
        assert not [each for each in left if question in each]
        assert f"{question} 14일입니다." in await shown.js("document.getElementById('source').textContent")
        await page.locator(f'.sticker[data-id="{name}"]').click()
        assert await shown.texts("#panel h2") == ["책을 손에 넣기"]

        await page.goto(first)
        await page.locator(f'.sticker[data-id="{name}"]').click()
        assert await shown.texts("#panel h2") != ["책을 손에 넣기"]
        assert shown.complaints == []


async def _ended(shown: Window, other_than: str = "") -> str:
    """The address of the board, once it is one and complete."""
    await shown.page.wait_for_url(lambda url: "/board/" in url and url.split("#")[0] != other_than)
    await shown.until("document.documentElement.dataset.ended === 'true'")
    assert await shown.js("document.documentElement.dataset.state") == "completed"
    return str(await shown.js("location.href.split('#')[0]"))


@pytest.mark.parametrize("answers_after", [60.0])
async def test_an_operator_cancels_tries_again_and_deletes(pair: Pair) -> None:
    async with window() as shown:
        page = await _signed_in(shown, pair)
        row = page.locator(f'.row[data-id="{_submitted(pair, EXAMPLE.read_text("utf-8"))}"]')
        for action, outcome in (("cancel", "Failed"), ("retry", "Running"), ("cancel", "Failed")):
            await row.locator(f'[data-action="{action}"]').click()
            await page.locator("#yes").click()
            await row.locator(".state", has_text=outcome).wait_for()
        await shown.picture("jobs")
        await row.locator('[data-action="delete"]').click()
        await page.locator("#yes").click()
        await row.wait_for(state="detached")
        assert shown.complaints == []


@dataclass
class ManyJobs(FakeQueue):
    """Lists so many jobs; hostile in every word."""

    views: tuple[JobView, ...] = ()

    def __post_init__(self) -> None:
        super().__init__(FakeStore())

    async def list_jobs(self, wanted: JobFilter, *, size: int, after: str = "") -> JobPage:
        found = [view for view in self.views if not wanted.states or view.state in wanted.states]
        start = int(after or 0)
        more = str(start + size) if start + size < len(found) else ""
        return JobPage(jobs=tuple(found[start : start + size]), next=more)

    async def get(self, job_id: str) -> JobView:
        raise JobNotFound(job_id)


def _views(count: int) -> tuple[JobView, ...]:
    states = (JobState.QUEUED, JobState.RUNNING, JobState.COMPLETED, JobState.FAILED)
    return tuple(
        JobView(
            job_id=f"{number:08x}-0000-4000-8000-{number:012x}",
            state=states[number % 4],
            title=f"Job {number} {HOSTILE[number % len(HOSTILE)]}"[: 80 if number > 50 else None],
            failure=HOSTILE[number % len(HOSTILE)][:200] if number % 4 == 3 else "",
            position=number // 4 + 1 if number % 4 == 0 else 0,
            created_at=1_000_000 - number,
            current_progress=3,
            total_progress=11,
        )
        for number in range(count)
    )


@asynccontextmanager
async def serving(queue: Any) -> Any:
    async with Pages.of(queue) as pages:
        app = health.admin(lambda: "", lambda: "", admin.guarded(pages.routes, ""))
        async with health.serving(app, 0, name="ADMIN_PORT") as port:
            yield f"http://127.0.0.1:{port}"


async def test_five_thousand_jobs_are_listed_found_and_scrolled_at_once_and_their_words_are_text() -> None:
    async with serving(ManyJobs(_views(5000))) as address, window(locale="ko-KR") as shown:
        page = shown.page
        await page.goto(f"{address}/jobs")
        await shown.until("document.querySelectorAll('#space .row').length > 10")
        listed = await shown.js("performance.now()")
        assert "5000" in (await shown.texts("#counts"))[0]
        assert (await shown.texts("h1")) == ["작업 목록"]

        took = await shown.js(
            """async () => { const began = performance.now(); const filter = document.getElementById('filter');
            filter.value = 'job 4987'; filter.dispatchEvent(new Event('input'));
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); return performance.now() - began; }"""
        )
        assert await shown.js("document.querySelectorAll('#space .row').length") == 1
        await page.fill("#filter", "")
        await shown.js("document.getElementById('rows').scrollTop = 1e7")
        await shown.until(
            "[...document.querySelectorAll('#space .row')].some((row) => row.ariaRowIndex === '5000')"
        )
        rows = await shown.js("document.querySelectorAll('#space .row').length")
        print(f"5,000 jobs: listed after {listed:.0f} ms, filtered in {took:.0f} ms, {rows} elements of rows")
        assert rows < 100
        assert took < 2000
        await shown.picture("jobs-5000")
        assert await shown.js("document.querySelectorAll('#space script, #space img').length") == 0
        assert shown.complaints == []


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_on_a_phone_the_list_of_jobs_is_read_and_worked_with(locale: str) -> None:
    async with (
        serving(ManyJobs(_views(8))) as address,
        window(width=390, height=844, locale=locale) as shown,
    ):
        await shown.page.goto(f"{address}/jobs")
        await shown.until("document.querySelectorAll('#space .row').length === 8")
        edges = await shown.js(
            "[...document.querySelectorAll('.bar > *, .actions button')].map((each) => each.getBoundingClientRect()).map((box) => [box.left, box.right])"
        )
        assert len(edges) > 8
        assert all(left >= 0 and right <= 390 for left, right in edges)
        assert await shown.js("document.querySelector('#counts').clientHeight") < 30  # one line
        assert await shown.js("document.querySelector('#filter').clientWidth") > 200
        cut = (
            "[...document.querySelectorAll('.actions')].filter((each) => each.scrollWidth > each.clientWidth)"
        )
        assert await shown.js(f"{cut}.length") == 0
        await shown.picture(f"phone-jobs-{locale}")


async def test_a_page_of_jobs_shows_changes_and_comes_back_after_the_server_was_away() -> None:
    queue = ManyJobs(_views(8))
    async with window() as shown:
        async with serving(queue) as address:
            await shown.page.goto(f"{address}/jobs")
            await shown.until("document.querySelectorAll('#space .row').length === 8")
            queue.views = queue.views[:-1]
            await shown.until("document.querySelectorAll('#space .row').length === 7")
        await shown.until("!document.getElementById('lost').hidden")
        assert await shown.js("document.querySelectorAll('#space .row').length") == 7
    assert json.dumps(shown.complaints).count("ERR_") == len(shown.complaints)
