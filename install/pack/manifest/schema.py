"""The manifest: which plugins, models and settings the pack consists of. YAML, checked, errors with file and line."""

from pathlib import Path
from typing import Any, Literal

from pydantic import (
    PrivateAttr,
    ValidationError,
    field_validator,
)

from install.errors import ManifestError
from install.pack.manifest.entries import (
    AgentEntry,
    BannerEntry,
    ConnectionEntry,
    ConsoleEntry,
    DefaultModelEntry,
    EmbeddingsEntry,
    Entry,
    FunctionEntry,
    ImagesEntry,
    McpEntry,
    ModelEntry,
    Name,
    NewModelsEntry,
    NoticeEntry,
    OtherConnection,
    PipeEntry,
    PromptEntry,
    RerankEntry,
    SpeechEntry,
    SuggestionEntry,
    TaskModelEntry,
    ToolEntry,
    TranscriptionEntry,
)
from install.pack.manifest.yaml_file import line_of, read_yaml
from install.wording import say, spoken
from install.wording.manifest_sentences import VALUES

BUNDLED = Path(__file__).parents[2] / "pack.yaml"

PluginSection = Literal["filters", "pipes", "functions", "tools"]
FUNCTION_KINDS: tuple[PluginSection, ...] = ("filters", "functions", "pipes")


class Manifest(Entry):
    connection: ConnectionEntry = ConnectionEntry()
    """The gateway's."""
    connections: tuple[OtherConnection, ...] = ()
    models: tuple[ModelEntry, ...] | None = None
    """null (`all` in the file) = every chat model of the gateway."""
    default_filters: tuple[Name, ...] = ()
    filters: tuple[FunctionEntry, ...] = ()
    functions: tuple[FunctionEntry, ...] = ()
    """Actions: buttons below an answer."""
    pipes: tuple[PipeEntry, ...] = ()
    agents: tuple[AgentEntry, ...] = ()
    """As models, by the pipe `agents`, which need not be named beside them."""
    tools: tuple[ToolEntry, ...] = ()
    mcp: McpEntry | None = None
    """The gateway's tool servers as one connection of Open WebUI."""
    embeddings: EmbeddingsEntry | None = None
    rerank: RerankEntry | None = None
    speech: SpeechEntry | None = None
    transcription: TranscriptionEntry | None = None
    images: ImagesEntry | None = None
    task_model: TaskModelEntry | None = None
    default_model: DefaultModelEntry | None = None
    console: ConsoleEntry | None = None
    banners: tuple[BannerEntry, ...] = ()
    prompts: tuple[PromptEntry, ...] = ()
    notice: NoticeEntry | None = None
    suggestions: tuple[SuggestionEntry, ...] = ()
    new_models: NewModelsEntry | None = None
    _path: Path = PrivateAttr(default=BUNDLED)
    _tree: Any = PrivateAttr(default=None)

    @field_validator("models", mode="before")
    @classmethod
    def _all(cls, value: object) -> object:
        return None if value == "all" else value

    @property
    def folder(self) -> Path:
        """Folder that `file:` is relative to."""
        return self._path.parent

    def where(self, *keys: str | int) -> str:
        """Return file and line of a key, for errors that show only when the value is used."""
        return f"{self._path}:{line_of(self._tree, keys)}: {'.'.join(map(str, keys))}"


SECTIONS: dict[str, type[Entry]] = {
    "connection": ConnectionEntry,
    "connections": OtherConnection,
    "models": ModelEntry,
    "filters": FunctionEntry,
    "pipes": PipeEntry,
    "agents": AgentEntry,
    "functions": FunctionEntry,
    "tools": ToolEntry,
    "mcp": McpEntry,
    "embeddings": EmbeddingsEntry,
    "rerank": RerankEntry,
    "speech": SpeechEntry,
    "transcription": TranscriptionEntry,
    "images": ImagesEntry,
    "task_model": TaskModelEntry,
    "default_model": DefaultModelEntry,
    "console": ConsoleEntry,
    "banners": BannerEntry,
    "prompts": PromptEntry,
    "notice": NoticeEntry,
    "suggestions": SuggestionEntry,
    "new_models": NewModelsEntry,
}


def read_manifest(path: Path = BUNDLED) -> Manifest:
    """Read and check a manifest. Raises `ManifestError` with file, line, key, what is wrong and what is allowed."""
    values, tree = read_yaml(path)
    try:
        manifest = Manifest.model_validate({} if values is None else values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _manifest_error(path, tree, first) from error
    manifest._path, manifest._tree = path, tree
    _require_single(manifest)
    return manifest


def _require_single(manifest: Manifest) -> None:
    """Check that no two entries name one thing: they would undo each other at every run."""
    named = (("models", "name"), ("banners", "id"), ("prompts", "command"), ("connections", "url"))
    for section, field in (*named, *((kind, "name") for kind in (*FUNCTION_KINDS, "tools", "agents"))):
        seen: set[str] = set()
        for index, entry in enumerate(getattr(manifest, section) or ()):
            name = getattr(entry, field)
            if name in seen:
                raise ManifestError(
                    manifest.where(section, index), say("{name} is there twice", name=name), say("one entry each")
                )
            seen.add(name)


def _manifest_error(path: Path, tree: Any, error: Any) -> ManifestError:
    keys = error["loc"]
    name = ".".join(map(str, keys)) or say("the file")
    problem = say("unknown key") if error["type"] == "extra_forbidden" else _problem(error)
    section = SECTIONS.get(str(keys[0])) if len(keys) > 1 else None
    return ManifestError(f"{path}:{line_of(tree, keys)}", f"{name}: {problem}", _keys_of(section or Manifest))


def _problem(error: Any) -> str:
    """Return what is wrong with a value; our own checks say it themselves, pydantic in English."""
    values = error.get("ctx") or {}
    if error["type"] == "value_error":
        return str(values["error"])
    known = VALUES.get(error["type"]) if spoken() == "ja" else None
    return known.format(**values) if known else str(error["msg"])


def _keys_of(model: type[Entry]) -> str:
    return ", ".join(field.alias or name for name, field in model.model_fields.items())
