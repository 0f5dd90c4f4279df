"""Whole generations with a scripted chat."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from executor.errors import NothingUsable
from executor.graph.given import DraftContext, GraphInput
from executor.graph.prompt import read_blocks
from executor.graph.question import Answer, Question, Unusable
from executor.graph.run import Finished, Preview, Progress, RunEvent, Snapshot, generate
from executor.graph.state import STEPS
from executor.graph.text import PROMPT_UNITS
from executor.model import EventStormingModel, Language, Note
from tests.executor.graph.inputs import asked_for, draft, requirements
from tests.executor.graph.places import places_of
from tests.executor.graph.scripted import RULES, Rule, ScriptedChat, jitter
from tests.executor.invariants import findings


def rule(step: str) -> Rule:
    found = RULES[step]
    assert callable(found)
    return found


BOTH = pytest.mark.parametrize(
    "input", [requirements(), draft(), draft(Language.KOREAN)], ids=["text", "draft", "ko"]
)


async def events_of(input: GraphInput, chat: ScriptedChat | None = None) -> list[RunEvent]:
    return [event async for event in generate(input, chat or ScriptedChat())]


def model_of(events: Sequence[RunEvent]) -> EventStormingModel:
    last = events[-1]
    assert isinstance(last, Finished)
    return last.model


def messages(events: Sequence[RunEvent]) -> list[str]:
    return [event.message for event in events if isinstance(event, Note)]


@BOTH
async def test_a_generation_ends_with_a_model_without_findings(input: GraphInput) -> None:
    model = model_of(await events_of(input))
    assert findings(model, *asked_for(input, model)) == ()


@pytest.mark.parametrize(("input", "total"), [(requirements(), 11), (draft(), 8)])
async def test_progress_starts_at_once_grows_and_ends_with_the_total(input: GraphInput, total: int) -> None:
    seen = [event for event in await events_of(input) if isinstance(event, Progress)]
    currents = [progress.current for progress in seen]
    assert currents[0] == 1
    assert currents[-1] == total
    assert currents == sorted(set(currents))
    assert {progress.total for progress in seen} == {total}


async def test_progress_is_the_first_event_and_comes_before_any_question() -> None:
    chat = ScriptedChat()
    run = generate(requirements(), chat)
    assert isinstance(await anext(run), Progress)
    assert chat.asked == []
    await run.aclose()


@BOTH
async def test_what_a_snapshot_shows_never_disappears_and_keeps_its_ordinal(input: GraphInput) -> None:
    events = await events_of(input, ScriptedChat(delay=jitter(3)))
    models = [event.model for event in events if isinstance(event, Snapshot | Finished)]
    assert len(models) > 10
    for before, after in pairwise(models):
        assert places_of(before).items() <= places_of(after).items()
        assert findings(before, finished=False) == ()


async def test_requested_names_and_attributes_are_literal() -> None:
    model = model_of(await events_of(draft()))
    loan = model.aggregates[0]
    assert "borrowBook" in {c.name for c in loan.commands}
    assert "책빌림" in {e.name for a in model.aggregates for e in a.events}
    assert {"My Loans", "CreateLoan"} <= {r.name for a in model.aggregates for r in a.read_models}
    assert {"dueDate", "회원명"} <= {f.name for f in loan.fields}


async def test_aggregates_of_one_name_in_two_contexts_become_two() -> None:
    names = [a.name for a in model_of(await events_of(draft())).aggregates]
    assert names == ["Loan", "Member", "Book", "CatalogMember", "BillingThing"]


async def test_of_two_that_refer_to_each_other_the_later_keeps_the_reference_and_the_user_is_told() -> None:
    events = await events_of(draft())
    kept = {(r.from_aggregate, r.to_aggregate): r.fields for r in model_of(events).references}
    assert kept["Book", "Loan"] == ("mainLoanId",)
    assert ("Loan", "Book") not in kept
    assert any("Loan and Book referred to each other" in message for message in messages(events))
    assert any("Ghost" in message for message in messages(events))


async def test_a_reference_has_the_name_of_its_role_wherever_it_is_carried() -> None:
    def drafted(data: dict[str, Any]) -> dict[str, Any]:
        answer = rule("draft")(data)
        for a in answer["aggregates"]:
            if a["name"] == "Loan":
                a["references"] = [
                    {"field": "borrowerId", "aggregate": "Member", "alias": "Borrower"},
                    {"field": "guarantor_id", "aggregate": "Member", "alias": "Guarantor"},
                ]
        return answer

    def behaviour(data: dict[str, Any]) -> dict[str, Any]:
        answer = rule("behaviour")(data)
        answer["commands"][0]["fields"] = ["borrowerId", "guarantorId"]
        return answer

    model = model_of(await events_of(draft(), ScriptedChat(rules={"draft": drafted, "behaviour": behaviour})))
    loan = model.aggregates[0]
    roles = [(f.name, f.alias, f.references) for f in loan.fields if f.references]
    assert roles == [("borrowerId", "Borrower", "Member"), ("guarantorId", "Guarantor", "Member")]
    assert [f.references for f in loan.commands[0].fields] == ["Member", "Member"]
    (kept,) = (r for r in model.references if r.from_aggregate == "Loan")
    assert (kept.to_aggregate, kept.fields) == ("Member", ("borrowerId", "guarantorId"))


async def test_a_context_without_aggregates_is_drafted_from_its_own_text() -> None:
    chat = ScriptedChat()
    await events_of(draft(), chat)
    (drafted,) = [q for q in chat.asked if q.unit == "draft 3.1"]
    assert "Invoice is sent" in drafted.user
    assert "Members borrow" not in drafted.user


async def test_one_chunk_needs_no_merge() -> None:
    chat = ScriptedChat()
    await events_of(GraphInput(requirements="Lending: Loan is made."), chat)
    assert {q.step for q in chat.asked} == set(STEPS) - {"merge"}


async def test_a_larger_context_is_drafted_in_groups_that_know_of_one_another() -> None:
    text = "\n".join(f"Area: Thing{n} is kept." for n in range(5))
    chat = ScriptedChat()
    model = model_of(await events_of(GraphInput(requirements=text), chat))
    drafts = [q for q in chat.asked if q.step == "draft"]
    assert [len(read_blocks(q.user)["context"]["aggregates"]) for q in drafts] == [2, 2, 1]
    assert [len(read_blocks(q.user)["others"][0]["aggregates"]) for q in drafts] == [3, 3, 4]
    assert [a.name for a in model.aggregates] == [f"Thing{n}" for n in range(5)]


async def test_the_outline_is_told_before_all_names_are_known() -> None:
    events = await events_of(requirements())
    *_, preview = (event for event in events if isinstance(event, Preview))
    first = next(i for i, event in enumerate(events) if isinstance(event, Snapshot))
    assert events.index(preview) < first
    assert [(c.name, [a.alias for a in c.aggregates]) for c in preview.model.bounded_contexts] == [
        ("Lending", ["loan", "hold"]),
        ("Catalog", ["book", "copy"]),
    ]
    assert [q.text for q in preview.model.open_questions] == ["Who owns Lending?"]


async def test_what_a_chunk_names_is_told_before_the_whole_text_is_read() -> None:
    filler = "This line only makes the text long. " * 20
    text = "\n".join(["Lending: Loan is made.", *[filler] * 60, "Catalog: Book is added."])
    chat, told = ScriptedChat(), list[tuple[set[str], bool]]()
    async for event in generate(GraphInput(requirements=text), chat):
        if isinstance(event, Preview):
            names = {context.name for context in event.model.bounded_contexts}
            told.append((names, any(q.step == "merge" for q in chat.asked)))
    assert len(told) == 3
    assert told[0][0] < told[1][0] == {"Lending", "Catalog"} == told[2][0]
    assert [merged for _, merged in told] == [False, False, True]


async def test_long_texts_are_read_in_chunks_and_ranges_count_in_the_whole_text() -> None:
    filler = "This line only makes the text long. " * 20
    text = "\n".join(["Lending: Loan is made.", *[filler] * 60, "Catalog: Book is added."])
    chat = ScriptedChat()
    model = model_of(await events_of(GraphInput(requirements=text), chat))
    assert [q.step for q in chat.asked].count("outline") == 2
    assert [q.step for q in chat.asked].count("merge") == 1
    book = model.aggregates[-1]
    assert (book.name, book.ranges[0].start_line) == ("Book", 62)
    assert model.bounded_contexts[-1].description == "Catalog: Book is added."


async def test_notes_speak_the_users_language_and_name_lines_without_sticker() -> None:
    english = messages(await events_of(requirements()))
    assert "Lines that describe no behaviour: 1, 5." in english
    korean = messages(await events_of(draft(Language.KOREAN)))
    assert all(any("가" <= c <= "힣" for c in message) for message in korean)


async def test_keys_of_notes_are_unique() -> None:
    keys = [event.key for event in await events_of(draft()) if isinstance(event, Note)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("step", [step for step in STEPS if step not in ("outline", "draft", "merge")])
@pytest.mark.parametrize("input", [requirements(), draft()], ids=["text", "draft"])
async def test_an_unusable_answer_leaves_a_valid_model_and_a_note(input: GraphInput, step: str) -> None:
    chat = ScriptedChat(rules={step: Unusable(reason="refused")})
    events = await events_of(input, chat)
    model = model_of(events)
    assert findings(model, *asked_for(input, model)) == ()
    asked = any(question.step == step for question in chat.asked)
    warned = any(isinstance(e, Note) and e.key.startswith(step) for e in events)
    assert warned or not asked


@pytest.mark.parametrize(
    ("input", "step"), [(requirements(), "outline"), (requirements(), "draft"), (draft(), "draft")]
)
async def test_nothing_usable_ends_the_run_and_blames_the_answers_not_the_text(
    input: GraphInput, step: str
) -> None:
    with pytest.raises(NothingUsable, match=r"answers could not be used.*\(refused\)"):
        await events_of(input, ScriptedChat(rules={step: Unusable(reason="refused")}))


@pytest.mark.parametrize(
    ("contexts", "found"),
    [
        ([{"name": "Lending"}], ["Lending"]),
        ([{"name": "Lending"}, {"name": "Catalog"}], ["Lending"]),
        ([{"name": "Lending", "owns": "99"}, {"name": "Catalog", "sees": "4"}], ["Lending", "Catalog"]),
    ],
)
@pytest.mark.parametrize("silent", ["", "1-5"])
async def test_where_no_line_has_an_owner_the_first_context_owns_them_all(
    contexts: list[dict[str, str]], found: list[str], silent: str
) -> None:
    chat = ScriptedChat(rules={"outline": lambda _: {"contexts": contexts, "silent": silent}})
    model = model_of(await events_of(requirements(), chat))
    assert [context.name for context in model.bounded_contexts] == found


async def test_a_text_without_behaviour_is_told_as_such() -> None:
    with pytest.raises(NothingUsable, match="describe no behaviour"):
        await events_of(requirements(), ScriptedChat(rules={"outline": lambda _: {"contexts": []}}))


@pytest.mark.parametrize(
    ("command", "event"),
    [
        ("RunItem", "ItemRun"),
        ("HideItem", "ItemHidden"),
        ("CutItem", "ItemCut"),
        ("SendItem", "ItemSent"),
        ("SplitInvoice", "InvoiceSplit"),
        ("FulfillOrder", "OrderFulfilled"),
        ("EnrollPlayer", "PlayerEnrolled"),
        ("OverwriteDraft", "DraftOverwritten"),
        ("ResellTicket", "TicketResold"),
    ],
)
async def test_a_command_without_an_event_leads_to_its_own_in_the_past_tense(
    command: str, event: str
) -> None:
    def drafted(data: dict[str, Any]) -> dict[str, Any]:
        answer = rule("draft")(data)
        for aggregate in answer["aggregates"]:
            aggregate["commands"] = [{"name": command, "alias": "", "events": []}]
        return answer

    model = model_of(await events_of(requirements(1), ScriptedChat(rules={"draft": drafted})))
    first = model.aggregates[0]
    assert [(c.name, c.emits) for c in first.commands] == [(command, (event,))]
    assert [e.name for e in first.events] == [event]


async def test_one_unusable_unit_does_not_take_its_siblings_down() -> None:
    def drafted(data: dict[str, Any]) -> dict[str, Any]:
        return {"aggregates": []} if data["context"]["name"] == "Lending" else rule("draft")(data)

    model = model_of(await events_of(requirements(), ScriptedChat(rules={"draft": drafted})))
    assert [bool(a.commands) for a in model.aggregates] == [False, False, True, True]


async def test_what_is_named_for_the_only_aggregate_is_its_own_whatever_it_was_called() -> None:
    def drafted(data: dict[str, Any]) -> dict[str, Any]:
        return {"aggregates": [{**each, "name": "Something"} for each in rule("draft")(data)["aggregates"]]}

    text = "Lending: Loan is made.\nCatalog: Book is added.\nCatalog: Copy is added."
    model = model_of(await events_of(GraphInput(requirements=text), ScriptedChat(rules={"draft": drafted})))
    offered = {a.name: len(a.commands) for a in model.aggregates}
    assert offered["Loan"] == 2
    assert not offered["Copy"], "of two aggregates nobody knows which was meant"


async def test_a_draft_context_of_which_nothing_is_known_stays() -> None:
    base = draft()
    input = replace(base, contexts=(*base.contexts, DraftContext(name="Empty")))
    chat = ScriptedChat(rules={"draft": lambda _: {"aggregates": []}})
    model = model_of(await events_of(input, chat))
    assert [context.name for context in model.bounded_contexts] == ["Lending", "Catalog", "Billing", "Empty"]


async def test_names_of_contexts_that_the_canvas_reserves_are_changed() -> None:
    base = draft()
    input = replace(base, contexts=(replace(base.contexts[0], name="ui"), *base.contexts[1:]))
    assert model_of(await events_of(input)).bounded_contexts[0].name == "UiContext"


async def test_a_text_too_long_for_one_question_is_cut_to_what_speaks_of_the_aggregate_and_says_so() -> None:
    about = "A loan is renewed twice at most."
    filler = "Nothing of this matters here at all, and there is a lot of it to be read. " * 10
    text = "\n".join([*[filler] * 250, about])
    base = draft().contexts[0]
    chat = ScriptedChat()
    events = await events_of(GraphInput(contexts=(replace(base, requirements=text),)), chat)
    asked = next(question for question in chat.asked if question.unit == "behaviour 1.1")
    assert about in asked.user
    assert 100_000 < len(asked.user) < PROMPT_UNITS + 5_000
    assert any(
        re.fullmatch(
            r"The text of Lending is too long for one question: \d+ lines were left out of it\.", line
        )
        for line in messages(events)
    )


def busy(count: int) -> ScriptedChat:
    """Everything is done to a loan in so many ways; the rules that refuse speak of its closing."""

    def drafted(data: dict[str, Any]) -> dict[str, Any]:
        answer = rule("draft")(data)
        loan = answer["aggregates"][0]
        loan["commands"] += [
            {"name": f"Do{n}Loan", "alias": f"do {n}", "events": [{"name": f"Loan{n}Done"}]}
            for n in range(count - len(loan["commands"]))
        ]
        return answer

    return ScriptedChat(rules={"draft": drafted}, delay=jitter(5))


async def test_scenarios_of_many_commands_are_asked_in_groups_and_make_one_aggregate() -> None:
    chat = busy(11)
    events = await events_of(GraphInput(requirements="Lending: Loan is made."), chat)
    asked = [read_blocks(q.user) for q in chat.asked if q.step == "scenarios"]
    model = model_of(events)
    (loan,) = model.aggregates
    assert [len(blocks["commands"]) for blocks in asked] == [6, 5]
    assert [c["name"] for blocks in asked for c in blocks["commands"]] == [c.name for c in loan.commands]
    assert all(len(command.scenarios) == 1 for command in loan.commands)
    assert [len(command.refusals) for command in loan.commands] == [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert chat.complaints == []
    assert findings(model) == ()


def _shown(model: EventStormingModel) -> int:
    return sum(bool(command.scenarios) for command in model.aggregates[0].commands)


async def test_progress_waits_for_every_group_of_scenarios() -> None:
    slow = busy(11)
    slow._delay = lambda q: {"scenarios 1.1.2": 0.2, "policies 1": 0.4}.get(q.unit, 0.0)
    seen = await events_of(GraphInput(requirements="Lending: Loan is made."), slow)
    shown = [(i, _shown(event.model)) for i, event in enumerate(seen) if isinstance(event, Snapshot)]
    assert list(dict.fromkeys(count for _, count in shown)) == [0, 6, 11]
    at = {event.current: i for i, event in enumerate(seen) if isinstance(event, Progress)}
    assert at[9] < at[10]
    assert next(count for i, count in shown if i > at[10]) == 11


async def test_one_unusable_group_of_scenarios_leaves_the_others_as_they_were_said() -> None:
    def scenarios(data: dict[str, Any]) -> dict[str, Any]:
        return {} if len(data["commands"]) == 5 else rule("scenarios")(data)

    chat = busy(11)
    chat._rules["scenarios"] = scenarios
    (loan,) = model_of(await events_of(GraphInput(requirements="Lending: Loan is made."), chat)).aggregates
    titles = [command.scenarios[0].title for command in loan.commands]
    assert sum("works" in title for title in titles) == 6
    assert sum("succeeds" in title for title in titles) == 5


@pytest.mark.parametrize("showing", [(), (1,), (0, 1)])
async def test_a_rule_of_many_commands_is_open_where_none_of_the_groups_shows_it(
    showing: tuple[int, ...],
) -> None:
    def scenarios(data: dict[str, Any]) -> dict[str, Any]:
        answer = rule("scenarios")(data)
        group = int(data["commands"][0]["name"] != "CreateLoan")
        return answer if group in showing else {**answer, "refusals": []}

    chat = busy(11)
    chat._rules["scenarios"] = scenarios
    model = model_of(await events_of(GraphInput(requirements="Lending: Loan is made."), chat))
    asked = [q for q in model.open_questions if "A closed one cannot be closed again" in q.text]
    assert len(asked) == (0 if showing else 1)
    assert chat.complaints == []


OLDER: dict[str, Rule] = {
    "outline": lambda data: {
        "contexts": [{"name": "Lending", "description": "Loans", "sources": [{"line": 2, "quote": "Loan"}]}]
    },
    "draft": lambda data: {
        "aggregates": [
            {
                "name": "Loan",
                "enumerations": [{"name": "LoanStatus"}],
                "commands": [{"name": "LendBook", "events": ["BookLent"]}],
                "events": [{"name": "BookLent"}],
                "read_models": [{"name": "Loans"}],
            }
        ]
    },
    "behaviour": lambda data: {
        "fields": [{"name": "loanId", "type": "Long", "key": True}],
        "commands": [{"name": "LendBook", "parameters": ["title"]}],
    },
    "scenarios": lambda data: {
        "scenarios": [
            {
                "title": "lent",
                "command": "LendBook",
                "given": [{"field": "loanId", "value": "7"}],
                "when": [],
                "then": [{"event": "BookLent", "values": [{"field": "loanId", "value": "7"}]}],
            }
        ]
    },
    "policies": lambda data: {
        "policies": [
            {"name": "Again", "trigger": "BookLent", "results": ["BookLent"]},
            {"name": "Other", "trigger": "BookLent", "results": ["Unknown"]},
        ]
    },
    "screens": lambda data: {"screens": [{"owner": "LendBook", "html": "<p>Lend</p>"}]},
}
"""Answers as an older prompt asked for them: without the parts that are new, and with some that are no more."""


@pytest.mark.parametrize("older", [*([step] for step in OLDER), list(OLDER)], ids="+".join)
async def test_an_answer_in_an_older_form_is_used_for_what_it_has(older: list[str]) -> None:
    chat = ScriptedChat(rules={step: OLDER[step] for step in older})
    events = await events_of(GraphInput(requirements="Text\nLending: Loan is made."), chat)
    model = model_of(events)
    assert findings(model) == ()
    assert [context.name for context in model.bounded_contexts] == ["Lending"]
    assert all(aggregate.commands for aggregate in model.aggregates)
    if len(older) > 1:
        (loan,) = model.aggregates
        assert [(c.name, c.emits) for c in loan.commands] == [("LendBook", ("BookLent",))]
        assert [view.name for view in loan.read_models] == ["Loans"]
        assert loan.fields[0].name == "loanId"
        (scenario,) = loan.commands[0].scenarios
        assert (scenario.title, scenario.given.values[0].value) == ("lent", "7")
        assert model.policies == ()
        assert all(owner.screen for owner in (*loan.commands, *loan.read_models))


class Counting(ScriptedChat):
    """Keeps how often the loop had come back when each question was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0
        self.built = Counter[int]()

    async def ask(self, question: Question[Answer]) -> Answer | Unusable:
        self.built[self.rounds] += 1
        return await super().ask(question)

    async def count(self) -> None:
        while True:
            self.rounds += 1
            await asyncio.sleep(0)


async def test_however_many_questions_there_are_the_loop_comes_back_between_two() -> None:
    contexts = tuple(
        DraftContext(name=f"Place{n}", alias=f"Place {n}", requirements="A clerk opens a box.")
        for n in range(30)
    )
    chat = Counting()
    counting = asyncio.create_task(chat.count())
    await events_of(replace(draft(), contexts=contexts), chat)
    counting.cancel()
    assert sum(chat.built.values()) > 100
    assert max(chat.built.values()) == 1
