"""Context Mapper's language (CML): the contexts with their aggregates, and who depends on whom, from policies and references.

Names are plain ASCII there; what people call things is in the documentation strings.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from eventstorming.v1.model_pb2 import EventStormingModel, Field

from poller.board.text import clean, one_line
from poller.board.wall import title_of
from poller.exports._format import Format
from poller.exports._names import identifier
from poller.resolved import Aggregate, Context, resolve
from poller.resolved.names import Register, class_name, field_name

_TYPES = {
    "String": "String",
    "Long": "Long",
    "Integer": "int",
    "Double": "double",
    "BigDecimal": "BigDecimal",
}
_TYPES |= {"Boolean": "boolean", "Date": "Date"}
_KEYWORDS = frozenset(
    [
        "abstract",
        "aggregate",
        "cache",
        "changeable",
        "command",
        "contains",
        "description",
        "email",
        "enum",
        "event",
        "extends",
        "gap",
        "hint",
        "immutable",
        "in",
        "index",
        "inject",
        "inverse",
        "key",
        "length",
        "max",
        "min",
        "not",
        "nullable",
        "of",
        "operation",
        "owner",
        "package",
        "past",
        "pattern",
        "persistent",
        "range",
        "reference",
        "required",
        "scope",
        "size",
        "state",
        "to",
        "transient",
        "type",
        "unique",
        "url",
        "validate",
        "value",
        "with",
    ]
)


def to_cml(model: EventStormingModel) -> str:
    """One file, whatever the number of contexts."""
    return "\n".join(_Writer(model).lines()) + "\n"


class _Writer:
    def __init__(self, model: EventStormingModel) -> None:
        self._found = resolve(model)
        contexts, self._names = Register(), Register()
        self._contexts = {it.path: contexts.take(f"{identifier(it)}Context") for it in self._found.contexts}

    def lines(self) -> Iterator[str]:
        yield "ContextMap EventStorming {"
        if self._contexts:
            yield f"  contains {', '.join(self._contexts.values())}"
        for upstream, downstream in dict.fromkeys(self._dependencies()):
            yield f"  {self._contexts[upstream]} [U]->[D] {self._contexts[downstream]}"
        yield "}"
        for context in self._found.contexts:
            yield from self._context(context)

    def _dependencies(self) -> Iterator[tuple[str, str]]:
        """Who reacts to an event, or keeps a reference, depends on where it comes from. A pair is said once."""
        seen: set[frozenset[str]] = set()
        for aggregate in self._found.aggregates:
            ends = [(policy.trigger.aggregate.context, aggregate.context) for policy in aggregate.crossing]
            ends += [(reference.target.context, aggregate.context) for reference in aggregate.references]
            for upstream, downstream in ends:
                pair = frozenset((upstream.path, downstream.path))
                if len(pair) == 2 and pair not in seen:
                    seen.add(pair)
                    yield upstream.path, downstream.path

    def _context(self, context: Context) -> Iterator[str]:
        yield ""
        yield f"BoundedContext {self._contexts[context.path]} {{"
        vision = context.message.purpose or title_of(context.message)
        yield f"  domainVisionStatement = {_text(vision)}"
        for aggregate in context.aggregates:
            yield from (f"  {line}" for line in self._aggregate(aggregate))
        yield "}"

    def _aggregate(self, aggregate: Aggregate) -> Iterator[str]:
        message = aggregate.message
        types = [*message.value_objects, *message.enumerations]
        names = {it.name: self._names.take(class_name(it.name, otherwise="Type")) for it in types}
        root = self._names.take(identifier(aggregate))
        yield f"Aggregate {root} {{"
        duties = [message.description or title_of(message), *message.invariants]
        yield f"  responsibilities = {', '.join(map(_text, duties))}"
        yield from self._object("Entity", root, message, message.fields, names, "aggregateRoot")
        for value in message.value_objects:
            kind = "Entity" if value.is_entity else "ValueObject"
            yield from self._object(kind, names[value.name], value, value.fields, names)
        for enumeration in message.enumerations:
            register = Register()
            items = [register.take(class_name(item.value, otherwise="VALUE")) for item in enumeration.items]
            yield f"  enum {names[enumeration.name]} {{ {', '.join(items)} }}"
        for kind, members in (("CommandEvent", aggregate.commands), ("DomainEvent", aggregate.events)):
            for member in members:
                name = self._names.take(identifier(member))
                yield from self._object(kind, name, member.message, member.message.fields, names)
        yield "}"

    def _object(
        self,
        kind: str,
        name: str,
        message: Any,
        fields: Iterable[Field],
        names: dict[str, str],
        first: str = "",
    ) -> Iterator[str]:
        yield f"  {_text(title_of(message))}"
        yield f"  {kind} {name} {{"
        if first:
            yield f"    {first}"
        register = Register()
        for field in fields:
            member = field_name(field.name)
            member = register.take(f"{member}Value" if member in _KEYWORDS else member)
            yield f"    {_type(field.type, names)} {member}{' key' if field.is_key else ''}"
        yield "  }"


def _type(given: str, names: dict[str, str]) -> str:
    """A type of the aggregate is a reference, which CML marks."""
    inner = given.removeprefix("List<").removesuffix(">")
    name = f"- {names[inner]}" if inner in names else _TYPES.get(inner, "String")
    if inner == given:
        return name
    return f"- List<{names[inner]}>" if inner in names else f"List<{name}>"


def _text(text: str) -> str:
    """A string that no quote or backslash of the model ends."""
    return '"' + one_line(clean(text)).replace("\\", "/").replace('"', "'") + '"'


FORMAT = Format(
    title=("Context Mapper (CML)", "Context Mapper(CML)"),
    file="contexts.cml",
    media_type="text/plain",
    write=to_cml,
)
