"""`get --format …` of a real job, each format read by somebody else's parser."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from eventstorming.v1.model_pb2 import EventStormingModel
from google.protobuf import json_format
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from eventstorming_client import Client, RequestFailed
from poller import exports
from tests.e2e.pair import Pair
from tests.e2e.test_command_line import _cli
from tests.poller.msaez.schemas import esvalue_schema

EXAMPLE = Path(__file__).parents[2] / "examples" / "library.en.md"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def job(pair: Pair) -> str:
    run = _cli(pair, "submit", str(EXAMPLE), "--watch")
    assert run.returncode == 0, run.stderr
    return run.stdout.split()[0]


def _get(pair: Pair, job: str, form: str, *more: str) -> str:
    run = _cli(pair, "get", job, "--format", form, *more)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_json_is_the_typed_model_with_its_text(pair: Pair, job: str) -> None:
    model = json_format.Parse(_get(pair, job, "json"), EventStormingModel())

    assert model.source_text == EXAMPLE.read_text("utf-8")
    assert [context.name for context in model.bounded_contexts] == ["Catalogue", "Lending", "Membership"]


def test_msaez_passes_the_schema_of_the_contract(pair: Pair, job: str) -> None:
    value = json.loads(_get(pair, job, "msaez"))

    assert len(value["elements"]) > 30
    assert list(Draft202012Validator(esvalue_schema()).iter_errors(value)) == []


def test_svg_is_xml_with_a_group_per_sticker(pair: Pair, job: str) -> None:
    root = ET.fromstring(_get(pair, job, "svg"))

    groups = [each for each in root.iter(f"{SVG}g") if each.get("class", "").startswith("sticker")]
    assert len(groups) > 50


def test_html_is_one_page_that_asks_for_nothing(pair: Pair, job: str) -> None:
    page = _get(pair, job, "html")
    found: list[tuple[str, str | None]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.extend(attributes)  # type: ignore[method-assign]
    parser.feed(page)

    assert not {"src", "href"} & {name for name, _ in found}
    assert "connect-src" not in page


def test_mermaid_is_a_file_for_the_map_and_for_each_context(pair: Pair, job: str, tmp_path: Path) -> None:
    _get(pair, job, "mermaid", "--output", str(tmp_path / "diagrams"))
    names = ["Catalogue.mmd", "Lending.mmd", "Membership.mmd", "context-map.mmd"]
    assert sorted(file.name for file in (tmp_path / "diagrams").iterdir()) == names
    for file in (tmp_path / "diagrams").iterdir():
        assert file.read_text("utf-8").startswith("flowchart LR\n")


def test_job_service_gives_every_format_the_command_line_has(pair: Pair, job: str) -> None:
    with Client(f"127.0.0.1:{pair.ports['grpc']}") as jobs:
        for form in exports.names():
            export = jobs.job(job).get(form=form).export
            assert export.content, form
            if export.file.endswith(".zip"):
                assert len(zipfile.ZipFile(io.BytesIO(export.content)).namelist()) > 1
        with pytest.raises(RequestFailed, match="must be one of "):
            jobs.job(job).get(form="docx")


def test_markdown_is_a_specification_to_hand_over(pair: Pair, job: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(_get(pair, job, "markdown"))
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]

    chapters = [
        "Context map",
        "Bounded context: ",
        "Aggregate: ",
        "Command: ",
        "Event: ",
        "Read model: ",
        "Policy: ",
    ]
    for chapter in (*chapters, "References between aggregates", "Traceability", "What was left out"):
        assert any(heading.startswith(chapter) for heading in headings), chapter
    assert not re.search(
        r"<(?!br>)",
        "".join(
            child.content for token in tokens for child in token.children or () if child.type == "html_inline"
        ),
    )
