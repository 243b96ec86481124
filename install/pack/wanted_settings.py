"""Open WebUI's services, pointed at models of the gateway."""

from collections.abc import Callable, Iterator, Mapping

from install.pack.desired import Given, not_offered
from install.pack.manifest_entries import EmbeddingsEntry
from install.pack.threeway import Wanted
from install.pack.told import plain
from install.pack.tree import get

# Saving does not compute anything anew: vectors of another model stay and no longer match.
REINDEX = "files uploaded before need Admin > Settings > Documents > Reindex"

# These are built once in each process of Open WebUI, and saving builds them anew in one.
REBUILT = ("embeddings", "rerank")
REPLICAS = "where several replicas run, restart the others"

Values = Mapping[str, object]


def wanted_settings(given: Given) -> Iterator[Wanted]:
    """Raises `GatewayError`."""
    for group, values in SECTIONS.items():
        if found := values(given):
            notes = _notes(given, group, found)
            yield Wanted("setting", group, {(name,): value for name, value in found.items()}, notes=notes)


def _notes(given: Given, group: str, values: Values) -> tuple[str, ...]:
    now = {name: get(given.there("setting", group), (name,)) for name in values}
    if group not in REBUILT or all(now[name] == plain(value) for name, value in values.items()):
        return ()
    model = "rag.embedding_model"
    return (REPLICAS, *((REINDEX,) if model in values and now[model] != values[model] else ()))


def _offered(given: Given, name: str, section: str, mode: str) -> str:
    """The model's name, once it is sure that the gateway has one of this mode. Raises `GatewayError`."""
    names = {each["id"] for each in given.offered if each.get("mode", mode) == mode}
    if name not in names:
        raise not_offered(name, names, given.manifest.where(section))
    return name


def _embeddings(given: Given) -> Values:
    entry = given.manifest.embeddings
    if given.options.embedding_model:
        entry = EmbeddingsEntry(name=given.options.embedding_model)
    if entry is None:
        return {}
    more = {"batch_size": entry.batch_size, "concurrent_requests": entry.concurrent_requests}
    return {
        "rag.embedding_engine": "openai",
        "rag.embedding_model": _offered(given, entry.name, "embeddings", "embedding"),
        "rag.openai.api_base_url": given.url,
        "rag.openai.api_key": given.key,
        **{f"rag.embedding_{name}": value for name, value in more.items() if value is not None},
    }


def _rerank(given: Given) -> Values:
    entry = given.manifest.rerank
    if entry is None:
        return {}
    more = {"rag.top_k": entry.top_k, "rag.top_k_reranker": entry.top_k_reranker}
    return {
        "rag.enable_hybrid_search": True,
        "rag.reranking_engine": "external",
        "rag.reranking_model": _offered(given, entry.name, "rerank", "rerank"),
        "rag.external_reranker_url": f"{given.url}/rerank",
        "rag.external_reranker_api_key": given.key,
        "rag.external_reranker_timeout": str(entry.timeout),
        **{name: value for name, value in more.items() if value is not None},
    }


def _speech(given: Given) -> Values:
    entry = given.manifest.speech
    if entry is None:
        return {}
    voice = {"audio.tts.voice": entry.voice} if entry.voice else {}
    return {
        "audio.tts.engine": "openai",
        "audio.tts.model": _offered(given, entry.name, "speech", "speech"),
        "audio.tts.openai.api_base_url": given.url,
        "audio.tts.openai.api_key": given.key,
        **voice,
    }


def _transcription(given: Given) -> Values:
    entry = given.manifest.transcription
    if entry is None:
        return {}
    return {
        "audio.stt.engine": "openai",
        "audio.stt.model": _offered(given, entry.name, "transcription", "transcription"),
        "audio.stt.openai.api_base_url": given.url,
        "audio.stt.openai.api_key": given.key,
    }


def _images(given: Given) -> Values:
    entry = given.manifest.images
    if entry is None:
        return {}
    model = _offered(given, entry.name, "images", "image")
    values: dict[str, object] = {
        "image_generation.enable": True,
        "image_generation.engine": "openai",
        "image_generation.model": model,
        "image_generation.openai.api_base_url": given.url,
        "image_generation.openai.api_key": given.key,
    }
    if entry.size is not None:
        values["image_generation.size"] = entry.size
    if entry.edit:
        values |= {
            "images.edit.enable": True,
            "images.edit.engine": "openai",
            "images.edit.model": model,
            "images.edit.openai.api_base_url": given.url,
            "images.edit.openai.api_key": given.key,
        }
    return values


def _task_model(given: Given) -> Values:
    entry = given.manifest.task_model
    if entry is None:
        return {}
    # One for chats with local models, one for the others: ours serves both.
    name = given.prefixed(_offered(given, entry.name, "task_model", "chat"))
    return {"task.model.default": name, "task.model.external": name}


def _default_model(given: Given) -> Values:
    entry = given.manifest.default_model
    if entry is None:
        return {}
    return {"ui.default_models": given.prefixed(_offered(given, entry.name, "default_model", "chat"))}


SECTIONS: Mapping[str, Callable[[Given], Values]] = {
    "embeddings": _embeddings,
    "rerank": _rerank,
    "speech": _speech,
    "transcription": _transcription,
    "images": _images,
    "task model": _task_model,
    "default model": _default_model,
}
