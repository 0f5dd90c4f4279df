"""The model for other tools and for people: canonical JSON, mermaid diagrams, a specification in Markdown."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from eventstorming.v1.model_pb2 import (
    Aggregate,
    Command,
    EventStormingModel,
    Policy,
    ReadModel,
    Scenario,
    ScenarioClause,
)
from google.protobuf.json_format import MessageToJson

from .text import clean, one_line
from .trace import trace
from .wall import Area, Band, Kind, Sticker, Tie, Wall, numbered, wall_of
from .words import export_words_for

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>#|~&$])")
_LINE_START: Final = re.compile(r"^(\d*)([-+=.)])")
_LIST_START: Final = re.compile(r"^(\d*)([-+.)])")
_STYLES: Final[Mapping[Kind, str]] = {
    Kind.COMMAND: "fill:#8fc7ff,stroke:#5a9fe0,color:#1f2430",
    Kind.AGGREGATE: "fill:#ffe177,stroke:#dcb52f,color:#1f2430",
    Kind.EVENT: "fill:#ffab4f,stroke:#e0852a,color:#1f2430",
    Kind.POLICY: "fill:#d3b8f2,stroke:#a883d4,color:#1f2430",
    Kind.READ_MODEL: "fill:#a4dd92,stroke:#6fb45a,color:#1f2430",
    Kind.ACTOR: "fill:#fff3b0,stroke:#dcc65a,color:#1f2430",
}


def to_json(model: EventStormingModel) -> str:
    """protobuf's canonical JSON (lowerCamelCase), as any protobuf library reads it."""
    return MessageToJson(model, ensure_ascii=False) + "\n"


def to_mermaid(model: EventStormingModel) -> str:
    """Markdown with one mermaid block each for the context map and the flow of every context."""
    words = export_words_for(model)
    parts = [f"# {words['title']}"]
    for title, diagram in diagrams(model):
        parts.append(f"## {_md(title)}\n\n```mermaid\n{diagram}```")
    return "\n\n".join(parts) + "\n"


def diagrams(model: EventStormingModel) -> list[tuple[str, str]]:
    """Title and source of every diagram, the context map first."""
    wall = wall_of(model)
    words = export_words_for(model)
    flows = [(_both(area), _flow(area, wall)) for area in wall.areas]
    return [(words["contextMap"], _context_map(wall)), *flows]


# Mermaid


def _context_map(wall: Wall) -> str:
    homes = {sticker.id: area for area in wall.areas for band in area.bands for sticker in band.stickers}
    stickers = {sticker.id: sticker for sticker in wall.stickers}
    lines = ["flowchart LR"]
    lines += [f'  {_node(area.id)}["{_label(_both(area))}"]' for area in wall.areas]
    drawn: dict[tuple[str, str, str], list[str]] = {}
    for arrow in wall.arrows:
        start, end = homes[arrow.start], homes[arrow.end]
        if start is not end and arrow.tie in (Tie.RESULTS, Tie.REFERS):
            stroke = "-->" if arrow.tie is Tie.RESULTS else "-.->"
            label = stickers[arrow.start if arrow.tie is Tie.RESULTS else arrow.end].title
            drawn.setdefault((start.id, stroke, end.id), []).append(label)
    for (start_id, stroke, end_id), labels in drawn.items():
        text = ", ".join(dict.fromkeys(_label(label) for label in labels))
        lines.append(f'  {_node(start_id)} {stroke}|"{text}"| {_node(end_id)}')
    return "\n".join(lines) + "\n"


def _flow(area: Area, wall: Wall) -> str:
    own = {sticker.id for band in area.bands for sticker in band.stickers}
    lines = ["flowchart LR"]
    for band in area.bands:
        lines += _band_nodes(band)
        lines += _band_links(band)
    links = [
        arrow for arrow in wall.arrows if arrow.start in own and arrow.tie in (Tie.TRIGGERS, Tie.RESULTS)
    ]
    lines += _foreign(links, own, wall)
    lines += [f"  {_node(arrow.start)} --> {_node(arrow.end)}" for arrow in links]
    lines += [f"  classDef {kind} {style}" for kind, style in _STYLES.items()]
    return "\n".join(lines) + "\n"


def _band_nodes(band: Band) -> Iterator[str]:
    shown = [sticker for sticker in band.stickers if sticker.kind is not Kind.SCREEN]
    if band.aggregate:
        yield f'  subgraph {_node(band.aggregate.id)}_band["{_label(band.aggregate.title)}"]'
    for sticker in shown:
        left, right = ("([", "])") if sticker.kind is Kind.ACTOR else ("[", "]")
        yield f'    {_node(sticker.id)}{left}"{_label(sticker.title)}"{right}:::{sticker.kind}'
    if band.aggregate:
        yield "  end"


def _band_links(band: Band) -> Iterator[str]:
    if not band.aggregate:
        return
    root = _node(band.aggregate.id)
    for step in (*band.commands, *band.read_models):
        if step.actor:
            yield f"  {_node(step.actor.id)} --> {_node(step.sticker.id)}"
    emitted = {event.name: event.id for event in reversed(band.events)}
    for step in band.commands:
        yield f"  {_node(step.sticker.id)} --> {root}"
    for event in dict.fromkeys(emitted[n] for step in band.commands for n in step.emits if n in emitted):
        yield f"  {root} --> {_node(event)}"
    for step in band.read_models:
        yield f"  {root} -.-> {_node(step.sticker.id)}"


def _foreign(links: Iterable[Any], own: set[str], wall: Wall) -> Iterator[str]:
    """Events of other contexts that policies here lead to."""
    ends = {arrow.end for arrow in links} - own
    for area in wall.areas:
        for sticker in (each for band in area.bands for each in band.stickers):
            if sticker.id in ends:
                yield f'  {_node(sticker.id)}["{_label(f"{area.title}: {sticker.title}")}"]:::{sticker.kind}'


def _node(name: str) -> str:
    return "n_" + name.replace(".", "_")


def _label(text: str) -> str:
    """A quoted mermaid label: entities for everything that mermaid, Markdown or HTML would read."""
    short = one_line(clean(text))
    short = short if len(short) <= 80 else short[:79] + "…"
    safe = re.sub(r"[^\w\s,.:…·'/()?+-]", _entity, short)
    return _LIST_START.sub(lambda match: match[1] + f"#{ord(match[2])};", safe) or " "


def _entity(match: re.Match[str]) -> str:
    return f"#{ord(match[0])};"


# Markdown


def to_markdown(model: EventStormingModel) -> str:
    """A specification to hand over, in the language of the model."""
    return "\n\n".join(block for block in _Specification(model).blocks() if block) + "\n"


class _Specification:
    def __init__(self, model: EventStormingModel) -> None:
        self._model = model
        self._wall = wall_of(model)
        self._trace = trace(model, self._wall)
        self._words = export_words_for(model)
        self._aliases = {sticker.name: sticker.title for sticker in reversed(list(self._wall.stickers))}

    def blocks(self) -> Iterator[str]:
        w = self._words
        yield f"# {w['specification']}"
        yield self._summary()
        yield f"## {w['contextMap']}"
        yield f"```mermaid\n{_context_map(self._wall)}```"
        for _, index, context in numbered(self._model.bounded_contexts):
            yield f"## {w['context']}: {_md(context.alias or context.name)}{_code(context)}"
            yield _quote(context.description)
            for _, _, aggregate in numbered(context.aggregates):
                yield from self._aggregate(aggregate)
            yield from self._context_policies(index)
        yield from self._references()
        yield from self._actors()
        yield from self._traceability()
        yield from self._left_out()

    def _summary(self) -> str:
        counts = dict.fromkeys((Kind.AGGREGATE, Kind.COMMAND, Kind.EVENT, Kind.POLICY, Kind.READ_MODEL), 0)
        for sticker in self._wall.stickers:
            if sticker.kind in counts:
                counts[sticker.kind] += 1
        rows = [[self._words["context"], str(len(self._wall.areas))]]
        rows += [[self._words[kind], str(count)] for kind, count in counts.items()]
        return _table([self._words["what"], self._words["howMany"]], rows)

    def _aggregate(self, aggregate: Aggregate) -> Iterator[str]:
        w = self._words
        yield f"### {w['aggregate']}: {_md(aggregate.alias or aggregate.name)}{_code(aggregate)}"
        yield _md(aggregate.description)
        yield self._fields(w["fields"], aggregate.fields)
        for value_object in aggregate.value_objects:
            title = f"{w['valueObject']} {_name(value_object)}"
            yield self._fields(title, value_object.fields) or f"**{title}**"
        for enumeration in aggregate.enumerations:
            values = ", ".join(_tick(item.value) for item in enumeration.items)
            yield f"**{w['enumeration']} {_name(enumeration)}**: {values}"
        yield _list(w["rules"], aggregate.invariants)
        for _, _, command in numbered(aggregate.commands):
            yield from self._command(command)
        for _, _, event in numbered(aggregate.events):
            yield f"#### {w['event']}: {_md(event.alias or event.name)}{_code(event)}"
            yield _md(event.description)
            yield self._fields(w["fields"], event.fields)
        for _, _, read_model in numbered(aggregate.read_models):
            yield from self._read_model(read_model)

    def _command(self, command: Command) -> Iterator[str]:
        w = self._words
        yield f"#### {w['command']}: {_md(command.alias or command.name)}{_code(command)}"
        yield _md(command.description)
        facts = [(w["givenBy"], self._actor(command.actor)), (w["emits"], self._named(command.emits))]
        yield "\n".join(f"- {label}: {value}" for label, value in facts if value)
        yield self._fields(w["fields"], command.fields)
        for scenario in command.scenarios:
            yield self._scenario(scenario)

    def _scenario(self, scenario: Scenario) -> str:
        w = self._words
        lines = [f"**{w['scenario']}: {_md(scenario.title)}**", ""]
        lines.append(f"- {w['given']} {self._clause(scenario.given)}")
        lines.append(f"- {w['when']} {self._clause(scenario.when)}")
        lines += [f"- {w['then']} {self._clause(each)}" for each in scenario.then]
        return "\n".join(lines)

    def _clause(self, clause: ScenarioClause) -> str:
        values = ", ".join(f"{_tick(each.field)} = {_md(each.value)}" for each in clause.values)
        return self._named([clause.name]) + (f" ({values})" if values else "")

    def _read_model(self, read_model: ReadModel) -> Iterator[str]:
        w = self._words
        yield f"#### {w['readmodel']}: {_md(read_model.alias or read_model.name)}{_code(read_model)}"
        yield _md(read_model.description)
        facts = [(w["askedBy"], self._actor(read_model.actor))]
        lines = [f"- {label}: {value}" for label, value in facts if value]
        yield "\n".join([*lines, *([f"- {w['list']}"] if read_model.multiple else [])])
        yield self._fields(w["parameters"], read_model.parameters)

    def _context_policies(self, index: int) -> Iterator[str]:
        """Where the trigger is, as on the wall; a policy whose trigger is nowhere stands with the context it names."""
        wanted = {sticker.id for sticker in self._policies_of(index)}
        found = [policy for number, _, policy in numbered(self._model.policies) if f"p{number}" in wanted]
        if found:
            yield f"### {self._words['policies']}"
        for policy in found:
            yield self._policy(policy)

    def _policies_of(self, index: int) -> Iterator[Sticker]:
        number = next(each for each, at, _ in numbered(self._model.bounded_contexts) if at == index)
        area = next(area for area in self._wall.areas if area.id == f"c{number}")
        return (sticker for band in area.bands for sticker in band.stickers if sticker.kind is Kind.POLICY)

    def _policy(self, policy: Policy) -> str:
        w = self._words
        lines = [f"#### {w['policy']}: {_md(policy.alias or policy.name)}{_code(policy)}", ""]
        lines += [_md(policy.reason), ""] if policy.reason else []
        lines.append(f"- {w['trigger']}: {self._named([policy.trigger])}")
        lines.append(f"- {w['results']}: {self._named(policy.results)}")
        return "\n".join(lines)

    def _references(self) -> Iterator[str]:
        if self._model.references:
            w = self._words
            yield f"## {w['references']}"
            rows = [
                [self._named([each.from_aggregate]), self._named([each.to_aggregate]), _md(each.reason)]
                for each in self._model.references
            ]
            yield _table([w["from"], w["to"], w["why"]], rows)

    def _actors(self) -> Iterator[str]:
        if self._model.actors:
            yield f"## {self._words['actors']}"
            yield "\n".join(f"- {_name(actor)}" for actor in self._model.actors)

    def _traceability(self) -> Iterator[str]:
        w = self._words
        yield f"## {w['traceability']}"
        kinds = (Kind.AGGREGATE, Kind.COMMAND, Kind.EVENT, Kind.POLICY, Kind.READ_MODEL)
        rows = [
            [
                w[sticker.kind],
                _name(sticker),
                "<br>".join(_md(quote) for quote in self._trace.quotes(sticker)) or "–",
            ]
            for sticker in self._wall.stickers
            if sticker.kind in kinds
        ]
        yield _table([w["what"], w["name"], w["source"]], rows)

    def _left_out(self) -> Iterator[str]:
        w = self._words
        yield f"## {w['leftOut']}"
        yield _list(w["uncoveredSentences"], [each.words for each in self._trace.uncovered])
        yield _list(w["incomplete"], self._gaps())
        if not self._trace.uncovered and not list(self._gaps()):
            yield w["nothingLeftOut"]

    def _gaps(self) -> Iterator[str]:
        w = self._words
        for context in self._model.bounded_contexts:
            if not context.aggregates:
                yield f"{context.alias or context.name}: {w['noAggregates']}"
            for aggregate in context.aggregates:
                yield from _aggregate_gaps(aggregate, w)

    def _fields(self, title: str, fields: Iterable[Any]) -> str:
        w = self._words
        rows = [
            [_tick(field.name), _tick(field.type), _md(field.alias), w["key"] if field.is_key else ""]
            for field in fields
        ]
        return (
            f"**{title}**\n\n" + _table([w["name"], w["type"], w["meaning"], w["key"]], rows) if rows else ""
        )

    def _actor(self, name: str) -> str:
        alias = next((each.alias for each in self._model.actors if each.name == name), "")
        return _md(alias or name)

    def _named(self, names: Iterable[str]) -> str:
        return ", ".join(_md(self._aliases.get(name, name)) for name in names)


def _aggregate_gaps(aggregate: Aggregate, words: Mapping[str, str]) -> Iterator[str]:
    name = aggregate.alias or aggregate.name
    if not any(field.is_key for field in aggregate.fields):
        yield f"{name}: {words['noKey']}"
    for command in aggregate.commands:
        if not command.emits:
            yield f"{command.alias or command.name}: {words['noEvents']}"
        if not command.scenarios:
            yield f"{command.alias or command.name}: {words['noScenarios']}"
    emitted = {event for command in aggregate.commands for event in command.emits}
    for event in aggregate.events:
        if event.name not in emitted:
            yield f"{event.alias or event.name}: {words['notEmitted']}"


def _both(area: Area) -> str:
    return f"{area.title} ({area.name})" if area.name != area.title else area.title


def _name(element: Any) -> str:
    alias = element.alias
    return f"{_md(alias)} {_tick(element.name)}" if alias and alias != element.name else _tick(element.name)


def _code(element: Any) -> str:
    return f" {_tick(element.name)}" if element.alias and element.alias != element.name else ""


def _tick(text: str) -> str:
    """A code span; where the text itself would break it, escaped plain text."""
    flat = one_line(clean(text))
    return _md(flat) if not flat or re.search(r"[`|]", flat) else f"`{flat}`"


def _md(text: str) -> str:
    """One line of text that Markdown shows as it is."""
    return _LINE_START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", one_line(clean(text))))


def _quote(text: str) -> str:
    return "\n".join(f"> {_md(line)}" if line.strip() else ">" for line in text.strip().splitlines())


def _list(title: str, texts: Iterable[str]) -> str:
    rows = [f"- {_md(text)}" for text in texts]
    return f"**{title}**\n\n" + "\n".join(rows) if rows else ""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
