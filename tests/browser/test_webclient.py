"""The web client's page in a real Chromium, with Firebase's SDK, the pair and the shipped rules: what it sees and draws."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route

from devkit.programs import Programs
from poller.msaez.encoding import decode
from tests.browser.window import Window, window
from tests.e2e.pair import Pair, guarded_pair
from tests.e2e.seen import Event, keeps_the_contract
from tests.fakes import eventually

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "examples" / "webclient"
SDKS = ROOT / "tests" / "sdk"
COMPLETED = "document.querySelector('#state').textContent === 'Completed.'"
KOREAN = (
    "온라인 서점\n\n고객이 책을 주문한다.\n주문은 고객 이름과 책 제목을 기록한다.\n고객이 주문을 취소한다.\n"
)
FAILED_BEFORE = """
if (window === top && location.protocol !== "about:") localStorage.setItem("firebase:previous_websocket_failure", "true")
"""
"""In the page alone: the SDK's own frames and the blank page before it have no storage."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("webclient")
    with Programs(folder / "log") as programs:
        yield guarded_pair(programs, folder)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Pair]:
    """Processes of its own, whose poller needs half a second for each of its writes."""
    with Programs(tmp_path / "log") as programs:
        pair = guarded_pair(programs, tmp_path)
        pair.slow_down()
        yield pair


def _address(pair: Pair, job: str = "") -> str:
    return f"{(PAGE / 'index.html').as_uri()}?database=127.0.0.1:{pair.rtdb}" + (f"&job={job}" if job else "")


async def _generate(shown: Window, pair: Pair, requirements: str = "") -> str:
    """Opens the page, asks for a model, waits until it is complete; the job's id."""
    await shown.page.goto(_address(pair))
    if requirements:
        await shown.page.fill("#requirements", requirements)
    await shown.page.click("#generate")
    await shown.until(COMPLETED)
    return str(await shown.js("shown.job"))


async def _begin(shown: Window, pair: Pair) -> str:
    """Asks for a model and waits for its first sticker; the job's id."""
    await shown.page.goto(_address(pair))
    await shown.page.click("#generate")
    await shown.until("document.querySelector('.sticker') !== null")
    assert not await shown.js(COMPLETED)
    return str(await shown.js("shown.job"))


async def _draws_the_canvas(shown: Window, pair: Pair, job: str) -> None:
    """Every sticker is where and as large as the canvas's JSON says, under its name; a line for each relation."""
    es_value = decode(pair.client.outputs(job)["esValue"])
    wanted = {
        key: [
            *(element["elementView"][name] for name in ("x", "y", "width", "height")),
            element["displayName"] or element["name"],
        ]
        for key, element in es_value["elements"].items()
    }
    drawn = """Object.fromEntries([...document.querySelectorAll('.sticker')].map((one) => [one.id, [
        parseFloat(one.style.left) + one.offsetWidth / 2, parseFloat(one.style.top) + one.offsetHeight / 2,
        one.offsetWidth, one.offsetHeight, one.textContent]]))"""

    async def is_drawn() -> bool:
        lines = await shown.js("[...document.querySelectorAll('line')].map((one) => one.id)")
        return await shown.js(drawn) == wanted and set(lines) == set(es_value["relations"])

    await eventually(is_drawn, seconds=20)


async def test_a_job_is_asked_for_watched_drawn_and_removed_in_another_tab(pair: Pair) -> None:
    async with window() as shown, window() as other:
        job = await _generate(shown, pair)
        seen: list[Any] = await shown.js("seen")
        await _draws_the_canvas(shown, pair, job)
        await shown.picture("webclient")
        await other.page.goto(_address(pair, job))
        await _draws_the_canvas(other, pair, job)
        await other.page.click("#remove")
        await shown.until("document.querySelector('#remove').disabled")
        assert shown.complaints == other.complaints == []
    keeps_the_contract(Event(*event) for event in seen)


async def test_a_page_that_is_loaded_anew_goes_on(slow: Pair) -> None:
    async with window() as shown:
        job = await _begin(shown, slow)
        await shown.page.reload()
        await shown.until(COMPLETED)
        await _draws_the_canvas(shown, slow, job)
        assert shown.complaints == []


async def test_a_database_that_is_started_anew_is_found_again(slow: Pair) -> None:
    async with window() as shown:
        job = await _begin(shown, slow)
        slow.kill_database()
        await shown.until(COMPLETED)
        await _draws_the_canvas(shown, slow, job)


async def test_a_poller_that_is_killed_is_replaced_unseen(slow: Pair) -> None:
    async with window() as shown:
        job = await _begin(shown, slow)
        slow.kill_poller()
        await shown.until(COMPLETED)
        await _draws_the_canvas(shown, slow, job)
        assert not await shown.js("seen.some(([watch, , value]) => watch === 'isFailed' && value)")
        assert shown.complaints == []


async def test_two_windows_that_watch_one_job_draw_the_same(slow: Pair) -> None:
    async with window() as shown, window() as other:
        job = await _begin(shown, slow)
        await other.page.goto(_address(slow, job))
        for one in (shown, other):
            await one.until(COMPLETED)
            await _draws_the_canvas(one, slow, job)


async def test_a_browser_whose_last_websocket_failed_polls_first_and_goes_over(pair: Pair) -> None:
    async with window() as shown:
        await shown.page.add_init_script(FAILED_BEFORE)
        sockets: list[str] = []
        shown.page.on("websocket", lambda socket: sockets.append(socket.url))
        job = await _generate(shown, pair, KOREAN)
        await _draws_the_canvas(shown, pair, job)
        assert any("/.lp?start=t" in url for url in shown.fetched)
        await eventually(lambda: bool(sockets))
        assert re.search(r"[?&]s=", sockets[0])
        await shown.until("localStorage.getItem('firebase:previous_websocket_failure') === null")
        assert shown.complaints == []


async def test_a_browser_without_websockets_sees_a_whole_job(pair: Pair) -> None:
    async with window() as shown:
        await shown.page.add_init_script("delete window.WebSocket")
        job = await _generate(shown, pair, KOREAN)
        await _draws_the_canvas(shown, pair, job)
        assert shown.complaints == []


@pytest.mark.parametrize("version", ["8", "9", "13"])
async def test_the_sdk_may_be_an_older_or_a_newer_one(pair: Pair, version: str) -> None:
    """The web client's own is 8."""
    folder = SDKS / version / "node_modules" / "firebase"
    if not folder.is_dir():
        pytest.skip(f"firebase {version} is needed: make sdk")

    async def other(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        name = name.replace("-compat", "") if version == "8" else name
        await route.fulfill(path=folder / name, content_type="application/javascript")

    async with window() as shown:
        await shown.page.route("**/firebase-*-compat.js", other)
        job = await _generate(shown, pair, KOREAN)
        assert (await shown.js("firebase.SDK_VERSION")).startswith(f"{version}.")
        await _draws_the_canvas(shown, pair, job)
        keeps_the_contract(Event(*event) for event in await shown.js("seen"))


def test_the_sdk_beside_the_page_is_the_one_its_readme_names() -> None:
    rows = re.findall(r"\| `([\w.-]+)` \| `([0-9a-f]{64})` \|", (PAGE / "README.md").read_text("utf-8"))
    assert {name for name, _ in rows} == {file.name for file in PAGE.glob("firebase-*.js")}
    for name, digest in rows:
        assert hashlib.sha256((PAGE / name).read_bytes()).hexdigest() == digest
