"""Answers with wireframes: a form for a command, a table or a card for a read model. Plain HTML, nothing that runs."""

from __future__ import annotations

from html import escape
from typing import Any

from devkit.rules import asked, naming
from devkit.rules.asked import Blocks
from devkit.rules.behaviour import example
from executor.graph.answers import ScreenAnswer, ScreensAnswer

_STYLE = (
    "<style>.wf{font-family:sans-serif;max-width:420px;padding:16px;border:1px solid #ccc;border-radius:6px}"
    ".wf h3{margin:0 0 12px}.wf label{display:block;margin:8px 0 2px;font-size:13px}"
    ".wf input,.wf select{width:100%;padding:6px;box-sizing:border-box}"
    ".wf table{width:100%;border-collapse:collapse;font-size:13px}.wf td,.wf th{border:1px solid #ccc;padding:4px 6px;text-align:left}"
    ".wf button{margin-top:12px;padding:8px 16px}</style>"
)
_INPUTS = {
    "Long": "number",
    "Integer": "number",
    "Double": "number",
    "BigDecimal": "number",
    "Date": "date",
    "Boolean": "checkbox",
}


def screens(blocks: Blocks) -> ScreensAnswer:
    """One wireframe for every command and read model."""
    given = blocks.get("aggregate")
    aggregate: dict[str, Any] = given if isinstance(given, dict) else {}
    items = {
        str(e.get("name")): [str(item) for item in e.get("items") or []]
        for e in asked.listed(aggregate.get("enumerations"))
    }
    korean = asked.korean(blocks)
    forms = [_screen(one, _form(one, items, korean=korean)) for one in asked.listed(blocks.get("commands"))]
    views = [
        _screen(one, _view(one, aggregate, items, korean=korean))
        for one in asked.listed(blocks.get("read_models"))
    ]
    return ScreensAnswer(screens=[*forms, *views])


def _screen(owner: dict[str, Any], body: str) -> ScreenAnswer:
    heading = escape(str(owner.get("alias") or naming.sentence_case(str(owner.get("name", "")))))
    return ScreenAnswer(
        owner=str(owner.get("name", "")), html=f'{_STYLE}<div class="wf"><h3>{heading}</h3>{body}</div>'
    )


def _form(command: dict[str, Any], items: dict[str, list[str]], *, korean: bool) -> str:
    rows = "".join(
        f"<label>{_label(field)}</label>{_input(field, items)}"
        for field in asked.listed(command.get("fields"))
    )
    return f'{rows}<button type="button">{"확인" if korean else "OK"}</button>'


def _input(field: dict[str, Any], items: dict[str, list[str]]) -> str:
    java = str(field.get("type", "String"))
    if values := items.get(java):
        return f"<select>{''.join(f'<option>{escape(value)}</option>' for value in values)}</select>"
    return f'<input type="{_INPUTS.get(java, "text")}" placeholder="{escape(example(field, items))}">'


def _view(
    view: dict[str, Any], aggregate: dict[str, Any], items: dict[str, list[str]], *, korean: bool
) -> str:
    asks = "".join(
        f"<label>{_label(field)}</label>{_input(field, items)}"
        for field in asked.listed(view.get("parameters"))
    )
    search = f'{asks}<button type="button">{"조회" if korean else "Search"}</button>' if asks else ""
    columns = asked.listed(aggregate.get("fields"))[:6]
    if view.get("multiple"):
        head = "".join(f"<th>{_label(field)}</th>" for field in columns)
        row = "".join(f"<td>{escape(example(field, items))}</td>" for field in columns)
        return f"{search}<table><tr>{head}</tr><tr>{row}</tr></table>"
    rows = "".join(
        f"<tr><th>{_label(field)}</th><td>{escape(example(field, items))}</td></tr>" for field in columns
    )
    return f"{search}<table>{rows}</table>"


def _label(field: dict[str, Any]) -> str:
    return escape(str(field.get("alias") or naming.title(str(field.get("name", "")))))
