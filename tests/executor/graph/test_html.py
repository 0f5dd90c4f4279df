"""Wireframes are safe inside another page, whatever the sketch says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.graph.html import drawn, plain_rows
from executor.model import (
    Aggregate,
    Command,
    Enumeration,
    EnumerationItem,
    Field,
    Language,
    ReadModel,
    ValueObject,
)

AGGREGATE = Aggregate(
    name="Loan",
    fields=(Field(name="loanId", type="Long", is_key=True), Field(name="kind", type="Kind", alias="<b>")),
    value_objects=(ValueObject(name="Period", fields=(Field(name="start", type="Date", alias="From"),)),),
    enumerations=(Enumeration(name="Kind", items=(EnumerationItem(value="SHORT", alias="short one"),)),),
)
MAKE = Command(
    name="MakeLoan", fields=(*AGGREGATE.fields, Field(name="period", type="Period", alias="Period"))
)
LIST = ReadModel(
    name="Loans",
    alias="대출 목록",
    columns=(Field(name="loanId", type="Long"), Field(name="due", type="Date", alias="Due")),
)
TAGS = {"style", "div", "h4", "p", "label", "input", "select", "option", "button"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"class", "type", "placeholder"}


def sketch(*rows: str, owner: Command | ReadModel = MAKE) -> str:
    return drawn(rows, owner, AGGREGATE, Language.ENGLISH)


@given(st.lists(st.text(st.sampled_from("<>\"'=#!|[]&;/ onclickscript:url(x)loanId")), max_size=6))
def test_whatever_a_row_says_only_our_tags_and_attributes_come_of_it(rows: list[str]) -> None:
    for owner in (MAKE, LIST):
        html = sketch(*rows, owner=owner)
        assert {tag.casefold() for tag in re.findall(r"</?([^\s<>/]+)", html)} <= TAGS
        inside = [re.sub(r'"[^"]*"', '""', tag) for tag in re.findall(r"<\w+([^>]*)>", html)]
        assert {name for tag in inside for name in re.findall(r"([^\s=]+)=", tag)} <= ATTRIBUTES


@pytest.mark.parametrize(
    ("row", "html"),
    [
        ("loanId=4711", '<label>Loan id <input type="number" placeholder="4711"></label>'),
        ("Loan_ID", '<label>Loan id <input type="number"></label>'),
        ("kind", "<label>&lt;b&gt; <select><option>short one</option></select></label>"),
        ("period", '<h4>Period</h4><label>From <input type="date"></label>'),
        ("# Who & what", "<h4>Who &amp; what</h4>"),
        ("! Two weeks <at most>", '<p class="es-muted">Two weeks &lt;at most&gt;</p>'),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
    ],
)
def test_a_row_is_drawn_as_what_it_is(row: str, html: str) -> None:
    assert html in sketch(row)


def test_the_first_button_is_the_main_one_and_a_form_always_has_one() -> None:
    html = sketch("[Lend]", "[Cancel]")
    assert html.index('class="es-primary">Lend') < html.index('class="es-muted">Cancel')
    assert 'class="es-primary">Make loan</button>' in sketch("loanId")


def test_rows_of_a_table_stand_under_the_columns() -> None:
    html = sketch("| 1 | 2030-01-01 |", "| 2 | 2030-01-02 |", owner=LIST)
    assert "<tr><th>Loan id</th><th>Due</th></tr>" in html
    assert "<tr><td>1</td><td>2030-01-01</td></tr><tr><td>2</td>" in html
    assert "대출 목록" in html


def test_a_screen_that_nobody_sketched_shows_every_field_and_column() -> None:
    assert sketch(*plain_rows(MAKE, AGGREGATE)).count("<label>") == 3
    assert "<td>…</td><td>…</td>" in sketch(*plain_rows(LIST, AGGREGATE), owner=LIST)


def test_a_frame_brings_its_own_rules_and_they_reach_only_inside() -> None:
    html = sketch("loanId")
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    assert all(
        selector.startswith(".es-frame")
        for rule in style.split("}")[:-1]
        for selector in rule.split("{")[0].split(",")
    )
