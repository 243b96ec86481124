"""Events as a stream of Chat Completions for a client.

Reasoning is sent as `reasoning_content`, which Open WebUI and coding tools show; its seal follows in
`reasoning_details`, with the text that it belongs to, so that the client can send both back.
"""

import time
from collections.abc import Callable
from typing import Any

from gateway.dialects.chat_stream import DONE_EVENT
from gateway.dialects.usage import Usage
from gateway.translation.answer import Cited, Closed, Delta, Ended, Event, Opened, Started
from gateway.translation.chat.answer_writer import (
    finish_reason,
    made_answer_id,
    wants_functions,
    write_audio,
    write_citation,
    write_image,
    write_usage,
)
from gateway.translation.chat.call_writer import write_call
from gateway.translation.chat.ends import write_end
from gateway.translation.chat.names import chat_own
from gateway.translation.chat.thinking import has_detail, write_detail
from gateway.translation.parts import Audio, Citation, Image, Refusal, Text, Thinking, ToolCall
from gateway.translation.tiers import openai_tier
from gateway.wire import encode

Fields = dict[str, Any]

_MEMBERS: dict[type, bytes] = {
    Text: b"content",
    Refusal: b"refusal",
    Thinking: b"reasoning_content",
}


class _Part:
    """A part that the client has been told of: how the event of a piece of it begins and ends."""

    __slots__ = ("after", "before", "length", "number", "offset")

    def __init__(self, before: bytes, after: bytes) -> None:
        self.before = before
        self.after = after
        self.length = 0
        """Characters of text sent so far."""
        self.offset = 0
        """Where a text begins in the message's."""
        self.number = 0
        """Number of its citations that were sent."""


class ChatStreamWriter:
    """Writes chunks; each is complete in itself."""

    def __init__(self, model: str, request: Fields) -> None:
        options = request.get("stream_options")
        self.events = 0
        self._model = model
        self._legacy = wants_functions(request)
        self._shows_usage = isinstance(options, dict) and options.get("include_usage") is True
        self._head = self._tail = b""
        self._parts: dict[int, _Part] = {}
        self._calls = self._images = self._thoughts = 0
        self._written = 0
        """Characters of the message's text in closed parts."""
        self._refused = False

    def write(self, event: Event) -> bytes:
        """Return the bytes of an event; see `StreamWriter`."""
        if type(event) is Delta:  # nearly all of them
            return self._delta(event)
        write = _WRITERS.get(type(event))
        return write(self, event) if write else b""

    def _delta(self, event: Delta) -> bytes:
        part = self._parts.get(event.index)
        if part is None:
            return b""
        self.events += 1
        part.length += len(event.text)
        if event.logprobs is not None:
            return self._with_logprobs(part, event)
        return part.before + encode(event.text) + part.after

    def _with_logprobs(self, part: _Part, event: Delta) -> bytes:
        name = "refusal" if b'"refusal"' in part.before else "content"
        tokens = {"content": None, "refusal": None, name: event.logprobs}
        after = part.after.replace(b'"logprobs":null', b'"logprobs":' + encode(tokens), 1)
        return part.before + encode(event.text) + after

    def _start(self, event: Started) -> bytes:
        head = {
            "id": event.id or made_answer_id(event.created),
            "object": "chat.completion.chunk",
            "created": event.created or int(time.time()),
            "model": self._model,
        }
        if known := openai_tier(event.service_tier):
            head["service_tier"] = known
        self._head = b"data: " + encode({**head, **chat_own(event.own)})[:-1]
        self._tail = b',"usage":null}\n\n' if self._shows_usage else b"}\n\n"
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def _choice(self) -> tuple[bytes, bytes]:
        """Return what stands before and after a delta."""
        before = self._head + b',"choices":[{"index":0,"delta":'
        return before, b',"logprobs":null,"finish_reason":null}]' + self._tail

    def _chunk(self, delta: Fields) -> bytes:
        self.events += 1
        before, after = self._choice()
        return before + encode(delta) + after

    def _open(self, event: Opened) -> bytes:
        part = event.part
        before, after = self._choice()
        if isinstance(part, ToolCall):
            return self._open_call(event.index, part)
        if isinstance(part, Audio):
            self._parts[event.index] = _Part(before + b'{"audio":{"transcript":', b"}}" + after)
        elif member := _MEMBERS.get(type(part)):
            self._parts[event.index] = opened = _Part(before + b'{"' + member + b'":', b"}" + after)
            opened.offset = self._written
            self._refused = self._refused or isinstance(part, Refusal)
        return b""

    def _open_call(self, index: int, call: ToolCall) -> bytes:
        before, after = self._choice()
        number, self._calls = self._calls, self._calls + 1
        text = b'{"input":' if call.custom else b'{"arguments":'
        kind = b'"custom":' if call.custom else b'"function":'
        written = write_call(call, arguments="")
        if self._legacy:
            if number:
                return b""
            self._parts[index] = _Part(before + b'{"function_call":{"arguments":', b"}}" + after)
            return self._chunk({"function_call": written.get("function")})
        start = before + b'{"tool_calls":[{"index":%d,' % number + kind + text
        self._parts[index] = _Part(start, b"}}]}" + after)
        return self._chunk({"tool_calls": [{"index": number, **written}]})

    def _cited(self, event: Cited) -> bytes:
        part = self._parts.get(event.index)
        return self._cite(part, event.citation) if part else b""

    def _cite(self, part: _Part, citation: Citation) -> bytes:
        part.number += 1
        found = write_citation(citation, part.offset, part.length)
        return self._chunk({"annotations": [found]}) if found else b""

    def _close(self, event: Closed) -> bytes:
        part = event.part
        opened = self._parts.pop(event.index, None)
        if isinstance(part, Text) and opened:
            self._written += opened.length
            return b"".join([self._cite(opened, each) for each in part.citations[opened.number :]])
        if isinstance(part, Thinking) and has_detail(part):
            number, self._thoughts = self._thoughts, self._thoughts + 1
            return self._chunk({"reasoning_details": [{**write_detail(part, number), "index": number}]})
        if isinstance(part, Audio):
            spoken = write_audio(part)
            return self._chunk({"audio": {name: spoken[name] for name in spoken if name != "transcript"}})
        if isinstance(part, Image) and (image := write_image(part, self._images)):
            self._images += 1
            return self._chunk({"images": [image]})
        return b""

    def _end(self, event: Ended) -> bytes:
        if not self._head:
            return b""
        reason = finish_reason(write_end(event.end, refused=self._refused), legacy=self._legacy)
        self.events += 1
        choice = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason}
        last = self._head + b',"choices":' + encode([choice]) + self._tail
        return last + self._counts(event.usage, event.cost_usd) + DONE_EVENT

    def _counts(self, usage: Usage | None, cost_usd: float | None) -> bytes:
        """Return the chunk with the token counts, for a client that asked for it."""
        if not self._shows_usage or usage is None:
            return b""
        self.events += 1
        counts = write_usage(usage)
        if cost_usd is not None:
            counts["cost"] = cost_usd
        return self._head + b',"choices":[],"usage":' + encode(counts) + b"}\n\n"


_WRITERS: dict[type, Callable[[ChatStreamWriter, Any], bytes]] = {
    Started: ChatStreamWriter._start,
    Opened: ChatStreamWriter._open,
    Cited: ChatStreamWriter._cited,
    Closed: ChatStreamWriter._close,
    Ended: ChatStreamWriter._end,
}
