"""Traces through OpenTelemetry's SDK to a collector (OTLP over HTTP). Imported only where an endpoint is set.

The SDK reads the rest of its settings itself (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_*, OTEL_RESOURCE_ATTRIBUTES).
Its queue is bounded and sent from a thread of its own: what does not fit is dropped, and nobody waits.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Final, TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies

import requests
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from process.threads import finished

_Value: TypeAlias = str | int | float | bool
_VERSION: Final = version("eventstorming-generator")
_TOP: Final = Context()
_LONGEST: Final = 300


class Otlp:
    """`traces.Traces`."""

    def __init__(self, endpoint: str, *, service: str, instance: str) -> None:
        self._ids = _Ids()
        self._exporter = _Exporter(endpoint)
        about = {"service.name": service, "service.version": _VERSION, "service.instance.id": instance}
        self._provider = TracerProvider(
            resource=_Origin(Resource.create(about).merge(OTELResourceDetector().detect())),
            id_generator=self._ids,
            shutdown_on_exit=False,  # it waits for as long as the collector pleases: `sent` does not
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("eventstorming", _VERSION)
        self._propagator = TraceContextTextMapPropagator()

    @property
    def problem(self) -> str:
        """As the port says."""
        return self._exporter.problem

    def run(self, job: str, epoch: int) -> _Span:
        """As the port says. The ids follow from job and epoch, so that whoever takes a job over knows what to link to."""
        self._ids.next = _trace_id(job), _span_id(job, epoch)
        links = [trace.Link(_context(job, epoch - 1))] if epoch > 1 else []
        about: dict[str, _Value] = {"eventstorming.job.id": job, "eventstorming.epoch": epoch}
        return _Span(self._tracer.start_span("run", _TOP, kind=trace.SpanKind.CLIENT, links=links), about)

    def taken(
        self,
        name: str,
        carried: Callable[[], Sequence[tuple[str, str | bytes]]],
        attributes: Mapping[str, _Value],
    ) -> _Span:
        """As the port says."""
        metadata = {key: value for key, value in carried() if isinstance(value, str)}
        parent = self._propagator.extract(metadata, Context())
        return _Span(self._tracer.start_span(name, parent, kind=trace.SpanKind.SERVER), attributes)

    def part(
        self, name: str, attributes: Mapping[str, _Value] | None = None, *, outward: bool = False
    ) -> _Span:
        """As the port says."""
        kind = trace.SpanKind.CLIENT if outward else trace.SpanKind.INTERNAL
        return _Span(self._tracer.start_span(name, kind=kind), attributes or {})

    def carried(self) -> tuple[tuple[str, str], ...]:
        """As the port says."""
        metadata: dict[str, str] = {}
        self._propagator.inject(metadata)
        return tuple(metadata.items())

    async def sent(self, seconds: float) -> None:
        """As the port says."""
        await finished(self._provider.force_flush, seconds, name="traces")


class _Span:
    """`traces.Span`, and the context of it: current while inside, ended with it. It is told everything at once: each time costs."""

    __slots__ = ("_about", "_span", "_token")

    def __init__(self, span: trace.Span, about: Mapping[str, _Value]) -> None:
        self._span, self._about = span, dict(about)

    def __enter__(self) -> _Span:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(self, *_: object) -> None:
        self._span.set_attributes(self._about)
        self._span.end()
        context.detach(self._token)

    def tell(self, attributes: Mapping[str, _Value]) -> None:
        self._about.update(attributes)

    def failed(self, kind: str) -> None:
        """Without a message: it may quote what was asked."""
        self._about["error.type"] = kind
        self._span.set_status(trace.StatusCode.ERROR)


class _Origin(Resource):
    """A resource that writes itself out for its hash once, not with each span that is sent."""

    def __init__(self, of: Resource) -> None:
        super().__init__(of.attributes, of.schema_url)
        self._written = super().__hash__()

    def __hash__(self) -> int:
        return self._written


class _Ids(RandomIdGenerator):
    """Random, but for what begins next."""

    next: tuple[int, int] | None = None

    def generate_trace_id(self) -> int:
        return self.next[0] if self.next else super().generate_trace_id()

    def generate_span_id(self) -> int:
        given, self.next = self.next, None
        return given[1] if given else super().generate_span_id()

    def is_trace_id_random(self) -> bool:
        return False


def _trace_id(job: str) -> int:
    return int.from_bytes(hashlib.sha256(job.encode()).digest()[:16], "big")


def _span_id(job: str, epoch: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{job}/{epoch}".encode()).digest()[:8], "big")


def _context(job: str, epoch: int) -> trace.SpanContext:
    return trace.SpanContext(_trace_id(job), _span_id(job, epoch), is_remote=True)


class _Exporter(SpanExporter):
    """OpenTelemetry's own, which tells the log of each failure anew: here the last is remembered, and told as an outage."""

    def __init__(self, endpoint: str) -> None:
        self.problem = ""
        self._host = urlsplit(endpoint).netloc.rpartition("@")[2]
        self._reason = _Reason()
        log = logging.getLogger(OTLPSpanExporter.__module__)
        log.addHandler(self._reason)
        log.propagate = False
        self._own = OTLPSpanExporter(f"{endpoint.removesuffix('/')}/v1/traces", session=_session())

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._own.export(spans)
        taken = result is SpanExportResult.SUCCESS
        self.problem = "" if taken else f"{self._host} does not take traces: {self._reason.last}"
        return result


class _Reason(logging.Handler):
    """Keeps what the exporter would log. The last line of a series of tries says nothing of why."""

    last = "no answer"

    def emit(self, record: logging.LogRecord) -> None:
        if len(record.args or ()) > 1:
            self.last = record.getMessage()[:_LONGEST]


def _session() -> requests.Session:
    """To look for proxies and passwords costs more than the rest of a request: only where the environment names some."""
    session = requests.Session()
    session.trust_env = bool(getproxies() or os.environ.get("REQUESTS_CA_BUNDLE"))
    return session
