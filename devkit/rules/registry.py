"""Which rule answers which question: found by the class of the answer, fed with the blocks of the question."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from pydantic import BaseModel

from devkit.rules import behaviour, contexts, details, names, screens
from devkit.rules.asked import Blocks
from executor.graph import answers
from executor.graph.prompt import read_blocks

RULES: Final[Mapping[type[BaseModel], Callable[[Blocks], BaseModel]]] = {
    answers.ContextsAnswer: contexts.contexts,
    answers.MergeAnswer: contexts.merge,
    answers.LineMapAnswer: contexts.line_map,
    answers.DraftAnswer: contexts.draft,
    answers.DetailsAnswer: details.details,
    answers.NamesAnswer: names.names,
    answers.BehaviourAnswer: behaviour.behaviour,
    answers.ScenariosAnswer: behaviour.scenarios,
    answers.ScreensAnswer: screens.screens,
    answers.PoliciesAnswer: names.policies,
    answers.ReferenceAnswer: names.references,
}


def answer(schema: type[BaseModel], user: str) -> BaseModel:
    """The answer of the rules to one question."""
    return RULES[schema](read_blocks(user))


def written(schema: type[BaseModel], user: str) -> str:
    """The same as one line of JSON."""
    return json.dumps(answer(schema, user).model_dump(), ensure_ascii=False, separators=(",", ":"))
