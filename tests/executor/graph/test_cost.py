"""What a draft of 2 contexts, 4 aggregates and 7 commands costs: calls, prompt characters, and how much of them is a prefix
that providers cache. The worker before this one asked 37 times with 844,062 characters.

`python -m tests.executor.graph.test_cost` prints the table.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from executor.graph.given import DraftAggregate, DraftContext, GraphInput, Named, RequiredNames
from executor.graph.prompt import constant
from executor.graph.run import Finished, generate
from executor.llm import providers
from executor.llm.language_model import Message, Reply
from executor.model import EventStormingModel
from tests.executor.llm.fakes import MemoryLink, chat

CALLS, CHARACTERS = 15, 100_000

CATALOGUE = """The catalogue knows every book of the town library and each of its copies.
A librarian registers a book with title, ISBN, author and genre. The genre is one of FICTION, SCIENCE, HISTORY or CHILDREN.
A librarian adds a copy for every exemplar of a book. Each copy has a barcode, a shelf mark and a status.
A librarian retires a copy that is damaged. The copy status is one of AVAILABLE, ON_LOAN or RETIRED.
Anyone can search books by title or author."""
LENDING = """The lending desk is where members and copies meet.
A member borrows an available copy for 14 days. A loan records the member, the copy, the loan date and the due date.
A member returns the copy. The loan status is one of OPEN, OVERDUE or CLOSED.
A citizen applies for a membership with name, e-mail and postal address. A librarian suspends a member who owes a fine.
Members can list their current loans."""
DRAFT = GraphInput(
    contexts=(
        DraftContext(
            name="Catalogue",
            requirements=CATALOGUE,
            aggregates=(
                DraftAggregate(
                    name="Book", enumerations=(Named(name="Genre"),), value_objects=(Named(name="Isbn"),)
                ),
                DraftAggregate(name="Copy", enumerations=(Named(name="CopyStatus"),), references=("Book",)),
            ),
            required=RequiredNames(commands=("RegisterBook", "AddCopy", "RetireCopy")),
        ),
        DraftContext(
            name="Lending",
            requirements=LENDING,
            aggregates=(
                DraftAggregate(
                    name="Loan",
                    enumerations=(Named(name="LoanStatus"),),
                    value_objects=(Named(name="LoanPeriod"),),
                    references=("Copy", "Member"),
                    required_attributes=("due_date",),
                ),
                DraftAggregate(name="Member", value_objects=(Named(name="PostalAddress"),)),
            ),
            required=RequiredNames(
                commands=("BorrowCopy", "ReturnCopy", "ApplyForMembership", "SuspendMember")
            ),
        ),
    )
)


@dataclass
class Counting:
    """The embedded language model, counting what it is asked."""

    calls: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    prefix: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._answering = providers.offline("offline:rules")
        self.name = self._answering.name

    async def ask(
        self, messages: Sequence[Message], schema: type[BaseModel], *, trace: Mapping[str, str]
    ) -> Reply:
        step = trace["step"]
        assert messages[0] == Message("system", constant(step)), "the constant part comes first and alone"
        self.calls[step] += 1
        self.characters[step] += sum(len(message.content) for message in messages)
        self.prefix[step] += len(messages[0].content)
        return await self._answering.ask(messages, schema, trace=trace)


async def cost() -> tuple[Counting, EventStormingModel]:
    """What the draft costs, and what comes of it."""
    counting = Counting()
    async with chat(counting, MemoryLink()) as asking:
        *_, last = [event async for event in generate(DRAFT, asking)]
    assert isinstance(last, Finished)
    return counting, last.model


async def test_a_draft_of_two_contexts_costs_less_than_a_fifth_of_what_it_did() -> None:
    counting, model = await cost()
    shape = [
        len(model.bounded_contexts),
        len(model.aggregates),
        sum(len(a.commands) for a in model.aggregates),
    ]
    assert shape == [2, 4, 7]
    assert counting.calls.total() <= CALLS
    assert counting.characters.total() <= CHARACTERS
    assert counting.prefix.total() / counting.characters.total() > 0.5


def main() -> None:
    counting, _ = asyncio.run(cost())
    print(f"{'step':<12}{'calls':>6}{'characters':>12}{'cacheable':>11}")
    for step, calls in [*counting.calls.items(), ("all", counting.calls.total())]:
        characters = counting.characters[step] or counting.characters.total()
        prefix = counting.prefix[step] or counting.prefix.total()
        print(f"{step:<12}{calls:>6}{characters:>12,}{prefix / characters:>10.0%}")


if __name__ == "__main__":
    main()
