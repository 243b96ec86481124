"""Reading what agents say: one small function for each thing that a chunk may hold."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from plugins.agents.frameworks import dify, langchain, langgraph, n8n
from plugins.agents.open_webui_events import own_events, status
from plugins.agents.openai import chat_text, chat_thinking, chat_tools, responses, unstreamed_response
from plugins.agents.pieces import Piece, trouble_said, usage_of
from plugins.agents.shown_files import embeds, files, images
from plugins.agents.sources import annotations, sources
from plugins.shared.json_values import dict_of
from plugins.shared.types import Json

EXTRACTORS: tuple[Callable[[Json], Iterable[Piece]], ...] = (
    chat_thinking,
    chat_tools,
    chat_text,
    annotations,
    responses,
    unstreamed_response,
    dify,
    langchain,
    langgraph,
    n8n,
    own_events,
    status,
    sources,
    images,
    files,
    embeds,
    usage_of,
    trouble_said,
)


def pieces_of(chunk: Any) -> Iterator[Piece]:
    """Yield what a JSON value from an agent says, skipping what is unknown. Pure, and raises nothing."""
    if isinstance(chunk, list):
        for part in chunk[:1000]:
            yield from pieces_of(part) if isinstance(part, dict) else ()
        return
    for extract in EXTRACTORS:
        for piece in extract(dict_of(chunk)):
            if piece.value:
                yield piece
