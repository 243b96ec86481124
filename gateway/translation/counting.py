"""Token counts across two dialects: the prompt goes up as any other request, the count comes back."""

from collections.abc import Mapping

from gateway import lenient, wire
from gateway.payload import Encoded
from gateway.translation.contract import Asked
from gateway.translation.crossing import ConversationCrossing, Conversations
from gateway.wire import Members

_PROMPT = {
    "responses": ("model", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text"),
    "messages": ("model", "system", "messages", "tools", "tool_choice", "thinking", "output_config"),
}
"""Members that an upstream counts; it refuses others."""
_SHAPES = {"responses": {"object": "response.input_tokens"}}
"""Further members of an answer, by the client's dialect."""


class Counts(Conversations, frozen=True):
    """The translation of requests that only ask how long their prompt is."""

    def begin(self, asked: Asked) -> "CountCrossing":
        return CountCrossing(self.client, self.upstream, asked)


class CountCrossing(ConversationCrossing):
    """One such request, and the count on its way back."""

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        fields = self.request_fields(found)
        names = _PROMPT[self._upstream.dialect]
        return Encoded("application/json", wire.encode({name: fields[name] for name in names if name in fields}))

    def answer(self, answer: Members) -> Members:
        count = lenient.peek(answer, "input_tokens")
        return wire.members(wire.encode(_SHAPES.get(self._client.dialect, {}) | {"input_tokens": count}))
