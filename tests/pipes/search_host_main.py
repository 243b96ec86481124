"""Runs inside .venv-open-webui: what host_main.py does, with Open WebUI's vector store and knowledge bases."""

import asyncio
import json
import sys
import uuid
from typing import Any

from open_webui.models.files import FileForm, Files
from open_webui.models.knowledge import KnowledgeForm, Knowledges
from open_webui.models.users import Users
from open_webui.retrieval.utils import get_embedding_function
from open_webui.retrieval.vector.async_client import ASYNC_VECTOR_DB_CLIENT
from open_webui.utils.plugin import get_function_module_from_cache

from tests.fixtures import plugin_host_main as base
from tests.pipes import host_main

Json = dict[str, Any]


async def knowledge(owner: str, name: str, documents: list[Json], readers: list[Json] | None = None) -> str:
    """A knowledge base. A document is {"name", "text", "vector"?, "page"?}; without vectors nothing is embedded."""
    grants = [{"permission": "read", **reader} for reader in readers or []]
    made = await Knowledges.insert_new_knowledge(owner, KnowledgeForm(name=name, description="", access_grants=grants))
    items = []
    for document in documents:
        id = str(uuid.uuid4())
        form = FileForm(id=id, filename=document["name"], path="", data={"content": document["text"]}, hash=id, meta={})
        await Files.insert_new_file(owner, form)
        await Knowledges.add_file_to_knowledge_by_id(made.id, id, owner)
        about = {"name": document["name"], "source": document["name"], "file_id": id}
        about |= {"page": document["page"]} if "page" in document else {}
        if "vector" in document:
            vector = document["vector"]
            items.append({"id": str(uuid.uuid4()), "text": document["text"], "vector": vector, "metadata": about})
    if items:
        await ASYNC_VECTOR_DB_CLIENT.insert(made.id, items)
    return str(made.id)


async def delete_knowledge(id: str) -> None:
    if await ASYNC_VECTOR_DB_CLIENT.has_collection(id):
        await ASYNC_VECTOR_DB_CLIENT.delete_collection(id)
    await Knowledges.delete_knowledge_by_id(id)


async def embeddings(url: str, during: str = "") -> None:
    """Open WebUI's embeddings; empty: none. `during`: a knowledge base that disappears while a question is embedded."""
    asked: Any = get_embedding_function("openai", "e5", None, f"{url}/v1", "none", 16) if url else None

    async def and_delete(query: Any, prefix: Any = None, user: Any = None) -> Any:
        await delete_knowledge(during)
        return await asked(query, prefix=prefix, user=user)

    base.app.state.EMBEDDING_FUNCTION = and_delete if during else asked


async def find(questions: list[str], user: Json, limit: int = 5) -> list[list[str]]:
    """The names of the documents, best first, for each question."""
    request = base.request_for({}, {}, {})
    module, *_ = await get_function_module_from_cache(request, "document_search")
    asker = (await Users.get_user_by_id(user["id"])).model_dump()
    found = []
    for question in questions:
        found.append([each["name"] for each in await module.find(question, asker, request, limit)])
    return found


async def shelves() -> Json:
    """What is kept in memory: when each was read."""
    await get_function_module_from_cache(base.request_for({}, {}, {}), "document_search")
    kept = sys.modules["function_document_search"].SHELVES
    return {key: {"read_at": shelf.read_at, "by_words": shelf.index is not None} for key, shelf in kept.items()}


async def bound(name: str, value: int) -> None:
    """One of the plugin's limits, and nothing kept from before."""
    await get_function_module_from_cache(base.request_for({}, {}, {}), "document_search")
    module = sys.modules["function_document_search"]
    setattr(module, name, value)
    module.SHELVES.clear()


async def pure(function: str, arguments: list[Any]) -> Any:
    """What a pure function of the plugin gives."""
    await get_function_module_from_cache(base.request_for({}, {}, {}), "document_search")
    return json.loads(json.dumps(getattr(sys.modules["function_document_search"], function)(*arguments), default=vars))


OPERATIONS: tuple[Any, ...] = (knowledge, delete_knowledge, embeddings, find, shelves, bound, pure)
base.OPERATIONS |= {operation.__name__: operation for operation in (*host_main.OPERATIONS, *OPERATIONS)}

if __name__ == "__main__":
    asyncio.run(base.main())
