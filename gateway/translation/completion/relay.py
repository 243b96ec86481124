"""Relays a stream of code completion from an upstream of one dialect to a client of another."""

from collections.abc import Callable, Sequence

from gateway.dialects.framing import FrameReader, fields_of
from gateway.dialects.relay import BROKEN, DONE, FAILED, FINISHED, OPENED, WAITING, Step, StreamState
from gateway.dialects.usage import Usage
from gateway.translation.completion.answers import Writer
from gateway.translation.completion.cutting import Cutter
from gateway.translation.completion.pieces import Piece, Read, Reader
from gateway.wire import Members

_MOST_COMPLETIONS = 128
"""Of one request; pieces of further ones are dropped."""


class GapRelay:
    """Writes the client's events from the upstream's; a marker of the model ends the text."""

    def __init__(
        self,
        frames: FrameReader,
        read: Reader,
        writer: Writer,
        ends: Sequence[str] | None,
        failure: Callable[[int], bytes],
        as_stream: Callable[[Members], bytes | None],
    ) -> None:
        """Take what cuts and reads frames, writes events, ends a text (None = none is wanted), writes an error, and
        makes a stream of a whole answer.
        """
        self.state: StreamState = WAITING
        self.events = 0
        self.error: bytes | None = None
        self.begun: Usage | None = None
        self.answer_id: str | None = None
        self.cost_usd: Callable[[Usage], float | None] | None = None
        self._frames = frames
        self._read = read
        self._writer = writer
        self._ends = ends or ()
        self._silent = ends is None
        self._failure = failure
        self._as_stream = as_stream
        self._cutters: dict[int, Cutter] = {}
        self._finishes: dict[int, str] = {}
        self._usage: Usage | None = None
        self._pieces = self._written = 0
        self._cut = False

    def feed(self, data: bytes) -> Step:
        """Take what arrived; return the whole events in it. Raises `FrameTooLong`."""
        return self._take(self._frames.feed(data))

    def end(self) -> Step:
        """Take the end of the connection. A last event without its blank line still counts."""
        step = self._take(self._frames.end())
        if self.state > FINISHED:
            return step
        if self.state < FINISHED:
            self.state = BROKEN
            return step
        return Step(step.block, self._closed())

    def whole(self, answer: Members) -> Step:
        """Return all events of an answer that came in one piece."""
        step = self.feed(self._as_stream(answer) or b"")
        return step if self.state > FINISHED else Step(step.block, self.end().last)

    def written(self) -> int:
        """Return about how many tokens were relayed."""
        return max(self._pieces, self._written // 4)

    @property
    def counts(self) -> Usage | None:
        return self._usage

    def _take(self, events: list[bytes]) -> Step:
        blocks: list[bytes] = []
        for event in events:
            name, payload = fields_of(event)
            if not payload:
                continue
            self.events += 1
            blocks.append(self._event(name, payload))
            if self.state > FINISHED:
                return Step(b"".join(blocks[:-1]), blocks[-1])
        return Step(b"".join(blocks))

    def _event(self, name: bytes, payload: bytes) -> bytes:
        if payload.strip() == b"[DONE]":
            if self.state is FINISHED:
                return self._closed()
            self.state = BROKEN
            return b""
        read = self._read(payload)
        if name == b"error" or (read and read.failed):
            self.state, self.error = FAILED, payload
            return self._failure(self.events)
        return self._shown(read) if read else b""

    def _shown(self, read: Read) -> bytes:
        if read.usage:
            self._usage = read.usage
        events = [self._piece(piece) for piece in read.pieces if 0 <= piece.index < _MOST_COMPLETIONS]
        if self._cutters and len(self._finishes) == len(self._cutters):
            self.state = FINISHED
            if self._cut:  # the upstream would go on
                events.append(self._closed())
        return b"".join(events)

    def _piece(self, piece: Piece) -> bytes:
        if piece.index in self._finishes:
            return b""
        cutter = self._cutters.get(piece.index) or self._cutters.setdefault(piece.index, Cutter(self._ends))
        text = piece.text and cutter.feed(piece.text)
        if self.state is WAITING:
            self.state = OPENED
        if piece.finish:
            text += cutter.end()
        if cutter.cut or piece.finish:
            self._cut = self._cut or not piece.finish
            self._finishes[piece.index] = "stop" if cutter.cut else piece.finish or "stop"
        if not text or self._silent:
            return b""
        self._pieces += 1
        self._written += len(text) if text.isascii() else 4 * len(text)
        return self._writer.text(Piece(text, None, piece.index))

    def _closed(self) -> bytes:
        self.state = DONE
        finishes = [Piece(finish=reason, index=index) for index, reason in sorted(self._finishes.items())]
        return self._writer.end(finishes, self._usage)
