"""Open WebUI's services (embeddings, speech, images …), pointed at models of the gateway."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from install.pack.inputs import Options, PlanInputs, model_not_offered
from install.pack.manifest.entries import EmbeddingsEntry
from install.pack.manifest.values import plain
from install.pack.resources.kind import Wanted
from install.pack.tree import get
from install.wording import term

# Saving does not compute anything anew: vectors of another model stay and no longer match.
REINDEX = "files uploaded before need Admin > Settings > Documents > Reindex"

# These are built once in each process of Open WebUI, and saving builds them anew in one.
REBUILT = ("embeddings", "rerank")
REPLICAS = "where several replicas run, restart the others"


class Source(Enum):
    """Where the value of a setting comes from, when it is no constant."""

    MODEL = "the entry's model, as the gateway names it"
    MENU_MODEL = "the entry's model, as people see it in Open WebUI"
    URL = "the gateway's address"
    RERANK_URL = "the gateway's address for reranking"
    KEY = "the gateway's key"


@dataclass(frozen=True, slots=True)
class Service:
    """A section of the manifest and the settings that follow from it."""

    section: str
    mode: str
    """Mode that the model has to have at the gateway."""
    values: Mapping[str, object]
    """Settings by name: a constant or a `Source`."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Settings that a field of the entry holds, where it is set."""
    edit: Mapping[str, object] = field(default_factory=dict)
    """Further settings where the entry's `edit` is on."""


def _openai(prefix: str, *, model: str = "model", enable: bool = False) -> dict[str, object]:
    """Return the settings with which most services of Open WebUI call an OpenAI-compatible server."""
    switch = {f"{prefix}.enable": True} if enable else {}
    address = {f"{prefix}.openai.api_base_url": Source.URL, f"{prefix}.openai.api_key": Source.KEY}
    return {**switch, f"{prefix}.engine": "openai", f"{prefix}.{model}": Source.MODEL, **address}


SERVICES = (
    Service(
        "embeddings",
        "embedding",
        {
            "rag.embedding_engine": "openai",
            "rag.embedding_model": Source.MODEL,
            "rag.openai.api_base_url": Source.URL,
            "rag.openai.api_key": Source.KEY,
        },
        {"rag.embedding_batch_size": "batch_size", "rag.embedding_concurrent_requests": "concurrent_requests"},
    ),
    Service(
        "rerank",
        "rerank",
        {
            "rag.enable_hybrid_search": True,
            "rag.reranking_engine": "external",
            "rag.reranking_model": Source.MODEL,
            "rag.external_reranker_url": Source.RERANK_URL,
            "rag.external_reranker_api_key": Source.KEY,
        },
        {
            "rag.external_reranker_timeout": "timeout_text",
            "rag.top_k": "top_k",
            "rag.top_k_reranker": "top_k_reranker",
        },
    ),
    Service("speech", "speech", _openai("audio.tts"), {"audio.tts.voice": "voice"}),
    Service("transcription", "transcription", _openai("audio.stt")),
    Service(
        "images",
        "image",
        _openai("image_generation", enable=True),
        {"image_generation.size": "size"},
        edit=_openai("images.edit", enable=True),
    ),
    # One for chats with local models, one for the others: ours serves both.
    Service("task_model", "chat", dict.fromkeys(("task.model.default", "task.model.external"), Source.MENU_MODEL)),
    Service("default_model", "chat", {"ui.default_models": Source.MENU_MODEL}),
)


def wanted_settings(inputs: PlanInputs) -> Iterator[Wanted]:
    """Return the settings of each service in the manifest. Raises `GatewayError` where its model is missing."""
    for service in SERVICES:
        entry = getattr(inputs.manifest, service.section)
        if service.section == "embeddings":
            entry = _embeddings(inputs.options, entry)
        if entry is not None:
            group = service.section.replace("_", " ")
            values = _values(inputs, service, entry)
            notes = _notes(inputs, group, values)
            yield Wanted("setting", group, {(name,): value for name, value in values.items()}, notes=notes)


def _embeddings(options: Options, entry: EmbeddingsEntry | None) -> EmbeddingsEntry | None:
    """Return the model that was named, else what the manifest says, else the stack's usual one."""
    if options.embedding_model:
        return EmbeddingsEntry(name=options.embedding_model)
    usual = options.usual_embedding_model
    return EmbeddingsEntry(name=usual) if entry is None and usual else entry


def _values(inputs: PlanInputs, service: Service, entry: Any) -> Mapping[str, object]:
    model = _offered(inputs, entry.name, service.section, service.mode)
    sources: Mapping[object, object] = {
        Source.MODEL: model,
        Source.MENU_MODEL: inputs.prefixed(model),
        Source.URL: inputs.url,
        Source.RERANK_URL: f"{inputs.url}/rerank",
        Source.KEY: inputs.key,
    }
    edit = service.edit if getattr(entry, "edit", False) else {}
    values = {name: sources[value] if isinstance(value, Source) else value for name, value in service.values.items()}
    values |= {name: sources[value] if isinstance(value, Source) else value for name, value in edit.items()}
    stated = {name: getattr(entry, attribute) for name, attribute in service.fields.items()}
    return values | {name: value for name, value in stated.items() if value not in (None, "")}


def _notes(inputs: PlanInputs, group: str, values: Mapping[str, object]) -> tuple[str, ...]:
    now = {name: get(inputs.there("setting", group), (name,)) for name in values}
    if group not in REBUILT or all(now[name] == plain(value) for name, value in values.items()):
        return ()
    model = "rag.embedding_model"
    return (term(REPLICAS), *((term(REINDEX),) if model in values and now[model] != values[model] else ()))


def _offered(inputs: PlanInputs, name: str, section: str, mode: str) -> str:
    """Return the model's name if the gateway has one of this mode. Raises `GatewayError`."""
    names = {each["id"] for each in inputs.offered if each.get("mode", mode) == mode}
    if name not in names:
        raise model_not_offered(name, names, inputs.manifest.where(section))
    return name
