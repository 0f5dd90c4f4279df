"""Commands on files: read inputs, write models in every format, generate without storing, check an esValue."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from eventstorming.v1 import job_pb2, model_pb2
from google.protobuf import json_format

from eventstorming_client import Job
from poller import exports
from poller.cli import connection, pictures, show
from poller.cli.job_ids import named
from poller.cli.outcome import CliError, Exit
from poller.documents import Documents, Unreadable
from poller.errors import InputRejected

_LANGUAGES = {"english": model_pb2.LANGUAGE_ENGLISH, "korean": model_pb2.LANGUAGE_KOREAN}
_HANGUL = re.compile("[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]")
STDIN = Path("-")


def read_input(path: Path, *, draft: bool, language: str | None) -> job_pb2.JobInput:
    """A job's input from a file: text as it stands, or a draft in the shape the web client sends."""
    text = _read(path)
    found = _draft(path, text) if draft else text_input(text, project=f"cli_{_stem(path)}")
    found.language = _LANGUAGES[language] if language else found.language or _language_of(text)
    found.user_id = found.user_id or "cli"
    found.project_id = found.project_id or f"cli_{_stem(path)}"
    return found


def text_input(text: str, *, project: str) -> job_pb2.JobInput:
    """A job's input from a text, in the language that it is written in."""
    return job_pb2.JobInput(requirements=text, language=_language_of(text), user_id="cli", project_id=project)


def _draft(path: Path, text: str) -> job_pb2.JobInput:
    from poller.msaez.inputs import read_inputs

    raw = _json(path, text)
    inputs = raw if "requestType" in raw else {"requestType": "fromDraft", "draft": raw.get("draft", raw)}
    job_id = inputs.get("jobId") or str(uuid.uuid4())
    ids = {"uid": "cli", "projectId": f"cli_{_stem(path)}"} | inputs.get("ids", {})
    try:
        found = read_inputs({**inputs, "jobId": job_id, "ids": ids}, job_id=job_id)
    except InputRejected as error:
        raise CliError(f"{path}: {error}") from error
    found.job_id = inputs.get("jobId", "")
    return found


def _stem(path: Path) -> str:
    return "stdin" if path == STDIN else path.stem


def _language_of(text: str) -> model_pb2.Language:
    return model_pb2.LANGUAGE_KOREAN if _HANGUL.search(text) else model_pb2.LANGUAGE_ENGLISH


def _read(path: Path) -> str:
    """The text of a file, or of standard input for `-`: UTF-8 as it stands; of anything else, which is told, what its reader makes of it."""
    try:
        content = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}") from error
    if (text := _utf8(content)) is not None:
        return text
    name = "standard input" if path == STDIN else path.name
    try:
        found = asyncio.run(Documents().read(content, file=name))
    except Unreadable as error:
        raise CliError(str(error)) from error
    print(found.told(name), file=sys.stderr)
    return found.text


def _utf8(content: bytes) -> str | None:
    """Nothing of what only looks like it: a PDF of plain letters, UTF-16 without a mark."""
    if content.startswith((b"%PDF-", b"PK\x03\x04")) or b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _json(path: Path, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise CliError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CliError(f"{path} must hold a JSON object")
    return value


# ------------------------------------------------------------------------------------------------ formats


FORMATS = (*exports.names(), *pictures.FORMATS)


def document(job: job_pb2.GetJobResponse, form: str) -> exports.Document:
    """The job's model in one of FORMATS, but for pictures."""
    return exports.export(form, job.model, esvalue=job.msaez_json)


def put(job: job_pb2.GetJobResponse, arguments: argparse.Namespace) -> None:
    """The model where it is wanted: standard output, a file, or a folder; of several files one by `--part`."""
    out: Path | None = arguments.output
    if arguments.format in pictures.FORMATS:
        _put(pictures.taken(job.model, arguments.format), out)
        return
    found = document(job, arguments.format)
    if arguments.part:
        if arguments.part not in found.texts:
            raise CliError(f"there is no part {arguments.part!r}; there are: {', '.join(found.texts)}")
        _put(found.texts[arguments.part].encode(), out)
    elif found.folder and out is not None and out.suffix != ".zip":
        _unpack(found, out)
    elif found.folder and out is None and sys.stdout.isatty():
        raise CliError(
            f"{arguments.format} has several files ({', '.join(found.texts)}): write them with -o FOLDER, or name one with --part"
        )
    else:
        _put(found.content, out)


def _put(content: bytes, out: Path | None) -> None:
    if out is not None:
        try:
            out.write_bytes(content)
        except OSError as error:
            raise CliError(f"cannot write {out}: {error.strerror}") from error
        return
    ends = b"" if content.endswith(b"\n") or b"\0" in content else b"\n"
    sys.stdout.buffer.write(content + ends)
    sys.stdout.buffer.flush()


def _unpack(found: exports.Document, folder: Path) -> None:
    """Into a folder, which is made."""
    try:
        for path, text in found.texts.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8", errors="replace")
    except OSError as error:
        raise CliError(f"cannot write {error.filename}: {error.strerror}") from error


def fetch(job: Job) -> job_pb2.GetJobResponse:
    """A job with both its models; a sentence when there is no model yet."""
    response = job.get(model=True, msaez=True)
    if not response.HasField("model"):
        raise CliError(f"job {job.id} has no model yet", Exit.JOB_FAILED)
    return response


# ------------------------------------------------------------------------------------------------ commands


def generate(arguments: argparse.Namespace) -> Exit:
    """Straight to the executor: progress on stderr, the model on stdout; with `--json` a line for each event."""
    job_input = read_input(arguments.file, draft=arguments.draft, language=arguments.language)
    job_input.job_id = job_input.job_id or str(uuid.uuid4())
    with connection.generating(job_input) as events, show.Bar() as bar:
        for event in events:
            if arguments.json:
                show.as_json(json_format.MessageToDict(event))
            elif event.HasField("progress"):
                bar.progress(event.progress.current, event.progress.total)
            elif event.HasField("log"):
                bar.line(event.log)
    if not arguments.json:
        put(_described(event.completed.model, job_input), arguments)
    return Exit.DONE


def _described(model: model_pb2.EventStormingModel, job_input: job_pb2.JobInput) -> job_pb2.GetJobResponse:
    from poller.msaez.esvalue import project

    value = project(
        model, job_id=job_input.job_id, user_id=job_input.user_id, project_id=job_input.project_id
    )
    text = json.dumps({"elements": value.elements, "relations": value.relations}, ensure_ascii=False)
    return job_pb2.GetJobResponse(model=model, msaez_json=text)


def board(arguments: argparse.Namespace) -> Exit:
    """The board of a typed model in a file, or of a job, as one HTML page on stdout."""
    path = Path(arguments.source)
    if path != STDIN and not path.exists() and re.fullmatch(r"[0-9a-fA-F-]+", arguments.source):
        with connection.jobs() as client:
            response = fetch(named(client, arguments.source))
    else:
        response = job_pb2.GetJobResponse(model=_typed_model(path))
    _put(document(response, "html").content, None)
    return Exit.DONE


def _typed_model(path: Path) -> model_pb2.EventStormingModel:
    value, hint = _json(path, _read(path)), "Get one: eventstorming get JOB --format json"
    try:
        model = json_format.ParseDict(value, model_pb2.EventStormingModel())
    except json_format.ParseError as error:
        raise CliError(f"{path} is not a typed EventStorming model ({error}). {hint}") from error
    if not model.bounded_contexts:
        raise CliError(f"{path} holds no model: it has no bounded context. {hint}")
    return model


def validate(arguments: argparse.Namespace) -> Exit:
    """The 18 checks on an esValue, plain or as it sits in the database. Findings end with exit code 1."""
    value = es_value(_json(arguments.file, _read(arguments.file)), str(arguments.file))
    found = findings_in(value)
    elements, relations = len(value["elements"]), len(value.get("relations") or {})
    if arguments.json:
        show.as_json({"elements": elements, "relations": relations, "findings": found}, indent=1)
    else:
        print(*found, f"{elements} elements, {relations} relations, {len(found)} findings", sep="\n")
    return Exit.JOB_FAILED if found else Exit.DONE


def es_value(given: dict[str, Any], where: str) -> dict[str, Any]:
    """The esValue in it, plain or as it sits in the database. Raises CliError."""
    from poller.msaez.check import es_value_in

    value = es_value_in(given)
    if not isinstance(value, dict) or not isinstance(value.get("elements"), dict):
        raise CliError(f"{where} holds no esValue: an object with `elements` and `relations` is expected")
    return value


def findings_in(value: dict[str, Any]) -> list[str]:
    """What the canvas's 18 rules find in an esValue."""
    from poller.msaez.check import findings

    return [str(finding) for finding in findings(value, inputs=None)]
