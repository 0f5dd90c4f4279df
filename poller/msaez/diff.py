"""What has to be published so that the canvas shows a value: only what changed, containers first, lines last.

Pure. Nothing is ever deleted: the canvas does not hear of removals. Record a batch's hashes once it is
acknowledged, and write the next one only then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from poller.msaez.constants import TYPE
from poller.msaez.encoding import Json, encode
from poller.msaez.esvalue import EsValue


@dataclass(frozen=True, slots=True)
class Batch:
    """One multi-path write below `state/outputs/esValue`."""

    writes: dict[str, Json]  # "elements/<id>" or "relations/<id>" → stored form
    hashes: dict[str, str]  # id → hash of that form


def changes(published: Mapping[str, str], value: EsValue) -> list[Batch]:
    """Contexts, aggregates, other stickers, lines: in this order, each acknowledged before the next."""
    stickers = {identity: _rank(element) for identity, element in value.elements.items()}
    batches = [
        _batch(
            "elements", ((i, value.elements[i]) for i, rank in stickers.items() if rank == wanted), published
        )
        for wanted in range(3)
    ]
    batches.append(_batch("relations", value.relations.items(), published))
    return [batch for batch in batches if batch.writes]


def _rank(element: Mapping[str, Json]) -> int:
    containers = (TYPE + "BoundedContext", TYPE + "Aggregate")
    return containers.index(element["_type"]) if element["_type"] in containers else len(containers)


def _batch(branch: str, things: Iterable[tuple[str, Json]], published: Mapping[str, str]) -> Batch:
    changed = [found for found in _hashed(things) if published.get(found[0]) != found[2]]
    return Batch(
        writes={f"{branch}/{identity}": stored for identity, stored, _ in changed},
        hashes={identity: digest for identity, _, digest in changed},
    )


def _hashed(things: Iterable[tuple[str, Json]]) -> Iterator[tuple[str, Json, str]]:
    for identity, thing in things:
        stored = encode(thing)
        yield identity, stored, content_hash(stored)


def content_hash(stored: Json) -> str:
    """Short and stable across processes and key order."""
    text = json.dumps(stored, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
