"""Inputs that several tests generate from."""

from __future__ import annotations

from collections.abc import Iterator

from executor.graph.assemble import required
from executor.graph.given import DraftAggregate, DraftContext, GraphInput, Named, RequiredNames
from executor.model import EventStormingModel, Language, loose
from executor.repair import Required

TEXT = "\n".join(
    (
        "# A library",
        "Lending: Loan is made by members; CreateLoan.",
        "Lending: Hold is placed by members.",
        "Catalog: Book is added by clerks.",
        "The library was founded in 1912.",
        "Catalog: Copy is added by clerks.",
    )
)


def requirements(contexts: int = 2) -> GraphInput:
    """A text that the scripted chat reads as so many contexts of two aggregates each."""
    if contexts == 2:
        return GraphInput(requirements=TEXT)
    lines = [f"Area{c}: Thing{c}x{a} is kept." for c in range(contexts) for a in range(2)]
    return GraphInput(requirements="\n".join(lines))


def draft(language: Language = Language.ENGLISH) -> GraphInput:
    """Two contexts; requested names and attributes, a pair of references, one that dangles, a name used twice."""
    return GraphInput(
        language=language,
        contexts=(
            DraftContext(
                name="Lending",
                alias="대출",
                requirements="Members borrow books.\nThey keep a loan for two weeks.",
                aggregates=(
                    DraftAggregate(
                        name="Loan",
                        references=("Book", "Ghost"),
                        required_attributes=("due_date", "회원명"),
                        enumerations=(Named(name="LoanStatus"),),
                        value_objects=(Named(name="Period"),),
                    ),
                    DraftAggregate(name="Member"),
                ),
                required=RequiredNames(
                    commands=("borrowBook",), events=("책빌림",), read_models=("My Loans", "CreateLoan")
                ),
            ),
            DraftContext(
                name="Catalog",
                requirements="Clerks add books.",
                aggregates=(DraftAggregate(name="Book", references=("Loan",)), DraftAggregate(name="Member")),
            ),
            DraftContext(name="Billing", requirements="Billing: Invoice is sent."),
        ),
    )


def asked_for(input: GraphInput, model: EventStormingModel) -> tuple[Required, tuple[tuple[str, str], ...]]:
    """Names that must appear, and attributes, as far as the model says which aggregate they belong to."""
    return required(input), tuple(_attributes(input, model))


def _attributes(input: GraphInput, model: EventStormingModel) -> Iterator[tuple[str, str]]:
    for context in model.bounded_contexts if input.from_draft else ():
        drafted = input.contexts[context.ordinal - 1].aggregates
        for aggregate in context.aggregates if drafted else ():
            for attribute in drafted[aggregate.ordinal - 1].required_attributes:
                if loose(attribute):
                    yield aggregate.name, attribute
