"""Reads `CREATE TABLE` statements, their keys and comments; other statements make nothing. Understands what databases write, not SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from devkit.rules import naming
from devkit.rules.facts import Field, Place, Table, Term

_NAME = r"[`\"\[]?\w+[`\"\]]?(?:\s*\.\s*[`\"\[]?\w+[`\"\]]?){0,2}"
_BEGIN = re.compile(
    rf"\bcreate\s+(?:global\s+|temporary\s+|unlogged\s+)*table\s+(?:if\s+not\s+exists\s+)?(?P<name>{_NAME})\s*(?=\(|$)",
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
    rf"\bcomment\s+on\s+(?:table\s+(?P<table>{_NAME})|column\s+(?P<of>[^']+)\.(?P<column>[^'.]+?))\s+is\s+N?'(?P<said>[^']*)'",
    re.IGNORECASE,
)
_OWN_COMMENT = re.compile(r"\bcomment\s*=?\s*'([^']*)'", re.IGNORECASE)
_COLUMN = re.compile(r"[`\"\[]?(?P<name>[A-Za-z_]\w*)[`\"\]]?\s+[`\"\[]?(?P<type>[A-Za-z]+)")
_REFERENCE = re.compile(rf"references\s+({_NAME})", re.IGNORECASE)
_KEY = re.compile(r"\bprimary\s+key\b\s*(?:(?:non)?clustered\s*)?(?:\(([^)]*)\))?", re.IGNORECASE)
_NOT_COLUMN = re.compile(
    r"(?:constraint|primary|foreign|unique|key|index|check|fulltext|spatial|period|exclude)\b(?!\s+(?:varchar|text|int))",
    re.IGNORECASE,
)
_CHECKED = re.compile(r"check\s*\(+\s*[`\"\[]?(\w+)", re.IGNORECASE)
_IN = re.compile(r"(?:\bin|enum|any)\s*\(+\s*(?:array\s*\[)?([^)\]]*)", re.IGNORECASE)
_QUOTED = re.compile(r"'[^'\n]*'")
_REMARK = re.compile(r"('[^'\n]*')|--.*")
_ENDED = re.compile(r"\s*(?:GO|USE|PRINT|PROMPT|COMMIT|--|/\*.*\*/)")
_TYPES = {
    "Long": r"bigint|bigserial|long",
    "Integer": r"(?:int|integer|smallint|serial|mediumint|number)\b",
    "Boolean": r"bool|boolean|bit|tinyint",
    "BigDecimal": r"decimal|numeric|money",
    "Double": r"float|double|real",
    "Date": r"date|time|timestamp",
}
_LONGEST = 200  # lines of a statement that nothing ends


def tables(numbered: Sequence[tuple[int, str]]) -> tuple[list[Table], set[int]]:
    """The tables of a text and the lines that are SQL."""
    found: dict[str, Table] = {}
    taken: set[int] = set()
    for position, (number, line) in enumerate(numbered):
        begin = _BEGIN.search(line)
        if number in taken or not (begin or _OTHER.match(line)):
            continue
        rest = numbered[position : position + _LONGEST]
        table = _table(rest, begin) if begin else None
        if begin and table:
            found.setdefault(_last(begin["name"]), table)
        last = table.last_line if table else _end(rest)
        said = {n: line for n, line in rest if n <= last}
        if not table:
            _concerning(" ".join(said.values()), found)
        taken.update(said)
    return list(found.values()), taken


def _end(rest: Sequence[tuple[int, str]]) -> int:
    """The last line of a statement that is no table: it ends with a semicolon, or before a blank line or the next statement."""
    for before, (number, line) in zip((rest[0], *rest), rest, strict=False):
        if number > rest[0][0] and (not line.strip() or _BEGIN.search(line) or _OTHER.match(line)):
            return before[0]
        if line.rstrip().endswith(";") or _ENDED.match(line):
            return number
    return rest[-1][0]


def _concerning(statement: str, found: dict[str, Table]) -> None:
    """What a statement adds to a table that was made before: a comment, a key, a reference."""
    for said in _COMMENT.finditer(statement):
        name = _last(said["table"] or said["of"])
        if name in found:
            found[name] = _commented(found[name], _last(said["column"] or ""), said["said"].strip())
    altered = _ALTER.search(statement)
    if altered and (table := found.get(_last(altered["name"]))):
        keys = _keys(altered["rest"])
        columns = tuple(replace(c, key=c.key or c.name.lower() in keys) for c in table.columns)
        references = tuple(dict.fromkeys((*table.references, *_references(altered["rest"]))))
        found[_last(altered["name"])] = replace(table, columns=columns, references=references)


def _commented(table: Table, column: str, said: str) -> Table:
    if said and not column:
        return replace(table, term=Term(table.term.name, said))
    columns = (replace(c, alias=said) if said and c.name.lower() == column else c for c in table.columns)
    return replace(table, columns=tuple(columns))


def _table(rest: Sequence[tuple[int, str]], begin: re.Match[str]) -> Table | None:
    """The table that begins so, unless nothing is between its brackets."""
    code = _REMARK.sub(lambda found: found[1] or "", "\n".join(line for _, line in rest)[begin.end() :])
    plain = _QUOTED.sub(lambda found: "'" * len(found[0]), code)
    depths = list(accumulate((sign == "(") - (sign == ")") for sign in plain))
    end = next((at for at, sign in enumerate(plain) if sign in ");" and depths[at] < 1), len(plain))
    cuts = [plain.find("("), *(at for at in range(end) if plain[at] == "," and depths[at] == 1), end]
    pieces = [code[before + 1 : after].strip() for before, after in pairwise(cuts)]
    said = _OWN_COMMENT.search(code[end:].partition("\n")[0])
    table = Table(
        place=Place(rest[0][0], begin[0].strip()),
        last_line=rest[code.count("\n", 0, end)][0],
        term=_term(begin["name"]),
        columns=tuple(_columns(pieces)),
        references=tuple(dict.fromkeys(_references(code[:end]))),
    )
    return _commented(table, "", said[1].strip() if said else "") if pieces[0] else None


def _last(name: str) -> str:
    """The name without its schema, as tables and columns are found by."""
    return name.split(".")[-1].strip(' `"[]').lower()


def _term(name: str) -> Term:
    first, *words = naming.parts(name.split(".")[-1]) or ("table",)
    *before, last = words if words and first in ("tb", "tbl", "t") else (first, *words)
    said = " ".join((*before, naming.singular(last)))
    return Term(naming.pascal(said), naming.title(said))


def _references(code: str) -> list[str]:
    return [_term(name).name for name in _REFERENCE.findall(code)]


def _keys(code: str) -> set[str]:
    """The columns of a primary key that is named apart from them."""
    found = _KEY.search(code)
    said = found[1] or "" if found else ""
    return {_last(key.split()[0]) for key in said.split(",") if key.strip()}


def _columns(pieces: Sequence[str]) -> Iterator[Field]:
    keys = {key for piece in pieces for key in _keys(piece)}
    apart = [piece for piece in pieces if _NOT_COLUMN.match(piece)]
    checks = {found[1].lower(): piece for piece in apart if (found := _CHECKED.search(piece))}
    for piece in pieces:
        found = _COLUMN.match(piece)
        if found is None or piece in apart:
            continue
        name, said = found["name"].lower(), _OWN_COMMENT.search(piece)
        code = piece[: said.start()] if said else piece
        listed = _IN.search(code) or _IN.search(checks.get(name, ""))
        values = re.findall(r"'([^']*)'", listed[1]) if listed else ()
        yield Field(
            name=found["name"],
            type=next(
                (java for java, sql in _TYPES.items() if re.match(sql, found["type"].lower())), "String"
            ),
            key=name in keys or bool(_KEY.search(code)),
            choices=tuple(filter(None, map(naming.upper_snake, values))),
            alias=said[1].strip() if said else "",
        )
