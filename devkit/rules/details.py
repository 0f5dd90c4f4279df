"""Answers about one aggregate's insides: attributes with types and a key, value objects, enumerations, invariants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from devkit.rules import asked, naming
from devkit.rules.analysis import Found, analyse, mentions
from devkit.rules.asked import Blocks
from devkit.rules.facts import Choices, Facts, Members, Place, Table, Term
from devkit.rules.forms import (
    DetailsAnswer,
    EnumerationAnswer,
    FieldAnswer,
    ItemAnswer,
    ValueObjectAnswer,
)

_TYPES = (
    ("Date", "date time at on deadline birthday until timestamp period start end expiry due"),
    (
        "BigDecimal",
        "price amount total cost fee balance rate salary budget deposit tax discount limit weight charge payment fine",
    ),
    (
        "Integer",
        "quantity count capacity age points stock level rating score days hours minutes year size number_of",
    ),
    ("Boolean", "is has active enabled flag available approved verified required allowed"),
)
_NUMBERED = frozenset(("id", "number", "no", "code", "identifier", "isbn", "barcode", "sku"))
_GUESSED_MEMBERS = {
    "period": (("startDate", "Date"), ("endDate", "Date")),
    "address": (("street", "String"), ("city", "String"), ("postalCode", "String")),
    "money": (("amount", "BigDecimal"), ("currency", "String")),
    "amount": (("amount", "BigDecimal"), ("currency", "String")),
    "price": (("amount", "BigDecimal"), ("currency", "String")),
    "name": (("firstName", "String"), ("lastName", "String")),
    "contact": (("name", "String"), ("phone", "String"), ("email", "String")),
    "item": (("name", "String"), ("quantity", "Integer"), ("price", "BigDecimal")),
    "line": (("name", "String"), ("quantity", "Integer"), ("price", "BigDecimal")),
    "location": (("latitude", "Double"), ("longitude", "Double")),
}


def details(blocks: Blocks) -> DetailsAnswer:
    """What the text records about the aggregate; a key is added when none is named."""
    facts = asked.facts(blocks)
    given = blocks.get("aggregate")
    aggregate: dict[str, Any] = given if isinstance(given, dict) else {}
    term = (asked.terms([aggregate]) or [Term("Aggregate", "Aggregate")])[0]
    analysis = analyse(facts, [term])
    found = analysis.of(term.name) or Found(term)
    enumerations = _enumerations(aggregate, found, facts)
    objects = _value_objects(aggregate, found, facts, enumerations)
    fields = _fields(aggregate, found, [*enumerations, *objects])
    required = [str(name) for name in aggregate.get("required_attributes") or []]
    return DetailsAnswer(
        description=str(aggregate.get("description") or "") or term.alias,
        fields=_with_key(term, _with_required(fields, objects, required)),
        value_objects=objects,
        enumerations=enumerations,
        invariants=[rule.text for rule in found.rules][:8],
        sources=asked.sources(found.places),
    )


def field_type(name: str) -> str:
    """The type that an attribute's name suggests."""
    words = naming.parts(name)
    if not words:
        return "String"
    if words[-1] == "id":
        return "Long"
    for number, (java, listed) in enumerate(_TYPES):
        suggestive = listed.split()
        if words[-1] in suggestive or (number == len(_TYPES) - 1 and words[0] in ("is", "has")):
            return java
    return "Integer" if words[0] == "number" and len(words) > 1 else "String"


def _fields(
    aggregate: dict[str, Any], found: Found, types: Sequence[EnumerationAnswer | ValueObjectAnswer]
) -> list[FieldAnswer]:
    fields = [_column(column, table, types) for table in found.tables for column in table.columns]
    references = {str(name).casefold() for name in aggregate.get("references") or []}
    for fact in found.members:
        fields += [
            _field(name, fact.place, found.term, types)
            for name in fact.names
            if name.name.casefold() not in references
        ]
    for action in found.commands:
        fields += [_field(name, action.place, found.term, types) for name in action.fields]
    inside = {member.type for one in types if isinstance(one, ValueObjectAnswer) for member in one.fields}
    for one in types:
        if one.name in inside:
            continue
        name = _attribute_name(one.name, found.term)
        fields.append(
            FieldAnswer(name=name, type=one.name, is_key=False, alias=one.alias, sources=one.sources)
        )
    return _once(fields, {one.name.casefold() for one in types})


def _attribute_name(type_name: str, owner: Term) -> str:
    """OrderStatus of Order is `status`."""
    short = type_name[len(owner.name) :] if type_name.startswith(owner.name) else type_name
    return naming.camel(short or type_name)


def _once(fields: Iterable[FieldAnswer], types: set[str]) -> list[FieldAnswer]:
    """Each name once, of a type that is used once; the first place counts, the better type wins."""
    kept: dict[str, FieldAnswer] = {}
    used: dict[str, str] = {}
    for one in fields:
        low = one.name.casefold()
        own = one.type.casefold() in types
        if own and used.setdefault(one.type.casefold(), low) != low:
            continue
        if low in kept and not (own and kept[low].type.casefold() not in types):
            continue
        kept[low] = (
            one.model_copy(update={"sources": kept[low].sources or one.sources}) if low in kept else one
        )
    return list(kept.values())


def _column(column: Any, table: Table, types: Sequence[EnumerationAnswer | ValueObjectAnswer]) -> FieldAnswer:
    name = naming.camel(column.name)
    own = _own_type(name, table.term, types)
    return FieldAnswer(
        name=name,
        type=own or column.type,
        is_key=column.key,
        alias=column.alias or naming.title(column.name),
        sources=asked.sources([column.place]),
    )


def _field(
    name: Term, place: Place, owner: Term, types: Sequence[EnumerationAnswer | ValueObjectAnswer]
) -> FieldAnswer:
    own = _own_type(name.name, owner, types)
    plain = field_type(name.name)
    java = own or (f"List<{plain}>" if name.plural and plain == "String" else plain)
    words = naming.parts(name.name)
    owned = naming.parts(owner.name)
    key = (
        bool(words)
        and words[-1] in _NUMBERED
        and (words[:-1] == owned or (not words[:-1] and words[-1] in ("id", "isbn", "sku", "number", "code")))
    )
    return FieldAnswer(
        name=naming.camel(name.name), type=java, is_key=key, alias=name.alias, sources=asked.sources([place])
    )


def _own_type(name: str, owner: Term, types: Sequence[EnumerationAnswer | ValueObjectAnswer]) -> str:
    """The aggregate's own type that an attribute is of: by its name, or by owner and name."""
    wanted = {name.casefold(), (owner.name + name).casefold(), naming.singular(name).casefold()}
    return next((one.name for one in types if one.name.casefold() in wanted), "")


def _with_required(
    fields: list[FieldAnswer], objects: Sequence[ValueObjectAnswer], required: Sequence[str]
) -> list[FieldAnswer]:
    present = {one.name.casefold() for one in fields}
    present |= {member.name.casefold() for one in objects for member in one.fields}
    for name in required:
        camel = naming.camel(name)
        if camel and camel.casefold() not in present:
            present.add(camel.casefold())
            fields = [
                *fields,
                FieldAnswer(
                    name=camel, type=field_type(camel), is_key=False, alias=naming.title(name), sources=[]
                ),
            ]
    return fields


def _with_key(term: Term, fields: list[FieldAnswer]) -> list[FieldAnswer]:
    """Exactly what identifies: a named key, else `<aggregate>Id`."""
    if any(one.is_key for one in fields):
        return fields
    name = f"{naming.camel(term.name)}Id"
    rest = [one for one in fields if one.name.casefold() != name.casefold()]
    return [FieldAnswer(name=name, type="Long", is_key=True, alias=f"{term.alias} ID", sources=[]), *rest]


def _enumerations(aggregate: dict[str, Any], found: Found, facts: Facts) -> list[EnumerationAnswer]:
    """Those the draft names and those the text gives to this aggregate."""
    by_name: dict[str, EnumerationAnswer] = {}
    for choice in [*found.choices, *_columns_with_choices(found)]:
        by_name.setdefault(choice.name.name.casefold(), _enumeration(choice))
    for wanted in asked.terms(aggregate.get("enumerations")):
        if wanted.name.casefold() not in by_name:
            given = _matching_choice(wanted, facts)
            items = list(given.values) if given else _guessed_items(found, wanted)
            places = [given.place] if given else []
            by_name[wanted.name.casefold()] = _enumeration_of(wanted, items, places)
        by_name[wanted.name.casefold()] = by_name[wanted.name.casefold()].model_copy(
            update={"name": wanted.name, "alias": wanted.alias}
        )
    return list(by_name.values())


def _columns_with_choices(found: Found) -> list[Choices]:
    return [
        Choices(
            place=column.place,
            owner=table.term,
            name=_column_type(table.term, column.name),
            values=column.choices,
        )
        for table in found.tables
        for column in table.columns
        if len(column.choices) > 1
    ]


def _column_type(owner: Term, column: str) -> Term:
    name = naming.pascal(column)
    return Term(name if name.startswith(owner.name) else owner.name + name, naming.title(column))


def _matching_choice(wanted: Term, facts: Facts) -> Choices | None:
    low = wanted.name.casefold()
    return next(
        (c for c in facts.choices if c.name.name.casefold() == low or low.endswith(c.name.name.casefold())),
        None,
    )


def _enumeration(choice: Choices) -> EnumerationAnswer:
    return _enumeration_of(choice.name, list(choice.values), [choice.place])


def _enumeration_of(term: Term, values: Sequence[str], places: list[Place]) -> EnumerationAnswer:
    where = asked.sources(places)
    items = [ItemAnswer(value=value, sources=where) for value in values]
    return EnumerationAnswer(name=term.name, alias=term.alias, items=items, sources=where)


def _guessed_items(found: Found, wanted: Term) -> list[str]:
    """A status nobody listed takes what the events say; another kind stays open."""
    if naming.parts(wanted.name)[-1:] == ["status"]:
        said = [
            naming.upper_snake(action.event.name.removeprefix(found.term.name))
            for action in found.commands
            if action.event.name.startswith(found.term.name)
        ]
        if unique := [value for value in dict.fromkeys(said) if value]:
            return unique[:6]
        return ["ACTIVE", "CLOSED"]
    return ["GENERAL", "OTHER"]


def _value_objects(
    aggregate: dict[str, Any], found: Found, facts: Facts, enumerations: Sequence[EnumerationAnswer]
) -> list[ValueObjectAnswer]:
    groups = {group.owner.name.casefold(): group for group in found.groups}
    wanted = asked.terms(aggregate.get("value_objects"))
    for term in wanted:
        group = next((g for g in facts.members if g.owner.name.casefold() == term.name.casefold()), None)
        if group:
            groups.setdefault(term.name.casefold(), group)
    terms = [
        *wanted,
        *(
            group.owner
            for group in found.groups
            if all(group.owner.name.casefold() != t.name.casefold() for t in wanted)
        ),
    ]
    return [_value_object(term, groups.get(term.name.casefold()), enumerations, facts) for term in terms]


def _value_object(
    term: Term, group: Members | None, enumerations: Sequence[EnumerationAnswer], facts: Facts
) -> ValueObjectAnswer:
    if group:
        fields = _once([_field(name, group.place, term, enumerations) for name in group.names], set())
        plain = [one.model_copy(update={"is_key": False}) for one in fields]
        return ValueObjectAnswer(
            name=term.name, alias=term.alias, fields=plain, sources=asked.sources([group.place])
        )
    guessed = _GUESSED_MEMBERS.get((naming.parts(term.name) or [""])[-1], (("value", "String"),))
    fields = [
        FieldAnswer(name=name, type=java, is_key=False, alias=naming.title(name), sources=[])
        for name, java in guessed
    ]
    places = [fact.place for fact in facts.every_action() if mentions(fact.place.quote, term)]
    return ValueObjectAnswer(
        name=term.name, alias=term.alias, fields=fields, sources=asked.sources(places, most=1)
    )
