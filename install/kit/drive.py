"""Plays recorded conversations to a plugin inside the real Open WebUI."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import IO, Any

from install.errors import InstallError, UsageError
from install.kit.conversation import Conversation, Turn, conversation_files, read_conversations
from install.kit.judge import Observed, differences
from install.kit.recorded import RecordedModels, recorded_models
from install.kit.source import parse, read

HOST = Path(__file__).with_name("host.py")
READY = "plugin host is ready"
PYTHON = "SEKISHO_OPEN_WEBUI_PYTHON"
LONGEST_SILENCE = 300.0
"""Seconds without a word from Open WebUI, while it starts or while a plugin runs; then it is ended."""

SHOWN_OF_LOG = 1500
"""Characters of Open WebUI's log in an error."""

ENVIRONMENT = {
    "FROM_INIT_PY": "true",  # take the front end out of the package, as `open-webui serve` does
    "WEBUI_SECRET_KEY": "recorded",
    "OFFLINE_MODE": "true",
    "HF_HUB_OFFLINE": "1",
    "USE_SLIM_DOCKER": "true",
    "RAG_EMBEDDING_ENGINE": "openai",
    "ENABLE_OLLAMA_API": "false",
    "ENABLE_PIP_INSTALL_FRONTMATTER_REQUIREMENTS": "false",
    "PYTHONIOENCODING": "utf-8",
}

Json = dict[str, Any]


class NotLoaded(Exception):
    """Open WebUI could not load the plugin."""


@dataclass(frozen=True)
class Played:
    """A conversation that was played: for each of its turns, what came back and what was wrong with it."""

    plugin: Path
    name: str
    turns: tuple[tuple[Turn, Observed, tuple[str, ...]], ...] = ()
    trouble: str = ""
    """Why it was not played at all."""

    @property
    def passed(self) -> bool:
        return not self.trouble and all(not wrong for _, _, wrong in self.turns)

    @property
    def ms(self) -> float:
        return sum(observed.ms for _, observed, _ in self.turns)


@dataclass
class Host:
    """Open WebUI in a process of its own, and the models that it is connected to."""

    process: "subprocess.Popen[str]"
    python: Path
    log: IO[str]
    models: RecordedModels
    silence: float = LONGEST_SILENCE
    loaded: dict[Path, Json] = field(default_factory=dict)

    def call(self, op: str, **arguments: Any) -> Any:
        """Run an operation of host.py. Raises `InstallError`, or `NotLoaded` with what went wrong inside."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise host_failed(self.python, self.end_of_log()) from error
        answer = json.loads(self.line())
        if "error" in answer:
            raise NotLoaded(answer["error"])
        return answer["result"]

    def line(self) -> str:
        assert self.process.stdout
        # A plugin that blocks its event loop cannot be cancelled from within.
        watchdog = Timer(self.silence, self.process.kill)
        watchdog.start()
        try:
            line = self.process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise host_failed(self.python, self.end_of_log())
        return line

    def wait_until_ready(self) -> None:
        while self.line().strip() != READY:  # importing prints a banner
            pass

    def end_of_log(self) -> str:
        self.log.flush()
        text = Path(self.log.name).read_text(errors="replace")
        return text[-SHOWN_OF_LOG:].strip() or "it ended without a word, or was silent for too long"

    def load(self, plugin: Path) -> Json:
        """Load a plugin once; return `{kind, menu, schemas, i18n}`. Raises `NotLoaded`."""
        if plugin not in self.loaded:
            text = read(plugin)
            self.loaded[plugin] = self.call("load", kind=_kind(plugin, text), id=plugin.stem, content=text)
        return self.loaded[plugin]


def host_failed(python: Path, why: str) -> InstallError:
    return InstallError(
        f"Open WebUI does not run in {python}: {why}.", "Check that `open-webui` 0.12.4 is installed there."
    )


def open_webui_python(given: Path | None = None) -> Path:
    """Return Open WebUI's Python: `--python`, the environment's variable, or `.venv-open-webui` here or above.

    Raises `UsageError`.
    """
    named = given or (Path(value) if (value := os.environ.get(PYTHON)) else None)
    here = Path.cwd()
    places = [named] if named else [folder / ".venv-open-webui/bin/python" for folder in (here, *here.parents)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UsageError(
            f"There is no environment with Open WebUI (looked for {', '.join(map(str, places[:2]))}).",
            "Pass its Python with --python or SEKISHO_OPEN_WEBUI_PYTHON; `python3.11 -m venv .venv-open-webui && "
            ".venv-open-webui/bin/pip install open-webui==0.12.4` makes one.",
        )
    return found.absolute()  # a resolved link would leave the environment


@contextmanager
def running(python: Path) -> Iterator[Host]:
    """Start Open WebUI without a web server, which takes 10 to 50 seconds. Raises `InstallError`."""
    with (
        tempfile.TemporaryDirectory(prefix="sekisho-", ignore_cleanup_errors=True) as data,
        Path(data, "log").open("w", encoding="utf-8") as log,
        recorded_models() as models,
        _started(python, Path(data), log) as process,
    ):
        host = Host(process, python, log, models)
        try:
            host.wait_until_ready()
            yield host
        finally:
            process.kill()


def play(host: Host, plugin: Path, conversations: Iterable[Conversation]) -> Iterator[Played]:
    """Play conversations and yield each as it ends."""
    for conversation in conversations:
        try:
            yield Played(plugin, conversation.name, tuple(_turns(host, plugin, conversation)))
        except NotLoaded as error:
            yield Played(plugin, conversation.name, trouble=str(error))


def conversations_of(plugin: Path, files: Sequence[Path] = ()) -> list[Conversation]:
    """Return the conversations recorded for a plugin. Raises `UsageError`."""
    return [each for file in files or conversation_files(plugin) for each in read_conversations(file)]


def environment(data: Path) -> dict[str, str]:
    """Return the environment of the host: nothing of the caller's settings, no network, no large libraries."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    folders = {"HOME": str(data), "DATA_DIR": str(data), "STATIC_DIR": str(data / "static")}
    return {**inherited, **folders, **ENVIRONMENT}


def _started(python: Path, data: Path, log: IO[str]) -> "subprocess.Popen[str]":
    # -P: the folder of host.py has modules whose names must not hide others.
    command, pipe = [str(python), "-P", str(HOST)], subprocess.PIPE
    try:
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=log, text=True, encoding="utf-8", cwd=data, env=environment(data)
        )
    except OSError as error:
        raise host_failed(python, str(error)) from error


def _kind(plugin: Path, text: str) -> str:
    try:
        kind = parse(plugin, text).kind
    except SyntaxError as error:
        raise NotLoaded(f"line {error.lineno}: {error.msg}") from error
    if kind is None or kind.name == "event":
        raise NotLoaded("it has no class Pipe, Filter, Action or Tools")
    return kind.name


def _turns(host: Host, plugin: Path, conversation: Conversation) -> Iterator[tuple[Turn, Observed, tuple[str, ...]]]:
    about = host.load(plugin)
    host.models.models, host.models.answers = conversation.models, conversation.answers
    host.call("connect", url=host.models.url, models=list(conversation.models))
    user_id = host.call("person", name=conversation.user.name, role=conversation.user.role)
    common = {"kind": about["kind"], "id": plugin.stem}
    values = _filled(conversation.valves, host.models.url)
    host.call("settings", **common, values=values, user_id=user_id, user_values=dict(conversation.user_valves))
    messages: list[Json] = []
    for turn in conversation.turns:
        if turn.user:
            messages.append({"role": "user", "content": turn.user})
        asked = {**common, "model": _model(about, plugin.stem, conversation), "user_id": user_id, "messages": messages}
        observed = _observed(host, turn, {**asked, "language": turn.language or conversation.language})
        if not turn.task:
            messages.append({"role": "assistant", "content": observed.text})
        yield turn, observed, tuple(differences(turn.expect, observed))


def _observed(host: Host, turn: Turn, asked: Json) -> Observed:
    files = [host.call("file", user_id=asked["user_id"], **file.model_dump()) for file in turn.files]
    host.models.asked = []
    more = {"task": turn.task, "files": files, "assistant": turn.assistant, "browser": turn.browser}
    more |= {"tool": turn.tool or "", "arguments": dict(turn.arguments)} if asked["kind"] == "tool" else {}
    said = host.call("turn", **asked, **more, stop_after_ms=turn.stop_after_ms)
    return Observed(**said, asked=tuple(host.models.asked))


def _model(about: Json, id: str, conversation: Conversation) -> str:
    """Return what the person picked in the menu."""
    if about["kind"] != "pipe":
        return conversation.models[0] if conversation.models else "house-model"
    chosen = conversation.pipe or next(iter(about["menu"]), None)
    return f"{id}.{chosen}" if chosen else id


def _filled(valves: Mapping[str, Any], url: str) -> Json:
    return {
        name: value.replace("{upstream}", url) if isinstance(value, str) else value for name, value in valves.items()
    }
