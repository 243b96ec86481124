"""Media by address in requests that stay in their dialect: found in the client's members, replaced there by data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gateway import lenient
from gateway.fetching.fetcher import Fetched, Wanted
from gateway.fetching.kinds import DOCUMENT, IMAGE
from gateway.translation.inlining import is_of_web
from gateway.wire import Members

_DEEPEST = 8
_ESCAPE = b"\\u"
"""Letters of a name may be written so."""
_Node = dict[str, Any]
_Found = tuple[Wanted, Callable[[Fetched], None]]
"""A medium, and what puts its data where its address stands."""


def media_of(dialect: str, fields: Members) -> tuple[dict[str, Any], list[_Found]]:
    """Return the members that name media by address, as Python data, with each medium in them."""
    if dialect not in _DIALECTS:
        return {}, []
    name, mark, read = _DIALECTS[dialect]
    text = bytes(fields.get(name, b""))
    if mark not in text and _ESCAPE not in text:
        return {}, []
    try:
        held = msgspec.json.decode(text)
    except lenient.UNREADABLE:
        return {}, []
    found = [each for each in _walked(held, read, _DEEPEST) if is_of_web(each[0].url)]
    return ({name: held} if found else {}), found


def put(found: Sequence[_Found], media: Mapping[Wanted, Fetched]) -> None:
    """Put data where the addresses stand."""
    for wanted, replace in found:
        replace(media[wanted])


def _walked(node: Any, read: Callable[[_Node], _Found | None], depth: int) -> Iterator[_Found]:
    if not depth:
        return
    if isinstance(node, list):
        for each in node:
            yield from _walked(each, read, depth - 1)
    elif isinstance(node, dict):
        if found := read(node):
            yield found
        for name in ("content", "output"):
            yield from _walked(node.get(name), read, depth - 1)


def _data_url(medium: Fetched) -> str:
    return f"data:{medium.media_type};base64,{medium.data}"


def _of_chat(part: _Node) -> _Found | None:
    image = part.get("image_url")
    if isinstance(image, str):
        return Wanted(IMAGE, image), lambda medium: part.update(image_url={"url": _data_url(medium)})
    if isinstance(image, dict) and isinstance(image.get("url"), str):
        return Wanted(IMAGE, image["url"]), lambda medium: image.update(url=_data_url(medium))
    return None


def _of_responses(part: _Node) -> _Found | None:
    if isinstance(image := part.get("image_url"), str):
        return Wanted(IMAGE, image), lambda medium: part.update(image_url=_data_url(medium))
    if isinstance(url := part.get("file_url"), str):
        return Wanted(DOCUMENT, url), lambda medium: _as_file(part, medium)
    return None


def _as_file(part: _Node, medium: Fetched) -> None:
    part.pop("file_url")
    part["file_data"] = _data_url(medium)
    part.setdefault("filename", f"file.{medium.media_type.rpartition('/')[2]}")


def _of_messages(part: _Node) -> _Found | None:
    source = part.get("source")
    if not isinstance(source, dict) or source.get("type") != "url" or not isinstance(source.get("url"), str):
        return None
    kind = IMAGE if part.get("type") == "image" else DOCUMENT

    def replace(medium: Fetched) -> None:
        del source["url"]
        source.update(type="base64", media_type=medium.media_type, data=medium.data)

    return Wanted(kind, source["url"]), replace


_DIALECTS: dict[str, tuple[str, bytes, Callable[[_Node], _Found | None]]] = {
    "chat": ("messages", b"image_url", _of_chat),
    "messages": ("messages", b'"url"', _of_messages),
    "responses": ("input", b"_url", _of_responses),
}
"""The member of a request in which media stand, without what it has none, and how they stand there."""
