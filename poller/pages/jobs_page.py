"""The page that lists jobs, and the page that says one sentence. Both carry no data of any job in their markup."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from poller.board.html import document
from poller.board.text import escaped
from poller.pages.words import WORDS

_BODY = """<header class="bar"><h1 data-word="title"></h1><button id="new" class="new" data-word="newBoard"></button>
<span id="counts" role="status"></span><span class="lost" id="lost" role="alert" hidden></span>
<label class="search"><input id="filter" type="search" data-word-placeholder="filter" data-word-label="filter"></label>
<select id="state" data-word-label="state"></select>
<button id="language"></button><button id="theme" data-word-label="theme">◐</button></header>
<main><div id="list" role="table" data-word-label="title"><div role="rowgroup"><div class="row head" role="row">
<span role="columnheader" data-word="position"></span><span role="columnheader" data-word="state"></span>
<span role="columnheader" data-word="job"></span><span role="columnheader" data-word="progress"></span>
<span role="columnheader" data-word="age"></span><span role="columnheader" data-word="attempts"></span>
<span role="columnheader" data-word-label="actions"></span></div></div>
<div id="rows" tabindex="0" role="rowgroup"><div id="space" role="presentation"></div></div></div>
<p id="none" hidden data-word="none"></p></main>
<dialog id="ask"><form method="dialog"><p id="question"></p><menu><button value="no" data-word="no"></button>
<button value="yes" id="yes"></button></menu></form></dialog>
<dialog id="make" aria-labelledby="make-title"><form method="dialog"><h2 id="make-title" data-word="newBoard"></h2>
<p id="hint" data-word="newHint"></p>
<textarea id="text" rows="14" dir="auto" aria-describedby="hint" data-word-label="requirements"></textarea>
<p id="read" role="status"></p>
<menu><label class="button"><span data-word="chooseFile"></span><input id="file" type="file" accept=".md,.txt,.docx,.pdf,text/plain,text/markdown,application/pdf"></label>
<button value="no" data-word="cancel"></button><button type="button" id="start" class="new" data-word="start"></button></menu></form></dialog>
<p id="said" role="alert" hidden></p>"""


@cache
def jobs_page() -> str:
    """The list's document; its rows come as events."""
    return document(
        language="en",
        title=WORDS["en"]["title"],
        style=_asset("jobs.css"),
        body=_BODY,
        contents={"words": WORDS},
        scripts=[_asset("jobs.js")],
        fetches=True,
    )


def message_page(sentence: str) -> str:
    """A document that says this, with a link to the list."""
    body = f'<main class="message"><p>{escaped(sentence)}</p><p><a href="/jobs">← {WORDS["en"]["title"]}</a></p></main>'
    style = _asset("jobs.css")
    return document(language="en", title="EventStorming", style=style, body=body, contents={}, scripts=[])


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
