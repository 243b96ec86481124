"""Recorded conversations: what is asked, what the models behind the plugin answer, what has to come back. YAML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from install.errors import UsageError

LARGEST = 2_000_000
"""Bytes of a file."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""One text, or several."""


class Part(BaseModel, extra="forbid", frozen=True):
    pass


class Expected(Part):
    """Everything named has to hold. Without `error`, none may happen; a status that opens has to end, always."""

    contains: Texts = ()
    lacks: Texts = ()
    equals: str | None = None
    matches: str | None = None
    """A regular expression, searched for."""
    thinks: Texts = ()
    statuses: Texts = ()
    """Parts of status lines, in this order."""
    notifies: Texts = ()
    sources: Texts = ()
    """Names of what is cited, in this order."""
    events: Texts = ()
    """Types of events, in this order; others may stand between them."""
    sent: Texts = ()
    """What the models get: all requests of the turn as JSON."""
    calls: Annotated[int, Field(ge=0)] | None = None
    """How often a model is asked."""
    error: str | None = None
    """A part of what a person reads instead of an answer."""
    max_ms: Annotated[float, Field(gt=0)] | None = None


class FileText(Part):
    name: str
    text: str


class Turn(Part):
    """`user` asks a pipe or goes through a filter; `assistant` is the answer that a filter or a button sees."""

    user: str = ""
    assistant: str = ""
    tool: str | None = None
    arguments: Mapping[str, Any] = {}
    task: str | None = None
    """Not a person's question but Open WebUI's, e.g. title_generation."""
    language: Literal["en", "ja"] | None = None
    files: tuple[FileText, ...] = ()
    browser: Any = None
    """What the person's page answers to a question of the plugin; without it there is no page."""
    stop_after_ms: Annotated[float, Field(gt=0, le=60_000)] | None = None
    expect: Expected = Expected()


class Person(Part):
    name: str = "Taro"
    role: Literal["user", "admin"] = "user"


class Answer(Part):
    """What a model says to requests that hold `when`."""

    when: str = ""
    text: Texts = ()
    """In these pieces."""
    thinking: str = ""
    status: Annotated[int, Field(ge=200, le=599)] = 200
    silent_ms: Annotated[float, Field(ge=0, le=60_000)] = 0
    """Before each piece."""


class Conversation(Part):
    """`{upstream}` in a setting is the address of the server with the recorded answers, up to /v1."""

    name: str
    user: Person = Person()
    language: Literal["en", "ja"] = "en"
    valves: Mapping[str, Any] = {}
    user_valves: Mapping[str, Any] = {}
    pipe: str | None = None
    """Which one, of a pipe that has several."""
    models: tuple[str, ...] = ("house-model",)
    answers: tuple[Answer, ...] = ()
    turns: Annotated[tuple[Turn, ...], Field(min_length=1)]


class File(Part):
    conversations: Annotated[tuple[Conversation, ...], Field(min_length=1)]


def read_conversations(path: Path) -> tuple[Conversation, ...]:
    """Read a file of recorded conversations. Raises `UsageError`."""
    try:
        if path.stat().st_size > LARGEST:
            raise _wrong(path, f"it is larger than {LARGEST:,} bytes")
        found = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        return File.model_validate(found if isinstance(found, dict) else {}).conversations
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _wrong(path, f"{where}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise _wrong(path, " ".join(str(error).split())) from error


def _wrong(path: Path, why: str) -> UsageError:
    return UsageError(f"{path}: {why}.", "docs/first-agent.md shows the form of a conversation.")


def conversation_files(plugin: Path) -> list[Path]:
    """Return the plugin's file of conversations: where `sekisho new` puts it, else beside the plugin.

    Raises `UsageError`.
    """
    here = plugin.resolve().parent
    places = [here.parent / "tests" / "conversations" / f"{plugin.stem}.yaml", here / f"{plugin.stem}.yaml"]
    found = [place for place in places if place.is_file()]
    if not found:
        raise UsageError(
            f"There is no conversation for {plugin} (looked for {', '.join(map(str, places))}).",
            "Write one, or pass it with --conversation.",
        )
    return found[:1]
