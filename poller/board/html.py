"""The board as one page that works from disk: no request leaves it, and nothing a model says can run in it."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from eventstorming.v1.model_pb2 import EventStormingModel
from google.protobuf.json_format import MessageToDict

from .layout import lay_out
from .svg import draw
from .text import escaped
from .trace import Trace, trace
from .wall import Wall, wall_of
from .words import words_for


def render_html(model: EventStormingModel) -> str:
    """One self-contained document, in the language of the model."""
    wall = wall_of(model)
    words = words_for(model)
    style, script = _asset("page.css"), _asset("page.js")
    layout = lay_out(wall)
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="{words["lang"]}">',
            '<head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escaped(words['title'])}</title>",
            f"<style>{style}</style></head>",
            "<body>",
            *_frame(words, draw(wall, layout, words)),
            f'<script id="board" type="application/json">{_embedded(_contents(model, wall, words))}</script>',
            f"<script>{script}</script>",
            "</body></html>",
            "",
        )
    )


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Only our own script runs and nothing is fetched; wireframes inherit this and are sandboxed besides."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:;"
        " font-src data:; base-uri 'none'; form-action 'none'"
    )


def _embedded(contents: Mapping[str, Any]) -> str:
    """JSON that cannot end its script element, whatever the model says."""
    text = json.dumps(contents, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8", "replace").decode()


def _contents(model: EventStormingModel, wall: Wall, words: Mapping[str, str]) -> dict[str, Any]:
    found = trace(model, wall)
    named = MessageToDict(model)
    return {
        "words": dict(words),
        "model": named,
        "areas": [{"id": area.id, "title": area.title} for area in wall.areas],
        "stickers": [
            {
                "id": sticker.id,
                "kind": sticker.kind,
                "name": sticker.name,
                "alias": sticker.alias.strip(),
                "path": list(sticker.path),
                "owner": sticker.owner,
                "text": sticker.text,
                "spans": [[span.start, span.end] for span in found.spans.get(sticker.id, ())],
            }
            for sticker in wall.stickers
        ],
        "arrows": [[arrow.tie, arrow.start, arrow.end] for arrow in wall.arrows],
        **_requirements(found),
    }


def _requirements(found: Trace) -> dict[str, Any]:
    return {
        "texts": dict(found.texts),
        "sentences": [
            {
                "text": each.text,
                "start": each.span.start,
                "end": each.span.end,
                "stickers": list(each.stickers),
            }
            for each in found.sentences
        ],
    }


def _frame(words: Mapping[str, str], svg: str) -> Iterator[str]:
    w = {key: escaped(value) for key, value in words.items()}
    yield '<header class="bar" role="toolbar">'
    yield f'<button id="toggle-source" aria-pressed="true" title="{w["requirements"]} (R)">{_ICONS["text"]}<span>{w["requirements"]}</span></button>'
    yield f"<h1>{w['title']}</h1>"
    yield f'<label class="search">{_ICONS["find"]}<input id="search" type="search" placeholder="{w["search"]}" aria-label="{w["search"]}"><output id="hits"></output></label>'
    for name, icon, key in (
        ("zoom-out", "minus", "zoomOut"),
        ("zoom-in", "plus", "zoomIn"),
        ("fit", "fit", "fit"),
    ):
        yield f'<button id="{name}" title="{w[key]}" aria-label="{w[key]}">{_ICONS[icon]}</button>'
    yield '<output id="scale">100%</output>'
    yield f'<button id="theme" title="{w["theme"]} (T)" aria-label="{w["theme"]}">{_ICONS["theme"]}</button>'
    yield f'<button id="help" title="{w["help"]} (?)" aria-label="{w["help"]}">?</button>'
    yield "</header>"
    yield f'<main><aside id="source" aria-label="{w["requirements"]}"></aside>'
    yield f'<section id="view" tabindex="-1" aria-label="{w["title"]}"><div id="wall">{svg}</div></section>'
    yield f'<aside id="panel" aria-label="{w["details"]}" hidden></aside></main>'
    yield f'<dialog id="keys"><form method="dialog"><h2>{w["help"]}</h2><pre>{w["helpText"]}</pre><button>{w["close"]}</button></form></dialog>'


def _icon(path: str) -> str:
    return f'<svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d="{path}" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"/></svg>'


_ICONS = {
    "text": _icon("M4 5h12M4 9h12M4 13h8"),
    "find": _icon("M9 4a5 5 0 1 0 0 10a5 5 0 1 0 0-10M13 13l4 4"),
    "minus": _icon("M4 10h12"),
    "plus": _icon("M4 10h12M10 4v12"),
    "fit": _icon("M4 7V4h3M13 4h3v3M16 13v3h-3M7 16H4v-3"),
    "theme": _icon("M15.5 12A6.5 6.5 0 0 1 8 4.5A6.5 6.5 0 1 0 15.5 12"),
}
