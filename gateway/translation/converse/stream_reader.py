"""A ConverseStream into events, with tolerance of whatever an upstream sends."""

from collections.abc import Callable, Sequence

import msgspec

from gateway import lenient, wire
from gateway.dialects.converse import MALFORMED
from gateway.dialects.usage import Usage, from_converse
from gateway.profiles.profile import Profile
from gateway.translation.answer import Ended, Event, Failed, Started
from gateway.translation.checks import Fields
from gateway.translation.converse.answer_reader import end_of, stop_sequence_of, tier_of
from gateway.translation.converse.open_blocks import OpenBlocks
from gateway.translation.messages.answer_reader import object_of, text_of
from gateway.translation.plain import event_data


class _Input(msgspec.Struct, gc=False):
    input: str | None = None


class _Reasoning(msgspec.Struct, gc=False):
    text: str | None = None


class _Delta(msgspec.Struct, gc=False):
    text: str | None = None
    toolUse: _Input | None = None  # Amazon's names
    reasoningContent: _Reasoning | None = None


class _DeltaEvent(msgspec.Struct, gc=False):
    """The event that comes for every piece; any other does not fit, or is read again as it is."""

    delta: _Delta
    contentBlockIndex: int = 0


_decode_delta = msgspec.json.Decoder(_DeltaEvent).decode


class ConverseStreamReader:
    """Reads one stream. `messageStop` comes before `metadata` with the counts, which is the end."""

    def __init__(self, profile: Profile) -> None:
        self._blocks = OpenBlocks()
        self._stop: Fields | None = None
        """What `messageStop` said."""
        self._metadata: Fields | None = None
        self._started = self._over = False

    def read(self, name: bytes, payload: bytes) -> Sequence[Event]:
        if self._over:
            return ()
        if name == b"contentBlockDelta" and self._started:
            try:
                event = _decode_delta(payload)
            except lenient.UNREADABLE:
                return self._read_other(name, payload)
            return self._delta(event, payload)
        if name == b"error":
            return self._failed(payload)
        return self._read_other(name, payload)

    def end(self) -> Sequence[Event]:
        return self._ended() if self._stop is not None and not self._over else ()

    def _delta(self, event: _DeltaEvent, payload: bytes) -> Sequence[Event]:
        delta, index = event.delta, event.contentBlockIndex
        if delta.text:
            return self._blocks.text(index, delta.text)
        if delta.toolUse is not None and delta.toolUse.input:
            return self._blocks.arguments(index, delta.toolUse.input)
        if delta.reasoningContent is not None and delta.reasoningContent.text:
            return self._blocks.thinking(index, delta.reasoningContent.text)
        return self._read_other(b"contentBlockDelta", payload)

    def _read_other(self, name: bytes, payload: bytes) -> Sequence[Event]:
        event = event_data(payload)
        reader = _READERS.get(name)
        if reader is None:
            return ()
        if self._started or name == b"metadata":
            return reader(self, event)
        self._started = True
        return [Started("", ""), *reader(self, event)]

    def _failed(self, payload: bytes) -> Sequence[Event]:
        self._over = True
        return (Failed(payload),)

    def _begin(self, event: Fields) -> Sequence[Event]:
        return ()

    def _open(self, event: Fields) -> Sequence[Event]:
        return self._blocks.begin(_index(event), object_of(event.get("start")))

    def _any_delta(self, event: Fields) -> Sequence[Event]:
        """Take a delta of any kind, odd ones too."""
        delta, index = object_of(event.get("delta")), _index(event)
        reasoning = object_of(delta.get("reasoningContent"))
        if text := text_of(delta.get("text")):
            return self._blocks.text(index, text)
        if piece := text_of(object_of(delta.get("toolUse")).get("input")):
            return self._blocks.arguments(index, piece)
        if text := text_of(reasoning.get("text")):
            return self._blocks.thinking(index, text)
        if signature := text_of(reasoning.get("signature")):
            return self._blocks.seal(index, signature)
        if hidden := text_of(reasoning.get("redactedContent")):
            return self._blocks.seal(index, hidden, redacted=True)
        return self._blocks.cite(index, found) if (found := object_of(delta.get("citation"))) else ()

    def _close(self, event: Fields) -> Sequence[Event]:
        return self._blocks.close(_index(event))

    def _stopped(self, event: Fields) -> Sequence[Event]:
        reason = event.get("stopReason")
        if reason in MALFORMED:
            words = "The model wrote something that is neither an answer nor a call of a tool."
            return self._failed(wire.encode({"error": {"code": "modelErrorException", "message": words}}))
        self._stop = event
        return self._ended() if self._metadata is not None else ()

    def _counted(self, event: Fields) -> Sequence[Event]:
        self._metadata = event
        return self._ended() if self._stop is not None else ()

    def _ended(self) -> Sequence[Event]:
        self._over = True
        closed = self._blocks.close_all()
        stop, metadata = self._stop or {}, self._metadata or {}
        sequence = stop_sequence_of(stop)
        end = end_of(stop.get("stopReason"), self._blocks.called, sequence)
        return [*closed, Ended(end, sequence, self._usage(), tier_of(metadata))]

    def _usage(self) -> Usage | None:
        return from_converse((self._metadata or {}).get("usage"))


def _index(event: Fields) -> int:
    found = event.get("contentBlockIndex")
    return found if isinstance(found, int) else 0


_READERS: dict[bytes, Callable[[ConverseStreamReader, Fields], Sequence[Event]]] = {
    b"messageStart": ConverseStreamReader._begin,
    b"contentBlockStart": ConverseStreamReader._open,
    b"contentBlockDelta": ConverseStreamReader._any_delta,
    b"contentBlockStop": ConverseStreamReader._close,
    b"messageStop": ConverseStreamReader._stopped,
    b"metadata": ConverseStreamReader._counted,
}
