"""The board as one page: from disk no request leaves it, live it follows a job; nothing a model says can run in it."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from string import Template
from typing import Any

from eventstorming.v1.model_pb2 import EventStormingModel
from google.protobuf.json_format import MessageToDict

from .layout import lay_out
from .svg import draw, render_timeline
from .text import escaped, one_line
from .timeline import lay_out_in_time
from .trace import Trace, trace
from .wall import Wall, id_of, title_of, wall_of
from .words import words_for

_LIVE_ONLY = re.compile(r"<!--live-->.*?<!--/live-->", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Where a page that grows gets its news, where the list of jobs is, what tries a failed job again, what
    makes a new job of a changed board; paths of its server."""

    events: str
    jobs: str
    retry: str
    revise: str
    shown: str
    """Which state of the model the page shows, as the events name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """The model in another format, in the page's menu: as text, or where its server gives it."""

    label: str
    file: str
    media_type: str = ""
    text: str = ""
    href: str = ""


def render_html(model: EventStormingModel, *, live: Live | None = None, along: Sequence[Along] = ()) -> str:
    """One self-contained document, in the language of the model; with `live` it also follows a job."""
    picture, contents = _drawn(model)
    words = words_for(model)
    scripts = [asset("page.js")]
    contents["words"] = words
    contents["along"] = [asdict(each) for each in along]
    if live:
        contents["live"] = asdict(live)
        scripts += [asset("live.js"), asset("edit.js")]
    else:
        contents["inTime"] = render_timeline(model)
    title = _title(model) or words["title"]
    return document(
        language=words["lang"],
        title=title,
        style=asset("page.css"),
        body=_body(words, title, picture, live),
        contents={"board": contents},
        scripts=scripts,
        fetches=live is not None,
    )


def render_wall(model: EventStormingModel, *, in_time: bool = False) -> str:
    """What a live page loads when the model has grown: its picture and its contents, as JSON."""
    picture, contents = _drawn(model, in_time=in_time)
    return _whole(_json({"picture": picture, "board": contents}))


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
    read = [
        f'<script id="{name}" type="application/json">{_embedded(value)}</script>'
        for name, value in contents.items()
    ]
    return Template(asset("document.html")).substitute(
        language=language,
        policy=policy(scripts, fetches=fetches),
        title=escaped(title),
        style=style,
        body=body,
        scripts="\n".join([*read, *(f"<script>{script}</script>" for script in scripts)]),
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
    text = _json(contents)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return _whole(text)


def _json(contents: Mapping[str, Any]) -> str:
    return json.dumps(contents, ensure_ascii=False, separators=(",", ":"))


def _whole(text: str) -> str:
    """Half a surrogate pair cannot travel."""
    return text.encode("utf-8", "replace").decode()


def _body(words: Mapping[str, str], title: str, picture: str, live: Live | None) -> str:
    template = asset("board.html")
    return Template(template if live else _LIVE_ONLY.sub("", template)).substitute(
        {key: escaped(word) for key, word in words.items()},
        heading=escaped(title),
        picture=picture,
        jobs_path=escaped(live.jobs) if live else "",
    )


def _drawn(model: EventStormingModel, *, in_time: bool = False) -> tuple[str, dict[str, Any]]:
    """The picture of the wall, and what the page's script knows of it."""
    wall = wall_of(model)
    layout = lay_out_in_time(wall) if in_time else lay_out(wall)
    return draw(wall, layout, words_for(model)), _contents(wall)


def _contents(wall: Wall) -> dict[str, Any]:
    traced = trace(wall)
    areas = {
        sticker.id: id_of(aggregate.context)
        for aggregate in wall.found.aggregates
        for sticker in wall.bands[id_of(aggregate)]
    }
    return {
        "model": MessageToDict(wall.found.model),
        "areas": [
            {"id": id_of(context), "title": title_of(context.message)} for context in wall.found.contexts
        ],
        "stickers": [
            {
                "id": sticker.id,
                "kind": sticker.kind,
                "name": sticker.name,
                "alias": sticker.alias.strip(),
                "path": sticker.path,
                "owner": sticker.owner,
                "area": areas.get(sticker.id, sticker.owner),
                "text": sticker.text,
                "spans": [(span.start, span.end) for span in traced.spans.get(sticker.id, ())],
            }
            for sticker in wall.stickers
        ],
        "arrows": [(arrow.tie, arrow.start, arrow.end) for arrow in wall.arrows],
        **_requirements(traced),
    }


def _requirements(traced: Trace) -> dict[str, Any]:
    return {
        "texts": {key: units.text for key, units in traced.units.items()},
        "sentences": [
            {
                "text": each.text,
                "start": each.span.start,
                "end": each.span.end,
                "stickers": each.stickers,
                "uncovered": each.uncovered,
            }
            for each in traced.sentences
        ],
    }


def _title(model: EventStormingModel) -> str:
    """What people know the text by: its first line that says something."""
    lines = (one_line(line).lstrip("#*-=_> ").rstrip() for line in model.source_text[:2000].splitlines())
    return next((line for line in lines if line), "")[:80]
