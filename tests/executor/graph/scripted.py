"""A chat that answers every step from the data of its question, by simple rules, after a delay of the test's choosing."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from executor.graph.prompt import read_blocks
from executor.graph.question import Answer, Question, Unusable

Rule = Callable[[dict[str, Any]], dict[str, Any]]
Asked = Question[Any]


class ScriptedChat:
    """`rules` replaces single steps; `delay` gives seconds per question; every question is kept in `asked`."""

    def __init__(
        self,
        rules: dict[str, Rule | Unusable] | None = None,
        delay: Callable[[Asked], float] | None = None,
    ) -> None:
        self._rules: dict[str, Rule | Unusable] = {**RULES, **(rules or {})}
        self._delay = delay
        self.asked: list[Asked] = []
        self.answered: list[str] = []
        self.complaints: list[tuple[str, tuple[str, ...]]] = []

    async def ask(self, question: Question[Answer]) -> Answer | Unusable:
        self.asked.append(question)
        await asyncio.sleep(self._delay(question) if self._delay else 0)
        self.answered.append(question.unit)
        rule = self._rules[question.step]
        if isinstance(rule, Unusable):
            return rule
        answer = question.schema.model_validate(rule(read_blocks(question.user)))
        self._complain(question, answer)
        return answer

    def _complain(self, question: Question[Any], answer: BaseModel) -> None:
        if complaints := tuple(question.check(answer)):
            self.complaints.append((question.unit, complaints))

    @property
    def prompts(self) -> list[str]:
        """Every question's whole text, sorted: what must not depend on completion order."""
        return sorted(f"{q.step}\n{q.system}\n{q.user}" for q in self.asked)


def jitter(seed: int) -> Callable[[Asked], float]:
    """A delay that looks random but depends on the seed and the unit alone."""

    def delay(question: Asked) -> float:
        digest = hashlib.sha256(f"{seed}/{question.unit}".encode()).digest()
        return digest[0] / 255 * 0.02

    return delay


# ---------------------------------------------------------------- rules: each line "Context: Aggregate ..." names its place


def _lines(data: dict[str, Any]) -> list[tuple[int, str]]:
    return [
        (int(n), text)
        for n, text in (line.split(": ", 1) for line in data["lines"].split("\n") if ": " in line)
    ]


def _at(data: dict[str, Any], word: str) -> str:
    return next((str(n) for n, text in _lines(data) if word.casefold() in text.casefold()), "")


def _outline(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, dict[int, str]] = {}
    for n, text in _lines(data):
        words = text.split()
        if len(words) > 1 and words[0].endswith(":"):
            found.setdefault(words[0][:-1], {})[n] = words[1]
    owned = {n for lines in found.values() for n in lines}
    return {
        "contexts": [
            {
                "name": name,
                "alias": f"{name} area",
                "purpose": f"All about {name}",
                "aggregates": [{"name": a, "alias": a.lower()} for a in dict.fromkeys(lines.values())],
                "owns": ",".join(map(str, lines)),
                "sees": "",
            }
            for name, lines in found.items()
        ],
        "roles": ["Clerk"],
        "external_systems": [{"name": "Bank", "alias": "the bank", "purpose": "Pays", "lines": ""}],
        "silent": ",".join(str(n) for n, _ in _lines(data) if n not in owned),
        "questions": [
            {"text": f"Who owns {next(iter(found), 'it')}?", "about": next(iter(found), ""), "lines": "2"}
        ],
    }


def _merge(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "contexts": [
            {"name": c["name"], "alias": c["alias"], "purpose": c["purpose"], "replaces": [c["name"]]}
            for c in data["contexts"]
        ]
    }


def _draft(data: dict[str, Any]) -> dict[str, Any]:
    drafted = data["context"]["aggregates"] or [{"name": f"{data['context']['name']}Thing", "alias": "thing"}]
    required = data["required"]
    first = drafted[0]["name"]
    aggregates = [_drafted(a, data) for a in drafted]
    aggregates[0]["commands"] += [_command(n, f"{first}Closed", "", data) for n in required["commands"]]
    return {
        "aggregates": aggregates,
        "calls": [{"system": "the bank", "command": f"Close{first}"}],
        "questions": [{"text": f"How long is {first} kept?", "about": first, "lines": "1"}],
    }


def _drafted(a: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    name = a["name"]
    theirs = [o["name"] for other in data["others"] for o in other["aggregates"]]
    return {
        "name": name,
        "alias": "",
        "description": f"Keeps {name}",
        "references": [{"field": f"main{o}Id", "aggregate": o, "alias": f"main {o}"} for o in theirs[:1]],
        "parts": [
            {"name": f"{name}Period", "alias": "period", "entity": False},
            {"name": f"{name}Line", "alias": "line", "entity": True},
        ],
        "enumerations": [
            {
                "name": f"{name}Status",
                "alias": "status",
                "items": [{"value": v, "alias": f"is {v}"} for v in ("OPEN", "closed", "LOST")],
            }
        ],
        "commands": [
            _command(f"Create{name}", f"{name}Created", "OPEN", data),
            _command(f"Close{name}", f"{name}Closed", "CLOSED", data),
        ],
        "read_models": [
            {
                "name": f"{name}List",
                "alias": f"list of {name}",
                "actor": "Clerk",
                "many": True,
                "shows": [f"{name}Id", "note"],
                "lines": _at(data, name),
            }
        ],
    }


def _command(name: str, event: str, state: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "alias": f"do {name}",
        "actor": "Clerk",
        "lines": _at(data, name),
        "events": [{"name": event, "alias": event.lower(), "state": state}],
    }


def field(name: str, type: str = "String") -> dict[str, Any]:
    return {"name": name, "type": type, "alias": f"{name} label"}


def _behaviour(data: dict[str, Any]) -> dict[str, Any]:
    aggregate = data["aggregate"]
    key = f"{aggregate['name']}Id"
    return {
        "key": key,
        "fields": [field(key, "Long"), *(field(name) for name in aggregate["required_attributes"])],
        "parts": [
            {"name": name, "key": "", "fields": [field("from", "Date"), field("to", "Date")]}
            for name in _described(aggregate["parts"])
        ],
        "others": [field("note")],
        "commands": [
            {"name": name, "kind": "create", "fields": [key, "note"], "description": "Does it"}
            for name in _described(aggregate["commands"])
        ],
        "events": [
            {"name": event, "adds": ["note"]}
            for said in aggregate["commands"]
            for event in said.split(" -> ")[1].split(" | ")[:1]
        ],
        "read_models": [{"name": name, "by": [key]} for name in _described(aggregate["read_models"])],
        "rules": ["Always true", "A closed one cannot be closed again"],
    }


def _described(said: list[str]) -> list[str]:
    """Names before their display names; a name may have blanks."""
    return [re.split(r" \(| by |: | -> ", one)[0] for one in said]


def _scenarios(data: dict[str, Any]) -> dict[str, Any]:
    names = [f.split(":")[0] for f in data["aggregate"]["fields"]]
    return {
        "example": [f"{name}=some {name}" for name in names],
        "scenarios": [
            {
                "title": f"{c['name']} works",
                "command": c["name"],
                "given": [],
                "when": ["note=hi"],
                "then": list(c["emits"]),
            }
            for c in data["commands"]
        ],
        "refusals": [
            {
                "title": f"Not so: {rule}",
                "command": data["commands"][0]["name"],
                "rule": n,
                "actor": "Guest",
                "given": [],
                "when": [],
                "told": "No.",
            }
            for n, rule in enumerate(data["aggregate"]["rules"], 1)
        ],
    }


def _screens(data: dict[str, Any]) -> dict[str, Any]:
    forms = [{"owner": c["name"], "rows": ["# Form", *c["fields"], "[Go]"]} for c in data["commands"]]
    views = [{"owner": r["name"], "rows": [*r["parameters"], "| 1 | hi |"]} for r in data["read_models"]]
    return {"screens": [*forms, *views]}


def _policies(data: dict[str, Any]) -> dict[str, Any]:
    acting = [m for m in data["model"] if m["commands"]]
    found = []
    for one, other in pairwise(acting):
        event = one["commands"][0].split(" -> ")[1].split(" | ")[0]
        found.append(_policy(f"{event}Policy", event, _described(other["commands"])[-1], data))
    if acting:
        timer = _policy("Nightly", "", _described(acting[0]["commands"])[-1], data)
        found.append({**timer, "timer": "every night"})
    return {"policies": found, "questions": [{"text": "What if it fails?", "about": "Nightly", "lines": "1"}]}


def _policy(name: str, trigger: str, command: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "alias": f"when {name}",
        "trigger": trigger,
        "timer": "",
        "condition": "It is needed",
        "commands": [command],
        "reason": "Because",
        "lines": str(_lines(data)[0][0]) if _lines(data) else "",
    }


RULES: dict[str, Rule | Unusable] = {
    "outline": _outline,
    "merge": _merge,
    "draft": _draft,
    "behaviour": _behaviour,
    "scenarios": _scenarios,
    "screens": _screens,
    "policies": _policies,
}
