"""Whether a finished model has the form of the contract: its JSON Schema, checked by a library, told in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from poller.msaez.encoding import Json

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

_SENTENCES = {
    "falseSchema": "is not allowed here",
    "required": "lacks the member {property}",
    "type": "is not of type {types}",
    "enum": "is not one of {options}",
    "const": "is not {expected_value}",
    "pattern": "has characters not allowed here",
    "anyOf": "fits none of the allowed forms",
    "oneOf": "does not fit exactly one allowed form",
    "not": "has a form that is not allowed",
    "contains": "lacks an entry of the required form",
    "uniqueItems": "has the same entry twice",
    "minItems": "has fewer than {limit} entries",
    "minProperties": "has fewer than {limit} members",
    "minLength": "is empty",
    "maxLength": "is longer than {limit}",
    "minimum": "is less than {limit}",
    "exclusiveMinimum": "is not above {limit}",
}


def violations(value: Json) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where the value differs from the schema, and how. What is no JSON at all differs as a whole."""
    try:
        for error in _validator().iter_errors(value):
            yield tuple(map(str, error.instance_path)), _sentence(error)
    except ValueError:
        yield (), "is nested too deeply or has texts that are no Unicode"


@cache
def _validator() -> Validator:
    """Loaded when the first model is finished: 10 MB that an idle poller does without."""
    import jsonschema_rs

    text = files("poller.msaez").joinpath("esvalue.schema.json").read_text(encoding="utf-8")
    return jsonschema_rs.validator_for(json.loads(text))


def _sentence(error: ValidationError) -> str:
    """Ours for the keywords of our schema, else the library's."""
    if error.kind.name == "propertyNames":
        inner: ValidationError = error.kind.as_dict()["error"]
        return f"has the key {inner.instance!r}, which {_sentence(inner)}"
    if error.kind.name not in _SENTENCES:
        return f"is wrong: {error.message}"
    facts = {name: _listed(fact) for name, fact in error.kind.as_dict().items()}
    return _SENTENCES[error.kind.name].format(**facts)


def _listed(fact: Any) -> str:
    if isinstance(fact, list):
        return " or ".join(map(_listed, fact))
    return fact if isinstance(fact, str) else json.dumps(fact, default=str)
