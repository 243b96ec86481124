"""What each section of the manifest may hold."""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from install.wording import say

Name = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")]


def _present(value: JsonValue) -> JsonValue:
    # Taking it for "no longer wanted" would remove what is stored.
    if value is None:
        raise ValueError(say("has no value; write one, or take the line out"))
    return value


Valves = dict[str, Annotated[JsonValue, AfterValidator(_present)]]


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Entry):
    """An entry that may be written as its bare name."""

    name: Name

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value


class ModelEntry(Named):
    title: str | None = None
    """What people see; null = what the gateway says, or an administrator wrote."""
    description: str | None = None
    groups: tuple[str, ...] = ()
    """Who may use it; nobody named = everyone."""
    default_filters: tuple[Name, ...] | None = None
    """Filters that are on in a new chat; null = those of the whole manifest."""


class FunctionEntry(Named):
    active: bool = True
    everywhere: bool | None = Field(default=None, alias="global")
    """Applied to every chat; null = filters and actions yes, pipes as they are."""
    valves: Valves = {}


class PipeEntry(FunctionEntry):
    title: str | None = None
    """What people see in the model menu; null = the plugin's own."""
    description: str | None = None
    groups: tuple[str, ...] | Literal["all"] | None = None
    """Who may use it as a model; null = as it is, which for a new one is administrators."""


class AgentEntry(Named):
    """An agent as a model: one that the gateway lists or, with `url`, one that is asked directly."""

    title: str | None = None
    """What the model menu shows; null = the name."""
    icon: Annotated[str, StringConstraints(max_length=8)] = ""
    """An emoji before the title."""
    image: Annotated[str, StringConstraints(pattern=r"^(https?://|data:image/(png|jpeg|gif|webp);base64,)")] | None = (
        None
    )
    description: str | None = None
    groups: tuple[str, ...] = ()
    """Who may ask it; nobody named = everyone."""
    url: Annotated[str, StringConstraints(pattern=r"^(https?://|\$\{)")] | None = None
    """Up to /v1."""
    key: str = ""
    model: str = ""
    dialect: Literal["chat", "responses"] = "chat"
    files: Literal["none", "text", "bytes"] = "none"
    timeout: Annotated[float, Field(ge=1, le=86_400)] = 600

    @model_validator(mode="after")
    def _direct(self) -> Self:
        if self.url is None and (
            direct_only := self.model_fields_set & {"key", "model", "dialect", "files", "timeout"}
        ):
            raise ValueError(
                say(
                    "{direct_only}: for agents with a url; the gateway knows these of its own",
                    direct_only=", ".join(sorted(direct_only)),
                )
            )
        return self


class ToolEntry(Named):
    groups: tuple[str, ...] = ()
    valves: Valves = {}


class McpEntry(Named):
    """The gateway's hub of tool servers. `name` stands before the names of its tools, of which 64 characters count."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,5}$")] = "hub"
    title: str = "社内ツール Tools"
    """What people see below a message's plus."""
    description: str = ""
    view: Name | None = None
    """One of the gateway's views; null = every server that the key may use."""
    groups: tuple[str, ...] = ()
    """Who may use it; nobody named = everyone."""
    optional: bool = False
    """Left out where the gateway has no tool servers, instead of failing."""


class ConnectionEntry(Entry):
    headers: dict[str, str] = {}
    """Sent besides the identity headers."""


class OtherConnection(Entry):
    """A connection beside the gateway's."""

    url: str
    key: str = ""
    headers: dict[str, str] = {}
    prefix: str = ""
    enabled: bool = True
    model_ids: tuple[str, ...] = ()


class EmbeddingsEntry(Named):
    """`name` is the gateway's model."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    name: Name = Field(alias="model")
    batch_size: PositiveInt | None = None
    concurrent_requests: Annotated[int, Field(ge=0)] | None = None


class RerankEntry(Named):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    name: Name = Field(alias="model")
    top_k: PositiveInt | None = None
    top_k_reranker: PositiveInt | None = None
    timeout: PositiveInt = 30

    @property
    def timeout_text(self) -> str:
        """Seconds, as Open WebUI stores them."""
        return str(self.timeout)


class SpeechEntry(Named):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    name: Name = Field(alias="model")
    voice: str | None = None


class TranscriptionEntry(Named):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    name: Name = Field(alias="model")


class ImagesEntry(Named):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    name: Name = Field(alias="model")
    size: Annotated[str, StringConstraints(pattern=r"^(\d+x\d+|auto|)$")] | None = None
    edit: bool = False


class TaskModelEntry(Named):
    """The model of titles, tags, follow-ups and search queries."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    name: Name = Field(alias="model")


class DefaultModelEntry(Named):
    """With which model a new chat begins."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    name: Name = Field(alias="model")


class ConsoleEntry(Entry):
    """A banner that leads people to their own pages at the gateway."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9._:\[\]-]+/?$")]
    """The gateway's address as browsers know it (`server.public_url` there)."""


class BannerEntry(Entry):
    id: Name
    type: Literal["info", "success", "warning", "error"] = "info"
    title: str = ""
    content: str
    dismissible: bool = True
    i18n: dict[str, dict[Literal["title", "content"], str]] = {}
    """Title and content by locale: `{ja-JP: {content: …}}`."""


class NoticeText(Entry):
    """Markdown, or `file:` and a path relative to the manifest; empty = ours about mistakes and confidential data."""

    en: str = ""
    ja: str = ""


class NoticeEntry(Entry):
    """What each person confirms once before their first chat, by the filter `notices`."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "1"
    """Another one is shown to everybody again."""
    text: NoticeText = NoticeText()
    link: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s()<>]+)?$")] = ""
    """The company's rules: named in the notice, and from then on in a banner."""


class SuggestionEntry(Entry):
    """A starter prompt of an empty chat."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    subtitle: Annotated[str, StringConstraints(max_length=200)] = ""
    content: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    """The text that a click puts into the chat."""
    i18n: dict[str, "SuggestionTexts"] = {}
    """The same by locale: `{ja-JP: {title: …, subtitle: …, content: …}}`."""


class SuggestionTexts(Entry):
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    subtitle: Annotated[str, StringConstraints(max_length=200)] = ""
    content: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]


class NewModelsEntry(Entry):
    """A banner that names models which came after the first run."""

    days: Annotated[int, Field(ge=1, le=365)] = 14
    """For which it names them; the next run after that takes it away."""


class PromptEntry(Entry):
    command: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$")]
    name: str
    content: str
    """The text, or `file:` and a path relative to the manifest."""
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
