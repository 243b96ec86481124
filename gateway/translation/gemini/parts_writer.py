"""Parts of turns into parts of contents."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.gemini.media import write_medium
from gateway.translation.gemini.names import DIALECT
from gateway.translation.gemini.own import kept
from gateway.translation.gemini.responses import response_of
from gateway.translation.gemini.signatures import UNSIGNED, is_alone, is_on_text, signature_of
from gateway.translation.messages.arguments import input_of
from gateway.translation.parts import (
    Audio,
    Document,
    Foreign,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

_NO_ID = "no_id"
_KINDS: dict[type, str] = {Image: "image", Audio: "audio", Document: "document"}


class PartsWriter:
    """Writes the parts of one conversation: results of tools carry the names of their calls."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._names: dict[str, str] = {}
        """Names of tools by the ids of their calls."""

    def write(self, parts: Iterable[Part]) -> list[Fields]:
        """Return the parts of one content; what Gemini does not take is left out, and told."""
        written: list[Fields] = []
        waiting: str | None = None
        for part in parts:
            if isinstance(part, Thinking):
                waiting = self._thought(part, written) or waiting
                continue
            found = _WRITERS[type(part)](self, part)
            if waiting and any("functionCall" in each for each in found):
                found[0]["thoughtSignature"] = waiting
                waiting = None
            written += found
        if self._writing.profile.signed_calls:
            _sign(written)
        return written

    def _thought(self, part: Thinking, written: list[Fields]) -> str | None:
        """Write reasoning of this dialect's own model; return the signature that the next call gets."""
        seal = part.seal or ""
        if part.origin != DIALECT:
            return None
        if not part.redacted:
            signed = {"thoughtSignature": seal} if seal else {}
            written.append({"text": part.text, "thought": True, **signed, **kept(part.own)})
        elif is_on_text(seal) and written and "text" in written[-1] and "thoughtSignature" not in written[-1]:
            written[-1]["thoughtSignature"] = signature_of(seal)
        elif is_on_text(seal) or is_alone(seal):
            written.append({"text": "", "thoughtSignature": signature_of(seal)})
        else:
            return seal or None
        return None

    def _text(self, part: Any) -> list[Fields]:
        return [{"text": part.text, **kept(part.own)}]

    def _call(self, part: ToolCall) -> list[Fields]:
        self._names[part.id] = part.name
        own = dict(kept(part.own))
        call: Fields = {"name": part.name, "args": input_of(part.arguments)}
        if not own.pop(_NO_ID, False):
            call["id"] = part.id
        return [{"functionCall": call, **own}]

    def _result(self, part: ToolResult) -> list[Fields]:
        own = dict(kept(part.own))
        texts = "\n".join(each.text for each in part.parts if isinstance(each, Text | Refusal))
        media = [found for each in part.parts if not isinstance(each, Text | Refusal) for found in self._inner(each)]
        found: Fields = {"name": own.pop("name", None) or self._names.get(part.call_id, "tool")}
        found["response"] = response_of(texts, is_error=part.is_error)
        if not own.pop(_NO_ID, False):
            found["id"] = part.call_id
        if media and self._writing.profile.media_in_results:
            return [{"functionResponse": {**found, "parts": media, **own}}]
        return [{"functionResponse": {**found, **own}}, *media]

    def _inner(self, part: Part) -> list[Fields]:
        return self._medium(part) if isinstance(part, Image | Audio | Document) else self._foreign(part)

    def _medium(self, part: Any) -> list[Fields]:
        if isinstance(part, Audio) and part.source == part.source.__class__():
            return [{"text": part.transcript}] if part.transcript else []
        found = write_medium(part)
        if found is None:
            self._writing.drop(_KINDS[type(part)])
        return [found] if found else []

    def _foreign(self, part: Any) -> list[Fields]:
        if isinstance(part, Foreign) and part.dialect == DIALECT:
            return [dict(part.content)]
        self._writing.drop(f"messages.{getattr(part, 'type', 'part')}")
        return []


def _sign(written: list[Fields]) -> None:
    """Put a stand-in on the first call of a turn that has no signature: without one it is refused."""
    calls = [each for each in written if "functionCall" in each]
    if calls and "thoughtSignature" not in calls[0]:
        calls[0]["thoughtSignature"] = UNSIGNED


_WRITERS: Mapping[type, Callable[[PartsWriter, Any], list[Fields]]] = {
    Text: PartsWriter._text,
    Refusal: PartsWriter._text,
    Image: PartsWriter._medium,
    Audio: PartsWriter._medium,
    Document: PartsWriter._medium,
    ToolCall: PartsWriter._call,
    ToolResult: PartsWriter._result,
    Foreign: PartsWriter._foreign,
}
