"""Writes docs/proto.md, the reference of the gRPC interface, from the comments in the .proto files.

python -m scripts.proto_docs           write it
python -m scripts.proto_docs --check   say that it is stale, and fail
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
PAGE = ROOT / "docs" / "proto.md"
FILES = ("job", "executor", "model")
HEAD = """# The gRPC interface

Package `eventstorming.v1`; made from the comments in [`proto/`](../proto/eventstorming/v1) by `make proto`.
JobService answers on the poller (50052), ExecutorService on the executor (50051). How to call them:
[README](../README.md#call-it).
"""

Comments = Mapping[tuple[int, ...], str]
Field = FieldDescriptorProto
SCALARS = {number: name.removeprefix("TYPE_").lower() for name, number in Field.Type.items()}


def main(arguments: list[str]) -> int:
    """Writes the page, or says that it is stale."""
    text = page()
    if "--check" not in arguments:
        PAGE.write_text(text)
        return 0
    if not PAGE.exists() or PAGE.read_text() != text:
        print(f"{PAGE.relative_to(ROOT)} is stale: run make proto and commit.")
        return 1
    return 0


def page() -> str:
    """The whole page."""
    files = {file.name: file for file in described().file}
    parts = (part for name in FILES for part in _file(files[f"eventstorming/v1/{name}.proto"]))
    return HEAD + "".join(f"\n{part}\n" for part in parts)


def described() -> FileDescriptorSet:
    """The .proto files with their comments."""
    with tempfile.NamedTemporaryFile() as out:
        paths = [f"eventstorming/v1/{name}.proto" for name in FILES]
        options = [f"-I{PROTO}", "--include_source_info", f"--descriptor_set_out={out.name}"]
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options, *paths], check=True)
        return FileDescriptorSet.FromString(Path(out.name).read_bytes())


def _file(file: FileDescriptorProto) -> Iterator[str]:
    comments = {
        tuple(place.path): " ".join(place.leading_comments.split())
        for place in file.source_code_info.location
    }
    for index, service in enumerate(file.service):
        yield from _service(service, (6, index), comments)
    for index, message in enumerate(file.message_type):
        yield from _message(message, (4, index), comments)
    for index, enum in enumerate(file.enum_type):
        yield from _enum(enum, (5, index), comments)


def _service(service: ServiceDescriptorProto, at: tuple[int, ...], comments: Comments) -> Iterator[str]:
    yield f"## {service.name}"
    yield comments.get(at, "")
    rows = ["| Method | Request | Response | |", "|---|---|---|---|"]
    for index, method in enumerate(service.method):
        sent = ("stream " if method.client_streaming else "") + _link(method.input_type)
        got = ("stream " if method.server_streaming else "") + _link(method.output_type)
        rows.append(f"| `{method.name}` | {sent} | {got} | {_cell(comments.get((*at, 2, index), ''))} |")
    yield "\n".join(rows)


def _message(message: DescriptorProto, at: tuple[int, ...], comments: Comments) -> Iterator[str]:
    yield f"### {message.name}"
    yield comments.get(at, "")
    if not message.field:
        return
    rows = ["| Field | Type | |", "|---|---|---|"]
    for index, field in enumerate(message.field):
        about = _cell(comments.get((*at, 2, index), ""))
        rows.append(f"| `{field.name}` | {_type(field)}{_choice(message, field)} | {about} |")
    yield "\n".join(rows)


def _enum(enum: EnumDescriptorProto, at: tuple[int, ...], comments: Comments) -> Iterator[str]:
    yield f"### {enum.name}"
    yield comments.get(at, "")
    rows = ["| Value | Number | |", "|---|---|---|"]
    for index, value in enumerate(enum.value):
        rows.append(f"| `{value.name}` | {value.number} | {_cell(comments.get((*at, 2, index), ''))} |")
    yield "\n".join(rows)


def _type(field: FieldDescriptorProto) -> str:
    kind = _link(field.type_name) if field.type_name else SCALARS[field.type]
    return f"repeated {kind}" if field.label == Field.LABEL_REPEATED else kind


def _choice(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    if field.proto3_optional:
        return ", optional"
    return f", one of `{message.oneof_decl[field.oneof_index].name}`" if field.HasField("oneof_index") else ""


def _link(name: str) -> str:
    short = name.rsplit(".", 1)[-1]
    return f"[{short}](#{short.lower()})" if name.startswith(".eventstorming.v1.") else f"`{name[1:]}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
