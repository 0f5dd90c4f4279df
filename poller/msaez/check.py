"""The checks every finished model passes: its shape, then the eighteen invariants a schema cannot express.

Works on any decoded esValue, however broken; pure, so it may run in a worker thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eventstorming.v1 import job_pb2

from poller.msaez import rules_geometry, rules_links, rules_names, rules_text
from poller.msaez.canvas import Canvas, Problems, members, read
from poller.msaez.encoding import Json, decode
from poller.msaez.schema import violations

SHAPE = 0  # number of a finding about form: a member that is missing or of the wrong kind

CHECKS: dict[int, Callable[[Canvas], Problems]] = {
    1: rules_links.ids_agree,
    2: rules_links.containers_exist,
    3: rules_links.contexts_list_aggregates,
    4: rules_links.relations_are_sound,
    5: rules_links.commands_emit,
    6: rules_links.events_have_sources,
    7: rules_links.policies_cross,
    8: rules_names.requests_are_met,
    9: rules_names.names_are_unique,
    10: rules_names.roots_mirror,
    11: rules_names.types_are_known,
    12: rules_links.references_are_drawn,
    13: rules_links.screens_have_owners,
    14: rules_names.examples_fit,
    15: rules_geometry.overlaps_decide,
    16: rules_text.ranges_fit,
    17: rules_links.ports_differ,
    18: rules_text.storable,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: which check says so, and on which element what."""

    check: int
    sentence: str

    def __str__(self) -> str:
        return f"[{self.check}] {self.sentence}"


def findings(es_value: Json, *, inputs: job_pb2.JobInput | None = None) -> list[Finding]:
    """Everything wrong with a decoded esValue. Checks 8 and 16 need the inputs it was made from."""
    canvas = read(es_value, inputs)
    shape = [Finding(SHAPE, _told(path, fault, canvas)) for path, fault in violations(es_value)]
    return shape + [Finding(check, told) for check, rule in CHECKS.items() for told in rule(canvas)]


def _told(path: tuple[str, ...], fault: str, canvas: Canvas) -> str:
    branch, key = (*path, "", "")[:2]
    where = "/".join(path[2:]) or "it"
    return f"{canvas.called(key)}: {where} {fault}." if key else f"{branch or 'The model'} {fault}."


def es_value_in(raw: Json) -> Json:
    """The decoded esValue of a file: bare, or inside outputs, state or a whole job; stored form or plain."""
    found = decode(raw)
    for member in ("state", "outputs", "esValue"):
        found = members(found).get(member, found)
    return found
