"""The same content attached more than once: sent once, counted once, named once."""

from typing import Any

from plugins.full_text.documents import Document


def merged(copies: list[Document]) -> Document:
    """Return the one that stays: where the text stood first, and whole if one of them is."""
    kept = min(copies, key=lambda one: (bool(one.reason), not one.on_branch, one.place))
    if any(one.item.get("context") == "full" for one in copies) and not kept.is_inline:
        kept.item = {**kept.item, "context": "full"}
    names = dict.fromkeys(one.name for one in copies if one.name != kept.name)
    kept.copies = [*names]
    return kept


def without_copies(files: list[Any], documents: list[Document]) -> tuple[list[Any], list[Document]]:
    """Return the request's files and the documents, each content once. The list and its items stay as they are."""
    groups: dict[str, list[Document]] = {}
    for document in documents:
        groups.setdefault(document.content or document.id or str(id(document)), []).append(document)
    stays: dict[int, Any] = {}
    kept = []
    for copies in groups.values():
        items = [id(one.item) for one in copies]
        one = merged(copies)
        stays |= dict.fromkeys(items)
        stays[items[copies.index(one)]] = one.item
        kept.append(one)
    order = {id(document): at for at, document in enumerate(documents)}
    shown = [stays.get(id(item), item) for item in files]
    return [item for item in shown if item is not None], sorted(kept, key=lambda one: order[id(one)])
