"""How values sit in RTDB: sentinels for what it cannot store, percent signs for keys it does not allow.

Pure and total: `encode` never yields a value that RTDB would reject or prune.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from poller.resolved.names import NULL, plain

Json = Any  # whatever json.loads returns

KEY_BYTES = 768

_ILLEGAL = re.compile(r"[.#$/\[\]\x00-\x1f\x7f]|%(?=[0-9A-Fa-f]{2})")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")


def encode(value: Json) -> Json:
    """The stored form of a logical value. Lossless except for a text "@" and a list of one null."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {encode_key(key): encode(child) for key, child in value.items()} or {NULL: True}
    if isinstance(value, (list, tuple)):
        return [encode(child) for child in value] or [NULL]
    return value


def decode(value: Json) -> Json:
    """The logical value of a stored form; harmless on data that was never encoded."""
    if isinstance(value, dict):
        return _decoded_dict(value)
    if isinstance(value, list):
        return [] if value == [NULL] else [decode(child) for child in value]
    return None if isinstance(value, str) and value == NULL else value


def _decoded_dict(value: dict[str, Json]) -> dict[str, Json]:
    if len(value) == 1 and value.get(NULL) is True:
        return {}
    return {decode_key(key): decode(child) for key, child in value.items()}


@lru_cache(maxsize=4096)
def encode_key(key: str) -> str:
    """A key RTDB accepts, as far as characters go; `decode_key` gives the original back."""
    if not key:
        return "%"
    return "%25" if key == "%" else _ILLEGAL.sub(lambda found: f"%{ord(found[0]):02X}", key)


@lru_cache(maxsize=4096)
def decode_key(key: str) -> str:
    """Inverse of `encode_key`; a key without escapes is its own original."""
    return "" if key == "%" else _ESCAPED.sub(lambda found: chr(int(found[1], 16)), key)


def key_fits(key: str) -> bool:
    """Whether the escaped key is short enough for RTDB."""
    return len(encode_key(key).encode("utf-8", "replace")) <= KEY_BYTES


@lru_cache(maxsize=4096)
def is_legal_key(key: str) -> bool:
    """Whether RTDB takes this key as it is."""
    return (
        bool(key)
        and not re.search(r"[.#$/\[\]\x00-\x1f\x7f]", key)
        and len(key.encode("utf-8", "replace")) <= KEY_BYTES
    )
