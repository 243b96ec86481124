"""The two shapes that all APIs are data for: how a wire looks, and one endpoint of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.dialects.usage import Usage, estimate_json, estimate_texts
from gateway.errors import ApiError
from gateway.streaming import Relay
from gateway.wire import Members


def _nothing(fields: Members) -> None:
    return None


def _no_cost(answer: Members, usd: float | None) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How errors, counts and streams look on one wire."""

    error_body: Callable[[ApiError, str | None], bytes]
    """An error as an answer; takes the request's id."""
    error_event: Callable[[ApiError, str, int], bytes]
    """An error in a stream that has begun; takes the request's id and how many events were sent."""
    is_error: Callable[[Members], bool]
    """Whether an error answer has this wire's own shape, so that it may be passed on untouched."""
    failure: Callable[[Members], bool]
    """Whether a whole answer with status 200 is an error."""
    usage: Callable[[Members], Usage | None]
    """The token counts of a whole answer."""
    relay: Callable[[str, Members], Relay]
    """Reads a stream; takes our name of the model and the client's request."""
    ask_for_usage: Callable[[Members], None] = _nothing
    """Makes an upstream count the tokens of a stream, where it does so only when asked."""
    asks_for_usage: bool = False
    """Whether `ask_for_usage` adds anything."""
    put_cost: Callable[[Members, float | None], None] = _no_cost
    """Tells in a whole answer what it cost in USD, where this wire has a place for it."""
    as_stream: Callable[[Members], bytes | None] = _nothing
    """A whole answer as a stream, for upstreams that do not stream although asked to; None = it cannot be one."""
    fails_with_answer: bool = False
    """Clients want an answer that announced itself and failed as it is, rather than an HTTP error."""
    answer_id: Callable[[Members], str | None] = _nothing
    """By which id the client may continue a whole answer, where the upstream remembers it."""
    statuses: Mapping[int, int] = field(default_factory=dict)
    """HTTP statuses that this wire has another number for."""
    forwarded: Mapping[str, str | None] = field(default_factory=dict)
    """The client's headers that the upstream gets, and what it gets where the client sent none."""
    query: frozenset[str] = frozenset()
    """The parts of a client's query that the upstream gets; nothing else of it travels."""
    personal: tuple[str, ...] = ()
    """Members that may name a person; `outer.inner` is a member of a member."""

    def status(self, error: ApiError) -> int:
        return self.statuses.get(error.status, error.status)


@dataclass(frozen=True, slots=True)
class Family:
    """One endpoint."""

    api: str
    """Its name in the ledger and in `dialects:`."""
    path: str
    """Below the upstream's base URL."""
    modes: tuple[str, ...]
    """The modes of model that it serves."""
    check: Callable[[Members], None]
    """Raises `InvalidRequest` naming the field at fault."""
    dialect: Dialect
    prompt: tuple[str, ...]
    """The members that the model reads."""
    answer: tuple[str, ...] = ()
    """The members of a whole answer that hold what the model wrote; empty = it writes nothing."""
    streams: bool = True
    task: str = "chat"
    """The ledger's task where nobody names another."""
    pseudonym: str | None = None
    """The member that takes our pseudonym of the person, for providers that want one."""
    optional: bool = False
    """Upstreams that speak the dialect may still lack this endpoint: their 404 says no more than that."""
    names_model: bool = True
    """Its answers say which model made them."""

    def prompt_tokens(self, fields: Members) -> int:
        """About how many tokens a request's prompt has."""
        return sum(estimate_json(bytes(fields[name])) for name in self.prompt if name in fields)

    def answer_tokens(self, answer: Members) -> int:
        """About how many tokens the model wrote in a whole answer."""
        return sum(estimate_texts(answer[name]) for name in self.answer if name in answer)
