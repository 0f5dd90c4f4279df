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

JOB_ID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")
MOST_WARNINGS = 20
_HANGUL = re.compile(r"[가-힣ㄱ-ㆎ]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_LANGUAGES = {
    "english": model_pb2.LANGUAGE_ENGLISH,
    "en": model_pb2.LANGUAGE_ENGLISH,
    "korean": model_pb2.LANGUAGE_KOREAN,
    "ko": model_pb2.LANGUAGE_KOREAN,
    "한국어": model_pb2.LANGUAGE_KOREAN,
}
_LANGUAGE_NAMES = {model_pb2.LANGUAGE_ENGLISH: "English", model_pb2.LANGUAGE_KOREAN: "Korean"}
_ESSENTIAL = {
    "essentialCommandNames": "required_commands",
    "essentialEventNames": "required_events",
    "essentialReadModelNames": "required_read_models",
}
_NAME_MEMBERS = ("name", "fieldName", "commandName", "eventName", "readModelName", "value")

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
    notes = _Notes(_language(inputs))
    if not isinstance(inputs, dict):
        notes.reject("no_inputs")
    if not JOB_ID.match(job_id):
        notes.reject("job_id", job_id)
    job = job_pb2.JobInput(job_id=job_id, language=notes.language)
    _read_frame(inputs, job, notes)
    _read_source(inputs, job, notes)
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
        english, korean = _SENTENCES[sentence]
        text = json.dumps(what, ensure_ascii=False) if what != "" else '""'
        shown = _clean(text if len(text) <= 80 else text[:77] + "...")
        return (korean if self.language == model_pb2.LANGUAGE_KOREAN else english).format(what=shown)


def _language(inputs: Json) -> model_pb2.Language:
    wanted = inputs.get("preferedLanguage") if isinstance(inputs, dict) else None
    return _LANGUAGES.get(_text(wanted).lower(), model_pb2.LANGUAGE_ENGLISH)


def _read_frame(inputs: dict[str, Json], job: job_pb2.JobInput, notes: _Notes) -> None:
    wanted = _text(inputs.get("preferedLanguage"))
    if wanted and wanted.lower() not in _LANGUAGES:
        notes.warn("language", wanted)
    stated = _text(inputs.get("jobId"))
    if stated and stated.lower() != job.job_id.lower():
        notes.warn("other_job_id", stated)
    ids = _mapping(inputs.get("ids"))
    job.user_id = _id(ids, "uid", f"temp-uid-{job.job_id}", notes)
    job.project_id = _id(ids, "projectId", f"temp-project-id-{job.job_id}", notes)


def _id(ids: dict[str, Json], member: str, temporary: str, notes: _Notes) -> str:
    given = _text(ids.get(member))
    if not given:
        notes.warn("ids", member)
    return given or temporary


def _read_source(inputs: dict[str, Json], job: job_pb2.JobInput, notes: _Notes) -> None:
    kind = inputs.get("requestType")
    if kind == "fromRequirements":
        job.requirements = _requirements(inputs.get("requirements"), notes)
    elif kind == "fromDraft":
        _read_draft(inputs.get("draft"), job.draft, notes)
    else:
        notes.reject("request_type", kind)


def _requirements(value: Json, notes: _Notes) -> str:
    """The text untouched: source ranges count lines and columns in exactly this text."""
    if not isinstance(value, str) or not value.strip():
        notes.reject("no_requirements")
    return _clean(value)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A draft under construction, with what it has so far by name."""

    draft: job_pb2.Draft
    notes: _Notes
    contexts: dict[str, job_pb2.DraftContext] = field(default_factory=dict)
    aggregates: dict[str, job_pb2.DraftAggregate] = field(default_factory=dict)


def _read_draft(value: Json, draft: job_pb2.Draft, notes: _Notes) -> None:
    if not isinstance(value, dict):
        notes.reject("no_draft")
    reading = _Reading(draft, notes)
    texts = _by_name(_mapping(value.get("metadatas")).get("boundedContextRequirements"))
    for structure in _structures(value, texts, notes):
        _add_context(structure, reading)
    if not reading.contexts:
        notes.reject("no_structures")
    for name, context in reading.contexts.items():
        context.requirements = _opaque(texts.get(name))
    if not reading.aggregates and not any(c.requirements.strip() for c in reading.contexts.values()):
        notes.reject("nothing_in_draft")
    _drop_dangling(reading)
    _add_requests(_mapping(value.get("additionalRequests")), reading)


def _structures(value: dict[str, Json], texts: dict[str, Json], notes: _Notes) -> list[Json]:
    structures = list(_items(value.get("structures")))
    if structures or not texts:
        return structures
    notes.warn("contexts_from_texts")
    return [{"boundedContextName": name} for name in texts]


def _add_context(structure: Json, reading: _Reading) -> None:
    members = structure if isinstance(structure, dict) else {"boundedContextName": structure}
    name, alias = _named(members, "boundedContextName", "boundedContextAlias", reading.notes)
    if not name:
        return
    if name in reading.contexts:
        reading.notes.warn("twice", name)
    else:
        reading.contexts[name] = reading.draft.contexts.add(name=name, alias=alias or name)
    for aggregate in _items(members.get("aggregates")):
        _add_aggregate(aggregate, reading.contexts[name], reading)


def _add_aggregate(value: Json, context: job_pb2.DraftContext, reading: _Reading) -> None:
    members = value if isinstance(value, dict) else {"aggregateName": value}
    name, alias = _named(members, "aggregateName", "aggregateAlias", reading.notes)
    if name in reading.aggregates:
        reading.notes.warn("twice", name)
    elif name:
        aggregate = reading.aggregates[name] = context.aggregates.add(name=name, alias=alias)
        aggregate.enumerations.extend(_types(members.get("enumerations"), reading.notes))
        plain, references = _split_value_objects(members.get("valueObjects"))
        aggregate.value_objects.extend(_types(plain, reading.notes))
        aggregate.references.extend(_distinct(references))


def _named(members: dict[str, Json], name: str, alias: str, notes: _Notes) -> tuple[str, str]:
    """Name and alias; a missing name falls back to the alias, an entry with neither is left out."""
    found, shown = _text(members.get(name)), _text(members.get(alias))
    if not found and not shown:
        notes.warn("unnamed", name)
    if not key_fits(found or shown):
        notes.reject("name_too_long", found or shown)
    return found or shown, shown


def _types(value: Json, notes: _Notes) -> Iterator[job_pb2.DraftType]:
    seen: set[str] = set()
    for item in _items(value):
        members = item if isinstance(item, dict) else {"name": item}
        name, alias = _named(members, "name", "alias", notes)
        if name and name not in seen:
            seen.add(name)
            yield job_pb2.DraftType(name=name, alias=alias)


def _split_value_objects(value: Json) -> tuple[list[Json], list[str]]:
    """Value objects to fill, and the names of aggregates that the others stand for."""
    plain, references = [], []
    for item in _items(value):
        target = item.get("referencedAggregate") if isinstance(item, dict) else None
        name = _name_of(target)
        references.append(name) if name else plain.append(item)
    return plain, references


def _drop_dangling(reading: _Reading) -> None:
    for owner, aggregate in reading.aggregates.items():
        kept = [name for name in aggregate.references if name in reading.aggregates and name != owner]
        for name in aggregate.references:
            if name not in reading.aggregates:
                reading.notes.warn("dangling", name)
        aggregate.references[:] = kept


def _add_requests(requests: dict[str, Json], reading: _Reading) -> None:
    for member, wanted in _ESSENTIAL.items():
        for name, values in _by_name(requests.get(member)).items():
            if name in reading.contexts:
                names = _distinct(map(_name_of, _items(values)))
                getattr(reading.contexts[name], wanted).extend(names)
            else:
                reading.notes.warn("foreign_request", name)
    for name, values in _by_name(requests.get("essentialAggregateAttributes")).items():
        _add_attributes(name, reading.contexts.get(name), values, reading.notes)


def _add_attributes(name: str, context: job_pb2.DraftContext | None, values: Json, notes: _Notes) -> None:
    aggregates = {aggregate.name: aggregate for aggregate in context.aggregates} if context else {}
    for owner, attributes in _by_name(values).items():
        if owner in aggregates:
            wanted = _distinct(map(_name_of, _items(attributes)))
            aggregates[owner].required_attributes.extend(wanted)
        else:
            notes.warn("foreign_request", f"{name}.{owner}")


def _aggregates(draft: job_pb2.Draft) -> Iterator[job_pb2.DraftAggregate]:
    return (aggregate for context in draft.contexts for aggregate in context.aggregates)


def _items(value: Json) -> Iterator[Json]:
    """The entries of a list, also of one that RTDB gave back as a map or with gaps, or a single one."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value, key=_numeric_first)]
    if value is not None and not isinstance(value, list):
        value = [value]
    return (item for item in value or () if item is not None)


def _numeric_first(key: str) -> tuple[bool, int, str]:
    number = key.isascii() and key.isdigit()
    return not number, int(key[:18]) if number else 0, key


def _mapping(value: Json) -> dict[str, Json]:
    """The map, also one whose keys were 0, 1, 2 and that came back as a list."""
    if isinstance(value, list):
        return {str(index): child for index, child in enumerate(value) if child is not None}
    return value if isinstance(value, dict) else {}


def _by_name(value: Json) -> dict[str, Json]:
    """A map whose keys are names; without what cannot be a name."""
    return {_clean(key).strip(): child for key, child in _mapping(value).items() if child is not None}


def _name_of(item: Json) -> str:
    """A name given as text or as an object that carries it under one of the usual members."""
    if not isinstance(item, dict):
        return _text(item)
    return next((name for member in _NAME_MEMBERS if (name := _text(item.get(member)))), "")


def _text(value: Json) -> str:
    """The text of a scalar, blanks around it dropped; empty for everything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return _clean(str(value)).strip()


def _opaque(value: Json) -> str:
    """A context's requirements: text as it is, anything else as JSON."""
    if isinstance(value, str) or value is None:
        return _clean(value or "")
    return _clean(json.dumps(value, ensure_ascii=False))


def _clean(text: str) -> str:
    """Without lone surrogates, which neither protobuf nor UTF-8 can carry; columns stay the same."""
    return _SURROGATE.sub("\ufffd", text)


def _distinct(names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name]


def write_inputs(job: job_pb2.JobInput) -> Json:
    """The same inputs as the web client would write them below `state/inputs`. Raises InputRejected."""
    language = job.language or spoken(job)
    frame = {
        "jobId": job.job_id,
        "ids": {
            "uid": job.user_id or f"temp-uid-{job.job_id}",
            "projectId": job.project_id or f"temp-project-id-{job.job_id}",
        },
        "preferedLanguage": _LANGUAGE_NAMES.get(language, "English"),
    }
    written = frame | _written_source(job)
    understand(written, job_id=job.job_id)
    return written


def spoken(job: job_pb2.JobInput) -> model_pb2.Language:
    """Korean if the source contains Hangul, else English."""
    texts = [job.requirements, *(text for c in job.draft.contexts for text in (c.alias, c.requirements))]
    hangul = any(_HANGUL.search(text) for text in texts)
    return model_pb2.LANGUAGE_KOREAN if hangul else model_pb2.LANGUAGE_ENGLISH


def _written_source(job: job_pb2.JobInput) -> dict[str, Json]:
    if job.WhichOneof("source") == "draft":
        return {"requestType": "fromDraft", "draft": _written_draft(job.draft)}
    return {"requestType": "fromRequirements", "requirements": job.requirements}


def _written_draft(draft: job_pb2.Draft) -> dict[str, Json]:
    contexts = {encode_key(context.name): context for context in draft.contexts}
    texts = {name: context.requirements for name, context in contexts.items() if context.requirements}
    aliases = {aggregate.name: aggregate.alias for aggregate in _aggregates(draft)}
    requests = {
        member: {name: list(getattr(c, wanted)) for name, c in contexts.items() if getattr(c, wanted)}
        for member, wanted in _ESSENTIAL.items()
    }
    requests["essentialAggregateAttributes"] = _written_attributes(contexts)
    return {
        "structures": [_written_context(context, aliases) for context in draft.contexts],
        "metadatas": {"boundedContextRequirements": texts},
        "additionalRequests": {member: names for member, names in requests.items() if names},
    }


def _written_attributes(contexts: dict[str, job_pb2.DraftContext]) -> dict[str, Json]:
    attributes = {
        name: {
            encode_key(aggregate.name): list(aggregate.required_attributes)
            for aggregate in context.aggregates
            if aggregate.required_attributes
        }
        for name, context in contexts.items()
    }
    return {name: wanted for name, wanted in attributes.items() if wanted}


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
