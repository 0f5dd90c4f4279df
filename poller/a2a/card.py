"""The agent card: who this agent is, what it can do, and where it is reached."""

from __future__ import annotations

from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentProvider,
    AgentSkill,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from a2a.utils.constants import PROTOCOL_VERSION_0_3, PROTOCOL_VERSION_1_0, TransportProtocol

SKILL = "event_storming_generation"
JSON, MARKDOWN, HTML = "application/json", "text/markdown", "text/html"


def agent_card(*, url: str, grpc: str, token: bool, version: str, pushes: bool) -> AgentCard:
    """`url` is where HTTP is, `grpc` (`host:port`) where gRPC is, empty for nowhere; `token`: whether one is needed."""
    skill = AgentSkill(
        id=SKILL,
        name="EventStorming model from requirements",
        description="Turns a requirements text in English or Korean, or a draft of bounded contexts and aggregates, into a complete "
        "EventStorming model: contexts, aggregates, commands, events, policies, read models. Seconds to minutes; progress is streamed.",
        tags=["eventstorming", "domain-driven design", "requirements", "msaez"],
        examples=["A member borrows a book. When it is returned, the next reader is notified."],
        input_modes=["text/plain", MARKDOWN, JSON],
        output_modes=[JSON, MARKDOWN, HTML],
    )
    card = AgentCard(
        name="EventStorming Generator",
        description="Requirements in, a complete EventStorming model out: as data, as Markdown, and on a board.",
        version=version,
        provider=AgentProvider(organization="MSAEz", url="https://www.msaez.io"),
        capabilities=AgentCapabilities(streaming=True, push_notifications=pushes, extended_agent_card=False),
        default_input_modes=skill.input_modes,
        default_output_modes=skill.output_modes,
        skills=[skill],
        supported_interfaces=list(_interfaces(url, grpc)),
    )
    if token:
        bearer = HTTPAuthSecurityScheme(scheme="Bearer", description="GRPC_TOKEN of the poller")
        card.security_schemes["bearer"].CopyFrom(SecurityScheme(http_auth_security_scheme=bearer))
        card.security_requirements.append(SecurityRequirement(schemes={"bearer": StringList()}))
    return card


def _interfaces(url: str, grpc: str) -> list[AgentInterface]:
    """The newest version first: a client takes the first one it knows."""
    rpc, rest, remote = TransportProtocol.JSONRPC, TransportProtocol.HTTP_JSON, TransportProtocol.GRPC
    ways = [
        (PROTOCOL_VERSION_1_0, rpc, f"{url}/"),
        (PROTOCOL_VERSION_1_0, rest, url),
        (PROTOCOL_VERSION_1_0, remote, grpc),
        (PROTOCOL_VERSION_0_3, rpc, f"{url}/"),
        (PROTOCOL_VERSION_0_3, rest, url),
        (PROTOCOL_VERSION_0_3, remote, grpc),
    ]
    return [
        AgentInterface(url=address, protocol_binding=binding.value, protocol_version=version)
        for version, binding, address in ways
        if address
    ]
