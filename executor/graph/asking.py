"""How every step puts its question, and how it hands back what became of the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from langgraph.runtime import Runtime
from pydantic import BaseModel

from executor.errors import NothingUsable
from executor.graph import prompt
from executor.graph.inputs import BLOCKS
from executor.graph.question import Question, Unusable, accept
from executor.graph.state import Outcome, Part, RunContext, of_step
from executor.graph.text import fitted, numbered
from executor.graph.unit import ContextUnit, Unit
from executor.model import Language, Level, Note

Answer = TypeVar("Answer", bound=BaseModel)
Item = TypeVar("Item")

LIGHT_STEPS = frozenset(("behaviour", "scenarios", "screens"))
_LABELS = ("alias", "name", "value", "title")  # by which of its members an element is called
MOST_COMPLAINTS = 30  # a repair turn lists no more; the rest shows up again if it is still wrong


class Remarks:
    """Collects what there is to tell the user. The key of each note is its step, the unit's place and its number in line."""

    def __init__(self, step: str, unit: Unit) -> None:
        self.notes: list[Note] = []
        self._at = f"{step}/{'.'.join(str(n) for n in unit.place)}"
        self.language = unit.language

    def tell(self, english: str, korean: str) -> None:
        """For information."""
        self._add(Level.INFO, english, korean)

    def warn(self, english: str, korean: str) -> None:
        """Something was lost or replaced."""
        self._add(Level.WARNING, english, korean)

    def few(self, items: tuple[Item, ...], most: int, owner: str) -> tuple[Item, ...]:
        """As many as one element may have; tells which were left out."""
        if more := items[most:]:
            names = listed(
                str(next(filter(None, (getattr(each, n, "") for n in _LABELS)), each)) for each in more
            )
            self.warn(
                f"{owner} has more than {most} of one kind; left out: {names}.",
                f"{owner}에 같은 종류가 {most}개를 넘어 제외했습니다: {names}",
            )
        return items[:most]

    def _add(self, level: Level, english: str, korean: str) -> None:
        message = self.language.pick(english, korean)
        self.notes.append(Note(level=level, message=message, key=f"{self._at}/{len(self.notes)}"))


class Asking(Remarks):
    """One question of a step about a unit, what there is to tell about it, and the part that comes of it."""

    def __init__(self, runtime: Runtime[RunContext], step: str, unit: Unit) -> None:
        super().__init__(step, unit)
        self._chat = runtime.context.chat
        self._step, self._unit = step, unit
        self._unusable = ""

    async def ask(
        self,
        schema: type[Answer],
        blocks: Mapping[str, Any],
        check: Callable[[Answer], Iterable[str]] = accept,
    ) -> Answer | None:
        """The answer to the step's prompt about these blocks and the language; None when it is unusable."""
        blocks = {"language": self._unit.language, **blocks}
        question = Question(
            step=self._step,
            unit=f"{self._step} {'.'.join(str(n + 1) for n in self._unit.place)}",
            schema=schema,
            system=prompt.constant(self._step),
            user=prompt.blocks({name: blocks[name] for name in BLOCKS[self._step]}),
            check=lambda answer: list(islice(check(answer), MOST_COMPLAINTS)),
            light=self._step in LIGHT_STEPS,
        )
        answer = await self._chat.ask(question)
        if isinstance(answer, Unusable):
            self._unusable = answer.reason or "no reason given"
            return None
        return answer

    def lines(self, context: ContextUnit, words: Iterable[str] = ()) -> str:
        """The context's text for a prompt, lines with these words first; says so when it had to be cut."""
        numbers = fitted(context.document, context.numbers, words)
        if left_out := len(context.numbers) - len(numbers):
            self.warn(
                f"The text of {context.name} is too long for one question: {left_out} lines were left out of it.",
                f"{context.name}의 글이 너무 길어 질문 하나에서 {left_out}줄을 뺐습니다.",
            )
        return numbered(context.document, numbers)

    def outcome(self, value: Any) -> Outcome:
        """One part, as an update of the state."""
        notes = tuple(self.notes)
        part = Part(
            step=self._step, place=self._unit.place, value=value, notes=notes, unusable=self._unusable
        )
        return {"parts": [part]}


def demand_usable(parts: Sequence[Part], step: str, language: Language) -> None:
    """Ends the job when no answer of a step was usable: that is the language model's doing and says nothing of the text."""
    answered = of_step(parts, step)
    if answered and all(part.unusable for part in answered):
        reason = answered[0].unusable
        raise NothingUsable(
            language.pick(
                f"The language model's answers could not be used, although it was asked again ({reason}). "
                "Please try again, or with another language model.",
                f"다시 물었지만 언어 모델의 답변을 사용할 수 없었습니다({reason}). "
                "다시 시도하거나 다른 언어 모델을 사용해 주세요.",
            )
        )


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names in a sentence, the first of many."""
    known = list(names)
    shown = ", ".join(known[:most])
    return f"{shown}, … (+{len(known) - most})" if len(known) > most else shown
