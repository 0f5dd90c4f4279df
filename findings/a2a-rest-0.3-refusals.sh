#!/usr/bin/env bash
# a2a-sdk 1.3.0: over REST for 0.3 (enable_v0_3_compat) its own client cannot read what its own server refuses; a stream just ends.
# Expected: as over 1.0, an unknown task is TaskNotFoundError to the caller, also of a stream, which is not begun.
# Seen: MethodNotFoundError or A2AClientError, since the client reads "type" at the top, which the server does not write; a stream is
#   answered with 200 first, and ends without an event. One can mend it around the routes: wait for a stream's first event, and add "type" to errors.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "a2a-sdk[http-server]==1.3.0" starlette==1.10.0 sse-starlette==3.7.0
cat > seen.py <<'PY'
import asyncio
import logging

import httpx
from a2a.client import ClientConfig, ClientFactory
from a2a.server.request_handlers.request_handler import RequestHandler
from a2a.server.routes import create_rest_routes
from a2a.types import AgentCard, AgentInterface, GetTaskRequest, SubscribeToTaskRequest, TaskNotFoundError
from starlette.applications import Starlette

logging.disable()


async def refuse(*_):
    raise TaskNotFoundError("There is no such task.")


async def refuse_stream(*_):
    raise TaskNotFoundError("There is no such task.")
    yield


STREAMS = ("on_message_send_stream", "on_subscribe_to_task")
methods = {name: refuse_stream if name in STREAMS else refuse for name in RequestHandler.__abstractmethods__}
app = Starlette(routes=create_rest_routes(type("Nothing", (RequestHandler,), methods)(), enable_v0_3_compat=True))


async def seen(version, stream):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://agent") as http:
        card = AgentCard(name="agent", version="1", capabilities={"streaming": True})
        card.supported_interfaces.append(
            AgentInterface(url="http://agent", protocol_binding="HTTP+JSON", protocol_version=version)
        )
        config = ClientConfig(httpx_client=http, supported_protocol_bindings=["HTTP+JSON"])
        client = ClientFactory(config).create(card)
        try:
            if stream:
                events = [event async for event in client.subscribe(SubscribeToTaskRequest(id="one"))]
                return f"a stream of {len(events)} events"
            await client.get_task(GetTaskRequest(id="one"))
        except Exception as error:
            return type(error).__name__


for version in ("1.0", "0.3"):
    for stream in (False, True):
        print(version, "stream" if stream else "get", asyncio.run(seen(version, stream)))
PY
seen=$(venv/bin/python seen.py)
echo "$seen"
[ "$(grep -c "^1.0 .* TaskNotFoundError$" <<<"$seen")" = 2 ] || { echo changed; exit 1; }
if grep -q "^0.3 .* TaskNotFoundError$" <<<"$seen"; then echo changed; exit 1; fi
echo "as described: a2a-sdk 1.3.0"
