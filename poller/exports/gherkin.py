"""Gherkin features, one per aggregate, in the model's language: every scenario of its commands, and what is refused."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from eventstorming.v1.model_pb2 import EventStormingModel, ScenarioClause

from poller.board.text import clean, one_line
from poller.board.wall import title_of
from poller.exports._format import Format
from poller.exports._names import file_names
from poller.exports._schemas import flat
from poller.resolved import Aggregate, resolve

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "language": ("en", "ko"),
    "feature": ("Feature", "기능"),
    "scenario": ("Scenario", "시나리오"),
    "given": (
        "Given ",
        "조건 ",
    ),  # Korean keywords end with a blank: without it the line is no step, and nobody is told
    "when": ("When ", "만일 "),
    "then": ("Then ", "그러면 "),
    "and": ("And ", "그리고 "),
    "refused": ("it is refused", "거절된다"),
    "by": ("by", "요청자"),
}
_Words = Mapping[str, str]


def features(model: EventStormingModel) -> dict[str, str]:
    """Every feature by the name of its file."""
    found = resolve(model)
    words = {key: both[found.korean] for key, both in _WORDS.items()}
    titles = {
        node.message.name: title_of(node.message)
        for aggregate in found.aggregates
        for node in (aggregate, *aggregate.commands, *aggregate.events)
    }
    files = file_names(found.aggregates, ".feature")
    return {name: "\n".join(_feature(it, words, titles)) + "\n" for name, it in files.items()}


def _feature(aggregate: Aggregate, words: _Words, titles: _Words) -> Iterator[str]:
    yield f"# language: {words['language']}"
    yield f"{words['feature']}: {flat(title_of(aggregate.message))}"
    for line in (aggregate.message.description, *aggregate.message.invariants):
        if line.strip():
            yield f"  > {flat(line)}"
    for command in aggregate.commands:
        for scenario in command.message.scenarios:
            yield from _scenario(words, titles, scenario, scenario.then)
        for refusal in command.message.refusals:
            yield from _scenario(words, titles, refusal, ())
            told = f': "{flat(refusal.told)}"' if refusal.told else ""
            yield f"    {words['then']}{words['refused']}{told}"


def _scenario(words: _Words, titles: _Words, it: Any, then: Any) -> Iterator[str]:
    """Without its end, if `then` is empty."""
    yield ""
    yield f"  {words['scenario']}: {flat(it.title)}"
    if it.HasField("given"):
        yield from _step(words["given"], it.given, titles)
    by = f" ({words['by']}: {it.actor})" if getattr(it, "actor", "") else ""
    yield from _step(words["when"], it.when, titles, by)
    for number, clause in enumerate(then):
        yield from _step(words["and" if number else "then"], clause, titles)


def _step(keyword: str, clause: ScenarioClause, titles: _Words, by: str = "") -> Iterator[str]:
    yield f"    {keyword}{flat(titles.get(clause.name, clause.name) + by)}"
    if clause.values:
        yield f"      | {' | '.join(_cell(each.field) for each in clause.values)} |"
        yield f"      | {' | '.join(_cell(each.value) for each in clause.values)} |"


def _cell(text: str) -> str:
    return one_line(clean(text)).replace("\\", "\\\\").replace("|", "\\|")


FORMAT = Format(
    title=("Gherkin features", "Gherkin 기능"),
    file="features.zip",
    media_type="application/zip",
    write=features,
)
