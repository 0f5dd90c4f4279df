"""Every export opened by somebody else's program, for rich models in both languages and for hostile text."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from eventstorming.v1.model_pb2 import EventStormingModel
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from poller import exports
from poller.resolved import Member, resolve

MODELS = ["library", "clinic", "bikes", "pilates", "big", "hostile"]


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> EventStormingModel:
    found: EventStormingModel = request.getfixturevalue(request.param)
    return found


def write(document: exports.Document, folder: Path) -> list[Path]:
    paths = []
    for name, text in document.texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", errors="replace")
        paths.append(path)
    return paths


@pytest.mark.parametrize("name", exports.names())
def test_every_format_is_described_and_always_has_the_same_bytes(
    name: str, library: EventStormingModel
) -> None:
    if name == exports.MSAEZ:
        return
    form = exports.format_of(name)
    assert all(form.title)
    assert "/" in form.media_type
    first, second = exports.export(name, library), exports.export(name, library)
    assert first.content == second.content
    assert first.folder == form.file.endswith(".zip")
    assert exports.export(name, EventStormingModel()).content is not None


def test_gherkin_reads_every_feature_and_every_step(model: EventStormingModel) -> None:
    parser = pytest.importorskip("gherkin.parser").Parser()
    features = [parser.parse(text)["feature"] for text in exports.export("gherkin", model).texts.values()]
    commands = [command.message for command in _commands(model)]
    wanted = [2 + len(it.then) for command in commands for it in command.scenarios]
    wanted += [2 + it.HasField("given") for command in commands for it in command.refusals]
    read = [child["scenario"] for feature in features for child in feature["children"]]
    assert sorted(len(it["steps"]) for it in read) == sorted(wanted)
    assert not any(it["description"] for it in read)


def test_what_is_refused_is_a_scenario_in_the_models_language(clinic: EventStormingModel) -> None:
    parser = pytest.importorskip("gherkin.parser").Parser()
    command = clinic.bounded_contexts[0].aggregates[0].commands[0]
    refusal = command.refusals.add(title="지난 시간은 예약할 수 없다", told="지난 시간입니다.")
    refusal.given.name, refusal.when.name = clinic.bounded_contexts[0].aggregates[0].name, command.name
    feature = parser.parse(next(iter(exports.export("gherkin", clinic).texts.values())))["feature"]
    (found,) = [
        child["scenario"] for child in feature["children"] if child["scenario"]["name"] == refusal.title
    ]
    assert found["steps"][-1]["text"] == '거절된다: "지난 시간입니다."'


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["library", "clinic", "hostile"])
def test_plantuml_draws_every_diagram_and_reads_no_directive(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    program = shutil.which("plantuml")
    if program is None:
        pytest.skip("plantuml is not installed")
    model: EventStormingModel = request.getfixturevalue(name)
    model.bounded_contexts[0].alias = "!include /etc/passwd"
    model.bounded_contexts[0].aggregates[0].alias = "%getenv(PATH) $x [[http://x]] <img:/etc/passwd> @enduml"
    files = write(exports.export("plantuml", model), tmp_path)
    for file in files:  # what newer versions call `layout smetana`, in Debian's of 2020
        file.write_text(file.read_text("utf-8").replace("layout smetana", "graphviz_dot jdot"), "utf-8")
    command = [program, "-tsvg", "-charset", "UTF-8", *map(str, files)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    drawn = "".join(
        "".join(ET.fromstring(file.with_suffix(".svg").read_text("utf-8")).itertext()) for file in files
    )
    assert "!include/etc/passwd" in re.sub(r"\s", "", drawn)
    assert "root:" not in drawn


def test_a_spreadsheet_calculates_nothing_of_the_stickers(model: EventStormingModel) -> None:
    model.bounded_contexts[0].aggregates[0].alias = "=HYPERLINK(1)"
    text = exports.export("miro", model).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len({len(row) for row in rows}) == 1
    assert "'=HYPERLINK(1)" in rows[1]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_the_glossary_is_one_table_with_a_row_for_every_term(model: EventStormingModel) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(exports.export("glossary", model).text)
    rows = [token for token in tokens if token.type == "tr_open"]
    cells = [token for token in tokens if token.type in ("td_open", "th_open")]
    assert len(cells) == 5 * len(rows)
    aggregates = [it for context in model.bounded_contexts for it in context.aggregates]
    assert len(rows) > len(model.bounded_contexts) + len(aggregates)
    assert {token.type for token in tokens} <= {
        *(
            "heading_open",
            "heading_close",
            "inline",
            "table_open",
            "table_close",
            "thead_open",
            "thead_close",
        ),
        *("tbody_open", "tbody_close", "tr_open", "tr_close", "td_open", "td_close", "th_open", "th_close"),
    }


CANVAS = {
    "type": "object",
    "required": ["nodes", "edges"],
    "properties": {
        "nodes": {
            "items": {
                "type": "object",
                "required": ["id", "type", "x", "y", "width", "height"],
                "properties": {
                    **{name: {"type": "integer"} for name in ("x", "y", "width", "height")},
                    "type": {"enum": ["text", "file", "link", "group"]},
                    "color": {"pattern": "^(#[0-9a-fA-F]{6}|[1-6])$"},
                },
                "if": {"properties": {"type": {"const": "text"}}},
                "then": {"required": ["text"]},
            }
        },
        "edges": {"items": {"type": "object", "required": ["id", "fromNode", "toNode"]}},
    },
}
"""JSON Canvas 1.0 as jsoncanvas.org/spec/1.0 describes it."""


def test_the_canvas_is_what_its_specification_asks_for(model: EventStormingModel) -> None:
    value = json.loads(exports.export("canvas", model).content)
    assert list(Draft202012Validator(CANVAS).iter_errors(value)) == []
    nodes = [node["id"] for node in value["nodes"]]
    assert len(nodes) == len(set(nodes))
    assert {end for edge in value["edges"] for end in (edge["fromNode"], edge["toNode"])} <= set(nodes)


def test_the_drawing_is_xml_whose_every_edge_joins_two_of_its_cells(model: EventStormingModel) -> None:
    root = ET.fromstring(exports.export("drawio", model).content)
    cells = {cell.get("id"): cell for cell in root.iter("mxCell")}
    assert len(cells) == len(list(root.iter("mxCell")))
    vertices = [cell for cell in cells.values() if cell.get("vertex")]
    assert all(geometry.get("as") == "geometry" for geometry in root.iter("mxGeometry"))
    assert len(vertices) > len(model.bounded_contexts)
    for cell in cells.values():
        assert cell.get("id") in ("0", "1") or "html=0" in str(cell.get("style"))  # no title is read as HTML
        if cell.get("edge"):
            assert cells[cell.get("source")].get("vertex")
            assert cells[cell.get("target")].get("vertex")


def _commands(model: EventStormingModel) -> list[Member]:
    return [command for aggregate in resolve(model).aggregates for command in aggregate.commands]


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["library", "clinic", "bikes", "pilates", "hostile"])
def test_context_mapper_models_are_read_whole(name: str, request: pytest.FixtureRequest) -> None:
    model: EventStormingModel = request.getfixturevalue(name)
    read = pytest.importorskip("cml_parser").parse_text(exports.export("cml", model).text)
    (found,) = read.context_maps
    systems = [it for it in found.contexts if it.type == "SYSTEM"]
    assert [it.vision for it in systems] == [it.description for it in model.external_systems]
    calls = {(system.path, c.aggregate.context.path) for c in _commands(model) for system in c.systems}
    assert sum(it.upstream in systems for it in found.relationships) == len(calls)
    read_in = {len(it.aggregates) for it in found.contexts if it not in systems}
    assert read_in == {len(it.aggregates) for it in resolve(model).contexts}
    aggregates = [it for context in found.contexts for it in context.aggregates]
    assert sorted(
        (
            len(it.domain_events),
            len(it.command_events),
            len(it.enums),
            len(it.entities) + len(it.value_objects),
        )
        for it in aggregates
    ) == sorted(
        (len(it.events), len(it.commands), len(it.enumerations), 1 + len(it.value_objects))
        for it in (aggregate.message for aggregate in resolve(model).aggregates)
    )


NODE = Path(__file__).parents[2] / "sdk"


@pytest.mark.heavy
def test_asyncapi_is_accepted_by_its_own_parser(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if not (NODE / "exports/node_modules/@asyncapi/parser").exists() or not shutil.which("node"):
        pytest.skip("@asyncapi/parser is not installed: make sdk")
    wanted = {}
    for name in ("library", "clinic", "bikes", "pilates", "hostile"):
        model = request.getfixturevalue(name)
        path = tmp_path / f"{name}.json"
        path.write_bytes(exports.export("asyncapi", model).content)
        members = sum(len(it.events) + len(it.commands) for it in resolve(model).aggregates)
        policies = sum(len(it.policies) for it in resolve(model).aggregates)
        calls = sum(len(it.systems) for it in _commands(model))
        wanted[str(path)] = [members, members, members + policies, calls]
    command = ["node", str(NODE / "asyncapi.cjs"), *wanted]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    for path, found in json.loads(run.stdout).items():
        assert found["wrong"] == []
        assert [found[it] for it in ("channels", "messages", "operations", "tags")] == wanted[path]


def _every_text(name: str, model: EventStormingModel) -> str:
    document = exports.export(name, model)
    if name == "drawio":
        return "\n".join(cell.get("value", "") for cell in ET.fromstring(document.content).iter("mxCell"))
    if name == "cml":
        return document.text
    found: list[str] = []
    json.loads(document.content, object_hook=lambda it: found.extend(map(str, it.values())))
    return "\n".join(found)


@pytest.mark.parametrize("name", ["asyncapi", "canvas", "cml", "drawio"])
@pytest.mark.parametrize("of", ["bikes", "pilates"])
def test_conditions_times_systems_and_questions_are_in_it(
    name: str, of: str, request: pytest.FixtureRequest
) -> None:
    model: EventStormingModel = request.getfixturevalue(of)
    said = [text for policy in model.policies for text in (policy.condition, policy.timer) if text]
    said += [question.text for question in model.open_questions]
    said += [system.description if name == "cml" else system.alias for system in model.external_systems]
    text = _every_text(name, model)
    assert len(said) > 10
    assert [it for it in said if it not in text] == []


def front_matter(text: str) -> Any:
    _, head, _ = text.split("---\n", 2)
    return yaml.safe_load(head)


def pointers(value: Any) -> Iterator[str]:
    """Ids of what a page of the catalog names by id and version."""
    if isinstance(value, dict):
        if set(value) == {"id", "version"}:
            yield value["id"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from pointers(item)


def test_a_catalog_names_only_what_is_in_it(model: EventStormingModel) -> None:
    texts = exports.export("eventcatalog", model).texts
    heads = {Path(path): front_matter(text) for path, text in texts.items() if path.endswith(".mdx")}
    ids = {head["id"]: path for path, head in heads.items() if "id" in head}
    assert all(path.parent.name == name for name, path in ids.items())
    for head in heads.values():
        assert set(pointers(head)) <= set(ids)
        steps = [step["id"] for step in head.get("steps", [])]
        assert len(steps) == len(set(steps))
        assert {end["id"] for step in head.get("steps", []) for end in step["next_steps"]} <= set(steps)
    assert len({path.lower() for path in texts}) == len(texts)


def test_a_catalog_says_conditions_times_systems_and_questions(bikes: EventStormingModel) -> None:
    texts = exports.export("eventcatalog", bikes).texts
    steps = front_matter(texts["domains/Renting/flows/RentingFlow/index.mdx"])["steps"]
    (policy,) = [step["custom"] for step in steps if "custom" in step]
    assert policy["properties"] == {
        "Time": "24 hours after the rental began",
        "Condition": "it has not ended",
    }
    lock = front_matter(texts["services/SmartLock/index.mdx"])
    assert (lock["externalSystem"], lock["sends"][0]["id"]) == (True, "EndRental")
    asked = [question.text for question in bikes.open_questions]
    assert [it for it in asked if it not in "".join(texts.values())] == []


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["library", "clinic", "bikes", "pilates", "hostile"])
def test_a_catalog_passes_eventcatalogs_linter(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    program = NODE / "exports/node_modules/.bin/eventcatalog-linter"
    if not program.exists():
        pytest.skip("@eventcatalog/linter is not installed: make sdk")
    write(exports.export("eventcatalog", request.getfixturevalue(name)), tmp_path)
    rules = {
        f"best-practices/{rule}-required": "off" for rule in ("owner", "summary")
    }  # no model names owners
    (tmp_path / ".eventcatalogrc.js").write_text(f"module.exports = {json.dumps({'rules': rules})}")
    run = subprocess.run([program, tmp_path], capture_output=True, text=True, timeout=100, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "(0 errors" in run.stdout or "No problems found" in run.stdout


CORE = NODE / "exports/eventcatalog"


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_eventcatalog_builds_its_site_of_a_catalog(bikes: EventStormingModel) -> None:
    if not (CORE / "node_modules").exists():
        pytest.skip(f"needs Node.js 22 and 1.3 GB: npm install --prefix {CORE} --no-package-lock")
    with tempfile.TemporaryDirectory(dir=CORE) as folder:
        files = write(exports.export("eventcatalog", bikes), Path(folder))
        command = [CORE / "node_modules/.bin/eventcatalog", "build"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1700, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        for page in [file for file in files if file.name == "index.mdx"]:
            kind, name = page.parts[-3:-1]
            assert list(Path(folder, "dist/docs", kind, name).rglob("index.html")), page
