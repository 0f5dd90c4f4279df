"""The words of a model as one Markdown table, its headings in English and Korean: term, code name, kind, meaning, context."""

from collections.abc import Iterator
from typing import Any

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.text import escaped_markdown
from poller.board.wall import title_of
from poller.exports._format import Format
from poller.resolved import Context, resolve

_HEAD = ("Term 용어", "Code name 코드 이름", "Kind 종류", "Meaning 의미", "Context 컨텍스트")
_KINDS = {
    "context": "bounded context 바운디드 컨텍스트",
    "aggregate": "aggregate 애그리거트",
    "value": "value object 값 객체",
    "entity": "entity 엔티티",
    "enumeration": "enumeration 열거형",
    "command": "command 커맨드",
    "event": "event 이벤트",
    "view": "read model 리드 모델",
    "policy": "policy 폴리시",
    "actor": "actor 액터",
    "system": "external system 외부 시스템",
}
_Row = tuple[str, str, str, str, str]


def to_glossary(model: EventStormingModel) -> str:
    """Sorted by term; what occurs twice is there twice, with its contexts."""
    found = sorted(_rows(model), key=lambda row: (row[0].casefold(), row))
    lines = [_HEAD, ("---",) * len(_HEAD), *(tuple(map(escaped_markdown, row)) for row in found)]
    return "# Glossary · 용어집\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _rows(model: EventStormingModel) -> Iterator[_Row]:
    found = resolve(model)
    for context in found.contexts:
        yield from rows(context)
    for actor in model.actors:
        yield _row("actor", actor, "", "")
    for system in model.external_systems:
        yield _row("system", system, system.description, "")


def rows(context: Context) -> Iterator[_Row]:
    """Its own words: term, code name, kind, meaning, context."""
    where = title_of(context.message)
    yield _row("context", context.message, context.message.purpose, where)
    for aggregate in context.aggregates:
        yield _row("aggregate", aggregate.message, aggregate.message.description, where)
        for value in aggregate.message.value_objects:
            yield _row("entity" if value.is_entity else "value", value, "", where)
        for enumeration in aggregate.message.enumerations:
            values = ", ".join(item.alias or item.value for item in enumeration.items)
            yield _row("enumeration", enumeration, values, where)
        for kind, members in (
            ("command", aggregate.commands),
            ("event", aggregate.events),
            ("view", aggregate.read_models),
        ):
            for member in members:
                yield _row(kind, member.message, member.message.description, where)
        for policy in aggregate.policies:
            yield _row("policy", policy.message, policy.message.reason, where)


def _row(kind: str, message: Any, meaning: str, where: str) -> _Row:
    return title_of(message), message.name, _KINDS[kind], meaning, where


FORMAT = Format(
    title=("Glossary", "용어집"), file="glossary.md", media_type="text/markdown", write=to_glossary
)
