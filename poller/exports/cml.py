"""Context Mapper's language (CML): the contexts with their aggregates, and who depends on whom, from policies, references and calls.

Names are plain ASCII there; what people call things is in the documentation strings. Systems of others are contexts of the type SYSTEM.
Policies and open questions, for which the language has no words, are comments.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from eventstorming.v1.model_pb2 import EventStormingModel, Field

from poller.board.text import clean, one_line
from poller.board.wall import title_of
from poller.board.words import export_words_for
from poller.exports._format import Format
from poller.exports._names import identifier
from poller.exports._terms import OF_THE_WHOLE, policy_lines, questions
from poller.msaez.fields import element_of
from poller.resolved import Aggregate, Context, Node, System, resolve
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
        self._words, self._asked = export_words_for(model), questions(self._found, named=True)
        self._contexts = {it.path: contexts.take(f"{identifier(it)}Context") for it in self._found.contexts}
        self._contexts |= {it.path: contexts.take(f"{identifier(it)}System") for it in self._found.systems}

    def lines(self) -> Iterator[str]:
        yield "ContextMap EventStorming {"
        if self._contexts:
            yield f"  contains {', '.join(self._contexts.values())}"
        for upstream, downstream in dict.fromkeys(self._dependencies()):
            yield f"  {self._contexts[upstream]} [U]->[D] {self._contexts[downstream]}"
        yield "}"
        yield from map(_comment, self._asked[OF_THE_WHOLE])
        for context in self._found.contexts:
            yield from self._context(context)
        for system in self._found.systems:
            yield from self._system(system)

    def _dependencies(self) -> Iterator[tuple[str, str]]:
        """Who reacts to an event, keeps a reference or calls a system depends on where it is. A pair is said once."""
        seen: set[frozenset[str]] = set()
        for aggregate in self._found.aggregates:
            upstream: list[Node] = [policy.trigger.aggregate.context for policy in aggregate.crossing]
            upstream += [reference.target.context for reference in aggregate.references]
            upstream += [system for command in aggregate.commands for system in command.systems]
            for end in upstream:
                pair = frozenset((end.path, aggregate.context.path))
                if len(pair) == 2 and pair not in seen:
                    seen.add(pair)
                    yield end.path, aggregate.context.path

    def _context(self, context: Context) -> Iterator[str]:
        yield ""
        yield f"BoundedContext {self._contexts[context.path]} {{"
        vision = context.message.purpose or title_of(context.message)
        yield f"  domainVisionStatement = {_text(vision)}"
        yield from (f"  {_comment(asked)}" for asked in self._asked[context.path])
        for aggregate in context.aggregates:
            yield from (f"  {line}" for line in self._aggregate(aggregate))
        yield "}"

    def _system(self, system: System) -> Iterator[str]:
        yield ""
        yield f"BoundedContext {self._contexts[system.path]} {{"
        yield f"  domainVisionStatement = {_text(system.message.description or title_of(system.message))}"
        yield "  type = SYSTEM"
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
        for node in (aggregate, *aggregate.commands, *aggregate.events, *aggregate.read_models):
            yield from (f"  {_comment(asked)}" for asked in self._asked[node.path])
        for policy in aggregate.policies:
            yield from (f"  {_comment(told)}" for told in policy_lines(policy, self._words))
            yield from (f"  {_comment(asked)}" for asked in self._asked[policy.path])
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
    inner = element_of(given)
    name = f"- {names[inner]}" if inner in names else _TYPES.get(inner, "String")
    if inner == given:
        return name
    return f"- List<{names[inner]}>" if inner in names else f"List<{name}>"


def _comment(text: str) -> str:
    return f"// {one_line(clean(text))}"


def _text(text: str) -> str:
    """A string that no quote or backslash of the model ends."""
    return '"' + one_line(clean(text)).replace("\\", "/").replace('"', "'") + '"'


FORMAT = Format(
    title=("Context Mapper (CML)", "Context Mapper(CML)"),
    file="contexts.cml",
    media_type="text/plain",
    write=to_cml,
)
