"""A whole answer for a client of generateContent."""

from gateway.dialects.usage import Usage
from gateway.translation.answer import Answer, EndReason
from gateway.translation.checks import Fields
from gateway.translation.gemini.grounding_writer import Grounding
from gateway.translation.gemini.media import write_medium
from gateway.translation.gemini.names import DIALECT, FINISH_REASONS
from gateway.translation.gemini.signatures import is_alone, is_on_text, signature_of
from gateway.translation.messages.arguments import input_of
from gateway.translation.parts import Audio, Document, Foreign, Image, Part, Refusal, Text, Thinking, ToolCall


def write_answer(answer: Answer, request: Fields) -> Fields:
    """Return the members of an answer."""
    parts, grounding = PartWriter(), Grounding()
    written: list[Fields] = []
    for part in answer.parts:
        if isinstance(part, Text):
            grounding.take(part, len(written))
        if found := parts.write(part):
            written.append(found)
    fields = candidate_of(written, answer.end, grounding) | {"usageMetadata": usage_of(answer.usage)}
    return {**fields, "modelVersion": answer.model, "responseId": answer.id}


def candidate_of(parts: list[Fields], end: EndReason | None = None, grounding: Grounding | None = None) -> Fields:
    """Return the members of an answer, or of a chunk, that hold what the model wrote, and on what it rests."""
    candidate: Fields = {"content": {"role": "model", "parts": parts}, "index": 0}
    if grounding is not None:
        candidate |= grounding.told()
    if end is not None:
        candidate["finishReason"] = FINISH_REASONS[end]
    return {"candidates": [candidate]}


class PartWriter:
    """Writes the parts of one answer: a signature stands on the call after it."""

    def __init__(self) -> None:
        self._waiting: str | None = None

    def write(self, part: Part) -> Fields | None:
        """Return a part; None where Gemini has none for it, or nothing is in it."""
        if isinstance(part, Text | Refusal):
            return {"text": part.text} if part.text else None
        if isinstance(part, ToolCall):
            return self._call(part)
        if isinstance(part, Thinking):
            return self._thinking(part)
        if isinstance(part, Image | Document) or (isinstance(part, Audio) and part.source.data):
            return write_medium(part)
        return dict(part.content) if isinstance(part, Foreign) and part.dialect == DIALECT else None

    def _call(self, part: ToolCall) -> Fields:
        waiting, self._waiting = self._waiting, None
        call = {"name": part.name, "args": input_of(part.arguments), "id": part.id}
        return {"functionCall": call} | ({"thoughtSignature": waiting} if waiting else {})

    def _thinking(self, part: Thinking) -> Fields | None:
        """Return the words of reasoning. A seal of another vendor is kept for its calls, as clients drop it here."""
        if part.redacted and part.origin == DIALECT:
            seal = part.seal or ""
            if is_on_text(seal) or is_alone(seal):
                return {"text": "", "thoughtSignature": signature_of(seal)}
            self._waiting = seal
            return None
        return {"text": part.text, "thought": True} if part.text else None


def usage_of(usage: Usage | None) -> Fields:
    """Return token counts, where the candidates' exclude thoughts."""
    found, thoughts = usage or Usage(), (usage.reasoning or 0) if usage else 0
    fields: Fields = {
        "promptTokenCount": found.input or 0,
        "candidatesTokenCount": max((found.output or 0) - thoughts, 0),
        "totalTokenCount": (found.input or 0) + (found.output or 0),
    }
    if found.cached_input is not None:
        fields["cachedContentTokenCount"] = found.cached_input
    if found.reasoning is not None:
        fields["thoughtsTokenCount"] = thoughts
    return fields
