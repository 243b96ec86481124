"""Pieces of an answer, and readers of JSON that make them."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from plugins.shared.json_values import dict_of, items, label
from plugins.shared.trouble import Trouble
from plugins.shared.types import Json


class Piece(NamedTuple):
    """Something an agent said. kind: text, last_text (for a stream without text), thinking, tool, result, source,
    status, files, embeds, usage, trouble."""

    kind: str
    value: Any


LONGEST_PASSAGE = 20_000  # characters of a source, of a tool's arguments, of its result
MOST_SHOWN = {"source": 200, "status": 300, "files": 30, "embeds": 10, "tool": 200}


def compact(value: Any) -> str:
    """Return arguments or a result as they are shown."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text[:LONGEST_PASSAGE]


def at(value: Any, *path: str | int) -> Any:
    for step in path:
        if isinstance(step, int):
            value = items(value)[step] if len(items(value)) > step else None
        else:
            value = dict_of(value).get(step)
    return value


def web(url: Any) -> str:
    return url if isinstance(url, str) and re.match(r"https?://", url) and len(url) <= 4096 else ""


def delta_of(chunk: Json) -> Json:
    """Return the delta of OpenAI's chat API or, where the agent does not stream, the whole message."""
    choice = dict_of(at(chunk, "choices", 0))
    return dict_of(choice.get("delta")) or dict_of(choice.get("message"))


def step(description: str, ends: bool) -> Piece:
    return Piece("status", {"description": description, "done": ends})


def said_no(detail: Any) -> Piece:
    return Piece("trouble", Trouble("said", detail=label(detail if isinstance(detail, str) else "") or "?"))


def usage_of(chunk: Json) -> Iterator[Piece]:
    counted = dict_of(chunk.get("usage"))
    if counted and len(json.dumps(counted, default=str)) < 10_000:
        yield Piece("usage", counted)


def trouble_said(chunk: Json) -> Iterator[Piece]:
    if error := chunk.get("error"):
        yield said_no(at(error, "message") or at(error, "detail") or error)
    elif chunk.keys() == {"detail"} and isinstance(chunk["detail"], str):  # FastAPI
        yield said_no(chunk["detail"])
