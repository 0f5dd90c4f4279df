"""One aggregate's insides: attributes with types and a key, inner types, enumerations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from devkit.rules import naming
from devkit.rules.analysis import Found
from devkit.rules.facts import Choices, Column, Facts, Table, Term

_TYPES = {
    word: java
    for java, words in {
        "Boolean": "active enabled flag available approved verified required allowed",
        "Integer": "quantity count capacity age points stock level rating score days hours minutes year size",
        "BigDecimal": "price amount total cost fee balance rate salary budget deposit tax discount limit weight charge payment fine",
        "Date": "date time at on deadline birthday until timestamp period start end expiry due",
        "Long": "id",
    }.items()
    for word in words.split()
}
_NUMBERED = {"id", "number", "no", "code", "identifier", "isbn", "barcode", "sku"}
_ALONE = _NUMBERED - {"no", "identifier", "barcode"}


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    alias: str
    key: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """An inner type: one with attributes of its own, or an enumeration with its values."""

    name: str
    alias: str
    fields: Sequence[Field] = ()
    values: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is known of an aggregate before its text is read: names of its types, references and attributes."""

    enumerations: Sequence[Term] = ()
    parts: Sequence[Term] = ()
    references: Iterable[str] = ()
    attributes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    fields: Sequence[Field]
    parts: Sequence[Kind]
    enumerations: Sequence[Kind]


def inside(found: Found, facts: Facts, given: Given) -> Inside:
    """What the text records about the aggregate; a key is added when none is named."""
    enumerations = _enumerations(given.enumerations, found, facts)
    parts = [_part(*one, enumerations) for one in _groups(given.parts, found, facts)]
    types = [*enumerations, *parts]
    fields = once(_fields(found, given, types), {one.name.casefold() for one in types})
    present = {one.name.casefold() for part in parts for one in part.fields}
    required = (Field(naming.camel(name), field_type(name), naming.title(name)) for name in given.attributes)
    fields = once([*fields, *(f for f in required if f.name.casefold() not in present)])
    return Inside(fields=_with_key(found.term, fields), parts=parts, enumerations=enumerations)


def field_type(name: str) -> str:
    """The type that an attribute's name suggests."""
    first, *more = naming.parts(name) or ("",)
    begun = {"is": "Boolean", "has": "Boolean", "number": "Integer"} if more else {}
    return _TYPES.get([first, *more][-1], begun.get(first, "String"))


def _fields(found: Found, given: Given, types: Sequence[Kind]) -> Iterator[Field]:
    yield from (_column(column, table, types) for table in found.tables for column in table.columns)
    references = {name.casefold() for name in given.references}
    for fact in found.members:
        for name in fact.names:
            if name.name.casefold() not in references:
                yield _field(name, found.term, types)
    for action in found.commands:
        yield from (_field(name, found.term, types) for name in action.fields)
    within = {member.type for one in types for member in one.fields}
    for one in types:
        if one.name not in within:
            short = one.name.removeprefix(found.term.name) or one.name
            yield Field(naming.camel(short), one.name, one.alias)  # OrderStatus of Order is `status`


def once(fields: Iterable[Field], types: Collection[str] = ()) -> list[Field]:
    """Each name once, of a type that is used once; the first place counts, the better type wins."""
    kept: dict[str, Field] = {}
    used: dict[str, str] = {}
    for one in fields:
        low, kind = one.name.casefold(), one.type.casefold()
        if not low or (kind in types and used.setdefault(kind, low) != low):
            continue
        if low not in kept or (kind in types and kept[low].type.casefold() not in types):
            kept[low] = one
    return list(kept.values())


def _column(column: Column, table: Table, types: Sequence[Kind]) -> Field:
    name = naming.camel(column.name)
    java = _own_type(name, table.term, types) or column.type
    return Field(name, java, column.alias or naming.title(column.name), column.key)


def _field(name: Term, owner: Term, types: Sequence[Kind]) -> Field:
    plain, words = field_type(name.name), naming.parts(name.name)
    java = "List<String>" if name.plural and plain == "String" else plain
    key = words[-1:] == words and words[-1] in _ALONE if len(words) < 2 else words[-1] in _NUMBERED
    key = key and words[:-1] in ((), naming.parts(owner.name))
    return Field(naming.camel(name.name), _own_type(name.name, owner, types) or java, name.alias, key)


def _own_type(name: str, owner: Term, types: Sequence[Kind]) -> str:
    """The aggregate's own type that an attribute is of: by its name, or by owner and name."""
    wanted = {name.casefold(), (owner.name + name).casefold(), naming.singular(name)}
    return next((one.name for one in types if one.name.casefold() in wanted), "")


def _with_key(term: Term, fields: Sequence[Field]) -> Sequence[Field]:
    """Exactly what identifies: a named key, else `<aggregate>Id`."""
    if any(one.key for one in fields):
        return fields
    key = Field(f"{naming.camel(term.name)}Id", "Long", f"{term.alias} ID", key=True)
    return [key, *(one for one in fields if one.name.casefold() != key.name.casefold())]


# ---------------------------------------------------------------- types of its own


def _enumerations(wanted: Sequence[Term], found: Found, facts: Facts) -> list[Kind]:
    """Those that are asked for and those the text gives to this aggregate."""
    kinds: dict[str, Kind] = {}
    for one in (*found.choices, *_columns_with_choices(found)):
        kinds.setdefault(one.name.name.casefold(), Kind(one.name.name, one.name.alias, values=one.values))
    for term in wanted:
        known = kinds.get(term.name.casefold()) or _matching(term, facts)
        values = known.values if known else _guessed_items(found, term)
        said = known.alias if isinstance(known, Kind) else term.alias
        alias = said if term.alias == naming.title(term.name) else term.alias  # given without a display name
        kinds[term.name.casefold()] = Kind(term.name, alias, values=values)
    return list(kinds.values())


def _columns_with_choices(found: Found) -> Iterator[Choices]:
    for table in found.tables:
        for column in (column for column in table.columns if len(column.choices) > 1):
            owner, name = table.term, naming.pascal(column.name)
            term = Term(owner.name + name.removeprefix(owner.name), column.alias or naming.title(column.name))
            yield Choices(place=table.place, owner=owner, name=term, values=column.choices)


def _matching(wanted: Term, facts: Facts) -> Choices | None:
    return next((c for c in facts.choices if wanted.name.casefold().endswith(c.name.name.casefold())), None)


def _guessed_items(found: Found, wanted: Term) -> Sequence[str]:
    """A status nobody listed takes what the events say; another kind stays open."""
    if naming.head(wanted.name) != "status":
        return ["GENERAL", "OTHER"]
    names = [a.event.name for a in found.commands if a.event.name.startswith(found.term.name)]
    said = dict.fromkeys(naming.upper_snake(name.removeprefix(found.term.name)) for name in names)
    return [value for value in said if value][:6] or ["ACTIVE", "CLOSED"]


def _groups(wanted: Sequence[Term], found: Found, facts: Facts) -> Iterator[tuple[Term, Sequence[Term]]]:
    """Inner types with the names of their members: those that are asked for, then those the text gives to this aggregate."""
    own = {group.owner.name.casefold(): group for group in found.groups}
    every = {fact.owner.name.casefold(): fact for fact in reversed(facts.members)} | own
    known = {term.name.casefold() for term in wanted}
    for term in (*wanted, *(group.owner for low, group in own.items() if low not in known)):
        group = every.get(term.name.casefold())
        yield term, group.names if group else ()


def _part(term: Term, names: Sequence[Term], enumerations: Sequence[Kind]) -> Kind:
    """One that no text describes has a value."""
    fields = once(_field(name, term, enumerations) for name in names or (Term("Value", "Value"),))
    return Kind(term.name, term.alias, [replace(one, key=False) for one in fields])
