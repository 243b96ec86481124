"""Media that a conversation names by their addresses, put in as data for models that take nothing else."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.fetching.fetcher import Fetched, Wanted
from gateway.fetching.kinds import AUDIO, DOCUMENT, IMAGE
from gateway.translation.conversation import Turn
from gateway.translation.parts import Audio, Document, Image, Part, Source, ToolResult

MEDIA = "media:"
"""Begins the keys of media among those that a crossing wants."""
_KINDS: dict[type, str] = {Image: IMAGE, Audio: AUDIO, Document: DOCUMENT}
_decode = msgspec.msgpack.Decoder(Fetched).decode
pack = msgspec.msgpack.Encoder().encode


def key_of(wanted: Wanted) -> str:
    return f"{MEDIA}{wanted.kind}:{wanted.url}"


def wanted_of(key: str) -> Wanted:
    """Return the medium that a key stands for."""
    kind, _, url = key.removeprefix(MEDIA).partition(":")
    return Wanted(kind, url)


def media_keys(turns: Sequence[Turn]) -> list[str]:
    """Return the keys of media that are named by addresses of the web."""
    found = [key for turn in turns for part in turn.parts for key in _keys(part)]
    return list(dict.fromkeys(found))


def _keys(part: Part) -> list[str]:
    if isinstance(part, ToolResult):
        return [key for each in part.parts for key in _keys(each)]
    source = _source(part)
    if source is None or source.url is None or not is_of_web(source.url):
        return []
    return [key_of(Wanted(_KINDS[type(part)], source.url))]


def _source(part: Part) -> Source | None:
    return part.source if isinstance(part, Image | Audio | Document) else None


def is_of_web(url: str) -> bool:
    return url[:8].lower().startswith(("http:", "https:"))


def inlined(turns: tuple[Turn, ...], found: Mapping[str, bytes]) -> tuple[Turn, ...]:
    """Return turns with the media that were fetched in place of their addresses."""
    if not any(key.startswith(MEDIA) for key in found):
        return turns
    return tuple(
        msgspec.structs.replace(turn, parts=tuple(_with_data(part, found) for part in turn.parts)) for turn in turns
    )


def _with_data(part: Part, found: Mapping[str, bytes]) -> Part:
    if isinstance(part, ToolResult):
        return msgspec.structs.replace(part, parts=tuple(_with_data(each, found) for each in part.parts))
    source = _source(part)
    packed = found.get(key_of(Wanted(_KINDS[type(part)], source.url))) if source and source.url else None
    if source is None or not packed:
        return part
    medium = _decode(packed)
    if isinstance(part, Document) and medium.media_type.startswith("image/"):
        return Image(source=_data(source, medium), cache=part.cache)
    return msgspec.structs.replace(part, source=_data(source, medium))


def _data(source: Source, medium: Fetched) -> Source:
    return msgspec.structs.replace(source, url=None, data=medium.data, media_type=medium.media_type)
