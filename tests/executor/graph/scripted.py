"""A chat that answers every step from the data of its question, by simple rules, after a delay of the test's choosing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
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


def _source(data: dict[str, Any], word: str) -> list[dict[str, Any]]:
    return [{"line": n, "quote": word} for n, text in _lines(data) if word.casefold() in text.casefold()][:1]


def _contexts(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for _, text in _lines(data):
        words = text.split()
        if len(words) > 1 and words[0].endswith(":"):
            found.setdefault(words[0][:-1], []).append(words[1])
    return {
        "contexts": [
            {
                "name": name,
                "alias": f"{name} area",
                "description": f"All about {name}",
                "aggregates": [{"name": a, "alias": a.lower()} for a in dict.fromkeys(aggregates)],
                "sources": _source(data, name),
            }
            for name, aggregates in found.items()
        ]
    }


def _merge(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "contexts": [
            {"name": c["name"], "alias": c["alias"], "description": c["description"], "replaces": [c["name"]]}
            for c in data["contexts"]
        ]
    }


def _line_map(data: dict[str, Any]) -> dict[str, Any]:
    names = {c["name"] for c in data["contexts"]}
    return {
        "ranges": [
            {
                "context": place if (place := text.split(":")[0]) in names else "",
                "first_line": n,
                "last_line": n,
            }
            for n, text in _lines(data)
        ]
    }


def _draft(data: dict[str, Any]) -> dict[str, Any]:
    names = [a["name"] for a in data["context"]["aggregates"]] or [f"{data['context']['name']}Thing"]
    return {
        "aggregates": [
            {
                "name": name,
                "alias": name.lower(),
                "description": f"Keeps {name}",
                "enumerations": [{"name": f"{name}Status", "alias": "status"}],
                "value_objects": [{"name": f"{name}Period", "alias": "period"}],
                "references": [o for other in data["others"] for o in other["aggregates"]][:1],
                "sources": _source(data, name),
            }
            for name in names
        ]
    }


def field(name: str, type: str = "String", *, is_key: bool = False) -> dict[str, Any]:
    return {"name": name, "type": type, "is_key": is_key, "alias": f"{name} label", "sources": []}


def _details(data: dict[str, Any]) -> dict[str, Any]:
    aggregate = data["aggregate"]
    return {
        "description": aggregate["description"],
        "fields": [
            field(f"{aggregate['name']}Id", "Long", is_key=True),
            *(field(e["name"], e["name"]) for e in aggregate["enumerations"]),
            *(field(v["name"], v["name"]) for v in aggregate["value_objects"]),
            *(field(name) for name in aggregate["required_attributes"]),
        ],
        "value_objects": [
            {**v, "fields": [field("from", "Date"), field("to", "Date")], "sources": []}
            for v in aggregate["value_objects"]
        ],
        "enumerations": [
            {
                **e,
                "items": [{"value": "OPEN", "sources": []}, {"value": "closed", "sources": []}],
                "sources": [],
            }
            for e in aggregate["enumerations"]
        ],
        "invariants": ["Always true"],
        "sources": _source(data, aggregate["name"]),
    }


def _names(data: dict[str, Any]) -> dict[str, Any]:
    required = data["required"]
    first = data["aggregates"][0]["name"]
    return {
        "aggregates": [
            {
                "aggregate": a["name"],
                "commands": [
                    _command(f"Create{a['name']}", f"{a['name']}Created", data),
                    _command(f"Close{a['name']}", f"{a['name']}Closed", data),
                    *(
                        _command(n, f"{a['name']}Closed", data)
                        for n in required["commands"]
                        if a["name"] == first
                    ),
                ],
                "events": [
                    {"name": n, "alias": n.lower(), "sources": []}
                    for n in (f"{a['name']}Created", f"{a['name']}Closed")
                ],
                "read_models": [
                    {
                        "name": f"{a['name']}List",
                        "alias": f"list of {a['name']}",
                        "actor": "Clerk",
                        "multiple": True,
                        "sources": [],
                    }
                ],
            }
            for a in data["aggregates"]
        ]
    }


def _command(name: str, event: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "alias": f"do {name}",
        "actor": "Clerk",
        "emits": [event],
        "sources": _source(data, name),
    }


def _behaviour(data: dict[str, Any]) -> dict[str, Any]:
    key = data["aggregate"]["fields"][0]
    fields = [field(key["name"], key["type"], is_key=True), field("note")]
    return {
        "commands": [
            {"name": c["name"], "description": "Does it", "kind": "create", "fields": fields}
            for c in data["commands"]
        ],
        "events": [{"name": e["name"], "description": "Was done", "fields": fields} for e in data["events"]],
        "read_models": [
            {"name": r["name"], "description": "Shows it", "parameters": fields[:1]}
            for r in data["read_models"]
        ],
    }


def _values(fields: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{"field": f["name"], "value": f"a {f['type']}"} for f in fields]


def _scenarios(data: dict[str, Any]) -> dict[str, Any]:
    events = {e["name"]: e for e in data["events"]}
    return {
        "scenarios": [
            {
                "command": c["name"],
                "title": f"{c['name']} works",
                "given": _values(data["aggregate"]["fields"]),
                "when": _values(c["fields"]),
                "then": [{"event": e, "values": _values(events[e]["fields"])} for e in c["emits"]],
            }
            for c in data["commands"]
        ]
    }


def _screens(data: dict[str, Any]) -> dict[str, Any]:
    owners = [o["name"] for o in (*data["commands"], *data["read_models"])]
    return {"screens": [{"owner": n, "html": f"<div class='es-title'>{n}</div><input>"} for n in owners]}


def _policies(data: dict[str, Any]) -> dict[str, Any]:
    own = [m for m in data["model"] if m["events"] and m["context"] == data["context"]["name"]]
    other = [m for m in data["model"] if m["events"] and m["context"] != data["context"]["name"]]
    if not own or not other:
        return {"policies": []}
    trigger, result = own[0]["events"][0]["name"], other[0]["events"][-1]["name"]
    name = f"{trigger}Policy"
    return {
        "policies": [
            {
                "name": name,
                "alias": f"when {trigger}",
                "reason": "Because",
                "trigger": trigger,
                "results": [result],
                "sources": [],
            }
        ]
    }


def _references(data: dict[str, Any]) -> dict[str, Any]:
    first, second = data["pair"]
    return {"from_aggregate": second["name"], "to_aggregate": first["name"], "reason": "It is needed"}


RULES: dict[str, Rule | Unusable] = {
    "contexts": _contexts,
    "merge": _merge,
    "line_map": _line_map,
    "draft": _draft,
    "details": _details,
    "names": _names,
    "behaviour": _behaviour,
    "scenarios": _scenarios,
    "screens": _screens,
    "policies": _policies,
    "references": _references,
}
