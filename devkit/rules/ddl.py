"""Reads `CREATE TABLE` statements, their keys and comments; other statements make nothing. Understands what databases write, not SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from devkit.rules import naming
from devkit.rules.facts import Column, Place, Table, Term

_NAME = r"[`\"\[]?\w+[`\"\]]?(?:\s*\.\s*[`\"\[]?\w+[`\"\]]?){0,2}"
_BEGIN = re.compile(
    rf"\bcreate\s+(?:global\s+|temporary\s+|unlogged\s+)*table\s+(?:if\s+not\s+exists\s+)?(?P<name>{_NAME})\s*(?=\(|as\b|$)",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\s*(?:(?:GO|COMMIT|ROLLBACK|BEGIN|END|USE|PRINT|PROMPT|SET|EXEC|DECLARE|SELECT|INSERT|UPDATE|DELETE|TRUNCATE|GRANT|REVOKE|DROP|ALTER"
    r"|COMMENT|CREATE|LOCK|UNLOCK|DELIMITER|DUMP|SPOOL|CALL|ANALYZE|VACUUM)\b(?![^A-Z'\[;(]*\.\s*$)"
    r"|(?i:create\s+(?:or\s+replace\s+|unique\s+|materialized\s+)*(?:view|index|sequence|trigger|procedure|function)\s+\S+\s+(?:as|on|start|before|after)\b)"
    r"|(?i:drop|alter|create|comment\s+on|grant|revoke|insert\s+into|delete\s+from|select|use|set|update)\b.*;\s*$|--(?!.*\w[.다]\s*$)|/\*|\*/|\#\s*-)"
)
_ALTER = re.compile(
    rf"\balter\s+table\s+(?:only\s+|if\s+exists\s+)*(?P<name>{_NAME})\s+(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_COMMENT = re.compile(
    rf"\bcomment\s+on\s+(?P<what>table|column)\s+(?P<name>{_NAME})\s+is\s+N?'(?P<said>[^']*)'", re.IGNORECASE
)
_OWN_COMMENT = re.compile(r"\bcomment\s*=?\s*'([^']*)'", re.IGNORECASE)
_COLUMN = re.compile(r"^[`\"\[]?(?P<name>[A-Za-z_]\w*)[`\"\]]?\s+[`\"\[]?(?P<type>[A-Za-z]+)")
_REFERENCE = re.compile(rf"references\s+({_NAME})", re.IGNORECASE)
_KEY = re.compile(
    r"(?:^|\s)(?:constraint\s+\S+\s+)?primary\s+key\s*(?:(?:non)?clustered\s*)?\(([^)]*)\)", re.IGNORECASE
)
_NOT_COLUMNS = re.compile(
    r"^(?:constraint|primary|foreign|unique|key|index|check|fulltext|spatial|period|exclude)\b(?!\s+(?:varchar|text|int))",
    re.IGNORECASE,
)
_IN = re.compile(r"(?:\bin|enum|any)\s*\(+\s*(?:array\s*\[)?([^)\]]*)", re.IGNORECASE)
_TYPES = (
    (re.compile(r"^(?:bigint|bigserial|long)", re.IGNORECASE), "Long"),
    (re.compile(r"^(?:int|integer|smallint|serial|mediumint|number)\b", re.IGNORECASE), "Integer"),
    (re.compile(r"^(?:bool|boolean|bit|tinyint)", re.IGNORECASE), "Boolean"),
    (re.compile(r"^(?:decimal|numeric|money)", re.IGNORECASE), "BigDecimal"),
    (re.compile(r"^(?:float|double|real)", re.IGNORECASE), "Double"),
    (re.compile(r"^(?:date|time|timestamp)", re.IGNORECASE), "Date"),
)  # fmt: skip
_LONGEST = 200  # lines of a statement that nothing ends


def tables(numbered: Sequence[tuple[int, str]]) -> tuple[list[Table], set[int]]:
    """The tables of a text and the lines that are SQL."""
    found: dict[str, Table] = {}
    taken: set[int] = set()
    position = 0
    while position < len(numbered):
        number, line = numbered[position]
        begin = _BEGIN.search(line)
        if begin is None and not _OTHER.match(line):
            position += 1
            continue
        last = _end(numbered, position)
        if begin is None:
            _concerning(" ".join(line for _, line in numbered[position : last + 1]), found)
        elif not re.match(r"\s*as\b", line[begin.end() :], re.IGNORECASE):
            pieces, tail, end = _body(numbered, position, begin.end())
            if pieces[0][1]:
                last, place = end, Place(number, begin[0].strip())
                table = _table(begin["name"], place, pieces, tail, numbered[last][0])
                found.setdefault(_last(begin["name"]), table)
        taken |= {number for number, _ in numbered[position : last + 1]}
        position = last + 1
    return list(found.values()), taken


def java_type(sql: str) -> str:
    return next((name for pattern, name in _TYPES if pattern.match(sql)), "String")


def _end(numbered: Sequence[tuple[int, str]], first: int) -> int:
    """Where a statement ends that is no table: at a semicolon, or before a blank line or the next statement."""
    for position in range(first, min(first + _LONGEST, len(numbered))):
        line = numbered[position][1]
        if position > first and (not line.strip() or _BEGIN.search(line) or _OTHER.match(line)):
            return position - 1
        if line.rstrip().endswith(";") or re.match(r"\s*(?:GO|USE|PRINT|PROMPT|COMMIT|--|/\*.*\*/)", line):
            return position
    return min(first + _LONGEST, len(numbered)) - 1


def _concerning(statement: str, found: dict[str, Table]) -> None:
    """What a statement adds to a table that was made before: a comment, a key, a reference."""
    for said in _COMMENT.finditer(statement):
        name, _, column = said["name"].rpartition(".")
        if said["what"].lower() == "table":
            name, column = said["name"], ""
        if table := found.get(_last(name)):
            found[_last(name)] = _commented(table, _last(column), said["said"])
    altered = _ALTER.search(statement)
    if altered and (table := found.get(_last(altered["name"]))):
        keys = set(_key_columns(altered["rest"]))
        columns = tuple(replace(c, key=c.key or c.name.lower() in keys) for c in table.columns)
        targets = [_term(name).name for name in _REFERENCE.findall(altered["rest"])]
        found[_last(altered["name"])] = replace(
            table, columns=columns, references=tuple(dict.fromkeys((*table.references, *targets)))
        )


def _commented(table: Table, column: str, said: str) -> Table:
    if not said.strip():
        return table
    if not column:
        return replace(table, term=Term(table.term.name, said.strip()))
    columns = tuple(replace(c, alias=said.strip()) if c.name.lower() == column else c for c in table.columns)
    return replace(table, columns=columns)


def _body(
    numbered: Sequence[tuple[int, str]], first: int, offset: int
) -> tuple[list[tuple[int, str]], str, int]:
    """The comma-separated pieces between the outer brackets, each with its line; what comes after; where the statement ends."""
    depth, piece, start, quoted = 0, "", numbered[first][0], False
    pieces: list[tuple[int, str]] = []
    for position in range(first, min(first + _LONGEST, len(numbered))):
        number, line = numbered[position]
        code = line[offset:] if position == first else line
        for at, character in enumerate(code):
            if character == "-" and code[at : at + 2] == "--" and not quoted:
                break
            quoted = quoted != (character == "'")
            depth += 0 if quoted else (character == "(") - (character == ")")
            if depth <= 0 and character in ");" and not quoted:
                return [*pieces, (start, piece.strip())], code[at + 1 :], position
            if character == "," and depth == 1 and not quoted:
                pieces.append((start, piece.strip()))
                piece, start = "", number
            elif piece.strip() or not (character.isspace() or character == "("):
                start = start if piece.strip() else number
                piece += character
        piece += " " if piece else ""
    return [*pieces, (start, piece.strip())], "", min(first + _LONGEST - 1, len(numbered) - 1)


def _table(name: str, place: Place, pieces: Sequence[tuple[int, str]], tail: str, last_line: int) -> Table:
    keys = {key for _, piece in pieces for key in _key_columns(piece)}
    columns = tuple(_columns(pieces, keys))
    targets = [_term(found).name for _, piece in pieces for found in _REFERENCE.findall(piece)]
    table = Table(
        place=place,
        last_line=last_line,
        term=_term(name),
        columns=columns,
        references=tuple(dict.fromkeys(targets)),
    )
    said = _OWN_COMMENT.search(tail)
    return _commented(table, "", said[1]) if said else table


def _last(name: str) -> str:
    """The name without its schema, as tables and columns are found by."""
    return name.split(".")[-1].strip(' `"[]').lower()


def _term(name: str) -> Term:
    words = naming.parts(name.split(".")[-1].strip(' `"[]'))
    words = words[1:] if len(words) > 1 and words[0] in ("tb", "tbl", "t") else words
    words = (*words[:-1], naming.singular(words[-1])) if words else ("table",)
    return Term(naming.pascal("_".join(words)), naming.title(" ".join(words)))


def _key_columns(piece: str) -> list[str]:
    found = _KEY.search(piece)
    return [_last(key.split()[0]) for key in found[1].split(",") if key.strip()] if found else []


def _columns(pieces: Sequence[tuple[int, str]], keys: set[str]) -> Iterator[Column]:
    checks = {
        found[1].lower(): piece
        for _, piece in pieces
        if _NOT_COLUMNS.match(piece)
        and (found := re.search(r"check\s*\(+\s*[`\"\[]?(\w+)", piece, re.IGNORECASE))
    }
    for line, piece in pieces:
        found = _COLUMN.match(piece)
        if found is None or _NOT_COLUMNS.match(piece):
            continue
        said = _OWN_COMMENT.search(piece)
        code = piece[: said.start()] if said else piece
        listed = _IN.search(code) or _IN.search(checks.get(found["name"].lower(), ""))
        values = re.findall(r"'([^']*)'", listed[1]) if listed else ()
        yield Column(
            place=Place(line, found[0]),
            name=found["name"],
            type=java_type(found["type"]),
            key=found["name"].lower() in keys or bool(re.search(r"primary\s+key", code, re.IGNORECASE)),
            choices=tuple(filter(None, map(naming.upper_snake, values))),
            alias=said[1].strip() if said else "",
        )
