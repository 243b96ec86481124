"""The answer as chunks and sources of Open WebUI."""

import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from plugins.document_search.alone import is_alone
from plugins.document_search.answering import answered
from plugins.document_search.extracting import shown_text
from plugins.document_search.passages import Passage, Piece
from plugins.document_search.turn import Turn
from plugins.shared.log import log
from plugins.shared.trouble import Trouble
from plugins.shared.turn import chunk_of, completion_of, envelope
from plugins.shared.types import Json


def name_of(turn: Turn, passage: Passage) -> str:
    place = turn.text["place"].format(page=passage.place) if passage.place else ""
    return turn.text["part"].join(filter(None, [passage.name, place]))


def source_of(turn: Turn, number: int, passage: Passage) -> Json:
    """Return a citation with a name of its own: Open WebUI counts sources by their names."""
    place = turn.text["place"].format(page=passage.place) if passage.place else ""
    name = turn.text["part"].join(filter(None, [passage.name, place]))
    taken = [name_of(turn, earlier) for earlier in turn.cited[: number - 1]]
    if taken.count(name):
        name = turn.text["numbered"].format(name=name, number=number)
    about: Json = {"source": passage.url or passage.key, "name": name}
    about |= {"file_id": passage.file_id} if passage.file_id else {}
    about |= {"page": passage.place - 1} if passage.place else {}
    url = {"url": passage.url} if passage.url else {}
    return {
        "source": {"id": passage.key, "name": name, **url},
        "document": [shown_text(turn, number)],
        "metadata": [about],
    }


async def relay(turn: Turn) -> AsyncGenerator[Piece, None]:
    """Yield the answer in order, each source before it is cited; trouble comes as a sentence."""
    text, started = turn.text, time.monotonic()
    try:
        async with aclosing(answered(turn)) as pieces:
            shown = 0
            if is_alone(turn):
                yield Piece("text", f"{text['alone']}\n\n")
            async for piece in pieces:
                for number, passage in enumerate(turn.cited[shown:], shown + 1):
                    yield Piece("source", source_of(turn, number, passage))
                shown = len(turn.cited)
                yield piece
    except Trouble as trouble:
        yield Piece("trouble", text[trouble.key].format(**trouble.said))
    except Exception:
        log.exception("document_search: the search failed")
        yield Piece("trouble", text["broken"])
    finally:
        said = {"documents": f"{turn.documents:,}", "cited": len(turn.cited)}
        line = text[turn.ending].format(**said, seconds=round(time.monotonic() - started))
        await turn.say(text["part"].join([line, *turn.notes]), done=True)


async def streamed(turn: Turn) -> AsyncGenerator[Json, None]:
    sources: list[Json] = []
    async with aclosing(relay(turn)) as pieces:
        async for kind, value in pieces:
            if kind == "text":
                yield chunk_of(turn, {"content": value})
            elif kind == "source":
                sources.append(value)
                await turn.emit("source", value)
            elif kind == "usage":
                yield {"choices": [], "usage": value}
            else:
                yield {"error": {"message": value}}
    if sources and not turn.in_chat:
        yield {**envelope(turn, "chat.completion.chunk"), "choices": [], "sources": sources}


async def collected(turn: Turn) -> Json:
    """Return the answer in one piece, as chat.completion; only `error` where there is trouble and nothing else."""
    said: dict[str, list[Any]] = defaultdict(list)
    async with aclosing(relay(turn)) as pieces:
        async for kind, value in pieces:
            said[kind].append(value)
            if kind == "source":
                await turn.emit("source", value)
    if said["trouble"] and not said["text"]:
        return {"error": {"message": said["trouble"][0]}}
    message = {"role": "assistant", "content": "".join(said["text"] + said["trouble"])}
    more = {"sources": said["source"], **({"usage": said["usage"][0]} if said["usage"] else {})}
    return completion_of(turn, message, **more)
