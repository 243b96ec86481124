"""Azure: OpenAI's models by deployments (`/openai/v1` or dated paths), Foundry's `/models`, and Claude in Foundry.

Source: learn.microsoft.com/azure/foundry/openai: api-version-lifecycle, reference; the Azure halves of the SDKs.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from gateway.profiles.names import parse_name

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment, Provider

FOUNDRY_VERSION = "2024-05-01-preview"
"""The only version of `/models`."""
_FOUNDRY = "/models"
_V1 = "/openai/v1"
_CLAUDE = "/anthropic/v1"
_MESSAGES, _CLAUDE_SPEAKS = "/messages", "messages"
_CLAUDES_KEY = "x-api-key"
"""The header of keys by which Claude's own SDK calls Foundry."""
_NAMED = ("preview", "latest", "v1")
"""Versions of `/openai/v1`; dates are versions of the paths before it."""
_PREVIEW = ("/audio/", "/images/")
"""Endpoints that `/openai/v1` has in its version `preview` alone."""
_RERANK, _RANKING = "/rerank", "/providers/cohere/v2"
"""Cohere's models that rank documents, which have paths of their own."""
_FOUNDRY_DIALECTS = ("chat", "embeddings", "cohere-rerank")
_HOSTS = (".azure.com", ".azure.us", ".azure.cn")
_ENDPOINTS = ("/chat/completions", "/completions", "/embeddings", "/responses", "/messages")

BETAS = frozenset(
    (
        "advanced-tool-use-2025-11-20",
        "claude-code-20250219",
        "code-execution-2025-08-25",
        "computer-use-2025-01-24",
        "computer-use-2025-11-24",
        "context-1m-2025-08-07",
        "context-management-2025-06-27",
        "effort-2025-11-24",
        "files-api-2025-04-14",
        "interleaved-thinking-2025-05-14",
        "mcp-client-2025-04-04",
        "mcp-client-2025-11-20",
        "prompt-caching-2024-07-31",
        "prompt-caching-scope-2026-01-05",
        "skills-2025-10-02",
        "structured-outputs-2025-11-13",
        "token-counting-2024-11-01",
        "web-fetch-2025-09-10",
        "web-search-2025-03-05",
    )
)
"""As public tables of other gateways list them for Foundry (November 2026), with three that Claude Code always sends,
and that nobody was seen to refuse. `betas:` of a deployment says what is newer."""


def url(provider: "Provider", deployment: "Deployment", path: str, stream: bool) -> str:
    """Return the URL of an endpoint's path, whichever of Azure's three ways `base_url` and `api_version` mean."""
    if path.startswith(_MESSAGES):
        return claude_url(provider, deployment, path, stream)
    parts = urlsplit(deployment.base_url or "")
    base, version = parts.path.rstrip("/"), deployment.api_version
    if path == _RERANK:
        return urlunsplit(parts._replace(path=_ranking(base) + path))
    if is_foundry(deployment):
        version = version or FOUNDRY_VERSION
    elif is_dated(version):
        base = _dated(base, deployment.model, path)
    else:
        base = _below(base, _V1)
        if base.endswith(_V1) and path.startswith(_PREVIEW):
            version = version or "preview"
    query = parts.query
    if version and "api-version" not in parse_qs(query):
        query = "&".join(each for each in (query, f"api-version={version}") if each)
    return urlunsplit(parts._replace(path=base + path, query=query))


def claude_url(provider: "Provider", deployment: "Deployment", path: str, stream: bool) -> str:
    """Return the URL of an endpoint's path for Claude; `base_url` may leave out what follows the host."""
    parts = urlsplit(deployment.base_url or "")
    base = parts.path.rstrip("/")
    for other in (_FOUNDRY, _V1):
        base = base.removesuffix(other)
    return urlunsplit(parts._replace(path=_below(base, _CLAUDE) + path))


def is_foundry(deployment: "Deployment") -> bool:
    """Return whether a deployment is asked by Foundry's `/models`."""
    return urlsplit(deployment.base_url or "").path.rstrip("/").endswith(_FOUNDRY)


def is_azures(deployment: "Deployment") -> bool:
    """Return whether a deployment is at Azure's own address."""
    return (urlsplit(deployment.base_url or "").hostname or "").endswith(_HOSTS)


def is_dated(version: str | None) -> bool:
    return version is not None and version not in _NAMED


def dialects(deployment: "Deployment") -> tuple[str, ...] | None:
    """Return what Claude and Foundry's `/models` speak; None elsewhere, where it is what the row says."""
    if is_claude(deployment):
        return (_CLAUDE_SPEAKS,)
    return _FOUNDRY_DIALECTS if is_foundry(deployment) else None


def is_claude(deployment: "Deployment") -> bool:
    """Return whether a deployment is Claude, by its model or as its address says so."""
    base = urlsplit(deployment.base_url or "").path.rstrip("/")
    return base.endswith((_CLAUDE, "/anthropic")) or parse_name(deployment.known_model).family == "claude"


def shape(deployment: "Deployment", path: str, headers: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the members as they are; Foundry is told to hand to the model what it does not know itself."""
    if path.startswith(_MESSAGES):
        if deployment.api_key and not deployment.entra:
            headers[_CLAUDES_KEY] = deployment.api_key.reveal()
        return fields
    if is_foundry(deployment):
        headers["extra-parameters"] = "pass-through"
    return fields


def problems(deployment: "Deployment") -> Iterator[tuple[str, str]]:
    """Yield the keys of a deployment that are wrong, with the problem."""
    parts = urlsplit(deployment.base_url or "")
    if parts.path.rstrip("/").endswith(_ENDPOINTS):
        yield "base_url", "names an endpoint; leave out what follows the host, '/openai/v1' or '/models'"
    if deployment.api_version and "api-version" in parse_qs(parts.query):
        yield "api_version", "stands in 'base_url', too; remove one of them"
    if deployment.entra and deployment.api_key:
        yield "entra", "stands beside 'api_key'; remove one of them"


def _below(base: str, root: str) -> str:
    """Return a path with `root` at its end, of which a part may be there; another path is as it is."""
    first, _, last = root.rpartition("/")
    return f"{base}/{last}" if base.endswith(first) else base or root


def _ranking(base: str) -> str:
    """Return the path before that of Cohere's Rerank; `base` may be that of any other way."""
    for known in (_FOUNDRY, _V1, "/openai"):
        base = base.removesuffix(known)
    return _below(base, _RANKING)


def _dated(base: str, model: str, path: str) -> str:
    """Return the path before an endpoint's own: that of a deployment, but Responses belong to the resource."""
    own = f"/deployments/{quote(model, safe='')}"
    base = base.removesuffix(own).removesuffix(_V1).removesuffix("/openai") + "/openai"
    return base if path.startswith("/responses") else base + own
