"""The document search as a place to search."""

from typing import Any

from open_webui.functions import get_function_module_by_id
from open_webui.models.functions import Functions
from open_webui.models.models import Models as ModelRows
from open_webui.utils.access_control import check_model_access
from starlette.exceptions import HTTPException

from plugins.research.readable import plain, readable
from plugins.research.run import Place, Source
from plugins.research.turn import Turn
from plugins.shared.json_values import dicts, label, words
from plugins.shared.log import log

DOCUMENT_SEARCH = "document_search"  # the function; its `find` gives passages


async def document_place(turn: Turn, user: Any) -> Place | None:
    function = await Functions.get_function_by_id(DOCUMENT_SEARCH)
    if not function or not function.is_active or function.type != "pipe":
        return None
    try:
        await check_model_access(user, await ModelRows.get_model_by_id(DOCUMENT_SEARCH))
        module = await get_function_module_by_id(turn.request, DOCUMENT_SEARCH)
    except Exception as error:  # whatever that function raises when it is loaded
        if not isinstance(error, HTTPException):
            log.warning("research: %s cannot be used: %s", DOCUMENT_SEARCH, type(error).__name__)
        return None
    asker = user.model_dump()

    async def search(query: str) -> list[Source]:
        found = [row for row in dicts(await module.find(query, asker, turn.request, limit=8)) if words(row.get("text"))]
        names = [label(row.get("name")) or "?" for row in found]
        keys = [
            f"{DOCUMENT_SEARCH}: {label(row.get('source')) or name}" for row, name in zip(found, names, strict=True)
        ]
        texts = [readable(words(row["text"])) for row in found]
        return [
            Source(key, plain(name), text, private=True) for key, name, text in zip(keys, names, texts, strict=True)
        ]

    return Place(turn.text["documents"], True, search) if hasattr(module, "find") else None
