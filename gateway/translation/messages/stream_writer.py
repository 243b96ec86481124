"""Events into a Messages stream for a client.

Blocks begin in the order of their numbers and each is stopped once; several may be open, as deltas name their block.
Source: platform.claude.com/docs/en/build-with-claude/streaming.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec

from gateway.dialects.faults import fault_of
from gateway.dialects.usage import Usage
from gateway.translation.answer import Answer, Cited, Closed, Delta, Ended, Event, Failed, Opened, Started
from gateway.translation.checks import Fields
from gateway.translation.messages.answer_writer import (
    block_of,
    counts_of,
    id_of,
    signature_of,
    stop_reason,
    thinking_block,
    write_answer,
)
from gateway.translation.messages.citations import shown_citation
from gateway.translation.messages.names import DIALECT
from gateway.translation.messages.own import kept, without
from gateway.translation.messages.written_blocks import JSON, MOST_LOOKED_AT, STOP, TEMPLATES, TEXT, OpenBlock
from gateway.translation.parts import Foreign, Part, Thinking, ToolCall
from gateway.wire import encode


class MessagesStreamWriter:
    """Writes one stream. Its events are `message_start`, blocks, `message_delta` and `message_stop`."""

    def __init__(self, model: str, request: Fields) -> None:
        self._model = model
        self._open: dict[int, OpenBlock] = {}
        self._blocks = 0
        self._started = self._called = False
        self.events = 0

    def write(self, event: Event) -> bytes:
        if type(event) is Delta:
            return self._delta(event)
        start = b"" if self._started or type(event) is Started else self._start(Started("", self._model))
        return start + _WRITERS[type(event)](self, event)

    def _start(self, event: Started) -> bytes:
        if self._started:
            return b""
        self._started = True
        answer = Answer(id=id_of(event.id), model=self._model, parts=(), end="stop", usage=event.usage, own=event.own)
        message = {**write_answer(answer, {}), "stop_reason": None}
        return self._event({"type": "message_start", "message": message})

    def _begin(self, event: Opened) -> bytes:
        part = event.part
        template = TEMPLATES.get(type(part))
        if template is None or (isinstance(part, Thinking) and part.redacted):
            return b""  # whole at its end
        before = self._stop_complete_calls()
        block = self._open[event.index] = OpenBlock(self._blocks, template)
        self._blocks += 1
        self._called = self._called or isinstance(part, ToolCall)
        begun = self._event({"type": "content_block_start", "index": block.number, "content_block": _empty(part)})
        return before + begun + (self._piece(block, "") if template is JSON else b"")

    def _stop_complete_calls(self) -> bytes:
        """Stop the blocks of calls whose arguments are whole, so that the next block need not stand beside them."""
        latest = islice(reversed(self._open.items()), MOST_LOOKED_AT)
        stopped = [(index, block) for index, block in latest if block.is_whole_call()][::-1]
        for index, _ in stopped:
            del self._open[index]
        return b"".join([self._stopped(block) for _, block in stopped])

    def _delta(self, event: Delta) -> bytes:
        block = self._open.get(event.index)
        return self._piece(block, event.text) if block is not None and event.text else b""

    def _piece(self, block: OpenBlock, piece: str) -> bytes:
        self.events += 1
        if block.pieces is not None:
            block.pieces.append(piece)
        try:
            return block.template % (block.number, encode(piece))
        except UnicodeEncodeError:  # half a surrogate pair
            return block.template % (block.number, encode(piece.encode("utf-8", "replace").decode()))

    def _cite(self, event: Cited) -> bytes:
        block, citation = self._open.get(event.index), shown_citation(event.citation)
        return self._more(block, {"type": "citations_delta", "citation": citation}) if block and citation else b""

    def _more(self, block: OpenBlock, delta: Fields) -> bytes:
        return self._event({"type": "content_block_delta", "index": block.number, "delta": delta})

    def _close(self, event: Closed) -> bytes:
        block, part = self._open.pop(event.index, None), event.part
        if block is None:
            return self._at_once(part)
        signed = b""
        if isinstance(part, Thinking) and (signature := signature_of(part)):
            signed = self._more(block, {"type": "signature_delta", "signature": signature})
        return signed + self._stopped(block)

    def _at_once(self, part: Part) -> bytes:
        """Return the block of a part that has no deltas."""
        if isinstance(part, Thinking) and part.redacted:
            content: Fields | None = thinking_block(part)
        else:
            content = block_of(part) if isinstance(part, Foreign) and part.dialect == DIALECT else None
        if content is None:
            return b""
        block = OpenBlock(self._blocks, TEXT)
        self._blocks += 1
        begun = self._event({"type": "content_block_start", "index": block.number, "content_block": content})
        return begun + self._stopped(block)

    def _stopped(self, block: OpenBlock) -> bytes:
        self.events += 1
        return STOP % block.number

    def _end(self, event: Ended) -> bytes:
        open_blocks = sorted(self._open.values(), key=lambda block: block.number)
        stopped = b"".join([self._stopped(block) for block in open_blocks])
        self._open.clear()
        own = kept(event.own)
        delta = {"stop_reason": stop_reason(event.end, self._called, event.own), "stop_sequence": event.stop_sequence}
        inner = {name: own[name] for name in _OF_DELTA if name in own}
        usage = counts_of(event.usage or Usage()) | without(own.get("usage", {}), _NOT_AT_THE_END)
        beside = without(own, (*_OF_DELTA, "usage", "stop_reason"))
        last = self._event({"type": "message_delta", "delta": delta | inner, "usage": usage, **beside})
        return stopped + last + self._event({"type": "message_stop"})

    def _fail(self, event: Failed) -> bytes:
        words = fault_of(event.payload).words or "The model's server failed."
        return self._event({"type": "error", "error": {"type": "api_error", "message": words}})

    def _event(self, content: Fields) -> bytes:
        self.events += 1
        return b"event: %s\ndata: %s\n\n" % (content["type"].encode(), encode(content))


_OF_DELTA = ("container", "stop_details")
_NOT_AT_THE_END = ("cache_creation", "inference_geo", "service_tier", "speed")
"""Counts that only `message_start` has."""


def _empty(part: Part) -> Fields:
    """Return the block of a part before its first delta."""
    if isinstance(part, ToolCall):
        return {**(block_of(msgspec.structs.replace(part, arguments="")) or {}), "input": {}}
    if isinstance(part, Thinking):
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


_WRITERS: dict[type, Callable[[MessagesStreamWriter, Any], bytes]] = {
    Started: MessagesStreamWriter._start,
    Opened: MessagesStreamWriter._begin,
    Cited: MessagesStreamWriter._cite,
    Closed: MessagesStreamWriter._close,
    Ended: MessagesStreamWriter._end,
    Failed: MessagesStreamWriter._fail,
}
