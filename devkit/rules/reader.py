"""Reads a numbered text into facts: headings, table definitions, lists under a line, sentences in English or Korean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from devkit.rules import ddl, naming, text, verbs
from devkit.rules.analysis import mentions
from devkit.rules.english import English
from devkit.rules.facts import Action, Facts, Heading, Place, Term
from devkit.rules.korean import Korean
from devkit.rules.lexicon import forms, pattern, words
from devkit.rules.text import Line, Sentence

_HANGUL = re.compile(r"[가-힣]")
_CONTINUES, _BEGINS = pattern("list_continues"), pattern("list_begins")
_QUIET = pattern("quiet_title")
"""Headings over what is no behaviour, down to the next heading as high."""
_LABELS = words("english_words.txt", "quiet_label") | words("korean_words.txt", "quiet_label")
_HEADINGS = words("english_words.txt", "quiet_heading") | words("korean_words.txt", "quiet_heading") | _LABELS
_OFF_TOPIC = words("english_words.txt", "technical") | words("english_words.txt", "opinion")
_OFF_TOPIC_KO = re.compile(
    "|".join(words("korean_words.txt", "technical") | words("korean_words.txt", "bidding"))
)
_QUIET_SAID, _UNDECIDED = pattern("quiet_said"), pattern("undecided")
_BIDDING = re.compile("|".join(words("korean_words.txt", "bidding")))
"""In sentences about how a program is built, who may bid for it, what somebody thinks of it."""
_FUNCTIONAL, _GENERIC = pattern("functional_title"), pattern("generic_title")
_SECTION = pattern("section_title")
"""Alone on a line they are headings wherever they stand."""
_QUIET_ROW, _QUIET_LABEL, _ACTOR = pattern("quiet_row"), pattern("quiet_line"), pattern("actor_line")
_SEEN = re.compile(r"(?:조회|확인|열람|볼)\S*\s수\s?있")
"""What somebody can look up is said among what is no behaviour too."""
_VIEWS = pattern("views_title")
_SAID = re.compile(r"\b(?:is|are|has|have|can|may|must|will|shall|you|we|it|they)\b|!$", re.IGNORECASE)
_GLANCE = re.compile(r"(?:[은는을를도])?(?:\s한\s?눈에)?(?:요)?[.!]?$| at a glance\.?$")
SHORT = 12
"""Lines of a text in which everything may be said once."""
_COUNTED = re.compile(r"[A-Z]{1,6}[-_ ]?\d")
_CODE = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]{1,6}[-_ ]?\d+[:.)]?)\s+(?=\S)")
"""What a title is counted by."""
_GLOSS = re.compile(r"(?P<said>[^()]*[가-힣][^()]*?)\s*(?:\(|[-–—]\s)(?P<name>[A-Z][A-Za-z &/-]{2,40})\)?")
"""A title and what its author calls it in English: `정산 (Settlement)`."""
_BOLD = re.compile(r"\s*(?:[-*+]\s+)?(?:\*\*|__)[^*]+(?:\*\*|__)?\s*[:：]?\s*(?:\*\*|__)?\s*")
_ARROW = re.compile(r"^(?P<who>[^→>]{1,30}?)\s*(?:→|->|=>|[:：])\s*(?P<what>[^→>]+)$")
_EXTENSION = re.compile(r"^\s*(?:[-*]\s+)?\*?\d+[a-z]\d?[.):]?\s+\S")
_NAMED = re.compile(
    r"^\s*(?:(?:[-*+]|\d+[.)])\s+)?\*\*(?P<title>[^*]{3,50}?):?\*\*:?\s*[-–—:]?\s*(?P<said>\S.*)$"
)
_SPEAKER = re.compile(
    r"^\s*\*\*(?!(?:given|when|then|and|but|if|while|where|the|as an?|i want|so that)\b)(?P<who>[^*:]{1,20})(?P<end>:\*\*|\*\*:?)\s+(?=\S)",
    re.IGNORECASE,
)
"""Whoever says what follows in an interview or a chat."""
_ITEM_END = re.compile(r"\s+[-–—:]\s+.*$|\s*[:(].*$")


@lru_cache(maxsize=32)
def read(numbered: tuple[tuple[int, str], ...]) -> Facts:
    """The facts of a text; the same text is read once."""
    return _Reader().read(numbered)


class _Reader:
    def __init__(self) -> None:
        self._facts = Facts()
        self._english = English(self._facts)
        self._korean = Korean(self._facts)
        self._actor: Term | None = None
        self._title = 0  # the line of the whole text's title, which silences nothing
        self._quiet_line = 0  # what follows its label
        self._columns: dict[str, int] = {}  # of the table that is being read: who does what, and what follows
        self._titles = 0  # the line of their titles
        self._views = False  # whether what follows are names of look-ups
        self._next_number = -1  # of the line that ends a quiet section
        self._quiet = 0  # the level of the heading over what is no behaviour

    def read(self, numbered: Sequence[tuple[int, str]]) -> Facts:
        self._facts.tables, taken = ddl.tables(numbered)
        spoken = Counter(said["who"] for _, line in numbered if (said := self._speaker(line)))
        lines = [
            line
            for line in (text.line_of(number, self._unspoken(said, spoken)) for number, said in numbered)
            if line.number not in taken and not text.is_fence(line.text)
        ]
        tops = [line.number for line in lines if (text.heading(line.text) or (0,))[0] == 1]
        first = next((line.number for line in lines if line.body), 0)
        self._title = first if tops == [first] else 0
        block: list[Line] = []
        for position, line in enumerate(lines):
            if _number(line) == self._next_number:
                self._quiet = 0
            if self._is_heading(lines, position):
                self._block(block)
                block = []
                self._heading(line)
            elif not self._quiet or _SEEN.search(line.body):
                block.append(line)
        self._block(block)
        if len(lines) >= SHORT:
            self._facts.doubtful = list(_doubtful(self._facts, lines))
            self._facts.actions = [one for one in self._facts.actions if one not in self._facts.doubtful]
        return self._facts

    def _speaker(self, line: str) -> re.Match[str] | None:
        """Who says a line; `**Clerk:** closes the case` says who acts, `**Purpose** ...` is a label."""
        said = _SPEAKER.match(line)
        if said is None or _is_label(said["who"]):
            return None
        acts = ":" in said["end"] and self._language(said["who"]).is_actor(said["who"])
        return None if acts or _ACTOR.match(f"{said['who']}: {said['who']}") else said

    def _unspoken(self, line: str, spoken: Counter[str]) -> str:
        """A line without whoever says it, if he says several."""
        said = self._speaker(line)
        return line[said.end() :] if said and spoken[said["who"]] > 2 else line

    def _language(self, sample: str) -> English | Korean:
        return self._korean if _HANGUL.search(sample) else self._english

    def _is_heading(self, lines: Sequence[Line], position: int) -> bool:
        line = lines[position]
        if text.heading(line.text) or (not line.bullet and _SECTION.fullmatch(line.body.rstrip(" :"))):
            return True
        body = line.body
        if not _title_like(line):
            return False
        before = lines[position - 1] if position else None
        after = lines[position + 1] if position + 1 < len(lines) else None
        below = next((one for one in lines[position + 1 : position + 3] if one.body), line)
        if after and after.number == line.number and _is_label(body):
            return False
        titles = _number(below) == 1 or _is_generic(below.body)
        if _plain(body) in _HEADINGS or (titles and not line.bullet and self._english.unknown(body)):
            return True
        labelled = _ACTOR.match(below.body) or _is_label(below.body)
        if labelled and below is after and not line.bullet and not _is_label(body):
            return True
        alone = before is None or not before.body or bool(text.heading(before.text))
        if not alone or after is None or text.goes_on(line, after):
            return False
        above = next((one for one in reversed(lines[max(position - 2, 0) : position]) if one.body), after)
        listed = any(one is not line and text.is_beside(line, one) for one in (above, below))
        return not listed and not self._language(body).has_verb(body)

    def _heading(self, line: Line) -> None:
        self._forget()
        level, title = text.heading(line.text) or (7, line.body)
        title = text.line_of(line.number, title).body or title
        counted = _COUNTED.match(title)
        title = _CODE.sub("", title)
        gloss = _GLOSS.fullmatch(title) if len(title) < 100 else None
        title = gloss["said"] if gloss else title
        reader = self._language(title)
        term = Term(naming.pascal(gloss["name"]), title) if gloss else reader.heading(title)
        self._views = bool(_VIEWS.match(title))
        known = not _is_generic(gloss["name"]) if gloss else not reader.unknown(title)
        generic = bool(counted) or self._views or _is_generic(title) or not known
        if level <= self._quiet or _FUNCTIONAL.search(title):
            self._quiet = 0 if level < 7 or not line.bullet or _number(line) else self._quiet
        quiet = _is_quiet(title) and line.number != self._title
        if quiet and not self._quiet and (not line.bullet or _number(line)):
            self._quiet = level
            self._next_number = _number(line) + 1 if level == 7 and line.bullet else -1
        self._actor = term if reader.is_actor(title) else None
        place = Place(line.number, title)
        self._facts.headings.append(
            Heading(place=place, level=level, term=term, generic=generic, quiet=quiet)
        )

    def _block(self, lines: list[Line]) -> None:
        """Sentences; a line that ends with a colon is read together with the bullets below it."""
        lines = text.rejoined(lines)
        plain: list[Line] = []
        i = 0
        quiet_row = False
        named = [found["title"] for line in lines if (found := _NAMED.match(line.text))]
        cases = any(map(self._english.unknown, named))  # a list of use cases, by their names
        while i < len(lines):
            line = lines[i]
            row = text.cells(line.text)
            titles = _columns(row)
            if titles or (line.body and not row):
                self._columns, self._titles = titles, line.number
            quiet_row = self._is_quiet_row(line, row, before=quiet_row)
            skipped = quiet_row or self._label(lines, i) or text.is_ruler(line.text)
            items = _items(lines, i + 1) if line.body.endswith((":", "：")) else []
            i += len(items) + 1
            case = _NAMED.match(line.text) if cases else None
            if not skipped and (items or row or case):
                self._sentences(plain)
                plain = []
            if items and not skipped:
                self._list(line, items)
            elif not skipped and row:
                self._row(line, row)
            elif not skipped and case:
                self._named(line, case["title"], case["said"])
            elif not skipped:
                plain.append(line)
        self._sentences(plain)

    def _is_quiet_row(self, line: Line, row: Sequence[str], *, before: bool) -> bool:
        """Whether a row of a table says nothing of behaviour, as the row `before` which it may go on."""
        if len(row) == 2 and row[0] and self._label([text.line_of(line.number, ": ".join(row))], 0):
            return True
        if row and (row[0] or len(row) > 2):
            return any(_QUIET_ROW.match(cell) for cell in row[:3])
        return before and bool(line.body)

    def _named(self, line: Line, title: str, said: str) -> None:
        """`**Cancel an order** - The guest ...`: the name says what is done, where what follows it does not."""
        self._sentences([replace(line, text=said, body=said.strip())])
        done = {
            one.verb.partition("_")[0] for one in self._facts.every_action() if one.place.line == line.number
        }
        verb, *rest = title.split()
        if rest and verbs.as_form(verb, "base") and verb.lower() not in done:
            self._sentences([replace(line, body=" ".join(("It must be possible to", verb.lower(), *rest)))])

    def _sentences(self, lines: Sequence[Line]) -> None:
        by_number = {line.number: line for line in reversed(lines)}
        begins = {after.number for before, after in pairwise(lines) if not before.body}
        for sentence in text.sentences(lines):
            if sentence.pieces[0][1] in begins:
                begins.remove(sentence.pieces[0][1])
                for reader in (self._english, self._korean):
                    reader.turn()
            if not _is_off_topic(sentence.text):
                self._said(sentence, by_number[sentence.pieces[0][1]])
            elif sentence.text.endswith("?"):
                self._views = bool(_VIEWS.match(sentence.text))
                self._english.asked(sentence.text)

    def _said(self, sentence: Sentence, line: Line) -> None:
        """One sentence; `2a. The card is refused: ...` is a condition, `Clerk -> Close the case` has its actor before the arrow."""
        if _EXTENSION.match(line.text) and ": " in sentence.text:
            before, _, rest = sentence.text.partition(": ")
            sentence = replace(sentence, text=before + ", " + rest)
            if not _HANGUL.search(before) and not before.lower().startswith(("if ", "when ")):
                sentence = replace(sentence, text="If " + sentence.text)
        reader, actor = self._language(sentence.text), self._actor
        if (given := _ARROW.match(sentence.text)) and reader.is_actor(given["who"]):
            sentence, actor = replace(sentence, text=given["what"]), reader.heading(given["who"])
        if self._views and not _SAID.search(sentence.text) and not reader.has_verb(sentence.text):
            sentence = replace(sentence, text=reader.doing("", _GLANCE.sub("", sentence.text), seen=True))
        reader.sentence(sentence, actor)

    def _label(self, lines: Sequence[Line], i: int) -> bool:
        """Whether a line only says what the next one is about: a role acts there, a condition is none of its behaviour."""
        line = lines[i]
        if acting := _ACTOR.match(line.body):
            self._actor = self._language(acting["who"]).heading(acting["who"])
            return True
        if line.number == self._quiet_line:
            return True
        titled = i + 1 < len(lines) and lines[i + 1].number == line.number and not text.cells(line.text)
        if (titled or ":" in line.body) and _is_label(line.body):
            self._quiet_line = line.number
            return True
        if not titled or len(line.body) > 30 or line.body[-1:] in ".!?다":
            return False
        reader = self._language(line.body)
        if reader.is_actor(line.body):
            self._actor = reader.heading(line.body)
        return True

    def _forget(self) -> None:
        for reader in (self._english, self._korean):
            reader.forget()

    def _row(self, line: Line, row: Sequence[str]) -> None:
        """The sentences of a row; its titles only where it has none."""
        self._forget()
        if self._columns and line.number != self._titles:
            self._process(line, {role: row[i] for role, i in self._columns.items() if i < len(row)})
            return
        said = [cell for cell in row if cell.endswith((".", "다", "요", "함", "음"))]
        for cell in "<br>".join(said or row).split("<br>"):
            if len(cell.split()) > 2:
                self._sentences([replace(text.line_of(line.number, cell), bullet=True)])

    def _process(self, line: Line, said: Mapping[str, str]) -> None:
        """A row that says who does what and what follows; `passed: ...; failed: ...` are conditions of what follows."""

        def sentence(cell: str) -> Sentence:
            return Sentence(cell, ((0, line.number, len(cell)), (len(cell), self._titles, 0)), True)

        who, begun = said.get("who", ""), len(self._facts.actions)
        for does in filter(None, (said.get("does"), said.get("sees"))):
            reader = self._language(does)
            actor = reader.heading(who) if reader.is_actor(who) else None
            reader.sentence(sentence(reader.doing(who, does, seen=does == said.get("sees"))), actor)
        causes = self._facts.actions[begun:]
        for part in filter(None, said.get("then", "").split(";")):
            condition, _, what = part.strip().rpartition(":")
            reader, since = self._language(what), self._facts.so_far()
            reader.sentence(sentence(what.strip()))
            reader.led(sentence(what.strip()), causes[:1], since, condition.strip())

    def _list(self, intro: Line, items: Sequence[Line]) -> None:
        head = intro.body.rstrip(":： ")
        reader = self._language(head)
        if _CONTINUES.search(head) or _BEGINS.match(head):
            between = " " if _CONTINUES.search(head) else ", "
            for item in items:
                reader.sentence(_joined(Line(intro.number, head, head, True), [item], between), self._actor)
        elif (titled := _BOLD.fullmatch(intro.text) and reader.has_verb(head)) or any(
            reader.has_verb(item.body) for item in items
        ):
            for one in items if titled else (intro, *items):
                self._sentences([one])
        else:
            reader.sentence(_joined(Line(intro.number, head, head, True), items), self._actor)


def _doubtful(facts: Facts, lines: Sequence[Line]) -> Iterator[Action]:
    """What nobody does and nothing follows from, to something that the text names nowhere else, or not even there: words may have
    been misread."""
    often = Counter(one.thing.name for one in facts.every_action())
    for action in (one for one in facts.actions if one.kind == "update" and one.actor is None):
        thing = action.thing
        if (often[thing.name] == 1 and sum(mentions(line.text, thing) for line in lines) < 2) or not _names(
            action.place.quote, thing
        ):
            yield action


def _names(quote: str, thing: Term) -> bool:
    """Whether words speak of a thing, as one or as many."""
    *_, last = thing.alias.lower().split() or [""]
    return last in quote.lower() or naming.plural(last) in quote.lower()


def _columns(row: Sequence[str]) -> dict[str, int]:
    """Where a table says who does what, or what follows: by its titles."""
    named = {
        role: i
        for i, cell in enumerate(row)
        for title, role in forms("column")
        if title.fullmatch(cell.strip("* "))
    }
    return named if len(named) > 1 else {}


def _is_label(body: str) -> bool:
    """`Preconditions: ...`, before or on the line of what is no behaviour."""
    title = body.partition(":")[0].strip()
    return bool(_QUIET_LABEL.fullmatch(title)) or _plain(title) in _LABELS


def _number(line: Line) -> int:
    """Of a numbered line."""
    found = line.bullet and re.match(r"\s*(\d{1,2})[.)]\s", line.text)
    return int(found[1]) if found else 0


def _title_like(line: Line) -> bool:
    """Headings begin with a capital or Hangul, are a few words and end like no sentence."""
    body = line.body
    if (
        not body
        or len(body) > 60
        or len(body.split()) > 8
        or body[-1] in ".!?:;,。|"
        or text.cells(line.text)
    ):
        return False
    return body[0].isupper() or bool(_HANGUL.match(body)) or body[0].isdigit()


@lru_cache(maxsize=2048)
def _is_off_topic(text: str) -> bool:
    if text.endswith("?") or not _OFF_TOPIC.isdisjoint(re.findall(r"[a-z][\w-]*", text.lower())):
        return True
    if _QUIET_SAID.search(text) or _UNDECIDED.search(text):
        return True
    return bool(_HANGUL.search(text) and _OFF_TOPIC_KO.search(text))


def _is_quiet(title: str) -> bool:
    return _plain(title) in _HEADINGS or bool(
        _QUIET.search(title) or _BIDDING.search(title.replace("제안요청", ""))
    )


def _plain(title: str) -> str:
    return re.sub(r"[\W_]+", "_", title.lower()).strip("_")


def _is_generic(title: str) -> bool:
    """A heading that says what kind of text follows, not of what area."""
    if _GENERIC.search(title) or _is_quiet(title):
        return True
    generic = words("english_words.txt", "generic_heading") | words("korean_words.txt", "generic_heading")
    parts = re.findall(r"[^\W_]+(?:-\w+)*", title.lower())
    return all(part in generic or part.isdigit() or part in ("and", "of", "the", "및") for part in parts)


def _items(lines: Sequence[Line], start: int) -> list[Line]:
    found: list[Line] = []
    for line in lines[start:]:
        if not line.bullet or not line.body:
            break
        found.append(line)
    return found


def _joined(intro: Line, items: Sequence[Line], before: str = "") -> Sentence:
    """One sentence from a line and what it lists, or from a line and what goes on with it (`before` stands in between); each
    piece keeps its own line."""
    joined, pieces = intro.body, [(0, intro.number, len(intro.body))]
    for number, item in enumerate(items):
        body = item.body.rstrip(".;,") if before else _ITEM_END.sub("", item.body).rstrip(".;,")
        joined += (before or (", " if number else " ")) + body
        pieces.append((len(joined) - len(body), item.number, len(body)))
    return Sentence(joined, tuple(pieces), True)
