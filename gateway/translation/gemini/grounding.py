"""Sources and log probabilities of an answer's text, as Gemini tells them beside it."""

from collections.abc import Iterator
from typing import Any

from gateway.translation.checks import Fields
from gateway.translation.messages.answer_reader import object_of, text_of
from gateway.translation.parts import Citation

_MOST = 500
"""Citations of one chunk."""


def citations_of(candidate: Fields, text: str) -> Iterator[Citation]:
    """Yield the sources of the pieces of a text. Gemini counts the UTF-8 bytes of the text so far."""
    grounding = object_of(candidate.get("groundingMetadata"))
    chunks, encoded, found = _objects(grounding.get("groundingChunks")), text.encode("utf-8", "replace"), 0
    for support in _objects(grounding.get("groundingSupports")):
        indices = support.get("groundingChunkIndices")
        for index in indices if isinstance(indices, list) else ():
            if type(index) is int and 0 <= index < len(chunks) and found < _MOST:
                found += 1
                yield _citation(chunks[index], object_of(support.get("segment")), encoded)


def _citation(chunk: Fields, segment: Fields, encoded: bytes) -> Citation:
    source = object_of(chunk.get("web") or chunk.get("retrievedContext") or chunk.get("maps"))
    start, end = _place(segment.get("startIndex", 0), encoded), _place(segment.get("endIndex"), encoded)
    return Citation(
        url=text_of(source.get("uri")) or None,
        title=text_of(source.get("title")) or None,
        cited_text=text_of(source.get("text")) or None,
        start=start if end is not None else None,
        end=end if start is not None else None,
    )


def _place(index: Any, encoded: bytes) -> int | None:
    """Return a place in characters for one in bytes; None where the text has no such place."""
    if type(index) is not int or not 0 <= index <= len(encoded):
        return None
    return len(encoded[:index].decode("utf-8", "ignore"))


def logprobs_of(candidate: Fields) -> list[Fields] | None:
    """Return the log probabilities of a chunk's tokens as Chat Completions reports them; None where there are none."""
    found = object_of(candidate.get("logprobsResult"))
    chosen, top = _objects(found.get("chosenCandidates")), _objects(found.get("topCandidates"))
    if not chosen:
        return None
    others = [_objects(each.get("candidates")) for each in top]
    return [
        {**_token(each), "top_logprobs": [_token(other) for other in (others[at] if at < len(others) else ())]}
        for at, each in enumerate(chosen)
    ]


def _token(found: Fields) -> Fields:
    token, likely = text_of(found.get("token")), found.get("logProbability")
    number = float(likely) if isinstance(likely, int | float) else 0.0
    return {"token": token, "logprob": number, "bytes": list(token.encode("utf-8", "replace"))}


def _objects(found: Any) -> list[Fields]:
    return [object_of(each) for each in found] if isinstance(found, list) else []
