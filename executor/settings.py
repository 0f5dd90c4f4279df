"""The executor's settings, from the environment. A wrong one stops the start with one message that names every wrong one."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PROVIDERS = frozenset(
    {
        *(
            "anthropic",
            "anthropic_bedrock",
            "azure_ai",
            "azure_openai",
            "baseten",
            "bedrock",
            "bedrock_converse",
        ),
        *("cohere", "deepseek", "fireworks", "google_anthropic_vertex", "google_genai", "google_vertexai"),
        *("groq", "huggingface", "ibm", "litellm", "mistralai", "nvidia", "offline", "ollama", "openai"),
        *("openrouter", "perplexity", "together", "upstage", "xai"),
    }
)
_OWN_NAMES = frozenset({"openai", "litellm", "ollama", "openrouter"})  # model names of these may hold a colon


class SettingsError(Exception):
    """The settings do not allow a start; the message says which and why, without their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """`provider:model[:variant]`."""

    provider: str
    model: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """A bare name is OpenAI's; so is `ft:...`. Providers whose own names hold colons keep them."""
        head, colon, rest = text.partition(":")
        if not colon or head == "ft":
            return cls(provider="openai", model=_named(text))
        if head not in PROVIDERS:
            raise ValueError(
                f"unknown provider before the first colon; known: {', '.join(sorted(PROVIDERS))}"
            )
        if head == "offline" and rest != "rules":
            raise ValueError("the embedded language model is offline:rules")
        if head in _OWN_NAMES:
            return cls(provider=head, model=_named(rest))
        model, _, variant = rest.partition(":")
        return cls(provider=head, model=_named(model), variant=variant)

    def __str__(self) -> str:
        return ":".join(part for part in (self.provider, self.model, self.variant) if part)


def _named(model: str) -> str:
    if not model.strip():
        raise ValueError("the name of the model is missing")
    return model.strip()


def _readable(path: str | None) -> str | None:
    if path and not os.access(path, os.R_OK):
        raise ValueError("no readable file there")
    return path


def _model_name(value: Any) -> Any:
    return ModelName.parse(value) if isinstance(value, str) else value


Model = Annotated[ModelName, NoDecode, BeforeValidator(_model_name)]
TlsFile = Annotated[str | None, AfterValidator(_readable)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """One field per variable of the same name in upper case; unset or empty means the default."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, extra="ignore")

    ai_model: Model = ModelName(provider="openai", model="gpt-4.1-2025-04-14")
    ai_model_light: Annotated[ModelName | None, NoDecode, BeforeValidator(_model_name)] = None
    openai_api_key: SecretStr | None = None
    openai_base_url: Annotated[str | None, Field(pattern="^https?://")] = None
    langsmith_tracing: bool = False

    max_concurrent_jobs: Annotated[int, Field(ge=1, le=1000)] = 8
    llm_max_concurrency: Annotated[int, Field(ge=1, le=1_000)] = 64  # what OpenAI's client opens at most
    llm_timeout_seconds: Annotated[float, Field(gt=0)] = 120
    job_timeout_seconds: Annotated[float, Field(gt=0)] = 3600
    step_timeout_seconds: Annotated[float, Field(gt=0)] = 300
    job_max_tokens: Annotated[int, Field(ge=0)] = 0
    shutdown_grace_seconds: Annotated[float, Field(ge=0)] = 20

    http_port: Port = 2024
    admin_port: Port = 2025
    grpc_port: Port = 50051
    grpc_reflection: bool = False
    grpc_token: SecretStr | None = None
    grpc_allow_plaintext_token: bool = False
    grpc_tls_cert: TlsFile = None
    grpc_tls_key: TlsFile = None
    grpc_tls_ca: TlsFile = None

    pod_id: str = Field(default_factory=socket.gethostname)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = Field(default_factory=lambda: _format(sys.stderr.isatty()))

    @property
    def light_model(self) -> ModelName:
        """For the light steps."""
        return self.ai_model_light or self.ai_model

    def conflicts(self) -> list[str]:
        """What is wrong between variables that are right each by itself."""
        return [*self._without_key(), *self._half_tls(), *self._plaintext_token()]

    def _without_key(self) -> list[str]:
        keyless = not self.openai_api_key and not self.openai_base_url
        if keyless and "openai" in (self.ai_model.provider, self.light_model.provider):
            return [
                "OPENAI_API_KEY: missing for an OpenAI model (or set OPENAI_BASE_URL, or AI_MODEL=offline:rules)"
            ]
        return []

    def _half_tls(self) -> list[str]:
        if bool(self.grpc_tls_cert) != bool(self.grpc_tls_key):
            return ["GRPC_TLS_CERT, GRPC_TLS_KEY: either both or none"]
        if self.grpc_tls_ca and not self.grpc_tls_cert:
            return ["GRPC_TLS_CA: of no use without GRPC_TLS_CERT and GRPC_TLS_KEY"]
        return []

    def _plaintext_token(self) -> list[str]:
        """We listen on every interface: without TLS anyone on the way reads the token."""
        if self.grpc_token and not self.grpc_tls_cert and not self.grpc_allow_plaintext_token:
            return [
                "GRPC_ALLOW_PLAINTEXT_TOKEN: GRPC_TOKEN would travel in plaintext: set GRPC_TLS_CERT and GRPC_TLS_KEY, "
                "or this to true where the network is trusted"
            ]
        return []


def load() -> Settings:
    """The settings of this process, or one message about all that is wrong with them."""
    try:
        settings, problems = Settings(), list[str]()
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = [
            f"{str(each['loc'][0]).upper()}: {each['msg'].removeprefix('Value error, ')}" for each in found
        ]
        settings = _without({str(each["loc"][0]) for each in found})
    problems += settings.conflicts()
    if problems:
        raise SettingsError("Wrong settings:\n" + "\n".join(f"  {problem}" for problem in problems))
    return settings


def _without(wrong: set[str]) -> Settings:
    """The settings with defaults in the place of wrong ones, to find what else is wrong."""
    defaults = {name: Settings.model_fields[name].get_default(call_default_factory=True) for name in wrong}
    if "ai_model" in wrong:
        defaults["ai_model"] = ModelName(provider="offline", model="rules")  # asks for no key
    return Settings(**defaults)


def _format(terminal: bool) -> Literal["json", "console"]:
    return "console" if terminal else "json"
