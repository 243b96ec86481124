"""Addresses of Gemini at Google: the developer API (ai.google.dev) and Vertex AI, a project in Google Cloud."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from gateway.profiles.names import parse_name

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment, Provider

GLOBAL = "global"
_VERSION, _NEWER = "vertex-2023-10-16", frozenset(("2026-10-21",))
"""The version of Messages that stands for the first one, and those that clients may ask for by their own names."""
_MULTI_REGIONS = ("us", "eu")
_DIALECTS: Mapping[str, tuple[str, ...]] = {"gemini": ("gemini",), "claude": ("messages",)}
_PUBLISHERS = {"gemini": "google", "claude": "anthropic", "mistral": "mistralai"}
_NEW_VECTORS = "gemini-embedding-2"
_PREDICTING = ("text-embedding", "text-multilingual-embedding", "textembedding-gecko", "gemini-embedding")
"""How the names of Google's models begin that are asked for vectors by `predict`."""
_OF_GEMINI = ("/generateContent", "/countTokens")
_METHODS = {
    "/batchEmbedContents": ("batchEmbedContents", "batchEmbedContents"),
    "/embedContent": ("embedContent", "embedContent"),
    "/predict": ("predict", "predict"),
    "/countTokens": ("countTokens", "countTokens"),
    "/generateContent": ("generateContent", "streamGenerateContent?alt=sse"),
    "/messages": ("rawPredict", "streamRawPredict"),
    "/chat/completions": ("rawPredict", "streamRawPredict"),
}
"""Calls of a publisher's model, for whole and for streamed answers."""


def gemini_url(provider: "Provider", deployment: "Deployment", path: str, stream: bool) -> str:
    """Return the URL of an endpoint of the developer API; `base_url` may leave out its version."""
    parts = urlsplit(deployment.base_url or provider.base_url or "")
    base = parts.path.rstrip("/") or "/v1beta"
    if path not in (*_OF_GEMINI, "/batchEmbedContents"):
        return urlunsplit(parts._replace(path=f"{base}/openai{path}"))
    return _called(parts, f"{base}/{_quoted(_resource(deployment))}", path, stream)


def vertex_url(provider: "Provider", deployment: "Deployment", path: str, stream: bool) -> str:
    """Return the URL of an endpoint on Vertex AI; `base_url` may leave out its version and all that follows."""
    parts = urlsplit(deployment.base_url or f"https://{vertex_host(deployment.location)}")
    base = parts.path.rstrip("/") or "/v1"
    if deployment.project is not None and "/projects/" not in base:
        base += f"/projects/{_quoted(deployment.project)}/locations/{_quoted(deployment.location or GLOBAL)}"
    if path == "/messages/count_tokens":
        return urlunsplit(parts._replace(path=f"{base}/publishers/anthropic/models/count-tokens:rawPredict"))
    publisher = "google" if path in ("/predict", "/embedContent") else publisher_of(deployment.known_model)
    if path not in _METHODS or (path == "/chat/completions" and publisher != "mistralai"):
        return urlunsplit(parts._replace(path=f"{base}/endpoints/openapi{path}"))
    model = deployment.model.rpartition("/")[2]
    return _called(parts, f"{base}/publishers/{publisher}/models/{_quoted(model)}", path, stream)


def gemini_shape(
    deployment: "Deployment", path: str, headers: dict[str, str], fields: dict[str, Any]
) -> dict[str, Any]:
    """Return a request without what stands in its address; a whole one to be counted stands in a member."""
    if path not in _OF_GEMINI:
        return fields
    fields = _without_address(fields)
    if path == "/countTokens" and fields.keys() != {"contents"}:
        return {"generateContentRequest": {"model": _resource(deployment), **fields}}
    return fields


def _without_address(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("model", "stream")}


def vertex_shape(
    deployment: "Deployment", path: str, headers: dict[str, str], fields: dict[str, Any]
) -> dict[str, Any]:
    """Return a request as Vertex AI takes it: Claude's model stands in its address, its version in the body."""
    if not path.startswith("/messages"):
        return _without_address(fields) if path in _OF_GEMINI else fields
    asked = headers.pop("anthropic-version", "")
    shaped = {"anthropic_version": asked if asked in _NEWER else _VERSION, **fields}
    if path == "/messages":
        shaped.pop("model", None)
    return shaped


def vertex_host(location: str | None) -> str:
    """Return the host of a region, of `us` or `eu` as a whole, or of `global`."""
    where = location or GLOBAL
    if where == GLOBAL:
        return "aiplatform.googleapis.com"
    return f"aiplatform.{where}.rep.googleapis.com" if where in _MULTI_REGIONS else f"{where}-aiplatform.googleapis.com"


def vertex_dialects(deployment: "Deployment") -> tuple[str, ...]:
    """Return what a model is asked in on Vertex AI."""
    name = deployment.known_model.rpartition("/")[2]
    if name.startswith(_NEW_VECTORS):
        return ("vertex-embeddings",)
    if name.startswith(_PREDICTING):
        return ("vertex-predict",)
    parsed = parse_name(deployment.known_model)
    others = ("chat", "embeddings") if parsed.family is None or "embedding" in parsed.words else ("chat",)
    return _DIALECTS.get(parsed.family or "", others)


def vertex_problems(deployment: "Deployment") -> Iterator[tuple[str, str]]:
    """Yield the key that is missing: Vertex AI is asked in a project, except with a key."""
    told = deployment.project is not None or "/projects/" in (deployment.base_url or "")
    if not told and deployment.api_key is None:
        yield "project", "missing; the provider 'vertex' needs the id of the project in Google Cloud"


def publisher_of(model: str) -> str | None:
    """Return whose model it is, as addresses name them; None where it has no address of its own."""
    return _PUBLISHERS.get(parse_name(model).family or "")


def _resource(deployment: "Deployment") -> str:
    return deployment.model if "/" in deployment.model else f"models/{deployment.model}"


def _called(parts: SplitResult, resource: str, path: str, stream: bool) -> str:
    """Return the URL of a call, beside what `base_url` has as its query."""
    method, _, query = _METHODS[path][stream].partition("?")
    queries = "&".join(each for each in (parts.query, query) if each)
    return urlunsplit(parts._replace(path=f"{resource}:{method}", query=queries))


def _quoted(name: str) -> str:
    return quote(name, safe="/@.-_~")
