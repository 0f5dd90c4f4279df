"""Which piece of which text a sticker came from, sentence by sentence. Offsets count UTF-16 code units, as JavaScript does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from poller.resolved import Resolved

from .wall import Range, Sticker, Wall, id_of

_SENTENCE = re.compile(r"\S.*?(?:[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+|$)")
_WORD = re.compile(r"\w")
_MARKER = re.compile(r"\W*(?:\d+|[A-Za-z])[.)]$")
_SHORTENING = re.compile(r"\b(?:e\.g|i\.e|etc|vs|Dr|Mr|Mrs|No)\.$")
_LONGEST_MARKER = 8
_HEADING = re.compile(r"#{1,6}\s|(\*\*|__)[^*_]+\1:?$|[^.!?。]{1,60}[:：]$")
"""A line of Markdown that is a heading, and one that announces what follows."""


@dataclass(frozen=True, slots=True)
class Span:
    """Half open, in UTF-16 code units."""

    start: int
    end: int

    def meets(self, other: "Span") -> bool:
        """Whether they share a code unit; touching is not enough."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence and the stickers that came from it."""

    text: str
    """Id of the text it stands in: empty for the requirements, else of a context."""
    span: Span
    words: str
    stickers: tuple[str, ...]
    heading: bool = False

    @property
    def uncovered(self) -> bool:
        """It has no sticker though it says something: a heading need not have one."""
        return not self.stickers and not self.heading


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Texts, and what came from where in them."""

    units: Mapping[str, "Units"]
    """Every text by its id."""
    spans: Mapping[str, tuple[Span, ...]]
    """Of every sticker that has any, by id."""
    sentences: tuple[Sentence, ...]

    @property
    def uncovered(self) -> tuple[Sentence, ...]:
        """Those that say something and have no sticker."""
        return tuple(sentence for sentence in self.sentences if sentence.uncovered)

    def quotes(self, sticker: Sticker) -> Iterator[str]:
        """The words a sticker came from."""
        return (self.units[sticker.text].cut(span) for span in self.spans.get(sticker.id, ()))


def trace(wall: Wall) -> Trace:
    """Ranges beyond the end of their text are cut off; ranges into a text that is not there are left out."""
    units = {key: Units(text) for key, text in _texts(wall.found)}
    traced: dict[str, dict[str, tuple[Span, ...]]] = {key: {} for key in units}
    for sticker in wall.stickers:
        if sticker.text in units and (spans := tuple(units[sticker.text].spans(sticker.ranges))):
            traced[sticker.text][sticker.id] = spans
    sentences = [
        Sentence(
            text=key,
            span=span,
            words=(words := text.cut(span)),
            stickers=tuple(_meeting(span, traced[key])),
            heading=_HEADING.match(words) is not None,
        )
        for key, text in units.items()
        for span in text.sentences()
    ]
    every = {sticker: spans for each in traced.values() for sticker, spans in each.items()}
    return Trace(units=units, spans=every, sentences=tuple(sentences))


def _meeting(span: Span, traced: Mapping[str, tuple[Span, ...]]) -> Iterator[str]:
    return (sticker for sticker, spans in traced.items() if any(each.meets(span) for each in spans))


def _texts(found: Resolved) -> Iterator[tuple[str, str]]:
    """The requirements, unless every context has a text of its own."""
    own = [context for context in found.contexts if context.message.ranges_in_description]
    if found.model.source_text and (not own or len(own) < len(found.contexts)):
        yield "", found.model.source_text
    yield from (
        (id_of(context), context.message.description) for context in own if context.message.description
    )


@dataclass(slots=True)
class Units:
    """A text addressed in UTF-16 code units."""

    text: str
    _bytes: bytes = field(init=False)
    _lines: list[Span] = field(init=False)

    def __post_init__(self) -> None:
        self._bytes = self.text.encode("utf-16-le", "surrogatepass")
        self._lines = list(self._line_spans())

    def cut(self, span: Span) -> str:
        """What stands there."""
        return self._bytes[2 * span.start : 2 * span.end].decode("utf-16-le", "replace")

    def spans(self, ranges: tuple[Range, ...]) -> Iterator[Span]:
        """Of ranges whose lines and columns count from 1; one that begins beyond the text gives none."""
        for start_line, start_column, end_line, end_column in ranges:
            if 1 <= start_line <= len(self._lines):
                start = self._offset(start_line, max(start_column, 1) - 1)
                end = self._offset(max(end_line, start_line), end_column or 1 << 30)
                if start < end:
                    yield Span(start, end)

    def sentences(self) -> Iterator[Span]:
        """Every sentence with a word in it; a line ends a sentence."""
        for line in self._lines:
            yield from self._line_sentences(line)

    def _line_sentences(self, line: Span) -> Iterator[Span]:
        text = self.cut(line).rstrip()
        offset, counted, begin = line.start, 0, None
        for match in _SENTENCE.finditer(text):
            begin = match.start() if begin is None else begin
            if match.end() < len(text) and _goes_on(text, begin, match.end()):
                continue
            if _WORD.search(text, begin, match.end()):
                offset, counted = offset + _length(text[counted:begin]), begin
                yield Span(offset, offset + _length(text[begin : match.end()].rstrip()))
            begin = None

    def _offset(self, line: int, column: int) -> int:
        span = self._lines[min(line, len(self._lines)) - 1]
        return min(span.start + column, span.end)

    def _line_spans(self) -> Iterator[Span]:
        start = 0
        for line in self.text.split("\n"):
            end = start + _length(line)
            yield Span(start, end)
            start = end + 1


def _goes_on(text: str, begin: int, end: int) -> bool:
    """The full stop here belongs to a list number or a shortened word."""
    if end - begin <= _LONGEST_MARKER and _MARKER.match(text[begin:end]):
        return True
    return bool(_SHORTENING.search(text[max(begin, end - _LONGEST_MARKER) : end]))


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
