"""Requirements of a wanted size: so many bounded contexts of two aggregates each, marked so that every job's questions are its own."""

from __future__ import annotations

from typing import Any

_AREAS = ("Library", "Kitchen", "Clinic", "Warehouse", "School", "Garage", "Theatre", "Museum")
_LETTERS = "bdfgklmnprstvw"

_SECTION = """# {area}

A {area} member places a {area} Order.
The {area} Order records the member name, the due date and the price.
The {area} clerk accepts or rejects a {area} Order.
A {area} clerk can look up the open {area} Orders.
"""
_SECOND = """When a {area} Order is accepted, a {area} Ticket is issued.
The {area} Ticket records the number, the place and the date.
A {area} member cancels the {area} Ticket.
"""
_FILLER = "The {area} is open on day {day} of the month, and a notice at the door tells the opening hours of day {day}.\n"


def mark(number: int) -> str:
    """A word of its own for every job: `Zq` and four letters, which the language model's log finds again."""
    letters = ""
    for _ in range(4):
        number, digit = divmod(number, len(_LETTERS))
        letters += _LETTERS[digit]
    return f"Zq{letters}"


def _area(index: int, number: int) -> str:
    """Holds the job's mark, so that every name in the model does, and so every question."""
    name = _AREAS[index % len(_AREAS)]
    return mark(number) + (name if index < len(_AREAS) else f"{name}{'ABCDEFGHIJ'[index // len(_AREAS)]}")


def requirements(contexts: int, number: int, *, filler: int = 0) -> str:
    """One context alone has one aggregate. `filler`: sentences per context that bring no sticker, for length alone."""
    sections = []
    for index in range(contexts):
        area = _area(index, number)
        section = _SECTION + (_SECOND if contexts > 1 else "")
        days = "".join(_FILLER.format(area=area, day=day) for day in range(1, filler + 1))
        sections.append(section.format(area=area) + days)
    return "\n".join(sections)


def from_requirements(contexts: int, number: int, *, filler: int = 0) -> dict[str, Any]:
    """`state/inputs` as the web client writes them."""
    return {
        "requestType": "fromRequirements",
        "ids": {"uid": "u-1", "projectId": "p-1"},
        "requirements": requirements(contexts, number, filler=filler),
        "preferedLanguage": "English",
    }


def from_draft(contexts: int, number: int) -> dict[str, Any]:
    """The same contexts, already decided."""
    areas = [_area(index, number) for index in range(contexts)]
    structures = [
        {
            "boundedContextName": area,
            "boundedContextAlias": area,
            "aggregates": [
                {"aggregateName": f"{area}{kind}", "aggregateAlias": f"{area} {kind}"}
                for kind in ("Order", "Ticket")
            ],
        }
        for area in areas
    ]
    texts = {area: (_SECTION + _SECOND).format(area=area) for area in areas}
    return {
        "requestType": "fromDraft",
        "ids": {"uid": "u-1", "projectId": "p-1"},
        "preferedLanguage": "English",
        "draft": {"structures": structures, "metadatas": {"boundedContextRequirements": texts}},
    }
