import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from eventstorming.v1.model_pb2 import EventStormingModel
from google.protobuf.json_format import ParseDict

from poller.board.html import render_html


class Page(HTMLParser):
    """What a browser would find: elements, scripts, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)

    @property
    def board(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.scripts[0])
        return found


@pytest.mark.parametrize("name", ["library", "clinic", "hostile"])
def test_the_model_is_embedded_whole(name: str, request: pytest.FixtureRequest) -> None:
    model: EventStormingModel = request.getfixturevalue(name)

    page = Page(render_html(model))

    assert len(page.scripts) == 2
    assert "<" not in page.scripts[0]
    assert ParseDict(page.board["model"], EventStormingModel()) == model


def test_every_path_leads_to_the_element_of_its_sticker(library: EventStormingModel) -> None:
    board = Page(render_html(library)).board

    for sticker in board["stickers"]:
        part = board["model"]
        for step in sticker["path"]:
            part = part[step]
        assert sticker["kind"] == "screen" or part["name"] == sticker["name"]


def test_hostile_text_brings_no_element_and_no_handler(
    hostile: EventStormingModel, library: EventStormingModel
) -> None:
    page = Page(render_html(hostile))

    assert {tag for tag, _ in page.elements} == {tag for tag, _ in Page(render_html(library)).elements}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_nothing_is_fetched_and_only_the_boards_own_script_runs(hostile: EventStormingModel) -> None:
    page = Page(render_html(hostile))

    assert not any({"src", "href", "srcset", "action"} & attributes.keys() for _, attributes in page.elements)
    policy = next(
        a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert policy is not None
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_the_script_never_writes_markup_and_frames_are_sandboxed(library: EventStormingModel) -> None:
    script = Page(render_html(library)).scripts[1]

    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|fetch\(|XMLHttp", script
    )
    assert 'element("iframe", { sandbox: ""' in script


def test_the_page_speaks_the_language_of_the_model(
    library: EventStormingModel, clinic: EventStormingModel
) -> None:
    english, korean = render_html(library), render_html(clinic)

    assert '<html lang="en">' in english
    assert "Requirements" in english
    assert '<html lang="ko">' in korean
    assert "요구사항" in korean
    assert Page(korean).board["words"].keys() == Page(english).board["words"].keys()


def test_a_page_is_called_what_its_text_is_called(
    library: EventStormingModel, hostile: EventStormingModel
) -> None:
    assert "<title>The city library lends books to its members. 📚</title>" in render_html(library)
    assert '<h1 dir="auto">&lt;script&gt;alert(1)&lt;/script&gt;</h1>' in render_html(hostile)
    assert "<title>EventStorming board</title>" in render_html(EventStormingModel())


def test_the_script_asks_for_no_word_that_is_missing(clinic: EventStormingModel) -> None:
    page = Page(render_html(clinic))

    assert set(re.findall(r"\bwords\.(\w+)", page.scripts[1])) <= page.board["words"].keys()


def test_sentences_and_stickers_point_at_each_other(library: EventStormingModel) -> None:
    board = Page(render_html(library)).board
    text = board["texts"][""].encode("utf-16-le")
    spans = {sticker["id"]: sticker["spans"] for sticker in board["stickers"]}

    ((start, end),) = spans["c3.a1.m1"]
    assert text[2 * start : 2 * end].decode("utf-16-le") == "A member reserves a title that is lent out."
    assert [each["stickers"] for each in board["sentences"] if each["start"] == start] == [["c3.a1.m1"]]


def test_the_same_model_gives_the_same_bytes(big: EventStormingModel) -> None:
    assert render_html(big) == render_html(EventStormingModel.FromString(big.SerializeToString()))
