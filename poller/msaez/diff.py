"""What has to be published so that the canvas shows a value: only what changed, containers first, lines last.

Pure. No sticker is ever deleted: the canvas does not hear of removals. Record a batch's hashes once it is
acknowledged, and write the next one only then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from poller.msaez.constants import TYPE
from poller.msaez.encoding import Json, encode
from poller.msaez.esvalue import EsValue

_RANKS = {TYPE + "BoundedContext": 0, TYPE + "Aggregate": 1}


@dataclass(frozen=True, slots=True)
class Batch:
    """One multi-path write below `state/outputs/esValue`."""

    writes: dict[str, Json]  # "elements/<id>" or "relations/<id>" → stored form
    hashes: dict[str, str]  # id → hash of that form


def changes(published: Mapping[str, str], value: EsValue) -> list[Batch]:
    """Contexts, aggregates, other stickers, lines: in this order, each acknowledged before the next."""
    ranked: list[dict[str, Json]] = [{}, {}, {}]
    for identity, element in value.elements.items():
        ranked[_RANKS.get(element["_type"], 2)][identity] = element
    batches = [_batch("elements", elements, published) for elements in ranked]
    lines = _batch("relations", value.relations, published)
    lines.writes.update({f"relations/{identity}": None for identity in sorted(value.gone)})
    batches.append(lines)
    return [batch for batch in batches if batch.writes]


def _batch(branch: str, things: Mapping[str, Json], published: Mapping[str, str]) -> Batch:
    stored = {identity: encode(thing) for identity, thing in things.items()}
    hashes = {identity: content_hash(form) for identity, form in stored.items()}
    changed = [identity for identity, digest in hashes.items() if published.get(identity) != digest]
    return Batch(
        writes={f"{branch}/{identity}": stored[identity] for identity in changed},
        hashes={identity: hashes[identity] for identity in changed},
    )


def content_hash(stored: Json) -> str:
    """Short and stable across processes and key order."""
    text = json.dumps(stored, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
