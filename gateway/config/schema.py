"""The shape of the configuration. Unknown keys are errors; every default is written here and nowhere else."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, PlainSerializer, model_validator

from gateway.config.addresses import origin, without_secrets
from gateway.config.clients import Clients
from gateway.config.console import Console
from gateway.config.mcp import Mcp
from gateway.config.models import Model
from gateway.config.section import (
    LARGEST_BYTES,
    LONGEST_SECONDS,
    AccessKey,
    Address,
    Count,
    FilePath,
    Section,
    SigningSecret,
)
from gateway.config.teams import Contact, GroupTeams, Several, Teams
from gateway.secret import Secret


class Fetch(Section):
    """Images and documents that requests name by address are fetched here for models that take only bytes."""

    enabled: bool = True
    """False = such requests are refused, or left to the model's server."""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that may be asked though they are not public."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts and domains that may be asked though their addresses are not public."""
    max_bytes: int = Field(20 * 1024 * 1024, ge=1024, le=LARGEST_BYTES)
    """Bytes of the fetched files of one request together."""
    timeout: float = Field(15, gt=0, le=LONGEST_SECONDS)
    """Seconds for one file, with its redirects."""


class Server(Section):
    host: str = Field("127.0.0.1", pattern=r"^[A-Za-z0-9_.:%-]+$")
    """The address to listen on; 0.0.0.0 = every one of this machine."""
    port: int = Field(4000, ge=0, le=65535)
    """0 = any free one."""
    public_url: Annotated[str, AfterValidator(origin)] | None = None
    """The gateway's address as browsers know it; null = http:// with `host` and `port`."""
    workers: int = Field(1, ge=1, le=256)
    """Processes that serve; more than one need `shared_state`."""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Source networks that may call; empty = all."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Source networks whose X-Forwarded-For is trusted."""
    metrics_networks: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    """Source networks that may read /metrics without the admin key."""
    outbound_proxy: Address | None = None
    """The company's web proxy, http://…, for deployments outside."""
    no_proxy: tuple[str, ...] = ()
    """Hosts and domains that are called directly, besides private addresses and names without a domain."""
    custom_ca: FilePath | None = None
    """A PEM file of certificate authorities to trust besides the public ones."""
    max_body_bytes: int = Field(64 * 1024 * 1024, ge=1024, le=LARGEST_BYTES)
    """Bytes of one request body."""
    max_bodies_bytes: int = Field(512 * 1024 * 1024, ge=1024 * 1024)
    """Bytes of long request bodies in memory at the same time; one key gets half of it."""
    max_head_bytes: int = Field(32 * 1024, ge=1024, le=LARGEST_BYTES)
    """Bytes of a request's target and headers together."""
    max_header_fields: int = Field(100, ge=10)
    """Headers of one request."""
    max_connections_per_address: int = Field(2048, ge=1)
    """Open connections of one client address; trusted proxies are not counted."""
    head_seconds: float = Field(10, gt=0, le=LONGEST_SECONDS)
    """How long a client may take to send the head of a request."""
    body_seconds: float = Field(120, gt=0, le=LONGEST_SECONDS)
    """How long a client may take to send the body of a request."""
    write_seconds: float = Field(15, gt=0, le=LONGEST_SECONDS)
    """How long a client may read nothing of an answer before its connection is closed."""
    idle_seconds: float = Field(75, gt=0, le=LONGEST_SECONDS)
    """How long a connection without a request is kept open."""
    drain_seconds: float = Field(2, ge=0, le=LONGEST_SECONDS)
    """How long new requests are still answered after SIGTERM, while /readyz says "stopping"."""
    shutdown_grace_seconds: float = Field(30, ge=0, le=LONGEST_SECONDS)
    """How long running answers may go on after a stop was asked for."""
    keepalive_seconds: float = Field(10, gt=0, le=LONGEST_SECONDS)
    """After this silence an SSE comment keeps a waiting client's connection open."""
    fetch: Fetch = Fetch()


class Patience(Section):
    """Seconds that a request of a class waits before it is refused."""

    completion: float = Field(3, ge=0, le=LONGEST_SECONDS)
    """Seconds, for code completion while typing."""
    chat: float = Field(60, ge=0, le=LONGEST_SECONDS)
    """Seconds, while a person waits."""
    agent: float = Field(120, ge=0, le=LONGEST_SECONDS)
    """Seconds, for a loop of tools."""
    task: float = Field(20, ge=0, le=LONGEST_SECONDS)
    """Seconds, for titles, tags and follow-ups."""
    batch: float = Field(600, ge=0, le=LONGEST_SECONDS)
    """Seconds, for work that nobody waits for."""


class Admission(Section):
    """What happens when more requests arrive than can run."""

    max_running: int | None = Field(None, ge=1, le=10**6)
    """Requests of one gateway process that run at the same time in all; null = no limit."""
    max_waiting: int = Field(1000, ge=0, le=10**6)
    """Requests that wait in all; when it is full the least urgent one goes."""
    patience: Patience = Patience()
    supersede_completions: bool = True
    """A newer code completion of the same person and client ends the older one; a model may be left out."""


class Content(Section):
    """Prompts and answers, recorded encrypted for the keys named here and for no others."""

    keys: tuple[str, ...] = ()
    """Aliases of keys."""
    encryption_key: Secret | None = None
    """32 random bytes in base64 (`openssl rand -base64 32`)."""
    retention_days: int = Field(30, ge=1, le=36_500)
    """Older content is dropped."""
    max_bytes: int = Field(1024 * 1024, ge=1024, le=LARGEST_BYTES)
    """Bytes of a prompt and of an answer; longer ones are cut."""

    @model_validator(mode="after")
    def _key_given(self) -> Self:
        if self.keys and self.encryption_key is None:
            raise ValueError("'keys' needs 'encryption_key': 32 random bytes in base64 (openssl rand -base64 32)")
        return self


class LiteLLM(Section):
    """A second copy of every record, laid out as LiteLLM lays out its S3 logs."""

    destination: Address = Field(pattern=r"^(s3|gs|az|file)://.+|^/.+")
    """A folder or bucket, as `ledger.destination`."""
    team_prefix: bool = False
    """Put the team before the day in names of objects."""
    key_prefix: bool = False
    """Put the key's alias before the day in names of objects."""
    granularity: Literal["day", "hour"] = "day"
    """One folder a day or an hour."""


class Ledger(Section):
    destination: Address | None = Field(None, pattern=r"^(s3|gs|az|file)://.+|^/.+")
    """null = data_dir; or s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, or an absolute path."""
    store_options: dict[str, Secret] = Field({})
    """Of object storage, by the names of `obstore` (aws_endpoint, aws_server_side_encryption, …); what is not
    given comes from the environment or the machine's own role."""
    store_timeout_seconds: float = Field(30, gt=0, le=LONGEST_SECONDS)
    """For one request to object storage; it is tried four times."""
    segment_max_bytes: int = Field(64 * 1024 * 1024, ge=4096, le=LARGEST_BYTES)
    """A file of records is closed at so many bytes."""
    segment_max_seconds: float = Field(3600, gt=0, le=LONGEST_SECONDS)
    """A file of records is closed after so many seconds."""
    fsync_seconds: float = Field(1, gt=0, le=LONGEST_SECONDS)
    """How often records are forced onto the disk: what a power failure may take."""
    ship_seconds: float | None = Field(300, gt=0, le=LONGEST_SECONDS)
    """How often closed segments are shipped; null = only by `sekisho ledger ship`."""
    max_bytes: int = Field(20 * 1024**3, ge=64 * 1024, le=LARGEST_BYTES)
    """Bytes that may wait on this machine to be shipped."""
    when_full: Literal["refuse", "drop"] = "refuse"
    """Behaviour while that quota or the disk is full: refuse requests, or answer and count lost records."""
    retention_days: int | None = Field(None, ge=1, le=36_500)
    """Older partitions are dropped; null = kept for good."""
    content: Content = Content()
    litellm: LiteLLM | None = None


class Telemetry(Section):
    """OpenTelemetry traces."""

    endpoint: Annotated[HttpUrl, PlainSerializer(lambda url: without_secrets(str(url)))]
    """URL of a collector that takes OTLP over HTTP, such as http://collector:4318."""
    headers: dict[str, Secret] = Field({})
    """Request headers for the collector, such as its key."""
    service_name: str = "sekisho"
    """The name of the gateway in traces."""
    share: float = Field(1, ge=0, le=1)
    """Share of requests that are traced; those that a client traces always are."""


class OpenWebUI(Section):
    identity_secret: SigningSecret | None = None
    """Checks the pack's signed token and Open WebUI's own JWT (HS256)."""
    teams: GroupTeams = Field({})
    """`groups` = each of Open WebUI's groups is a team of its name; or a mapping of groups to teams, in which "*" is
    everybody else. A key with a team of its own keeps that."""
    several: Several = "first"
    """For whom a person in several teams acts: the `first` in the order of `teams`, or the `next` one that allows the
    model and whose budget is not used up."""


class OwnKeys(Section):
    """Keys that people make for themselves; what they may do is what is set here."""

    most: Annotated[int, Field(ge=1, le=1000)] = 10
    """Valid keys a person at a time."""
    longest_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """Days after which such a key ends at the latest."""
    models: tuple[str, ...] | None = None
    """Allowed models or globs; null = every model."""
    networks: tuple[IPv4Network | IPv6Network, ...] | None = None
    """Source networks; null = every one that the server allows."""
    requests_per_minute: Count | None = None
    """Of each such key; null = no limit."""
    tokens_per_minute: Count | None = None
    """Of each such key; null = no limit."""
    parallel_requests: Count | None = None
    """Of each such key; null = no limit."""


class Config(Section):
    server: Server = Server()
    data_dir: FilePath = Path("./sekisho-data")
    """Ledger segments and the embedded SQLite; relative to the configuration file."""
    database: Secret | None = None
    """null = SQLite in data_dir; or postgresql+asyncpg://…"""
    shared_state: Secret | None = None
    """null = this process; or redis://… (Redis or Valkey) for several workers or machines."""
    shared_state_failure: Literal["fail_open", "fail_closed"] = "fail_open"
    """Behaviour while Redis is unreachable: count locally (`fail_open`) or refuse (`fail_closed`)."""
    admin_key: AccessKey | None = None
    """Opens `/admin/…`; null = those routes are closed."""
    key_secret: SigningSecret | None = None
    """Keys are stored as HMACs under this secret; null = a file in data_dir, made at first use."""
    admission: Admission = Admission()
    ledger: Ledger = Ledger()
    open_webui: OpenWebUI = OpenWebUI()
    own_keys: OwnKeys | None = None
    """Lets people make keys of their own (`POST /v1/me/keys`); null = administrators make all keys."""
    teams: Teams = Field({})
    """What teams may do, by name: those of keys, and those that Open WebUI's groups give."""
    contact: Contact | None = None
    """Whom people ask who need more: an address, a name, a channel; null = "your administrator"."""
    telemetry: Telemetry | None = None
    """null = no traces."""
    mcp: Mcp | None = None
    """null = no tool servers."""
    console: Annotated[Console | Literal[False], BeforeValidator(lambda given: {} if given is True else given)] = (
        Console()
    )
    """The people's pages at `/console`; false = none."""
    clients: Clients = Clients()
    models: tuple[Model, ...] = ()
