"""`systemInstruction` and `contents` of a request into turns."""

from collections.abc import Iterator
from typing import Any

from gateway.translation.checks import (
    Fields,
    flag,
    missing,
    name_of,
    object_,
    objects,
    path,
    required_object,
    required_text,
    text,
    unknown,
    wrong_type,
)
from gateway.translation.conversation import Role, Turn
from gateway.translation.gemini.media import read_medium
from gateway.translation.gemini.names import DIALECT
from gateway.translation.gemini.own import own_of
from gateway.translation.gemini.responses import text_of_response
from gateway.translation.gemini.signatures import alone, before_call, on_text
from gateway.translation.messages.arguments import arguments_of
from gateway.translation.parts import Foreign, Own, Part, Source, Text, Thinking, ToolCall, ToolResult

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user", "tool": "user"}
_SIGNED = ("thought", "thoughtSignature")
_KINDS = ("text", "functionCall", "functionResponse", "inlineData", "fileData")
_FOREIGN = frozenset(("executableCode", "codeExecutionResult", "toolCall", "toolResponse"))


def read_turns(fields: Fields) -> Iterator[Turn]:
    """Yield the turns of a request. Raises `InvalidRequest` naming the member at fault."""
    system = fields.get("systemInstruction")
    if system is not None:
        yield from _system({"parts": [{"text": system}]} if isinstance(system, str) else system)
    contents = fields.get("contents")
    if contents is None:
        raise missing("contents", "an array")
    if isinstance(contents, dict):
        fields = {"contents": [contents]}
    reader = _Reader()
    for number, content in enumerate(objects(fields, "contents")):
        yield from reader.turns(content, f"contents[{number}]")


def _system(found: Any) -> Iterator[Turn]:
    if not isinstance(found, dict):
        raise wrong_type("systemInstruction", "an object")
    parts = tuple(_Reader().parts(found, "systemInstruction"))
    if parts:
        yield Turn(role="system", parts=parts, own=own_of(found, ("parts",)))


class _Reader:
    """Reads contents in their order: a result without an id belongs to the first open call of its name.

    Google's SDK keeps the ids of calls and sends the results without.
    """

    def __init__(self) -> None:
        self._calls = 0
        self._open: list[tuple[str, str]] = []
        """Names and ids of the calls that have no result."""

    def turns(self, content: Fields, at: str) -> Iterator[Turn]:
        """Yield the turns of a content: results of tools are turns of their own."""
        named = text(content, "role", at) or "user"
        if named not in _ROLES:
            raise unknown(f"{at}.role", named, "user, model")
        role, parts, own = _ROLES[named], tuple(self.parts(content, at)), own_of(content, ("role", "parts"))
        begin = 0
        for end in range(1, len(parts) + 1):
            result = isinstance(parts[begin], ToolResult)
            if end == len(parts) or isinstance(parts[end], ToolResult) is not result:
                yield Turn(role="tool" if result else role, parts=parts[begin:end], own=own)
                begin = end

    def parts(self, content: Fields, at: str) -> Iterator[Part]:
        """Yield the parts of a content, each with the reasoning that its signature stands for."""
        found = content.get("parts")
        if isinstance(found, dict):
            content = {"parts": [found]}
        for number, part in enumerate(objects(content, "parts", at)):
            yield from self._part(part, f"{at}.parts[{number}]")

    def _part(self, part: Fields, at: str) -> Iterator[Part]:
        signature = text(part, "thoughtSignature", at) or ""
        kind = next((name for name in _KINDS if part.get(name) is not None), None)
        own = own_of(part, (*_SIGNED, kind or ""))
        if kind == "text":
            yield from _words(required_text(part, "text", at), signature, flag(part, "thought", at), own)
        elif kind == "functionCall":
            if signature:
                yield before_call(signature)
            yield self._call(required_object(part, kind, at), f"{at}.{kind}", own)
        elif kind == "functionResponse":
            yield self._result(required_object(part, kind, at), f"{at}.{kind}")
        elif kind is not None:
            yield _medium(part, kind, at, own)
        else:
            yield from _other(part, signature, at)

    def _call(self, call: Fields, at: str, own: Own) -> ToolCall:
        self._calls += 1
        name, identity = name_of(call, "name", at), text(call, "id", at)
        if not identity:
            identity = f"call_{self._calls}"
            own = {DIALECT: {**own.get(DIALECT, {}), "no_id": True}}
        self._open.append((name, identity))
        return ToolCall(id=identity, name=name, arguments=arguments_of(object_(call, "args", at) or {}), own=own)

    def _result(self, result: Fields, at: str) -> ToolResult:
        name, identity = name_of(result, "name", at), text(result, "id", at)
        own = own_of(result, ("id", "response", "parts"))
        place, wanted = (1, identity) if identity else (0, name)
        waiting = next((each for each in self._open if each[place] == wanted), ("", ""))
        self._open = [each for each in self._open if each is not waiting]
        if not identity:
            identity = waiting[1]
            own = {DIALECT: {**own[DIALECT], "no_id": True}}
        words, is_error = text_of_response(object_(result, "response", at) or {})
        media = tuple(each for number, part in enumerate(objects(result, "parts", at)) for each in self._part(part, f"{at}.parts[{number}]"))  # fmt: skip  # noqa: E501
        return ToolResult(call_id=identity, parts=(Text(words), *media), is_error=is_error, own=own)


def _words(words: str, signature: str, thought: bool | None, own: Own) -> Iterator[Part]:
    if thought:
        yield Thinking(text=words, seal=signature or None, origin=DIALECT, own=own)
        return
    if not words and signature:
        yield alone(signature)
        return
    yield Text(text=words, own=own)
    if signature:
        yield on_text(signature)


def _medium(part: Fields, kind: str, at: str, own: Own) -> Part:
    found = required_object(part, kind, at)
    place = "data" if kind == "inlineData" else "fileUri"
    inner = own_of(found, ("mimeType", place)).get(DIALECT)
    if inner:
        own = {DIALECT: {**own.get(DIALECT, {}), "inner": inner}}
    address, media_type = required_text(found, place, path(at, kind)), text(found, "mimeType", path(at, kind))
    data = kind == "inlineData"
    source = Source(data=address, media_type=media_type) if data else Source(url=address, media_type=media_type)
    return read_medium(source, own)


def _other(part: Fields, signature: str, at: str) -> Iterator[Part]:
    if not part.keys() - {*_SIGNED}:
        if signature:
            yield alone(signature)
        return
    if not part.keys() & _FOREIGN:
        raise unknown(at, next(iter(part)), ", ".join((*_KINDS, *sorted(_FOREIGN))))
    yield Foreign(dialect=DIALECT, content=part)
