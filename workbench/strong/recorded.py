"""Questions that were answered by hand, and their answers: one file a text and build.

python -m workbench.strong.recorded DESK FOLDER      what `hand` has answered becomes FOLDER/carshare.ko.json, FOLDER/grants.en.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

JSON = dict[str, Any]
HERE = Path(__file__).parent
KOREAN, ENGLISH = "carshare.ko", "grants.en"
TEXTS = (KOREAN, ENGLISH)
_HANGUL = re.compile("[가-힣]")
_NAMED = re.compile(r"^<<<(?:context|aggregate)\n(\{.*\})\n", re.MULTILINE)


class Unknown(LookupError):
    """Nobody has answered this question; the message is the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """`turns`: messages of the question; more than two: its form was asked for again. `user`: what is said beside the system's message."""

    form: str
    hash: str
    turns: int
    user: str
    answer: str

    @property
    def unit(self) -> str:
        return unit_of(self.user)


def form_of(body: JSON) -> str:
    """The name of the form asked for."""
    return str((body.get("response_format") or {}).get("json_schema", {}).get("name", ""))


def digest(body: JSON) -> str:
    """The same for the same form and messages."""
    asked = [form_of(body), [[message["role"], message["content"]] for message in body["messages"]]]
    return hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()[:16]


def said(messages: Sequence[JSON]) -> str:
    """All but the system's message."""
    return "\n".join(str(message["content"]) for message in messages if message["role"] != "system")


def text_of(user: str) -> str:
    """Which of the two texts a question is about."""
    return KOREAN if _HANGUL.search(user) else ENGLISH


def unit_of(user: str) -> str:
    """`context`, `context/aggregate` or `aggregate`, as far as the question names them in blocks of their own."""
    return "/".join(str(json.loads(block)["name"]) for block in _NAMED.findall(user))


class Recordings:
    """What was answered for one build."""

    def __init__(self, answered: Iterable[Answered]) -> None:
        self._answered = list(answered)
        self._by_hash = {one.hash: one for one in self._answered}

    def to(self, body: JSON) -> Answered:
        """The answer to these words, else to the question of the same form about the same unit of the same text that is worded
        most like it."""
        if found := self._by_hash.get(digest(body)):
            return found
        user, form, turns = said(body["messages"]), form_of(body), len(body["messages"])
        wanted = (form, turns, text_of(user), unit_of(user))
        close = [
            one for one in self._answered if (one.form, one.turns, text_of(one.user), one.unit) == wanted
        ]
        if not close:
            raise Unknown(f"{form} of {wanted[2]}, unit {wanted[3]!r}, {turns} messages:\n{user}")
        return max(close, key=lambda one: _alike(one.user, user))


def _alike(one: str, other: str) -> float:
    """Share of common lines."""
    lines, others = set(one.splitlines()), set(other.splitlines())
    return len(lines & others) / max(1, len(lines | others))


def read(folder: Path) -> Recordings:
    """Of all texts of a build."""
    stored = (json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json")))
    return Recordings(Answered(**one) for text in stored for one in text["questions"])


def _desk(folder: Path) -> Iterator[tuple[JSON, Answered]]:
    """What lies answered on a desk, in the order it was asked."""
    for path in sorted(folder.glob("*.question.json")):
        answer = path.with_name(path.name.replace("question", "answer"))
        body = json.loads(path.read_text("utf-8"))
        if answer.exists():
            yield (
                body,
                Answered(
                    form=form_of(body),
                    hash=digest(body),
                    turns=len(body["messages"]),
                    user=said(body["messages"]),
                    answer=answer.read_text("utf-8").strip(),
                ),
            )


def _forms(bodies: Iterable[JSON]) -> Mapping[str, JSON]:
    """Each form's system message and schema, once."""
    return {
        form_of(body): {
            "system": body["messages"][0]["content"],
            "schema": body["response_format"]["json_schema"]["schema"],
        }
        for body in bodies
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workbench.strong.recorded", description=__doc__)
    parser.add_argument("desk", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    asked = list(_desk(options.desk))
    for name in TEXTS:
        mine = [(body, one) for body, one in asked if text_of(one.user) == name]
        stored = {
            "forms": _forms(body for body, _ in mine),
            "questions": [asdict(one) for _, one in mine],
        }
        (options.folder / f"{name}.json").write_text(
            json.dumps(stored, ensure_ascii=False, indent=0) + "\n", "utf-8"
        )
        print(f"{name}: {len(mine)} questions")


if __name__ == "__main__":
    main()
