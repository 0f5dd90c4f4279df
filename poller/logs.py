"""Log lines: event name and fields; JSON with the field names Google Cloud reads, or text on a terminal. On stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import structlog
from structlog.types import EventDict, Processor, WrappedLogger


def set_up(level: str, form: str) -> None:
    """Once, at the start of the process; lines of libraries (warnings and worse) take the same way."""
    stamped: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, *stamped],
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


def _rendering(form: str) -> Sequence[Processor]:
    if form == "console":
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(timestamp_key="time", exception_formatter=plain)]
    return [
        structlog.processors.format_exc_info,
        _google,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def _google(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["severity"] = str(event.pop("level", "info")).upper()
    event["message"] = event.pop("event", "")
    return event
