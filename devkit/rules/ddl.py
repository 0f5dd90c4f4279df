"""Reads `CREATE TABLE` statements: columns, types, keys, references. Understands what common databases write, not SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from devkit.rules import naming
from devkit.rules.facts import Column, Place, Table, Term

_BEGIN = re.compile(r"create\s+table\s+(?:if\s+not\s+exists\s+)?(?P<name>[\w.`\"\[\]]+)\s*\(?", re.IGNORECASE)
_COLUMN = re.compile(r"^[`\"\[]?(?P<name>[A-Za-z_]\w*)[`\"\]]?\s+(?P<type>[A-Za-z]+)", re.IGNORECASE)
_REFERENCE = re.compile(r"references\s+[`\"\[]?(?:\w+\.)?(\w+)", re.IGNORECASE)
_KEY = re.compile(r"^(?:constraint\s+\S+\s+)?primary\s+key\s*\(([^)]*)\)", re.IGNORECASE)
_NOT_COLUMNS = re.compile(
    r"^(?:constraint|primary|foreign|unique|key|index|check|fulltext)\b(?!\s+(?:varchar|text|int))",
    re.IGNORECASE,
)
_IN = re.compile(r"(?:\bin|enum)\s*\(([^)]*)\)", re.IGNORECASE)
_TYPES = (
    (re.compile(r"^(?:bigint|bigserial|long)", re.IGNORECASE), "Long"),
    (re.compile(r"^(?:int|integer|smallint|serial|mediumint|number)\b", re.IGNORECASE), "Integer"),
    (re.compile(r"^(?:bool|boolean|bit|tinyint)", re.IGNORECASE), "Boolean"),
    (re.compile(r"^(?:decimal|numeric|money)", re.IGNORECASE), "BigDecimal"),
    (re.compile(r"^(?:float|double|real)", re.IGNORECASE), "Double"),
    (re.compile(r"^(?:date|time|timestamp)", re.IGNORECASE), "Date"),
)  # fmt: skip


def tables(numbered: Sequence[tuple[int, str]]) -> tuple[list[Table], set[int]]:
    """The tables of a text and the lines they take up."""
    found: list[Table] = []
    taken: set[int] = set()
    position = 0
    while position < len(numbered):
        begin = _BEGIN.search(numbered[position][1])
        if begin is None:
            position += 1
            continue
        pieces, last = _body(numbered, position, begin.end(), opened=begin[0].endswith("("))
        table = _table(
            begin["name"], Place(numbered[position][0], begin[0].rstrip("( ")), pieces, numbered[last][0]
        )
        found.append(table)
        taken |= {number for number, _ in numbered[position : last + 1]}
        position = last + 1
    return found, taken


def java_type(sql: str) -> str:
    return next((name for pattern, name in _TYPES if pattern.match(sql)), "String")


def _body(
    numbered: Sequence[tuple[int, str]], first: int, offset: int, *, opened: bool
) -> tuple[list[tuple[int, str]], int]:
    """The comma-separated pieces between the outer brackets, each with its line, and where the statement ends."""
    depth, piece, start = (1 if opened else 0), "", numbered[first][0]
    pieces: list[tuple[int, str]] = []
    for position in range(first, min(first + 200, len(numbered))):
        number, line = numbered[position]
        code = (line[offset:] if position == first else line).split("--")[0]
        for character in code:
            depth += (character == "(") - (character == ")")
            if depth <= 0 and character in ");":
                return [*pieces, (start, piece.strip())], position
            if character == "," and depth == 1:
                pieces.append((start, piece.strip()))
                piece, start = "", number
            elif piece.strip() or not character.isspace():
                start = start if piece.strip() else number
                piece += character
        piece += " " if piece else ""
    return [*pieces, (start, piece.strip())], min(first + 199, len(numbered) - 1)


def _table(name: str, place: Place, pieces: Sequence[tuple[int, str]], last_line: int) -> Table:
    words = naming.parts(name.split(".")[-1].strip('`"[]'))
    words = words[1:] if len(words) > 1 and words[0] in ("tb", "tbl", "t") else words
    words = [*words[:-1], naming.singular(words[-1])] if words else ["table"]
    keys = {key for _, piece in pieces for key in _key_columns(piece)}
    columns = tuple(_columns(pieces, keys))
    targets = [found for _, piece in pieces for found in _REFERENCE.findall(piece)]
    references = tuple(
        dict.fromkeys(
            naming.pascal("_".join([*naming.parts(t)[:-1], naming.singular(naming.parts(t)[-1])]))
            for t in targets
            if naming.parts(t)
        )
    )
    term = Term(naming.pascal("_".join(words)), naming.title(" ".join(words)))
    return Table(place=place, last_line=last_line, term=term, columns=columns, references=references)


def _key_columns(piece: str) -> list[str]:
    found = _KEY.match(piece)
    return [key.strip(' `"[]').lower() for key in found[1].split(",")] if found else []


def _columns(pieces: Sequence[tuple[int, str]], keys: set[str]) -> Iterator[Column]:
    for line, piece in pieces:
        found = _COLUMN.match(piece)
        if found is None or _NOT_COLUMNS.match(piece):
            continue
        listed = _IN.search(piece)
        values = (
            tuple(naming.upper_snake(value) for value in re.findall(r"'([^']*)'", listed[1]))
            if listed
            else ()
        )
        key = found["name"].lower() in keys or bool(re.search(r"primary\s+key", piece, re.IGNORECASE))
        yield Column(
            place=Place(line, found[0]),
            name=found["name"],
            type=java_type(found["type"]),
            key=key,
            choices=tuple(v for v in values if v),
        )
