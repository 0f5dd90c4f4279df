"""Wireframes as HTML that is safe inside another page: a sketch says what stands where, this module alone writes tags.

A sketch is a list of rows: `# heading`, a field's name (`field = example`), `| a | b |` for a row of a table under the read
model's columns, `! note`, `[button]`; anything else is plain text. The frame brings its own styles, which reach only inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from executor.graph.identifiers import title
from executor.model import Aggregate, Command, Field, Language, ReadModel, loose

_STYLE: Final = (
    "<style>"
    ".es-frame{font:13px/1.5 sans-serif;color:#222;background:#fff;padding:12px}"
    ".es-frame .es-title{font-size:16px;font-weight:600}"
    ".es-frame h4{margin:10px 0 2px;font-size:13px}"
    ".es-frame label{display:block;margin:6px 0}"
    ".es-frame .es-muted{color:#666}"
    ".es-frame input,.es-frame select,.es-frame button{border:1px solid #bbb;padding:4px}"
    ".es-frame .es-primary{background:#1976d2;color:#fff}"
    ".es-frame table{border-collapse:collapse}"
    ".es-frame td,.es-frame th{border-bottom:1px solid #ddd;padding:4px;text-align:left}"
    "</style>"
)
_INPUTS: Final = {
    "Boolean": "checkbox",
    "Date": "date",
    **dict.fromkeys(("Long", "Integer", "Double", "BigDecimal"), "number"),
}


def drawn(rows: Iterable[str], owner: Command | ReadModel, aggregate: Aggregate, language: Language) -> str:
    """The sketch of a command or read model as a fragment in its frame."""
    drawing = _Drawing(owner, aggregate)
    body = "".join(map(drawing.row, rows))
    if not drawing.button and isinstance(owner, Command):
        body += _button(owner.alias or title(owner.name))
    elif not drawing.button and owner_fields(owner):
        body += _button(language.pick("Search", "조회"))
    heading = f'<div class="es-title">{escape(owner.alias or title(owner.name))}</div>'
    return f'{_STYLE}<div class="es-frame">{heading}{body}{drawing.table()}</div>'


def plain_rows(owner: Command | ReadModel, aggregate: Aggregate) -> tuple[str, ...]:
    """The sketch that fields alone make, for an owner that nobody sketched."""
    fields = tuple(field.name for field in owner_fields(owner))
    return fields if isinstance(owner, Command) else (*fields, f"|{'…|' * len(_columns(owner, aggregate))}")


def owner_fields(owner: Command | ReadModel) -> tuple[Field, ...]:
    """What its actor fills in."""
    return owner.fields if isinstance(owner, Command) else owner.parameters


def _columns(owner: ReadModel, aggregate: Aggregate) -> Sequence[Field]:
    return owner.columns or aggregate.fields[:6]


class _Drawing:
    """One screen; rows of a table are collected and stand at the end."""

    def __init__(self, owner: Command | ReadModel, aggregate: Aggregate) -> None:
        self._columns = _columns(owner, aggregate) if isinstance(owner, ReadModel) else ()
        every = (
            *owner_fields(owner),
            *aggregate.fields,
            *(f for part in aggregate.value_objects for f in part.fields),
        )
        self._fields: Mapping[str, Field] = {loose(f.name): f for f in reversed(every)}
        self._parts = {part.name: part.fields for part in aggregate.value_objects}
        self._items = {e.name: e.items for e in aggregate.enumerations}
        self._rows: list[list[str]] = []
        self.button = False

    def row(self, row: str) -> str:
        sign, rest = row[:1], row[1:].strip()
        if sign == "|":
            self._rows.append([cell.strip() for cell in rest.strip("|").split("|")])
            return ""
        if sign == "#":
            return f"<h4>{escape(rest)}</h4>"
        if sign == "!":
            return f'<p class="es-muted">{escape(rest)}</p>'
        if sign == "[" and row.endswith("]"):
            return self._pressed(row[1:-1])
        name, _, value = (part.strip() for part in row.partition("="))
        field = self._fields.get(loose(name))
        return self._control(field, value) if field else f"<p>{escape(row)}</p>"

    def _pressed(self, label: str) -> str:
        first, self.button = not self.button, True
        return _button(label, "es-primary" if first else "es-muted")

    def _control(self, field: Field, value: str) -> str:
        if parts := self._parts.get(field.type):
            inner = "".join(self._input(part, "") for part in parts if part.type not in self._parts)
            return f"<h4>{_label(field)}</h4>{inner}"
        return self._input(field, value)

    def _input(self, field: Field, value: str) -> str:
        if items := self._items.get(field.type):
            options = "".join(f"<option>{escape(item.alias or item.value)}</option>" for item in items)
            return f"<label>{_label(field)} <select>{options}</select></label>"
        hint = f' placeholder="{escape(value)}"' if value else ""
        return f'<label>{_label(field)} <input type="{_INPUTS.get(field.type, "text")}"{hint}></label>'

    def table(self) -> str:
        """The collected rows under their columns."""
        if not self._rows:
            return ""
        head = "".join(f"<th>{_label(field)}</th>" for field in self._columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self._rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _button(label: str, look: str = "es-primary") -> str:
    return f'<p><button type="button" class="{look}">{escape(label.strip())}</button></p>'


def _label(field: Field) -> str:
    return escape(field.alias or title(field.name))
