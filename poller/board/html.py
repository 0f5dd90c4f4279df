"""The board as one page: from disk no request leaves it, live it follows a job; nothing a model says can run in it."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from eventstorming.v1.model_pb2 import EventStormingModel
from google.protobuf.json_format import MessageToDict

from .layout import lay_out
from .svg import draw
from .text import escaped, one_line
from .trace import Trace, trace
from .wall import Wall, wall_of
from .words import words_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Where a page that grows gets its news, and where the list of jobs is; paths of the server it came from."""

    events: str
    jobs: str
    shown: str
    """Which state of the model the page shows, as the events name it."""


def render_html(model: EventStormingModel, *, live: Live | None = None) -> str:
    """One self-contained document, in the language of the model; with `live` it also follows a job."""
    wall = wall_of(model)
    words = words_for(model)
    contents = _contents(model, wall, words)
    scripts = [asset("page.js")]
    if live:
        contents["live"] = {"events": live.events, "shown": live.shown}
        scripts.append(asset("live.js"))
    title = _title(model) or words["title"]
    frame = _frame(words, title, draw(wall, lay_out(wall), words), live)
    return document(
        language=words["lang"],
        title=title,
        style=asset("page.css"),
        body="\n".join(frame),
        contents={"board": contents},
        scripts=scripts,
        fetches=live is not None,
    )


def render_wall(model: EventStormingModel) -> str:
    """What a live page loads when the model has grown: its picture and its contents, as JSON."""
    wall = wall_of(model)
    words = words_for(model)
    contents = _contents(model, wall, words)
    del contents["words"]
    grown = {"picture": draw(wall, lay_out(wall), words), "board": contents}
    return _whole(json.dumps(grown, ensure_ascii=False, separators=(",", ":")))


def document(
    *,
    language: str,
    title: str,
    style: str,
    body: str,
    contents: Mapping[str, Mapping[str, Any]],
    scripts: Sequence[str],
    fetches: bool = False,
) -> str:
    """A page whose own scripts alone may run, on data that is only ever read as JSON. `body` is markup, made by us.

    `fetches` lets it talk to the server it came from; otherwise it asks nobody for anything.
    """
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="{language}">',
            '<head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy(scripts, fetches=fetches)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escaped(title)}</title>",
            f"<style>{style}</style></head>",
            "<body>",
            body,
            *(
                f'<script id="{name}" type="application/json">{_embedded(value)}</script>'
                for name, value in contents.items()
            ),
            *(f"<script>{script}</script>" for script in scripts),
            "</body></html>",
            "",
        )
    )


def asset(name: str) -> str:
    """A file beside this module."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def policy(scripts: Sequence[str], *, fetches: bool = False) -> str:
    """Only these scripts run; wireframes inherit this and are sandboxed besides."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    connect = " connect-src 'self';" if fetches else ""
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; font-src data:;"
        f"{connect} base-uri 'none'; form-action 'none'"
    )


def _embedded(contents: Mapping[str, Any]) -> str:
    """JSON that cannot end its script element, whatever the model says."""
    text = json.dumps(contents, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return _whole(text)


def _whole(text: str) -> str:
    """Half a surrogate pair cannot travel."""
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


def _title(model: EventStormingModel) -> str:
    """What people know the text by: its first line that says something."""
    lines = (one_line(line).lstrip("#*-=_> ").rstrip() for line in model.source_text[:2000].splitlines())
    return next((line for line in lines if line), "")[:80]


def _frame(words: Mapping[str, str], title: str, svg: str, live: Live | None) -> Iterator[str]:
    w = {key: escaped(value) for key, value in words.items()}
    yield '<header class="bar" role="toolbar">'
    if live:
        yield f'<a class="button" href="{escaped(live.jobs)}">← {w["jobs"]}</a>'
    yield f'<button id="toggle-source" aria-pressed="true" title="{w["requirements"]} (R)">{_ICONS["text"]}<span>{w["requirements"]}</span></button>'
    yield f'<h1 dir="auto">{escaped(title)}</h1>'
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
    if live:
        yield '<div class="live" id="live" role="status"><span class="state" id="state"></span><progress id="progress" hidden></progress>'
        yield '<span class="last" id="last"></span><span class="lost" id="lost" hidden></span>'
        yield f'<button id="toggle-log" aria-pressed="false" title="{w["log"]} (L)">{w["log"]}</button></div>'
    yield f'<main><aside id="source" aria-label="{w["requirements"]}"></aside>'
    yield f'<section id="view" tabindex="-1" aria-label="{w["title"]}"><div id="wall">{svg}</div><canvas id="map" aria-hidden="true" hidden></canvas></section>'
    yield f'<aside id="panel" aria-label="{w["details"]}" hidden></aside>'
    if live:
        yield f'<section id="log" aria-label="{w["log"]}" hidden><ol></ol></section>'
    yield "</main>"
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
