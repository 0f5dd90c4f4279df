"""The typed model itself, in protobuf's canonical JSON (lowerCamelCase), as any protobuf library reads it."""

from eventstorming.v1.model_pb2 import EventStormingModel
from google.protobuf.json_format import MessageToJson

from poller.exports._format import Format


def to_json(model: EventStormingModel) -> str:
    """The whole model."""
    return MessageToJson(model, ensure_ascii=False) + "\n"


FORMAT = Format(
    title=("Typed model", "모델(JSON)"), file="model.json", media_type="application/json", write=to_json
)
