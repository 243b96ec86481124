"""Token counts across two dialects: the prompt goes up as any other request, the count comes back."""

from collections.abc import Mapping

from gateway import lenient, wire
from gateway.payload import Encoded
from gateway.translation.contract import Asked
from gateway.translation.crossing import ConversationCrossing, Conversations
from gateway.wire import Members

_PROMPT = {
    "responses": ("model", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text"),
    "gemini": ("systemInstruction", "contents", "tools"),
    "messages": ("model", "system", "messages", "tools", "tool_choice", "thinking", "output_config"),
    "converse": ("messages", "system", "toolConfig", "additionalModelRequestFields"),
}
"""Members that an upstream counts; it refuses others."""
_SHAPES = {"responses": {"object": "response.input_tokens"}}
"""Further members of an answer, by the client's dialect."""
_MEMBERS = {"gemini": "totalTokens", "converse": "inputTokens"}
"""The member of an answer that has the count, by the dialect; `input_tokens` for all others."""


def count_member(dialect: str) -> str:
    """Return the member of an answer that has the count."""
    return _MEMBERS.get(dialect, "input_tokens")


def counted(dialect: str, count: object) -> Members:
    """Return the answer of a dialect that tells a count."""
    return wire.members(wire.encode(_SHAPES.get(dialect, {}) | {count_member(dialect): count}))


class Counts(Conversations, frozen=True):
    """The translation of requests that only ask how long their prompt is."""

    def begin(self, asked: Asked) -> "CountCrossing":
        return CountCrossing(self.client, self.upstream, asked)


class CountCrossing(ConversationCrossing):
    """One such request, and the count on its way back."""

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        fields = self.request_fields(found)
        names = _PROMPT[self._upstream.dialect]
        prompt = {name: fields[name] for name in names if name in fields}
        if self._upstream.dialect == "converse":
            prompt = {"input": {"converse": prompt}}
        counted = self._asked.shape(prompt)
        return Encoded("application/json", wire.encode(counted))

    def answer(self, answer: Members) -> Members:
        return counted(self._client.dialect, lenient.peek(answer, count_member(self._upstream.dialect)))
