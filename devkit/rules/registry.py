"""Which rule answers which question: found by the class of the answer, fed with the blocks of the question."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import BaseModel

from devkit.rules.asked import Blocks
from devkit.rules.behaviour import work_out
from devkit.rules.draft import draft
from devkit.rules.examples import scenarios, screens
from devkit.rules.outline import merge, outline
from devkit.rules.policies import policies
from executor.graph import answers
from executor.graph.prompt import read_blocks

RULES: Mapping[type[BaseModel], Callable[[Blocks], BaseModel]] = {
    answers.OutlineAnswer: outline,
    answers.MergeAnswer: merge,
    answers.DraftAnswer: draft,
    answers.BehaviourAnswer: work_out,
    answers.PoliciesAnswer: policies,
    answers.ScenariosAnswer: scenarios,
    answers.ScreensAnswer: screens,
}


def answer(schema: type[BaseModel], user: str) -> BaseModel:
    """The answer of the rules to one question."""
    return RULES[schema](read_blocks(user))


def written(schema: type[BaseModel], user: str) -> str:
    """The same as one line of JSON."""
    return answer(schema, user).model_dump_json()
