import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.board.text import clean, escaped, one_line, width, wrap

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(TEXTS)
def test_escaped_text_survives_an_xml_parser_as_content_and_attribute(text: str) -> None:
    element = ET.fromstring(f'<a b="{escaped(one_line(text))}">{escaped(one_line(text))}</a>')

    shown = clean(one_line(text))
    assert (element.text or "") == shown
    assert element.attrib["b"] == shown


@given(TEXTS, st.integers(1, 5), st.floats(40, 200), st.booleans())
def test_wrapped_lines_fit_their_room_and_number(text: str, lines: int, room: float, bold: bool) -> None:
    wrapped = wrap(text, size=12, room=room, lines=lines, bold=bold)

    assert 1 <= len(wrapped) <= lines
    assert all(width(line, 12, bold=bold) <= room + 0.01 for line in wrapped)


@given(TEXTS)
def test_wrapping_loses_nothing_but_white_space_when_there_are_lines_enough(text: str) -> None:
    wrapped = wrap(text, size=12, room=60, lines=200)

    assert "".join("".join(wrapped).split()) == "".join(one_line(clean(text)).split())


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        ("Reserve a title", 3, ("Reserve a", "title")),
        ("AppointmentBooked", 3, ("Appointme", "ntBooked")),
        ("ReserveTitleNow", 3, ("Reserve", "TitleNow")),
        ("one two three four", 1, ("one two…",)),
        ("진료 예약하기", 2, ("진료", "예약하기")),
    ],
)
def test_lines_break_at_spaces_then_humps_then_anywhere(
    text: str, lines: int, expected: tuple[str, ...]
) -> None:
    assert wrap(text, size=10, room=56, lines=lines) == expected


def test_a_joined_emoji_stays_whole() -> None:
    assert all(not line.startswith("\u200d") for line in wrap("👩‍👩‍👧‍👦" * 6, size=20, room=50, lines=50))


def test_what_is_cut_ends_with_a_whole_word_or_a_hump_of_a_name() -> None:
    (line,) = wrap("rider and guarantor are told", size=10, room=100, lines=1)
    assert line.removesuffix("…") in ("rider and", "rider and guarantor")
    (name,) = wrap("BicycleTakenOutOfServiceByMechanic", size=10, room=100, lines=1)
    assert "BicycleTakenOutOfServiceByMechanic".startswith(name.removesuffix("…"))
    assert "BicycleTakenOutOfServiceByMechanic"[len(name) - 1].isupper()
    (korean,) = wrap("정원이찬수업은예약할수없습니다", size=10, room=60, lines=1)
    assert korean.endswith("…")
    assert len(korean) > 3
