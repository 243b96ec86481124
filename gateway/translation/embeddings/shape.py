"""What a shape of requests for vectors is."""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.dialects.endpoint import Endpoint
from gateway.dialects.vectors import wrong_vectors
from gateway.translation.embeddings.asked import Asked
from gateway.wire import Members

Fields = dict[str, Any]
Vectors = list[msgspec.Raw]


class Shape(msgspec.Struct, frozen=True):
    """How an upstream is asked for vectors, and where they stand in its answer."""

    endpoint: Endpoint
    write: Callable[[Asked], Fields]
    """Returns the upstream's request. Raises `InvalidRequest` for what it does not take."""
    read: Callable[[Members], Vectors]
    """Returns the vectors, in the order of the texts. Raises `UpstreamUnreachable` where there are none."""
    takes: frozenset[str]
    """The client's members that are carried; others are dropped."""


def decoded(answer: Members, name: str, shape: Any) -> Any:
    """Return a member of an answer as `shape`, a type. Raises `UpstreamUnreachable` where it is none."""
    try:
        return msgspec.json.decode(answer.get(name, b"null"), type=shape)
    except (ValueError, RecursionError, OverflowError):
        raise wrong_vectors("answered without vectors where they should be") from None


def without_nothing(fields: Fields) -> Fields:
    """Return members without those that are None or empty objects."""
    return {name: value for name, value in fields.items() if value not in (None, {})}
