"""A catalog for EventCatalog: a domain and a service for each bounded context, its aggregates as entities, its messages, its flow.

Here is what the folder holds, and the project around it; what a page says is in the modules beside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.wall import title_of
from poller.board.words import export_words_for
from poller.exports._format import Format
from poller.exports._schemas import flat
from poller.exports._terms import OF_THE_WHOLE, questions
from poller.exports.eventcatalog.elements import Elements, Ids, language, members
from poller.exports.eventcatalog.flow import Flows
from poller.exports.eventcatalog.page import listed
from poller.resolved import Context, Resolved, resolve

_README: Final = "# EventCatalog\n\nWith Node.js 22: `npm install && npm run dev`, or `npm run build` for a site in `dist`.\n"


def catalog(model: EventStormingModel) -> dict[str, str]:
    """Every file by its path."""
    found = resolve(model)
    return {**dict(_project(found)), **dict(_pages(found))}


def _project(found: Resolved) -> Iterator[tuple[str, str]]:
    """What npm and EventCatalog need beside the catalog."""
    title = ", ".join(flat(title_of(context.message)) for context in found.contexts)[:200] or "EventStorming"
    config = {"cId": str(uuid5(NAMESPACE_URL, title)), "title": title, "organizationName": "EventStorming"}
    package = {
        "private": True,
        "scripts": {"dev": "eventcatalog dev", "build": "eventcatalog build"},
        "dependencies": {"@eventcatalog/core": "^3.48.4"},
    }
    yield "eventcatalog.config.js", f"export default {json.dumps(config, ensure_ascii=False, indent=2)};\n"
    yield "package.json", json.dumps(package, indent=2) + "\n"
    asked = questions(found, named=False)[OF_THE_WHOLE]
    yield "README.md", f"{_README}\n{listed(export_words_for(found.model)['questions'], asked)}\n"


def _pages(found: Resolved) -> Iterator[tuple[str, str]]:
    ids = Ids(found)
    elements, flows = Elements(found, ids), Flows(found, ids)
    for context in found.contexts:
        folder = f"domains/{ids.domains[context.path]}"
        for path, text in _domain(context, ids, elements):
            yield f"{folder}/{path}", text
        yield f"{folder}/flows/{ids.flow(context)}/index.mdx", flows.page(context)
    for system in found.systems:
        yield f"services/{ids.services[system.path]}/index.mdx", elements.system(system)


def _domain(context: Context, ids: Ids, elements: Elements) -> Iterator[tuple[str, str]]:
    service = f"services/{ids.services[context.path]}"
    yield "index.mdx", elements.domain(context)
    yield "ubiquitous-language.mdx", language(context)
    yield f"{service}/index.mdx", elements.service(context)
    for aggregate in context.aggregates:
        yield f"entities/{ids.entities[aggregate.path]}/index.mdx", elements.entity(aggregate)
    for aggregate, kind, member in members(context.aggregates):
        folder = f"{service}/{kind}/{ids.messages[member.path]}"
        yield f"{folder}/index.mdx", elements.message(member)
        yield f"{folder}/schema.json", elements.schema(aggregate, member)


FORMAT = Format(
    title=("EventCatalog", "EventCatalog"),
    file="eventcatalog.zip",
    media_type="application/zip",
    write=catalog,
)
