#!/usr/bin/env bash
# grpcio 1.85.1: a status message of 2,000 Hangul syllables, 6,000 bytes of UTF-8, does not reach the client.
# Expected: the client sees FAILED_PRECONDITION and the sentence; 6,000 bytes are below the soft limit of 8 kB for metadata.
# Seen: each byte of a status message travels percent-encoded, three bytes for one, so a syllable costs nine; the client sees
#   RESOURCE_EXHAUSTED, which many retry policies repeat, and neither the server's code nor its sentence. The same 6,000 bytes of
#   ASCII arrive whole.
# Who bounds status texts must count 9 bytes for each Hangul syllable, 3 for each byte that is not printable ASCII.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check grpcio==1.85.1
cat > "$folder/seen.py" <<'PY'
import asyncio

import grpc


class Refusing(grpc.GenericRpcHandler):
    def __init__(self):
        self.text = ""

    def service(self, call):
        async def refuse(request, context):
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, self.text)

        return grpc.unary_unary_rpc_method_handler(refuse)


async def main():
    handler = Refusing()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    seen = {}
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        for name, text in (("ASCII", "a" * 6000), ("Hangul", "가" * 2000)):
            handler.text = text
            try:
                await channel.unary_unary("/any/Method")(b"")
            except grpc.aio.AioRpcError as error:
                seen[name] = (error.code().name, error.details() == text)
                print(f"{name}: {len(text.encode())} bytes sent; code {error.code().name}, sentence whole: {error.details() == text}")
    await server.stop(None)
    assert seen["ASCII"] == ("FAILED_PRECONDITION", True), "changed: " + str(seen)
    assert seen["Hangul"] == ("RESOURCE_EXHAUSTED", False), "changed: " + str(seen)


asyncio.run(main())
PY
"$folder/venv/bin/python" "$folder/seen.py"
echo "as described: grpcio 1.85.1"
