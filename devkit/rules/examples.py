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
    items = {name: list(values) for name, values in asked.given(aggregate, "enumerations").items()}
    commands, korean = asked.listed(blocks.get("commands")), asked.korean(blocks)
    fields = map(_typed, asked.texts(aggregate.get("fields")))
    return ScenariosAnswer(
        example=[f"{name}={_example(name, java, items)}" for name, java in fields],
        scenarios=[
            ScenarioAnswer(
                title=_succeeds(command, korean=korean),
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

    def value(name: str) -> str:
        return _example(name, types.get(name) or field_type(name), {})

    def rows(names: object) -> list[str]:
        return [f"{name}={value(name)}" for name in asked.texts(names)]

    made = [(one, rows(one.get("fields"))) for one in asked.listed(blocks.get("commands"))]
    for one in asked.listed(blocks.get("read_models")):
        columns = " | ".join(map(value, asked.texts(one.get("columns"))))
        made.append((one, [*rows(one.get("parameters")), f"| {columns} |"]))
    return ScreensAnswer(
        screens=[ScreenAnswer(owner=str(one.get("name", "")), rows=said) for one, said in made]
    )


def _typed(field: str) -> tuple[str, str]:
    name, _, kind = field.partition(": ")
    return name, kind.removesuffix(" (key)")


def _example(name: str, java: str, items: Mapping[str, Sequence[str]]) -> str:
    """A value a person would write for a field."""
    inner, words = java.removeprefix("List<").removesuffix(">"), naming.parts(name)
    if items.get(inner) or inner in _EXAMPLES:
        return items[inner][0] if items.get(inner) else _EXAMPLES[inner]
    if "email" in words or "phone" in words:
        return "kim@example.com" if "email" in words else "010-1234-5678"
    return f"{naming.title(name)} 1" if words else "N/A"


def _succeeds(command: Mapping[str, Any], *, korean: bool) -> str:
    alias = str(command.get("alias") or naming.sentence_case(str(command.get("name", ""))))
    return f"{alias}: 정상 처리" if korean else f"{alias} succeeds"


def _refusing(rule: str, commands: Sequence[Mapping[str, Any]]) -> str:
    """The command that a rule speaks of most."""
    low = rule.casefold()

    def likeness(command: Mapping[str, Any]) -> int:
        words = [*naming.parts(str(command.get("name", ""))), *str(command.get("alias", "")).split()]
        return sum(word.casefold()[:4] in low for word in words if len(word) > 1)

    return str(max(commands, key=likeness).get("name", ""))
