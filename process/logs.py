"""Log lines: event name and fields; JSON with the field names Google Cloud reads, or text on a terminal. On stderr.

No line quotes what a user wrote: of an error that may (a parser's, a validator's) the type and the way there are told, not
its message.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TextIO

import structlog
from structlog.types import EventDict, ExcInfo, Processor, WrappedLogger

from process.errors import ProgramError

LABELS = "logging.googleapis.com/labels"
_ABOUT_CODE = (
    OSError,
    TypeError,
    AttributeError,
    NameError,
    ImportError,
    RecursionError,
    NotImplementedError,
)
"""Errors whose messages speak of programs and files, never of a job's text."""

log = structlog.get_logger("process")


def set_up(level: str, form: str) -> None:
    """Once, at the start of the process; lines of libraries (warnings and worse) take the same way, a crash too."""
    stamped: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, *stamped],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(form)],
        )
    )
    logging.basicConfig(handlers=[lines], level=max(logging.WARNING, logging.getLevelName(level)), force=True)
    structlog.configure(
        processors=[structlog.processors.add_log_level, *stamped, *_rendering(form)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _crashed


def ready(program: str, form: str, **ports: int) -> None:
    """What it listens on, for whoever started it and reads its stdout; in the form of the log, which may be the same pipe."""
    said = f"{program} ready"
    if form == "json":
        print(json.dumps({"severity": "INFO", "message": said, **ports}), flush=True)
    else:
        print(said, *(f"{name}={port}" for name, port in ports.items()), flush=True)


def _rendering(form: str) -> Sequence[Processor]:
    if form == "console":
        return [structlog.dev.ConsoleRenderer(timestamp_key="time", exception_formatter=_on_terminal)]
    return [
        structlog.processors.ExceptionRenderer(lambda info: path_of(info[1])),
        _google,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=_type_only),
    ]


def _google(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["severity"] = str(event.pop("level", "info")).upper()
    event["message"] = event.pop("event", "")
    if job := event.get("job"):
        event[LABELS] = {"job": job}
    return event


def _type_only(value: object) -> str:
    """A value that is no JSON is a mistake of ours; its text may be anything."""
    return f"<{type(value).__name__}>"


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("process.crashed", error=kind.__name__, exc_info=(kind, error, trace))


def _on_terminal(out: TextIO, info: ExcInfo) -> None:
    out.write("\n" + path_of(info[1]))


def path_of(error: BaseException | None) -> str:
    """How an error came about, like Python's own traceback, oldest cause first."""
    return "" if error is None else "\n".join(_path(error, set()))


def _path(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen:
        yield from _path(cause, seen)
        yield "\nwhich led to:\n"
    yield "Traceback (most recent call last):"
    yield from (line.rstrip("\n") for line in traceback.format_tb(error.__traceback__))
    yield _name(error)
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        if id(inner) not in seen:
            yield from (f"  | {line}" for part in _path(inner, seen) for line in part.split("\n"))


def _name(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    ours = isinstance(error, ProgramError) and not error.quotes_user
    return f"{name}: {error}" if ours or isinstance(error, _ABOUT_CODE) else name
