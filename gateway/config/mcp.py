"""Tool servers (MCP) and the views in which clients see them."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.config.addresses import base_url_problem
from gateway.config.mcp_oauth import McpOAuth
from gateway.config.section import LARGEST_BYTES, Address, FilePath, Seconds, Section, Share, Usd
from gateway.secret import Secret

ServerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,30}[A-Za-z0-9])?$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Bytes = Annotated[int, Field(ge=1024, le=LARGEST_BYTES)]

APART = (
    "other machines learn of no changes of tool servers, and sessions of older clients are known to one machine only; "
    "set 'shared_state' (redis://…) if there are several"
)
"""A note where machines share a database, but nothing through which they could tell each other."""

_SENT_BY_US = frozenset({"authorization", "host", "content-length", "content-type", "accept", "cookie"})


def _own_header(name: str) -> str:
    lowered = name.lower()
    if lowered in _SENT_BY_US or lowered.startswith("mcp-"):
        raise ValueError(f"'{name}' is not set here; a token belongs into 'auth'")
    return lowered


class McpTimeouts(Section):
    """How long a tool server may take."""

    open: Seconds = 10
    """Seconds to start or reach the server."""
    list: Seconds = 8
    """Seconds for its lists of tools, resources and prompts; Open WebUI waits ten."""
    call: Seconds = 60
    """Seconds of a call without an answer or progress."""
    total: Seconds = 300
    """Seconds of a call in all, whatever progress it reports."""
    ask: Seconds = 300
    """Seconds that a person may take to answer a question of the server; they do not count as the call's."""


class McpBounds(Section):
    """How much a tool server may send."""

    message_bytes: Bytes = 16 * 1024 * 1024
    """Bytes of one message of the server."""
    result_bytes: Bytes | None = 256 * 1024
    """Bytes of a result's text that a program is given which feeds a model (Open WebUI, coding tools), with the address
    of the rest; null = all of it. Other programs are given all of it."""
    tools: int = Field(500, ge=1, le=100_000)
    """Tools of one server, and as many resources, templates and prompts; more are left out."""
    schema_bytes: Bytes = 64 * 1024
    """Bytes of one tool's schemas; a tool with more is left out."""
    schema_depth: int = Field(32, ge=2, le=256)
    """Levels of one schema; a tool with more is left out."""
    description_bytes: Bytes = 4096
    """Bytes of one description; the rest is cut off."""


class McpAuth(Section):
    """How the gateway shows itself to a tool server. The key of a client is never sent on."""

    token: Secret | None = None
    """One token for everybody, sent as a bearer token."""
    user_tokens: dict[str, Secret] = Field({})
    """A token for each person, by their e-mail address or id; others may not use the server."""
    identity: Share | None = None
    """Signed identity of the person that the server receives: for the company's own servers. null = none."""
    oauth: McpOAuth | None = None
    """Tokens of an authorization server; `oauth: {}` where each person signs in and the server says the rest."""

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        given = [name for name in ("token", "user_tokens", "oauth") if name in self.model_fields_set]
        given = [name for name in given if getattr(self, name) not in (None, {})]
        if len(given) > 1:
            one, other = given[:2]
            raise ValueError(f"'{one}' and '{other}' exclude each other: one token never stands in for another")
        return self

    @property
    def is_personal(self) -> bool:
        """Return whether what the server sees depends on the person."""
        own = self.oauth is not None and self.oauth.grant != "client_credentials"
        return bool(self.user_tokens or self.identity or own)


class McpSampling(Section):
    """A model of the gateway that answers what a tool server asks a model (sampling), where the client cannot."""

    model: str = Field(min_length=1, max_length=256)
    """One of `models`. It is asked with the client's key: that must be allowed to use it, and its budget pays."""
    max_tokens: int = Field(2000, ge=1, le=10**6)
    """The longest answer; a server may ask for less."""


class McpServer(Section):
    """One tool server: a program that the gateway starts, or an address."""

    command: Annotated[tuple[str, ...], Field(min_length=1, max_length=256)] | None = None
    """The program and its arguments, for a server that speaks over its standard input and output."""
    url: Address | None = Field(None, max_length=2048)
    """The address of a server that speaks over HTTP."""
    title: str = Field("", max_length=200)
    """The name that people read; empty = the server's name here."""
    description: str = Field("", max_length=2000)
    """What it is for."""
    access: Literal["all", "listed"] = "all"
    """Which keys may use it: all those that name no tool servers of their own, or only keys that name it."""
    allow: tuple[str, ...] | None = None
    """Globs of the tools that may be used; null = all."""
    deny: tuple[str, ...] = ()
    """Globs of tools that may not be used."""
    definitions: Literal["allow", "warn", "block"] = "warn"
    """What happens when a tool's definition changes after it was first seen, or looks like an instruction to the model:
    nothing, a note in the log, or the tool is kept from clients until an administrator accepts it."""
    protocol: Literal["auto", "legacy", "modern"] = "auto"
    """The revision that it speaks: up to 2025-11-25 (`legacy`), from 2026-07-28 on (`modern`), or tried out once."""
    transport: Literal["auto", "http", "sse"] = "auto"
    """For a `url`: Streamable HTTP, the older HTTP with SSE, or tried out."""
    process: Literal["shared", "per_user"] | None = None
    """For a `command`: one process for all, or one for each person; null = for each person where `auth.user_tokens` is
    set, else for all. A server that remembers something between two calls must not be shared."""
    env: dict[VariableName, Secret] = Field({})
    """Environment of the process, besides PATH, HOME, LANG and TZ."""
    user_token_env: VariableName | None = None
    """The variable of the process in which a person's token of `auth.user_tokens` is put."""
    cwd: FilePath | None = None
    """Folder in which the process is started; null = one of its own."""
    memory_bytes: Bytes | None = None
    """Memory that one process of the server may write; null = no limit."""
    open_files: int | None = Field(None, ge=16, le=10**6)
    """Files that the process may have open; null = no limit."""
    cpu_seconds: int | None = Field(None, ge=1, le=10**9)
    """Seconds of processor time after which the process is ended; null = no limit."""
    headers: dict[Annotated[HeaderName, AfterValidator(_own_header)], Secret] = Field({})
    """Request headers for a `url`."""
    auth: McpAuth = McpAuth()
    sampling: McpSampling | None = None
    """The model that answers what the server asks a model, where the client cannot; null = the server is refused."""
    roots: bool | None = None
    """Whether the server may ask the client for its folders; null = only where the process is not shared."""
    max_connections: int | None = Field(None, ge=1, le=100_000)
    """Processes or sessions at the same time; null = 8 processes or 1000 sessions."""
    max_calls: int = Field(64, ge=1, le=10**6)
    """Calls of one gateway process that run at the same time."""
    idle_seconds: Seconds = 600
    """An unused process or session is ended after so long."""
    max_life_seconds: Seconds | None = None
    """A process is ended so long after its start, as soon as no call runs; null = it may live for ever."""
    ttl_seconds: float = Field(300, ge=0, le=10**8)
    """How long lists of a server count as fresh."""
    retry_read_only: bool = False
    """Try a call again that broke off, where the server says that the tool only reads or may be repeated."""
    price_per_call: Usd = Decimal(0)
    """USD for one call."""
    timeouts: McpTimeouts = McpTimeouts()
    bounds: McpBounds = McpBounds()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("needs either 'command', for a program, or 'url', for an address")
        if self.url is not None and (problem := base_url_problem(self.url)):
            raise ValueError(f"'url': {problem}")
        own = _ONLY_FOR_URL if self.command else _ONLY_FOR_COMMAND
        if wrong := next((name for name in own if name in self.model_fields_set), None):
            other = "url" if self.command else "command"
            raise ValueError(f"'{wrong}' means something only with a '{other}'; remove it")
        if self.command and self.auth.oauth:
            raise ValueError("'auth: oauth' means something only with a 'url': programs take what 'env' names")
        return self

    @model_validator(mode="after")
    def _program(self) -> Self:
        if self.command and not all(each and "\x00" not in each for each in self.command):
            raise ValueError("'command' has an empty part, or one with a NUL")
        return self

    @property
    def signs_in(self) -> bool:
        """Return whether people sign in at it with a browser."""
        return self.auth.oauth is not None and self.auth.oauth.grant == "authorization_code"

    @property
    def is_shared(self) -> bool:
        """Return whether one process serves everybody; a session over HTTP never does."""
        if self.command is None:
            return False
        return self.process == "shared" or (self.process is None and not self.auth.user_tokens)


_ONLY_FOR_COMMAND = (
    "process",
    "env",
    "user_token_env",
    "cwd",
    "memory_bytes",
    "open_files",
    "cpu_seconds",
    "max_life_seconds",
)
_ONLY_FOR_URL = ("transport", "headers")


class McpView(Section):
    """Several servers under one address, `/mcp/view/NAME`."""

    servers: tuple[ServerName, ...] = Field(min_length=1)
    """Names of `mcp.servers`."""
    tools: tuple[str, ...] | None = None
    """Globs of `server/tool` that it shows; null = all that a key may use."""
    description: str = Field("", max_length=2000)
    """What the view is for; clients read it as its instructions."""
    search_above: int | None = Field(None, ge=1, le=100_000)
    """With more tools than this a client is given `search_tools` and `call_tool` in their place; null = never."""


class Mcp(Section):
    """Tool servers. Clients reach them at `/mcp`, `/mcp/view/VIEW` and `/mcp/SERVER`."""

    servers: dict[ServerName, McpServer] = Field({})
    views: dict[ServerName, McpView] = Field({})
    search_above: int | None = Field(None, ge=1, le=100_000)
    """As a view's, for `/mcp`."""
    allowed_hosts: tuple[str, ...] | None = None
    """Values of the header `Host` that are answered, without a port; null = loopback names where `server.host` is
    loopback, else all."""
    allowed_origins: tuple[str, ...] = ()
    """Values of the header `Origin` that are answered, besides the gateway's own: browsers send it."""
    max_body_bytes: Bytes = 4 * 1024 * 1024
    """Bytes of one request."""
    max_sessions: int = Field(10_000, ge=1, le=10**6)
    """Sessions of older clients at the same time."""
    session_idle_seconds: Seconds = 1800
    """A session without a request is ended after so long."""
    max_parked: int = Field(1000, ge=1, le=10**6)
    """Calls of older servers that wait for an answer of a person."""
