"""What a format is, and what it makes of a model: one text, or a folder of texts that travels as one zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventstorming.v1.model_pb2 import EventStormingModel

Written = str | Mapping[str, str]
"""A text, or texts by their path in a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """`title` is for people, English and Korean; `file` is what the document is called, a folder's ends in .zip."""

    title: tuple[str, str]
    file: str
    media_type: str
    write: Callable[[EventStormingModel], Written]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A model in one format. `texts` has more than one only for a folder."""

    file: str
    media_type: str
    texts: Mapping[str, str]
    folder: bool

    @property
    def text(self) -> str:
        """For who reads: of a folder every file after its name."""
        if not self.folder:
            return next(iter(self.texts.values()))
        return "\n".join(f"==> {path} <==\n{text}" for path, text in self.texts.items())

    @property
    def content(self) -> bytes:
        """As it travels; the same bytes for the same texts. Half a surrogate pair becomes "?"."""
        if not self.folder:
            (text,) = self.texts.values()
            return text.encode("utf-8", "replace")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, text in self.texts.items():
                archive.writestr(zipfile.ZipInfo(path), text.encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)
        return packed.getvalue()
