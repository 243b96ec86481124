"""Sources and log probabilities of an answer's text."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from gateway.translation.checks import Fields
from gateway.translation.cohere.names import DIALECT
from gateway.translation.messages.answer_reader import object_of, text_of
from gateway.translation.parts import Citation

_OF_TEXT = (None, "TEXT_CONTENT")
_LONGEST_ID = 500
_MOST = 500
"""Sources of one citation."""


def citations_of(found: Fields) -> Iterator[Citation]:
    """Yield the sources of a piece of the answer's text; none of a piece of the model's reasoning or plan."""
    if found.get("type") not in _OF_TEXT:
        return
    sources = found.get("sources")
    for source in [object_of(each) for each in sources[:_MOST]] if isinstance(sources, list) else []:
        content = object_of(source.get("document")) or object_of(source.get("tool_output"))
        yield Citation(
            url=_address(source, content),
            title=text_of(content.get("title")) or text_of(content.get("name")) or text_of(source.get("id")) or None,
            cited_text=text_of(found.get("text")) or None,
            start=_place(found.get("start")),
            end=_place(found.get("end")),
            own={DIALECT: found},
        )


def _address(source: Fields, content: Fields) -> str | None:
    """Return where a source is; documents and results of tools that have no address are named by their ids."""
    own, identity = text_of(content.get("url")), text_of(source.get("id"))[:_LONGEST_ID]
    if own.startswith(("https://", "http://")):
        return own
    kind = "tool" if source.get("type") == "tool" else "document"
    return f"{kind}:{quote(identity, safe=':', errors='replace')}" if identity else None


def _place(found: Any) -> int | None:
    return found if type(found) is int and found >= 0 else None


def logprobs_of(found: Any) -> list[Fields]:
    """Return the log probabilities of pieces of text as Chat Completions reports those of tokens."""
    pieces = found if isinstance(found, list) else [found]
    return [_token(each) for each in pieces if isinstance(each, dict) and isinstance(each.get("logprobs"), list)]


def _token(piece: Fields) -> Fields:
    text = text_of(piece.get("text"))
    likely = sum(each for each in piece["logprobs"] if isinstance(each, int | float))
    data = list(text.encode("utf-8", "replace"))
    return {"token": text, "logprob": float(likely), "bytes": data, "top_logprobs": []}
