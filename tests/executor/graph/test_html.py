"""Wireframes are safe inside another page."""

from __future__ import annotations

import pytest

from executor.graph.html import framed, is_blank, plain_form, sanitised
from executor.model import Aggregate, Command, Enumeration, EnumerationItem, Field, Language, ReadModel


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<p>Hi</p><script>alert(1)</script>", "<p>Hi</p>"),
        ("<style>body{display:none}</style><p>Hi</p>", "<p>Hi</p>"),
        ('<button onclick="steal()">Go</button>', "<button>Go</button>"),
        ('<a href="javascript:steal()">Go</a>', "Go"),
        ('<img src="http://evil/x.png"><p>Hi</p>', "<p>Hi</p>"),
        ('<iframe src="x"></iframe><p>Hi</p>', "<p>Hi</p>"),
        ('<p style="background-color:url(http://evil)">Hi</p>', "<p>Hi</p>"),
        ('<p style="position:fixed;width:10px">Hi</p>', "<p>Hi</p>"),
        ('<p class="es-row host-page-class">Hi</p>', '<p class="es-row">Hi</p>'),
        ('<p id="app">Hi</p>', "<p>Hi</p>"),
        ('<input type="file"><input type="date">', '<input><input type="date">'),
        ('<form action="http://evil"><input></form>', "<input>"),
        ("<svg><script>alert(1)</script></svg><p>Hi</p>", "<p>Hi</p>"),
        ("<html><body><p>Hi</p></body></html>", "<p>Hi</p>"),
    ],
)
def test_only_what_is_harmless_stays(html: str, safe: str) -> None:
    assert sanitised(html) == safe


def test_harmless_styles_and_controls_stay() -> None:
    html = '<div class="es-row" style="width:50%"><select><option>A</option></select></div>'
    assert sanitised(html) == html


@pytest.mark.parametrize(
    ("html", "blank"), [("", True), ("<div> &nbsp;</div>", True), ("<input>", False), ("a", False)]
)
def test_a_screen_that_shows_nothing_is_noticed(html: str, blank: bool) -> None:
    assert is_blank(html) is blank


def test_a_frame_brings_its_own_rules_and_they_reach_only_inside() -> None:
    html = framed("<p>Hi</p>")
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    assert all(
        selector.startswith(".es-frame")
        for rule in style.split("}")[:-1]
        for selector in rule.split("{")[0].split(",")
    )


AGGREGATE = Aggregate(
    name="Loan",
    fields=(Field(name="loanId", type="Long", is_key=True), Field(name="<b>", type="Kind")),
    enumerations=(Enumeration(name="Kind", items=(EnumerationItem(value="SHORT"),)),),
)


def test_a_plain_form_has_a_control_per_field_and_escapes_names() -> None:
    form = plain_form(Command(name="MakeLoan", fields=AGGREGATE.fields), AGGREGATE, Language.ENGLISH)
    assert form.count("<input") == 1
    assert "<option>SHORT</option>" in form
    assert "<b>" not in form
    assert sanitised(form) == form


def test_a_plain_screen_of_a_read_model_shows_a_table() -> None:
    form = plain_form(ReadModel(name="Loans", alias="대출 목록"), AGGREGATE, Language.KOREAN)
    assert "<table>" in form
    assert "조회" in form
    assert sanitised(form) == form
