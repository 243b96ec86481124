"""A small request along every way on which Open WebUI calls models, and what the ledger says about it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.secret import Secret
from install.doctor.ledger import Row
from install.doctor.target import DoctorTarget
from install.errors import OpenWebUIError, Refused
from install.open_webui import Token, connect
from install.open_webui.paths import probe_failed
from install.pack.resources.agents import AGENTS, menu_id

QUESTION = "Answer with the word OK."
TOOL_QUESTION = "Call the tool get_current_timestamp, then tell me the result in one line."
PASSAGE = "Sekisho: the checkpoint on the old roads of Japan."

Off = str | None
"""A text of why there is nothing to probe."""


@dataclass(slots=True)
class Round:
    """The state that probes share: the model, and a chat that tasks belong to."""

    target: DoctorTarget
    model: str
    chat_id: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """`run` sends it, `rows` picks its records, `off` says why it is not configured."""

    name: str
    run: Callable[[Round], None]
    rows: Callable[[Round, Row], bool]
    off: Callable[[Round], Off]
    count: int = 1
    unsigned: str = "mend.jwt"
    """The remedy where nothing but headers tells who it was."""
    unknown: str = "mend.headers"
    """The remedy where nothing tells who it was."""
    silent: tuple[str, str] = ("found.nothing", "mend.elsewhere")
    """What is found and the remedy where nothing was recorded."""
    failed: str = "mend.probe"
    """The remedy where what was recorded failed."""
    passes: frozenset[str] = frozenset()
    """Errors that prove the way as well as success does."""


def _chat(round: Round) -> None:
    round.chat_id = round.target.client.paths.ask(round.model, QUESTION).chat_id


def _tools(round: Round) -> None:
    paths = round.target.client.paths
    kept = round.chat_id
    turn = paths.ask(round.model, TOOL_QUESTION)
    round.chat_id, former = turn.chat_id, kept
    if former:
        paths.forget_chat(former)


def _task(name: str) -> Callable[[Round], None]:
    return lambda round: round.target.client.paths.task(name, round.model, round.chat_id)


def _api_key(round: Round) -> None:
    key = round.target.client.paths.api_key()
    if key is None:
        raise probe_failed(round.target.text("off.no_key"))
    with connect(round.target.client.url, Token(Secret(key))) as client:
        client.paths.complete(round.model, QUESTION)


def _pipe(round: Round) -> None:
    round.target.client.paths.complete(_pipe_model(round) or "", QUESTION)


def _of_chat(task: str) -> Callable[[Round, Row], bool]:
    return lambda round, row: row["task"] == task and row["chat_id"] == round.chat_id


def _of_api(*apis: str) -> Callable[[Round, Row], bool]:
    return lambda round, row: row["api"] in apis


def _plain_chat(round: Round, row: Row) -> bool:
    return bool(row["task"] == "chat" and row["chat_id"] in (None, ""))


def _always(round: Round) -> Off:
    return None


def _switch(name: str) -> Callable[[Round], Off]:
    return lambda round: None if round.target.settings.get(name) else round.target.text("off.switched")


def _points(engine: str, url: str, *values: str, on: str = "", below: str = "") -> Callable[[Round], Off]:
    """Return whether a service uses one of these engines and the gateway's address, or one of a path `below` it."""

    def off(round: Round) -> Off:
        target = round.target
        if on and not target.settings.get(on):
            return target.text("off.switched")
        if target.settings.get(engine) not in values:
            return target.text("off.elsewhere", where=target.settings.get(engine) or "Open WebUI")
        return None if target.here(url, below) else target.text("off.elsewhere", where=target.settings.get(url))

    return off


def _hub_tool(round: Round) -> str | None:
    """Return the name of a tool that only reads, best without arguments, as a chat has it; None without one."""
    hub = round.target.hub
    if hub is None:
        return None
    id = hub["info"]["id"]
    listed = {tool["name"] for tool in round.target.client.paths.tools(id)}
    path = str(hub["url"]).removeprefix(round.target.url.removesuffix("/v1"))
    known = round.target.gateway.harmless_tools(path, Secret(hub["key"]))
    return next((f"{id}_{name}" for name in known if name in listed), None)


def _call_hub(round: Round) -> None:
    id = (round.target.hub or {})["info"]["id"]
    question = f"Call the tool {_hub_tool(round)} once, with any arguments that fit, then answer with the word OK."
    turn = round.target.client.paths.ask(round.model, question, tools=(f"server:mcp:{id}",))
    round.target.client.paths.forget_chat(turn.chat_id)


def _no_hub(round: Round) -> Off:
    if round.target.hub is None:
        return round.target.text("hub.none")
    try:
        return None if _hub_tool(round) else round.target.text("hub.no_harmless")
    except OpenWebUIError:
        return round.target.text("hub.silent", url=round.target.hub["url"])


def _no_key(round: Round) -> Off:
    try:
        return None if round.target.client.paths.api_key() else round.target.text("off.no_key")
    except Refused:
        return round.target.text("off.no_key")


def _pipe_model(round: Round) -> str | None:
    """Return an agent that the gateway lists; one that is asked past the gateway leaves no record."""
    target = round.target
    if target.connection is None or AGENTS not in {row["id"] for row in target.pack_functions() if row["is_active"]}:
        return None
    offered = target.client.models_behind(target.connection["url"], Secret(target.connection["key"]))
    listed = {f"{AGENTS}.{menu_id(each['id'])}" for each in offered if each.get("mode") == "agent"}
    return next((model["id"] for model in target.models if model["id"] in listed), None)


def _no_pipe(round: Round) -> Off:
    return None if _pipe_model(round) else round.target.text("off.no_pipe")


EMBEDDING = ("rag.embedding_engine", "rag.openai.api_base_url", "openai")
SPEECH = ("audio.tts.engine", "audio.tts.openai.api_base_url", "openai")
HEARING = ("audio.stt.engine", "audio.stt.openai.api_base_url", "openai")
RERANK = ("rag.reranking_engine", "rag.external_reranker_url", "external")
IMAGES = ("image_generation.engine", "image_generation.openai.api_base_url", "openai")

PROBES: tuple[Probe, ...] = (
    Probe("chat", _chat, _of_chat("chat"), _always, unsigned="mend.sign"),
    Probe("tools", _tools, _of_chat("chat"), _always, count=2, unsigned="mend.sign"),
    Probe("title", _task("title"), _of_chat("title_generation"), _switch("task.title.enable")),
    Probe("tags", _task("tags"), _of_chat("tags_generation"), _switch("task.tags.enable")),
    Probe("follow-ups", _task("follow-ups"), _of_chat("follow_up_generation"), _switch("task.follow_up.enable")),
    Probe("queries", _task("queries"), _of_chat("query_generation"), _switch("task.query.retrieval.enable")),
    Probe(
        "embeddings",
        lambda round: round.target.client.paths.embed(PASSAGE),
        _of_api("embeddings"),
        _points(*EMBEDDING),
        unknown="mend.forward",
    ),
    Probe(
        "rerank",
        lambda round: round.target.client.paths.rerank(PASSAGE, "Where do the old roads of Japan have a gate?"),
        _of_api("rerank"),
        _points(*RERANK, on="rag.enable_hybrid_search", below="/rerank"),
        unknown="mend.forward",
    ),
    Probe(
        "speech",
        lambda round: round.target.client.paths.speak(f"Sekisho {int(time.time())}"),
        _of_api("speech"),
        _points(*SPEECH),
        unknown="mend.forward",
    ),
    Probe(
        "transcription",
        lambda round: round.target.client.paths.transcribe(),
        _of_api("transcriptions", "transcription"),
        _points(*HEARING),
        unknown="mend.forward",
    ),
    Probe(
        "images",
        lambda round: round.target.client.paths.paint("A wooden gate on a mountain road"),
        _of_api("images", "image"),
        _points(*IMAGES, on="image_generation.enable"),
        unknown="mend.forward",
    ),
    Probe(
        "tool server",
        _call_hub,
        _of_api("mcp"),
        _no_hub,
        unknown="mend.hub_key",
        silent=("found.no_tool", "mend.tool"),
        failed="mend.hub_call",
        # The model chose arguments that the tool has no answer to.
        passes=frozenset({"invalid_arguments", "tool_error"}),
    ),
    Probe("pipe", _pipe, _plain_chat, _no_pipe),
    Probe("api key", _api_key, _plain_chat, _no_key, unsigned="mend.sign"),
)


def chat_model(target: DoctorTarget) -> str | None:
    """Return the chosen model, else the first chat model of the gateway that Open WebUI lists."""
    if target.model or target.connection is None:
        return target.model
    offered = target.client.models_behind(target.connection["url"], Secret(target.connection["key"]))
    chat = [f"{target.prefix}{each['id']}" for each in offered if each.get("mode", "chat") == "chat"]
    listed = {model["id"] for model in target.models}
    return next((name for name in chat if name in listed), None)
