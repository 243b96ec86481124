"""What each section of the manifest may hold."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveInt, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")]


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
    valves: dict[str, JsonValue] = {}


class ToolEntry(Named):
    groups: tuple[str, ...] = ()
    valves: dict[str, JsonValue] = {}


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


class BannerEntry(Entry):
    id: Name
    type: Literal["info", "success", "warning", "error"] = "info"
    title: str = ""
    content: str
    dismissible: bool = True
    i18n: dict[str, dict[Literal["title", "content"], str]] = {}
    """Title and content by locale: `{ja-JP: {content: …}}`."""


class PromptEntry(Entry):
    command: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$")]
    name: str
    content: str
    """The text, or `file:` and a path relative to the manifest."""
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
