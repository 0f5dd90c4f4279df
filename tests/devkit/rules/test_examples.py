"""The committed expectations, met by the whole graph on the embedded language model."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.llm.providers import offline
from workbench.eval.running import model_of
from workbench.eval.scoring import KINDS, coverage, expectations, names_of, score

EXAMPLES = Path(__file__).parents[3] / "examples"


LONG = "handbook.en.md"  # questions of this length are answered in a process beside


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.heavy if n == LONG else ()) for n in expectations()]
)
async def test_commands_and_events_are_found(name: str) -> None:
    text = (EXAMPLES / name).read_text("utf-8")
    model = await model_of(text, offline("offline:rules"))

    for kind in ("commands", "events"):
        scored = score(expectations()[name][kind], names_of(model, kind))
        assert scored.recall >= 0.8
        assert scored.precision >= 0.8


async def test_most_sentences_are_traced() -> None:
    text = (EXAMPLES / "library.en.md").read_text("utf-8")

    assert coverage(await model_of(text, offline("offline:rules")), text) > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_expected_in_both_languages(kind: str) -> None:
    with_some = {name.rsplit(".", 2)[1] for name, expected in expectations().items() if expected[kind]}
    assert {"en", "ko"} <= with_some
    assert all(kind in expected for expected in expectations().values())


def test_there_are_expectations_in_both_languages_with_tables_and_at_length() -> None:
    names = expectations()
    texts = {name: (EXAMPLES / name).read_text("utf-8") for name in names}

    assert sum(name.endswith(".en.md") for name in names) >= 3
    assert sum(name.endswith(".ko.md") for name in names) >= 3
    assert sum("CREATE TABLE" in text for text in texts.values()) >= 2
    assert max(text.count("\n") for text in texts.values()) >= 999
