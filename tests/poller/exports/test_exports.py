import json
import re
from itertools import pairwise

import pytest
from eventstorming.v1.model_pb2 import Event, EventStormingModel
from google.protobuf.json_format import Parse
from markdown_it import MarkdownIt
from markdown_it.token import Token

from poller.board.text import escaped_markdown
from poller.board.wall import wall_of
from poller.exports import _flow
from poller.exports.json import to_json
from poller.exports.markdown import to_markdown
from poller.exports.mermaid import diagrams
from poller.exports.miro import to_csv
from tests.poller.board.conftest import bikes_model

NODE = r"n_\w+"
LABEL = r'"[^"\n<>`|\[\]{}]*"'
STATEMENT = re.compile(
    rf"flowchart LR|end|subgraph {NODE}\[{LABEL}\]|classDef \w+ [\w:#,]+"
    rf"|{NODE}(?:\[{LABEL}\]|\(\[{LABEL}\]\))(?::::\w+)?|{NODE} (?:-->|-\.->)(?:\|{LABEL}\|)? {NODE}"
)
MODELS = ["library", "clinic", "big", "hostile"]


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> EventStormingModel:
    found: EventStormingModel = request.getfixturevalue(request.param)
    return found


def tokens(markdown: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(markdown)


def headings(markdown: str) -> list[str]:
    found = tokens(markdown)
    return [after.content for token, after in pairwise(found) if token.type == "heading_open"]


def test_json_is_the_whole_model(model: EventStormingModel) -> None:
    text = to_json(model)

    assert Parse(text, EventStormingModel()) == model
    assert "boundedContexts" in json.loads(text)


def test_korean_stays_readable_in_json(clinic: EventStormingModel) -> None:
    assert "진료 예약하기" in to_json(clinic)


def test_every_line_of_every_diagram_is_a_statement(model: EventStormingModel) -> None:
    for source in diagrams(model).values():
        for line in source.splitlines():
            assert STATEMENT.fullmatch(line.strip()), line


def test_links_of_a_diagram_join_nodes_it_declares(model: EventStormingModel) -> None:
    for source in diagrams(model).values():
        declared = set(re.findall(rf"^\s*(?:subgraph )?({NODE})[\[(]", source, re.M))
        joined = {
            node
            for line in source.splitlines()
            if "->" in line
            for node in re.findall(rf"\b{NODE}\b", re.sub(r'"[^"]*"', "", line))
        }
        assert joined <= declared


def test_the_context_map_shows_who_reacts_to_whom(library: EventStormingModel) -> None:
    source = diagrams(library)["context-map.mmd"]

    assert 'n_c2 -->|"Charge late return"| n_c4' in source
    assert 'n_c2 -.->|"Book copy"| n_c1' in source


def test_the_specification_has_a_chapter_for_everything(library: EventStormingModel) -> None:
    found = headings(to_markdown(library))

    assert "Bounded context: Lending" in found
    assert "Aggregate: Book copy `Copy`" in found
    assert "Command: Borrow a copy `BorrowCopy`" in found
    assert "Policy: Charge late return `ChargeLateReturn`" in found
    assert found[-2:] == ["Traceability", "What was left out"]


@pytest.mark.parametrize(
    "sentence",
    [
        "- A member holds at most five copies at once.",
        "**Scenario: An available copy is lent for 14 days**",
        "- Given Loan (`loanId` = N/A, `copyId` = N/A)",
        "| `copyId` | `String` | Copy number | key |",
        "| Command | Reserve a title `ReserveTitle` | A member reserves a title that is lent out. |",
        "- The café in the foyer is run by somebody else.",
        "- Pay fine: no scenario",
    ],
)
def test_the_specification_says(sentence: str, library: EventStormingModel) -> None:
    assert sentence in to_markdown(library).splitlines()


def test_what_is_not_worked_out_is_named(library: EventStormingModel) -> None:
    copy = library.bounded_contexts[0].aggregates[0]
    copy.fields[0].is_key = False
    copy.events.append(Event(ordinal=4, name="CopyLost", alias="Copy lost"))
    copy.commands[0].emits[:] = []

    left_out = to_markdown(library).split("## What was left out")[1].splitlines()

    assert {
        "- Book copy: no key",
        "- Copy lost: no command leads to it",
        "- Copy registered: no command leads to it",
        "- Register copy: leads to no event",
    } <= set(left_out)
    assert "- Copy held: no command leads to it" not in left_out


def test_a_korean_specification_is_korean(clinic: EventStormingModel) -> None:
    found = headings(to_markdown(clinic))

    assert "바운디드 컨텍스트: 진료 예약 `Booking`" in found
    assert found[-1] == "빠진 것"


def test_hostile_text_is_text_in_markdown(hostile: EventStormingModel, library: EventStormingModel) -> None:
    markdown = to_markdown(hostile)

    assert {token.type for token in tokens(markdown)} <= {
        token.type for token in tokens(to_markdown(library))
    }
    children = [child for token in tokens(markdown) for child in token.children or ()]
    assert {child.type for child in children} <= {
        "text",
        "text_special",
        "code_inline",
        "strong_open",
        "strong_close",
        "softbreak",
        "html_inline",
    }
    assert {child.content for child in children if child.type == "html_inline"} <= {"<br>"}
    assert "<script>alert(1)</script>" in " ".join(child.content for child in children)


def test_every_table_row_has_as_many_cells_as_its_head(model: EventStormingModel) -> None:
    for block in to_markdown(model).split("\n\n"):
        if block.startswith("| "):
            cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(cells) == 1


def test_a_specification_and_the_rows_for_miro_leave_out_nothing_that_the_board_shows() -> None:
    model = bikes_model()
    commands = [c for context in model.bounded_contexts for a in context.aggregates for c in a.commands]
    told = [refusal.told for command in commands for refusal in command.refusals]
    told += [policy.condition for policy in model.policies] + [policy.timer for policy in model.policies]
    told += [system.alias for system in model.external_systems]
    asked = [question.text for question in model.open_questions]
    assert min(len(told), len(asked)) > 2
    markdown = to_markdown(model)
    assert [text for text in [*told, *asked] if text and escaped_markdown(text) not in markdown] == []
    assert [text for text in asked if text not in to_csv(model)] == []


def test_a_diagram_shows_guards_times_systems_and_questions() -> None:
    flows = [_flow.diagrams(wall_of(bikes_model()), "")[name] for name in ("Renting", "Fleet")]
    titles = [box.title for flow in flows for _, _, boxes in flow.groups for box in boxes]
    links = {(link.start, link.end) for flow in flows for link in flow.links}
    assert any(title.endswith("[it has not ended]") and "24 hours" in title for title in titles)
    assert any(end.startswith(f"{start}.s") for start, end in links)
    assert any(start == "q1" for start, _ in links)
