import pytest
from eventstorming.v1.model_pb2 import Aggregate, BoundedContext, EventStormingModel, SourceRange

from poller.board.trace import Span, Trace, Units, trace
from poller.board.wall import wall_of
from tests.poller.board.conftest import bikes_model


def traced(model: EventStormingModel) -> Trace:
    return trace(wall_of(model))


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It costs 3.50 euros. Pay.", ["It costs 3.50 euros.", "Pay."]),
        ("1. First thing.\n2. Second thing.", ["1. First thing.", "2. Second thing."]),
        ("- a bullet\n\n***\n", ["- a bullet"]),
        ("Media, e.g. books, are lent.", ["Media, e.g. books, are lent."]),
        ("접수한다. 처방한다.", ["접수한다.", "처방한다."]),
        ('He said "stop." Then went.', ['He said "stop."', "Then went."]),
        ("  \r\nindented\r\n", ["indented"]),
    ],
)
def test_a_text_falls_into_sentences(text: str, sentences: list[str]) -> None:
    units = Units(text)

    assert [units.cut(span) for span in units.sentences()] == sentences


def test_columns_count_utf16_units() -> None:
    units = Units("📚 books\n도서관 📚!")

    assert [units.cut(span) for span in units.spans(((1, 4, 1, 8), (2, 5, 2, 6)))] == ["books", "📚"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1, 1, 1, 3), [Span(0, 3)]),
        ((1, 2, 2, 1), [Span(1, 5)]),
        ((1, 1, 1, 99), [Span(0, 3)]),
        ((1, 1, 9, 9), [Span(0, 7)]),
        ((0, 0, 0, 0), []),
        ((7, 1, 7, 2), []),
        ((2, 3, 2, 1), []),
    ],
)
def test_ranges_are_cut_to_the_text(given: tuple[int, int, int, int], expected: list[Span]) -> None:
    assert list(Units("abc\ndef").spans((given,))) == expected


def test_sentences_know_their_stickers(library: EventStormingModel) -> None:
    by_words = {each.words: each.stickers for each in traced(library).sentences}

    assert by_words["A member reserves a title that is lent out."] == ("c3.a1.m1",)
    assert (
        "c2.a1.m1"
        in by_words["A member borrows an available copy; nobody may hold more than five copies at once."]
    )
    assert [each.words for each in traced(library).uncovered] == [
        "The city library lends books to its members.",
        "Opening hours are printed on the door.",
        "The café in the foyer is run by somebody else.",
    ]


def test_headings_are_not_sentences_without_a_sticker() -> None:
    found = traced(bikes_model())
    assert [each.words for each in found.uncovered] == [
        "Nobody may have more than two bicycles at once.",
        "A rider who owes more than 20 euros cannot rent.",
        "The stations have a coffee machine.",
    ]
    assert [each.words for each in found.sentences if each.heading] == [
        "# Wheelhouse: bicycles to rent",
        "## Renting",
        "## Bicycles",
        "## Riders",
    ]


@pytest.mark.parametrize("line", ["**Roles**", "회원의 권한:", "## 예약"])
def test_lines_that_only_announce_are_headings(line: str) -> None:
    (sentence,) = traced(EventStormingModel(source_text=line)).sentences
    assert sentence.heading


def test_ranges_in_a_description_count_there() -> None:
    aggregate = Aggregate(
        ordinal=1, name="Visit", ranges=[SourceRange(start_line=1, start_column=5, end_line=1, end_column=9)]
    )
    model = EventStormingModel(
        bounded_contexts=[
            BoundedContext(
                ordinal=4,
                name="Care",
                description="The visit.",
                ranges_in_description=True,
                aggregates=[aggregate],
            )
        ]
    )

    found = traced(model)

    (sticker,) = wall_of(model).stickers
    assert list(found.quotes(sticker)) == ["visit"]
    assert [(each.text, each.stickers) for each in found.sentences] == [("c4", ("c4.a1",))]
