"""How every step puts its question, and how it hands back what became of the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from langgraph.runtime import Runtime
from pydantic import BaseModel

from executor.errors import NothingUsable
from executor.graph import prompt
from executor.graph.inputs import BLOCKS
from executor.graph.question import Question, Unusable, accept
from executor.graph.state import ContextPlan, Outcome, Part, Run, Unit, of_step
from executor.graph.text import fitted, numbered
from executor.model import Language, Level, Note

Answer = TypeVar("Answer", bound=BaseModel)

LIGHT_STEPS = frozenset(("behaviour", "scenarios", "screens", "references"))
MOST_COMPLAINTS = 30  # a repair turn lists no more; the rest shows up again if it is still wrong


async def ask(
    runtime: Runtime[Run],
    step: str,
    unit: Unit,
    schema: type[Answer],
    data: Mapping[str, Any],
    check: Callable[[Answer], Iterable[str]] = accept,
) -> Answer | Unusable:
    """The answer to the step's prompt about this data."""
    return await runtime.context.chat.ask(
        Question(
            step=step,
            unit=f"{step} {'.'.join(str(n + 1) for n in unit)}",
            schema=schema,
            system=prompt.constant(step),
            user=prompt.blocks({name: data[name] for name in BLOCKS[step]}),
            check=lambda answer: _first(check(answer)),
            light=step in LIGHT_STEPS,
        )
    )


def _first(complaints: Iterable[str]) -> Sequence[str]:
    return [complaint for _, complaint in zip(range(MOST_COMPLAINTS), complaints, strict=False)]


class Remarks:
    """Collects what a reduction has to tell the user. The key of each note is its step, unit and place in line."""

    def __init__(self, step: str, unit: Unit, language: Language) -> None:
        self.notes: list[Note] = []
        self._at = f"{step}/{'.'.join(str(n) for n in unit)}"
        self._language = language

    def tell(self, english: str, korean: str) -> None:
        self._add(Level.INFO, english, korean)

    def warn(self, english: str, korean: str) -> None:
        self._add(Level.WARNING, english, korean)

    def _add(self, level: Level, english: str, korean: str) -> None:
        message = self._language.pick(english, korean)
        self.notes.append(Note(level=level, message=message, key=f"{self._at}/{len(self.notes)}"))


def outcome(step: str, unit: Unit, value: Any, remarks: Remarks, answer: object = None) -> Outcome:
    """One part, as an update of the state."""
    reason = (answer.reason or "no reason given") if isinstance(answer, Unusable) else ""
    return {"parts": [Part(step=step, unit=unit, value=value, notes=tuple(remarks.notes), unusable=reason)]}


def demand_usable(parts: Sequence[Part], step: str, language: Language) -> None:
    """Ends the job when no answer of a step was usable: that is the language model's doing and says nothing of the text."""
    asked = of_step(parts, step)
    if asked and not any(part.usable for part in asked):
        reason = asked[0].unusable
        raise NothingUsable(
            language.pick(
                f"The language model's answers could not be used, although it was asked again ({reason}). "
                "Please try again, or with another language model.",
                f"다시 물었지만 언어 모델의 답변을 사용할 수 없었습니다({reason}). "
                "다시 시도하거나 다른 언어 모델을 사용해 주세요.",
            )
        )


def lines_for(plan: ContextPlan, words: Iterable[str], remarks: Remarks) -> str:
    """The context's text for a prompt; says so when it had to be cut."""
    numbers = fitted(plan.document, plan.numbers, words)
    left_out = len(plan.numbers) - len(numbers)
    if left_out:
        remarks.warn(
            f"The text of {plan.name} is too long for one question: {left_out} lines were left out of it.",
            f"{plan.name}의 글이 너무 길어 질문 하나에서 {left_out}줄을 뺐습니다.",
        )
    return numbered(plan.document, numbers)


def shown_others(plan: ContextPlan) -> list[dict[str, Any]]:
    """The other contexts and what is theirs, as prompts show them. Known before any draft, so whoever drafts first."""
    return [{"name": other.name, "aggregates": list(other.aggregates)} for other in plan.others]


def joined(names: Iterable[str], most: int = 12) -> str:
    """Names in a sentence."""
    listed = list(names)
    shown = ", ".join(listed[:most])
    return f"{shown}, … (+{len(listed) - most})" if len(listed) > most else shown
