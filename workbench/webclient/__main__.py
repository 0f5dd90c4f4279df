"""`make webclient`: one job as Firebase's SDK in Node.js and in Chromium is told of it, each event beside the rule of contract 1.6 that it keeps.

python -m workbench.webclient [--sdk 12] [--korean] [--no-browser]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from devkit.programs import Programs
from poller.msaez.encoding import decode
from tests.browser.window import CHROMIUM, window
from tests.e2e.pair import Pair, guarded_pair
from tests.e2e.seen import INPUTS, RULES, Event, Judge
from tests.sdk.sdk import HERE, VERSIONS, Client

ROOT = Path(__file__).parents[2]
KOREAN = (
    "온라인 서점\n\n고객이 책을 주문한다.\n주문은 고객 이름과 책 제목을 기록한다.\n고객이 주문을 취소한다.\n"
)
_COMPLETED = ["isCompleted", "value", True, ""]
_WIDTH = 46


def main() -> int:
    options = _options()
    inputs = INPUTS | ({"preferedLanguage": "Korean", "requirements": KOREAN} if options.korean else {})
    with tempfile.TemporaryDirectory(prefix="webclient-") as folder, Programs(Path(folder)) as programs:
        pair = guarded_pair(programs, Path(folder))
        broken = _node_run(pair, options.sdk, inputs)
        if options.browser and CHROMIUM is None:
            print("No Chromium here: its run is left out.")
        elif options.browser:
            broken += asyncio.run(_browser_run(pair, str(inputs["requirements"])))
    print("Every event keeps contract 1.6." if not broken else f"{broken} times contract 1.6 is broken.")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workbench.webclient", description=__doc__.split("\n")[0])
    parser.add_argument("--sdk", default="12", choices=VERSIONS, help="version of firebase in Node.js (12)")
    parser.add_argument("--korean", action="store_true", help="with Korean requirements")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="Node.js alone")
    return parser.parse_args()


def _node_run(pair: Pair, version: str, inputs: dict[str, Any]) -> int:
    if not (HERE / version / "node_modules" / "firebase").is_dir():
        raise SystemExit(f"firebase {version} is needed: make sdk")
    job = str(uuid.uuid4())
    address = f"127.0.0.1:{pair.rtdb}"
    with Client("client.cjs", version, address, "run", job, json.dumps(inputs)) as client:
        client.until(lambda event: event[:3] == _COMPLETED[:3])
        canvas = _canvas(pair, job)
        with Client("client.cjs", version, address, "remove", job) as second_tab:
            second_tab.ended()
        client.ended()
    return _told(f"Node.js, firebase {version}", client.events, canvas)


async def _browser_run(pair: Pair, requirements: str) -> int:
    async with window() as shown, window() as second_tab:
        page = (ROOT / "examples" / "webclient" / "index.html").as_uri()
        await shown.page.goto(f"{page}?database=127.0.0.1:{pair.rtdb}")
        await shown.page.fill("#requirements", requirements)
        await shown.page.click("#generate")
        await shown.until("document.querySelector('#state').textContent === 'Completed.'")
        job, version = await shown.js("shown.job"), await shown.js("firebase.SDK_VERSION")
        canvas = _canvas(pair, job)
        await second_tab.page.goto(f"{page}?database=127.0.0.1:{pair.rtdb}&job={job}")
        await second_tab.page.click("#remove")
        await shown.until("document.querySelector('#remove').disabled")
        events = await shown.js("seen")
    return _told(f"Chromium, firebase {version}", events, canvas)


def _canvas(pair: Pair, job: str) -> dict[str, Any]:
    es_value = pair.client.outputs(job)["esValue"]
    drawn: dict[str, Any] = decode({**es_value["elements"], **es_value["relations"]})
    return drawn


def _told(title: str, events: Sequence[Sequence[Any]], canvas: dict[str, Any]) -> int:
    """Prints a run; how often it breaks the contract."""
    print(f"\n{title}: {len(events)} events\n" + "─" * (len(title) + 20))
    lines = list(_judged([Event(*event) for event in events]))
    for number, (event, keeps) in enumerate(lines, 1):
        print(f"{number:4} {'✓' if keeps else '✗'} {_shown(event):{_WIDTH}} {RULES[event.watch]}")
    drawn = {
        event[3]: decode(event[2])
        for event in events
        if event[0].startswith("esValue/") and event[2] is not None
    }
    same = drawn == canvas
    print(f"{len(drawn)} stickers and lines drawn, {'as' if same else 'NOT as'} the canvas's JSON has them.")
    return sum(not keeps for _, keeps in lines) + (not same)


def _judged(events: Sequence[Event]) -> Iterator[tuple[Event, bool]]:
    judge = Judge()
    for event in events:
        yield event, judge.keeps(event)
    if not judge.is_whole:
        yield Event("isCompleted", "value", "the run is not whole"), False


def _shown(event: Event) -> str:
    value = event.value
    if isinstance(value, dict):
        kind = value.get("_type", "").rsplit(".", 1)[-1]
        value = f"{kind} {value.get('displayName') or value.get('name') or value.get('message', '')}".strip()
    place = event.watch.removeprefix("esValue/") + (f" {event.kind}" if event.kind != "value" else "")
    text = f"{place}: {json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value}"
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
