"""The translations of code completion: a client's side, an upstream's side, and the model's family between them."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway import lenient, wire
from gateway.dialects.infill_stream import InfillRelay
from gateway.errors import UpstreamUnreachable
from gateway.payload import Encoded
from gateway.profiles.fim_family import Family
from gateway.translation.completion import writing
from gateway.translation.completion.answers import chosen
from gateway.translation.completion.cutting import cut
from gateway.translation.completion.gap import Gap
from gateway.translation.completion.pieces import Piece, Read
from gateway.translation.completion.relay import GapRelay
from gateway.translation.completion.sides import ClientSide, UpstreamSide
from gateway.translation.contract import Asked, Crossing, WholeOrStream
from gateway.wire import Members

_JSON = "application/json"


class FillGap(msgspec.Struct, frozen=True):
    """Asks an upstream of one dialect to fill the gap of a client of another."""

    client: ClientSide
    upstream: UpstreamSide
    family: Family | None = None

    def begin(self, asked: Asked) -> Crossing:
        """Read a client's request. Raises `InvalidRequest` naming the member at fault."""
        return _Filling(self, asked, self.client.read(asked.fields))

    def written(self, gap: Gap, asked: Asked) -> Members:
        """Return the members of the upstream's request. Raises `InvalidRequest`."""
        return self.upstream.write(gap, self.family)

    def lost(self, gap: Gap) -> Sequence[str]:
        """Return the client's members that the upstream does not get."""
        return gap.lost(self.upstream.options)


class SameDialect(FillGap, frozen=True):
    """Fills the template for a client of Completions: all other members go up as they came.

    Without a family only the empty suffix is left out, for a server that takes none.
    """

    def written(self, gap: Gap, asked: Asked) -> Members:
        sent = {name: raw for name, raw in asked.fields.items() if name != "suffix"}
        if self.family:
            wire.put(sent, "prompt", writing.template(gap, self.family))
            wire.put(sent, "stop", writing.stops_sent(gap, self.family))
        return sent

    def lost(self, gap: Gap) -> Sequence[str]:
        return ()


class SharedInfill:
    """Passes an infill on to a llama.cpp that is not its client's own."""

    def begin(self, asked: Asked) -> Crossing:
        return _Passing(asked)


class _Nothing:
    """A crossing of which nothing has to be kept."""

    @property
    def kept(self) -> Mapping[str, bytes]:
        return {}

    def wanted(self, found: Mapping[str, bytes]) -> Sequence[str]:
        return ()


class _Filling(_Nothing):
    def __init__(self, pair: FillGap, asked: Asked, gap: Gap) -> None:
        self._pair = pair
        self._asked = asked
        self._gap = gap

    @property
    def dropped(self) -> Sequence[str]:
        return self._pair.lost(self._gap)

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        asked, upstream = self._asked, self._pair.upstream.endpoint.upstream
        sent = self._pair.written(self._gap, asked)
        sent["model"] = asked.fields["model"]
        if asked.stream:
            wire.put(sent, "stream", True)
            if upstream.ask_for_usage and asked.count_usage:
                upstream.ask_for_usage(sent)
        return Encoded(_JSON, wire.encode(asked.shape(sent)))

    def answer(self, answer: Members) -> Members:
        upstream, ends = self._pair.upstream, self._ends()
        read = upstream.read_whole(wire.encode(answer)) or Read([])
        pieces = [_cut(piece, ends) for piece in read.pieces]
        usage = read.usage or upstream.endpoint.upstream.usage(answer)
        return self._pair.client.whole(self._asked.model, pieces, usage, self._asked.payload.fields)

    def relay(self) -> WholeOrStream:
        asked, upstream = self._asked, self._pair.upstream
        writer = self._pair.client.writer(asked.model, asked.payload.fields)
        as_stream = upstream.endpoint.upstream.as_stream
        return GapRelay(asked.framing.reader(), upstream.read_event, writer, self._ends(), self._failed, as_stream)

    def _ends(self) -> Sequence[str] | None:
        """Return what the answer is cut at here: stops that were not sent, and the model's own markers.

        None = nothing of the answer is wanted.
        """
        gap, most = self._gap, self._pair.upstream.most_stops
        if gap.warms:
            return None
        unsent = gap.stops[most:] if most is not None else ()
        return (*unsent, *writing.ends(gap, self._pair.family))

    def _failed(self, events: int) -> bytes:
        error = UpstreamUnreachable("The model's server failed within its answer. Try again.", code="upstream_error")
        return self._pair.client.dialect.error_event(error, "", events)


class _Passing(_Nothing):
    dropped = ()

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        return self._asked.payload.encoded(self._asked.shape(writing.through(self._asked.fields)))

    def answer(self, answer: Members) -> Members:
        """Return the answer with the members that `response_fields` names, all of them where it names none."""
        fields = self._asked.payload.fields
        if not lenient.says(fields.get("response_fields")):
            return answer
        found = {name: lenient.peek(answer, name) for name in answer}
        return wire.members(wire.encode(chosen(found, fields)))

    def relay(self) -> WholeOrStream:
        return InfillRelay(self._asked.model)


def _cut(piece: Piece, ends: Sequence[str] | None) -> Piece:
    """Return a whole completion up to the first of its ends; None = nothing of it is wanted."""
    text, found = ("", False) if ends is None else cut(piece.text, ends)
    return Piece(text, "stop" if found or piece.finish is None else piece.finish, piece.index)
