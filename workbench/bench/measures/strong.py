"""Two texts as a strong language model answers them, here and in the build before, side by side: how long, how much asked and said, what is kept."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from typing import Any

import grpc
import httpx
from eventstorming.v1 import job_pb2, job_pb2_grpc, model_pb2

from workbench.bench.before import BEFORE, unpacked
from workbench.bench.figures import Baseline, Figure
from workbench.bench.measure import measure
from workbench.bench.record import ROOT
from workbench.bench.stand import NAMESPACE, LanguageModel, Rtdb, Running, Stand, until
from workbench.bench.table import short
from workbench.strong.recorded import KOREAN, TEXTS

STRONG = ROOT / "workbench" / "strong"
LANGUAGES = {KOREAN: "Korean"}
KINDS = ("commands", "events", "fields", "scenarios", "policies", "read_models")

Depends = Mapping[str, Sequence[tuple[str, str]]]
"""Which forms a form waits for, and with whom it shares the unit: `all`, `context` or `aggregate`."""

_MET = [("NamesAnswer", "all"), ("DetailsAnswer", "all")]
DEPENDS_BEFORE: Depends = {
    "ContextsAnswer": [],
    "LineMapAnswer": [("ContextsAnswer", "all")],
    "DraftAnswer": [("LineMapAnswer", "all")],
    "NamesAnswer": [("DraftAnswer", "context")],
    "DetailsAnswer": [("DraftAnswer", "context")],
    "PoliciesAnswer": _MET,
    "ReferenceAnswer": _MET,
    "BehaviourAnswer": _MET,
    "ScenariosAnswer": [("BehaviourAnswer", "aggregate")],
    "ScreensAnswer": [("BehaviourAnswer", "aggregate")],
}
DEPENDS_NOW: Depends = {
    "OutlineAnswer": [],
    "DraftAnswer": [("OutlineAnswer", "all")],
    "PoliciesAnswer": [("DraftAnswer", "all")],
    "BehaviourAnswer": [("DraftAnswer", "all")],
    "ScenariosAnswer": [("BehaviourAnswer", "aggregate")],
    "ScreensAnswer": [("BehaviourAnswer", "aggregate")],
}
_SHARED: Mapping[str, Callable[[str], str]] = {
    "all": lambda unit: "",
    "context": lambda unit: unit.split("/")[0],
    "aggregate": lambda unit: unit.split("/")[-1],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One text in one build. Seconds are counted from the moment its entry was acknowledged; `path` is the longest dependent path."""

    wall: float
    first_context: float
    first_sticker: float
    path: float
    calls: int
    prompts: int
    answers: int
    kept: Mapping[str, int]

    @property
    def things(self) -> int:
        return sum(self.kept[kind] for kind in ("commands", "events", "fields", "scenarios"))


_COMPARED: Sequence[tuple[str, str, str, float, Callable[[Outcome], float]]] = (
    ("wall", "entry acknowledged → completed", "s", 0.70, lambda one: one.wall),
    (
        "first_context",
        "entry acknowledged → a context on the board page",
        "s",
        0.60,
        lambda one: one.first_context,
    ),
    (
        "first_sticker",
        "entry acknowledged → an element of the canvas committed",
        "s",
        1.0,
        lambda one: one.first_sticker,
    ),
    ("calls", "questions, repairs not counted", "", 0.70, lambda one: one.calls),
    ("prompts", "characters of the questions, schemas included", "", 0.65, lambda one: one.prompts),
    ("answers", "characters of the answers", "", 1.0, lambda one: one.answers),
    (
        "per_thing",
        "characters answered per command, event, field and scenario kept",
        "",
        0.70,
        lambda one: one.answers / one.things,
    ),
)


@dataclass(slots=True)
class Build:
    """The programs of one build, and what depends on what there."""

    depends: Depends
    rtdb: Rtdb
    language_model: LanguageModel
    poller: Running
    boards: dict[str, Board] = field(default_factory=dict)

    def submit(self) -> None:
        """Both texts at once, each with somebody who looks at its board."""
        for text in TEXTS:
            inputs = {
                "requestType": "fromRequirements",
                "ids": {"uid": "u-1", "projectId": "p-1"},
                "requirements": (STRONG / f"{text}.md").read_text("utf-8"),
                "preferedLanguage": LANGUAGES.get(text, "English"),
            }
            job_id, acked = self.rtdb.job(inputs)
            self.boards[text] = Board(self.poller, job_id, acked)

    def ended(self) -> Mapping[str, Outcome]:
        """Waits for both; a question that nobody has answered is an error that shows it."""
        ids = [board.job_id for board in self.boards.values()]

        def over() -> bool:
            self._all_answered()
            return all(self.rtdb.get(f"requestedJobs/{NAMESPACE}/{job_id}") is None for job_id in ids)

        until(over, seconds=400, every=0.5)
        ends = self.rtdb.ended(ids)
        return {text: self._outcome(text, board, ends[board.job_id]) for text, board in self.boards.items()}

    def _all_answered(self) -> None:
        for line in self.language_model.calls.new():
            if "question" in line:
                raise RuntimeError(
                    f"nobody has answered {line['schema']} of {line['text']}:\n{line['question']}"
                )

    def _outcome(self, text: str, board: Board, end: float) -> Outcome:
        model = self._model(board.job_id)
        calls = _calls(self.language_model.calls.all(), text)
        return Outcome(
            wall=end - board.acked,
            first_context=board.first([context.alias for context in model.bounded_contexts]) - board.acked,
            first_sticker=_first_sticker(self.rtdb, board.job_id) - board.acked,
            path=longest(calls, self.depends),
            calls=len(calls),
            prompts=sum(call.prompt for call in calls),
            answers=sum(call.answer for call in calls),
            kept=kept(model),
        )

    def _model(self, job_id: str) -> model_pb2.EventStormingModel:
        with grpc.insecure_channel(f"127.0.0.1:{self.poller.ports['grpc']}") as channel:
            asked = job_pb2.GetJobRequest(job_id=job_id, include_model=True)
            return job_pb2_grpc.JobServiceStub(channel).GetJob(asked, timeout=30).model  # type: ignore[no-any-return]


class Board:
    """Somebody who looks at the board page of a running job: when he saw which picture."""

    def __init__(self, poller: Running, job_id: str, acked: float) -> None:
        self.job_id, self.acked = job_id, acked
        self._url = f"http://127.0.0.1:{poller.ports['admin']}/board/{job_id}/events"
        self._seen: list[tuple[float, str]] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        """Until the poller goes."""
        with (
            suppress(httpx.RemoteProtocolError),
            httpx.Client(timeout=None) as client,
            client.stream("GET", self._url) as stream,
        ):
            kind = ""
            for line in stream.iter_lines():
                key, _, value = line.partition(": ")
                kind = value if key == "event" else kind
                if key == "data" and kind == "wall":
                    self._seen.append((time.time(), json.loads(value)["picture"]))

    def first(self, names: Sequence[str]) -> float:
        """When one of these was first in the picture."""
        shown = [escape(name) for name in names]
        return next(at for at, picture in self._seen if any(name in picture for name in shown))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One answered question; `prompt` and `answer` are characters."""

    form: str
    unit: str
    seconds: float
    prompt: int
    answer: int


def _calls(lines: Sequence[Mapping[str, Any]], text: str) -> list[Call]:
    """Answered questions about a text, without those that repair an answer's form."""
    ends = {(line["hash"], line["nth"]): line["time"] for line in lines if line["event"] == "answer"}
    return [
        Call(
            form=line["schema"],
            unit=line["unit"],
            seconds=ends[line["hash"], line["nth"]] - line["time"],
            prompt=line["prompt_chars"] + line["schema_chars"],
            answer=line["answer_chars"],
        )
        for line in lines
        if line["event"] == "ask" and line["text"] == text and line["turns"] <= 2
    ]


def longest(calls: Iterable[Call], depends: Depends) -> float:
    """Seconds of the longest chain in which each question needs the answer before."""
    taken: dict[str, list[Call]] = {form: [] for form in depends}
    for call in calls:
        taken[call.form].append(call)
    ends: dict[str, dict[str, float]] = {}
    for form, waits in depends.items():
        ends[form] = {}
        for call in taken[form]:
            begin = max((_end(ends[other], call.unit, shared) for other, shared in waits), default=0.0)
            ends[form][call.unit] = max(ends[form].get(call.unit, 0.0), begin + call.seconds)
    return max(end for units in ends.values() for end in units.values())


def _end(units: Mapping[str, float], unit: str, shared: str) -> float:
    part = _SHARED[shared]
    return max((end for other, end in units.items() if part(other) == part(unit)), default=0.0)


def _first_sticker(rtdb: Rtdb, job_id: str) -> float:
    """When the first element of the canvas was committed."""
    place = f"jobs/{NAMESPACE}/{job_id}"
    commits = (commit for commit in rtdb.commits.all() if commit["path"].strip("/").startswith(place))
    return next(float(commit["time"]) / 1000 for commit in commits if "/elements" in json.dumps(commit))


def kept(model: model_pb2.EventStormingModel) -> Counter[str]:
    """What a finished model holds; fields are those of roots, value objects, commands, events and read models."""
    found: Counter[str] = Counter(policies=len(model.policies))
    for aggregate in (one for context in model.bounded_contexts for one in context.aggregates):
        found["commands"] += len(aggregate.commands)
        found["events"] += len(aggregate.events)
        found["read_models"] += len(aggregate.read_models)
        found["fields"] += len(aggregate.fields)
        for owners in (aggregate.value_objects, aggregate.commands, aggregate.events):
            found["fields"] += sum(len(owner.fields) for owner in owners)
        found["fields"] += sum(len(one.parameters) + len(one.columns) for one in aggregate.read_models)
        found["scenarios"] += sum(len(one.scenarios) + len(one.refusals) for one in aggregate.commands)
    return found


@measure("strong", "two texts as a strong language model answers them, against the build before", seconds=900)
def strong(stand: Stand) -> Iterator[Figure]:
    """Both builds at once: what slows one down slows both."""
    before = _build(stand, "before", "old", DEPENDS_BEFORE, unpacked(stand.folder / "before"))
    now = _build(stand, "now", "new", DEPENDS_NOW, {})
    for build in (before, now):
        build.submit()
    yield from _figures(now.ended(), before.ended())


def _build(stand: Stand, side: str, recorded: str, depends: Depends, settings: Mapping[str, str]) -> Build:
    log, folder = stand.folder / f"calls.{side}.jsonl", STRONG / "recorded" / recorded
    program = stand.start("replay", "workbench.strong.replay", "--recorded", str(folder), "--log", str(log))
    port = until(lambda: re.search(r"ready port=(\d+)\n", program.output()))
    language_model = LanguageModel(Running("replay", program, {"http": int(port[1])}), log)
    rtdb = stand.rtdb()
    poller = stand.poller(rtdb, stand.executor(language_model, **settings), **settings)
    return Build(depends, rtdb, language_model, poller)


def _figures(now: Mapping[str, Outcome], before: Mapping[str, Outcome]) -> Iterator[Figure]:
    for name, what, unit, limit, of in _COMPARED:
        yield _compared(
            name,
            what,
            unit,
            {"ratio": limit},
            [{text: of(one) for text, one in side.items()} for side in (now, before)],
        )
    for kind in KINDS:
        counts = [{text: one.kept[kind] for text, one in side.items()} for side in (now, before)]
        yield _compared(kind, f"{kind.replace('_', ' ')} kept of both texts", "", {"no_less": 1.0}, counts)
    yield Figure(
        name="strong.path",
        what="entry acknowledged → completed ÷ longest dependent path",
        unit="×",
        samples=[one.wall / one.path for one in now.values()],
        limits={"median": 1.10},
        baseline=Baseline(name=f"at {BEFORE}", samples=[one.wall / one.path for one in before.values()]),
        noise=0.05,
    )


def _compared(
    name: str, what: str, unit: str, limits: Mapping[str, float], sides: Sequence[Mapping[str, float]]
) -> Figure:
    """The ratio of two medians of two texts is that of their sums."""
    now, before = sides
    each = (f"{text} {short(now[text])} against {short(before[text])}" for text in now)
    return Figure(
        name=f"strong.{name}",
        what=what,
        unit=unit,
        samples=list(now.values()),
        baseline=Baseline(name=f"at {BEFORE}", samples=list(before.values())),
        limits=limits,
        noise=0.05,
        lower_is_better="ratio" in limits,
        note=", ".join(each),
    )
