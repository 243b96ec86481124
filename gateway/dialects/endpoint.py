"""What a client calls, as a row: every endpoint of the gateway, and every endpoint of an upstream, is one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.estimates import estimate_json, estimate_texts
from gateway.dialects.usage import Usage
from gateway.wire import Members

BodyKind = Literal["json", "multipart"]
JSON, ANYTHING = "application/json", "*/*"
GAP, END = "gap", "end"
"""Variants of the endpoints for code completion: text stands after the cursor, or none does."""


class PerCall(NamedTuple):
    """How much an upstream takes in one call; None = any number."""

    inputs: int | None = None
    size: int | None = None
    """Bytes of all inputs together, where the upstream limits their tokens; one input is never cut."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How a request with a list of inputs is asked in several calls, and what must be true of answers to it."""

    split: Callable[[Members, PerCall], list[Members]]
    """Returns a request as requests of at most so many inputs each, in order."""
    join: Callable[[Sequence[Members]], Members]
    """Returns the answers to them as one, without their counts of tokens."""
    checked: Callable[[Members, Members], Members]
    """Returns an upstream's answer as the request, which comes first, wants it. Raises `UpstreamUnreachable`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint, in both of its roles: what our clients call, and what an upstream serves."""

    dialect: str
    """Its name in the ledger and in a deployment's `dialects:`."""
    path: str
    """Below `/v1` here, and below the upstream's base URL."""
    modes: tuple[str, ...]
    """The modes of model that it serves."""
    check: Callable[[Members], None]
    """Raises `InvalidRequest` naming the field at fault."""
    client: ClientDialect
    upstream: UpstreamDialect
    prompt: tuple[str, ...]
    """The members that the model reads."""
    answer: tuple[str, ...] = ()
    """The members of a whole answer that hold what the model wrote; empty = it writes no text."""
    body: BodyKind = "json"
    files: tuple[str, ...] = ()
    """Names of a form's parts of which one must be a file."""
    accept: str = JSON
    """The media type of whole answers; with `ANYTHING` they pass as they come where they are no JSON."""
    streams: bool = True
    wants_stream: Callable[[Members], bool] | None = None
    """Returns whether a request asks for events; None = its member `stream` says so."""
    task: str = "chat"
    """The ledger's task where nobody names another."""
    pseudonym: str | None = None
    """The member that takes our pseudonym of the person, for providers that want one."""
    optional: bool = False
    """Upstreams that speak the dialect may still lack this endpoint: their 404 says no more than that."""
    names_model: bool = True
    """Its answers say which model made them."""
    most: Callable[[Members], Usage] | None = None
    """Returns the most that a request can use of what is no token: images, search units."""
    told: Callable[[Usage, Members], Usage] | None = None
    """Returns the counts of an answer with what a price turns on and only the request tells."""
    counts: tuple[str, ...] = ()
    """The members whose tokens it counts, if that is all it does: such requests pass by queue and limits."""
    length: str | None = None
    """The member that limits an answer's tokens, where a policy may lower it."""
    also: tuple[str, ...] = ()
    """Further addresses here, from the root, which some clients call; they may have parts such as `{model}`."""
    addressed: Callable[[str, Members], None] | None = None
    """Puts into the members what clients say in the address, whose path it takes."""
    model_optional: bool = False
    """Its clients may name no model: the only one for completion that the key may use is meant."""
    warms: Callable[[Members], bool] | None = None
    """Returns whether a request only fills the server's cache."""
    variant: str = ""
    """Tells apart the endpoints of one path: requests of different kinds may be served by different deployments."""
    refine: "Callable[[Members], Endpoint] | None" = None
    """Returns the variant that serves a request."""
    batching: Batching | None = None
    """Its requests hold lists of inputs, of which an upstream may take fewer in one call."""
    per_call: Callable[[str], PerCall] | None = None
    """Returns how many inputs an upstream's model takes in one call."""

    def prompt_tokens(self, fields: Members) -> int:
        """Return about how many tokens a request's prompt has."""
        return sum(estimate_json(bytes(fields[name])) for name in self.prompt if name in fields)

    def answer_tokens(self, answer: Members) -> int:
        """Return about how many tokens the model wrote in a whole answer."""
        return sum(estimate_texts(answer[name]) for name in self.answer if name in answer)
