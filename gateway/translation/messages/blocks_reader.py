"""Content blocks of a request into parts."""

from collections.abc import Callable
from typing import Any

from gateway.translation import seals
from gateway.translation.checks import (
    Fields,
    flag,
    missing,
    object_,
    objects,
    path,
    required_object,
    required_text,
    text,
    unknown,
    wrong_type,
)
from gateway.translation.messages.answer_reader import sealed
from gateway.translation.messages.arguments import arguments_of
from gateway.translation.messages.citations import read_citation
from gateway.translation.messages.media import extra, read_source
from gateway.translation.messages.names import DIALECT, FOREIGN_BLOCKS, WHOLE
from gateway.translation.messages.own import own_of, read_cache, without
from gateway.translation.parts import Document, Foreign, Image, Part, Source, Text, Thinking, ToolCall, ToolResult

_TEXT = frozenset(("type", "text", "cache_control", "citations", WHOLE))
_IMAGE = frozenset(("type", "source", "cache_control"))
_DOCUMENT = frozenset(("type", "source", "cache_control", "title", "context", "citations", WHOLE))
_CALL = frozenset(("type", "id", "name", "input", "cache_control"))
_RESULT = frozenset(("type", "tool_use_id", "content", "is_error", "cache_control"))
_THINKING = frozenset(("type", "thinking", "signature"))
_REDACTED = frozenset(("type", "data"))

IN_RESULT = frozenset(("text", "image", "document", "search_result", "tool_reference"))
ALLOWED = {
    "user": IN_RESULT | {"tool_result"},
    "assistant": IN_RESULT | {"tool_use", "thinking", "redacted_thinking"},
    "system": frozenset(("text",)),
}


def read_content(fields: Fields, at: str, allowed: frozenset[str], name: str = "content") -> tuple[Part, ...]:
    """Read what is a string or an array of blocks; an empty string has no part."""
    content = fields.get(name)
    where = path(at, name)
    if type(content) is str:
        return (Text(text=content),) if content else ()
    if content is None:
        raise missing(where, "a string or an array")
    if type(content) is not list:
        raise wrong_type(where, "a string or an array")
    return tuple(read_block(each, f"{where}[{number}]", allowed) for number, each in enumerate(content))


def read_block(found: Any, at: str, allowed: frozenset[str]) -> Part:
    """Read one block. Raises `InvalidRequest` for a type that is unknown, or that may not stand there."""
    if not isinstance(found, dict):
        raise wrong_type(at, "an object")
    kind = required_text(found, "type", at)
    if kind in allowed:
        return _READERS[kind](found, at)
    if kind in FOREIGN_BLOCKS:
        return Foreign(dialect=DIALECT, content=found)
    raise unknown(f"{at}.type", kind, ", ".join(sorted(allowed)))


def _text(block: Fields, at: str) -> Part:
    citations = tuple(read_citation(each) for each in objects(block, "citations", at))
    words = required_text(block, "text", at)
    return Text(text=words, citations=citations, cache=read_cache(block, at), own=own_of(block, _TEXT))


def _image(block: Fields, at: str) -> Part:
    found = required_object(block, "source", at)
    cache, own = read_cache(block, at), own_of(block, _IMAGE, source=extra(found))
    return Image(source=read_source(found, f"{at}.source"), cache=cache, own=own)


def _document(block: Fields, at: str) -> Part:
    found = required_object(block, "source", at)
    own = own_of(block, _DOCUMENT, source=extra(found))
    if found.get("type") == "content":
        words = _words(found, f"{at}.source")
        if words is None:
            return Foreign(dialect=DIALECT, content=block)
        source, own = Source(text=words), own_of(block, _DOCUMENT, source=found)
    else:
        source = read_source(found, f"{at}.source")
    return Document(
        source=source,
        name=text(block, "title", at),
        context=text(block, "context", at),
        cite=_cites(block, at),
        cache=read_cache(block, at),
        own=own,
    )


def _search_result(block: Fields, at: str) -> Part:
    """Read a search result as a document, which every dialect can carry; Messages gets it back as it came."""
    words = _words(block, at)
    if words is None:
        raise wrong_type(f"{at}.content", "an array of text blocks")
    whole = without(block, ("cache_control",))
    cache, own = read_cache(block, at), own_of(block, frozenset(block), **{WHOLE: whole})
    name, context = required_text(block, "title", at), required_text(block, "source", at)
    return Document(source=Source(text=words), name=name, context=context, cite=_cites(block, at), cache=cache, own=own)


def _tool_reference(block: Fields, at: str) -> Part:
    """Read the result of a search for tools as words, which every dialect can carry."""
    name = required_text(block, "tool_name", at)
    whole = without(block, ("cache_control",))
    own = own_of(block, frozenset(block), **{WHOLE: whole})
    return Text(text=f"The tool '{name}' can be called now.", cache=read_cache(block, at), own=own)


def _cites(block: Fields, at: str) -> bool:
    found = object_(block, "citations", at)
    return bool(found and flag(found, "enabled", f"{at}.citations"))


def _words(found: Fields, at: str) -> str | None:
    """Return the text of `content`; None where there is anything but text in it."""
    parts = read_content(found, at, IN_RESULT)
    texts = [each.text for each in parts if isinstance(each, Text)]
    return "\n".join(texts) if len(texts) == len(parts) else None


def _call(block: Fields, at: str) -> Part:
    found = required_object(block, "input", at)
    name, call = required_text(block, "name", at), required_text(block, "id", at)
    cache, own = read_cache(block, at), own_of(block, _CALL)
    return ToolCall(id=call, name=name, arguments=arguments_of(found), cache=cache, own=own)


def _result(block: Fields, at: str) -> Part:
    parts = () if block.get("content") is None else read_content(block, at, IN_RESULT)
    return ToolResult(
        call_id=required_text(block, "tool_use_id", at),
        parts=parts,
        is_error=bool(flag(block, "is_error", at)),
        cache=read_cache(block, at),
        own=own_of(block, _RESULT),
    )


def _thinking(block: Fields, at: str) -> Part:
    words, signature = text(block, "thinking", at) or "", text(block, "signature", at) or ""
    return sealed(words, signature, own_of(block, _THINKING))


def _redacted(block: Fields, at: str) -> Part:
    data = required_text(block, "data", at)
    own = own_of(block, _REDACTED)
    return seals.unwrapped(data, "") or Thinking(seal=data or None, redacted=True, origin=DIALECT, own=own)


_READERS: dict[str, Callable[[Fields, str], Part]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "tool_reference": _tool_reference,
    "tool_use": _call,
    "tool_result": _result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
