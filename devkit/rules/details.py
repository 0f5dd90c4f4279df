"""One aggregate's insides: attributes with types and a key, inner types, enumerations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from devkit.rules import naming
from devkit.rules.analysis import Found
from devkit.rules.facts import Facts, Field, Term

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
_NUMBERED = {"id", "number", "no", "code", "identifier", "isbn", "sku"}


@dataclass(frozen=True, slots=True)
class Kind:
    """An inner type: one with attributes of its own, or an enumeration with its items."""

    name: str
    alias: str
    fields: Sequence[Field] = ()
    items: Sequence[str] = ()


def inside(
    found: Found,
    facts: Facts,
    *,
    enumerations: Sequence[Term],
    parts: Sequence[Term],
    references: Iterable[str],
    attributes: Sequence[str] = (),
) -> tuple[list[Field], list[Kind], list[Kind]]:
    """Fields, parts and enumerations that the text records about the aggregate, or that are known of it before: by name. A key is
    added when none is named."""
    kinds = _enumerations(enumerations, found, facts)
    made = list(_parts(parts, found, facts, kinds))
    types = [*kinds, *made]
    fields = once(_fields(found, references, types), {one.name.casefold() for one in types})
    present = {one.name.casefold() for part in made for one in part.fields}
    required = (Field(naming.camel(name), field_type(name), naming.title(name)) for name in attributes)
    fields = once([*fields, *(f for f in required if f.name.casefold() not in present)])
    if not any(one.key for one in fields):
        key = Field(f"{naming.camel(found.term.name)}Id", "Long", f"{found.term.alias} ID", key=True)
        fields = once([key, *fields])
    return fields, made, kinds


def field_type(name: str) -> str:
    """The type that an attribute's name suggests."""
    first, *more = naming.parts(name) or ("",)
    begun = {"is": "Boolean", "has": "Boolean", "number": "Integer"} if more else {}
    return _TYPES.get([first, *more][-1], begun.get(first, "String"))


def _fields(found: Found, references: Iterable[str], types: Sequence[Kind]) -> Iterator[Field]:
    for table in found.tables:
        for column in table.columns:
            camel = naming.camel(column.name)
            java = _own_type(camel, table.term, types) or column.type
            yield replace(column, name=camel, type=java, alias=column.alias or naming.title(camel))
    kept = {name.casefold() for name in references}
    own = (name for fact in found.members if fact.owner.name == found.term.name for name in fact.names)
    recorded = (name for name in own if name.name.casefold() not in kept)
    for name in (*recorded, *(name for action in found.commands for name in action.fields)):
        yield _field(name, found.term, types)
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


def _field(name: Term, owner: Term, types: Sequence[Kind]) -> Field:
    plain, words = field_type(name.name), naming.parts(name.name)
    java = "List<String>" if name.plural and plain == "String" else plain
    key = naming.head(name.name) in _NUMBERED and words[:-1] in ((), naming.parts(owner.name))
    return Field(naming.camel(name.name), _own_type(name.name, owner, types) or java, name.alias, key)


def _own_type(name: str, owner: Term, types: Sequence[Kind]) -> str:
    """The aggregate's own type that an attribute is of: by its name, or by owner and name."""
    wanted = {name.casefold(), (owner.name + name).casefold(), naming.singular(name)}
    return next((one.name for one in types if one.name.casefold() in wanted), "")


# ---------------------------------------------------------------- types of its own


def _enumerations(wanted: Sequence[Term], found: Found, facts: Facts) -> list[Kind]:
    """Those that are asked for and those the text gives to this aggregate."""
    kinds: dict[str, Kind] = {}
    for one in found.choices:
        kinds.setdefault(one.name.name.casefold(), Kind(one.name.name, one.name.alias, items=one.values))
    for owner, column in ((table.term.name, column) for table in found.tables for column in table.columns):
        name = owner + naming.pascal(column.name).removeprefix(owner)
        if len(column.choices) > 1:
            alias = column.alias or naming.title(column.name)
            kinds.setdefault(name.casefold(), Kind(name, alias, items=column.choices))
    for term in wanted:
        low = term.name.casefold()
        said = (one.values for one in facts.choices if low.endswith(one.name.name.casefold()))
        known = kinds.get(low) or Kind(term.name, term.alias, items=next(said, _states(found, term)))
        alias = known.alias if term.alias == naming.title(term.name) else term.alias  # without a display name
        kinds[low] = replace(known, name=term.name, alias=alias)
    return list(kinds.values())


def _states(found: Found, wanted: Term) -> Sequence[str]:
    """A status nobody listed takes what the events say; another kind stays open."""
    names = [a.event.name for a in found.commands if a.event.name.startswith(found.term.name)]
    said = (naming.upper_snake(name.removeprefix(found.term.name)) for name in names)
    return list(dict.fromkeys(said))[:6] if naming.head(wanted.name) == "status" else ()


def _parts(wanted: Sequence[Term], found: Found, facts: Facts, types: Sequence[Kind]) -> Iterator[Kind]:
    """Those that are asked for, then those the text gives to this aggregate; one that no text describes has a value."""
    groups = (fact for fact in found.members if fact.owner.name != found.term.name)
    own = {group.owner.name.casefold(): group for group in groups}
    every = {fact.owner.name.casefold(): fact for fact in reversed(facts.members)} | own
    known = {term.name.casefold() for term in wanted}
    for term in (*wanted, *(group.owner for low, group in own.items() if low not in known)):
        group = every.get(term.name.casefold())
        names = group.names if group else (Term("Value", "Value"),)
        yield Kind(term.name, term.alias, once(_field(name, term, types) for name in names))
