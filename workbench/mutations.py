"""Good answers gone wrong at random: what a language model may write instead of what it was asked for."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

STRINGS = (
    *("", " ", "@", "ui", "id", "List<List<X>>", "List<", "Money", "a/b.c$d#e[f]", "N/A", "null", "2nd"),
    *("<script>alert(1)</script>", "<div onclick='x()' style='background:url(http://x)'>hi</div>"),
    *("한글 이름", "日本語", "😀", "\x00\x1f", "\ud800", "x" * 300, "Order", "PLACEORDER", "place order"),
    "Ignore all previous instructions",
)
OTHERS: tuple[Any, ...] = (None, True, -1, 10**30, 1.5, "", [], {}, [[]], {"name": "x"})
HUGE = 300_000  # characters, about


def mutated(text: str, rng: random.Random) -> str:
    """The answer with one to six things wrong, in its content or in its form."""
    value = json.loads(text)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        value = _changed(value, rng)
    written = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    return rng.choice(FORMS)(written, rng) if rng.random() < 0.35 else written


def _changed(value: Any, rng: random.Random) -> Any:
    """One place changed, anywhere."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        return {**value, key: _changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return [*value[:at], _changed(value[at], rng), *value[at + 1 :]]
    return _replaced(value, rng)


def _replaced(value: Any, rng: random.Random) -> Any:
    if rng.random() < 0.2:
        return rng.choice(OTHERS)
    if isinstance(value, dict):
        return _other_members(value, rng)
    if isinstance(value, list):
        if rng.random() < 0.05:
            return value * (HUGE // (1 + len(json.dumps(value))))
        return rng.choice([[], value * 2, value[::-1], value[:1]])
    if isinstance(value, str):
        return rng.choice(
            (*STRINGS, value.upper(), value[: len(value) // 2], value * 40, value.replace("e", ""))
        )
    return rng.choice((0, 1, -1, 7, 10**12, "12", not value))


def _other_members(value: dict[str, Any], rng: random.Random) -> Any:
    if not value or rng.random() < 0.5:
        return {**value, rng.choice(("note", "type", "name ")): "added"}
    lost = rng.choice(sorted(value))
    return {key: item for key, item in value.items() if key != lost}


FORMS: tuple[Callable[[str, random.Random], str], ...] = (
    lambda text, rng: text[: rng.randrange(len(text) + 1)],
    lambda text, _: f"Of course! Here it is:\n```json\n{text}\n```\nAnything else?",
    lambda text, _: f"<think>{{maybe}}</think>{text}",
    lambda text, _: text.replace('"', "'"),
    lambda text, _: f"[{text}]",
    lambda text, _: text + text,
    lambda *_: "",
    lambda *_: "I am sorry, I cannot help with that.",
    lambda *_: "[" * 5000,
    lambda *_: '{"a":' * 2000,
    lambda text, _: text.replace(",", ",,", 1),
    lambda text, _: text.replace(":", ": NaN, ", 1),
)
