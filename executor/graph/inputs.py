"""What each step is told: the names of its blocks, in the order of its prompt.

Blocks (see prompt.blocks), text unless said to be JSON:
  language     "English" or "Korean": for aliases, descriptions, titles and labels
  lines        the part of the source text that matters, one source line each: "<number>: <text>"; numbers start at 1 and
               count in the whole text (from requirements) or in the context's own text (from a draft)
  context      JSON {name, alias, description}; for `draft` also aggregates: [{name, alias}] it owns
  contexts     JSON [{name, alias, description, aggregates: [name]}]
  others       JSON [{name, aggregates: [name]}]: the other contexts; their aggregates are not ours to draft or to change
  aggregate    JSON: for `details` {name, alias, description, enumerations: [{name, alias}], value_objects: [{name, alias}],
               references: [name], required_attributes: [name]}; for `behaviour`, `scenarios` and `screens` {name, alias,
               description, fields: [FIELD], enumerations: [{name, items: [value]}], value_objects: [{name, fields: [FIELD]}],
               invariants: [sentence]}; FIELD is {name, type, is_key}
  aggregates   JSON [{name, alias, description}]: all aggregates of the context, in the order to answer
  required     JSON {commands: [name], events: [name], read_models: [name]}: names that must appear literally
  commands     JSON [{name, alias, actor, emits: [event name]}]; for `scenarios` and `screens` also description and
               fields: [FIELD]
  events       JSON [{name, alias}]; for `scenarios` also fields: [FIELD]
  read_models  JSON [{name, alias, actor, multiple}]; for `screens` also description and parameters: [FIELD]
  model        JSON [{context, aggregate, commands: [name], events: [{name, alias}]}]: every aggregate of the model
  pair         JSON [{name, context, description, fields: [name]}]: two aggregates that refer to each other
"""

from __future__ import annotations

from typing import Any, Final

from executor.graph.state import Named, OtherContext
from executor.model import Enumeration, EnumerationItem, Field, ValueObject

BLOCKS: Final[dict[str, tuple[str, ...]]] = {
    "contexts": ("language", "lines"),
    "merge": ("language", "contexts"),
    "line_map": ("contexts", "lines"),
    "draft": ("language", "context", "others", "lines"),
    "details": ("language", "context", "aggregate", "lines"),
    "names": ("language", "context", "others", "aggregates", "required", "lines"),
    "behaviour": ("language", "aggregate", "commands", "events", "read_models", "lines"),
    "scenarios": ("language", "aggregate", "commands", "events", "lines"),
    "screens": ("language", "aggregate", "commands", "read_models"),
    "policies": ("language", "context", "model", "lines"),
    "references": ("language", "pair"),
}

AGGREGATE: Final = ("name", "alias", "description", "fields", "value_objects", "enumerations", "invariants")
COMMAND: Final = ("name", "alias", "actor", "emits")
READ_MODEL: Final = ("name", "alias", "actor", "multiple")
CONTEXT: Final = ("name", "alias", "description")

_MEMBERS: Final[dict[type, tuple[str, ...]]] = {
    Field: ("name", "type", "is_key"),
    Named: ("name", "alias"),
    ValueObject: ("name", "fields"),
    Enumeration: ("name", "items"),
    OtherContext: ("name", "aggregates"),
}


def shown(value: Any, *names: str) -> Any:
    """A value as prompts show it: of an element the members of these names, else its usual ones; of several, each."""
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, tuple):
        return [shown(each, *names) for each in value]
    if isinstance(value, EnumerationItem):
        return value.value
    return {name: shown(getattr(value, name)) for name in names or _MEMBERS[type(value)]}
