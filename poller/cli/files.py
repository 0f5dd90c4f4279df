"""Commands on files: read inputs, write models in every format, generate without storing, check an esValue."""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eventstorming.v1 import executor_pb2, job_pb2, model_pb2
from google.protobuf import json_format

from eventstorming_client import Job
from poller.cli import connection, show
from poller.cli.outcome import CliError, Exit
from poller.errors import InputRejected

_LANGUAGES = {"english": model_pb2.LANGUAGE_ENGLISH, "korean": model_pb2.LANGUAGE_KOREAN}
_HANGUL = re.compile("[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]")
JOB_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def read_input(path: Path, *, draft: bool, language: str | None) -> job_pb2.JobInput:
    """A job's input from a file: text as it stands, or a draft in the shape the web client sends."""
    text = _read(path)
    found = _draft(path, text) if draft else text_input(text, project=f"cli_{path.stem}")
    found.language = _LANGUAGES[language] if language else found.language or _language_of(text)
    found.user_id = found.user_id or "cli"
    found.project_id = found.project_id or f"cli_{path.stem}"
    return found


def text_input(text: str, *, project: str) -> job_pb2.JobInput:
    """A job's input from a text, in the language that it is written in."""
    return job_pb2.JobInput(requirements=text, language=_language_of(text), user_id="cli", project_id=project)


def _draft(path: Path, text: str) -> job_pb2.JobInput:
    from poller.msaez.inputs import read_inputs

    raw = _json(path, text)
    inputs = raw if "requestType" in raw else {"requestType": "fromDraft", "draft": raw.get("draft", raw)}
    job_id = inputs.get("jobId") or str(uuid.uuid4())
    ids = {"uid": "cli", "projectId": f"cli_{path.stem}"} | inputs.get("ids", {})
    try:
        found = read_inputs({**inputs, "jobId": job_id, "ids": ids}, job_id=job_id)
    except InputRejected as error:
        raise CliError(f"{path}: {error}") from error
    found.job_id = inputs.get("jobId", "")
    return found


def _language_of(text: str) -> model_pb2.Language:
    return model_pb2.LANGUAGE_KOREAN if _HANGUL.search(text) else model_pb2.LANGUAGE_ENGLISH


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CliError(f"{path} is not UTF-8 text; convert it first") from error


def _json(path: Path, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise CliError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CliError(f"{path} must hold a JSON object")
    return value


# ------------------------------------------------------------------------------------------------ formats


FORMATS = ("html", "json", "markdown", "mermaid", "msaez", "svg")


def written(job: job_pb2.GetJobResponse, form: str) -> str:
    """The job's model in one of FORMATS. What writes it is imported here: most commands need none of it."""
    from poller.board import exports, html, specification, svg

    if form == "msaez":
        return json.dumps(json.loads(job.msaez_json), ensure_ascii=False, indent=1)
    writers: dict[str, Callable[[model_pb2.EventStormingModel], str]] = {
        "html": html.render_html,
        "json": exports.to_json,
        "markdown": specification.to_markdown,
        "mermaid": exports.to_mermaid,
        "svg": svg.render_svg,
    }
    return writers[form](job.model)


def fetch(job: Job) -> job_pb2.GetJobResponse:
    """A job with both its models; a sentence when there is no model yet."""
    response = job.get(model=True, msaez=True)
    if not response.HasField("model"):
        raise CliError(f"job {job.id} has no model yet", Exit.JOB_FAILED)
    return response


# ------------------------------------------------------------------------------------------------ commands


def generate(arguments: argparse.Namespace) -> Exit:
    """Straight to the executor: progress on stderr, the model on stdout."""
    job_input = read_input(arguments.file, draft=arguments.draft, language=arguments.language)
    job_input.job_id = job_input.job_id or str(uuid.uuid4())
    with connection.executor() as service, show.Bar() as bar:
        for response in service.Generate(executor_pb2.GenerateRequest(input=job_input)):
            match response.WhichOneof("event"):
                case "progress":
                    bar.progress(response.progress.current, response.progress.total)
                case "log":
                    bar.line(response.log)
                case "completed":
                    model = response.completed.model
    model.source_text = job_input.requirements
    print(written(_described(model, job_input), arguments.format))
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
    if not path.exists() and JOB_ID.fullmatch(arguments.source):
        with connection.jobs() as client:
            response = fetch(client.job(arguments.source))
    else:
        response = job_pb2.GetJobResponse(model=_typed_model(path))
    sys.stdout.write(written(response, "html"))
    return Exit.DONE


def _typed_model(path: Path) -> model_pb2.EventStormingModel:
    value = _json(path, _read(path))
    try:
        return json_format.ParseDict(value, model_pb2.EventStormingModel())
    except json_format.ParseError as error:
        raise CliError(
            f"{path} is not a typed EventStorming model ({error}). Get one: eventstorming get JOB --format json"
        ) from error


def validate(arguments: argparse.Namespace) -> Exit:
    """The 18 checks on an esValue, plain or as it sits in the database. Findings end with exit code 1."""
    value = es_value(_json(arguments.file, _read(arguments.file)), str(arguments.file))
    found = findings_in(value)
    for finding in found:
        print(finding)
    print(
        f"{len(value['elements'])} elements, {len(value.get('relations') or {})} relations, {len(found)} findings"
    )
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
