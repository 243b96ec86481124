"""Blocks of a stream for a client that have begun and are not stopped, and the bytes of their deltas."""

from gateway.translation.messages.arguments import complete
from gateway.translation.parts import Audio, Refusal, Text, Thinking, ToolCall

TEXT = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%s}}\n\n'  # noqa: E501
THINKING = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"thinking_delta","thinking":%s}}\n\n'  # noqa: E501
JSON = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"input_json_delta","partial_json":%s}}\n\n'  # noqa: E501
MOST_LOOKED_AT = 32
"""Open blocks that may be stopped as another begins."""
_MOST_LOOKS = 16
STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
TEMPLATES: dict[type, bytes] = {Text: TEXT, Refusal: TEXT, Audio: TEXT, Thinking: THINKING, ToolCall: JSON}


class OpenBlock:
    """A block that has begun and is not stopped."""

    __slots__ = ("looks", "number", "pieces", "template")

    def __init__(self, number: int, template: bytes) -> None:
        self.number = number
        self.template = template
        self.pieces: list[str] | None = [] if template is JSON else None
        """Of a tool's arguments."""
        self.looks = 0

    def is_whole_call(self) -> bool:
        """Return whether this is a call with all its arguments; one that never is so is not looked at for ever."""
        self.looks += 1
        return bool(self.pieces) and self.looks <= _MOST_LOOKS and complete("".join(self.pieces or ()))
