"""Attached files of which nothing was read."""

from typing import Any

from plugins.shared.brief import short
from plugins.shared.status_line import TOLD_FILES


def has_words(document: Any) -> bool:
    return bool(str(document or "").strip())


def is_inline(item: dict[str, Any]) -> bool:
    """Return whether the page of a temporary chat read this file itself, and sent its text along."""
    return bool(item.get("type") == "text" and item.get("id") and not (item.get("collection_name") or item.get("url")))


def unread_files(metadata: dict[str, Any], model: dict[str, Any]) -> list[str]:
    """Return the names of attached files of which not a word reached the model; Open WebUI swallows the reason."""
    capabilities = ((model.get("info") or {}).get("meta") or {}).get("capabilities") or {}
    if not capabilities.get("file_context", True) or metadata.get("tool_approval_resume"):
        return []
    read = [source for source in metadata.get("sources") or [] if any(map(has_words, source.get("document") or []))]
    read_ids = {(source.get("source") or {}).get("id") for source in read}
    told_files = metadata.get(TOLD_FILES) or []
    names = [
        short(item.get("name") or item.get("id"))
        for item in metadata.get("files") or []
        if isinstance(item, dict)
        and (item.get("type") == "file" or is_inline(item))
        and item.get("id") not in told_files
        # Search may rightly find nothing in one of several files; a whole file, or all of them, is another matter.
        and item.get("id") not in read_ids
        and (item.get("context") == "full" or is_inline(item) or not read)
    ]
    return [*dict.fromkeys(names)]
