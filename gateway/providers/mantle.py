"""Bedrock's OpenAI-compatible APIs: on the runtime's endpoint, and on `bedrock-mantle` with Messages and projects.

Source: docs.aws.amazon.com/bedrock/latest/userguide: bedrock-mantle, projects, models-api-compatibility; recordings.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from gateway.profiles.names import parse_name
from gateway.providers.amazon import region_of

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment, Provider

NAME, HOST = "bedrock-mantle", "bedrock-mantle."
_OPENAI, _OPEN_WEIGHTS, _CLAUDE = "/openai/v1", "/v1", "/anthropic/v1"
_PROJECT = "openai-project"


def is_mantle(deployment: "Deployment") -> bool:
    """Return whether a deployment is asked at `bedrock-mantle`."""
    return deployment.provider == NAME or (urlsplit(deployment.base_url or "").hostname or "").startswith(HOST)


def url(provider: "Provider", deployment: "Deployment", path: str, stream: bool) -> str:
    """Return the URL of an endpoint's path; its prefix depends on the model, unless `base_url` ends with one."""
    parts = urlsplit(deployment.base_url or f"https://{HOST}{region_of(deployment) or ''}.api.aws")
    base = parts.path.rstrip("/")
    if path.startswith("/messages"):
        return urlunsplit(parts._replace(path=(base if base.endswith(_CLAUDE) else base + _CLAUDE) + path))
    return urlunsplit(parts._replace(path=openai_base(deployment, base) + path))


def openai_base(deployment: "Deployment", base: str) -> str:
    """Return the path below which OpenAI's endpoints are: on mantle, models with open weights have one of their own."""
    if base.endswith("/v1"):
        return base
    is_gpt = parse_name(deployment.known_model).family in ("gpt", "grok")
    return base + (_OPENAI if is_gpt or not is_mantle(deployment) else _OPEN_WEIGHTS)


def dialects(deployment: "Deployment") -> tuple[str, ...] | None:
    """Return what Claude speaks there; None for all others, of which the row says it."""
    return ("messages",) if parse_name(deployment.known_model).family == "claude" else None


def shape(deployment: "Deployment", path: str, headers: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the members as they are; the project that pays stands in a header."""
    if deployment.project:
        headers[_PROJECT] = deployment.project
    return fields
