"""The model for people: a specification in Markdown to hand over, in the language of the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from eventstorming.v1.model_pb2 import (
    EventStormingModel,
    ExternalSystem,
    Field,
    PolicyInput,
    Refusal,
    Scenario,
    ScenarioClause,
)

from poller.board.text import clean, escaped_markdown, one_line
from poller.board.trace import Trace, trace
from poller.board.wall import Kind, Wall, wall_of
from poller.board.words import export_words_for
from poller.exports._format import Format
from poller.exports.mermaid import context_map
from poller.resolved import Aggregate, Context, Policy, Question, Resolved

_Words = Mapping[str, str]
_COUNTED = (Kind.AGGREGATE, Kind.COMMAND, Kind.EVENT, Kind.POLICY, Kind.READ_MODEL)


def to_markdown(model: EventStormingModel) -> str:
    """Every element with its details, where it came from, and what was left out."""
    return "\n\n".join(block for block in _blocks(model) if block) + "\n"


def _blocks(model: EventStormingModel) -> Iterator[str]:
    wall, words = wall_of(model), export_words_for(model)
    said = _Phrases(wall, words)
    elements = _Elements(said, words)
    yield f"# {words['specification']}"
    yield _summary(wall, words)
    yield f"## {words['contextMap']}"
    yield f"```mermaid\n{context_map(wall)}```"
    for context in wall.found.contexts:
        yield from elements.context(context)
    if rows := [[*map(said.named, ends), why] for *ends, why in _references(wall.found)]:
        yield f"## {words['references']}"
        yield _table([words["from"], words["to"], words["why"]], rows)
    if model.actors:
        yield f"## {words['actors']}"
        yield "\n".join(f"- {_name(actor)}" for actor in model.actors)
    if model.external_systems:
        yield f"## {words['systems']}"
        yield "\n".join(map(_system, model.external_systems))
    if wall.found.questions:
        yield f"## {words['questions']}"
        yield "\n".join(map(elements.question, wall.found.questions))
    traced = trace(wall)
    yield f"## {words['traceability']}"
    yield _traceability(wall, traced, words)
    yield f"## {words['leftOut']}"
    yield from _left_out(wall.found, [each.words for each in traced.uncovered], words)


def _references(found: Resolved) -> Iterator[tuple[str, str, str]]:
    for aggregate in found.aggregates:
        for reference in aggregate.references:
            yield aggregate.message.name, reference.target.message.name, escaped_markdown(reference.reason)


def _summary(wall: Wall, words: _Words) -> str:
    kinds = [sticker.kind for sticker in wall.stickers]
    rows = [[words["context"], str(len(wall.found.contexts))]]
    rows += [[words[kind], str(kinds.count(kind))] for kind in _COUNTED]
    return _table([words["what"], words["howMany"]], rows)


def _traceability(wall: Wall, traced: Trace, words: _Words) -> str:
    rows = [
        [
            words[sticker.kind],
            _name(sticker),
            "<br>".join(map(escaped_markdown, traced.quotes(sticker))) or "–",
        ]
        for sticker in wall.stickers
        if sticker.kind in _COUNTED
    ]
    return _table([words["what"], words["name"], words["source"]], rows)


def _left_out(found: Resolved, sentences: list[str], words: _Words) -> Iterator[str]:
    gaps = [f"{name}: {words[gap]}" for context in found.contexts for name, gap in _gaps(context)]
    yield _list(words["uncoveredSentences"], sentences)
    yield _list(words["incomplete"], gaps)
    if not sentences and not gaps:
        yield words["nothingLeftOut"]


class _Phrases:
    """What elements are called, and what is said of several kinds of them."""

    def __init__(self, wall: Wall, words: _Words) -> None:
        self._words = words
        self._titles = {sticker.name: sticker.title for sticker in reversed(list(wall.stickers))}
        self._actors = {actor.name: actor.alias or actor.name for actor in reversed(wall.found.model.actors)}

    def named(self, name: str) -> str:
        return escaped_markdown(self._titles.get(name, name))

    def each(self, names: Iterable[str]) -> str:
        return ", ".join(map(self.named, names))

    def heading(self, level: str, kind: str, message: Any) -> str:
        alias = message.alias or message.name
        code = f" {_tick(message.name)}" if alias != message.name else ""
        return f"{level} {self._words[kind]}: {escaped_markdown(alias)}{code}"

    def fields(self, title: str, fields: Iterable[Field]) -> str:
        w = self._words
        rows = [
            [
                _tick(field.name),
                _tick(field.type),
                escaped_markdown(field.alias),
                w["key"] if field.is_key else "",
            ]
            for field in fields
        ]
        head = [w["name"], w["type"], w["meaning"], w["key"]]
        return f"**{title}**\n\n{_table(head, rows)}" if rows else ""

    def asked(self, word: str, member: Any) -> list[str]:
        return _fact(self._words[word], escaped_markdown(self._actors.get(member.actor, member.actor)))

    def clause(self, clause: ScenarioClause) -> str:
        values = ", ".join(f"{_tick(each.field)} = {escaped_markdown(each.value)}" for each in clause.values)
        return self.named(clause.name) + (f" ({values})" if values else "")


class _Elements:
    """Writes every element with what it is made of."""

    def __init__(self, said: _Phrases, words: _Words) -> None:
        self._said, self._words = said, words

    def context(self, context: Context) -> Iterator[str]:
        yield self._said.heading("##", "context", context.message)
        yield _quote(context.message.description)
        for aggregate in context.aggregates:
            yield from self._aggregate(aggregate)
        policies = [policy for aggregate in context.aggregates for policy in aggregate.policies]
        if policies:
            yield f"### {self._words['policies']}"
        yield from map(self._policy, sorted(policies, key=lambda policy: policy.number))

    def _aggregate(self, aggregate: Aggregate) -> Iterator[str]:
        w, message = self._words, aggregate.message
        yield self._said.heading("###", "aggregate", message)
        yield escaped_markdown(message.description)
        yield self._said.fields(w["fields"], message.fields)
        for value_object in message.value_objects:
            title = f"{w['valueObject']} {_name(value_object)}"
            yield self._said.fields(title, value_object.fields) or f"**{title}**"
        for enumeration in message.enumerations:
            values = ", ".join(_tick(item.value) for item in enumeration.items)
            yield f"**{w['enumeration']} {_name(enumeration)}**: {values}"
        yield _list(w["rules"], message.invariants)
        for command in aggregate.commands:
            yield from self._command(command.message)
        for event in aggregate.events:
            yield self._said.heading("####", "event", event.message)
            yield escaped_markdown(event.message.description)
            yield "\n".join(_fact(w["state"], _tick(event.message.state)))
            yield self._said.fields(w["fields"], event.message.fields)
        for read_model in aggregate.read_models:
            yield from self._read_model(read_model.message)

    def _command(self, command: Any) -> Iterator[str]:
        w = self._words
        yield self._said.heading("####", "command", command)
        yield escaped_markdown(command.description)
        yield "\n".join(
            [
                *self._said.asked("givenBy", command),
                *_fact(w["emits"], self._said.each(command.emits)),
                *_fact(w["calls"], self._said.each(command.external_systems)),
            ]
        )
        yield self._said.fields(w["fields"], command.fields)
        yield from map(self._scenario, command.scenarios)
        yield from map(self._refusal, command.refusals)

    def _scenario(self, scenario: Scenario) -> str:
        w = self._words
        lines = [f"**{w['scenario']}: {escaped_markdown(scenario.title)}**", ""]
        lines.append(f"- {w['given']} {self._said.clause(scenario.given)}")
        lines.append(f"- {w['when']} {self._said.clause(scenario.when)}")
        lines += [f"- {w['then']} {self._said.clause(each)}" for each in scenario.then]
        return "\n".join(lines)

    def _refusal(self, refusal: Refusal) -> str:
        w = self._words
        lines = [f"**{w['refusals']}: {escaped_markdown(refusal.title)}**", ""]
        lines += self._said.asked("triedBy", refusal)
        if refusal.HasField("given"):
            lines.append(f"- {w['given']} {self._said.clause(refusal.given)}")
        lines.append(f"- {w['when']} {self._said.clause(refusal.when)}")
        lines += _fact(w["told"], escaped_markdown(refusal.told))
        return "\n".join(lines)

    def _read_model(self, read_model: Any) -> Iterator[str]:
        w = self._words
        yield self._said.heading("####", "readmodel", read_model)
        yield escaped_markdown(read_model.description)
        many = [f"- {w['list']}"] if read_model.multiple else []
        yield "\n".join([*self._said.asked("askedBy", read_model), *many])
        yield self._said.fields(w["parameters"], read_model.parameters)
        yield self._said.fields(w["columns"], read_model.columns)

    def _policy(self, policy: Policy) -> str:
        w, message = self._words, policy.message
        lines = [self._said.heading("####", "policy", message), ""]
        lines += [escaped_markdown(message.reason), ""] if message.reason else []
        lines += _fact(w["trigger"], self._said.each([message.trigger] if message.trigger else []))
        lines += _fact(w["timer"], escaped_markdown(message.timer))
        lines += _fact(w["condition"], escaped_markdown(message.condition))
        lines += _fact(
            w["givesCommands"], self._said.each(command.message.name for command in policy.commands)
        )
        lines += _fact(w["results"], self._said.each(event.message.name for event in policy.results))
        lines += _fact(w["inputs"], "; ".join(map(self._input, message.inputs)))
        return "\n".join(lines)

    def _input(self, given: PolicyInput) -> str:
        told = self._words["lookedUp" if given.by else "lookedUpSomehow"]
        names = {"parameter": _tick(given.parameter), "aggregate": self._said.named(given.aggregate)}
        return told.format(**names, by=_tick(given.by))

    def question(self, question: Question) -> str:
        """With what it is about, unless that is everything."""
        about = f" ({escaped_markdown(_title(question.about.message))})" if question.about else ""
        return f"- {escaped_markdown(question.message.text)}{about}"


def _gaps(context: Context) -> Iterator[tuple[str, str]]:
    """What is not worked out: whose, and the word for what is missing."""
    if not context.aggregates:
        yield _title(context.message), "noAggregates"
    for aggregate in context.aggregates:
        if not any(field.is_key for field in aggregate.message.fields):
            yield _title(aggregate.message), "noKey"
        for command in aggregate.commands:
            if not command.message.emits:
                yield _title(command.message), "noEvents"
            if not command.message.scenarios:
                yield _title(command.message), "noScenarios"
        emitted = {event.path for command in aggregate.commands for event in command.emits}
        for event in aggregate.events:
            if event.path not in emitted:
                yield _title(event.message), "notEmitted"


def _title(message: Any) -> str:
    title: str = message.alias or message.name
    return title


def _name(element: Any) -> str:
    alias = element.alias
    return (
        f"{escaped_markdown(alias)} {_tick(element.name)}"
        if alias and alias != element.name
        else _tick(element.name)
    )


def _system(system: ExternalSystem) -> str:
    told = escaped_markdown(system.description)
    return f"- {_name(system)}: {told}" if told else f"- {_name(system)}"


def _fact(label: str, value: str) -> list[str]:
    return [f"- {label}: {value}"] if value else []


def _tick(text: str) -> str:
    """A code span; where the text itself would break it, escaped plain text."""
    flat = one_line(clean(text))
    return escaped_markdown(flat) if not flat or re.search(r"[`|]", flat) else f"`{flat}`"


def _quote(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(f"> {escaped_markdown(line)}" if line.strip() else ">" for line in lines)


def _list(title: str, texts: Iterable[str]) -> str:
    rows = [f"- {escaped_markdown(text)}" for text in texts]
    return f"**{title}**\n\n" + "\n".join(rows) if rows else ""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


FORMAT = Format(
    title=("Specification", "명세서"), file="specification.md", media_type="text/markdown", write=to_markdown
)
