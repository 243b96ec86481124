"""Open WebUI's own settings, by group. A group owns the settings that the manifest names, and no other."""

from collections.abc import Callable, Iterable, Mapping

from install.open_webui import OpenWebUI
from install.pack.resources.kind import Kind
from install.pack.tree import Json, Path, get
from install.wording import term

EMBEDDING_FORM: Mapping[str, tuple[str, ...]] = {
    "rag.embedding_engine": ("RAG_EMBEDDING_ENGINE",),
    "rag.embedding_model": ("RAG_EMBEDDING_MODEL",),
    "rag.embedding_batch_size": ("RAG_EMBEDDING_BATCH_SIZE",),
    "rag.enable_async_embedding": ("ENABLE_ASYNC_EMBEDDING",),
    "rag.embedding_concurrent_requests": ("RAG_EMBEDDING_CONCURRENT_REQUESTS",),
    "rag.openai.api_base_url": ("openai_config", "url"),
    "rag.openai.api_key": ("openai_config", "key"),
}

RERANK_FORM = {
    "rag.enable_hybrid_search": "ENABLE_RAG_HYBRID_SEARCH",
    "rag.top_k": "TOP_K",
    "rag.top_k_reranker": "TOP_K_RERANKER",
    "rag.reranking_engine": "RAG_RERANKING_ENGINE",
    "rag.reranking_model": "RAG_RERANKING_MODEL",
    "rag.external_reranker_url": "RAG_EXTERNAL_RERANKER_URL",
    "rag.external_reranker_api_key": "RAG_EXTERNAL_RERANKER_API_KEY",
    "rag.external_reranker_timeout": "RAG_EXTERNAL_RERANKER_TIMEOUT",
}


def _embedding(client: OpenWebUI, values: Json) -> None:
    # Only this endpoint builds the embedding function anew. It leaves the address of other engines alone.
    client.set_settings({name: values[name] for name in values if name.startswith("rag.openai.")})
    form = client.embedding()
    for name, value in values.items():
        *above, last = EMBEDDING_FORM[name]
        (form[above[0]] if above else form)[last] = value
    client.set_embedding(form)


def _rerank(client: OpenWebUI, values: Json) -> None:
    client.set_retrieval({RERANK_FORM[name]: value for name, value in values.items()})


Write = Callable[[OpenWebUI, Json], None]


def _import(client: OpenWebUI, values: Json) -> None:
    client.set_settings(values)


GROUPS: Mapping[str, Write] = {
    "connections": _import,
    "embeddings": _embedding,
    "rerank": _rerank,
    "speech": _import,
    "transcription": _import,
    "images": _import,
    "task model": _import,
    "default model": _import,
    "suggestions": _import,
}

# The last word of a name is enough below the group's heading, but for these.
LABELS = {
    "openai.enable": "OpenAI connections",
    "rag.enable_hybrid_search": "hybrid search",
    "rag.external_reranker_url": "address",
    "rag.external_reranker_api_key": "key",
    "rag.external_reranker_timeout": "timeout in seconds",
    "images.edit.enable": "editing",
    "images.edit.engine": "editing engine",
    "images.edit.model": "editing model",
    "images.edit.openai.api_base_url": "editing address",
    "images.edit.openai.api_key": "editing key",
    "ui.default_models": "of new chats",
    "ui.prompt_suggestions": "starter prompts",
    "ui.prompt_suggestions_i18n": "translations",
    "task.model.default": "beside local models",
    "task.model.external": "beside other models",
}
WORDS = {"api_base_url": "address", "api_key": "key", "enable": "enabled"}
FILLERS = ("embedding_", "reranking_")


class Settings(Kind):
    name = "setting"

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        stored = client.settings()
        return dict.fromkeys(GROUPS, stored)

    def unchanged(self, planned: Json, now: Json | None, paths: Iterable[Path]) -> bool:
        # A group shows all settings, and others of this run have been written meanwhile.
        return all(get(planned, path) == get(now, path) for path in paths)

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        before, after = current or {}, target or {}
        values = {name: after[name] for name in after if before.get(name) != after[name] or name not in before}
        if values:
            GROUPS[id](client, values)

    def label(self, path: Path) -> str:
        word = path[0].rpartition(".")[2]
        for filler in FILLERS:
            word = word.removeprefix(filler)
        return term(LABELS.get(path[0]) or WORDS.get(word) or word.replace("_", " "))
