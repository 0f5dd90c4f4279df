"""A job begun by one version and finished by another: what its canvas showed stays, under the ids it was shown by."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from eventstorming.v1 import job_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poller.msaez.check import findings
from poller.msaez.diff import changes
from poller.msaez.encoding import decode
from poller.msaez.esvalue import EsValue, project
from poller.rtdb.endings import Canvas
from poller.rtdb.stored import StoredJob
from tests.poller.board.conftest import bikes_model
from tests.poller.msaez.examples import JOB
from tests.poller.msaez.models import TEXT, growth, models, names_only, sized

RELAXED = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Database:
    """What lies below `state/outputs/esValue`, and runs of a job that write it."""

    def __init__(self, text: str = TEXT) -> None:
        self._input = job_pb2.JobInput(user_id="u", project_id="p", requirements=text)
        self.stored: dict[str, dict] = {"elements": {}, "relations": {}}

    def run(self, *snapshots, finished=None) -> list[str]:
        """Shows the snapshots, then the finished model; gives the names that were kept."""
        canvas = Canvas(self._input, JOB, StoredJob.of({"state": {"outputs": {"esValue": self.stored}}}))
        for snapshot in snapshots:
            self._write(canvas.project(snapshot))
        kept = []
        if finished is not None:
            kept = canvas.finish(finished)
            self._write(canvas.project(finished))
        return kept

    def _write(self, value: EsValue) -> None:
        for batch in changes({}, value):
            for path, thing in batch.writes.items():
                branch, identity = path.split("/")
                self.stored[branch].pop(identity, None)
                if thing is not None:
                    self.stored[branch][identity] = thing

    @property
    def value(self) -> dict:
        return decode(self.stored)

    def stickers(self) -> dict[str, tuple[str, str]]:
        return {key: (e["_type"], e["traceName"]) for key, e in self.value["elements"].items()}


def unlike(model, other):
    """Everything of `other` in another order, some names of the first model among its own."""
    shuffled = type(other)()
    shuffled.CopyFrom(other)
    contexts = list(shuffled.bounded_contexts)
    random.Random(1).shuffle(contexts)
    del shuffled.bounded_contexts[:]
    shuffled.bounded_contexts.extend(contexts)
    for ordinal, context in enumerate(shuffled.bounded_contexts, start=1):
        context.ordinal = ordinal
    return shuffled


@pytest.mark.parametrize("seed", range(30))
def test_what_was_shown_stays_once_and_valid_whatever_the_new_questions_bring(seed):
    """Two models that have nothing to do with each other; the new one has two aggregates at least."""
    old = sized(1 + seed % 3, 1 + seed // 2 % 3, 1 + seed % 4, seed)
    new = sized(1 + seed // 3 % 3, 2 + seed // 9 % 2, 1 + seed // 5 % 4, seed + 1000)
    database = Database()
    database.run(*list(_copies(growth(old, seed=1)))[: 1 + seed % 6])
    before = database.stickers()

    database.run(names_only(unlike(old, new)), finished=unlike(old, new))

    after = database.stickers()
    assert before.keys() <= after.keys()
    assert findings(database.value) == []
    names = Counter(sticker for sticker in after.values() if not sticker[0].endswith(("Actor", "UI")))
    assert {sticker: count for sticker, count in names.items() if count > 1} == {}


def _copies(snapshots):
    for snapshot in snapshots:
        copy = type(snapshot)()
        copy.CopyFrom(snapshot)
        yield copy


@RELAXED
@given(models(contexts=3))
def test_the_same_elements_in_another_order_keep_their_ids(model):
    database = Database()
    database.run(names_only(model))
    before = database.stickers()

    kept = database.run(finished=unlike(model, model))

    after = database.stickers()
    assert kept == []
    assert {key: after[key] for key in before} == before


@RELAXED
@given(models(contexts=3), st.integers(0, 9))
def test_a_run_that_goes_on_gives_the_ids_that_a_run_without_a_break_gives(model, seen):
    broken, whole = Database(), Database()
    broken.run(*list(_copies(growth(model, seed=2)))[:seen])
    broken.run(names_only(model))
    assert broken.run(finished=model) == []
    whole.run(finished=model)
    assert broken.value == whole.value


def test_an_element_of_another_name_takes_over_a_sticker_that_nothing_else_claims():
    old, new = bikes_model(), bikes_model()
    rental = new.bounded_contexts[0].aggregates[0]
    rental.commands[0].name = "StartRental"
    rental.commands[0].alias = "Start a rental"
    database = Database(new.source_text)
    database.run(old)
    before = {name: key for key, name in database.stickers().items()}

    assert database.run(finished=new) == []

    kind = "org.uengine.modeling.model.Command"
    assert database.stickers()[before[kind, "RentBicycle"]] == (kind, "StartRental")


def test_what_the_finished_model_has_no_sticker_for_stays_where_it_belongs_and_is_named():
    old, new = bikes_model(), bikes_model()
    for part in (
        old.bounded_contexts[0].aggregates[0].commands,
        old.bounded_contexts[0].aggregates[0].events,
    ):
        part.add(
            ordinal=9,
            name="ExtendRental"
            if part is old.bounded_contexts[0].aggregates[0].commands
            else "RentalExtended",
        )
    command = old.bounded_contexts[0].aggregates[0].commands[-1]
    command.emits.append("RentalExtended")
    command.actor = "Rider"
    database = Database(new.source_text)
    database.run(old)
    before = database.stickers()

    kept = database.run(finished=new)

    assert sorted(kept) == ["ExtendRental", "RentalExtended"]
    assert before.keys() <= database.stickers().keys()
    assert findings(database.value) == []
    extended = next(e for e in database.value["elements"].values() if e["name"] == "ExtendRental")
    assert extended["outputEvents"] == ["RentalExtended"]


def test_lines_that_no_longer_hold_are_taken_away_at_the_end_and_not_before():
    old, new = bikes_model(), bikes_model()
    new.policies[2].trigger = "RentalLost"
    database = Database(new.source_text)
    database.run(old)
    lines = set(database.value["relations"])
    database.run(names_only(new))
    assert lines <= set(database.value["relations"])
    database.run(finished=new)
    drawn = project(new, job_id=JOB, user_id="u", project_id="p").relations.values()
    assert len(database.value["relations"]) == len(drawn)
    assert findings(database.value) == []


def test_nonsense_on_the_canvas_harms_nobody():
    database = Database(bikes_model().source_text)
    database.stored = {
        "elements": {"x": "@", "y": {"_type": 7}, JOB: {"_type": "org.uengine.modeling.model.Command"}},
        "relations": {"r": {"from": 1}},
    }
    database.run(finished=bikes_model())
    assert {"x", "y", JOB} <= database.stored["elements"].keys()
