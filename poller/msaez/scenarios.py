"""Given-When-Then scenarios as the examples of a command, every field with a value."""

from __future__ import annotations

import re
from collections.abc import Iterable

from eventstorming.v1 import model_pb2

from poller.msaez.diagram import Diagram
from poller.msaez.encoding import Json
from poller.msaez.fields import Field, fields
from poller.resolved import Member
from poller.resolved.names import plain

UNKNOWN = "N/A"
_WHOLE = re.compile(r"-?\d{1,15}\Z", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,6})?\Z", re.ASCII)


def examples(command: Member, classes: Diagram) -> list[Json]:
    """One entry per scenario and event that follows: the canvas shows one element in each clause."""
    own = fields(command.message.fields, classes.types)
    return [
        {
            "given": [_clause("Aggregate", command.aggregate.name, classes.fields, scenario.given)],
            "when": [_clause("Command", command.name, own, scenario.when)],
            "then": [then],
        }
        for scenario in command.message.scenarios
        for then in _then(command, scenario, classes)
    ]


def _then(command: Member, scenario: model_pb2.Scenario, classes: Diagram) -> list[dict[str, Json]]:
    """The events of the scenario that the command emits."""
    emitted = {event.message.name: event for event in command.emits}
    clauses = [(emitted[clause.name], clause) for clause in scenario.then if clause.name in emitted]
    return [
        _clause("Event", event.name, fields(event.message.fields, classes.types), clause)
        for event, clause in clauses
    ]


def _clause(kind: str, name: str, own: Iterable[Field], clause: model_pb2.ScenarioClause) -> dict[str, Json]:
    given = {value.field: value.value for value in clause.values}
    value = {field.name: typed(given.get(field.trace, ""), field.type) for field in own}
    return {"type": kind, "name": name, "value": value}


def typed(text: str, type_name: str) -> Json:
    """A number or truth value where the field is one and the text says so exactly; else the text."""
    if type_name in ("Long", "Integer") and _WHOLE.match(text):
        return int(text)
    if type_name in ("Double", "BigDecimal") and _DECIMAL.match(text):
        return float(text)
    if type_name == "Boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return plain(text) or UNKNOWN
