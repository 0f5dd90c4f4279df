"""A job's inputs as the web client or another tool wrote them, and the same as we write them.

Everything that can be understood is understood; the rest is rejected with a sentence for the user.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from eventstorming.v1 import job_pb2, model_pb2

from poller.errors import InputRejected
from poller.msaez.encoding import Json, decode, encode_key, key_fits
from poller.ports import LARGEST_INPUT
from poller.requests import JOB_ID

MOST_WARNINGS = 20
_HANGUL = re.compile(r"[가-힣ㄱ-ㆎ]")

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ENGLISH, _KOREAN = {"english", "en"}, {"korean", "ko", "한국어"}
_NAME_MEMBERS = ("name", "fieldName", "commandName", "eventName", "readModelName", "value")
_ESSENTIAL = {
    "essentialCommandNames": "required_commands",
    "essentialEventNames": "required_events",
    "essentialReadModelNames": "required_read_models",
}

_EDITED = {
    name.removeprefix("ELEMENT_KIND_").lower(): kind
    for name, kind in job_pb2.ElementKind.items()
    if kind != job_pb2.ELEMENT_KIND_UNSPECIFIED
}
_EDIT_NAMES = {kind: name for name, kind in _EDITED.items()}

# (English, Korean); a rejection says what is wrong and what to do.
_SENTENCES = {
    "no_inputs": (
        "The job has no inputs. Start the generation again from the model.",
        "작업에 입력이 없습니다. 모델에서 생성을 다시 시작해 주세요.",
    ),
    "job_id": (
        "The job id {what} is not of the form 8-4-4-4-12 hexadecimal digits. Start the generation again.",
        "작업 ID {what}의 형식이 올바르지 않습니다(16진수 8-4-4-4-12). 생성을 다시 시작해 주세요.",
    ),
    "request_type": (
        'The request type {what} is unknown. It must be "fromDraft" or "fromRequirements".',
        '요청 유형 {what}을(를) 알 수 없습니다. "fromDraft" 또는 "fromRequirements"여야 합니다.',
    ),
    "no_requirements": (
        "The requirements are empty. Describe in a few sentences what the system should do, and start again.",
        "요구사항이 비어 있습니다. 시스템이 해야 할 일을 몇 문장으로 적고 다시 시작해 주세요.",
    ),
    "too_long": (
        "The text is too long: {what}. Split it into several jobs, and start again.",
        "글이 너무 깁니다({what}). 여러 작업으로 나누어 주세요.",
    ),
    "no_draft": (
        "The draft is missing or is not an object. Choose a draft for each bounded context, and start again.",
        "초안이 없거나 형식이 올바르지 않습니다. 바운디드 컨텍스트마다 초안을 선택하고 다시 시작해 주세요.",
    ),
    "no_structures": (
        "The draft has no bounded context. Choose at least one draft structure, and start again.",
        "초안에 바운디드 컨텍스트가 없습니다. 초안 구조를 하나 이상 선택하고 다시 시작해 주세요.",
    ),
    "nothing_in_draft": (
        "The draft has neither aggregates nor requirement texts. Add one of them, and start again.",
        "초안에 애그리거트도 요구사항 텍스트도 없습니다. 둘 중 하나를 추가하고 다시 시작해 주세요.",
    ),
    "name_too_long": (
        "The name {what} is too long. Shorten it to at most 256 characters, and start again.",
        "이름 {what}이(가) 너무 깁니다. 256자 이하로 줄이고 다시 시작해 주세요.",
    ),
    "language": (
        "The language {what} is not supported; English is used.",
        "언어 {what}은(는) 지원되지 않아 영어를 사용합니다.",
    ),
    "ids": (
        "The inputs name no {what}; a temporary one is used.",
        "입력에 {what}이(가) 없어 임시 값을 사용합니다.",
    ),
    "other_job_id": (
        "The inputs name another job id ({what}); the key of the job is used.",
        "입력의 작업 ID({what})가 달라 작업의 키를 사용합니다.",
    ),
    "contexts_from_texts": (
        "The draft has no structures; its bounded contexts are taken from the requirement texts.",
        "초안에 구조가 없어 요구사항 텍스트에서 바운디드 컨텍스트를 가져옵니다.",
    ),
    "unnamed": (
        "An entry without a name was left out: {what}.",
        "이름이 없는 항목을 제외했습니다: {what}.",
    ),
    "twice": (
        "{what} occurs more than once in the draft; it is generated once.",
        "{what}이(가) 초안에 두 번 이상 있어 한 번만 생성합니다.",
    ),
    "dangling": (
        "The reference to the aggregate {what} was ignored: the draft has no such aggregate.",
        "애그리거트 {what}에 대한 참조를 무시했습니다. 초안에 해당 애그리거트가 없습니다.",
    ),
    "foreign_request": (
        "Requested names for {what} were ignored: the draft has no such element.",
        "{what}에 요청된 이름을 무시했습니다. 초안에 해당 요소가 없습니다.",
    ),
    "edit": (
        "A change that cannot be understood was left out: {what}.",
        "이해할 수 없는 수정을 제외했습니다: {what}.",
    ),
    "more": (
        "There are {what} further remarks on the inputs.",
        "입력에 대한 참고 사항이 {what}개 더 있습니다.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What was understood, and what the user should know about it, in the user's language."""

    input: job_pb2.JobInput
    warnings: tuple[str, ...]


def read_inputs(raw: Json, *, job_id: str) -> job_pb2.JobInput:
    """The inputs below `state/inputs`, stored form or plain. Raises InputRejected."""
    return understand(raw, job_id=job_id).input


def understand(raw: Json, *, job_id: str) -> Inputs:
    """Like `read_inputs`, with the warnings that belong into the job's log."""
    inputs = decode(raw)
    language = _text(_mapping(inputs).get("preferedLanguage"))
    korean = language.lower() in _KOREAN
    notes = _Notes(model_pb2.LANGUAGE_KOREAN if korean else model_pb2.LANGUAGE_ENGLISH)
    if not isinstance(inputs, dict):
        notes.reject("no_inputs")
    if not JOB_ID.fullmatch(job_id):
        notes.reject("job_id", job_id)
    if language and language.lower() not in _ENGLISH | _KOREAN:
        notes.warn("language", language)
    job = job_pb2.JobInput(job_id=job_id, language=notes.language)
    _read_ids(inputs, job, notes)
    _read_source(inputs, job, notes)
    _read_edits(inputs, job, notes)
    if (size := job.ByteSize()) > LARGEST_INPUT:
        notes.reject("too_long", f"{size / (1 << 20):.1f} MiB > {LARGEST_INPUT >> 20} MiB")
    return Inputs(input=job, warnings=notes.warned())


@dataclass(slots=True)
class _Notes:
    """Collects warnings and raises rejections in the job's language."""

    language: model_pb2.Language
    warnings: dict[str, None] = field(default_factory=dict)

    def warn(self, sentence: str, what: Json = "") -> None:
        self.warnings[self._say(sentence, what)] = None

    def warned(self) -> tuple[str, ...]:
        """Each sentence once, and not more of them than a person reads."""
        said = list(self.warnings)
        rest = [self._say("more", len(said) - MOST_WARNINGS)] if len(said) > MOST_WARNINGS else []
        return (*said[:MOST_WARNINGS], *rest)

    def reject(self, sentence: str, what: Json = "") -> NoReturn:
        raise InputRejected(self._say(sentence, what))

    def _say(self, sentence: str, what: Json) -> str:
        text = json.dumps(what, ensure_ascii=False)
        shown = _clean(text if len(text) <= 80 else text[:77] + "...")
        return _SENTENCES[sentence][self.language == model_pb2.LANGUAGE_KOREAN].format(what=shown)


def _read_ids(inputs: dict[str, Json], job: job_pb2.JobInput, notes: _Notes) -> None:
    stated = _text(inputs.get("jobId"))
    if stated and stated.lower() != job.job_id.lower():
        notes.warn("other_job_id", stated)
    given = {member: _text(_mapping(inputs.get("ids")).get(member)) for member in ("uid", "projectId")}
    for member in (member for member, text in given.items() if not text):
        notes.warn("ids", member)
    job.user_id = given["uid"] or f"temp-uid-{job.job_id}"
    job.project_id = given["projectId"] or f"temp-project-id-{job.job_id}"


def _read_source(inputs: dict[str, Json], job: job_pb2.JobInput, notes: _Notes) -> None:
    kind, requirements, draft = (inputs.get(key) for key in ("requestType", "requirements", "draft"))
    if kind == "fromRequirements":
        if not isinstance(requirements, str) or not requirements.strip():
            notes.reject("no_requirements")
        job.requirements = _clean(requirements)  # untouched: source ranges count in exactly this text
    elif kind == "fromDraft":
        if not isinstance(draft, dict):
            notes.reject("no_draft")
        _Reading(job.draft, notes).read(draft)
    else:
        notes.reject("request_type", kind)


def _read_edits(inputs: dict[str, Json], job: job_pb2.JobInput, notes: _Notes) -> None:
    for stored in _items(inputs.get("edits")):
        edit = _mapping(stored)
        kind, name = _EDITED.get(_text(edit.get("kind"))), _text(edit.get("name"))
        if kind is None or not name:
            notes.warn("edit", stored)
        else:
            job.edits.add(
                kind=kind,
                name=name,
                alias=_text(edit.get("alias")),
                code_name=_text(edit.get("codeName")),
                removed=edit.get("removed") is True,
            )


@dataclass(frozen=True, slots=True)
class _Reading:
    """A draft under construction, with what it has so far by name."""

    draft: job_pb2.Draft
    notes: _Notes
    contexts: dict[str, job_pb2.DraftContext] = field(default_factory=dict)
    aggregates: dict[str, job_pb2.DraftAggregate] = field(default_factory=dict)

    def read(self, stored: dict[str, Json]) -> None:
        texts = _by_name(_mapping(stored.get("metadatas")).get("boundedContextRequirements"))
        structures = list(_items(stored.get("structures")))
        if texts and not structures:
            self.notes.warn("contexts_from_texts")
        for structure in structures or texts:
            self._add_context(structure)
        if not self.contexts:
            self.notes.reject("no_structures")
        for name, context in self.contexts.items():
            context.requirements = _opaque(texts.get(name))
        if not self.aggregates and not any(c.requirements.strip() for c in self.contexts.values()):
            self.notes.reject("nothing_in_draft")
        self._drop_dangling()
        self._add_requests(_mapping(stored.get("additionalRequests")))

    def _add_context(self, stored: Json) -> None:
        members, name, alias = self._named(stored, "boundedContextName", "boundedContextAlias")
        if name in self.contexts:
            self.notes.warn("twice", name)
        elif name:
            self.contexts[name] = self.draft.contexts.add(name=name, alias=alias or name)
        for aggregate in _items(members.get("aggregates") if name else None):
            self._add_aggregate(aggregate, self.contexts[name])

    def _add_aggregate(self, stored: Json, context: job_pb2.DraftContext) -> None:
        members, name, alias = self._named(stored, "aggregateName", "aggregateAlias")
        if name in self.aggregates:
            self.notes.warn("twice", name)
        elif name:
            aggregate = self.aggregates[name] = context.aggregates.add(name=name, alias=alias)
            aggregate.enumerations.extend(self._types(_items(members.get("enumerations"))))
            values = [(value, _target(value)) for value in _items(members.get("valueObjects"))]
            aggregate.value_objects.extend(self._types(value for value, target in values if not target))
            aggregate.references.extend(_distinct(target for _, target in values))

    def _named(self, stored: Json, name: str, alias: str) -> tuple[dict[str, Json], str, str]:
        """Members, name and alias; a missing name falls back to the alias, an entry with neither is left out."""
        members = stored if isinstance(stored, dict) else {name: stored}
        found, shown = _text(members.get(name)), _text(members.get(alias))
        if not found and not shown:
            self.notes.warn("unnamed", name)
        if not key_fits(found or shown):
            self.notes.reject("name_too_long", found or shown)
        return members, found or shown, shown

    def _types(self, stored: Iterable[Json]) -> Iterable[job_pb2.DraftType]:
        """The first of each name."""
        types: dict[str, job_pb2.DraftType] = {}
        for _, name, alias in (self._named(kind, "name", "alias") for kind in stored):
            types.setdefault(name, job_pb2.DraftType(name=name, alias=alias))
        return (kind for name, kind in types.items() if name)

    def _drop_dangling(self) -> None:
        for owner, aggregate in self.aggregates.items():
            for name in aggregate.references:
                if name not in self.aggregates:
                    self.notes.warn("dangling", name)
            aggregate.references[:] = [n for n in aggregate.references if n in self.aggregates and n != owner]

    def _add_requests(self, requests: dict[str, Json]) -> None:
        for member, wanted in _ESSENTIAL.items():
            for name, names in _by_name(requests.get(member)).items():
                if name in self.contexts:
                    getattr(self.contexts[name], wanted).extend(_names(names))
                else:
                    self.notes.warn("foreign_request", name)
        for name, attributes in _by_name(requests.get("essentialAggregateAttributes")).items():
            context = self.contexts.get(name, job_pb2.DraftContext())
            aggregates = {aggregate.name: aggregate for aggregate in context.aggregates}
            for owner, names in _by_name(attributes).items():
                if owner in aggregates:
                    aggregates[owner].required_attributes.extend(_names(names))
                else:
                    self.notes.warn("foreign_request", f"{name}.{owner}")


def _target(value: Json) -> str:
    """The aggregate that a value object stands for, if it does."""
    return _name(value.get("referencedAggregate")) if isinstance(value, dict) else ""


def _items(value: Json) -> Iterator[Json]:
    """The entries of a list, also of one that RTDB gave back as a map or with gaps, or a single one."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value, key=_numeric_first)]
    return (item for item in (value if isinstance(value, list) else [value]) if item is not None)


def _numeric_first(key: str) -> tuple[bool, int, str]:
    number = key.isascii() and key.isdigit()
    return not number, int(key[:18]) if number else 0, key


def _mapping(value: Json) -> dict[str, Json]:
    """The map, also one whose keys were 0, 1, 2 and that came back as a list."""
    if isinstance(value, list):
        return {str(index): child for index, child in enumerate(value)}
    return value if isinstance(value, dict) else {}


def _by_name(value: Json) -> dict[str, Json]:
    """A map whose keys are names."""
    return {_clean(key).strip(): child for key, child in _mapping(value).items() if child is not None}


def _names(value: Json) -> list[str]:
    return _distinct(map(_name, _items(value)))


def _name(value: Json) -> str:
    """A name given as text or as an object that carries it under one of the usual members."""
    carried = [value.get(member) for member in _NAME_MEMBERS] if isinstance(value, dict) else [value]
    return next(filter(None, map(_text, carried)), "")


def _text(value: Json) -> str:
    """The text of a scalar, blanks around it dropped; empty for everything else."""
    scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
    return _clean(str(value)).strip() if scalar else ""


def _opaque(value: Json) -> str:
    """A context's requirements: text as it is, anything else as JSON."""
    return _clean(
        value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    )


def _clean(text: str) -> str:
    """Without lone surrogates, which neither protobuf nor UTF-8 can carry; columns stay the same."""
    return _SURROGATE.sub("\ufffd", text)


def _distinct(names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name]


def write_inputs(job: job_pb2.JobInput) -> Json:
    """The same inputs as the web client would write them below `state/inputs`. Raises InputRejected."""
    korean = (job.language or spoken(job)) == model_pb2.LANGUAGE_KOREAN
    written: dict[str, Json] = {
        "jobId": job.job_id,
        "ids": {
            "uid": job.user_id or f"temp-uid-{job.job_id}",
            "projectId": job.project_id or f"temp-project-id-{job.job_id}",
        },
        "preferedLanguage": "Korean" if korean else "English",
    }
    if job.WhichOneof("source") == "draft":
        written |= {"requestType": "fromDraft", "draft": _written_draft(job.draft)}
    else:
        written |= {"requestType": "fromRequirements", "requirements": job.requirements}
    if job.edits:
        written["edits"] = [_written_edit(edit) for edit in job.edits]
    understand(written, job_id=job.job_id)
    return written


def _written_edit(edit: job_pb2.Edit) -> dict[str, Json]:
    told = {"alias": edit.alias, "codeName": edit.code_name, "removed": edit.removed}
    return {"kind": _EDIT_NAMES[edit.kind], "name": edit.name, **_filled(told)}


def spoken(job: job_pb2.JobInput) -> model_pb2.Language:
    """Korean if the source contains Hangul, else English."""
    texts = [job.requirements, *(text for c in job.draft.contexts for text in (c.alias, c.requirements))]
    hangul = any(_HANGUL.search(text) for text in texts)
    return model_pb2.LANGUAGE_KOREAN if hangul else model_pb2.LANGUAGE_ENGLISH


def _written_draft(draft: job_pb2.Draft) -> dict[str, Json]:
    contexts = {encode_key(context.name): context for context in draft.contexts}
    aliases = {a.name: a.alias for context in draft.contexts for a in context.aggregates}
    requests: dict[str, dict[str, Json]] = {
        member: {name: list(getattr(context, wanted)) for name, context in contexts.items()}
        for member, wanted in _ESSENTIAL.items()
    }
    requests["essentialAggregateAttributes"] = {
        name: _filled({encode_key(a.name): list(a.required_attributes) for a in context.aggregates})
        for name, context in contexts.items()
    }
    texts = {name: context.requirements for name, context in contexts.items()}
    return {
        "structures": [_written_context(context, aliases) for context in draft.contexts],
        "metadatas": {"boundedContextRequirements": _filled(texts)},
        "additionalRequests": _filled({member: _filled(names) for member, names in requests.items()}),
    }


def _filled(members: dict[str, Json]) -> dict[str, Json]:
    """Without what is empty."""
    return {name: value for name, value in members.items() if value}


def _written_context(context: job_pb2.DraftContext, aliases: dict[str, str]) -> dict[str, Json]:
    return {
        "boundedContextName": context.name,
        "boundedContextAlias": context.alias or context.name,
        "aggregates": [_written_aggregate(aggregate, aliases) for aggregate in context.aggregates],
    }


def _written_aggregate(aggregate: job_pb2.DraftAggregate, aliases: dict[str, str]) -> dict[str, Json]:
    references = [
        {
            "name": f"{name}Reference",
            "referencedAggregate": {"name": name, "alias": aliases.get(name) or name},
        }
        for name in aggregate.references
    ]
    return {
        "aggregateName": aggregate.name,
        "aggregateAlias": aggregate.alias,
        "enumerations": [_written_type(kind) for kind in aggregate.enumerations],
        "valueObjects": [_written_type(kind) for kind in aggregate.value_objects] + references,
    }


def _written_type(kind: job_pb2.DraftType) -> dict[str, Json]:
    return {"name": kind.name, "alias": kind.alias}
