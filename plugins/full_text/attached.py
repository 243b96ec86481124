"""Which files are the user's own, and which message brought them."""

from collections.abc import Iterable
from typing import Any

from open_webui.models.chats import Chats
from open_webui.models.folders import Folders
from open_webui.utils.chat_id import is_saved_chat_id

from plugins.full_text.documents import Document
from plugins.full_text.messages import message_text, questions
from plugins.shared.brief import short


def file_ids(items: Iterable[Any]) -> set[str]:
    return {item["id"] for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)}


def ancestors(messages: dict[str, Any], id: Any) -> list[dict[str, Any]]:
    """Return the user's messages above, the nearest first."""
    found, seen = [], set()
    while id in messages and id not in seen:
        seen.add(id)
        if messages[id].get("role") == "user":
            found.append(messages[id])
        id = messages[id].get("parentId")
    return found


def knowledge_ids(model: dict[str, Any]) -> set[str]:
    knowledge = ((model.get("info") or {}).get("meta") or {}).get("knowledge") or []
    return {str(item.get(key)) for item in knowledge for key in ("id", "collection_name") if item.get(key)}


async def project_ids(metadata: dict[str, Any], user_id: str) -> set[str]:
    chat_id, folder_id = metadata.get("chat_id"), metadata.get("folder_id")
    if is_saved_chat_id(chat_id):
        folder_id = await Chats.get_chat_folder_id(chat_id, user_id) or folder_id
    folder = await Folders.get_folder_by_id(folder_id) if folder_id else None
    return file_ids((folder.data or {}).get("files") or []) if folder else set()


async def attached_places(
    items: list[dict[str, Any]], metadata: dict[str, Any], asked: int
) -> dict[str, tuple[int, bool]]:
    """Return the ids of attached files, each with the number of the question that brought it among the `asked` ones,
    and whether that question is on this branch of the chat.
    """
    chat_id = metadata.get("chat_id")
    newest = metadata.get("user_message") or {}
    if is_saved_chat_id(chat_id):
        # Other models of the same turn share `files`, so that their knowledge can be among them: the messages decide.
        messages = await Chats.get_messages_map_by_chat_id(chat_id) or {}
    else:
        # Temporary chats and API callers: the request is all there is. The caller listed the files, asked for this
        # filter, and could have set context "full" as well; `examine` still refuses what the caller may not read.
        messages = {"": {"role": "user", "files": items}}
    asking = [one for one in messages.values() if one.get("role") == "user"]
    places = {id: (0, False) for one in asking for id in file_ids(one.get("files") or [])}
    chain = [newest, *ancestors(messages, newest.get("parentId") or newest.get("parent_id"))]
    for age, message in enumerate(chain):  # from the newest to the oldest, so that the first mention wins
        places |= dict.fromkeys(file_ids(message.get("files") or []), (max(0, asked - 1 - age), True))
    return places


async def attached_documents(
    body: dict[str, Any], metadata: dict[str, Any], model: dict[str, Any], user_id: str, with_knowledge: bool
) -> list[Document]:
    """Return what the user attached in this chat; knowledge of model and project only if the administrator wants it."""
    files = [item for item in body.get("files") or [] if isinstance(item, dict)]
    items = [item for item in files if item.get("type") == "file" and isinstance(item.get("id"), str)]
    inline = [] if is_saved_chat_id(metadata.get("chat_id")) else [item for item in files if is_inline_file(item)]
    if not items and not inline:
        return []
    places = await attached_places([*items, *inline], metadata, len(questions(body)))
    shared = knowledge_ids(model) | await project_ids(metadata, user_id)
    own = file_ids(items) if with_knowledge else set(places) - shared
    kept = [*(item for item in items if item["id"] in own), *inline]
    found = [(item, places.get(str(item.get("id")), (0, False))) for item in kept]
    return [Document(item, short(item.get("name") or item.get("id")), place, on) for item, (place, on) in found]


def is_inline_file(item: dict[str, Any]) -> bool:
    """Return whether the page of a temporary chat read this file itself; web pages have a collection, and no file."""
    return item.get("type") == "text" and not item.get("collection_name") and not item.get("url")


def why_files_are_ignored(body: dict[str, Any], model: dict[str, Any]) -> str:
    """Return a key of TEXT if Open WebUI would drop the text of all files without a word, else an empty text."""
    capabilities = ((model.get("info") or {}).get("meta") or {}).get("capabilities") or {}
    if not capabilities.get("file_context", True):
        return "model"
    prompts = [message_text(message) for message in questions(body)]
    return "" if prompts and prompts[-1] else "no_prompt"
