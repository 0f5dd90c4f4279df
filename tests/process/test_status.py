"""A status fits into the metadata of any receiver, whatever is to be said."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2
from grpc_status import rpc_status
from hypothesis import given
from hypothesis import strategies as st

from process.server import OPTIONS
from process.status import bounded, status


@given(st.text(), st.integers(min_value=3, max_value=50))
def test_a_text_is_cut_between_characters(text: str, most: int) -> None:
    found = bounded(text, most)
    assert len(found.encode()) <= most
    if found != text.encode("utf-8", "replace").decode():
        assert found.endswith("…")
        assert text.encode("utf-8", "replace").decode().startswith(found.removesuffix("…"))


async def refused_with(message: str, options: list[tuple[str, Any]]) -> tuple[grpc.StatusCode, str, str]:
    violation = error_details_pb2.BadRequest.FieldViolation(field="input", description=message)
    details = error_details_pb2.BadRequest(field_violations=[violation])
    why = status(code_pb2.FAILED_PRECONDITION, "NOTHING_USABLE", message, details, limit=message)

    async def refuse(_: Any, context: Any) -> None:
        await context.abort_with_status(rpc_status.to_status(why))

    server = grpc.aio.server(options=OPTIONS)
    handler = grpc.method_handlers_generic_handler("x", {"Y": grpc.unary_unary_rpc_method_handler(refuse)})
    server.add_generic_rpc_handlers([handler])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/x/Y")(b"")
    await server.stop(0)
    error = caught.value
    found = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert found is not None
    found.details[0].Unpack(info)
    return error.code(), info.reason, error.details() or ""


@pytest.mark.parametrize("letter", ["가", "x", "🚗", "%"])
def test_a_long_refusal_keeps_its_code_and_its_reason_with_a_client_of_default_limits(letter: str) -> None:
    code, reason, message = asyncio.run(refused_with(letter * 20_000, []))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_USABLE")
    assert message.rstrip("…") == letter * (len(message) - 1)
