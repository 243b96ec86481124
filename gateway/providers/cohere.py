"""Addresses of Cohere (docs.cohere.com/reference), whose paths name the version of the API themselves."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment, Provider

_VERSIONS = ("/v1", "/v2")


def cohere_url(provider: "Provider", deployment: "Deployment", path: str, stream: bool) -> str:
    """Return the URL of an endpoint's path; `base_url` may end with a version."""
    parts = urlsplit(deployment.base_url or provider.base_url or "")
    base = parts.path.rstrip("/")
    for version in _VERSIONS:
        base = base.removesuffix(version)
    return urlunsplit(parts._replace(path=base + provider.paths.get(path, path)))
