"""Reading Open WebUI's own events."""

from collections.abc import Iterator

from plugins.agents.pieces import Piece, step
from plugins.agents.shown_files import embeds, files
from plugins.agents.sources import source
from plugins.shared.json_values import dict_of, label, words
from plugins.shared.types import Json


def status(chunk: Json) -> Iterator[Piece]:
    if chunk.get("type") == "status" and label(chunk.get("description")):
        yield step(label(chunk["description"]), chunk.get("done") is True)


def own_events(chunk: Json) -> Iterator[Piece]:
    """Read Open WebUI's own events: those that show something, none that runs code in a browser."""
    event = dict_of(chunk.get("event"))
    kind, data = event.get("type"), dict_of(event.get("data"))
    if kind == "status" and label(data.get("description")):
        yield step(label(data["description"]), data.get("done") is not False)
    elif kind in ("message", "chat:message:delta"):
        yield Piece("text", words(data.get("content")))
    elif kind in ("source", "citation"):
        yield from source(data)
    elif kind in ("files", "chat:message:files"):
        yield from files(data)
    elif kind in ("embeds", "chat:message:embeds"):
        yield from embeds(data)
