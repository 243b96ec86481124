"""What carries one exchange across two dialects."""

from typing import Protocol

import msgspec

from gateway.dialects.endpoint import Endpoint
from gateway.dialects.framing import Framing
from gateway.dialects.relay import Relay
from gateway.payload import Encoded, Payload
from gateway.wire import Members


class Translation(Protocol):
    """Pure: a request goes one way through it, an answer or a stream comes back the other."""

    def request(self, payload: Payload, fields: Members, *, stream: bool, count_usage: bool = True) -> Encoded:
        """Return the upstream's request. `fields` are the client's, with the upstream's model and no person.

        `count_usage` is false where the upstream refuses to be asked for the counts of a stream.
        """

    def answer(self, answer: Members, fields: Members) -> Members:
        """Return the client's answer for the upstream's; `fields` are the client's request."""

    def relay(self, model: str, fields: Members, framing: Framing) -> Relay:
        """Return what writes the client's stream under our name of the model, from the upstream's in `framing`."""


class Translated(msgspec.Struct, frozen=True):
    """The endpoint of an upstream that serves clients of another one, and the translation between them."""

    endpoint: Endpoint
    translation: Translation
