"""A Messages stream into events, with tolerance of whatever an upstream sends."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway import lenient
from gateway.dialects.messages import merge_counts
from gateway.dialects.usage import Usage, from_messages
from gateway.profiles.profile import Profile
from gateway.translation.answer import Ended, Event, Failed, Started
from gateway.translation.checks import Fields
from gateway.translation.messages.answer_reader import answer_own, end_of, object_of, text_of, tier_of
from gateway.translation.messages.open_blocks import OpenBlocks
from gateway.translation.parts import NOTHING_OWN, Own
from gateway.translation.plain import event_data

_METRICS = "amazon-bedrock-invocationMetrics"
_METRIC_COUNTS = {
    "inputTokenCount": "input_tokens",
    "outputTokenCount": "output_tokens",
    "cacheReadInputTokenCount": "cache_read_input_tokens",
    "cacheWriteInputTokenCount": "cache_creation_input_tokens",
}


class _Delta(msgspec.Struct, gc=False):
    type: str
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None


class _DeltaEvent(msgspec.Struct, gc=False):
    """The event that comes for every piece; any other does not fit, or is read again as it is."""

    type: str
    index: int
    delta: _Delta


_decode_delta = msgspec.json.Decoder(_DeltaEvent).decode


class MessagesStreamReader:
    """Reads one stream. Its end is `message_stop`, or the end of the connection after a stop reason."""

    def __init__(self, profile: Profile) -> None:
        self._blocks = OpenBlocks()
        self._counts: dict[str, Any] = {}
        self._last: Fields = {}
        """What `message_delta` said of the end."""
        self._own: Own = NOTHING_OWN
        self._started = self._over = False

    def read(self, name: bytes, payload: bytes) -> Sequence[Event]:
        if self._over:
            return ()
        if name == b"error":
            return self._failed(payload)
        try:
            event = _decode_delta(payload)
        except lenient.UNREADABLE:
            return self._read_other(payload)
        if event.type != "content_block_delta":
            return self._read_other(payload)
        delta = event.delta
        piece = delta.text or delta.thinking or delta.partial_json
        if piece is None or not self._started:
            return self._read_other(payload)
        return self._blocks.more(event.index, delta.type, piece)

    def end(self) -> Sequence[Event]:
        return self._ended() if self._last.get("stop_reason") and not self._over else ()

    def _read_other(self, payload: bytes) -> Sequence[Event]:
        event = event_data(payload)
        kind = event.get("type")
        if kind == "error" or event.get("error"):
            return self._failed(payload)
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        if reader is None:
            return ()
        return (
            [*self._start({}), *reader(self, event)] if not self._started and kind in _CONTENT else reader(self, event)
        )

    def _failed(self, payload: bytes) -> Sequence[Event]:
        self._over = True
        return (Failed(payload),)

    def _start(self, event: Fields) -> Sequence[Event]:
        if self._started:
            return ()
        self._started = True
        message = object_of(event.get("message"))
        usage = object_of(message.get("usage"))
        merge_counts(self._counts, usage)
        own = answer_own({**message, "stop_reason": None}, {})
        return (Started(text_of(message.get("id")), text_of(message.get("model")), self._usage(), own=own),)

    def _open(self, event: Fields) -> Sequence[Event]:
        return self._blocks.open(_index(event), object_of(event.get("content_block")))

    def _more(self, event: Fields) -> Sequence[Event]:
        return self._blocks.delta(_index(event), object_of(event.get("delta")))

    def _close(self, event: Fields) -> Sequence[Event]:
        return self._blocks.close(_index(event))

    def _message_delta(self, event: Fields) -> Sequence[Event]:
        delta = object_of(event.get("delta"))
        merge_counts(self._counts, object_of(event.get("usage")))
        extra = {name: value for name, value in event.items() if name not in ("type", "delta", "usage")}
        self._last |= {name: value for name, value in (extra | delta).items() if value is not None}
        return ()

    def _stop(self, event: Fields) -> Sequence[Event]:
        if self._usage() is None:
            metrics = object_of(event.get(_METRICS))
            counts = {theirs: metrics.get(name) for name, theirs in _METRIC_COUNTS.items() if name in metrics}
            merge_counts(self._counts, counts)
        return self._ended()

    def _ended(self) -> Sequence[Event]:
        """Close what is open and end; a stream of which nothing came but its end has no answer."""
        if not self._started:
            return ()
        self._over = True
        closed = self._blocks.close_all()
        last, tier = self._last, tier_of(self._counts)
        end = end_of(last.get("stop_reason"), self._blocks.called)
        sequence = text_of(last.get("stop_sequence")) or None
        return [*closed, Ended(end, sequence, self._usage(), tier, answer_own(last, self._counts))]

    def _usage(self) -> Usage | None:
        return from_messages(self._counts)


def _index(event: Fields) -> int:
    found = event.get("index")
    return found if isinstance(found, int) else 0


_CONTENT = ("content_block_start", "content_block_delta", "message_delta")
"""Events that may come first from servers that leave out `message_start`."""
_READERS: dict[str, Callable[[MessagesStreamReader, Fields], Sequence[Event]]] = {
    "message_start": MessagesStreamReader._start,
    "content_block_start": MessagesStreamReader._open,
    "content_block_delta": MessagesStreamReader._more,
    "content_block_stop": MessagesStreamReader._close,
    "message_delta": MessagesStreamReader._message_delta,
    "message_stop": MessagesStreamReader._stop,
}
