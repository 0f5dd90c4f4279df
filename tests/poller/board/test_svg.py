import re
import xml.etree.ElementTree as ET

import pytest
from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.svg import COLOURS, render_svg
from poller.board.wall import Kind, wall_of

SVG = "{http://www.w3.org/2000/svg}"


def parsed(model: EventStormingModel) -> ET.Element:
    return ET.fromstring(render_svg(model))


def stickers(root: ET.Element) -> dict[str, ET.Element]:
    found = (each for each in root.iter(f"{SVG}g") if each.get("class", "").startswith("sticker"))
    return {each.attrib["data-id"]: each for each in found}


def shown(element: ET.Element) -> str:
    """What a reader sees: words, without tooltips."""
    return " ".join(span.text or "" for span in element.iter(f"{SVG}tspan"))


@pytest.mark.parametrize("name", ["library", "clinic", "big", "hostile"])
def test_every_sticker_is_drawn_in_the_colour_of_its_kind(name: str, request: pytest.FixtureRequest) -> None:
    model: EventStormingModel = request.getfixturevalue(name)

    drawn = stickers(parsed(model))

    assert set(drawn) == {sticker.id for sticker in wall_of(model).stickers}
    for sticker in wall_of(model).stickers:
        card = next(each for each in drawn[sticker.id].iter(f"{SVG}rect") if each.get("class") == "card")
        assert card.get("fill") == COLOURS[sticker.kind][0]


def test_people_find_the_colours_they_know() -> None:
    def hue(kind: Kind) -> tuple[int, int, int]:
        red, green, blue = (int(COLOURS[kind][0][at : at + 2], 16) for at in (1, 3, 5))
        return red, green, blue

    red, green, blue = hue(Kind.EVENT)
    assert red > green > blue
    assert max(hue(Kind.COMMAND)) == hue(Kind.COMMAND)[2]
    assert max(hue(Kind.READ_MODEL)) == hue(Kind.READ_MODEL)[1]
    assert hue(Kind.SCREEN) == (255, 255, 255)


def test_a_korean_sticker_shows_its_alias_large_and_its_code_name_small(clinic: EventStormingModel) -> None:
    alias, name = stickers(parsed(clinic))["c1.a1.m1"].findall(f"{SVG}text")

    assert shown(alias) == "진료 예약하기"
    assert shown(name) == "BookAppointment"
    assert float(alias.attrib["font-size"]) > float(name.attrib["font-size"])


def test_arrows_are_drawn_and_references_dashed(library: EventStormingModel) -> None:
    paths = [each for each in parsed(library).iter(f"{SVG}path") if each.get("class", "").startswith("arrow")]
    dashed = {each.attrib["class"].split()[1] for each in paths if "stroke-dasharray" in each.attrib}

    assert len(paths) == len(wall_of(library).arrows)
    assert dashed == {"refers", "reads"}
    assert all(each.attrib["marker-end"] == f"url(#head-{each.attrib['class'].split()[1]})" for each in paths)


def test_hostile_text_shows_as_text_and_brings_no_element(hostile: EventStormingModel) -> None:
    root = parsed(hostile)

    known = {"svg", "title", "defs", "marker", "path", "rect", "g", "text", "tspan", "circle"}
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == known
    assert not any(attribute.startswith("on") for each in root.iter() for attribute in each.attrib)
    assert "<script>" in shown(stickers(root)["c1.a1"]) + shown(root)


def test_nothing_is_fetched(hostile: EventStormingModel) -> None:
    svg = render_svg(hostile)

    assert re.findall(r"(?:href|src)\s*=\s*\"", re.sub(r">[^<]*<", "><", svg)) == []
    assert set(re.findall(r"url\(([^)]*)\)", svg)) <= {
        f"#head-{tie}" for tie in ("emits", "triggers", "results", "refers", "reads")
    }


def test_an_empty_model_says_so() -> None:
    assert "Nothing on the board yet." in shown(parsed(EventStormingModel()))
