"""What the description of a sticker tells: what it is, and what else the canvas has no member for. In the model's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from poller.resolved import Aggregate, Crossing, Member, Node, Policy, Resolved
from poller.resolved.names import plain

_WORDS: Mapping[str, tuple[str, str]] = {
    "scenarios": ("* Generated example scenarios", "* 생성된 예시 시나리오"),
    "refusals": ("* When it is refused", "* 거절되는 경우"),
    "told": ("{title} (“{told}”)", "{title} (“{told}”)"),
    "systems": ("* Calls: {names}", "* 호출하는 외부 시스템: {names}"),
    "policy": ("* Set off by a policy: {policy}: {when}", "* 폴리시로 실행: {policy}: {when}"),
    "whenever": ("whenever: {event}", "다음이 일어나면: {event}"),
    "condition": ("{text} (condition: {condition})", "{text} (조건: {condition})"),
    "question": ("* Open question: {text}", "* 남은 질문: {text}"),
}


class Descriptions:
    """Of one model."""

    def __init__(self, found: Resolved) -> None:
        self._korean = found.korean
        self._questions: dict[str, list[str]] = {}
        for question in found.questions:
            if question.about:
                self._questions.setdefault(question.about.path, []).append(question.message.text)

    def aggregate(self, aggregate: Aggregate) -> str | None:
        """Responsibility, then the rules that always hold, one a line."""
        rules = [f"- {rule}" for rule in aggregate.message.invariants]
        return self._whole(aggregate, [aggregate.message.description, *rules])

    def member(self, member: Member) -> str | None:
        """Of an event or a read model."""
        return self._whole(member, [member.message.description])

    def policy(self, policy: Policy) -> str | None:
        """The reason, and under which condition."""
        return self._whole(policy, [self._under(policy, policy.message.reason)])

    def command(self, command: Member) -> str | None:
        """What happens, the titles of its scenarios and refusals, numbered, and who else takes part."""
        message = command.message
        refusals = [self._refused(each.title, each.told) for each in message.refusals]
        blocks = [
            message.description,
            self._numbered("scenarios", (scenario.title for scenario in message.scenarios)),
            self._numbered("refusals", refusals),
            "\n".join(self._others(command)),
        ]
        *first, last = [block for block in blocks if block] or [""]
        return self._whole(command, ["\n\n".join([*map(str.rstrip, first), last])])

    def _whole(self, node: Node, lines: Iterable[str]) -> str | None:
        asked = (self._say("question", text=text) for text in self._questions.get(node.path, ()))
        return plain("\n".join(filter(None, [*lines, *asked]))) or None

    def _numbered(self, heading: str, titles: Iterable[str]) -> str:
        lines = [f"{number}. {title}" for number, title in enumerate(filter(str.strip, titles), start=1)]
        return "\n".join([self._say(heading), *lines, ""]) if lines else ""

    def _refused(self, title: str, told: str) -> str:
        return self._say("told", title=title, told=told) if title and told else title or told

    def _others(self, command: Member) -> Iterator[str]:
        """Systems that it calls, and policies that have no sticker of their own."""
        if command.systems:
            yield self._say("systems", names=", ".join(map(_title, command.systems)))
        for policy in command.given_by:
            if not isinstance(policy, Crossing):
                event = policy.trigger and self._say("whenever", event=_title(policy.trigger))
                when = policy.message.timer or event or ""
                yield self._say("policy", policy=_title(policy), when=self._under(policy, when))

    def _under(self, policy: Policy, text: str) -> str:
        condition = policy.message.condition
        return self._say("condition", text=text, condition=condition).lstrip() if condition else text

    def _say(self, name: str, **values: str) -> str:
        return _WORDS[name][self._korean].format(**values)


def _title(node: Node) -> str:
    return node.alias.strip() or node.name
