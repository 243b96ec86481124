"""Open WebUI's document search, pointed at an embedding model of the gateway."""

from collections.abc import Iterator
from functools import partial

from install.open_webui import OpenWebUI
from install.open_webui.admin import Json
from install.pack.change import Action, Change
from install.pack.desired import Embeddings

# Saving does not compute anything anew: vectors of another model stay and no longer match.
REINDEX = "files uploaded before need Admin > Settings > Documents > Reindex"


def diff(wanted: Embeddings, config: Json) -> Iterator[Change]:
    current, ours = _parts(config), _parts(_merged(wanted, config))
    details = [f"{name}: {value if name != 'key' else '***'}" for name, value in ours.items() if current[name] != value]
    if not details:
        yield Change("embeddings", wanted.model, Action.UNCHANGED)
        return
    if current["model"] != wanted.model:
        details.append(REINDEX)
    yield Change("embeddings", wanted.model, Action.UPDATE, tuple(details), partial(_apply, wanted))


def _parts(config: Json) -> dict[str, str]:
    return {
        "engine": config["RAG_EMBEDDING_ENGINE"],
        "model": config["RAG_EMBEDDING_MODEL"],
        "url": config["openai_config"]["url"],
        "key": config["openai_config"]["key"],
    }


def _merged(wanted: Embeddings, config: Json) -> Json:
    return {
        **config,
        "RAG_EMBEDDING_ENGINE": "openai",
        "RAG_EMBEDDING_MODEL": wanted.model,
        "openai_config": {"url": wanted.url, "key": wanted.key.reveal()},
    }


def _apply(wanted: Embeddings, client: OpenWebUI) -> None:
    client.set_embedding(_merged(wanted, client.embedding()))
