"""Models of the configuration: what people ask for by name, and the deployments that serve it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.config.section import (
    LONGEST_SECONDS,
    Address,
    FilePath,
    Section,
    Share,
    Usd,
)
from gateway.dialects.image_kinds import KINDS, is_kind
from gateway.profiles.fim_family import FimSetting
from gateway.secret import Secret

Mode = Literal["chat", "agent", "completion", "embedding", "rerank", "image", "moderation", "transcription", "speech"]
Dialect = Literal[
    "chat",
    "completions",
    "embeddings",
    "responses",
    "messages",
    "converse",
    "cohere",
    "gemini",
    "fim",
    "infill",
    "titan-embeddings",
    "nova-embeddings",
    "cohere-embeddings",
    "gemini-embeddings",
    "vertex-embeddings",
    "vertex-predict",
    "mistral-embeddings",
    "rerank",
    "cohere-rerank",
    "bedrock-rerank",
    "invoke-rerank",
    "score",
    "tokenize",
    "llama-tokenize",
    "images",
    "stability",
    "moderations",
    "transcriptions",
    "speech",
]
Capability = Literal["tools", "images", "documents", "audio", "reasoning", "structured_output", "prompt_cache"]


def _instant(value: object) -> object:
    """Return a bare date as its first moment, in UTC."""
    return f"{value}T00:00:00Z" if isinstance(value, str) and len(value) == 10 else value


def _in_utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


Instant = Annotated[datetime, BeforeValidator(_instant), AfterValidator(_in_utc)]
"""A moment; UTC where no zone is written."""


def _written_day(value: object) -> object:
    """Refuse numbers, which would be read as seconds since 1970."""
    if isinstance(value, int | float):
        raise ValueError("must be a day such as 2027-04-01")
    return value


Day = Annotated[date, BeforeValidator(_written_day)]


class Rates(NamedTuple):
    """A price in whole numbers: nano-USD a million tokens or characters, nano-USD a piece."""

    input: int
    output: int
    cached_input: int
    cache_write: int
    reasoning: int
    image_input: int
    image_output: int
    audio_input: int
    audio_output: int
    characters: int
    image: int
    audio_second: int
    search_unit: int


def _image_kind(key: str) -> str:
    if not is_kind(key):
        raise ValueError(f"'{key[:40]}' is no kind of image; write {KINDS}")
    return key


class Price(Section):
    """USD per million tokens, and per piece of what is not counted in tokens."""

    input: Usd = Decimal(0)
    """USD for a million tokens of the prompt."""
    output: Usd = Decimal(0)
    """USD for a million tokens of the answer."""
    cached_input: Usd | None = None
    """null = as input."""
    cache_write: Usd | None = None
    """null = as input."""
    reasoning: Usd | None = None
    """null = as output."""
    image_input: Usd | None = None
    """USD for a million tokens of images in the prompt; null = as input."""
    image_output: Usd | None = None
    """USD for a million tokens of images in the answer; null = as output."""
    audio_input: Usd | None = None
    """USD for a million tokens of audio in the prompt; null = as input."""
    audio_output: Usd | None = None
    """USD for a million tokens of audio in the answer; null = as output."""
    characters: Usd = Decimal(0)
    """USD for a million characters that are spoken."""
    image: Usd | None = None
    """USD for one image of a kind that `images` does not name; null = its highest price, or nothing."""
    images: dict[Annotated[str, AfterValidator(_image_kind)], Usd] = Field({}, max_length=64)
    """USD for one image by size, quality or both, such as 1024x1024, high, 1024x1024/high; 1K, 2K, 4K at Google."""
    audio_second: Usd = Decimal(0)
    """USD for a second of audio."""
    search_unit: Usd = Decimal(0)
    """USD for a search unit (rerank)."""

    @cached_property
    def rates(self) -> Rates:
        """Return all rates, with defaults for those that are not given."""
        given = (
            self.input,
            self.output,
            self.input if self.cached_input is None else self.cached_input,
            self.input if self.cache_write is None else self.cache_write,
            self.output if self.reasoning is None else self.reasoning,
            self.input if self.image_input is None else self.image_input,
            self.output if self.image_output is None else self.image_output,
            self.input if self.audio_input is None else self.audio_input,
            self.output if self.audio_output is None else self.audio_output,
            self.characters,
            max(self.images.values(), default=Decimal(0)) if self.image is None else self.image,
            self.audio_second,
            self.search_unit,
        )
        return Rates(*(round(value * 10**9) for value in given))

    @cached_property
    def image_rates(self) -> dict[str, int]:
        """Return nano-USD for one image, by its kind."""
        return {kind: round(value * 10**9) for kind, value in self.images.items()}


class Availability(Section):
    from_: Instant | None = Field(None, alias="from")
    """The model is served from then on; null = always."""
    until: Instant | None = None
    """The model is served until then; null = for good."""


ALWAYS = Availability()


class Guardrail(Section):
    """A guardrail of Amazon Bedrock."""

    id: str = Field(pattern=r"^[A-Za-z0-9:/_.-]{1,2048}$")
    """Its id or ARN."""
    version: str = Field("DRAFT", pattern=r"^(DRAFT|[1-9][0-9]{0,7})$")
    """A number, or DRAFT."""
    trace: bool = False
    """Its reasons come with Converse's answers."""


class Deployment(Section):
    """One place where a model runs."""

    provider: str = Field(max_length=64)
    """Whose server it is: a row of `gateway/providers/rows.py`."""
    model: str = Field(min_length=1)
    """The name that the upstream knows."""
    base_model: str | None = Field(None, min_length=1)
    """Which model that is, where its name does not say so: a deployment of Azure, an ARN, an alias. Price, limits and
    dialects follow from it. null = `model`."""
    base_url: Address | None = None
    """Its address, with `/v1`; null = the provider's own."""
    api_key: Secret | None = None
    """Sent to the server; null = none."""
    region: str | None = None
    """Of a cloud."""
    profile: str | None = Field(None, min_length=1, max_length=256)
    """Of AWS, in the machine's own files; null = the environment's, the container's or the machine's own."""
    role_arn: str | None = Field(None, pattern=r"^arn:[a-z-]+:iam::\d{12}:role/\S+$")
    """A role of AWS that is taken on with those credentials; null = none."""
    project: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9._:-]*$")
    """Google Cloud's id of the project, for `vertex`; the project that pays, for `bedrock-mantle`."""
    location: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Where `vertex` serves the model: a region, `us` or `eu`, or `global`; null = `global`."""
    credentials_file: FilePath | None = None
    """Google's JSON file of a service account or a workload identity, for `vertex`; null = Application Default
    Credentials."""
    access_token: Secret | None = None
    """A fixed token for `vertex`, in place of credentials; it ends after an hour at most."""
    guardrail: Guardrail | None = None
    """Of `bedrock`, before every request to this deployment; null = what clients ask for."""
    api_version: str | None = Field(None, pattern=r"^(preview|latest|v1|20\d\d-\d\d-\d\d(-preview)?)$")
    """Of `azure`: a date asks by the dated paths, /openai/deployments/…; `preview` by /openai/v1 in that version. null
    = /openai/v1."""
    entra: bool | Annotated[str, Field(pattern=r"^https://\S+/\.default$")] | None = None
    """true = `azure` is asked with tokens of Entra ID, by what the environment has: client secret, workload or managed
    identity; a text = so, with tokens of that scope. null = with `api_key`."""
    dialects: tuple[Dialect, ...] | None = None
    """Dialects that this upstream speaks; null = those of its provider's row."""
    betas: tuple[str, ...] | None = None
    """Values of `anthropic-beta` that this upstream gets; others are left out and listed in `x-sekisho-dropped`. null =
    those that its provider is known to take."""
    identity: Share | None = None
    """Signed identity that this upstream receives: for the company's own agents. null = none."""
    weight: int = Field(1, ge=1, le=10**6)
    """Its share of the load beside the other deployments."""
    max_concurrency: int | None = Field(None, ge=1, le=10**6)
    """Requests of one gateway process that run here at the same time; more wait. null = no limit."""
    max_batch: int | None = Field(None, ge=1, le=2048)
    """Inputs of one call for embeddings; longer lists are asked for in several calls. null = what the API takes."""
    connect_timeout: float = Field(5, gt=0, le=LONGEST_SECONDS)
    """Seconds to connect."""
    timeout: float = Field(600, gt=0, le=LONGEST_SECONDS)
    """Seconds for a whole answer that is not streamed."""
    idle_timeout: float = Field(300, gt=0, le=LONGEST_SECONDS)
    """Seconds of silence after which a stream is given up, before its first event too."""

    @property
    def known_model(self) -> str:
        """Return the name by which others know the model."""
        return self.base_model or self.model


class CompletionPolicy(Section):
    """How a model's code completion is served while somebody types."""

    supersede: bool = True
    """A newer completion of the same person and client ends the older one."""
    max_tokens: int | None = Field(None, ge=1, le=10**6)
    """Tokens of one completion at most, whatever is asked for; null = no limit."""
    deadline_seconds: float | None = Field(None, gt=0, le=LONGEST_SECONDS)
    """An answer that takes longer is dropped, as nobody waits for it any more; null = no deadline."""


class Model(Section):
    name: str = Field(min_length=1, max_length=256, pattern=r"^[^\s\x00-\x1f\x7f]+$")
    """What people and programs ask for."""
    mode: Mode = "chat"
    """What the model is for; it decides which endpoints serve it."""
    description: str = ""
    """Shown to who chooses a model."""
    context_window: int | None = Field(None, ge=1, le=10**9)
    """Tokens of prompt and answer together; null = as the model table says."""
    max_output_tokens: int | None = Field(None, ge=1, le=10**9)
    """Tokens of one answer at most; null = as the model table says."""
    capabilities: tuple[Capability, ...] | None = None
    """What it can do, shown to who chooses a model; null = as the model table says."""
    end_of_life: Day | None = None
    """The day from which its vendor no longer serves it; null = as the model table says."""
    successor: str | None = Field(None, min_length=1, max_length=256, pattern=r"^[^\s\x00-\x1f\x7f]+$")
    """The model to use in its place, shown with its end; null = as the model table says."""
    price: Price | None = None
    """null = the public list price."""
    fim: FimSetting | None = None
    """The family whose template fills in the middle, `native` = the upstream's Completions take `suffix`, `none` = the
    model cannot. null = told by the upstream's name of the model."""
    completion: CompletionPolicy = CompletionPolicy()
    available: Availability = ALWAYS
    fallback: tuple[str, ...] = ()
    """Models that are asked where all deployments of this one fail."""
    strict_parameters: bool = False
    """True = a request with something that the model's API cannot take is refused; else that is left out and listed in
    the header `x-sekisho-dropped`."""
    deployments: tuple[Deployment, ...] = Field(min_length=1)

    def configured(self, name: Literal["context_window", "max_output_tokens"]) -> int | None:
        """Return a number that the configuration says itself, none that the model table fills in."""
        return getattr(self, name) if name in self.model_fields_set else None

    def filled(self, **values: object) -> "Model":
        """Return the model with values that the configuration leaves open; they do not count as configured."""
        return Model.model_construct(self.model_fields_set, **{**dict(self), **values})
