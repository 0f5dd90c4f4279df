"""The model for other tools. Each format is one module of this package, named like the format, with a `FORMAT` in it;
`names` is the one list of them: command line, JobService and the board's menu take theirs from here.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from json import dumps, loads  # the package has a module of the name json
from pkgutil import iter_modules

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.exports._format import Document, Format

__all__ = ["MSAEZ", "Document", "Format", "export", "format_of", "names", "sourced"]

MSAEZ, CANVAS = "msaez", "esvalue.json"
"""What the canvas reads. The database has it; no model alone says it."""


@cache
def names() -> tuple[str, ...]:
    """In alphabetical order. Imports none of them."""
    found = [module.name for module in iter_modules(__path__) if not module.name.startswith("_")]
    return tuple(sorted([*found, MSAEZ]))


def format_of(name: str) -> Format:
    """One of `names`."""
    found: Format = import_module(f"{__name__}.{name}").FORMAT
    return found


def export(name: str, model: EventStormingModel, *, esvalue: str = "") -> Document:
    """The model in one of `names`, its source text where the format has room. `esvalue` is the text for MSAEZ."""
    if name == MSAEZ:
        text = dumps(loads(esvalue), ensure_ascii=False, indent=1)
        return Document(file=CANVAS, media_type="application/json", texts={CANVAS: text}, folder=False)
    form = format_of(name)
    written = form.write(model)
    one = isinstance(written, str)
    texts = {form.file: written} if isinstance(written, str) else written
    return Document(file=form.file, media_type=form.media_type, texts=texts, folder=not one)


def sourced(model: EventStormingModel, text: str) -> EventStormingModel:
    """A copy that carries the text it was made from, which no view of a job does."""
    whole = EventStormingModel()
    whole.CopyFrom(model)
    whole.source_text = text
    return whole
