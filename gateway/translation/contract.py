"""What carries one exchange across two dialects."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from gateway.dialects.endpoint import Endpoint
from gateway.dialects.framing import SERVER_SENT_EVENTS, Framing
from gateway.dialects.relay import Relay, Step
from gateway.payload import Encoded, Payload
from gateway.profiles.profile import DEFAULT_PROFILE, Profile
from gateway.wire import Members

Shaping = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns the members of a request as one provider takes them."""


def unchanged(fields: dict[str, Any]) -> dict[str, Any]:
    return fields


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A client's request, as one upstream is to be asked it."""

    payload: Payload
    """As the client sent it."""
    fields: Members
    """The client's members with the upstream's model, and no person but a pseudonym."""
    model: str
    """Our name of the model."""
    known_model: str = ""
    """The name by which others know the upstream's model; empty = the one that the upstream is sent."""
    stream: bool
    count_usage: bool = True
    """False if the upstream refuses to be asked for the token counts of a stream."""
    framing: Framing = SERVER_SENT_EVENTS
    """Of the upstream's stream."""
    profile: Profile = DEFAULT_PROFILE
    shape: Shaping = unchanged
    """Runs before the members are encoded."""
    inlines: bool = False
    """True if media that the request names by address are wanted, to go up as bytes."""


class Crossing(Protocol):
    """One request on its way through a translation, and its answer on the way back. Pure."""

    @property
    def dropped(self) -> Sequence[str]:
        """Return what of the request the upstream does not get; complete after `encode`."""

    @property
    def kept(self) -> Mapping[str, bytes]:
        """Return what of the answer is to be kept for the caller, by key; complete at the end of the answer."""

    def wanted(self, found: Mapping[str, bytes]) -> Sequence[str]:
        """Return the keys of what earlier answers left with us and `found` lacks; what was not kept is there empty."""

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        """Return the upstream's request. Raises `InvalidRequest`."""

    def answer(self, answer: Members) -> Members:
        """Return the client's answer for the upstream's. Raises `NothingMade`, `UpstreamUnreachable`."""

    def relay(self) -> "WholeOrStream":
        """Return what writes the client's stream from the upstream's."""


class WholeOrStream(Relay, Protocol):
    """A relay that also takes the whole answer of an upstream that does not stream although asked to."""

    def whole(self, answer: Members) -> Step:
        """Return all events of an answer."""


@runtime_checkable
class Holding(Protocol):
    """A crossing that takes files into memory, which lie on the disk else."""

    @property
    def memory(self) -> int:
        """Return the bytes that its request takes."""


@runtime_checkable
class Converting(Protocol):
    """A relay whose client gets no events but something else."""

    @property
    def media_type(self) -> str:
        """Return what that is; known with its first piece."""


class Translation(Protocol):
    """A pair of dialects."""

    def begin(self, asked: Asked) -> Crossing:
        """Read a client's request. Raises `InvalidRequest` naming the member at fault."""


class Translated(msgspec.Struct, frozen=True):
    """The endpoint of an upstream that serves clients of another one, and the translation between them."""

    endpoint: Endpoint
    translation: Translation
