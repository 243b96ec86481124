"""What becomes of the pieces of an answer on their way to a client of Audio, and what shapes of requests share."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from gateway.dialects.endpoint import Endpoint
from gateway.dialects.usage import Usage
from gateway.translation.contract import Asked
from gateway.translation.uploads import Upload

Fields = dict[str, Any]


class Sink(Protocol):
    """Takes the chunks of one answer; returns the client's bytes."""

    @property
    def media_type(self) -> str:
        """Return what the client gets."""

    @property
    def seconds(self) -> float | None:
        """Return how long the sound is that was made; None where none was."""

    def read(self, chunk: Mapping[str, Any]) -> bytes:
        """Return what a chunk is to the client; may be nothing. Raises `UpstreamUnreachable`."""

    def end(self, usage: Usage | None) -> bytes:
        """Return what ends the answer. Raises `UpstreamUnreachable` where nothing came."""

    def written(self) -> int:
        """Return about how many tokens of text came."""


class Writing(msgspec.Struct, frozen=True):
    """One request as the upstream is asked it."""

    fields: Fields
    sink: Callable[[], Sink]
    uploads: tuple[Upload, ...] = ()
    dropped: tuple[str, ...] = ()
    """Members that the model does not take."""


class Shape(msgspec.Struct, frozen=True):
    """A kind of request to Gemini."""

    endpoint: Endpoint
    write: Callable[[Asked], Writing]
    """Raises `InvalidRequest` naming what the model takes."""
