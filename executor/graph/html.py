"""Wireframe HTML that is safe inside another page: the library strips, this module says what may stay.

A <style> block of the language model could restyle the page around it, so none is kept: the frame brings its own, with
rules that reach only inside the frame, and elements carry known classes and harmless inline styles.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

import nh3

from executor.graph.identifiers import title
from executor.model import Aggregate, Command, Field, Language, ReadModel

CLASSES: Final = (
    "es-row",
    "es-card",
    "es-title",
    "es-label",
    "es-primary",
    "es-muted",
    "es-actions",
    "es-badge",
)

_TAGS: Final = {
    *("div", "span", "p", "section", "header", "footer", "h1", "h2", "h3", "h4", "h5", "strong", "em", "small", "b", "i"),
    *("ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "hr", "br"),
    *("label", "input", "select", "option", "textarea", "button", "fieldset", "legend"),
}  # fmt: skip
_ATTRIBUTES: Final = {
    "*": {"class", "style", "title"},
    "input": {"type", "placeholder", "value", "checked", "disabled", "readonly"},
    "textarea": {"placeholder", "rows", "disabled", "readonly"},
    "select": {"disabled"},
    "option": {"selected", "value"},
    "button": {"type", "disabled"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_STYLES: Final = {
    *("color", "background-color", "border", "border-radius", "border-bottom", "border-top", "border-color"),
    *("padding", "padding-top", "padding-bottom", "padding-left", "padding-right"),
    *("margin", "margin-top", "margin-bottom", "margin-left", "margin-right"),
    *("width", "min-width", "max-width", "height", "text-align", "font-size", "font-weight", "font-style", "line-height"),
    *("display", "flex", "flex-direction", "flex-wrap", "gap", "align-items", "justify-content"),
    *("grid-template-columns", "vertical-align", "white-space", "border-collapse"),
}  # fmt: skip
_INPUTS: Final = (
    "text",
    "number",
    "date",
    "time",
    "email",
    "tel",
    "search",
    "checkbox",
    "radio",
    "range",
    "datetime-local",
)
_UNSAFE_STYLE: Final = re.compile(
    r"[\\@<>{}]|url|expression|image|var\s*\(|fixed|absolute|sticky|/\*", re.IGNORECASE
)
_STYLE: Final = (
    "<style>"
    ".es-frame{font:13px/1.5 sans-serif;color:#222;background:#fff;padding:12px}"
    ".es-frame .es-title{font-size:16px;font-weight:600}"
    ".es-frame .es-row,.es-frame label{display:block;margin:6px 0}"
    ".es-frame .es-muted{color:#666}"
    ".es-frame .es-card{border:1px solid #ddd;padding:8px;margin:6px 0}"
    ".es-frame input,.es-frame select,.es-frame textarea,.es-frame button{border:1px solid #bbb;padding:4px}"
    ".es-frame .es-primary{background:#1976d2;color:#fff}"
    ".es-frame .es-badge{background:#eee}"
    ".es-frame td,.es-frame th{border-bottom:1px solid #ddd;padding:4px}"
    "</style>"
)


def sanitised(html: str) -> str:
    """What is safe of it: no script, handler, style block, link, image or other resource."""
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style", "title", "noscript", "iframe", "svg", "math", "template"},
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        filter_style_properties=_STYLES,
        url_schemes=set(),
        link_rel=None,
    ).strip()


def _attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        return " ".join(name for name in value.split() if name in CLASSES) or None
    if attribute == "style":
        return None if _UNSAFE_STYLE.search(value) else value
    if attribute == "type":
        return value if (tag == "button" and value == "button") or value in _INPUTS else None
    return value


def is_blank(html: str) -> bool:
    """Whether it shows neither text nor a control."""
    return not re.sub(r"<[^>]*>|&nbsp;|\s", "", html) and not re.search(
        r"<(input|select|textarea|button|table)", html
    )


def framed(html: str) -> str:
    """A safe fragment in the frame whose style block it may use."""
    return f'{_STYLE}<div class="es-frame">{html}</div>'


def plain_form(owner: Command | ReadModel, aggregate: Aggregate, language: Language) -> str:
    """A form made from the fields, for an owner that nobody drew."""
    heading = f'<div class="es-title">{escape(owner.alias or title(owner.name))}</div>'
    if isinstance(owner, Command):
        fields = "".join(_input(field, aggregate) for field in owner.fields)
        button = language.pick("Submit", "실행")
        return f'{heading}{fields}<div class="es-row"><button class="es-primary">{button}</button></div>'
    search = "".join(_input(field, aggregate) for field in owner.parameters)
    columns = "".join(f"<th>{_label(field)}</th>" for field in aggregate.fields[:6])
    cells = "<td>…</td>" * len(aggregate.fields[:6])
    button = language.pick("Search", "조회")
    return (
        f'{heading}{search}<div class="es-row"><button class="es-primary">{button}</button></div>'
        f"<table><thead><tr>{columns}</tr></thead><tbody><tr>{cells}</tr></tbody></table>"
    )


def _input(field: Field, aggregate: Aggregate) -> str:
    items = next((e.items for e in aggregate.enumerations if e.name == field.type), ())
    if items:
        options = "".join(f"<option>{escape(item.value)}</option>" for item in items)
        return f"<label>{_label(field)} <select>{options}</select></label>"
    kind = {"Boolean": "checkbox", "Date": "date"}.get(field.type)
    kind = kind or ("number" if field.type in ("Long", "Integer", "Double", "BigDecimal") else "text")
    return f'<label>{_label(field)} <input type="{kind}"></label>'


def _label(field: Field) -> str:
    return escape(field.alias or title(field.name))
