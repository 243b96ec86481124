"""Remove a person from the second copy of the ledger (`ledger.litellm`), object by object."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any

import msgspec

from gateway.casing import lower
from gateway.config.schema import Config, LiteLLM
from gateway.ledger.destination import open_store
from gateway.ledger.errors import NotForgotten
from gateway.ledger.store import Store

_AT_ONCE = 16
_ATTRIBUTES = {"Content-Type": "application/json"}
_PERSONAL = (
    "end_user",
    "requester_ip_address",
    "session_id",
    "user_api_key_hash",
    "user_api_key_alias",
    "user_api_key_user_id",
    "user_api_key_user_email",
    "user_api_key_end_user_id",
)
_EMPTY = {"end_user": "", "session_id": ""}
"""LiteLLM's empty values by field; None elsewhere."""
_NAMING = ("end_user", "user_api_key_user_id", "user_api_key_user_email", "user_api_key_end_user_id")


def forget_copies(config: Config, persons: Collection[str]) -> int:
    """Rewrite the copies that name one of the persons, read all of them again, and return how many were rewritten.

    Raises `StoreError`, `NotForgotten`.
    """
    settings = config.ledger.litellm
    if settings is None:
        return 0
    store = open_store(config, settings.destination)
    rewritten = sum(_each(store, lambda path: _rewrite(store, settings, path, persons)))
    store.settle()
    if left := sum(_each(store, lambda path: _names(store.get(path) or b"", persons))):
        raise NotForgotten(left)
    return rewritten


def _each(store: Store, work: Any) -> list[bool]:
    paths = [item.path for item in store.list() if item.path.endswith(".json")]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(work, paths))


def _rewrite(store: Store, settings: LiteLLM, path: str, persons: Collection[str]) -> bool:
    """Write an object without the person, its name without their key's alias; return whether it named the person."""
    content = store.get(path)
    if content is None or not _names(content, persons):
        return False
    found = msgspec.json.decode(content)
    metadata = found.get("metadata") if isinstance(found, dict) else None
    fields = {**found, **(metadata if isinstance(metadata, dict) else {})} if isinstance(found, dict) else {}
    alias = fields.get("user_api_key_alias")
    clean = _without(found, persons, theirs=any(lower(str(fields.get(name) or "")) in persons for name in _NAMING))
    place = _place(path, alias) if settings.key_prefix else path
    store.put(place, msgspec.json.encode(clean), _ATTRIBUTES)
    if place != path:
        store.delete([path])
    return True


def _names(content: bytes, persons: Collection[str]) -> bool:
    lowered = lower(content.decode(errors="replace"))
    if not any(person in lowered or msgspec.json.encode(person)[1:-1].decode() in lowered for person in persons):
        return False
    try:
        return _mentions(msgspec.json.decode(content), persons)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _mentions(node: Any, persons: Collection[str]) -> bool:
    if isinstance(node, str):
        return lower(node) in persons
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return any(_mentions(each, persons) for each in children)


def _without(node: Any, persons: Collection[str], *, theirs: bool) -> Any:
    """Return a payload without the person; without client address, chat and key, too, where the request was theirs."""
    if isinstance(node, list):
        return [_without(each, persons, theirs=theirs) for each in node]
    if not isinstance(node, dict):
        return None if isinstance(node, str) and lower(node) in persons else node
    clean = {name: _without(value, persons, theirs=theirs) for name, value in node.items()}
    if theirs:
        clean.update({name: _EMPTY.get(name) for name in _PERSONAL if name in clean})
        if "trace_id" in clean:
            clean["trace_id"] = clean.get("id")
    return clean


def _place(path: str, alias: str | None) -> str:
    """Return the object's path without the folder named after the key."""
    *folders, name = PurePosixPath(path).parts
    if alias in folders[:2]:
        folders.remove(alias)
    return "/".join([*folders, name])
