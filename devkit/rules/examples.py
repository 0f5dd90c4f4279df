"""Steps `scenarios` and `screens`: an example of every command, a refusal for every rule, forms and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devkit.rules import asked, naming
from devkit.rules.asked import Blocks
from devkit.rules.details import field_type
from executor.graph.answers import RefusalAnswer, ScenarioAnswer, ScenariosAnswer, ScreenAnswer, ScreensAnswer

_EXAMPLES = {
    "Long": "1001",
    "Integer": "2",
    "Double": "12.5",
    "BigDecimal": "25.00",
    "Boolean": "true",
    "Date": "2030-01-15",
}


def scenarios(blocks: Blocks) -> ScenariosAnswer:
    """One example per command, and one refusal per rule, at the command that the rule is most about."""
    aggregate = asked.given(blocks, "aggregate")
    items = {name: next(iter(values), "") for name, values in asked.given(aggregate, "enumerations").items()}
    commands = asked.listed(blocks.get("commands"))
    succeeds = ": 정상 처리" if asked.korean(blocks) else " succeeds"
    fields = map(_typed, asked.texts(aggregate.get("fields")))
    return ScenariosAnswer(
        example=[f"{name}={_example(name, java, items)}" for name, java in fields],
        scenarios=[
            ScenarioAnswer(
                title=f"{command.get('alias') or naming.sentence_case(str(command.get('name')))}{succeeds}",
                command=str(command.get("name", "")),
                then=list(command.get("emits") or ()),
            )
            for command in commands
        ],
        refusals=[
            RefusalAnswer(title=rule, command=_refusing(rule, commands), rule=number, told=rule)
            for number, rule in enumerate(asked.texts(aggregate.get("rules")), 1)
            if commands
        ],
    )


def screens(blocks: Blocks) -> ScreensAnswer:
    """A form for a command, a filter and a table for a read model."""
    types = dict(map(_typed, asked.texts(asked.given(blocks, "aggregate").get("fields"))))

    def values(names: object) -> dict[str, str]:
        return {name: _example(name, types.get(name) or field_type(name), {}) for name in asked.texts(names)}

    def rows(names: object) -> list[str]:
        return list(map("=".join, values(names).items()))

    made = [(one, rows(one.get("fields"))) for one in asked.listed(blocks.get("commands"))]
    for one in asked.listed(blocks.get("read_models")):
        made.append(
            (one, [*rows(one.get("parameters")), f"| {' | '.join(values(one.get('columns')).values())} |"])
        )
    return ScreensAnswer(
        screens=[ScreenAnswer(owner=str(one.get("name", "")), rows=said) for one, said in made]
    )


def _typed(field: str) -> tuple[str, str]:
    name, _, kind = field.partition(": ")
    return name, kind.removesuffix(" (key)")


def _example(name: str, java: str, items: Mapping[str, str]) -> str:
    """A value a person would write for a field."""
    inner, words = java.removeprefix("List<").removesuffix(">"), naming.parts(name)
    if known := items.get(inner) or _EXAMPLES.get(inner):
        return known
    if "email" in words or "phone" in words:
        return "kim@example.com" if "email" in words else "010-1234-5678"
    return f"{naming.title(name)} 1" if words else "N/A"


def _refusing(rule: str, commands: Sequence[Mapping[str, Any]]) -> str:
    """The command that a rule speaks of most."""
    low = rule.casefold()

    def likeness(command: Mapping[str, Any]) -> int:
        words = [*naming.parts(str(command.get("name", ""))), *str(command.get("alias", "")).split()]
        return sum(word.casefold()[:4] in low for word in words if len(word) > 1)

    return str(max(commands, key=likeness).get("name", ""))
