"""What a run writes as its first and as its last, and the canvas in between. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

from eventstorming.v1 import job_pb2, model_pb2
from google.protobuf.json_format import MessageToDict

from poller.errors import Permanent
from poller.msaez import check, esvalue
from poller.msaez.encoding import decode
from poller.msaez.identities import Identities
from poller.msaez.kept import with_kept
from poller.rtdb.names import (
    CANCELLED,
    CANVAS,
    CURRENT_PROGRESS,
    ENDED_AT,
    FAILURE,
    IS_COMPLETED,
    IS_FAILED,
    LAST_ROOT_STEP,
    LAST_SUB_STEP,
    LAST_UPDATED,
    MODEL,
    SERVER_TIME,
    STARTED_AT,
    TOKENS,
    TOTAL_PROGRESS,
    Json,
)
from poller.rtdb.stored import StoredJob
from poller.sentences import sentence


def stages(given: job_pb2.JobInput) -> int:
    """All that a job goes through, as progress counts them."""
    return 8 if given.HasField("draft") else 11


def opening(stored: StoredJob, *, total: int) -> dict[str, Json]:
    """Progress from the first second; what a former claim has told already is not told again."""
    opening: dict[str, Json] = {}
    if not stored.started_at:
        opening[STARTED_AT] = SERVER_TIME
    for path, flag in ((IS_COMPLETED, stored.completed), (IS_FAILED, stored.failed)):
        if flag is None:
            opening[path] = False
    if not stored.current_progress:
        opening |= {CURRENT_PROGRESS: 1, TOTAL_PROGRESS: total}
    for kind, drawn in (("elements", stored.elements), ("relations", stored.relations)):
        if "@" in drawn:
            opening[f"{CANVAS}/{kind}/@"] = None
    return opening


def completion(
    model: model_pb2.EventStormingModel, *, total: int, tokens_used: int, now: int
) -> dict[str, Json]:
    """The last write of a completed job but for the flag, which comes alone; `now` in ms."""
    typed = MessageToDict(model, preserving_proto_field_name=True)
    return {
        CURRENT_PROGRESS: total,
        TOTAL_PROGRESS: total,
        IS_FAILED: False,
        LAST_ROOT_STEP: "complete",
        LAST_SUB_STEP: "complete",
        LAST_UPDATED: now / 1000,
        MODEL: json.dumps(typed, ensure_ascii=False, separators=(",", ":")),
        TOKENS: tokens_used,
        ENDED_AT: SERVER_TIME,
    }


def failure(reason: str, *, now: int, cancelled: bool = False) -> dict[str, Json]:
    """The last write of a failed job, flag included; `now` in ms."""
    end = {
        IS_FAILED: True,
        IS_COMPLETED: False,
        ENDED_AT: SERVER_TIME,
        FAILURE: reason,
        LAST_UPDATED: now / 1000,
    }
    return end | {CANCELLED: True} if cancelled else end


class Canvas:
    """The models of one job as its canvas shows them. The projection of a finished one is kept: it is what is written next."""

    def __init__(self, given: job_pb2.JobInput, job_id: str, stored: StoredJob) -> None:
        self._given, self._job_id = given, job_id
        self._identities = Identities(job_id, decode(stored.elements), decode(stored.relations))
        self._finished: tuple[model_pb2.EventStormingModel, esvalue.EsValue] | None = None

    def project(self, model: model_pb2.EventStormingModel) -> esvalue.EsValue:
        """Stickers and relations under the ids that the canvas knows already."""
        if self._finished is not None and self._finished[0] is model:
            return self._finished[1]
        ids = {"user_id": self._given.user_id, "project_id": self._given.project_id}
        return esvalue.project(model, job_id=self._job_id, identities=self._identities, **ids)

    def finish(self, model: model_pb2.EventStormingModel) -> list[str]:
        """Names of stickers that stay though the model has them no more. Permanent if it breaks a rule of the canvas."""
        value = self.project(model)
        if findings := self._findings(value):
            raise Permanent(sentence("invalid_model", self._given.language, finding=findings[0].sentence))
        whole, names = with_kept(model, self._identities)
        if whole is not model and not self._findings(kept := self.project(whole)):
            value = kept
        gone = frozenset(self._identities.shown.relations) - set(value.relations)
        self._finished = (model, replace(value, gone=gone))
        return names

    def _findings(self, value: esvalue.EsValue) -> list[check.Finding]:
        return check.findings(value.as_json(), inputs=self._given)
