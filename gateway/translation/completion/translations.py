"""The translations of code completion: a client's side, an upstream's side, and the model's family between them."""

from collections.abc import Sequence

import msgspec

from gateway import lenient, wire
from gateway.dialects.framing import Framing
from gateway.dialects.infill_stream import InfillRelay
from gateway.dialects.relay import Relay
from gateway.errors import UpstreamUnreachable
from gateway.payload import Encoded, Payload
from gateway.profiles.fim import Family
from gateway.translation.completion import writing
from gateway.translation.completion.answers import chosen
from gateway.translation.completion.cutting import cut
from gateway.translation.completion.pieces import Piece, Read
from gateway.translation.completion.relay import GapRelay
from gateway.translation.completion.sides import ClientSide, UpstreamSide
from gateway.wire import Members

_JSON = "application/json"


class FillGap(msgspec.Struct, frozen=True):
    """Asks an upstream of one dialect to fill the gap of a client of another."""

    client: ClientSide
    upstream: UpstreamSide
    family: Family | None = None

    def request(self, payload: Payload, fields: Members, *, stream: bool, count_usage: bool = True) -> Encoded:
        """Return the upstream's request. Raises `InvalidRequest`."""
        sent = self.written(fields)
        sent["model"] = fields["model"]
        ask_for_usage = self.upstream.endpoint.upstream.ask_for_usage
        if stream:
            wire.put(sent, "stream", True)
            if ask_for_usage and count_usage:
                ask_for_usage(sent)
        return Encoded(_JSON, wire.encode(sent))

    def written(self, fields: Members) -> Members:
        """Return the members of the upstream's request."""
        return self.upstream.write(self.client.read(fields), self.family)

    def answer(self, answer: Members, fields: Members) -> Members:
        """Return the client's answer for the upstream's."""
        read = self.upstream.read_whole(wire.encode(answer)) or Read([])
        ends = self._ends(fields)
        pieces = [_cut(piece, ends) for piece in read.pieces]
        usage = read.usage or self.upstream.endpoint.upstream.usage(answer)
        return self.client.whole("", pieces, usage, fields)

    def relay(self, model: str, fields: Members, framing: Framing) -> Relay:
        """Return what writes the client's stream from the upstream's."""
        writer = self.client.writer(model, fields)
        return GapRelay(framing.reader(), self.upstream.read_event, writer, self._ends(fields), self._failed)

    def _ends(self, fields: Members) -> Sequence[str] | None:
        """Return what the answer is cut at here: stops that were not sent, and the model's own markers.

        None = nothing of the answer is wanted.
        """
        gap = self.client.read(fields)
        if gap.warms:
            return None
        unsent = gap.stops[self.upstream.most_stops :] if self.upstream.most_stops is not None else ()
        return (*unsent, *writing.ends(gap, self.family))

    def _failed(self, events: int) -> bytes:
        error = UpstreamUnreachable("The model's server failed within its answer. Try again.", code="upstream_error")
        return self.client.dialect.error_event(error, "", events)


class SameDialect(FillGap, frozen=True):
    """Fills the template for a client of Completions: all other members go up as they came.

    Without a family only the empty suffix is left out, for a server that takes none.
    """

    def written(self, fields: Members) -> Members:
        sent = {name: raw for name, raw in fields.items() if name != "suffix"}
        if self.family:
            gap = self.client.read(fields)
            wire.put(sent, "prompt", writing.template(gap, self.family))
            wire.put(sent, "stop", writing.stops_sent(gap, self.family))
        return sent


class SharedInfill(msgspec.Struct, frozen=True):
    """Passes an infill on to a llama.cpp that is not its client's own."""

    def request(self, payload: Payload, fields: Members, *, stream: bool, count_usage: bool = True) -> Encoded:
        return payload.encoded(writing.through(fields))

    def answer(self, answer: Members, fields: Members) -> Members:
        """Return the answer with the members that `response_fields` names, all of them where it names none."""
        if not lenient.says(fields.get("response_fields")):
            return answer
        found = {name: lenient.peek(answer, name) for name in answer}
        return wire.members(wire.encode(chosen(found, fields)))

    def relay(self, model: str, fields: Members, framing: Framing) -> Relay:
        return InfillRelay(model)


def _cut(piece: Piece, ends: Sequence[str] | None) -> Piece:
    """Return a whole completion up to the first of its ends; None = nothing of it is wanted."""
    text, found = ("", False) if ends is None else cut(piece.text, ends)
    return Piece(text, "stop" if found or piece.finish is None else piece.finish, piece.index)
