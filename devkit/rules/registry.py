"""Which rule answers which question: found by the class of the answer, fed with the blocks of the question."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from pydantic import BaseModel

from devkit.rules import answering
from devkit.rules.asked import Blocks
from executor.graph import answers
from executor.graph.prompt import read_blocks

RULES: Mapping[type[BaseModel], Callable[[Blocks], BaseModel]] = {
    answers.OutlineAnswer: answering.outline,
    answers.MergeAnswer: answering.merge,
    answers.DraftAnswer: answering.draft,
    answers.BehaviourAnswer: answering.work_out,
    answers.PoliciesAnswer: answering.policies,
    answers.ScenariosAnswer: answering.scenarios,
    answers.ScreensAnswer: answering.screens,
}


def answer(schema: type[BaseModel], user: str) -> BaseModel:
    """The answer of the rules to one question."""
    return RULES[schema](read_blocks(user))


def written(schema: type[BaseModel], user: str) -> str:
    """The same as one line of JSON."""
    return json.dumps(answer(schema, user).model_dump(), ensure_ascii=False, separators=(",", ":"))
