"""One answer of Gemini, chunk by chunk, as the sound, the text or the events that the client wants."""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.dialects.framing import FrameReader, fields_of
from gateway.dialects.gemini_media import end_of, filter_of, usage_of
from gateway.dialects.gemini_stream import merge_counts
from gateway.dialects.relay import BROKEN, DONE, FAILED, FINISHED, OPENED, WAITING, Step, StreamState
from gateway.dialects.usage import Usage
from gateway.errors import NothingMade, UpstreamUnreachable
from gateway.translation.audio.sink import Sink
from gateway.translation.plain import answer_data, event_data
from gateway.wire import Members

_WELL = ("STOP", "MAX_TOKENS")
_LONGEST_SHOWN = 100


class AudioRelay:
    """Raises `NothingMade` where a filter took the answer away, `UpstreamUnreachable` where it holds nothing."""

    def __init__(self, frames: FrameReader, sink: Sink) -> None:
        self.state: StreamState = WAITING
        self.events = 0
        self.error: bytes | None = None
        self.begun: Usage | None = None
        self.answer_id: str | None = None
        self.cost_usd: Callable[[Usage], float | None] | None = None
        self._frames = frames
        self._sink = sink
        self._told: dict[str, Any] = {}

    def feed(self, data: bytes) -> Step:
        """Take what arrived; return what of it the client gets. Raises `FrameTooLong`."""
        return Step(self._read(self._frames.feed(data)))

    def end(self) -> Step:
        """Take the end of the connection."""
        block = self._read(self._frames.end())
        if self.state > FINISHED:
            return Step(block)
        if self.state < FINISHED:
            self.state = BROKEN
            return Step(block)
        self.state = DONE
        return Step(block, self._sink.end(self.counts))

    def whole(self, answer: Members) -> Step:
        """Return all of an answer that came in one piece."""
        block = self._chunk(answer_data(answer))
        step = self.end()
        return Step(block + step.block, step.last)

    @property
    def media_type(self) -> str:
        """Return what the client gets."""
        return self._sink.media_type

    def written(self) -> int:
        """Return about how many tokens of text came."""
        return self._sink.written()

    @property
    def counts(self) -> Usage | None:
        """Return the upstream's counts, and how long its sound is."""
        usage, seconds = usage_of(self._told), self._sink.seconds
        return msgspec.structs.replace(usage or Usage(), audio_seconds=seconds) if seconds is not None else usage

    def _read(self, frames: list[bytes]) -> bytes:
        blocks = []
        for frame in frames:
            payload = fields_of(frame)[1]
            if not payload or self.state > FINISHED:
                continue
            self.events += 1
            chunk = event_data(payload)
            if chunk.get("error"):
                self.state, self.error = FAILED, payload
                break
            blocks.append(self._chunk(chunk))
        return b"".join(blocks)

    def _chunk(self, chunk: dict[str, Any]) -> bytes:
        merge_counts(self._told, chunk.get("usageMetadata"))
        if reason := filter_of(chunk):
            raise NothingMade(f"The provider's filter refused this ({reason[:_LONGEST_SHOWN]}). Change the request.")
        block, end = self._sink.read(chunk), end_of(chunk)
        if block and self.state is WAITING:
            self.state = OPENED
        if end in _WELL:
            self.state = FINISHED
        elif end is not None:
            raise UpstreamUnreachable(
                f"The model gave up before its answer was complete ({end[:_LONGEST_SHOWN]}). Try again.",
                code="upstream_invalid_answer",
            )
        return block
