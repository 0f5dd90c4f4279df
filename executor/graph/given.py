"""What a job is given: a text, or a draft that the user decided."""

from __future__ import annotations

from dataclasses import dataclass

from executor.model import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A code name and a display name."""

    name: str
    alias: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAggregate:
    """An aggregate that is to be drafted: as the user gave it, or as the outline named it."""

    name: str
    alias: str = ""
    enumerations: tuple[Named, ...] = ()
    value_objects: tuple[Named, ...] = ()
    references: tuple[str, ...] = ()
    required_attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredNames:
    """Names that must appear literally in one bounded context."""

    commands: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    read_models: tuple[str, ...] = ()


NO_NAMES = RequiredNames()


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftContext:
    """A bounded context that the user decided; without aggregates it is drafted from its requirements."""

    name: str
    alias: str = ""
    requirements: str = ""
    aggregates: tuple[DraftAggregate, ...] = ()
    required: RequiredNames = NO_NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphInput:
    """What to generate: from `requirements`, unless there are draft contexts."""

    language: Language = Language.ENGLISH
    requirements: str = ""
    contexts: tuple[DraftContext, ...] = ()

    @property
    def from_draft(self) -> bool:
        """Whether the user decided the contexts."""
        return bool(self.contexts)
