"""Traces of the work on jobs, for whoever collects OpenTelemetry's: off unless an endpoint is set, and then nothing of it is imported.

A job is one trace, whose id follows from the job's; each of its runs is linked to the one before. What is told is ids, names of
ours and numbers: never a text, an answer, or a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from process.errors import WrongSettings
from process.settings import ProcessSettings

Attributes = Mapping[str, str | int | float | bool]
Carried = Callable[[], Sequence[tuple[str, str | bytes]]]
"""The metadata of a call, as the one who takes it reads them."""

NONE: Final[Attributes] = {}
JOB: Final = "eventstorming.job.id"
EPOCH: Final = "eventstorming.epoch"
OUTCOME: Final = "eventstorming.outcome"


class Span(Protocol):
    """Something that takes a while."""

    def tell(self, attributes: Attributes) -> None:
        """More that is known of it by now."""

    def failed(self, kind: str) -> None:
        """It came to nothing, for a reason from a closed set."""


class Traces(Protocol):
    """Spans begin and end with their context; one inside another is its child, across tasks too."""

    @property
    def problem(self) -> str:
        """Why they are not taken; empty when they are. Never waits."""

    def run(self, job: str, epoch: int) -> AbstractContextManager[Span]:
        """A run of a job, at the top of its trace, linked to the run before."""

    def taken(self, name: str, carried: Carried, attributes: Attributes) -> AbstractContextManager[Span]:
        """A call from another program: a child of what it came from."""

    def part(
        self, name: str, attributes: Attributes = NONE, *, outward: bool = False
    ) -> AbstractContextManager[Span]:
        """A part of what is going on; `outward`: it asks somebody else."""

    def carried(self) -> tuple[tuple[str, str], ...]:
        """What a call takes along, so that the other side goes on with this trace."""

    async def sent(self, seconds: float) -> None:
        """Returns when everything that has ended is sent, or after so long."""


class _NoSpan:
    def tell(self, attributes: Attributes) -> None:
        """Nobody listens."""

    def failed(self, kind: str) -> None:
        """Nobody listens."""


NO_SPAN: Final[Span] = _NoSpan()


class Off:
    """`Traces` for nobody."""

    problem: Final = ""
    _nothing: Final = nullcontext(NO_SPAN)

    def run(self, job: str, epoch: int) -> AbstractContextManager[Span]:
        return self._nothing

    def taken(self, name: str, carried: Carried, attributes: Attributes) -> AbstractContextManager[Span]:
        return self._nothing

    def part(
        self, name: str, attributes: Attributes = NONE, *, outward: bool = False
    ) -> AbstractContextManager[Span]:
        return self._nothing

    def carried(self) -> tuple[tuple[str, str], ...]:
        return ()

    async def sent(self, seconds: float) -> None:
        """Nothing is."""


OFF: Final[Traces] = Off()


def set_up(settings: ProcessSettings, program: str, instance: str) -> Traces:
    """Those of this process. Raises WrongSettings where they are wanted and cannot be."""
    if not settings.otel_exporter_otlp_endpoint:
        return OFF
    try:
        from process.otlp import Otlp
    except ImportError as error:
        raise WrongSettings(
            "OTEL_EXPORTER_OTLP_ENDPOINT: the packages for traces are not installed: "
            "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
        ) from error
    return Otlp(settings.otel_exporter_otlp_endpoint, service=f"eventstorming-{program}", instance=instance)
