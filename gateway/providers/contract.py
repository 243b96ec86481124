"""What the gateway has to know of a provider: where it is, how it is asked and signed, and what others call it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from gateway.dialects.framing import SERVER_SENT_EVENTS, Framing
from gateway.providers.authorizing import ApiKey, Authorizer
from gateway.secret import Secret


class Guardrail(Protocol):
    """A guardrail of Bedrock."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def trace(self) -> bool: ...


class Deployment(Protocol):
    """What a provider reads of a deployment in the configuration."""

    @property
    def model(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def known_model(self) -> str: ...
    @property
    def base_url(self) -> str | None: ...
    @property
    def api_key(self) -> Secret | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def profile(self) -> str | None: ...
    @property
    def role_arn(self) -> str | None: ...
    @property
    def project(self) -> str | None: ...
    @property
    def location(self) -> str | None: ...
    @property
    def access_token(self) -> Secret | None: ...
    @property
    def credentials_file(self) -> Path | None: ...
    @property
    def api_version(self) -> str | None: ...
    @property
    def guardrail(self) -> Guardrail | None: ...
    @property
    def entra(self) -> bool | str | None: ...


def _no_problems(deployment: Deployment) -> Iterator[tuple[str, str]]:
    yield from ()


Shape = Callable[[Deployment, str, dict[str, str], dict[str, Any]], dict[str, Any]]
"""Returns the members of a request to an endpoint's path as a provider takes them, of its headers and its members.

Members are JSON text (`Raw`) where they came so, else Python data. It may change the headers, not what it was given of
the members. Runs once, before the body is encoded."""


def below_base_url(provider: "Provider", deployment: Deployment, path: str, stream: bool) -> str:
    """Return the URL of an endpoint: its path below the base URL. A query of the base URL is part of every request.

    A host alone stands for where the provider's own servers have their API, as its tools take it.
    """
    parts = urlsplit(deployment.base_url or provider.base_url or "")
    base = parts.path.rstrip("/") or provider.root
    if path in provider.beside:
        return urlunsplit(parts._replace(path=base.removesuffix("/v1") + provider.beside[path]))
    return urlunsplit(parts._replace(path=base + provider.paths.get(path, path)))


_BEARER = ApiKey()


@dataclass(frozen=True)
class Provider:
    """A provider's row. Defaults are the conservative ones; a row opts in."""

    name: str
    base_url: str | None = None
    """Without a trailing slash, including `/v1`."""
    root: str = ""
    """The path of its API, for addresses of a host alone."""
    needs_base_url: bool = True
    """Every deployment names its own address, as this row has none."""
    dialects: tuple[str, ...] = ("chat", "completions", "embeddings")
    """What it speaks, native first; a client of another dialect is told so."""
    dialects_of: Callable[[Deployment], tuple[str, ...] | None] | None = None
    """Returns what a deployment speaks, where that depends on its model or address; None = what the row says."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Paths of endpoints, below the base URL, that are not the endpoint's own."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """Paths of endpoints that stand beside the base URL's `/v1`, not below it."""
    takes_suffix: bool = True
    """Its Completions take `suffix`, or may."""
    url: Callable[["Provider", Deployment, str, bool], str] = below_base_url
    """Makes the URL of an endpoint's path; the last argument says whether the answer is streamed."""
    shape: Shape | None = None
    """Shapes requests that are not just those of their dialect; None = all are."""
    takes_query: bool = True
    """Takes what of a client's query its dialect lets through."""
    authorize: Authorizer = _BEARER
    framing: Framing = SERVER_SENT_EVENTS
    """Of its streams."""
    framings: Mapping[str, Framing] = field(default_factory=dict)
    """Of the streams of endpoints, by their paths, that are not framed as the others."""
    keys: frozenset[str] = frozenset()
    """Keys of a deployment that only some providers know."""
    problems: Callable[[Deployment], Iterator[tuple[str, str]]] = _no_problems
    """Yields the keys of a deployment that are wrong, with the problem."""
    needs_bytes: frozenset[str] = frozenset()
    """Dialects in which it takes media as bytes alone: what requests name by address is fetched for it."""
    counts_in: str | None = None
    """The dialect in which it counts the tokens of prompts, whatever its models speak; None = the model's own."""
    refuses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Members that clients of others send and that it refuses, by the endpoint's path: left out, and told."""
    pseudonyms: bool = False
    """Wants to know one person from another, so each request gets our pseudonym of whoever asks."""
    prefix_cache: bool = False
    """Is fast on prompts whose beginning it has seen, so the same beginning goes to the same server."""
    betas: frozenset[str] | None = None
    """Values of `anthropic-beta` that it knows; others are not sent, as some hosts refuse them. None = all are sent."""
    stream_usage: bool = True
    """Understands `stream_options.include_usage`."""
    price_list: str | None = None
    """Its name in the public price list; None = found by the base URL."""
    trace_name: str | None = None
    """Its `gen_ai.provider.name` (opentelemetry.io/docs/specs/semconv/gen-ai); None = our name."""
    litellm_name: str | None = None
    """Its `custom_llm_provider` in LiteLLM's logs; None = our name."""
