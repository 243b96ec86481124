"""What a dialect is: two roles that are never one object.

A client's request is checked, and its answer written, by the `ClientDialect` that it speaks; what an upstream sends is
read by the `UpstreamDialect` of that upstream. Where both speak the same dialect, the bytes go through untouched.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway import lenient
from gateway.dialects.framing import KEEPALIVE
from gateway.dialects.relay import NativeRelay
from gateway.dialects.usage import Usage
from gateway.errors import ApiError
from gateway.wire import Members

TOO_LONG = "context_length_exceeded"
"""The code of a prompt that does not fit the model's context window."""


def with_mark(error: ApiError, marks: tuple[str, ...]) -> str:
    """Return what an error says, for clients that know a prompt which is too long by its words: one of `marks`."""
    if error.code != TOO_LONG or any(mark in error.message.lower() for mark in marks):
        return error.message
    return f"{marks[0]} ({TOO_LONG}): {error.message}"


def _nothing(fields: Members) -> None:
    return None


def _no_cost(answer: Members, usd: float | None) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ClientDialect:
    """How requests name persons, and how errors and costs are told to the client."""

    error_body: Callable[[ApiError, str | None], bytes]
    """An error as an answer; takes the request's id."""
    error_event: Callable[[ApiError, str, int], bytes]
    """An error in a stream that has begun; takes the request's id and how many events were sent."""
    statuses: Mapping[int, int] = field(default_factory=dict)
    """HTTP statuses for which this dialect has another number."""
    put_cost: Callable[[Members, float | None], None] = _no_cost
    """Puts into a whole answer what it cost in USD, where the dialect has a place for it."""
    put_usage: Callable[[Members, Usage], bool] | None = None
    """Puts into a whole answer the counts that clients need and its upstream left out; returns whether it did."""
    fails_with_answer: bool = False
    """Clients want an answer that announced itself and failed as it is, rather than an HTTP error."""
    drops_silently: bool = False
    """Clients show every error, and ignore an empty answer (204): they get that for what nobody waits for any more."""
    keepalive: bytes = KEEPALIVE
    """Sent in the silence of a stream."""
    personal: tuple[str, ...] = ()
    """Members of a request that may name a person; `outer.inner` is a member of a member."""
    too_long: tuple[str, ...] = (TOO_LONG,)
    """By one of these, in small letters, clients know an error of a prompt that is too long."""

    def status(self, error: ApiError) -> int:
        """Return the HTTP status of an error."""
        return self.statuses.get(error.status, error.status)


@dataclass(frozen=True, slots=True)
class UpstreamDialect:
    """How an upstream is asked, and how its answers, errors, counts and streams are read."""

    is_error: Callable[[Members], bool]
    """Whether an error answer has this dialect's own shape, so that it may be passed on untouched."""
    failure: Callable[[Members], bool]
    """Whether a whole answer with status 200 is an error."""
    usage: Callable[[Members], Usage | None]
    """The counts of a whole answer."""
    relay: Callable[[str, Members], NativeRelay]
    """Sends a stream on to a client of the same dialect; takes our name of the model and the client's request."""
    read: Callable[[bytes], Members] = lenient.members
    """Cuts a whole answer into its members. Raises one of `lenient.UNREADABLE`."""
    ask_for_usage: Callable[[Members], None] | None = None
    """Makes an upstream count the tokens of a stream, where it does so only when asked."""
    as_stream: Callable[[Members], bytes | None] = _nothing
    """A whole answer as a stream, for upstreams that do not stream although asked to; None = it cannot be one."""
    answer_id: Callable[[Members], str | None] = _nothing
    """By which id the client may continue a whole answer, where the upstream remembers it."""
    forwarded: Mapping[str, str | None] = field(default_factory=dict)
    """The client's headers that the upstream gets, and what it gets where the client sent none."""
    told: Mapping[str, str] = field(default_factory=dict)
    """Headers of its answers that hold a number, and the members as which that is read where the body has none."""
    query: frozenset[str] = frozenset()
    """The parts of a client's query that the upstream gets; nothing else of it travels."""
